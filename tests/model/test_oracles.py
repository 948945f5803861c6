"""The log-likelihood of segments against SurPyval, R's survival package and a published limited failure population."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import surpyval
from autograd import numpy as traced  # SurPyval differentiates what it is given
from scipy import optimize
from surpyval.datasets import load_meeker_lfp

from forecast.model.design import NO_PART
from forecast.model.latency import LATENCIES
from forecast.model.likelihood import Predictors, opened_loglik, survived_loglik

GOLDEN = Path(__file__).parents[1] / "golden"
SURE = 40.0  # log odds of ever opening at which never is as good as impossible
EXACT = 1e-5  # of its own length: a window that stands for an exactly known time


def one_kind(time: float, spread: float, odds: float = SURE, tail: float = 1.0) -> Predictors:
    """Predictors of a model in which openings in part cannot happen."""
    return Predictors(odds, NO_PART, time, shape=1 / spread, part_time=0.0, part_shape=1.0, tail=tail)


def within(name: str, p: Predictors, start: Any, end: Any, with_share: float = 1.0) -> Any:
    """Log chance of an opening between two days."""
    return opened_loglik(np.log(np.maximum(start, 1e-300)), np.log(end), 0.0, with_share, p, LATENCIES[name])


def exactly(name: str, p: Predictors, day: Any) -> Any:
    """Log density of an opening."""
    return within(name, p, day * (1 - EXACT / 2), day * (1 + EXACT / 2)) - np.log(day * EXACT)


def survived(name: str, p: Predictors, day: Any) -> Any:
    return survived_loglik(np.log(day), p, LATENCIES[name])


# --- SurPyval: delayed entry, right truncation, a never fraction ---------------------------------------------------


def log_scale(alpha: float, beta: float) -> dict[str, float]:
    """Location and spread of log time, from scale and shape of time."""
    return {"time": np.log(alpha), "spread": 1 / beta}


BURR_XII = surpyval.CustomDistribution(
    "Burr XII",
    lambda x, scale, shape, tail: tail * traced.log1p((x / scale) ** shape),
    ["scale", "shape", "tail"],
    ((0, None), (0, None), (0, None)),
    (0, np.inf),
)

#: Family -> SurPyval's, where its search starts, its parameters as the model's.
FAMILIES: dict[str, tuple[Any, list[float], Callable[..., dict[str, float]]]] = {
    "log_logistic": (surpyval.LogLogistic, [], log_scale),
    "log_normal": (surpyval.LogNormal, [], lambda mu, sigma: {"time": mu, "spread": sigma}),
    "weibull": (surpyval.Weibull, [], log_scale),
    "burr_xii": (BURR_XII, [50.0, 1.0, 1.0], lambda a, b, k: log_scale(a * k ** (-1 / b), b) | {"tail": k}),
}
LFP_START = 0.6


def fitted(name: str, never: bool, **rows: Any) -> tuple[Predictors, float]:
    """SurPyval's fit as the model's predictors, and its log-likelihood."""
    family, start, named = FAMILIES[name]
    fit = family.fit(lfp=never, init=[*start, LFP_START] if never and start else start, **rows)
    odds = np.log(fit.lfp_p / (1 - fit.lfp_p)) if never else SURE
    assert not never or 0.1 < fit.lfp_p < 0.9
    return one_kind(**named(*fit.params), odds=odds), -fit.neg_ll()


def test_every_family_is_held_against_surpyval() -> None:
    assert set(FAMILIES) == set(LATENCIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_delayed_entry_with_some_never_opened_is_surpyvals(name: str, lags: dict[str, np.ndarray]) -> None:
    seen, opened, entry = lags["seen"], lags["opened"], lags["entry"]
    p, expected = fitted(name, True, x=seen, c=np.where(opened, 0, 1), tl=entry)
    found = exactly(name, p, seen[opened]).sum() + survived(name, p, seen[~opened]).sum()
    found -= survived(name, p, entry[entry > 0]).sum()  # a normaliser enters with the sign -1
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("delayed", [False, True], ids=["from debut", "delayed entry"])
def test_windows_with_some_never_opened_are_surpyvals(name: str, delayed: bool, lags: dict[str, np.ndarray]) -> None:
    start, end, opened = lags["start"], lags["end"], lags["opened"]
    entry = np.minimum(lags["entry"], start) * delayed
    p, expected = fitted(name, True, xl=start, xr=end, tl=entry)
    found = within(name, p, start[opened], end[opened]).sum() + survived(name, p, start[~opened]).sum()
    found -= survived(name, p, entry[entry > 0]).sum()
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_rows_known_because_they_opened_are_surpyvals(name: str, lags: dict[str, np.ndarray]) -> None:
    """Right truncation at the end of each row's follow-up."""
    start, end, by = (lags[of][lags["opened"]] for of in ("start", "end", "followed"))
    by = np.maximum(by, end)
    p, expected = fitted(name, False, xl=start, xr=end, tr=by)
    normaliser = within(name, p, 0.0, by, with_share=0.0).sum()
    found = within(name, p, start, end, with_share=0.0).sum() - normaliser
    assert normaliser < -5
    assert found == pytest.approx(expected, abs=1e-6)


