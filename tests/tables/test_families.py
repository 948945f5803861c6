"""A family as one episode: from its first closed debut to the first opening of any member."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from forecast.tables.episodes import open_window, read_episodes
from forecast.tables.promises import segments

MakeData = Callable[..., Path]
Cells = dict[str, str]

TWO: Cells = {"episode_id": "acme-two", "closed_on": "2024-05-01"}
LEAKED: Cells = {"outcome": "leaked", "outcome_on": "2024-08-01", "outcome_precision": "day"}
OPENED: Cells = {"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"}
PART: Cells = {"outcome": "opened_partial", "outcome_on": "2024-07-01", "outcome_precision": "day"}


def family(folder: Path, as_of: str = "2026-10-31", name: str = "acme") -> pd.Series | None:
    """The family's row, or None where it is no episode on that day."""
    view = read_episodes(folder / "episodes.csv", dt.date.fromisoformat(as_of), unit="family")
    rows = view[view.episode_id == name]
    assert len(rows) <= 1
    return rows.iloc[0] if len(rows) else None


def days(row: pd.Series, *columns: str) -> list[str]:
    return ["" if pd.isna(row[c]) else str(row[c].date()) for c in columns]


def other(**cells: str) -> Cells:
    """A row of a family that nobody asks about: a view must not be empty."""
    return {"episode_id": "bolt-one", "family": "bolt", "closed_on": "2020-01-01"} | cells


def test_the_debut_is_the_earliest_of_any_closed_member(make_data: MakeData) -> None:
    row = family(make_data(episodes=[TWO | {"organization": "Acme Labs"}, {"organization": "Acme"}]))
    assert (row.model, row.organization) == ("acme", "Acme")
    assert days(row, "closed_first", "closed_last") == ["2024-03-01", "2024-03-01"]


def test_the_debut_is_no_later_than_that_of_any_member(make_data: MakeData) -> None:
    row = family(make_data(episodes=[TWO, {"closed_on": "2024-01-01", "closed_precision": "year"}]))
    assert days(row, "closed_first", "closed_last") == ["2024-01-01", "2024-05-01"]


@pytest.mark.parametrize(
    ("cells", "part", "full"),
    [
        ([{}, TWO], "", ""),
        ([OPENED, TWO], "", "2024-09-10"),
        ([{}, TWO | OPENED], "", "2024-09-10"),
        ([PART, TWO | OPENED], "2024-07-01", "2024-09-10"),
        ([OPENED, TWO | OPENED | {"outcome_on": "2024-08-01"}], "", "2024-08-01"),
    ],
)
def test_the_opening_is_the_first_of_any_member(make_data: MakeData, cells: list[Cells], part: str, full: str) -> None:
    row = family(make_data(episodes=cells))
    assert days(row, "part_last", "full_last") == [part, full]
    assert row.outcome == ("opened" if full else "opened_partial" if part else "still_closed")


def test_the_outcome_day_is_that_of_the_familys_own_opening(make_data: MakeData) -> None:
    row = family(make_data(episodes=[PART, TWO | OPENED]))
    assert (row.outcome, *days(row, "outcome_on")) == ("opened", "2024-09-10")


@pytest.mark.parametrize(("opening", "outcome"), [("part", "opened_partial"), ("full", "opened")])
def test_a_member_open_from_its_debut_opens_the_family(make_data: MakeData, opening: str, outcome: str) -> None:
    row = family(make_data(episodes=[{}], family_members=[{"opening": opening}]))
    assert (row.outcome, *days(row, f"{opening}_first", f"{opening}_last")) == (outcome, "2024-06-01", "2024-06-01")


@pytest.mark.parametrize(("debut", "is_episode"), [("2024-02-29", False), ("2024-03-01", False), ("2024-03-02", True)])
def test_a_family_with_a_member_open_by_its_first_closed_debut_is_no_episode(
    make_data: MakeData, debut: str, is_episode: bool
) -> None:
    member = {"debut_on": debut, "known_on": debut}
    row = family(make_data(episodes=[{}, other()], family_members=[member]))
    assert (row is not None) == is_episode


def test_a_family_opened_before_a_later_closed_debut_stays_an_episode_from_its_first(make_data: MakeData) -> None:
    row = family(make_data(episodes=[PART, {"episode_id": "acme-two", "closed_on": "2025-01-01"}]))
    assert days(row, "closed_last", "part_last") == ["2024-03-01", "2024-07-01"]


@pytest.mark.parametrize(
    ("second", "leaked"),
    [({}, ""), (LEAKED, "2024-08-01"), (LEAKED | {"outcome_on": "2024-10-01"}, "2024-10-01")],
)
@pytest.mark.parametrize(("outcome", "column"), [("leaked", "leaked_on"), ("withdrawn", "withdrawn_on")])
def test_a_leak_or_withdrawal_counts_only_once_every_members_has(
    make_data: MakeData, second: Cells, leaked: str, outcome: str, column: str
) -> None:
    ended = [row | ({"outcome": outcome} if row else {}) for row in (LEAKED, second)]
    row = family(make_data(episodes=[ended[0], TWO | ended[1]]))
    assert (row.outcome, *days(row, column)) == (outcome if leaked else "still_closed", leaked)


