"""Log survival of each family, in both tails, for NumPy and PyTensor."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from scipy import special, stats

from forecast.model.latency import LATENCIES, NUMPY, log_interval
from forecast.model.tensors import TENSORS

TAILS = np.array([-300.0, -40.0, -12.0, -3.0, -1.0, -0.2, 0.0, 0.2, 1.0, 3.0, 12.0, 40.0, 300.0])


def exact_normal_sf(z: Decimal) -> Decimal:
    """Laplace's continued fraction, for z well above 0."""
    mills = z
    for n in range(1500, 0, -1):
        mills = z + n / mills
    return (-z * z / 2).exp() / (mills * Decimal(np.sqrt(2 * np.pi)))


#: Family -> log survival by another formula, its derivative, log survival in 60 digits; k is the tail.
ORACLES: dict[str, tuple[Callable, Callable, Callable]] = {
    "log_logistic": (
        lambda z, _k: np.where(z > 0, -z - np.log1p(np.exp(-np.abs(z))), -np.log1p(np.exp(-np.abs(z)))),
        lambda z, _k: -special.expit(z),
        lambda z, _k: -(1 + z.exp()).ln(),
    ),
    "log_normal": (
        lambda z, _k: np.where(
            z > 0, np.log(special.erfcx(np.abs(z) / np.sqrt(2)) / 2) - z**2 / 2, np.log1p(-special.ndtr(-np.abs(z)))
        ),
        lambda z, _k: np.where(z > -30, -np.sqrt(2 / np.pi) / special.erfcx(np.maximum(z, -30) / np.sqrt(2)), 0.0),
        lambda z, _k: exact_normal_sf(z).ln(),
    ),
    "weibull": (
        lambda z, _k: stats.gumbel_l.logsf(z),
        lambda z, _k: -np.exp(z),
        lambda z, _k: -z.exp(),
    ),
    "burr_xii": (
        lambda z, k: np.where(
            z > 0, -k * (z - np.log(k) + np.log1p(k * np.exp(-np.abs(z)))), -k * np.log1p(np.exp(-np.abs(z)) / k)
        ),
        lambda z, k: -1 / (np.exp(-z) + 1 / k),
        lambda z, k: -k * (1 + z.exp() / k).ln(),
    ),
}

#: Families, the last with tails heavier and lighter than the log-logistic's.
CASES = [("log_logistic", 1.0), ("log_normal", 1.0), ("weibull", 1.0), ("burr_xii", 0.4), ("burr_xii", 3.0)]
every_family = pytest.mark.parametrize(("name", "tail"), CASES)


def log_sf(name: str, z: Any, tail: float, xp: Any = NUMPY) -> Any:
    return LATENCIES[name].log_sf(z, np.float64(tail), xp)


def test_every_family_is_held_against_another_source() -> None:
    assert set(ORACLES) == {name for name, _ in CASES} == set(LATENCIES)


@every_family
@pytest.mark.parametrize(("mu", "sigma"), [(4.5, 1.0), (0.0, 0.5), (8.0, 2.5)])
def test_log_survival_is_scipys(times: Callable[..., Any], name: str, tail: float, mu: float, sigma: float) -> None:
    days = np.exp(mu + sigma * np.linspace(-8, 30, 77))
    found = log_sf(name, (np.log(days) - mu) / sigma, tail)
    # scipy's log-logistic is 1 - cdf, good to 1e-15 only
    np.testing.assert_allclose(np.exp(found), times(name, mu, sigma, tail).sf(days), rtol=1e-9, atol=1e-15)


@every_family
def test_log_survival_keeps_its_digits_in_both_tails(name: str, tail: float) -> None:
    np.testing.assert_allclose(log_sf(name, TAILS, tail), ORACLES[name][0](TAILS, tail), rtol=1e-13)


