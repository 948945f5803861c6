"""Lags by hand, and the product-limit estimator against lifelines and by hand."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.errors import FitError
from forecast.model.lags import Steps, at_risk, debut, given_closed, lag_through, lags_of, product_limit, shrunk
from forecast.release import GRID_DAYS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lifelines import KaplanMeierFitter

ViewOf = Callable[..., pd.DataFrame]
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]

OPENED = {"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"}  # 193 days after the debut
IN_PART = OPENED | {"outcome": "opened_partial"}
MONTH = {"closed_precision": "month"}

#: Entry, end, opened.
FOUR: Arrays = (np.array([0.0, 0, 2, 0]), np.array([1.0, 3, 3, 4]), np.array([True, True, False, True]))


def rows_of(seed: int, rows: int = 150, late: float = 0.4) -> Arrays:
    """Random rows, some of which come under observation late; a few in ten are censored."""
    rng = np.random.default_rng(seed)
    entry = np.where(rng.random(rows) < late, rng.uniform(0, 40, rows), 0.0)
    lag, censored = rng.exponential(60, rows), rng.exponential(120, rows)
    return entry, entry + np.minimum(lag, censored), lag <= censored


# --- Steps -------------------------------------------------------------------------------------------------------


def test_a_step_function_is_one_before_its_first_step_and_counts_each_step_from_its_time_on() -> None:
    steps = Steps(np.array([2.0, 5.0]), np.array([0.5, 0.25]))
    np.testing.assert_array_equal(steps(np.array([0, 1.9, 2, 4.9, 5, 1e6])), [1, 1, 0.5, 0.5, 0.25, 0.25])
    np.testing.assert_array_equal(Steps(np.empty(0), np.empty(0))(np.array([0.0, 9.0])), [1, 1])


# --- Product limit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [0.0, 0.4])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_product_limit_is_that_of_lifelines_while_enough_are_at_risk(seed: int, late: float) -> None:
    entry, ended, opened = rows_of(seed, late=late)
    ours = product_limit(entry, ended, opened, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = KaplanMeierFitter().fit(ended, opened, entry=entry)
    assert 20 < len(ours.times) < opened.sum(), "the rule cuts something, and not all"
    expected = theirs.survival_function_at_times(ours.times).to_numpy()
    np.testing.assert_allclose(ours(ours.times), expected, atol=1e-12)
    last = ours.times[-1]
    after = np.unique(ended[opened & (ended > last)])
    assert (at_risk(entry, ended, opened, np.array([last]))[1] >= 5).all()
    assert (at_risk(entry, ended, opened, after)[1] < 5).all()
    np.testing.assert_array_equal(ours(after), ours.survival[-1])


def test_a_row_is_at_risk_after_its_entry_through_its_end() -> None:
    events, risk = at_risk(*FOUR, np.array([1.0, 2, 2.5, 3, 4, 5]))
    np.testing.assert_array_equal(events, [1, 0, 0, 1, 1, 0])
    np.testing.assert_array_equal(risk, [3, 2, 3, 3, 1, 0])


def test_the_product_limit_of_four_rows_is_that_by_hand() -> None:
    curve = product_limit(*FOUR, 1)
    np.testing.assert_array_equal(curve.times, [1, 3, 4])
    np.testing.assert_allclose(curve.survival, [2 / 3, 4 / 9, 0])


def test_rows_of_one_day_are_opened_at_once() -> None:
    curve = product_limit(np.zeros(6), np.array([2.0, 2, 2, 5, 5, 9]), np.array([1, 1, 0, 1, 0, 0], bool), 1)
    np.testing.assert_allclose(curve(np.array([2.0, 5.0])), [4 / 6, 4 / 6 * 2 / 3])


def test_a_curve_is_shrunk_to_the_pooled_one_as_its_formula_says() -> None:
    pooled = Steps(np.array([1.0, 2.0, 4.0]), np.array([0.8, 0.6, 0.45]))
    hazard = {1: (1 + 10 * 0.2) / 13, 2: (0 + 10 * 0.25) / 12, 3: (1 + 10 * 0) / 13, 4: (1 + 10 * 0.25) / 11}
    curve = shrunk(*FOUR, pooled, 10)
    np.testing.assert_array_equal(curve.times, list(hazard))
    np.testing.assert_allclose(curve.survival, np.cumprod(1 - np.array(list(hazard.values()))), rtol=1e-12)


def test_a_weight_of_nothing_shrinks_nothing_and_a_great_one_all_the_way() -> None:
    pooled = Steps(np.array([1.0, 2.0, 4.0]), np.array([0.8, 0.6, 0.45]))
    times = np.linspace(0, 6, 61)
    np.testing.assert_allclose(shrunk(*FOUR, pooled, 1e-12)(times), product_limit(*FOUR, 1)(times), atol=1e-9)
    np.testing.assert_allclose(shrunk(*FOUR, pooled, 1e12)(times), pooled(times), atol=1e-9)


def test_rows_that_are_no_more_follow_the_pooled_curve_and_end_with_it() -> None:
    pooled = Steps(np.array([1.0, 2.0, 9.0]), np.array([0.8, 0.6, 0.3]))
    curve = shrunk(np.zeros(3), np.array([2.0, 5, 12]), np.array([False, True, True]), pooled, 10)
    np.testing.assert_array_equal(curve.times, [1, 2, 5, 9])
    expected = np.cumprod([1 - 2 / 13, 1 - 2.5 / 13, 1 - 1 / 12, 1 - 5 / 11])
    np.testing.assert_allclose(curve.survival, expected, rtol=1e-12)
    nobody = np.array([])
    np.testing.assert_allclose(shrunk(nobody, nobody, nobody.astype(bool), pooled, 10).survival, pooled.survival)


def test_a_pooled_curve_that_fell_to_nothing_is_followed_to_nothing() -> None:
    pooled = Steps(np.array([1.0, 2.0]), np.array([0.0, 0.0]))
    curve = shrunk(np.zeros(3), np.array([2.0, 5, 5]), np.array([False, True, False]), pooled, 10)
    np.testing.assert_allclose(curve.survival, np.cumprod([3 / 13, 3 / 13]), rtol=1e-12)


def test_nothing_to_shrink_to_is_a_flat_curve() -> None:
    assert shrunk(*FOUR, Steps(np.array([]), np.array([])), 10).times.size == 0


@pytest.mark.parametrize(("least", "times"), [(1, [1, 3, 4]), (2, [1, 3]), (3, [1, 3]), (4, [])])
def test_a_curve_is_flat_after_the_last_time_with_enough_at_risk(least: int, times: list[int]) -> None:
    curve = product_limit(*FOUR, least)
    np.testing.assert_array_equal(curve.times, times)
    assert curve(np.array([1e9]))[0] == (curve.survival[-1] if times else 1)


def test_no_rows_are_no_steps() -> None:
    nothing = np.empty(0)
    for opened in (np.empty(0, bool), np.zeros(0, bool)):
        assert product_limit(nothing, nothing, opened, 5).times.size == 0
    closed = product_limit(np.zeros(9), np.full(9, 7.0), np.zeros(9, bool), 5)
    np.testing.assert_array_equal(closed(np.array([0.0, 100.0])), [1, 1])


# --- Lags --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "days", "opened"),
    [
        pytest.param(OPENED, 193, True, id="opened on a day"),
        pytest.param(OPENED | {"outcome_precision": "month"}, 198.5, True, id="opened in a month"),
        pytest.param(OPENED | MONTH, 178, True, id="debut in a month"),
        pytest.param({}, 974.5, False, id="still closed"),
        pytest.param(MONTH, 959.5, False, id="closed since a month"),
        pytest.param(
            MONTH | OPENED | {"outcome_on": "2024-03-02", "outcome_precision": "month"}, 0.5, True, id="in one month"
        ),
    ],
)
def test_a_lag_runs_from_the_middle_of_the_debut_to_the_middle_of_the_opening(
    view_of: ViewOf, cells: dict[str, str], days: float, opened: bool
) -> None:
    lags = lags_of(view_of(cells, OPENED | {"episode_id": "other"}), "any")
    assert lags.days[0] == pytest.approx(days)
    assert lags.opened[0] == opened
    assert lags.days[1] == 193


def test_openings_in_part_count_for_any_opening_alone_and_programs_for_none(view_of: ViewOf) -> None:
    other = [{"episode_id": name} for name in ("b", "c", "d")]
    view = view_of(OPENED, IN_PART | other[0], IN_PART | other[1], OPENED | other[2] | {"domain": "software"})
    whole, full = lags_of(view, "any"), lags_of(view, "full")
    assert (list(whole.opened), whole.part_share) == ([True] * 3, pytest.approx(2 / 3))
    assert (list(full.opened), full.part_share) == ([True, False, False], 0)
    np.testing.assert_array_equal(full.days, [193, 974.5, 974.5])


def test_a_view_in_which_no_model_opened_has_no_lags(view_of: ViewOf) -> None:
    view = view_of({}, OPENED | {"episode_id": "game", "domain": "game"})
    with pytest.raises(FitError, match="no opened AI model was known on 2026-10-31: a baseline needs at least one"):
        lags_of(view, "any")


def test_a_row_has_lagged_through_the_end_of_a_day(view_of: ViewOf) -> None:
    [day, month] = view_of({}, MONTH | {"episode_id": "b"}).itertuples()
    assert debut(day) == pd.Timestamp("2024-03-01 12:00")
    assert debut(month) == pd.Timestamp("2024-03-16 12:00")
    assert lag_through(day, pd.Timestamp("2024-03-01")) == 0.5
    assert lag_through(day, pd.Timestamp("2024-03-11")) == 10.5
    assert lag_through(month, pd.Timestamp("2024-03-11")) == 0, "not closed yet, as far as is known"


# --- Given that it is closed -------------------------------------------------------------------------------------


def forecast_of(view: pd.DataFrame, survival: Callable[..., Any], **more: Any) -> Any:
    row = next(view[view.episode_id == "acme-one"].itertuples())
    return given_closed("acme", view, row, survival, 0.25, **more)


def test_a_row_is_forecast_from_where_its_clock_stands(view_of: ViewOf) -> None:
    view = view_of(OPENED | {"episode_id": "other"}, {}, as_of="2024-03-11")
    found = forecast_of(view, lambda days: np.clip(1 - days / 4000, 0, 1))
    assert (found.target_id, found.forecaster) == ("acme-one", "acme")
    assert found.made_on == found.last_checked == dt.date(2024, 3, 11)
    np.testing.assert_allclose(found.cdf, GRID_DAYS / (4000 - 10.5), atol=1e-12)
    np.testing.assert_allclose(found.cdf_part, 0.25 * found.cdf, atol=1e-12)
    noon = pd.Timestamp("2024-03-08 12:00")
    later = forecast_of(view, lambda days: np.clip(1 - days / 4000, 0, 1), start=noon)
    np.testing.assert_allclose(later.cdf, GRID_DAYS / (4000 - 3.5), atol=1e-12)


def test_days_without_a_look_may_have_opened_it(view_of: ViewOf) -> None:
    view = view_of({"observed_through": "2026-10-31"}, as_of="2026-11-30")
    found = forecast_of(view, lambda days: np.clip(1 - days / 9000, 0, 1))
    assert found.last_checked == dt.date(2026, 10, 31)
    np.testing.assert_allclose(found.cdf, (30 + GRID_DAYS) / (9000 - 974.5), atol=1e-12)
    looked = view_of({"observed_through": "2026-10-31"}, as_of="2026-11-14")
    assert forecast_of(looked, lambda days: np.clip(1 - days / 9000, 0, 1)).p_already_open == 0


def test_a_row_that_outlived_the_curve_opens_any_day_now(view_of: ViewOf) -> None:
    found = forecast_of(view_of({}), np.zeros_like)
    np.testing.assert_array_equal(found.cdf, GRID_DAYS > 0)
