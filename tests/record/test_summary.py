"""Skill, by hand: what is averaged over what, on which items, and what may be claimed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.record.scores import score_names
from forecast.record.summary import CHOICES_THROUGH, LEAST_OPENED, periods, rule_of, skill, strata, summarise

HORIZONS = (30, 365)
NAMES = score_names(HORIZONS)
NO_COHORTS = pd.DataFrame({"cohort": [], "episode_id": []}, dtype=object)
EARLY, LATE = "2025-01-01", "2025-07-01"


def item(forecaster: str, episode: str, score: float, origin: str = EARLY, **cells: Any) -> dict[str, Any]:
    """A forecast with the same score by every rule."""
    about = {"organization": "Acme", "country": "FR", "modality": "text", "promise": "none"}
    plain = about | {"day": np.nan, "followed_days": 400.0} | dict.fromkeys(NAMES, score)
    return {"forecaster": forecaster, "origin": pd.Timestamp(origin), "episode_id": episode} | plain | cells


def both(episode: str, ours: float, theirs: float, origin: str = EARLY, **cells: Any) -> list[dict[str, Any]]:
    """The same forecast by the model and a baseline."""
    return [
        item("model", episode, ours, origin, **cells),
        item("kaplan-meier", episode, theirs, origin, **cells),
    ]


def summed(rows: list[dict[str, Any]], cohorts: pd.DataFrame = NO_COHORTS) -> pd.DataFrame:
    index = ["period", "stratum", "value", "score_name", "baseline"]
    return summarise(pd.DataFrame(rows), cohorts, HORIZONS, seed=1).set_index(index).sort_index()


def whole(table: pd.DataFrame, name: str = "brier_30", period: str = "all", baseline: str = "kaplan-meier") -> Any:
    return table.loc[(period, "all", "all", name, baseline)]


# --- Skill -------------------------------------------------------------------------------------------------------


def test_skill_is_a_ratio_for_squares_and_a_difference_for_nats() -> None:
    assert skill(0.1, 0.2, "brier") == pytest.approx(0.5)
    assert skill(0.3, 0.2, "cut_crps") == pytest.approx(-0.5)
    assert skill(0.1, 0.2, "rps") == pytest.approx(0.5)
    for rule in ("log", "kind", "log_at"):
        assert skill(1.5, 2.25, rule) == 0.75
    np.testing.assert_allclose(skill(np.array([1.0, 2]), np.array([2.0, 1]), "brier"), [0.5, -1])
    assert [rule_of(name) for name in NAMES] == ["log", "cut_crps", "rps", "kind", *2 * ["brier"], *2 * ["log_at"]]


def test_items_or_episodes_count_once_by_hand() -> None:
    rows = [*both("a", 0.1, 0.2), *both("a", 0.3, 0.2, "2025-04-01"), *both("b", 0.2, 0.5, organization="Bit")]
    table = summed(rows)
    ratio, nats = whole(table, "brier_30"), whole(table, "log")
    for row in (ratio, nats):
        assert (row["score"], row["baseline_score"]) == (pytest.approx(0.2), pytest.approx(0.3))
        assert (row["score_by_episode"], row["baseline_score_by_episode"]) == (pytest.approx(0.2), pytest.approx(0.35))
    assert ratio["skill"] == pytest.approx(1 / 3)
    assert ratio["skill_by_episode"] == pytest.approx(3 / 7)
    assert nats["skill"] == pytest.approx(0.1)
    assert nats["skill_by_episode"] == pytest.approx(0.15)
    assert (ratio["items"], ratio["episodes"], ratio["organizations"]) == (3, 2, 2)


def test_intervals_draw_whole_organisations() -> None:
    one = [*both("a", 0.1, 0.2), *both("b", 0.4, 0.2)]
    row = whole(summed(one))
    assert (row["low"], row["high"]) == (pytest.approx(row["skill"]), pytest.approx(row["skill"]))
    two = [*both("a", 0.1, 0.2), *both("b", 0.4, 0.2, organization="Bit")]
    row = whole(summed(two))
    assert (row["low"], row["high"]) == (pytest.approx(-1), pytest.approx(0.5))


def test_the_same_seed_gives_the_same_intervals() -> None:
    rng = np.random.default_rng(2)
    rows = [r for i in range(30) for r in both(f"e{i}", *rng.random(2), organization=f"O{i % 7}")]
    pd.testing.assert_frame_equal(summed(rows), summed(rows[::-1])[summed(rows).columns])


# --- Equal items -------------------------------------------------------------------------------------------------


def test_everyone_is_compared_on_the_items_that_all_have_scored() -> None:
    rows = [*both("a", 0.1, 0.2), *both("b", 0.9, 0.1), item("kaplan-meier", "c", 5.0)]
    rows[2] |= {"brier_365": np.nan}
    table = summed(rows)
    assert (whole(table)["items"], whole(table)["baseline_score"]) == (2, pytest.approx(0.15))
    other = whole(table, "brier_365")
    assert (other["items"], other["score"], other["baseline_score"]) == (1, pytest.approx(0.1), pytest.approx(0.2))


def test_an_origin_without_a_fit_is_left_out_for_all() -> None:
    rows = [*both("a", 0.1, 0.2), item("kaplan-meier", "a", 0.0, "2025-04-01")]
    assert whole(summed(rows))["baseline_score"] == pytest.approx(0.2)


def test_a_horizon_that_no_forecast_reaches_has_no_row() -> None:
    rows = [row | {"brier_365": np.nan, "log_at_365": np.nan} for row in both("a", 0.1, 0.2)]
    table = summed(rows)
    assert whole(table)["items"] == 1
    assert "brier_365" not in table.index.get_level_values("score_name")


def test_a_run_without_any_fit_has_no_skill() -> None:
    assert summarise(pd.DataFrame([item("kaplan-meier", "a", 0.2)]), NO_COHORTS, HORIZONS, seed=1).empty


# --- Strata, periods, claims -------------------------------------------------------------------------------------


def test_choices_end_where_claims_begin() -> None:
    assert dt.date(2025, 6, 30) == CHOICES_THROUGH
    origins = pd.Series(pd.to_datetime(["2024-01-01", "2025-06-30", "2025-07-01", "2026-01-01"]))
    found = {name: which.tolist() for name, which in periods(origins).items()}
    assert found == {
        "all": [True] * 4,
        "choice": [True, True, False, False],
        "claim": [False, False, True, True],
    }
    table = summed([*both("a", 0.1, 0.2), *both("a", 0.1, 0.4, LATE)])
    by_period = {period: whole(table, period=period)["baseline_score"] for period in ("all", "choice", "claim")}
    assert by_period == pytest.approx({"all": 0.3, "choice": 0.2, "claim": 0.4})


def test_a_period_or_stratum_without_items_has_no_row() -> None:
    table = summed(both("a", 0.1, 0.2))
    assert set(table.index.get_level_values("period")) == {"all", "choice"}


def test_strata_are_traits_and_cohorts() -> None:
    rows = [
        *both("a", 0.1, 0.2, promise="vague"),
        *both("b", 0.2, 0.4, modality="image"),
        *both("c", 0.3, 0.3, country="US"),
    ]
    cohorts = pd.DataFrame({"cohort": ["old", "old", "new"], "episode_id": ["a", "b", "a"]})
    base = pd.DataFrame(rows[::2])
    found = {(name, value): base.episode_id[some].tolist() for name, value, some in strata(base, cohorts)}
    assert found == {
        ("all", "all"): ["a", "b", "c"],
        ("promise", "none"): ["b", "c"],
        ("promise", "vague"): ["a"],
        ("modality", "image"): ["b"],
        ("modality", "text"): ["a", "c"],
        ("country", "FR"): ["a", "b"],
        ("country", "US"): ["c"],
        ("cohort", "new"): ["a"],
        ("cohort", "old"): ["a", "b"],
    }
    table = summed(rows, cohorts)
    assert table.loc[("all", "cohort", "old", "brier_30", "kaplan-meier"), "baseline_score"] == pytest.approx(0.3)
    assert table.loc[("all", "country", "US", "brier_30", "kaplan-meier"), "skill"] == pytest.approx(0)


def test_strata_are_compared_with_the_main_baselines_only() -> None:
    names = ("kaplan-meier", "kaplan-meier-promise", "never")
    table = summed([item("model", "a", 0.1), *(item(name, "a", 0.2) for name in names)])
    assert set(table.loc[("all", "all")].index.get_level_values("baseline")) == set(names)
    assert set(table.loc[("all", "promise")].index.get_level_values("baseline")) == set(names[:2])


def test_nothing_is_claimed_below_twenty_opened_episodes() -> None:
    def of(count: int) -> pd.DataFrame:
        days = [10.0] * count + [200.0] * 5
        return summed([r for i, day in enumerate(days) for r in both(f"e{i}", 0.1, 0.2, day=day)])

    assert LEAST_OPENED == 20
    few, enough = of(19), of(20)
    assert not whole(few)["claims"]
    assert whole(enough)["claims"]
    assert whole(few, "brier_365")["claims"]
    assert (whole(few)["episodes_opened"], whole(few, "log")["episodes_opened"]) == (19, 24)


def test_episodes_not_items_make_a_claim_and_only_openings_in_time() -> None:
    origins = pd.date_range("2022-01-01", periods=12, freq="QS").strftime("%Y-%m-%d")
    rows = [r for i in range(2) for origin in origins for r in both(f"e{i}", 0.1, 0.2, origin, day=30.0)]
    row = whole(summed(rows))
    assert (row["items_opened"], row["episodes_opened"], row["claims"]) == (24, 2, False)
    after = whole(summed(both("a", 0.1, 0.2, day=31.0)))
    assert (after["items"], after["items_opened"]) == (1, 0)
    beyond = whole(summed(both("a", 0.1, 0.2, day=401.0)), "log")
    assert beyond["items_opened"] == 0


def test_scores_at_horizons_are_pooled_over_those_that_are_due() -> None:
    early = {"brier_30": 0.1, "brier_365": 0.4, "day": 100.0}
    rows = [*both("a", 0.0, 0.0, **early), *both("b", 0.0, 0.0, brier_30=0.2, brier_365=np.nan, followed_days=60.0)]
    for row in rows:
        if row["forecaster"] == "kaplan-meier":
            row |= {name: 2 * row[name] for name in ("brier_30", "brier_365")}
    found = whole(summed(rows), "brier_pooled")
    assert (found["items"], found.items_opened, found.episodes_opened) == (3, 1, 1)  # b's year is not due
    assert found.score == pytest.approx((0.1 + 0.4 + 0.2) / 3)
    assert found.skill == pytest.approx(0.5)
