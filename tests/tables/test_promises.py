"""Promises are states that begin on the day they become known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from forecast.tables.episodes import read_episodes
from forecast.tables.promises import State, segments, states

MakeData = Callable[..., Path]
Said = tuple[str, str, str | None]


def on(known_on: str, **cells: str) -> dict[str, str]:
    """A statement about acme-one."""
    return {"about": "acme-one", "said_on": known_on, "known_on": known_on} | cells


def day(text: str | None) -> pd.Timestamp:
    return pd.NaT if text is None else pd.Timestamp(text)


def statements(said: list[Said]) -> list[tuple[pd.Timestamp, str, pd.Timestamp]]:
    return [(day(known), kind, day(due)) for known, kind, due in said]


FROM_APRIL = ("2024-04-01", None)
TO_AUGUST = ("2024-05-01", "2024-08-31")
VAGUE: Said = ("2024-04-01", "vague", None)
DATED: Said = ("2024-05-01", "dated", "2024-08-31")
DELAYED: Said = ("2024-06-01", "delayed", None)
POSTPONED: Said = ("2024-06-01", "delayed", "2024-12-31")
REFUSED: Said = ("2024-07-01", "refused", None)
AGAIN: Said = ("2024-09-01", "vague", None)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param([], [], id="nothing said"),
        pytest.param([VAGUE, DATED], [("vague", *FROM_APRIL), ("dated", *TO_AUGUST)], id="dated"),
        pytest.param([DATED, AGAIN], [("dated", *TO_AUGUST)], id="a vague word after a day"),
        pytest.param([VAGUE, AGAIN], [("vague", *FROM_APRIL)], id="said twice"),
        pytest.param([DATED, ("2024-05-09", "dated", "2024-08-31")], [("dated", *TO_AUGUST)], id="same day again"),
        pytest.param(
            [DATED, ("2024-05-09", "dated", "2024-07-31")],
            [("dated", *TO_AUGUST), ("dated", "2024-05-09", "2024-07-31")],
            id="brought forward",
        ),
        pytest.param([DATED, DELAYED], [("dated", *TO_AUGUST), ("vague", "2024-06-01", None)], id="put off"),
        pytest.param(
            [DATED, POSTPONED],
            [("dated", *TO_AUGUST), ("dated", "2024-06-01", "2024-12-31")],
            id="put off to a day",
        ),
        pytest.param([VAGUE, REFUSED], [("vague", *FROM_APRIL), ("none", "2024-07-01", None)], id="refused"),
        pytest.param([REFUSED], [], id="refused without a promise"),
        pytest.param([REFUSED, AGAIN], [("vague", "2024-09-01", None)], id="promised after a refusal"),
        pytest.param(
            [DATED, REFUSED, AGAIN],
            [("dated", *TO_AUGUST), ("none", "2024-07-01", None), ("vague", "2024-09-01", None)],
            id="the day is gone after a refusal",
        ),
    ],
)
def test_statements_run_through_promise_states(said: list[Said], expected: list[tuple[str, str, str | None]]) -> None:
    found = [(s.name, str(s.since.date()), s.due_on and str(s.due_on.date())) for s in states(statements(said))[1:]]
    assert found == expected


def test_every_row_starts_without_a_promise() -> None:
    assert states(statements([VAGUE]))[0] == State("none", None, None)


def split(rows: list[tuple[list[Said], str, str | None]]) -> list[tuple[int, str, str, str, str]]:
    """Segments of rows of (statements, debut, opening), days as text."""
    view = pd.DataFrame(
        {"statements": [statements(said) for said, _, _ in rows], "closed_last": [day(debut) for _, debut, _ in rows]}
    )
    opened = pd.Series([day(opened) for _, _, opened in rows], dtype="datetime64[s]")
    found = segments(view, opened)
    assert list(found) == ["row", "state", "since", "until", "due_on"]
    return [
        (row, state, *("" if pd.isna(d) else str(d.date()) for d in days))
        for row, state, *days in found.itertuples(index=False)
    ]


@pytest.mark.parametrize(
    ("said", "opened", "expected"),
    [
        pytest.param([], None, [("none", "", "", "")], id="no promise"),
        pytest.param(
            [VAGUE], None, [("none", "", "2024-04-01", ""), ("vague", "2024-04-01", "", "")], id="after the debut"
        ),
        pytest.param([("2024-02-01", "vague", None)], None, [("vague", "", "", "")], id="before the debut"),
        pytest.param([("2024-03-01", "vague", None)], None, [("vague", "", "", "")], id="on the debut day"),
        pytest.param(
            [("2024-01-01", "dated", "2024-08-31"), REFUSED],
            None,
            [("dated", "", "2024-07-01", "2024-08-31"), ("none", "2024-07-01", "", "")],
            id="in force at entry, then refused",
        ),
        pytest.param(
            [("2024-01-01", "vague", None), ("2024-02-01", "refused", None)],
            None,
            [("none", "", "", "")],
            id="refused before the debut",
        ),
        pytest.param(
            [VAGUE, DATED],
            "2024-08-01",
            [
                ("none", "", "2024-04-01", ""),
                ("vague", "2024-04-01", "2024-05-01", ""),
                ("dated", "2024-05-01", "", "2024-08-31"),
            ],
            id="vague, then dated",
        ),
        pytest.param([VAGUE], "2024-04-01", [("none", "", "", "")], id="on the opening day it is none"),
        pytest.param([VAGUE], "2024-03-20", [("none", "", "", "")], id="after the opening it is none"),
        pytest.param(
            [VAGUE, DATED],
            "2024-05-01",
            [("none", "", "2024-04-01", ""), ("vague", "2024-04-01", "", "")],
            id="a day named on the opening day changes nothing",
        ),
    ],
)
def test_a_row_is_split_where_its_promise_state_changes(
    said: list[Said], opened: str | None, expected: list[tuple[str, str, str, str]]
) -> None:
    assert split([(said, "2024-03-01", opened)]) == [(0, *segment) for segment in expected]


def test_segments_are_those_of_each_row_by_its_place_in_the_view() -> None:
    found = split([([], "2024-03-01", None), ([VAGUE], "2024-03-01", None), ([VAGUE], "2024-05-01", None)])
    assert [(row, state) for row, state, *_ in found] == [(0, "none"), (1, "none"), (1, "vague"), (2, "vague")]


def promise_cells(folder: Path, as_of: str) -> tuple[str, ...]:
    view = read_episodes(folder / "episodes.csv", dt.date.fromisoformat(as_of))
    cells = view.loc[0, ["promise", "promised_on", "promised_by", "promise_words", "promise_source_url"]]
    return tuple("" if pd.isna(c) else str(c).removesuffix(" 00:00:00") for c in cells)


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2024-03-31", ("none", "", "", "", "")),
        ("2024-04-01", ("vague", "2024-04-01", "", "some day", "https://a.org")),
        ("2024-05-31", ("vague", "2024-04-01", "", "some day", "https://a.org")),
        ("2024-06-01", ("dated", "2024-04-01", "2024-09-30", "in September", "https://b.org")),
        ("2024-08-01", ("dated", "2024-04-01", "2024-12-31", "in September", "https://b.org")),
    ],
)
def test_the_promise_columns_hold_what_was_known_by_then(
    make_data: MakeData, as_of: str, expected: tuple[str, ...]
) -> None:
    said = [
        {"about": "acme-one", "words": "some day", "source_url": "https://a.org"},
        {
            "about": "acme-one",
            "said_on": "2024-05-20",
            "known_on": "2024-06-01",
            "kind": "dated",
            "due_to": "2024-09-30",
            "words": "in September",
            "source_url": "https://b.org",
        },
        {
            "about": "acme-one",
            "said_on": "2024-08-01",
            "known_on": "2024-08-01",
            "kind": "delayed",
            "due_to": "2024-12-31",
        },
    ]
    own = {"promise": "dated", "promised_on": "2024-04-01", "promised_by": "2024-12-31"}
    assert promise_cells(make_data(episodes=[own], promises=said), as_of) == expected


def test_an_episode_without_statements_uses_its_own_promise_columns(make_data: MakeData) -> None:
    own = {"promise": "dated", "promised_on": "2024-04-01", "promised_by": "2024-12-31", "promise_words": "this year"}
    folder = make_data(episodes=[own])
    assert promise_cells(folder, "2024-03-31") == ("none", "", "", "", "")
    assert promise_cells(folder, "2024-04-01") == ("dated", "2024-04-01", "2024-12-31", "this year", "")


def test_the_list_of_statements_replaces_the_promise_columns(make_data: MakeData) -> None:
    own = {"promise": "dated", "promised_on": "2024-04-01", "promised_by": "2024-12-31"}
    folder = make_data(
        episodes=[own], promises=[{"about": "acme-one", "said_on": "2024-05-01", "known_on": "2024-05-01"}]
    )
    assert promise_cells(folder, "2024-06-01")[:3] == ("vague", "2024-05-01", "")


def test_refusals_are_no_promise_but_are_kept_as_statements(make_data: MakeData) -> None:
    folder = make_data(episodes=[{}], promises=[{"about": "acme-one", "kind": "refused"}])
    assert promise_cells(folder, "2024-06-01")[0] == "none"
    view = read_episodes(folder / "episodes.csv", dt.date(2024, 6, 1))
    assert view.statements[0][0][:2] == (pd.Timestamp("2024-04-01"), "refused")


def test_statements_about_the_family_are_kept_apart_from_those_about_the_episode(make_data: MakeData) -> None:
    said = [{"about": "acme"}, on("2024-05-01")]
    view = read_episodes(make_data(episodes=[{}], promises=said) / "episodes.csv", dt.date(2024, 6, 1))
    assert [[s[0] for s in view[c][0]] for c in ("statements", "family_statements")] == [
        [pd.Timestamp("2024-05-01")],
        [pd.Timestamp("2024-04-01")],
    ]


def test_a_statement_listed_later_leaves_an_earlier_promise_known(make_data: MakeData) -> None:
    own = {"promise": "vague", "promised_on": "2024-04-01"}
    folder = make_data(episodes=[own], promises=[on("2025-01-01")])
    assert promise_cells(folder, "2024-06-01")[:2] == ("vague", "2024-04-01")


@pytest.mark.parametrize("promises", [[], [{"about": "acme-one", "kind": "refused"}], [{"known_on": "2025-01-01"}]])
def test_a_view_may_hold_no_promise_at_all(make_data: MakeData, promises: list[dict[str, str]]) -> None:
    assert promise_cells(make_data(episodes=[{}], promises=promises), "2024-06-01") == ("none", "", "", "", "")


def test_the_real_table_may_be_viewed_before_anything_was_promised(real_data: Path) -> None:
    assert set(read_episodes(real_data / "episodes.csv", dt.date(1990, 1, 1)).promise) == {"none"}
