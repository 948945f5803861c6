"""Each promised day has one fate, judged by what was known on the day of the view."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.tables.episodes import read_episodes
from forecast.tables.kept import FATES, promise_record, record_summary

MakeData = Callable[..., Path]
Cells = dict[str, str]

PAGE = "https://acme.org/news"


def said(on: str, due_to: str = "", kind: str = "dated", **cells: str) -> Cells:
    """A statement about acme-one, with a page."""
    plain = {"about": "acme-one", "said_on": on, "known_on": on, "kind": kind, "due_to": due_to, "source_url": PAGE}
    return plain | cells


def ended(on: str, outcome: str = "opened", precision: str = "day") -> Cells:
    return {"outcome": outcome, "outcome_on": on, "outcome_precision": precision}


def record_on(folder: Path, day: str) -> pd.DataFrame:
    return promise_record(read_episodes(folder / "episodes.csv", dt.date.fromisoformat(day)))


def fates(record: pd.DataFrame) -> list[tuple[str, str, float | None]]:
    """Due day, fate and days late of each promise."""
    late = [None if np.isnan(days) else days for days in record.days_late]
    return list(zip(record.due_on.dt.strftime("%Y-%m-%d"), record.fate, late, strict=True))


PROMISE = said("2024-04-01", "2024-06-30")


@pytest.mark.parametrize(
    ("outcome", "day", "fate", "days_late"),
    [
        pytest.param(ended("2024-06-01"), "2024-06-01", "kept", -29, id="early"),
        pytest.param(ended("2024-06-30"), "2026-01-01", "kept", 0, id="on its day"),
        pytest.param(ended("2024-07-01"), "2024-07-01", "late", 1, id="a day late"),
        pytest.param(ended("2025-12-31"), "2026-01-01", "late", 549, id="late however long after"),
        pytest.param(ended("2024-06-01", precision="month"), "2026-01-01", "kept", 0, id="some day of the due month"),
        pytest.param(ended("2024-06-10", precision="quarter"), "2026-01-01", "kept", 0, id="some day of the quarter"),
        pytest.param(ended("2024-07-01", precision="month"), "2026-01-01", "late", 31, id="by the month's last day"),
        pytest.param(ended("2024-06-15", "opened_partial"), "2026-01-01", "kept", -15, id="a part is an opening"),
        pytest.param(ended("2024-06-15", "leaked"), "2024-07-01", "overdue", None, id="a leak is none"),
        pytest.param(ended("2024-05-01", "withdrawn"), "2024-05-01", "broken", None, id="withdrawn before its day"),
        pytest.param({}, "2024-04-01", "pending", None, id="as it is said"),
        pytest.param({}, "2024-06-30", "pending", None, id="its day is not over"),
        pytest.param({}, "2024-07-01", "overdue", None, id="its day is over"),
        pytest.param({}, "2025-06-30", "overdue", None, id="365 days past"),
        pytest.param({}, "2025-07-01", "broken", None, id="366 days past"),
        pytest.param(ended("2024-07-15"), "2024-07-14", "overdue", None, id="opened a day after the view"),
        pytest.param(ended("2025-12-31"), "2025-12-30", "broken", None, id="broken until it is opened"),
    ],
)
def test_a_promise_has_one_fate(make_data: MakeData, outcome: Cells, day: str, fate: str, days_late: int) -> None:
    record = record_on(make_data(episodes=[outcome], promises=[PROMISE]), day)
    assert fates(record) == [("2024-06-30", fate, days_late)]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        pytest.param([said("2024-04-01", kind="vague")], [], id="no day, no promise"),
        pytest.param([PROMISE, said("2024-05-01", kind="vague")], [("2024-06-30", "late", 62)], id="vague later"),
        pytest.param(
            [PROMISE, said("2024-06-10", "2024-09-30", "delayed")],
            [("2024-06-30", "late", 62), ("2024-09-30", "kept", -30)],
            id="delayed to a day: each by its own",
        ),
        pytest.param(
            [PROMISE, said("2024-06-10", kind="delayed")], [("2024-06-30", "late", 62)], id="delayed, to no day"
        ),
        pytest.param(
            [PROMISE, said("2024-05-01", "2024-08-31")],
            [("2024-06-30", "late", 62), ("2024-08-31", "kept", 0)],
            id="another day",
        ),
        pytest.param([PROMISE, said("2024-05-01", "2024-06-30")], [("2024-06-30", "late", 62)], id="same day again"),
        pytest.param(
            [PROMISE, said("2024-05-01", kind="refused")], [("2024-06-30", "late", 62)], id="opened after all"
        ),
    ],
)
def test_each_day_named_is_a_promise(
    make_data: MakeData, statements: list[Cells], expected: list[tuple[str, str, float]]
) -> None:
    folder = make_data(episodes=[ended("2024-08-31")], promises=statements)
    assert fates(record_on(folder, "2026-01-01")) == expected


@pytest.mark.parametrize(
    ("statements", "fate"),
    [
        pytest.param([PROMISE, said("2024-05-01", kind="refused")], "broken", id="refused since"),
        pytest.param([said("2024-03-15", kind="refused"), PROMISE], "pending", id="refused before it was promised"),
        pytest.param([PROMISE, said("2024-05-20", kind="refused")], "pending", id="refused after the view"),
        pytest.param(
            [PROMISE, said("2024-05-01", kind="refused"), said("2024-05-10", "2024-06-30")],
            "pending",
            id="refused, and the same day named again",
        ),
    ],
)
def test_a_refusal_breaks_the_promises_before_it(make_data: MakeData, statements: list[Cells], fate: str) -> None:
    record = record_on(make_data(episodes=[{}], promises=statements), "2024-05-15")
    assert fates(record) == [("2024-06-30", fate, None)]


def test_a_promise_of_the_rest_is_not_settled_by_the_part_already_out(make_data: MakeData) -> None:
    def after_part(day: str) -> list[tuple[str, str, float | None]]:
        parts = [{"episode_id": "acme-one", "opened_on": day}]
        folder = make_data(episodes=[ended("2024-08-31")], earlier_openings=parts, promises=[PROMISE])
        return fates(record_on(folder, "2026-01-01"))

    assert after_part("2024-04-01") == [("2024-06-30", "late", 62)]
    assert after_part("2024-04-02") == [("2024-06-30", "kept", -89)]


def test_nothing_counts_as_missed_beyond_the_last_day_searched(make_data: MakeData) -> None:
    promises = [said("2024-04-01", "2024-06-30"), said("2024-04-01", "2024-08-31")]
    record = record_on(make_data("2024-08-31", episodes=[{}], promises=promises), "2026-01-01")
    assert fates(record) == [("2024-06-30", "overdue", None), ("2024-08-31", "pending", None)]
    assert list(record.is_due) == [True, False]
    assert record.attrs == {"as_of": dt.date(2026, 1, 1), "searched_on": dt.date(2024, 8, 31)}


def test_a_row_says_when_it_was_said_known_due_and_opened(make_data: MakeData) -> None:
    promise = said("2024-04-01", "2024-06-30", known_on="2024-04-03")
    record = record_on(make_data(episodes=[ended("2024-07-15", precision="month")], promises=[promise]), "2026-01-01")
    [row] = record.to_dict("records")
    assert row == {
        "episode_id": "acme-one",
        "organization": "Acme",
        "kind": "dated",
        "said_on": pd.Timestamp("2024-04-01"),
        "known_on": pd.Timestamp("2024-04-03"),
        "due_on": pd.Timestamp("2024-06-30"),
        "promised_days": 90,
        "opened_on": pd.Timestamp("2024-07-31"),
        "days_late": 31.0,
        "fate": "late",
        "is_due": True,
        "has_page": True,
        "known_before_outcome": True,
        "frame": "curated",
    }


@pytest.mark.parametrize(
    ("outcome", "cells", "before"),
    [
        pytest.param(ended("2024-06-01"), {"known_on": "2024-05-31"}, True, id="the day before"),
        pytest.param(ended("2024-06-01"), {"known_on": "2024-06-01"}, False, id="the day of the opening"),
        pytest.param(ended("2024-06-15", precision="month"), {"known_on": "2024-06-02"}, False, id="in its window"),
        pytest.param(ended("2024-06-01"), {"source_url": ""}, False, id="remembered"),
        pytest.param({}, {"known_on": "2024-12-01"}, True, id="never opened"),
        pytest.param({}, {"source_url": ""}, False, id="remembered, never opened"),
    ],
)
def test_a_promise_was_known_before_the_outcome_or_not(
    make_data: MakeData, outcome: Cells, cells: Cells, before: bool
) -> None:
    record = record_on(make_data(episodes=[outcome], promises=[PROMISE | cells]), "2026-01-01")
    assert list(record.known_before_outcome) == [before]
    assert list(record.has_page) == [cells.get("source_url") != ""]


@pytest.mark.parametrize("page", ["", PAGE])
def test_an_episode_without_statements_is_judged_by_its_own_columns(make_data: MakeData, page: str) -> None:
    own = {"promise": "dated", "promised_on": "2024-04-01", "promised_by": "2024-06-30", "promise_source_url": page}
    record = record_on(make_data(episodes=[own | ended("2024-06-20")]), "2026-01-01")
    assert fates(record) == [("2024-06-30", "kept", -10)]
    assert list(record.has_page) == [bool(page)]


def test_software_families_and_models_to_come_have_no_row(make_data: MakeData) -> None:
    episodes = [
        {"domain": "software"},
        {"episode_id": "acme-two", "closed_on": "2024-05-01"},
        {"episode_id": "acme-three", "closed_on": "2024-05-02"},
    ]
    promises = [PROMISE | {"about": about} for about in ("acme-one", "acme", "acme-two", "acme-three")]
    record = record_on(make_data(episodes=episodes, promises=promises), "2024-05-01")
    assert list(record.episode_id) == ["acme-two"]


def test_a_family_is_not_judged(make_data: MakeData) -> None:
    view = read_episodes(make_data(episodes=[{}]) / "episodes.csv", unit="family")
    with pytest.raises(ValueError, match="unit='model'"):
        promise_record(view)


def test_what_is_not_known_yet_changes_nothing(make_data: MakeData) -> None:
    later = [said("2024-05-16", "2024-12-31", "delayed"), said("2024-05-17", kind="refused")]
    opened = make_data(episodes=[ended("2024-05-16")], promises=[PROMISE, *later])
    closed = make_data(episodes=[{}], promises=[PROMISE])
    pd.testing.assert_frame_equal(record_on(opened, "2024-05-15"), record_on(closed, "2024-05-15"))


#: Due 30 June each, seen on 15 July: end of the episode, statement's page, frame.
SIX = [
    (ended("2024-06-20"), PAGE, "curated"),
    (ended("2024-06-30"), "", "curated"),
    (ended("2024-07-04"), PAGE, "curated"),
    (ended("2024-07-10"), PAGE, "catalogue"),
    ({}, PAGE, "catalogue"),
    (ended("2024-07-01", "withdrawn"), PAGE, "curated"),
]


def six(make_data: MakeData) -> pd.DataFrame:
    """Six promises due, and of the fifth model two more: one that is pending and one of 2023, broken."""
    episodes = [end | {"episode_id": f"acme-{n}", "frame": frame} for n, (end, _, frame) in enumerate(SIX, 1)]
    promises = [PROMISE | {"about": f"acme-{n}", "source_url": page} for n, (_, page, _) in enumerate(SIX, 1)]
    promises.append(said("2024-07-01", "2024-12-31", about="acme-5"))
    promises.append(said("2023-01-01", "2023-03-01", about="acme-5"))
    return record_on(make_data(episodes=episodes, promises=promises), "2024-07-15")


def test_the_summary_counts_fates_by_how_the_promises_came_to_be_known(make_data: MakeData) -> None:
    summary = record_summary(six(make_data)).set_index(["split", "group"])
    counts = ["promises", "episodes", *FATES, "due"]
    assert {key: tuple(row) for key, row in summary[counts].iterrows()} == {
        ("all", "all"): (8, 6, 2, 2, 2, 1, 1, 7),
        ("known_before_outcome", "true"): (7, 5, 1, 2, 2, 1, 1, 6),
        ("known_before_outcome", "false"): (1, 1, 1, 0, 0, 0, 0, 1),
        ("frame", "catalogue"): (4, 2, 0, 1, 1, 1, 1, 3),
        ("frame", "curated"): (4, 4, 2, 1, 1, 0, 0, 4),
    }
    shares = ["kept_share", "late_share", "broken_share", "overdue_share"]
    assert list(summary.loc[("all", "all"), shares]) == pytest.approx([2 / 7, 2 / 7, 2 / 7, 1 / 7])
    assert list(summary.loc[("frame", "catalogue"), shares]) == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    assert list(summary.median_days_late.fillna(-1)) == [7, 7, -1, 10, 4]


def test_a_promise_kept_early_enters_the_shares_with_its_due_day(make_data: MakeData) -> None:
    folder = make_data(episodes=[ended("2024-05-01")], promises=[PROMISE])
    for day, due, share in (("2024-06-30", 0, None), ("2024-07-01", 1, 1.0)):
        overall = record_summary(record_on(folder, day)).iloc[0]
        assert (overall.kept, overall.due) == (1, due)
        assert overall.kept_share == share or (share is None and np.isnan(overall.kept_share))


def test_a_record_may_be_empty(make_data: MakeData) -> None:
    record = record_on(make_data(episodes=[{}]), "2024-06-01")
    assert record.empty
    assert list(record.columns) == list(six(make_data).columns)
    summary = record_summary(record)
    assert list(summary.promises) == [0] * 5
    assert summary.kept_share.isna().all()


@pytest.fixture(scope="module")
def real_record(real_data: Path) -> pd.DataFrame:
    return record_on(real_data, "2026-11-25")


def test_every_real_day_promised_has_exactly_one_fate(real_data: Path, real_record: pd.DataFrame) -> None:
    with (real_data / "episodes.csv").open(encoding="utf-8") as file:
        ai = {row["episode_id"]: row for row in csv.DictReader(file) if row["domain"] == "ai_model"}
    with (real_data / "promises.csv").open(encoding="utf-8") as file:
        statements = [row for row in csv.DictReader(file) if row["known_on"] <= "2026-11-25"]
    named = {(row["about"], row["due_to"]) for row in statements if row["due_to"] and row["about"] in ai}
    stated = {row["about"] for row in statements}
    named |= {(i, row["promised_by"]) for i, row in ai.items() if row["promised_by"] and i not in stated}
    found = list(zip(real_record.episode_id, real_record.due_on.dt.strftime("%Y-%m-%d"), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == named
    assert set(real_record.fate) <= set(FATES)


def test_the_real_counts_add_up(real_record: pd.DataFrame) -> None:
    summary = record_summary(real_record)
    assert (summary[list(FATES)].sum(axis=1) == summary.promises).all()
    for name in ("promises", *FATES, "due"):
        assert set(summary.groupby("split")[name].sum()) == {summary[name].iloc[0]}, name
    shares = summary[summary.due > 0].filter(like="_share").sum(axis=1)
    assert list(shares) == pytest.approx([1.0] * len(shares))


@pytest.mark.parametrize("day", ["2023-01-31", "2024-06-12", "2025-02-12", "2025-07-15", "2026-03-10"])
def test_an_earlier_real_record_uses_nothing_later(real_data: Path, real_record: pd.DataFrame, day: str) -> None:
    then = record_on(real_data, day)
    assert (then[["known_on", "opened_on"]].max() <= pd.Timestamp(day)).all()
    both = then.merge(real_record, on=["episode_id", "due_on"], suffixes=("", "_now"), validate="1:1")
    assert len(both) == len(then)
    was_open = both.opened_on_now <= pd.Timestamp(day)
    assert (both.fate == both.fate_now)[was_open].all()
    assert set(both.fate[~was_open]) <= {"broken", "overdue", "pending"}
    assert (both.due_on[both.fate == "overdue"] < pd.Timestamp(day)).all()