@every_family
@pytest.mark.parametrize(("start", "end"), [(3.0, 3.001), (8.0, 8.5), (20.0, 20.01), (37.0, 40.0), (39.0, 39.0001)])
def test_the_chance_of_an_interval_keeps_its_digits_in_the_far_tail(
    name: str, tail: float, start: float, end: float
) -> None:
    with localcontext(prec=60):
        at_start, at_end = (ORACLES[name][2](Decimal(z), Decimal(tail)) for z in (start, end))
        exact = float(at_start + (1 - (at_end - at_start).exp()).ln())
    found = log_interval(log_sf(name, np.float64(start), tail), log_sf(name, np.float64(end), tail))
    assert found == pytest.approx(exact, abs=1e-8, rel=1e-13)


@every_family
def test_the_chances_of_a_chain_of_intervals_add_up_to_one(name: str, tail: float) -> None:
    at = log_sf(name, np.linspace(-30, 9, 50), tail)
    total = np.exp(log_interval(at[:-1], at[1:])).sum() + np.exp(at[-1])
    assert total == pytest.approx(1, abs=1e-12)


@every_family
def test_pytensor_gives_the_same_log_survival_and_minus_the_hazard_as_its_gradient(name: str, tail: float) -> None:
    z = pt.vector("z")
    symbol = log_sf(name, z, tail, TENSORS)
    value, gradient = pytensor.function([z], [symbol, pt.grad(symbol.sum(), z)], mode="FAST_COMPILE")(TAILS)
    np.testing.assert_allclose(value, log_sf(name, TAILS, tail), rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(gradient, ORACLES[name][1](TAILS, tail), rtol=1e-11, atol=1e-150)


@every_family
def test_pytensor_gives_the_same_chance_of_an_interval_with_a_finite_gradient(name: str, tail: float) -> None:
    z = pt.vector("z")
    log_chance = log_interval(*(log_sf(name, z + more, tail, TENSORS) for more in (0, 0.25)), TENSORS)
    at = np.array([-30.0, -5.0, 0.0, 5.0, 35.0])
    value, gradient = pytensor.function([z], [log_chance, pt.grad(log_chance.sum(), z)], mode="FAST_COMPILE")(at)

    def chance(shift: float) -> Any:
        return log_interval(log_sf(name, at + shift, tail), log_sf(name, at + shift + 0.25, tail))

    np.testing.assert_allclose(value, chance(0))
    np.testing.assert_allclose(gradient, (chance(1e-5) - chance(-1e-5)) / 2e-5, rtol=1e-4, atol=1e-5)


# --- The tail ----------------------------------------------------------------------------------------------------


def test_the_burr_xii_is_the_log_logistic_at_one_and_the_weibull_in_the_limit() -> None:
    np.testing.assert_array_equal(log_sf("burr_xii", TAILS, 1.0), log_sf("log_logistic", TAILS, 1.0))
    near = TAILS[(TAILS > -40) & (TAILS < 4)]
    np.testing.assert_allclose(log_sf("burr_xii", near, 1e6), log_sf("weibull", near, 1.0), rtol=np.exp(3.0) / 1e6)


def test_the_smaller_the_tail_parameter_the_more_survive_in_the_end() -> None:
    far = [log_sf("burr_xii", np.float64(12.0), tail) for tail in (0.4, 1.0, 3.0, 30.0)]
    assert (np.diff(far) < -1).all()


def test_no_other_family_reads_the_tail() -> None:
    moved = {name for name in LATENCIES if not np.array_equal(log_sf(name, TAILS, 1.0), log_sf(name, TAILS, 3.0))}
    assert moved == {"burr_xii"}


def test_pytensor_gives_the_gradient_along_the_tail() -> None:
    tail = pt.scalar("tail")
    total = LATENCIES["burr_xii"].log_sf(pt.as_tensor(TAILS), tail, TENSORS).sum()
    found = pytensor.function([tail], pt.grad(total, tail), mode="FAST_COMPILE")(0.7)
    slope = (log_sf("burr_xii", TAILS, 0.7 + 1e-6) - log_sf("burr_xii", TAILS, 0.7 - 1e-6)).sum() / 2e-6
    assert found == pytest.approx(slope, rel=1e-6)
