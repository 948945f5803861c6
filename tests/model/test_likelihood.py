"""The likelihood of segments against lifelines, and against sums and integrals that must come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import lifelines
import numpy as np
import pytest
from scipy import integrate

from forecast.model.design import NO_PART
from forecast.model.latency import LATENCIES
from forecast.model.likelihood import (
    NODES,
    Predictors,
    average_nodes,
    log_survival,
    opened_loglik,
    survived_loglik,
)

FITTERS = {
    "log_logistic": lifelines.LogLogisticFitter,
    "log_normal": lifelines.LogNormalFitter,
    "weibull": lifelines.WeibullFitter,
}
K = 0.6  # tail of the family that has one
TWO_KINDS = Predictors(odds=0.4, part=-0.9, time=4.2, shape=np.exp(0.1), part_time=0.5, part_shape=np.exp(-0.3), tail=K)
SURE = 40.0  # log odds of ever opening at which never is as good as impossible
EXACT = 1e-4  # days: a window that stands for an exactly known day


def loglik(
    name: str, p: Predictors, start: Any, end: Any, opened: Any, part: Any = 0.0, with_share: Any = 1.0
) -> np.ndarray:
    """Of openings between two days where ``opened`` is 1, of survival to the end day where it is 0."""
    start, end, opened, part, with_share = np.broadcast_arrays(start, end, opened, part, with_share)
    yes, found = opened > 0, np.empty(opened.shape)
    window = np.log(np.maximum(start[yes], 1e-300)), np.log(end[yes])
    found[yes] = opened_loglik(*window, part[yes], with_share[yes], p, LATENCIES[name])
    found[~yes] = survived_loglik(np.log(end[~yes]), p, LATENCIES[name])
    return found


# --- Against lifelines -------------------------------------------------------------------------------------------


def predictors(name: str, fitter: Any) -> Predictors:
    """The parameters that lifelines found, as the model's; openings in part cannot happen."""
    time, spread = {
        "log_logistic": lambda: (np.log(fitter.alpha_), 1 / fitter.beta_),
        "log_normal": lambda: (fitter.mu_, fitter.sigma_),
        "weibull": lambda: (np.log(fitter.lambda_), 1 / fitter.rho_),
    }[name]()
    never = getattr(fitter, "cured_fraction_", None)
    odds = SURE if never is None else np.log((1 - never) / never)
    return Predictors(odds=odds, part=NO_PART, time=time, shape=1 / spread, part_time=0.0, part_shape=1.0)


def right_censored(name: str, p: Predictors, seen: np.ndarray, opened: np.ndarray) -> float:
    """Log density of what lifelines takes as exact days, log survival of the rest."""
    exact = loglik(name, p, seen - EXACT / 2, seen + EXACT / 2, 1.0) - np.log(EXACT)
    return float(np.where(opened, exact, loglik(name, p, seen, seen, 0.0)).sum())


@pytest.mark.parametrize("cure", [False, True], ids=["all open", "some never"])
@pytest.mark.parametrize("delayed", [False, True], ids=["from debut", "delayed entry"])
@pytest.mark.parametrize("name", FITTERS)
def test_right_censoring_is_lifelines(name: str, delayed: bool, cure: bool, lags: dict[str, np.ndarray]) -> None:
    fitter = FITTERS[name]()
    fitter = lifelines.MixtureCureFitter(base_fitter=fitter) if cure else fitter
    entry = lags["entry"] if delayed else np.zeros(300)
    fitter.fit_right_censoring(lags["seen"], lags["opened"], entry=entry if delayed else None)
    p = predictors(name, fitter)
    found = right_censored(name, p, lags["seen"], lags["opened"])
    late = entry[entry > 0]
    found -= loglik(name, p, late, late, 0.0).sum()  # a normaliser enters with the sign -1
    assert not cure or 0.1 < fitter.cured_fraction_ < 0.9
    assert found == pytest.approx(fitter.log_likelihood_, abs=1e-6)


@pytest.mark.parametrize("name", FITTERS)
def test_left_censoring_is_lifelines(name: str, lags: dict[str, np.ndarray]) -> None:
    fitter = FITTERS[name]().fit_left_censoring(lags["seen"], lags["opened"])
    p = predictors(name, fitter)
    by = loglik(name, p, 0.0, lags["seen"], 1.0)
    exact = loglik(name, p, lags["seen"] - EXACT / 2, lags["seen"] + EXACT / 2, 1.0) - np.log(EXACT)
    assert np.where(lags["opened"], exact, by).sum() == pytest.approx(fitter.log_likelihood_, abs=1e-6)


@pytest.mark.parametrize("name", FITTERS)
def test_interval_censoring_is_lifelines(name: str, lags: dict[str, np.ndarray]) -> None:
    """Without a never fraction: lifelines takes a window without end as an opening in it."""
    start = np.maximum(lags["start"], 1e-20)  # its own first moment
    fitter = FITTERS[name]().fit_interval_censoring(start, lags["end"])
    last = np.where(lags["opened"], lags["end"], start)
    found = loglik(name, predictors(name, fitter), start, last, lags["opened"])
    assert found.sum() == pytest.approx(fitter.log_likelihood_, abs=1e-6)


# --- Two kinds of opening and never ------------------------------------------------------------------------------

EDGES = np.array([0.0, 1.0, 8.0, 30.0, 90.0, 365.0, 3000.0])


