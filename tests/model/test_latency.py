"""Log survival of each family, in both tails, for NumPy and PyTensor."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from scipy import special, stats

from forecast.model.latency import LATENCIES, NUMPY, log_interval
from forecast.model.tensors import TENSORS

TAILS = np.array([-300.0, -40.0, -12.0, -3.0, -1.0, -0.2, 0.0, 0.2, 1.0, 3.0, 12.0, 40.0, 300.0])


def exact_logistic_sf(z: Decimal) -> Decimal:
    return 1 / (1 + z.exp())


def exact_normal_sf(z: Decimal) -> Decimal:
    """Laplace's continued fraction, for z well above 0."""
    mills = z
    for n in range(1500, 0, -1):
        mills = z + n / mills
    return (-z * z / 2).exp() / (mills * Decimal(np.sqrt(2 * np.pi)))


#: Family -> scipy's distribution of time, log survival by another formula, its derivative, survival in 60 digits.
ORACLES: dict[str, tuple[Callable, Callable, Callable, Callable]] = {
    "log_logistic": (
        lambda mu, sigma: stats.fisk(1 / sigma, scale=np.exp(mu)),
        lambda z: np.where(z > 0, -z - np.log1p(np.exp(-np.abs(z))), -np.log1p(np.exp(-np.abs(z)))),
        lambda z: -special.expit(z),
        exact_logistic_sf,
    ),
    "log_normal": (
        lambda mu, sigma: stats.lognorm(sigma, scale=np.exp(mu)),
        lambda z: np.where(
            z > 0, np.log(special.erfcx(np.abs(z) / np.sqrt(2)) / 2) - z**2 / 2, np.log1p(-special.ndtr(-np.abs(z)))
        ),
        lambda z: np.where(z > -30, -np.sqrt(2 / np.pi) / special.erfcx(np.maximum(z, -30) / np.sqrt(2)), 0.0),
        exact_normal_sf,
    ),
}


def test_every_family_is_held_against_another_source() -> None:
    assert set(ORACLES) == set(LATENCIES)


@pytest.mark.parametrize("name", LATENCIES)
@pytest.mark.parametrize(("mu", "sigma"), [(4.5, 1.0), (0.0, 0.5), (8.0, 2.5)])
def test_log_survival_is_scipys(name: str, mu: float, sigma: float) -> None:
    days = np.exp(mu + sigma * np.linspace(-8, 30, 77))
    found = LATENCIES[name].log_sf((np.log(days) - mu) / sigma, NUMPY)
    # scipy's log-logistic is 1 - cdf, good to 1e-15 only
    np.testing.assert_allclose(np.exp(found), ORACLES[name][0](mu, sigma).sf(days), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", LATENCIES)
def test_log_survival_keeps_its_digits_in_both_tails(name: str) -> None:
    np.testing.assert_allclose(LATENCIES[name].log_sf(TAILS, NUMPY), ORACLES[name][1](TAILS), rtol=1e-13)


@pytest.mark.parametrize("name", LATENCIES)
@pytest.mark.parametrize(("start", "end"), [(3.0, 3.001), (8.0, 8.5), (20.0, 20.01), (37.0, 40.0), (39.0, 39.0001)])
def test_the_chance_of_an_interval_keeps_its_digits_in_the_far_tail(name: str, start: float, end: float) -> None:
    with localcontext(prec=60):
        survival = ORACLES[name][3]
        exact = float((survival(Decimal(start)) - survival(Decimal(end))).ln())
    log_sf = LATENCIES[name].log_sf
    found = log_interval(log_sf(np.float64(start), NUMPY), log_sf(np.float64(end), NUMPY))
    assert found == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("name", LATENCIES)
def test_the_chances_of_a_chain_of_intervals_add_up_to_one(name: str) -> None:
    log_sf = LATENCIES[name].log_sf(np.linspace(-30, 9, 50), NUMPY)
    total = np.exp(log_interval(log_sf[:-1], log_sf[1:])).sum() + np.exp(log_sf[-1])
    assert total == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("name", LATENCIES)
def test_pytensor_gives_the_same_log_survival_and_minus_the_hazard_as_its_gradient(name: str) -> None:
    z = pt.vector("z")
    log_sf = LATENCIES[name].log_sf(z, TENSORS)
    value, gradient = pytensor.function([z], [log_sf, pt.grad(log_sf.sum(), z)], mode="FAST_COMPILE")(TAILS)
    np.testing.assert_allclose(value, LATENCIES[name].log_sf(TAILS, NUMPY), rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(gradient, ORACLES[name][2](TAILS), rtol=1e-11, atol=1e-150)


@pytest.mark.parametrize("name", LATENCIES)
def test_pytensor_gives_the_same_chance_of_an_interval_with_a_finite_gradient(name: str) -> None:
    z, family = pt.vector("z"), LATENCIES[name]
    log_chance = log_interval(family.log_sf(z, TENSORS), family.log_sf(z + 0.25, TENSORS), TENSORS)
    at = np.array([-30.0, -5.0, 0.0, 5.0, 35.0])
    value, gradient = pytensor.function([z], [log_chance, pt.grad(log_chance.sum(), z)], mode="FAST_COMPILE")(at)
    np.testing.assert_allclose(value, log_interval(family.log_sf(at, NUMPY), family.log_sf(at + 0.25, NUMPY)))
    up, down = (log_interval(family.log_sf(at + h, NUMPY), family.log_sf(at + h + 0.25, NUMPY)) for h in (1e-5, -1e-5))
    np.testing.assert_allclose(gradient, (up - down) / 2e-5, rtol=1e-4, atol=1e-5)
