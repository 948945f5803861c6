"""Survival by group against lifelines and scipy, and tables by hand."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forecast.record.history import (
    AT_RISK,
    holdings,
    lags_by,
    open_within,
    spells_of,
    split,
    survival,
    survival_curves,
    who_opens,
    wilson,
)
from forecast.tables.episodes import read_episodes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lifelines import KaplanMeierFitter

MakeData = Callable[..., Path]
DAYS = np.array([0.0, 10, 20, 40, 60])


def spells(entry: object, exit_: object, opened: object) -> pd.DataFrame:
    frame = pd.DataFrame({"entry_days": entry, "exit_days": exit_, "opened": opened})
    return frame.assign(episode_id=[f"e{n}" for n in frame.index], organization="Acme")


def drawn(late: float) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    entry = np.where(rng.random(200) < late, rng.uniform(0, 20, 200), 0.0)
    lag, censored = rng.exponential(60, 200), rng.exponential(120, 200)
    return spells(entry, entry + np.ceil(np.minimum(lag, censored)), lag <= censored)


def view_of(make_data: MakeData, *rows: dict[str, str], **tables: list[dict[str, str]]) -> pd.DataFrame:
    named = [{"episode_id": f"e{n}"} | row for n, row in enumerate(rows)]
    return read_episodes(make_data(episodes=named, **tables) / "episodes.csv", dt.date(2026, 10, 31))


def opened_on(day: str, outcome: str = "opened", **cells: str) -> dict[str, str]:
    return {"outcome": outcome, "outcome_on": day, "outcome_precision": "day", "what_opened": "it"} | cells


@pytest.mark.parametrize("late", [0.0, 0.5])
def test_the_share_still_closed_is_lifelines_with_delayed_entry(late: float) -> None:
    own = drawn(late)
    fitted = KaplanMeierFitter().fit(own.exit_days, own.opened, entry=own.entry_days)
    table = survival(own, DAYS)
    np.testing.assert_allclose(table.closed, fitted.predict(DAYS), atol=1e-12)
    assert table.at_risk.tolist() == [
        int(((own.entry_days < max(day, 0.5)) & (own.exit_days >= day)).sum()) for day in DAYS
    ]


def test_the_interval_has_greenwoods_variance_as_lifelines_has_it() -> None:
    own = drawn(0.0)
    fitted = KaplanMeierFitter().fit(own.exit_days, own.opened)
    upper = fitted.confidence_interval_survival_function_.iloc[:, 1].loc[40.0]
    closed = fitted.predict(40)
    spread = np.log(np.log(closed) / np.log(upper)) / stats.norm.ppf(0.975)  # of log(-log), by Greenwood
    variance = (closed * np.log(closed) * spread) ** 2
    low, high = wilson(np.array([closed]), np.array([closed * (1 - closed) / variance]))
    [row] = survival(own, [40]).itertuples()
    assert (row.low, row.high) == pytest.approx((low[0], high[0]), abs=1e-9)


def test_without_censoring_the_interval_is_wilsons_for_the_count() -> None:
    own = spells(0.0, np.arange(1.0, 31), True)
    [row] = survival(own, [12]).itertuples()
    expected = stats.binomtest(18, 30).proportion_ci(method="wilson")
    assert (row.closed, row.low, row.high) == pytest.approx((0.6, expected.low, expected.high))


def test_where_none_was_opened_the_interval_is_that_of_the_number_at_risk_and_few_say_nothing() -> None:
    own = spells(0.0, np.arange(100.0, 120), False)
    table = survival(own, [50, 115, 116])
    expected = stats.binomtest(20, 20).proportion_ci(method="wilson")
    assert (table.closed[0], table.low[0]) == pytest.approx((1.0, expected.low))
    assert table.at_risk.tolist() == [20, AT_RISK, AT_RISK - 1]
    assert table.closed.notna().tolist() == [True, True, False]


def test_a_promise_moves_a_model_to_another_state_on_its_day(make_data: MakeData) -> None:
    said = {"about": "e0", "said_on": "2024-04-10", "known_on": "2024-04-10"}
    view = view_of(make_data, opened_on("2024-06-09"), {}, promises=[said])
    table = spells_of(view)
    assert table.episode_id.tolist() == ["e0", "e0", "e1"]
    assert table.state.tolist() == ["none", "vague", "none"]
    assert table.debut_state.tolist() == ["none"] * 3
    assert table.entry_days.tolist() == [0, 40, 0]
    assert table.exit_days.tolist() == [40, 100, 974.5]  # through the last day searched
    assert table.opened.tolist() == [False, True, False]
    assert open_within(split(table, "state", 1), (90,)).models.to_dict() == {"none": 2, "vague": 1}


def test_a_leak_ends_a_row_and_a_promise_inside_the_openings_window_keeps_half_a_day(make_data: MakeData) -> None:
    leak = {"outcome": "leaked", "outcome_on": "2024-03-31", "outcome_precision": "day"}
    month = opened_on("2024-04-01", outcome_precision="month")  # its middle, day 45.5, comes before the promise
    said = {"about": "e1", "said_on": "2024-04-28", "known_on": "2024-04-28"}
    table = spells_of(view_of(make_data, leak, month, promises=[said]))
    assert table.exit_days.tolist() == [30.5, 45, 45.5]
    assert table.opened.tolist() == [False, False, True]


def test_counts_of_a_little_table(make_data: MakeData) -> None:
    view = view_of(
        make_data,
        opened_on("2024-03-31"),
        opened_on("2024-04-30", "opened_partial"),
        {"closed_precision": "month"},
        {"organization": "Other"},
        {"domain": "game", "closed_on": "2001-01-01"},
    )
    held = holdings(view)
    assert held.loc["outcome", "ai_model"].to_dict() == {"opened": 1, "opened_partial": 1, "still_closed": 2}
    assert held.loc[("debut known to the", "month")].to_dict() == {"ai_model": 1, "game": 0, "all": 1}
    assert held.loc[("year of debut", "2018 and before"), "game"] == 1
    [acme] = who_opens(spells_of(view), 2).reset_index().to_dict("records")
    assert acme["organization"] == "Acme"
    assert (acme["models"], acme["opened"], acme["in_full"], acme["in_part"]) == (3, 2, 1, 1)
    assert (acme["opened_share"], acme["median_days_opened"]) == pytest.approx((2 / 3, 45))


def test_lags_are_quantiles_of_all_beside_the_median_of_the_opened() -> None:
    few = spells(0.0, [10.0, 20, 30, *range(100, 107)], [True] * 3 + [False] * 7)
    [row] = lags_by({"few": few}).to_dict("records")
    assert row == {"models": 10, "opened": 3, "median_days_opened": 20, "days_to_10": 10, "days_to_25": 30}
    assert np.isnan(lags_by({"few": few}, (0.5,)).days_to_50.item())
    wide = open_within({"few": few}, (25, 200))
    assert (wide.p_25.item(), wide.at_risk_200.item()) == (pytest.approx(0.2), 0)
    assert np.isnan(wide.p_200.item())


def test_a_curve_is_drawn_from_the_debut_to_the_last_day_with_enough_at_risk() -> None:
    own = spells(0.0, [10.0, 20, 30, *range(100, 107)], [True] * 3 + [False] * 7)
    curve = survival_curves({"few": own})
    assert curve.day.tolist() == [0, 10, 20, 30, 102]
    assert curve.closed.tolist() == pytest.approx([1, 0.9, 0.8, 0.7, 0.7])
    assert set(curve.group) == {"few: 3 of 10"}
    assert survival_curves({"few": own}, 25).day.tolist() == [0, 10, 20, 25]


def test_the_spells_of_the_real_table_cover_every_model_once(real_data: Path) -> None:
    view = read_episodes(real_data / "episodes.csv", dt.date(2026, 11, 25))
    table = spells_of(view)
    assert table.episode_id.nunique() == (view.domain == "ai_model").sum()
    joined = table.groupby("episode_id").agg(first=("entry_days", "min"), last=("exit_days", "max"))
    length = (table.exit_days - table.entry_days).groupby(table.episode_id).sum()
    np.testing.assert_allclose(length, joined["last"], atol=1e-9)
    assert (joined["first"] == 0).all()
    assert table.groupby("episode_id").opened.sum().max() == 1
    sizes = [own.episode_id.nunique() for own in split(table, "organization").values()]
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) >= 15
