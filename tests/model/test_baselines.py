"""Baselines against lifelines and hand-computed values; one contract for all, the model included."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forecast.errors import FitError, ForecastError
from forecast.model.baselines import BASELINES, Baseline, reference_for, references
from forecast.model.ensemble import Ensemble
from forecast.model.lags import lags_of
from forecast.model.predict import model_forecasts
from forecast.model.reference import Reference, fit_reference
from forecast.release import GRID_DAYS
from forecast.tables.episodes import Target, Unit, open_window, read_episodes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lifelines import ExponentialFitter, KaplanMeierFitter, MixtureCureFitter

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
GOLDEN = ROOT / "tests" / "golden" / "baselines.json"
DAY = dt.date(2026, 6, 1)

#: A fit by numbers is as exact as its optimiser; all else is arithmetic.
GOLDEN_SLACK = {"constant-hazard-never": 1e-6}


def still_closed(view: pd.DataFrame, target: Target, each: int) -> pd.DataFrame:
    """The first rows of each promise that are closed, as far as is known."""
    rows = view[(view.domain == "ai_model") & open_window(view, target).open_last.isna()]
    return pd.concat([rows[rows.promise == kind].head(each) for kind in ("none", "vague", "dated")])


@pytest.fixture(scope="module")
def views() -> dict[Unit, pd.DataFrame]:
    return {unit: read_episodes(DATA / "episodes.csv", DAY, unit=unit) for unit in ("model", "family")}


@pytest.fixture(scope="module")
def view(views: dict[Unit, pd.DataFrame]) -> pd.DataFrame:
    return views["model"]


@pytest.fixture(scope="module")
def closed(view: pd.DataFrame) -> pd.DataFrame:
    return still_closed(view, "any", 4)


@pytest.fixture(scope="module")
def forecasters(an_ensemble: Ensemble) -> dict[str, Baseline]:
    """The baselines, and the model with draws from its prior."""

    def model(view: pd.DataFrame, target: Target, subjects: pd.DataFrame) -> object:
        members = tuple(replace(member, target=target) for member in an_ensemble.members)
        return model_forecasts(replace(an_ensemble, members=members), view, target, subjects)

    return BASELINES | {"model": model}


@pytest.mark.parametrize("target", ["any", "full"])
@pytest.mark.parametrize("unit", ["model", "family"])
@pytest.mark.parametrize("name", [*BASELINES, "model"])
def test_every_forecaster_keeps_the_contract(
    name: str, unit: Unit, target: Target, forecasters: dict[str, Baseline], views: dict[Unit, pd.DataFrame]
) -> None:
    view = views[unit]
    rows = still_closed(view, target, 2)
    first, again = (list(forecasters[name](view, target, rows)) for _ in range(2))
    assert [f.target_id for f in first] == list(rows.episode_id)
    for f, g in zip(first, again, strict=True):
        assert (f.made_on, f.forecaster) == (DAY, name)
        np.testing.assert_array_equal(f.prob_by([-400, -1, -0.5]), 0)
        assert f.cdf[0] == pytest.approx(0, abs=1e-12)  # looked for on the day itself
        for cdf in (f.cdf_full, f.cdf_part, f.cdf):
            assert (np.diff(cdf) >= -1e-12).all()
            assert cdf.min() >= -1e-12
            assert cdf.max() <= 1 + 1e-12
        words = f.words(DAY)
        assert all(-1e-12 <= p <= 1 + 1e-12 for p in words.values())
        assert sum(words.values()) == pytest.approx(1)
        assert f.cdf_full[-1] + f.cdf_part[-1] + words["never"] == pytest.approx(1, abs=1e-12)
        if target == "full":
            assert f.cdf_part[-1] < 1e-9, "an opening in part is none"
        np.testing.assert_array_equal(f.cdf_full, g.cdf_full)
        np.testing.assert_array_equal(f.cdf_part, g.cdf_part)


@pytest.mark.parametrize("name", [*BASELINES, "model"])
def test_a_stale_check_leaves_a_chance_that_it_is_open_already(name: str, forecasters: dict[str, Baseline]) -> None:
    later = read_episodes(DATA / "episodes.csv", dt.date(2026, 12, 31))
    row = later[later.episode_id == "meta-muse-wonder-1.0"]
    [stale] = forecasters[name](later, "any", row)
    assert stale.last_checked == dt.date(2026, 11, 9)
    if name == "never":
        assert stale.p_already_open == 0
    else:
        assert 0 < stale.p_already_open < (1 if name == "lindy" else 0.5)


# --- Golden values -----------------------------------------------------------------------------------------------


#: Days from the debut to the opening, or to the leak, of the rows of the golden table; 0: still closed.
GOLDEN_LAGS: dict[str, tuple[int, ...]] = {
    "open": (9, 20, 45, 70, 100, 150, 260, 340),
    "part": (30, 90, 250),
    "leaked": (80,),
    "silent": (0, 0, 0, 0, 0),
    "vague": (40, 75, 130, 300, 0, 0, 0),
    "kept": (32, 40, 50),
    "late": (60, 95, 180),
    "broken": (0, 0, 0),
}
#: Days from the debut to the making of the rows that are forecast.
GOLDEN_AGES = {"young": 60, "hoped": 50, "due": 45, "overdue": 70, "refused": 90}


def golden_view(view_of: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    """A fixed little table, as of 2026-10-31: openings in full and in part, promises kept, late, broken, refused."""
    made_on, episodes, said = dt.date(2026, 10, 31), [], []
    old = [(kind, lag) for kind, lags in GOLDEN_LAGS.items() for lag in lags]
    rows = [(kind, lag, dt.date(2023, 1, 10) + dt.timedelta(25 * n)) for n, (kind, lag) in enumerate(old)]
    rows += [(kind, 0, made_on - dt.timedelta(age)) for kind, age in GOLDEN_AGES.items()]
    for n, (kind, lag, debut) in enumerate(rows):
        name = f"{kind}-{n}" if n < len(old) else kind
        day = [(debut + dt.timedelta(days)).isoformat() for days in range(401)]
        cells = {"episode_id": name, "closed_on": day[0]}
        if lag:
            outcome = {"part": "opened_partial", "leaked": "leaked"}.get(kind, "opened")
            precision = "month" if lag == 340 else "day"
            cells |= {"outcome": outcome, "outcome_on": day[lag], "outcome_precision": precision}
        episodes.append(cells)
        if kind in ("vague", "hoped", "refused"):
            said.append({"about": name, "known_on": day[20], "kind": "vague"})
        if kind in ("kept", "late", "broken", "due", "overdue"):
            due = day[140 if kind == "due" else 55]
            said.append({"about": name, "known_on": day[15], "kind": "dated", "due_to": due})
        if kind == "refused":
            said.append({"about": name, "known_on": day[45], "kind": "refused"})
    return view_of(*episodes, promises=tuple(said))


def test_baselines_give_their_golden_values(view_of: Callable[..., pd.DataFrame]) -> None:
    """Written anew by ``FORECAST_GOLDEN=write pytest tests/model/test_baselines.py -k golden``."""
    view = golden_view(view_of)
    rows = view[view.episode_id.isin(GOLDEN_AGES)]
    days = [30, 90, 180, 365, 730, 3650]
    found = {
        name: {f.target_id: [float(p) for p in f.prob_by(days)] for f in baseline(view, "any", rows)}
        for name, baseline in BASELINES.items()
    }
    if os.environ.get("FORECAST_GOLDEN") == "write":
        text = json.dumps(found, indent=1)
        GOLDEN.write_text(re.sub(r"\s+(?=[\d\]])", " ", text) + "\n", encoding="utf-8")  # a list a line
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert list(found) == list(golden)
    for name, values in golden.items():
        assert list(found[name]) == list(values)
        for row, chances in values.items():
            slack = GOLDEN_SLACK.get(name, 1e-9)
            assert found[name][row] == pytest.approx(chances, rel=0, abs=slack), f"{name}, {row}"


# --- One by one --------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("target", ["any", "full"])
@pytest.mark.parametrize("unit", ["model", "family"])
def test_the_references_of_many_rows_are_those_of_each(
    unit: Unit, target: Target, views: dict[Unit, pd.DataFrame]
) -> None:
    rows = still_closed(views[unit], target, 4)
    together = list(references(views[unit], target, rows))
    apart = [reference_for(views[unit], target, row) for _, row in rows.iterrows()]
    assert [astuple(r) for r in together] == [astuple(r) for r in apart]
    assert len({r.p_never for r in together}) > 1


def test_the_reference_is_the_baseline_of_its_name(view: pd.DataFrame, closed: pd.DataFrame) -> None:
    found = BASELINES["constant-hazard-never"](view, "any", closed)
    for forecast, reference in zip(found, references(view, "any", closed), strict=True):
        same = reference.forecast(DAY, forecast.target_id)
        np.testing.assert_allclose(forecast.cdf_full, same.cdf_full, atol=1e-9)
        np.testing.assert_allclose(forecast.cdf_part, same.cdf_part, atol=1e-9)


@pytest.mark.parametrize("numbers", [(0.0, 0.5, 0.0), (0.1, 1.0, 0.0), (0.1, -0.1, 0.0), (0.1, 0.5, 1.5)])
def test_an_impossible_reference_is_refused(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(ForecastError, match="must be above 0"):
        Reference(*numbers)


@pytest.mark.parametrize("baseline", BASELINES.values(), ids=list(BASELINES))
def test_a_table_without_an_opening_is_refused(baseline: Callable[..., object]) -> None:
    early = read_episodes(DATA / "episodes.csv", dt.date(1990, 1, 1))
    with pytest.raises(FitError, match="no opened AI model was known on 1990-01-01"):
        baseline(early, "any", early)
