"""Scores: each rule by hand, by quadrature or by another package, and the truth is never beaten."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import pytest
import scoringrules
from scipy import integrate, stats

from forecast.errors import ForecastError
from forecast.model.reference import Reference
from forecast.record.scores import (
    SCORES,
    Outcome,
    brier,
    cut_crps,
    kind,
    log,
    log_at,
    log_loss,
    mean_squared_gap,
    prepared,
    rps,
    score_all,
    score_names,
    squared_error,
)
from forecast.release import GRID_DAYS, HORIZON_DAYS, ReleaseForecast

DAY = dt.date(2026, 1, 1)
REFERENCE = Reference(0.01, 0.5, 0.25)


def linear(end, most=1.0):
    """P(open by day u) rises evenly to a day, and stays there."""
    return lambda u: most * np.minimum(u / end, 1)


def at(cdf, u):
    return np.interp(u, GRID_DAYS, cdf)


# Each rule, by hand


@pytest.mark.parametrize(
    ("opened", "followed", "chance"),
    [
        (1, 30, 0.01),
        (30, 30, 0.01),
        (50, 60, 0.01),
        (50, 40, 1 - 0.4),
        (None, 40, 1 - 0.4),
        (None, 0.5, 1 - 0.005),
        (None, 5000, 0.2),
        (3650, 5000, 0.0),
        (4000, 5000, 0.2),
    ],
)
def test_log_is_the_chance_of_the_day_or_of_being_closed_through_follow_up(make_forecast, opened, followed, chance):
    forecast = make_forecast(linear(80, 0.8))
    expected = -np.log(chance) if chance else np.inf
    assert log(forecast, Outcome(opened, followed)) == pytest.approx(expected, rel=1e-12)


def test_log_spreads_the_chance_of_a_week_or_a_month_over_its_days(make_forecast):
    forecast = make_forecast(stats.expon(scale=100).cdf)
    week = (np.exp(-0.90) - np.exp(-0.97)) / 7
    assert log(forecast, Outcome(93, 1000)) == pytest.approx(-np.log(week), rel=1e-9)
    month = (np.exp(-7.30) - np.exp(-7.60)) / 30
    assert log(forecast, Outcome(745, 1000)) == pytest.approx(-np.log(month), rel=1e-9)


@pytest.mark.parametrize(
    ("opened", "followed", "how", "chance"),
    [(20, 60, "full", 0.0075), (20, 60, "part", 0.0025), (20, 10, "part", 0.9), (None, 60, None, 0.4)],
)
def test_kind_is_the_chance_of_the_day_and_the_kind(make_forecast, opened, followed, how, chance):
    forecast = make_forecast(linear(80, 0.8), part_share=0.25)
    assert kind(forecast, Outcome(opened, followed, how)) == pytest.approx(-np.log(chance), rel=1e-12)


def test_kind_is_not_scored_where_it_is_not_known(make_forecast):
    assert np.isnan(kind(make_forecast(linear(80)), Outcome(20, 60)))
    assert kind(make_forecast(linear(80)), Outcome(20, 10)) == pytest.approx(-np.log(70 / 80))


@pytest.mark.parametrize(
    ("horizon", "opened", "p", "happened"),
    [(30, 30, 0.3, 1), (30, 31, 0.3, 0), (30, None, 0.3, 0), (60, 1, 0.6, 1), (60, 60, 0.6, 1)],
)
def test_brier_and_log_at_score_one_probability(make_forecast, horizon, opened, p, happened):
    forecast, outcome = make_forecast(linear(80, 0.8)), Outcome(opened, 60)
    assert brier(forecast, outcome, horizon) == pytest.approx((p - happened) ** 2, rel=1e-12)
    assert brier(forecast, outcome, horizon) == pytest.approx(scoringrules.brier_score(happened, p), rel=1e-12)
    assert log_at(forecast, outcome, horizon) == pytest.approx(-np.log(p if happened else 1 - p), rel=1e-12)


@pytest.mark.parametrize("rule", [brier, log_at])
@pytest.mark.parametrize("opened", [None, 10, 95])
def test_a_horizon_beyond_follow_up_is_not_scored_opened_or_not(make_forecast, rule, opened):
    forecast = make_forecast(linear(200))
    assert np.isnan(rule(forecast, Outcome(opened, 89.5), 90))
    assert np.isfinite(rule(forecast, Outcome(opened, 90), 90))
    assert np.isnan(rule(forecast, Outcome(opened, 10_000), 3651)), "nor one beyond the grid"


@pytest.mark.parametrize(("opened", "word"), [(60, 1), (61, 2), (730, 2), (731, 3), (3650, 3), (None, 4), (4000, 4)])
def test_rps_of_a_whole_decade_is_that_of_four_words(make_forecast, opened, word):
    forecast = make_forecast(linear(1000, 0.8))
    words = [0.048, 0.8 * 0.67, 0.8 * 0.27, 0.2]
    expected = scoringrules.rps_score(word, np.array(words))
    assert rps(forecast, Outcome(opened, 3650), DAY) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("gone", "followed", "opened", "cuts"),
    [
        (0, 59, 10, {}),
        (0, 60, 10, {60: 1}),
        (0, 60, None, {60: 0}),
        (0, 729, 100, {60: 0}),
        (0, 730, 100, {60: 0, 730: 1}),
        (10, 50, 50, {50: 1}),
        (59, 1, 1, {1: 1}),
        (60, 600, 10, {}),
        (60, 670, 10, {670: 1}),
        (700, 9000, 31, {30: 0, 2950: 1}),
        (3650, 9000, 10, {}),
    ],
)
def test_rps_drops_cuts_that_had_passed_or_lie_beyond_follow_up(make_forecast, gone, followed, opened, cuts):
    forecast = make_forecast(linear(3650))
    expected = sum((cut / 3650 - happened) ** 2 for cut, happened in cuts.items()) if cuts else np.nan
    found = rps(forecast, Outcome(opened, followed), DAY - dt.timedelta(days=gone))
    assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("followed", [0.5, 40, 89.25, 333, 3000, 5000])
@pytest.mark.parametrize("opened", [1, 40, 90, 300, None])
def test_cut_crps_is_the_integral_over_follow_up(make_forecast, opened, followed):
    curve = 0.9 * stats.weibull_min(0.7, scale=200).cdf(GRID_DAYS)
    end = min(followed, 3650)
    opens = opened if opened is not None and opened <= end else np.inf
    knots = np.unique(np.minimum(np.append(GRID_DAYS, min(opens, end)), end))

    def squared_gap(u, step):
        return (at(curve, u) - step) ** 2

    pieces = [integrate.quad(squared_gap, a, b, (a >= opens,))[0] for a, b in pairwise(knots)]
    found = cut_crps(make_forecast(lambda _: curve), Outcome(opened, followed))
    assert found == pytest.approx(sum(pieces) / end, rel=1e-9)


@pytest.mark.parametrize("opened", [1, 77, 365, 700, 729])
def test_cut_crps_of_a_uniform_day_is_the_crps(make_forecast, opened):
    found = cut_crps(make_forecast(linear(730)), Outcome(opened, 10_000)) * 3650
    assert found == pytest.approx(scoringrules.crps_uniform(opened, 0, 730), rel=1e-9)


@pytest.mark.parametrize("rate", [0.005, 0.05, 0.5])
@pytest.mark.parametrize("opened", [0.5, 20, 300])
def test_the_gap_to_a_step_is_the_crps_once_nothing_is_censored(rate, opened):
    days = np.linspace(0, 40 / rate, 40_001)
    end = float(max(days[-1], opened + 1))
    found = mean_squared_gap(days, stats.expon(scale=1 / rate).cdf(days), opened, end) * end
    assert found == pytest.approx(scoringrules.crps_exponential(opened, rate), rel=1e-5)


def test_log_loss_and_squared_error_at_their_ends():
    np.testing.assert_allclose(log_loss([1.0, 0.5, 0.0, -1e-17]), [0, np.log(2), np.inf, np.inf])
    np.testing.assert_allclose(squared_error([0, 1, 0.5, 0.2], [0, 0, 1, True]), [0, 1, 0.25, 0.64])


@pytest.mark.parametrize("opened", [0, -1, -400])
def test_an_opening_by_the_making_is_refused(opened):
    with pytest.raises(ForecastError, match=f"^opened on day {opened} after the making: known by then, so not scored$"):
        Outcome(opened, 100)


@pytest.mark.parametrize("followed", [0, -1, np.inf, np.nan])
def test_no_follow_up_or_an_endless_one_is_refused(followed):
    with pytest.raises(ForecastError, match="at least a part of one day is needed"):
        Outcome(None, followed)


# An opening known to a window


@pytest.mark.parametrize(
    ("opened", "followed", "window", "chance"),
    [
        (50, 60, 30, 0.3),
        (50, 50, 30, 0.3),
        (30, 60, 30, 0.3),
        (30, 60, 31, 0.3),
        (10, 60, 30, 0.1),
        (90, 100, 30, 0.2),
        (50, 40, 30, 0.6),
        (50, 60, 1, 0.01),
        (1, 60, 1, 0.01),
    ],
    ids=[
        "month",
        "to the end of follow-up",
        "from the making",
        "from the day before the making",
        "cut at the making",
        "where the curve ends",
        "after follow-up",
        "day",
        "first day",
    ],
)
def test_an_opening_known_to_a_window_has_the_chance_of_the_window(make_forecast, opened, followed, window, chance):
    forecast = make_forecast(linear(80, 0.8), part_share=0.25)
    assert log(forecast, Outcome(opened, followed, None, window)) == pytest.approx(-np.log(chance), rel=1e-12)
    for how, share in (("full", 0.75), ("part", 0.25)):
        split = chance * (share if opened <= followed else 1)
        found = kind(forecast, Outcome(opened, followed, how, window))
        assert found == pytest.approx(-np.log(split), rel=1e-12)


def test_a_window_is_a_day_unless_said_and_only_log_scores_read_it(make_forecast):
    forecast, reference = make_forecast(linear(500), part_share=0.25), REFERENCE.forecast(DAY, "q")
    plain, day, month = (
        score_all(forecast, reference, outcome, DAY)
        for outcome in (Outcome(70, 200, "part"), Outcome(70, 200, "part", 1), Outcome(70, 200, "part", 30))
    )
    assert plain == pytest.approx(day, rel=0, abs=0, nan_ok=True)
    assert {name for name, score in month.items() if score != day[name] and not np.isnan(score)} == {"log", "kind"}
    grown = (0.99 * 30 / 500 + 0.01 * 0.5 * (np.exp(-0.4) - np.exp(-0.7))) / (
        0.99 / 500 + 0.01 * 0.5 * (np.exp(-0.69) - np.exp(-0.7))
    )
    assert day["log"] - month["log"] == pytest.approx(np.log(grown), rel=1e-9)


# The mixture


def test_a_forecast_is_scored_given_that_it_was_still_closed(make_forecast):
    stale = make_forecast(lambda u: 0.2 + 0.8 * linear(100)(u), part_share=0.5, last_checked=DAY - dt.timedelta(9))
    fresh = make_forecast(linear(100), part_share=0.5)
    reference = REFERENCE.forecast(DAY, "q")
    outcome = Outcome(10, 90, "part")
    assert score_all(stale, reference, outcome, DAY) == pytest.approx(
        score_all(fresh, reference, outcome, DAY), rel=1e-9, nan_ok=True
    )


def test_the_reference_weighs_one_in_a_hundred(make_forecast):
    found = prepared(make_forecast(linear(100), part_share=0.5), REFERENCE.forecast(DAY, "q"))
    reference = 0.5 * stats.expon(scale=100).cdf(GRID_DAYS)
    np.testing.assert_allclose(found.cdf_full, 0.99 * 0.5 * linear(100)(GRID_DAYS) + 0.01 * 0.75 * reference)
    np.testing.assert_allclose(found.cdf_part, 0.99 * 0.5 * linear(100)(GRID_DAYS) + 0.01 * 0.25 * reference)


def test_a_reference_of_another_day_is_refused(make_forecast):
    with pytest.raises(
        ForecastError, match="forecast by acme for q was made on 2026-01-01, its reference on 2026-01-02"
    ):
        prepared(make_forecast(linear(100)), REFERENCE.forecast(dt.date(2026, 1, 2), "q"))


@pytest.mark.parametrize(
    ("opened", "followed", "chance"),
    [
        (50, 90, 0.5 * (np.exp(-0.49) - np.exp(-0.50))),
        (None, 90, 0.5 + 0.5 * np.exp(-0.9)),
        (None, 20, (0.99 * 0.6 + 0.01 * (0.5 + 0.5 * np.exp(-0.2))) / 0.01),
        (10, 90, (0.99 * 0.4 + 0.01 * 0.5 * (np.exp(-0.09) - np.exp(-0.10))) / 0.01),
    ],
    ids=["day-of-no-chance", "certain-and-wrong", "flat", "step"],
)
def test_a_step_curve_of_zeros_and_ones_stays_finite(make_forecast, opened, followed, chance):
    steps = make_forecast(lambda u: np.select([u >= 60, u >= 10], [1.0, 0.4], 0.0), part_share=0.25)
    outcome = Outcome(opened, followed, None if opened is None else "full")
    scores = score_all(steps, REFERENCE.forecast(DAY, "q"), outcome, DAY)
    assert scores["log"] == pytest.approx(-np.log(0.01 * chance), rel=1e-9)
    beyond = [h for h in HORIZON_DAYS if h > followed]
    unseen = {f"{rule}_{h}" for rule in ("brier", "log_at") for h in beyond} | ({"rps"} if followed < 60 else set())
    assert {name for name, score in scores.items() if not np.isfinite(score)} == unseen
    assert np.isnan([scores[name] for name in unseen]).all()


def test_raw_zeros_are_infinite_so_the_mixture_is_needed(make_forecast):
    never, reference = make_forecast(np.zeros_like), REFERENCE.forecast(DAY, "q")
    assert np.isinf(log(never, Outcome(5, 90)))
    assert np.isinf(log_at(never, Outcome(5, 90), 30))
    assert np.isinf(kind(never, Outcome(5, 90, "part")))
    finite = score_all(never, reference, Outcome(5, 90, "part"), DAY)
    assert all(np.isfinite(finite[name]) for name in ("log", "kind", "log_at_30", "log_at_90"))


def test_all_scores_are_named_in_order_and_each_is_its_rule(make_forecast):
    forecast, reference, outcome = make_forecast(linear(500)), REFERENCE.forecast(DAY, "q"), Outcome(70, 200, "full")
    scores = score_all(forecast, reference, outcome, DAY, horizons=(30, 90, 365))
    names = ["log", "cut_crps", "rps", "kind", "brier_30", "brier_90", "brier_365"]
    assert list(scores) == score_names((30, 90, 365)) == [*names, "log_at_30", "log_at_90", "log_at_365"]
    mixed = [0.99 * h / 500 + 0.01 * 0.5 * -np.expm1(-h / 100) for h in (30, 90)]
    assert [scores["brier_30"], scores["brier_90"]] == pytest.approx([0.06**2, 0.82**2])
    assert [scores["log_at_30"], scores["log_at_90"]] == pytest.approx([-np.log(1 - mixed[0]), -np.log(mixed[1])])
    assert scores["rps"] == pytest.approx(0.12**2)
    assert np.isnan([scores["brier_365"], scores["log_at_365"]]).all()
    assert all(rule.lower_is_better for rule in SCORES.values())


# Sets in which all opened, or none


def whole_scores(make_forecast, *opened):
    """Mean scores of F(u) = u / 100, a quarter in part, followed for 60 days."""
    forecast, reference = make_forecast(linear(80, 0.8), part_share=0.25), REFERENCE.forecast(DAY, "q")
    outcomes = [Outcome(day, 60, "full" if day else None) for day in opened]
    scores = [score_all(forecast, reference, outcome, DAY, horizons=(30,)) for outcome in outcomes]
    means = {name: np.mean([s[name] for s in scores]) for name in score_names((30,))}
    assert np.isfinite(list(means.values())).all()
    return means


def of_reference(first, last):
    return 0.5 * (np.exp(-first / 100) - np.exp(-last / 100))


def test_the_mean_scores_of_a_set_in_which_all_opened_are_those_by_hand(make_forecast):
    days = np.array([10, 20, 40])
    by_30 = 0.99 * 0.3 + 0.01 * of_reference(0, 30)
    assert whole_scores(make_forecast, *map(int, days)) == pytest.approx(
        {
            "log": -np.log(0.99 * 0.01 + 0.01 * of_reference(days - 1, days)).mean(),
            "cut_crps": ((days**3 + (100 - days) ** 3 - 40**3) / 30_000 / 60).mean(),
            "rps": 0.16,
            "kind": -np.log(0.75 * (0.99 * 0.01 + 0.01 * of_reference(days - 1, days))).mean(),
            "brier_30": (0.49 + 0.49 + 0.09) / 3,
            "log_at_30": -(2 * np.log(by_30) + np.log(1 - by_30)) / 3,
        },
        rel=1e-9,
    )


def test_the_mean_scores_of_a_set_in_which_none_opened_are_those_by_hand(make_forecast):
    closed = 1 - 0.99 * 0.6 - 0.01 * of_reference(0, 60)
    assert whole_scores(make_forecast, None, None, None) == pytest.approx(
        {
            "log": -np.log(closed),
            "cut_crps": 60**3 / 30_000 / 60,
            "rps": 0.36,
            "kind": -np.log(closed),
            "brier_30": 0.09,
            "log_at_30": -np.log(1 - 0.99 * 0.3 - 0.01 * of_reference(0, 30)),
        },
        rel=1e-9,
    )


# Propriety


ARGUMENTS = {"day": [()], "words": [(DAY,), (DAY - dt.timedelta(40),)], "horizons": [(30,), (150,)]}


def expected(score, truth, followed):
    """Expectation of a score under a truth: over every day and kind that can be seen, and being closed through C."""
    days = np.arange(followed + 1)
    terms = [(1 - at(truth.cdf, followed), score(Outcome(None, followed)))]
    for how, cdf in (("full", truth.cdf_full), ("part", truth.cdf_part)):
        chances = np.diff(at(cdf, days))
        terms += [(p, score(Outcome(int(k), followed, how))) for k, p in zip(days[1:], chances, strict=True)]
    assert len({bool(np.isnan(value)) for _, value in terms}) == 1, "being scored hangs on what happened"
    return sum(p * value for p, value in terms if p > 0)


def perturbed(truth: ReleaseForecast) -> dict[str, ReleaseForecast]:
    """Forecasts beside the truth, small steps and large ones."""

    def curve(full, part):
        return ReleaseForecast("q", "acme", DAY, full, part)

    full, part, whole = truth.cdf_full, truth.cdf_part, truth.cdf
    share = full[-1] / whole[-1]
    scaled = {f"pace-{s}": at(whole, np.minimum(GRID_DAYS * s, GRID_DAYS[-1])) for s in (0.5, 0.8, 1.25, 2)}
    raised = {f"power-{a}": whole**a for a in (0.6, 0.9, 1.1, 1.6)}
    fewer = {f"times-{c}": c * whole for c in (0.5, 0.9)}
    more = {"mixed": 0.9 * whole + 0.1 * stats.expon(scale=60).cdf(GRID_DAYS)}
    late = {"all-after-200-days": np.where(GRID_DAYS > 200, 1.0, 0.0)}
    others = scaled | raised | fewer | more | late
    return {name: curve(share * cdf, (1 - share) * cdf) for name, cdf in others.items()} | {
        "swapped": curve(part, full),
        "more-in-part": curve(0.9 * full, part + 0.1 * full),
    }


@pytest.fixture(scope="module")
def truths(make_forecast):
    return {
        "never-fraction": make_forecast(lambda u: 0.7 * stats.weibull_min(0.8, scale=150).cdf(u), part_share=0.3),
        "all-open": make_forecast(lambda u: stats.beta(1.5, 2, scale=160).cdf(u), part_share=0.3),
    }


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize(
    ("truth_name", "followed"),
    [("never-fraction", 35), ("never-fraction", 200), ("all-open", 100), ("all-open", 200)],
    ids=["early", "censored", "half", "complete"],
)
def test_no_forecast_is_expected_to_beat_the_truth(truths, name, truth_name, followed):
    rule, truth = SCORES[name], truths[truth_name]
    if truth_name == "all-open" and followed == 200:
        assert at(truth.cdf, followed) == 1, "nothing is censored"
    # the curve spreads a day's chance over the day, the step stands at its end: worth the mean of m^2 / 3
    chances = np.diff(at(truth.cdf, np.arange(followed + 1)))
    slack = np.mean(chances**2) / 3 if name == "cut_crps" else 1e-12
    told = 0
    for args in ARGUMENTS[rule.answers]:
        honest = expected(lambda o, args=args: rule.fn(truth, o, *args), truth, followed)
        for other, forecast in perturbed(truth).items():
            found = expected(lambda o, args=args, forecast=forecast: rule.fn(forecast, o, *args), truth, followed)
            assert np.isnan(honest) or found >= honest - slack, other
            told += found > honest + 1e-4
    assert told >= 5, "the rule tells the truth from others"


@pytest.mark.parametrize("rule", [log, kind])
@pytest.mark.parametrize("truth_name", ["never-fraction", "all-open"])
def test_no_forecast_is_expected_to_beat_the_truth_where_openings_are_known_to_a_month(truths, rule, truth_name):
    truth, months = truths[truth_name], np.arange(0, 121, 30)

    def expected_of(forecast):
        score = 0.0
        for how, cdf in (("full", truth.cdf_full), ("part", truth.cdf_part)):
            chances = np.diff(at(cdf, months))
            ends = [Outcome(int(k), 120, how, 30) for k in months[1:]]
            score += sum(p * rule(forecast, outcome) for p, outcome in zip(chances, ends, strict=True))
        return score + (1 - at(truth.cdf, 120)) * rule(forecast, Outcome(None, 120))

    honest = expected_of(truth)
    found = {name: expected_of(forecast) for name, forecast in perturbed(truth).items()}
    assert min(found.values()) >= honest - 1e-12
    assert sum(score > honest + 1e-4 for score in found.values()) >= 5


def improper_crps(cdf, opened, followed):
    """Survival CRPS as it must not be: to infinity for openings, to C for the rest."""
    days = np.arange(GRID_DAYS[-1])
    gap = (at(cdf, days) - (days >= opened)) ** 2
    return gap.sum() if opened <= followed else gap[days < followed].sum()


def test_a_crps_to_infinity_for_openings_alone_is_beaten_by_all_just_after_the_cut(make_forecast):
    truth, followed = make_forecast(stats.expon(scale=800).cdf), 100
    cheat = make_forecast(lambda u: np.where(u > followed, 1.0, 0.0))

    def expected_of(score):
        days = np.arange(1, followed + 1)
        chances = np.diff(at(truth.cdf, np.arange(followed + 1)))
        opened = sum(p * score(int(k)) for k, p in zip(days, chances, strict=True))
        return opened + (1 - at(truth.cdf, followed)) * score(None)

    wrong = [expected_of(lambda k, f=f: improper_crps(f.cdf, k or np.inf, followed)) for f in (cheat, truth)]
    assert wrong[0] < 0.2 * wrong[1], "the cheat looks far better than the truth"
    right = [expected_of(lambda k, f=f: cut_crps(f, Outcome(k, followed))) for f in (cheat, truth)]
    assert right[0] > 1.01 * right[1]


@pytest.mark.parametrize("horizon", [90, 365])
def test_counting_what_is_resolved_alone_rewards_a_forecast_that_is_too_high(make_forecast, horizon):
    rng = np.random.default_rng(5)
    truth = make_forecast(stats.expon(scale=800).cdf)
    high = make_forecast(stats.expon(scale=250).cdf)
    day = np.ceil(rng.exponential(800, 4000)).astype(int)
    followed = rng.integers(1, horizon * 5 // 4, 4000)  # asked all along: few have been followed to their horizon
    outcomes = [Outcome(int(k), int(c)) for k, c in zip(day, followed, strict=True)]

    def as_resolved(forecast):
        """YES counts as soon as it is opened, NO at the horizon: what is scored hangs on what happened."""
        yes, no = day <= np.minimum(followed, horizon), (followed >= horizon) & (day > horizon)
        p = forecast.prob_by(horizon)
        return np.average(squared_error(p, [1, 0]), weights=[yes.sum(), no.sum()])

    def as_followed(forecast):
        return np.nanmean([brier(forecast, outcome, horizon) for outcome in outcomes])

    assert as_resolved(high) < as_resolved(truth)
    assert as_followed(truth) < as_followed(high)
    scored = [not np.isnan(brier(truth, outcome, horizon)) for outcome in outcomes]
    np.testing.assert_array_equal(scored, followed >= horizon)


def test_the_mixture_costs_or_helps_less_than_a_hundredth_of_a_nat(truths):
    reference = REFERENCE.forecast(DAY, "q")
    for truth in truths.values():
        plain = expected(lambda o, truth=truth: log(truth, o), truth, 100)
        mixed = expected(lambda o, truth=truth: log(prepared(truth, reference), o), truth, 100)
        assert plain <= mixed <= plain - np.log(0.99)


def test_the_day_that_a_cut_crps_looks_early_by_costs_what_it_says(make_forecast):
    cdf = stats.expon(scale=30 / np.log(2)).cdf
    truth = make_forecast(cdf)
    chances = np.diff(cdf(np.arange(31)))
    steps = np.concatenate([[0], np.cumsum(chances)])
    ideal = np.mean(steps[:-1] * (1 - steps[:-1]))  # a CDF that jumps at the end of each day
    cost = expected(lambda o: cut_crps(truth, o), truth, 30) - ideal
    assert cost == pytest.approx(np.mean(chances**2) / 3, rel=1e-6)
    assert cost == pytest.approx(0.0001, abs=5e-6)