@pytest.mark.parametrize("name", LATENCIES)
@pytest.mark.parametrize("entry", [0.0, 30.0])
def test_the_chances_of_all_outcomes_add_up_to_one(name: str, entry: float) -> None:
    edges = EDGES[entry <= EDGES]
    ways = [loglik(name, TWO_KINDS, edges[:-1], edges[1:], 1.0, part=k) for k in (0.0, 1.0)]
    ways.append(loglik(name, TWO_KINDS, edges[-1], edges[-1], 0.0))
    entered = loglik(name, TWO_KINDS, max(entry, 1e-300), max(entry, 1e-300), 0.0)
    assert np.exp(np.hstack(ways) - entered).sum() == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("name", LATENCIES)
def test_each_outcome_has_the_chance_written_by_hand(times: Callable[..., Any], name: str) -> None:
    weights = np.exp([0.4, 0.4 - 0.9, 0.0])
    full, part, never = weights / weights.sum()
    in_full, in_part = times(name, 4.2, np.exp(-0.1), K), times(name, 4.2 + 0.5, np.exp(-0.1 + 0.3), K)
    expected = [
        full * (in_full.cdf(90) - in_full.cdf(30)),
        part * (in_part.cdf(90) - in_part.cdf(30)),
        never + full * in_full.sf(90) + part * in_part.sf(90),
    ]
    found = loglik(name, TWO_KINDS, [30, 30, 90], 90, [1, 1, 0], part=[0, 1, 0])
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-10)
    assert np.exp(log_survival(np.log(90.0), 1.0, TWO_KINDS, LATENCIES[name])) == pytest.approx(in_part.sf(90))


@pytest.mark.parametrize("name", LATENCIES)
@pytest.mark.parametrize("part", [0.0, 1.0])
def test_rows_known_because_they_opened_have_a_chance_given_that_they_opened_in_time(
    times: Callable[..., Any], name: str, part: float
) -> None:
    """Right truncation at 500 days: the window's chance given the kind, over that of opening by then."""
    edges = np.array([0.0, 10.0, 200.0, 500.0])
    inside = loglik(name, TWO_KINDS, edges[:-1], edges[1:], 1.0, part=part, with_share=0.0)
    by_then = loglik(name, TWO_KINDS, 0.0, 500.0, 1.0, part=part, with_share=0.0)
    cdf = times(name, 4.2 + part * 0.5, np.exp(-0.1 + part * 0.3), K).cdf
    np.testing.assert_allclose(np.exp(inside - by_then), np.diff(cdf(edges)) / cdf(500), rtol=1e-10)
    assert np.exp(inside - by_then).sum() == pytest.approx(1, abs=1e-12)
    assert np.exp(by_then) == pytest.approx(cdf(500), rel=1e-10)


@pytest.mark.parametrize("name", LATENCIES)
def test_openings_in_part_that_cannot_happen_leave_the_model_of_one_kind(times: Callable[..., Any], name: str) -> None:
    ever, cdf = 1 / (1 + np.exp(-0.4)), times(name, 4.2, np.exp(-0.1), K).cdf
    found = loglik(name, replace(TWO_KINDS, part=NO_PART), [30, 90], 90, [1, 0])
    expected = [ever * (cdf(90) - cdf(30)), 1 - ever * cdf(90)]
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-10)


# --- An uncertain debut day --------------------------------------------------------------------------------------


def average(value: Callable[[float], float], window: float) -> float:
    return float(average_nodes(*(value(x * window) for x in NODES)))


@pytest.mark.parametrize("name", LATENCIES)
@pytest.mark.parametrize(
    ("window", "start", "end", "opened", "tolerance"),
    [
        pytest.param(1, 10, 11, 1.0, 1e-6, id="a day"),
        pytest.param(1, 1, 2, 1.0, 1e-3, id="the day after"),
        pytest.param(31, 120, 121, 1.0, 1e-5, id="a month"),
        pytest.param(31, 60, 91, 1.0, 1e-4, id="a month, opened in a month"),
        pytest.param(366, 800, 801, 1.0, 1e-3, id="a year"),
        pytest.param(31, 60, 60, 0.0, 1e-6, id="a month, survived"),
        pytest.param(366, 900, 900, 0.0, 1e-5, id="a year, survived"),
    ],
)
def test_an_uncertain_debut_day_is_averaged_over(
    name: str, window: float, start: float, end: float, opened: float, tolerance: float
) -> None:
    def value(shift: float) -> float:
        return float(loglik(name, TWO_KINDS, start - shift, end - shift, opened))

    if (name, window, opened) == ("weibull", 366, 1.0):
        tolerance = 0.03  # ten times its scale away, the chance changes a thousandfold over the year
    mean = integrate.quad(lambda shift: np.exp(value(shift)), 0, window, epsabs=0, epsrel=1e-10)[0] / window
    assert average(value, window) == pytest.approx(np.log(mean), abs=tolerance)


@pytest.mark.parametrize("degree", range(6))
def test_the_average_is_exact_up_to_the_fifth_power(degree: int) -> None:
    found = np.exp(average(lambda x: degree * np.log(x), 3.0))
    assert found == pytest.approx(3.0**degree / (degree + 1), rel=1e-12)


@pytest.mark.parametrize("level", [-3000.0, 0.0])
def test_the_average_stays_on_the_log_scale(level: float) -> None:
    found = average_nodes(level - 1, level, level - 60)
    assert found == pytest.approx(level + np.log(4 / 9 + 5 / 18 * np.exp(-1)), abs=1e-9)


def test_the_average_is_finite_where_the_middle_of_the_debut_window_is_hopeless() -> None:
    assert average_nodes(-5.0, -800.0, -900.0) == pytest.approx(-5 + np.log(5 / 18), abs=1e-9)