# --- R's survival package ----------------------------------------------------------------------------------------

RECORDED = json.loads((GOLDEN / "r_survival.json").read_text(encoding="utf-8"))
ROWS = pd.read_csv(GOLDEN / "r_survival.csv")


@pytest.mark.parametrize("fit", RECORDED["fits"], ids=lambda fit: f"{fit['set']}-{fit['family']}")
def test_censored_rows_are_those_of_rs_survival_package(fit: dict[str, Any]) -> None:
    name, p = fit["family"], one_kind(fit["mu"], fit["sigma"])
    start, end = (ROWS.loc[ROWS.set == fit["set"], cell].to_numpy() for cell in ("start", "end"))
    known, right = start == end, np.isnan(end)
    window = ~known & ~right
    found = exactly(name, p, start[known]).sum() + survived(name, p, start[right]).sum()
    found += within(name, p, np.nan_to_num(start[window]), end[window]).sum()
    assert found == pytest.approx(fit["log_likelihood"], abs=1e-6)


def test_every_censoring_is_recorded_with_every_family_that_r_has() -> None:
    censored = ROWS.isna().groupby(ROWS.set).sum()
    assert (censored.loc["right", "end"] > 10) & (censored.loc["left", "start"] > 10)
    assert (censored.loc["interval", ["start", "end"]] > 10).all()
    assert not (ROWS.start == ROWS.end)[ROWS.set == "interval"].any()
    pairs = {(fit["set"], fit["family"]) for fit in RECORDED["fits"]}
    assert pairs == {(s, f) for s in ("right", "left", "interval") for f in set(LATENCIES) - {"burr_xii"}}


# --- A limited failure population: integrated circuits, of which few ever fail --------------------------------------

MEEKER = json.loads((GOLDEN / "meeker_1987.json").read_text(encoding="utf-8"))


def circuits_loglik(theta: np.ndarray) -> float:
    """Log-likelihood at log scale, log shape and log odds of ever failing."""
    time, log_shape, odds = theta
    p, failed = one_kind(time, np.exp(-log_shape), odds), np.array(MEEKER["failed_after"])
    left = (MEEKER["units"] - len(failed)) * survived("weibull", p, MEEKER["hours"])
    return float(exactly("weibull", p, failed).sum() + left)


@pytest.fixture(scope="module")
def circuits() -> np.ndarray:
    """Where our own log-likelihood is highest."""
    options = {"xatol": 1e-8, "fatol": 1e-10, "maxiter": 2000}
    start = [np.log(50), np.log(0.8), np.log(0.01)]
    best = optimize.minimize(lambda theta: -circuits_loglik(theta), start, method="Nelder-Mead", options=options)
    assert best.success
    return best.x


def own_scale(theta: np.ndarray) -> np.ndarray:
    """Scale in hours, shape, share that ever fails."""
    return np.array([np.exp(theta[0]), np.exp(theta[1]), 1 / (1 + np.exp(-theta[2]))])


def test_the_highest_likelihood_of_a_limited_failure_population_is_where_it_was_published(circuits: np.ndarray) -> None:
    published = [MEEKER["published"][name] for name in ("alpha", "beta", "share_that_fails")]
    np.testing.assert_allclose(own_scale(circuits), published, rtol=1e-4)


def test_the_highest_likelihood_of_a_limited_failure_population_and_its_curvature_are_surpyvals(
    circuits: np.ndarray,
) -> None:
    rows = load_meeker_lfp()
    failed = rows[rows.c == 0]
    assert np.repeat(failed.x, failed.n).tolist() == MEEKER["failed_after"]
    fit = surpyval.Weibull.fit(rows.x, rows.c, rows.n, lfp=True)
    assert circuits_loglik(circuits) == pytest.approx(-fit.neg_ll(), abs=1e-6)
    scale, shape, share = own_scale(circuits)
    step = 1e-3 * np.eye(3)
    bent = [
        [sum(i * j * circuits_loglik(circuits + i * a + j * b) for i in (1, -1) for j in (1, -1)) for a in step]
        for b in step
    ]
    errors = np.sqrt(np.diag(np.linalg.inv(-np.array(bent) / 4e-6))) * [scale, shape, share * (1 - share)]
    np.testing.assert_allclose(errors, fit.standard_errors(), rtol=1e-3)