def test_evidence_about_any_member_is_evidence_about_the_family(make_data: MakeData) -> None:
    folder = make_data(episodes=[{"observed_through": "2024-04-01"}, TWO | {"observed_through": "2024-07-01"}])
    assert days(family(folder), "observed_through") == ["2024-07-01"]
    assert days(family(folder, "2024-05-15"), "observed_through") == ["2024-05-15"]


@pytest.mark.parametrize(("as_of", "part"), [("2024-06-30", ""), ("2024-07-01", "2024-06-01")])
def test_a_member_known_later_is_not_in_an_earlier_view(make_data: MakeData, as_of: str, part: str) -> None:
    folder = make_data(episodes=[{}], family_members=[{"known_on": "2024-07-01"}])
    assert days(family(folder, as_of), "part_last") == [part]


def test_a_closed_member_known_later_is_not_in_an_earlier_view(make_data: MakeData) -> None:
    closed = {"open_at_debut": "false", "opening": "", "debut_on": "2024-03-01", "known_on": "2024-03-01"}
    members = [closed | {"episode_id": "acme-one"}, closed | {"episode_id": "acme-two", "known_on": "2025-01-01"}]
    row = family(make_data(episodes=[{}, TWO | OPENED], family_members=members), "2024-10-01")
    assert days(row, "full_last") == [""]


def test_a_member_announced_but_not_out_opens_nothing(make_data: MakeData) -> None:
    folder = make_data(episodes=[{}], family_members=[{"known_on": "2024-05-01"}])
    assert days(family(folder, "2024-05-15"), "part_last") == [""]


def test_a_member_whose_debut_is_known_to_the_month_opens_the_family_in_that_month(make_data: MakeData) -> None:
    row = family(make_data(episodes=[{}], family_members=[{"debut_precision": "month"}]))
    assert days(row, "part_first", "part_last") == ["2024-06-01", "2024-06-30"]


@pytest.mark.parametrize("there_is_a_file", [True, False])
def test_families_need_no_table_of_members(make_data: MakeData, there_is_a_file: bool) -> None:
    folder = make_data(episodes=[{}])
    if not there_is_a_file:
        (folder / "family_members.csv").unlink()
    assert family(folder).outcome == "still_closed"


def test_a_promise_for_any_member_or_for_the_family_is_one_of_the_family(make_data: MakeData) -> None:
    said = [
        {
            "about": "acme-two",
            "said_on": "2024-06-01",
            "known_on": "2024-06-01",
            "kind": "dated",
            "due_to": "2024-12-31",
        },
        {"about": "acme"},
    ]
    row = family(make_data(episodes=[{}, TWO], promises=said))
    assert [(str(s[0].date()), s[1]) for s in row.statements] == [("2024-04-01", "vague"), ("2024-06-01", "dated")]
    assert (row.promise, *days(row, "promised_on", "promised_by")) == ("dated", "2024-04-01", "2024-12-31")


@pytest.mark.parametrize(("about", "states"), [("acme-one", ["none", "vague"]), ("acme", ["none", "vague", "none"])])
def test_a_refusal_of_one_member_is_none_of_the_family(make_data: MakeData, about: str, states: list[str]) -> None:
    refusal = {"about": about, "said_on": "2024-05-01", "known_on": "2024-05-01", "kind": "refused"}
    folder = make_data(episodes=[{}], promises=[{"about": "acme-one"}, refusal])
    view = read_episodes(folder / "episodes.csv", unit="family")
    assert segments(view, open_window(view, "any").open_last).state.tolist() == states


@pytest.mark.parametrize(
    ("as_of", "outcome", "part", "full"),
    [
        ("2026-05-01", "still_closed", "", ""),
        ("2026-08-09", "still_closed", "", ""),
        ("2026-08-11", "opened_partial", "2026-08-10", ""),
        ("2026-10-14", "opened_partial", "2026-08-10", ""),
        ("2026-10-16", "opened", "2026-08-10", "2026-10-15"),
    ],
)
def test_the_muse_family_opened_in_part_in_august_and_in_full_in_october(
    real_data: Path, as_of: str, outcome: str, part: str, full: str
) -> None:
    row = family(real_data, as_of, "meta-muse")
    assert (row.outcome, *days(row, "part_last", "full_last", "closed_first")) == (outcome, part, full, "2026-04-08")
    assert (row.promise, *days(row, "promised_on")) == ("vague", "2026-04-06")


def test_the_muse_family_was_unknown_on_the_day_it_was_first_asked_about(real_data: Path) -> None:
    assert family(real_data, "2026-04-06", "meta-muse") is None
