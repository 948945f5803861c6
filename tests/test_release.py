"""The one result: a CDF of the opening day on the standard grid."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecast.errors import ForecastError
from forecast.release import GRID_DAYS, HORIZON_DAYS, WORD_CUT_DAYS, Draws, Floats, ReleaseForecast, weighted_quantile

MADE_ON = dt.date(2026, 4, 6)
NOTHING = np.zeros(GRID_DAYS.size)
#: Opens on a day uniform in ten years with probability 0.8: straight, so its values can be told at sight.
STRAIGHT = 0.8 * GRID_DAYS / 3650


def forecast(full: Floats = STRAIGHT, part: Floats = NOTHING, **kwargs: object) -> ReleaseForecast:
    return ReleaseForecast("meta-muse", "model", MADE_ON, full, part, **kwargs)


def drawn(*shares: float, weights: list[float] | None = None) -> ReleaseForecast:
    """A forecast whose draws are multiples of the straight one, a quarter of each in part."""
    rows = np.outer(shares, STRAIGHT)
    mass = np.array(weights or [1 / len(shares)] * len(shares))
    draws = Draws(0.75 * rows, 0.25 * rows, mass)
    return forecast(mass @ draws.full, mass @ draws.part, draws=draws)


def test_the_grid_is_daily_then_weekly_then_monthly() -> None:
    steps = np.diff(GRID_DAYS)
    left = GRID_DAYS[:-1]
    assert (GRID_DAYS[0], GRID_DAYS[-1]) == (0, 3650)
    assert {90, 730} <= set(GRID_DAYS)
    assert set(steps[left < 90]) == {1}
    assert set(steps[(left >= 90) & (left < 727)]) == {7}
    assert steps[left == 727].tolist() == [3]
    assert set(steps[left >= 730]) == {30, 31}


def test_words_and_horizons_end_inside_the_grid() -> None:
    assert WORD_CUT_DAYS == {"weeks": 60, "months": 730, "years": 3650}
    assert HORIZON_DAYS == (30, 90, 180, 365, 730)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    draws=st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 4)), min_size=1, max_size=12),
    place=st.floats(0, 1, exclude_max=True),
)
def test_weighted_quantiles_are_those_of_repeated_draws(draws: list[tuple[int, int]], place: float) -> None:
    values, weights = np.array(draws, float).T
    repeated = np.repeat(values, weights.astype(int))
    level = (np.floor(place * len(repeated)) + 0.5) / len(repeated)  # between two steps, where all agree
    expected = np.quantile(repeated, level, method="inverted_cdf")
    assert weighted_quantile(values, weights, level) == expected
    assert weighted_quantile(values, weights / weights.sum(), level) == expected


def test_weighted_quantiles_have_the_shape_of_their_levels() -> None:
    found = weighted_quantile(np.array([3.0, 1.0, 2.0]), np.ones(3), [[0.0, 0.1], [0.5, 1.0]])
    assert found.tolist() == [[1, 1], [2, 3]]


def test_a_draw_without_weight_is_no_quantile() -> None:
    assert weighted_quantile(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.0]), [0.0, 1.0]).tolist() == [2, 2]


@pytest.mark.parametrize(
    ("full", "part", "fault"),
    [
        (STRAIGHT[:-1], NOTHING, f"cdf_full has {GRID_DAYS.size - 1} values, the standard grid {GRID_DAYS.size}"),
        (np.where(GRID_DAYS == 5, np.nan, STRAIGHT), NOTHING, "cdf_full has values that are not finite"),
        (NOTHING, np.where(GRID_DAYS == 3650, 0.5, STRAIGHT), "cdf_part falls between days 3620 and 3650"),
        (np.where(GRID_DAYS == 3, 0.0, STRAIGHT), NOTHING, "cdf_full falls between days 2 and 3"),
        (STRAIGHT * 2, NOTHING, r"cdf_full leaves \[0, 1\] \(from 0.000000 to 1.600000\)"),
        (STRAIGHT - 0.1, NOTHING, r"cdf_full leaves \[0, 1\] \(from -0.100000 to 0.700000\)"),
        (STRAIGHT, STRAIGHT / 2, "full and part add up to 1.200000, above 1"),
    ],
)
def test_what_is_no_cdf_is_refused_with_its_fault(full: Floats, part: Floats, fault: str) -> None:
    with pytest.raises(ForecastError, match=f"forecast by model for meta-muse: {fault}"):
        forecast(full, part)


def test_rounding_is_no_fault() -> None:
    jitter = 1e-12 * (-1) ** np.arange(GRID_DAYS.size)
    assert forecast(NOTHING + 0.5 + jitter, NOTHING + 0.5 - jitter).cdf == pytest.approx(1)


def test_an_opening_is_one_in_full_or_in_part() -> None:
    both = forecast(STRAIGHT / 2 + 0.1, STRAIGHT / 2 + 0.05)
    assert_allclose(both.cdf, STRAIGHT + 0.15)
    assert both.p_already_open == pytest.approx(0.15)
    assert_allclose(both.prob_by([365], both.cdf_part), [0.09])


def test_probabilities_are_linear_between_grid_days_and_flat_beyond() -> None:
    curve = np.sqrt(GRID_DAYS / 3650)
    halfway = (np.sqrt(90) + np.sqrt(97)) / 2 / np.sqrt(3650)
    found = forecast(curve).prob_by([-1, 0, 4, 93.5, 3650, 9999])
    assert_allclose(found, [0, 0, 2 / np.sqrt(3650), halfway, 1, 1])
    assert forecast(NOTHING + 0.2).prob_by([-1, 0]).tolist() == [0, 0.2]


@pytest.mark.parametrize(
    ("gone", "ends"),
    [(0, (60, 730, 3650)), (20, (40, 710, 3630)), (100, (0, 630, 3550)), (800, (0, 0, 2850)), (4000, (0, 0, 0))],
)
def test_words_are_counted_from_the_asking_day(gone: int, ends: tuple[int, int, int]) -> None:
    words = forecast().words(MADE_ON - dt.timedelta(gone))
    weeks, months, years = (0.8 * end / 3650 for end in ends)
    expected = {"weeks": weeks, "months": months - weeks, "years": years - months, "never": 1 - years}
    assert words == pytest.approx(expected)
    assert list(words) == list(expected)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    rate=st.floats(1e-5, 2),
    full=st.floats(0, 1),
    share=st.floats(0, 1),
    gone=st.integers(0, 3700),
    late=st.booleans(),
)
def test_words_add_up_to_one(rate: float, full: float, share: float, gone: int, late: bool) -> None:
    rising = 1 - np.exp(-rate * (GRID_DAYS + late))
    words = forecast(share * full * rising, share * (1 - full) * rising).words(MADE_ON - dt.timedelta(gone))
    assert sum(words.values()) == pytest.approx(1)
    assert min(words.values()) >= -1e-9


def test_a_forecast_made_before_it_was_asked_has_no_words() -> None:
    with pytest.raises(ForecastError, match="meta-muse: made on 2026-04-06, before it was asked on 2026-04-07"):
        forecast().words(dt.date(2026, 4, 7))


@pytest.mark.parametrize("rate", [1 / 10, 1 / 100, 1 / 1000])
@pytest.mark.parametrize("q", [0.05, 0.5, 0.95])
def test_the_opening_day_is_the_quantile_of_an_exponential_cut_at_ten_years(rate: float, q: float) -> None:
    rising = 1 - np.exp(-rate * GRID_DAYS)
    exact = -np.log(1 - q * (1 - np.exp(-rate * 3650))) / rate
    days = (forecast(0.6 * rising, 0.1 * rising).opens_on(q) - MADE_ON).days
    assert exact - 0.2 < days < exact + 1.2


@pytest.mark.parametrize(("q", "day"), [(0.25, 10), (0.5, 10), (0.75, 20), (1.0, 20)])
def test_the_opening_day_of_a_sure_thing_is_that_day(q: float, day: int) -> None:
    two_days = np.where(GRID_DAYS < 10, 0, np.where(GRID_DAYS < 20, 0.3, 0.6))
    assert forecast(two_days).opens_on(q) == MADE_ON + dt.timedelta(day)


def test_what_never_opens_has_no_opening_day() -> None:
    with pytest.raises(ForecastError, match="forecast by model for meta-muse: it never opens"):
        forecast(NOTHING).opens_on(0.5)


def test_what_may_be_open_already_is_scored_given_that_it_is_closed() -> None:
    given_closed = forecast(0.1 + 0.5 * STRAIGHT, 0.1 + 0.25 * STRAIGHT).given_closed()
    assert_allclose(given_closed.cdf_full, 0.5 * STRAIGHT / 0.8)
    assert_allclose(given_closed.cdf_part, 0.25 * STRAIGHT / 0.8)
    assert given_closed.p_already_open == 0


def test_what_is_surely_open_cannot_be_given_closed() -> None:
    with pytest.raises(ForecastError, match="forecast by model for meta-muse"):
        forecast(NOTHING + 1).given_closed()


def later(days: int) -> dt.date:
    return MADE_ON + dt.timedelta(days)


def test_a_forecast_on_a_later_day_is_the_one_given_that_it_is_still_closed() -> None:
    straight = forecast(0.75 * STRAIGHT, 0.25 * STRAIGHT).as_of_later(later(500))
    gone, by_a_year = 0.8 * 500 / 3650, 0.8 * 865 / 3650
    assert straight.made_on == later(500)
    assert straight.p_already_open == 0
    assert straight.prob_by(365) == pytest.approx((by_a_year - gone) / (1 - gone))
    assert straight.prob_by(365, straight.cdf_part) == pytest.approx(0.25 * (by_a_year - gone) / (1 - gone))
    assert straight.cdf[-1] == pytest.approx((0.8 - gone) / (1 - gone))


def test_a_constant_hazard_is_the_same_on_a_later_day() -> None:
    rising = 1 - np.exp(-GRID_DAYS / 300)
    found = forecast(rising).as_of_later(later(60))
    assert_allclose(found.prob_by([1, 30, 90, 365]), 1 - np.exp(-np.array([1, 30, 90, 365]) / 300), atol=1e-4)


def test_the_same_day_changes_nothing() -> None:
    same = forecast(0.75 * STRAIGHT, 0.25 * STRAIGHT, last_checked=MADE_ON).as_of_later(MADE_ON)
    assert_allclose(same.cdf_full, 0.75 * STRAIGHT)
    assert_allclose(same.cdf_part, 0.25 * STRAIGHT)
    assert (same.made_on, same.forecaster, same.target_id) == (MADE_ON, "model", "meta-muse")


def test_the_same_day_is_given_closed_where_it_may_be_open_already() -> None:
    stale = forecast(0.1 + 0.5 * STRAIGHT, 0.1 + 0.25 * STRAIGHT)
    assert_allclose(stale.as_of_later(MADE_ON).cdf_full, stale.given_closed().cdf_full)
    assert_allclose(stale.as_of_later(MADE_ON).cdf_part, stale.given_closed().cdf_part)


@pytest.mark.parametrize(("first", "second"), [(30, 60), (1, 364), (700, 1000)])
def test_two_steps_to_a_later_day_are_one(first: int, second: int) -> None:
    once = forecast().as_of_later(later(first + second))
    twice = forecast().as_of_later(later(first)).as_of_later(later(first + second))
    days = GRID_DAYS[first + second + GRID_DAYS < 3550]
    assert_allclose(twice.prob_by(days), once.prob_by(days), atol=1e-12)


def test_a_forecast_says_nothing_of_a_day_before_it() -> None:
    with pytest.raises(ForecastError, match="made on 2026-04-06 says nothing as of 2026-04-05, which is before"):
        forecast().as_of_later(later(-1))


@pytest.mark.parametrize("days", [10, 11, 4000])
def test_what_is_open_by_a_day_for_certain_is_never_still_closed_on_it(days: int) -> None:
    certain = forecast(np.minimum(GRID_DAYS / 10, 1.0))
    assert certain.as_of_later(later(9)).prob_by([0, 1]).tolist() == pytest.approx([0, 1])
    with pytest.raises(ForecastError, match=f"forecast by model for meta-muse: open by {later(days)} for certain"):
        certain.as_of_later(later(days))


def test_a_later_day_is_flat_where_the_grid_has_run_out() -> None:
    found = forecast().as_of_later(later(3000))
    out = GRID_DAYS >= 650
    assert_allclose(found.cdf[out], (0.8 - 0.8 * 3000 / 3650) / (1 - 0.8 * 3000 / 3650))
    assert np.all(np.diff(found.cdf[~out]) > 0)
    assert not forecast().as_of_later(later(4000)).cdf.any()


def test_a_mixture_has_its_share_of_both() -> None:
    mixed = forecast(STRAIGHT, NOTHING + 0.2).mixed_with(forecast(NOTHING, NOTHING + 0.6), share=0.25)
    assert_allclose(mixed.cdf_full, 0.75 * STRAIGHT)
    assert_allclose(mixed.cdf_part, 0.3)
    assert (mixed.forecaster, mixed.made_on) == ("model", MADE_ON)


def test_changed_forecasts_keep_no_draws() -> None:
    one = drawn(0.2, 0.4)
    assert one.given_closed().draws is None
    assert one.as_of_later(MADE_ON).draws is None
    assert one.mixed_with(one, 0.5).draws is None


def test_credible_intervals_are_quantiles_over_the_draws() -> None:
    ten = drawn(*np.linspace(0.1, 1.0, 10))
    low, high = ten.band(0.7)  # 15 % off either end: the second and the ninth draw
    assert_allclose(low, 0.2 * STRAIGHT)
    assert_allclose(high, 0.9 * STRAIGHT)
    assert ten.interval(lambda cdf: cdf[:, -1], 0.7) == pytest.approx((0.16, 0.72))
    assert ten.prob_interval(365, 0.7) == pytest.approx((0.016, 0.072))
    words = ten.word_intervals(MADE_ON, 0.7)
    assert words["never"] == pytest.approx((1 - 0.72, 1 - 0.16))
    assert words["weeks"] == pytest.approx((0.16 * 60 / 3650, 0.72 * 60 / 3650))


def test_credible_intervals_use_the_weights_of_the_draws() -> None:
    heavy = drawn(0.1, 0.5, 0.9, weights=[0.02, 0.96, 0.02])
    assert heavy.interval(lambda cdf: cdf[:, -1]) == pytest.approx((0.4, 0.4))
    assert_allclose(heavy.band()[0], 0.5 * STRAIGHT)


@pytest.mark.parametrize("day", [0, 45.5, 93, 3650, 9999, -5])
def test_the_interval_of_one_draw_is_its_probability(day: float) -> None:
    curve = 0.1 + 0.9 * np.sqrt(GRID_DAYS / 3650)
    one = forecast(curve, draws=Draws(curve[None], NOTHING[None], np.ones(1)))
    assert one.prob_interval(day) == pytest.approx((one.prob_by(day), one.prob_by(day)))


def test_without_draws_there_is_no_interval() -> None:
    plain = forecast()
    assert plain.word_intervals(MADE_ON) == {}
    assert all(np.array_equal(end, plain.cdf) for end in plain.band())
    for ask in (lambda: plain.interval(np.mean), lambda: plain.prob_interval(30)):
        with pytest.raises(ForecastError, match="has no draws, so no interval"):
            ask()
