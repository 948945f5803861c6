"""Baselines against lifelines and hand-computed values; one contract for all, the model included."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forecast.errors import FitError, ForecastError
from forecast.model.baselines import BASELINES, Baseline, reference_for
from forecast.model.lags import lags_of
from forecast.model.posterior import Posterior
from forecast.model.predict import model_forecasts
from forecast.model.reference import Reference, fit_reference
from forecast.release import GRID_DAYS
from forecast.tables.episodes import read_episodes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lifelines import ExponentialFitter, KaplanMeierFitter, MixtureCureFitter

DATA = Path(__file__).resolve().parents[2] / "data"
DAY = dt.date(2026, 6, 1)


@pytest.fixture(scope="module")
def view() -> pd.DataFrame:
    return read_episodes(DATA / "episodes.csv", DAY)


@pytest.fixture(scope="module")
def closed(view: pd.DataFrame) -> pd.DataFrame:
    rows = view[(view.domain == "ai_model") & view.full_last.isna() & view.part_last.isna()]
    return pd.concat([rows[rows.promise == kind].head(4) for kind in ("none", "vague", "dated")])


@pytest.fixture(scope="module")
def forecasters(a_posterior: Posterior) -> dict[str, Baseline]:
    """The baselines, and the model with draws from its prior."""
    return BASELINES | {"model": partial(model_forecasts, a_posterior)}


@pytest.mark.parametrize("name", [*BASELINES, "model"])
def test_every_forecaster_keeps_the_contract(
    name: str, forecasters: dict[str, Baseline], view: pd.DataFrame, closed: pd.DataFrame
) -> None:
    first, again = (list(forecasters[name](view, "any", closed)) for _ in range(2))
    assert [f.target_id for f in first] == list(closed.episode_id)
    for f, g in zip(first, again, strict=True):
        assert f.made_on == DAY
        assert f.cdf[0] == pytest.approx(0, abs=1e-12)  # looked for on the day itself
        assert (np.diff(f.cdf) >= -1e-12).all()
        assert 0 <= f.cdf[-1] <= 1
        assert sum(f.words(DAY).values()) == pytest.approx(1)
        np.testing.assert_array_equal(f.cdf, g.cdf)


@pytest.mark.parametrize("name", [*BASELINES, "model"])
def test_a_stale_check_leaves_a_chance_that_it_is_open_already(
    name: str, forecasters: dict[str, Baseline], closed: pd.DataFrame
) -> None:
    later = read_episodes(DATA / "episodes.csv", dt.date(2026, 12, 31))
    row = later[later.episode_id == "meta-muse-wonder-1.0"]
    if name == "model":
        later.attrs["as_of"] = dt.date(2026, 12, 31)
    [stale] = forecasters[name](later, "any", row)
    assert stale.last_checked == dt.date(2026, 11, 9)
    assert 0 < stale.p_already_open < 0.5


def test_kaplan_meier_is_that_of_lifelines(view: pd.DataFrame, closed: pd.DataFrame) -> None:
    lags = lags_of(view, "any")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = KaplanMeierFitter().fit(lags.days, lags.opened)
    row = closed.iloc[[0]]
    [found] = BASELINES["kaplan-meier"](view, "any", row)
    start = DAY.toordinal() + 1 - (row.closed_first.iloc[0].toordinal() + row.closed_last.iloc[0].toordinal() + 1) / 2
    short = GRID_DAYS[start + GRID_DAYS < np.sort(lags.days)[-5]]
    left = theirs.survival_function_at_times(np.concatenate([[start], start + short])).to_numpy()
    np.testing.assert_allclose(found.cdf[: len(short)], 1 - left[1:] / left[0], atol=1e-9)


def test_constant_hazard_is_openings_per_day(view: pd.DataFrame, closed: pd.DataFrame) -> None:
    lags = lags_of(view, "any")
    [found] = BASELINES["constant-hazard"](view, "any", closed.iloc[[0]])
    rate = lags.opened.sum() / lags.days.sum()
    np.testing.assert_allclose(found.cdf, stats.expon(scale=1 / rate).cdf(GRID_DAYS), atol=1e-12)


def test_the_reference_is_the_mixture_cure_model_of_lifelines(view: pd.DataFrame) -> None:
    lags = lags_of(view, "any")
    ours = fit_reference(lags.days, lags.opened, 0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = MixtureCureFitter(base_fitter=ExponentialFitter()).fit(lags.days / 100, lags.opened)
    assert ours.p_never == pytest.approx(theirs.cured_fraction_, abs=1e-3)
    assert 1 / ours.rate_per_day == pytest.approx(100 * theirs.lambda_, rel=5e-3)


def test_the_reference_given_survival_is_bayes_rule() -> None:
    later = Reference(0.01, 0.5).given_survival(100)
    assert later.p_never == pytest.approx(0.5 / (0.5 + 0.5 * np.exp(-1)))
    assert later.forecast(DAY, "x").prob_by(69) == pytest.approx((1 - later.p_never) * -np.expm1(-0.69), abs=1e-9)


def test_the_reference_leaves_every_day_a_chance(view: pd.DataFrame, closed: pd.DataFrame) -> None:
    assert Reference(0.01, 0.5).given_survival(1e6).p_never < 1
    assert 0 < reference_for(view, "any", closed.iloc[0]).rate_per_day < 1


@pytest.mark.parametrize("numbers", [(0.0, 0.5, 0.0), (0.1, 1.0, 0.0), (0.1, -0.1, 0.0), (0.1, 0.5, 1.5)])
def test_an_impossible_reference_is_refused(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(ForecastError, match="must be above 0"):
        Reference(*numbers)


@pytest.mark.parametrize("baseline", BASELINES.values(), ids=list(BASELINES))
def test_a_table_without_an_opening_is_refused(baseline: Callable[..., object]) -> None:
    early = read_episodes(DATA / "episodes.csv", dt.date(1990, 1, 1))
    with pytest.raises(FitError, match="no opened AI model was known on 1990-01-01"):
        baseline(early, "any", early)
