"""An as-of view holds what was known on its day, and nothing else."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from forecast.errors import TableError
from forecast.tables.episodes import open_window, read_episodes

MakeData = Callable[..., Path]
Cells = dict[str, str]
Tables = dict[str, list[Cells]]

OPENED: Cells = {"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"}
PART: Cells = OPENED | {"outcome": "opened_partial"}
CHEAP = settings(deadline=None, derandomize=True, phases=(Phase.generate, Phase.shrink))
UNITS = ("model", "family")
RULES = ("silence", "evidence")
#: Cells that say what an outcome was, and what they hold while there is none.
NO_OUTCOME: Cells = {
    "outcome": "still_closed",
    "outcome_on": "",
    "outcome_precision": "",
    "what_opened": "",
    "license": "",
    "license_class": "none",
    "outcome_source_url": "",
}
NO_PROMISE = {"promise": "none"} | dict.fromkeys(
    ("promised_on", "promised_by", "promise_words", "promise_source_url"), ""
)


def view_of(folder: Path, as_of: str, **how: Any) -> pd.DataFrame:
    return read_episodes(folder / "episodes.csv", dt.date.fromisoformat(as_of), **how)


def text(value: Any) -> str:
    return "" if pd.isna(value) else str(value.date())


def cells_of(folder: Path, as_of: str, *columns: str, **how: Any) -> tuple[str, ...]:
    """Days of the only row, as text."""
    [row] = view_of(folder, as_of, **how)[list(columns)].itertuples(index=False)
    return tuple(text(value) for value in row)


# --- What was known on a day, written a second time on the cells of the tables -----------------------------------


def last_day(day: str, precision: str) -> str:
    units = {"day": "D", "month": "M", "quarter": "Q", "year": "Y"}
    return str(pd.Period(day, units[precision]).end_time.date())


def known(row: Cells, event: str) -> str:
    """Last day of an event's window; a window that holds the row's last evidence ends there."""
    last = last_day(row[f"{event}_on"], row[f"{event}_precision"])
    return min(last, row.get("observed_through", last))


def written_by(day: str, tables: Tables, unit: str) -> Tables:
    """The tables as they would have been written on a day: later rows gone, later facts undone."""
    parts = {r["episode_id"]: r for r in tables["earlier_openings"] if known(r, "opened") <= day}
    later = {r["episode_id"] for r in tables["family_members"] if r["known_on"] > day and unit == "family"}
    members = [r for r in tables["family_members"] if max(r["known_on"], known(r, "debut")) <= day]
    rows = [r for r in tables["episodes"] if known(r, "closed") <= day and r["episode_id"] not in later]
    rows = [undone(r, day, parts) for r in rows]
    opened = {r["episode_id"] for r in rows if r["outcome"] == "opened"}
    return {
        "episodes": rows,
        "earlier_openings": [r for r in parts.values() if r["episode_id"] in opened],
        "promises": [r for r in tables["promises"] if r["known_on"] <= day],
        "family_members": members,
    }


def undone(row: Cells, day: str, parts: dict[str, Cells]) -> Cells:
    if row["promise"] != "none" and row["promised_on"] > day:
        row = row | NO_PROMISE
    if row["outcome"] != "still_closed" and known(row, "outcome") > day:
        row = row | NO_OUTCOME
        if part := parts.get(row["episode_id"]):
            row |= {"outcome": "opened_partial", "what_opened": part["what_opened"]}
            row |= {"outcome_on": part["opened_on"], "outcome_precision": part["opened_precision"]}
    return row


def comparable(view: pd.DataFrame, opened_twice: set[str]) -> pd.DataFrame:
    """Values alone; of rows opened twice not what only the table of outcomes says."""
    view = view.astype(object).where(view.notna(), None)
    only_of_outcomes = ["outcome_precision", "outcome_source_url", "license", "license_class"]
    view.loc[view.episode_id.isin(opened_twice), only_of_outcomes] = None
    view.attrs = {}
    return view


def assert_nothing_later_shows(make_data: MakeData, folder: Path, tables: Tables, day: str, unit: str) -> None:
    """Compare a view with that of the tables as written by its day, under both follow-ups."""
    then = make_data(**written_by(day, tables, unit))
    twice = {r["episode_id"] for r in tables["earlier_openings"]}
    for rule in RULES:
        full, early = (view_of(f, day, unit=unit, follow_up=rule) for f in (folder, then))
        pd.testing.assert_frame_equal(comparable(full, twice), comparable(early, twice))


# --- Little tables of random facts ------------------------------------------------------------------------------


def after(day: str, days: int) -> str:
    return str(dt.date.fromisoformat(day) + dt.timedelta(days=days))


DAYS = st.integers(0, 700).map(lambda n: after("2023-06-01", n))
PRECISIONS = st.sampled_from(["day", "day", "month", "quarter", "year"])
END = "2026-10-31"


@st.composite
def episodes(draw: st.DrawFn, number: int) -> Cells:
    row = NO_OUTCOME | {
        "episode_id": f"model-{number}",
        "family": draw(st.sampled_from(["acme", "bolt", "cove", "dune"])),
        "closed_on": draw(DAYS),
        "closed_precision": draw(PRECISIONS),
        "closed_how": draw(st.sampled_from(["api", "app", "paper"])),
        "observed_through": END,
    }
    debut = last_day(row["closed_on"], row["closed_precision"])
    outcome = draw(st.sampled_from(["opened", "opened", "opened_partial", "leaked", "withdrawn", "still_closed"]))
    if outcome != "still_closed":
        row |= {"outcome": outcome, "outcome_on": after(debut, draw(st.integers(1, 400)))}
        row |= {"outcome_precision": draw(PRECISIONS), "license": "MIT", "license_class": "osi"}
        row |= {"what_opened": f"all of {number}", "outcome_source_url": "https://a.org"}
        row["observed_through"] = draw(st.sampled_from([row["outcome_on"], max(row["outcome_on"], END)]))
    return row | draw(promise_cells(row))


@st.composite
def promise_cells(draw: st.DrawFn, row: Cells) -> Cells:
    kind = draw(st.sampled_from(["none", "none", "vague", "dated"]))
    if kind == "none":
        return NO_PROMISE
    on = min(after(row["closed_on"], draw(st.integers(-60, 300))), row["outcome_on"] or END)
    due = after(on, draw(st.integers(0, 200))) if kind == "dated" else ""
    return NO_PROMISE | {"promise": kind, "promised_on": on, "promised_by": due, "promise_words": "soon"}


@st.composite
def statements(draw: st.DrawFn, about: list[str]) -> Cells:
    said, kind = draw(DAYS), draw(st.sampled_from(["vague", "dated", "delayed", "refused"]))
    late = draw(st.sampled_from([0, 0, 30]))
    due = {"dated": after(said, draw(st.integers(0, 200))), "delayed": draw(st.sampled_from(["", after(said, 90)]))}
    cells = {"about": draw(st.sampled_from(about)), "said_on": said, "known_on": after(said, late), "kind": kind}
    return cells | {"due_to": due.get(kind, ""), "words": f"said {said}"}


@st.composite
def members(draw: st.DrawFn) -> Cells:
    debut = draw(DAYS)
    return {
        "family": draw(st.sampled_from(["acme", "bolt"])),
        "debut_on": debut,
        "debut_precision": draw(PRECISIONS),
        "known_on": after(debut, draw(st.sampled_from([-30, 0, 0, 50]))),
        "episode_id": "",
        "opening": draw(st.sampled_from(["full", "part"])),
    }


@st.composite
def worlds(draw: st.DrawFn) -> Tables:
    rows = [draw(episodes(n)) for n in range(draw(st.integers(8, 15)))]
    silent = [r["episode_id"] for r in rows if r["promise"] == "none"]
    early = [
        {"episode_id": r["episode_id"], "opened_on": day, "opened_precision": "day", "what_opened": f"little {day}"}
        for r in rows
        if r["outcome"] == "opened" and r["promise"] == "none" and draw(st.booleans())
        if (day := after(last_day(r["closed_on"], r["closed_precision"]), draw(st.integers(1, 200)))) < r["outcome_on"]
    ]
    closed = {"open_at_debut": "false", "opening": ""}
    listed = [
        closed
        | {key: r[key] for key in ("family", "episode_id")}
        | {"debut_on": r["closed_on"], "debut_precision": "day", "known_on": after(r["closed_on"], 300)}
        for r in rows[1:]
        if r["family"] == "cove"
    ]
    return {
        "episodes": rows,
        "earlier_openings": early,
        "promises": draw(st.lists(statements([*silent, "acme", "bolt"]), max_size=12)),
        "family_members": [*listed, *draw(st.lists(members(), max_size=3))],
    }


@settings(CHEAP, max_examples=35)
@given(tables=worlds(), lag=st.integers(0, 900))
@pytest.mark.parametrize("unit", UNITS)
def test_nothing_that_became_known_later_shows_in_a_view(
    make_data: MakeData, unit: str, tables: Tables, lag: int
) -> None:
    day = after(known(tables["episodes"][0], "closed"), lag)
    assert_nothing_later_shows(make_data, make_data(**tables), tables, day, unit)


@cache
def cells_in(data: Path) -> Tables:
    names = ("episodes", "earlier_openings", "promises", "family_members")
    files = {name: (data / f"{name}.csv").read_text(encoding="utf-8") for name in names}
    return {name: list(csv.DictReader(content.splitlines())) for name, content in files.items()}


@settings(CHEAP, max_examples=10)
@given(day=st.dates(dt.date(2012, 1, 1), dt.date(2026, 11, 30)).map(str))
def test_nothing_that_became_known_later_shows_in_a_view_of_the_real_models(
    make_data: MakeData, real_data: Path, day: str
) -> None:
    assert_nothing_later_shows(make_data, real_data, cells_in(real_data), day, "model")


@pytest.mark.parametrize("day", ["2024-12-31", "2026-08-11"])
def test_nothing_that_became_known_later_shows_in_a_view_of_the_real_families(
    make_data: MakeData, real_data: Path, day: str
) -> None:
    assert_nothing_later_shows(make_data, real_data, cells_in(real_data), day, "family")


def openings(folder: Path, day: str) -> set[tuple[str, str, str, str]]:
    view = view_of(folder, day)
    return {
        (row.episode_id, kind, text(row[f"{kind}_first"]), text(row[f"{kind}_last"]))
        for _, row in view.iterrows()
        for kind in ("part", "full")
        if not pd.isna(row[f"{kind}_last"])
    }


@settings(CHEAP, max_examples=25)
@given(tables=worlds(), lags=st.lists(st.integers(0, 900), min_size=2, max_size=2).map(sorted))
def test_an_opening_once_in_a_view_stays_in_later_views(make_data: MakeData, tables: Tables, lags: list[int]) -> None:
    folder, first = make_data(**tables), known(tables["episodes"][0], "closed")
    earlier, later = (openings(folder, after(first, lag)) for lag in lags)
    assert earlier <= later


def test_the_openings_of_the_real_table_only_grow(real_data: Path) -> None:
    seen = [openings(real_data, f"{year}-07-01") for year in (2022, 2024, 2026)]
    assert seen[0] < seen[1] < seen[2]


@pytest.mark.parametrize(
    ("cells", "as_of", "rows"),
    [
        ({"closed_on": "2024-03-01"}, "2024-02-29", 0),
        ({"closed_on": "2024-03-01"}, "2024-03-01", 1),
        ({"closed_on": "2024-03-01", "closed_precision": "month"}, "2024-03-30", 0),
        ({"closed_on": "2024-03-01", "closed_precision": "month"}, "2024-03-31", 1),
        ({"closed_on": "2024-03-01", "closed_precision": "year"}, "2024-12-30", 0),
        ({"closed_precision": "month", "observed_through": "2024-03-09"}, "2024-03-08", 0),
        ({"closed_precision": "month", "observed_through": "2024-03-09"}, "2024-03-09", 1),
    ],
)
def test_a_later_debut_is_not_in_the_view(make_data: MakeData, cells: Cells, as_of: str, rows: int) -> None:
    old = {"episode_id": "old", "closed_on": "2020-01-01"}
    view = view_of(make_data(episodes=[cells, old]), as_of)
    assert sorted(view.episode_id) == ["acme-one", "old"][-1 - rows :] if rows else ["old"]


@pytest.mark.parametrize(
    ("cells", "as_of", "expected"),
    [
        (OPENED, "2024-09-09", ""),
        (OPENED, "2024-09-10", "2024-09-10"),
        (OPENED | {"outcome_precision": "month"}, "2024-09-29", ""),
        (OPENED | {"outcome_precision": "month"}, "2024-09-30", "2024-09-30"),
        (OPENED | {"outcome_precision": "month", "observed_through": "2024-09-12"}, "2024-09-12", "2024-09-12"),
        (OPENED | {"outcome_precision": "quarter", "observed_through": "2024-07-01"}, "2024-07-01", "2024-07-01"),
    ],
)
def test_a_later_opening_is_undone(make_data: MakeData, cells: Cells, as_of: str, expected: str) -> None:
    words = {"what_opened": "weights", "license": "MIT", "license_class": "osi", "outcome_source_url": "https://a.org"}
    folder = make_data(episodes=[cells | words])
    assert cells_of(folder, as_of, "full_last", "part_last") == (expected, "")
    row = view_of(folder, as_of).iloc[0]
    known = {column: row[column] for column in ("outcome", *words)}
    undone = {"outcome": "still_closed", "what_opened": "", "license": "", "license_class": "none"}
    assert known == {"outcome": "opened"} | words if expected else known | undone == known
    assert pd.isna(row.outcome_on) == pd.isna(row.outcome_source_url) == (not expected)


@pytest.mark.parametrize(
    ("as_of", "outcome", "part", "full"),
    [
        ("2024-05-31", "still_closed", "", ""),
        ("2024-06-01", "opened_partial", "2024-06-01", ""),
        ("2024-09-09", "opened_partial", "2024-06-01", ""),
        ("2024-09-10", "opened", "2024-06-01", "2024-09-10"),
    ],
)
def test_an_opening_in_part_comes_before_the_one_in_full(
    make_data: MakeData, as_of: str, outcome: str, part: str, full: str
) -> None:
    folder = make_data(episodes=[OPENED], earlier_openings=[{"episode_id": "acme-one"}])
    assert cells_of(folder, as_of, "part_last", "full_last") == (part, full)
    assert view_of(folder, as_of).outcome[0] == outcome


def test_a_later_opening_in_full_leaves_the_day_of_the_one_in_part(make_data: MakeData) -> None:
    folder = make_data(episodes=[OPENED], earlier_openings=[{"episode_id": "acme-one"}])
    assert cells_of(folder, "2024-07-01", "outcome_on") == ("2024-06-01",)
    assert view_of(folder, "2024-07-01").what_opened[0] == "a small sibling"


@pytest.mark.parametrize(
    ("cells", "early"), [(PART | {"what_opened": "a small sibling"}, []), (OPENED, [{"episode_id": "acme-one"}])]
)
def test_what_will_open_in_part_is_unknown_until_it_does(make_data: MakeData, cells: Cells, early: list[Cells]) -> None:
    folder = make_data(episodes=[cells], earlier_openings=early)
    assert view_of(folder, END).part_what[0] == "a small sibling"
    assert view_of(folder, "2024-05-31").part_what[0] == ""


@pytest.mark.parametrize("outcome", ["leaked", "withdrawn"])
def test_leaks_and_withdrawals_are_no_openings_and_undone_until_known(make_data: MakeData, outcome: str) -> None:
    folder = make_data(episodes=[OPENED | {"outcome": outcome, "outcome_precision": "month"}])
    columns = (f"{outcome}_on", "part_last", "full_last")
    assert cells_of(folder, "2024-09-29", *columns) == ("", "", "")
    assert cells_of(folder, "2024-09-30", *columns) == ("2024-09-30", "", "")
    assert [view_of(folder, day).outcome[0] for day in ("2024-09-29", "2024-09-30")] == ["still_closed", outcome]
    assert open_window(view_of(folder, END), "any").open_last.isna().all()


@pytest.mark.parametrize("outcome", ["withdrawn", "leaked", "still_closed"])
def test_neither_leak_nor_withdrawal_ends_the_follow_up(make_data: MakeData, outcome: str) -> None:
    ended = {} if outcome == "still_closed" else OPENED | {"outcome": outcome}
    folder = make_data(episodes=[ended | {"observed_through": "2025-01-15"}])
    assert cells_of(folder, "2026-01-01", "closed_through") == ("2026-01-01",)


@pytest.mark.parametrize(
    ("rule", "as_of", "closed_through"),
    [
        ("silence", "2024-12-01", "2024-12-01"),
        ("silence", "2026-01-01", "2026-01-01"),
        ("silence", "2026-12-31", "2026-10-31"),
        ("evidence", "2024-12-01", "2024-12-01"),
        ("evidence", "2026-01-01", "2025-01-15"),
        ("evidence", "2026-12-31", "2025-01-15"),
    ],
)
@pytest.mark.parametrize("unit", UNITS)
def test_a_row_counts_as_closed_while_openings_were_searched_for_or_while_it_was_written_about(
    make_data: MakeData, unit: str, rule: str, as_of: str, closed_through: str
) -> None:
    folder = make_data(episodes=[{"observed_through": "2025-01-15"}])
    assert cells_of(folder, as_of, "closed_through", unit=unit, follow_up=rule) == (closed_through,)


@pytest.mark.parametrize("rule", RULES)
def test_whoever_speaks_of_a_model_found_it_closed(make_data: MakeData, rule: str) -> None:
    said = {"about": "acme-one", "said_on": "2026-11-20", "known_on": "2026-11-20"}
    folder = make_data(episodes=[{"observed_through": "2025-01-15"}], promises=[said])
    assert cells_of(folder, "2026-11-25", "closed_through", follow_up=rule) == ("2026-11-20",)


def test_later_evidence_moves_no_follow_up_under_silence(make_data: MakeData) -> None:
    early, late = (make_data(episodes=[{"observed_through": day}]) for day in ("2024-04-01", "2026-09-01"))
    left, right = (view_of(folder, "2025-01-01").drop(columns="observed_through") for folder in (early, late))
    pd.testing.assert_frame_equal(left, right)


def test_a_table_alone_was_searched_through_its_last_evidence(make_data: MakeData) -> None:
    rows = [{"observed_through": "2025-01-15"}, {"episode_id": "acme-two", "observed_through": "2025-06-30"}]
    folder = make_data(episodes=rows)
    (folder / "datapackage.json").unlink()
    view = read_episodes(folder / "episodes.csv")
    assert view.attrs["searched_through"] == view.attrs["as_of"] == dt.date(2025, 6, 30)
    assert [text(day) for day in view.closed_through] == ["2025-06-30", "2025-06-30"]


def test_without_a_day_the_view_is_all_that_the_table_knows(make_data: MakeData) -> None:
    folder = make_data(episodes=[{"observed_through": "2026-11-09"}])
    view = read_episodes(folder / "episodes.csv", unit="family", follow_up="evidence")
    assert view.attrs == {
        "as_of": dt.date(2026, 11, 9),
        "unit": "family",
        "follow_up": "evidence",
        "searched_through": dt.date(2026, 10, 31),
        "path": folder / "episodes.csv",
    }


@pytest.mark.parametrize("unit", UNITS)
def test_columns_judged_with_hindsight_are_in_no_view(make_data: MakeData, unit: str) -> None:
    cells = {"notes": "opened later", "params_b": "70", "safety_review": "true"}
    view = view_of(make_data(episodes=[cells]), END, unit=unit)
    assert set(view).isdisjoint({"notes", "confidence", "flagship", "params_b", "safety_review"})


@pytest.mark.parametrize(
    ("cells", "closed", "opened"),
    [
        (OPENED, ("2024-03-01", "2024-03-01"), ("2024-09-10", "2024-09-10")),
        (OPENED | {"closed_precision": "quarter"}, ("2024-01-01", "2024-03-31"), ("2024-09-10", "2024-09-10")),
        (OPENED | {"outcome_precision": "month"}, ("2024-03-01", "2024-03-01"), ("2024-09-01", "2024-09-30")),
        (
            OPENED | {"outcome_precision": "year", "observed_through": "2024-09-10"},
            ("2024-03-01", "2024-03-01"),
            ("2024-01-01", "2024-09-10"),
        ),
    ],
)
def test_imprecise_dates_are_windows_cut_at_the_last_evidence(
    make_data: MakeData, cells: Cells, closed: tuple[str, str], opened: tuple[str, str]
) -> None:
    folder = make_data(episodes=[cells])
    assert cells_of(folder, END, "closed_first", "closed_last") == closed
    assert cells_of(folder, END, "full_first", "full_last") == opened


@pytest.mark.parametrize(
    ("cells", "early", "any_opening", "full_opening"),
    [
        pytest.param({}, "", ("", None), ("", None), id="closed"),
        pytest.param(OPENED, "", ("2024-09-10", "full"), ("2024-09-10", "full"), id="in full"),
        pytest.param(PART, "", ("2024-09-10", "part"), ("", None), id="in part"),
        pytest.param(OPENED, "2024-06-01", ("2024-06-01", "part"), ("2024-09-10", "full"), id="in part, then in full"),
        pytest.param(OPENED, "2024-09-10", ("2024-09-10", "full"), ("2024-09-10", "full"), id="both on one day"),
        pytest.param(OPENED | {"outcome": "leaked"}, "", ("", None), ("", None), id="leaked"),
    ],
)
def test_a_target_counts_its_own_openings(
    make_data: MakeData,
    cells: Cells,
    early: str,
    any_opening: tuple[str, str | None],
    full_opening: tuple[str, str | None],
) -> None:
    part = [{"episode_id": "acme-one", "opened_on": early}] if early else []
    view = view_of(make_data(episodes=[cells], earlier_openings=part), END)
    for target, (day, kind) in (("any", any_opening), ("full", full_opening)):
        window = open_window(view, target)
        assert (text(window.open_first[0]), text(window.open_last[0])) == (day, day)
        assert window.open_kind[0] == kind or (kind is None and pd.isna(window.open_kind[0]))


def test_openings_keep_their_windows_and_the_index_of_the_view(make_data: MakeData) -> None:
    rows = [{}, PART | {"episode_id": "acme-two", "outcome_precision": "month"}]
    view = view_of(make_data(episodes=rows), END).set_index(pd.Index([7, 9]))
    window = open_window(view, "any")
    assert list(window.index) == [7, 9]
    assert (text(window.open_first[9]), text(window.open_last[9])) == ("2024-09-01", "2024-09-30")


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda folder: folder, "no episode was known on 2024-02-29: the first debut is of 2024-03-01"),
        (lambda folder: (folder / "datapackage.json").write_text("{}"), 'needs "searched_through": "YYYY-MM-DD"'),
        (lambda folder: (folder / "episodes.csv").unlink(), "no such file"),
        (lambda folder: (folder / "promises.csv").write_text("about\n"), "missing column"),
    ],
    ids=["too early", "no searched_through", "no table", "broken promises"],
)
def test_a_view_that_cannot_be_built_says_why(make_data: MakeData, edit: Callable[[Path], Any], fault: str) -> None:
    folder = make_data(episodes=[{}])
    day = "2024-02-29" if edit(folder) is folder else END
    with pytest.raises(TableError, match=fault):
        view_of(folder, day)


def test_a_table_without_rows_is_refused(make_data: MakeData) -> None:
    with pytest.raises(TableError, match="no episodes: a table needs at least one row under its header"):
        view_of(make_data(), END)
