"""The most similar episodes: distances worked out by hand, and nothing known later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast.record.similar import Similar, similar_episodes
from forecast.tables.episodes import Target, read_episodes

DAY = "2024-09-01"
OPENED = {"outcome": "opened", "outcome_on": "2024-07-01", "outcome_precision": "day"}
#: Of another organisation, country, kind, modality and access: five of eight traits.
STRANGER = {
    "organization": "Bolt",
    "org_country": "US",
    "org_type": "big_tech",
    "modality": "image",
    "closed_how": "paper",
}

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def similar(make_data: Callable[..., Path]) -> Callable[..., dict[str, Similar]]:
    """The episodes most similar to acme-one among some rows, by id, most similar first."""

    def find(*rows: dict[str, str], target: Target = "any", count: int = 5, **given: Any) -> dict[str, Similar]:
        as_of, unit = dt.date.fromisoformat(given.pop("as_of", DAY)), given.pop("unit", "model")
        said = [{"about": "nobody", "said_on": "1990-01-01", "known_on": "1990-01-01"}, *given.pop("promises", [])]
        folder = make_data(episodes=[given.pop("me", {}), *rows], promises=said, **given)
        view = read_episodes(folder / "episodes.csv", as_of, unit)
        row: pd.DataFrame = view[view.episode_id == ("acme-one" if unit == "model" else "acme")]
        return {s.episode_id: s for s in similar_episodes(view, target, row, count)}

    return find


def promise(about: str, day: str, **cells: str) -> dict[str, str]:
    return {"about": about, "said_on": day, "known_on": day, "kind": "vague"} | cells


def test_distances_are_those_worked_out_by_hand(similar: Callable[..., dict[str, Similar]]) -> None:
    found = similar(
        {"episode_id": "twin"},
        {"episode_id": "older", "closed_on": "2022-03-01"},  # 731 of 1461 days
        {"episode_id": "image", "modality": "image"},
        {"episode_id": "french", "organization": "Bolt"},
        {"episode_id": "vague"},
        STRANGER | {"episode_id": "stranger", "closed_on": "2016-03-01"},
        {"episode_id": "program", "domain": "software"},
        promises=[promise("vague", "2024-05-01"), promise("stranger", "2016-05-01", kind="dated", due_to="2016-06-01")],
        count=9,
    )
    expected = {"twin": 0, "older": 731 / 1461 / 8, "french": 1 / 8, "image": 1 / 8, "vague": 2 / 8, "stranger": 1}
    assert {name: one.distance for name, one in found.items()} == pytest.approx(expected)
    assert list(found) == list(expected)
    assert {name for name, one in found.items() if one.promise != "none"} == {"vague", "stranger"}


def test_another_kind_of_promise_is_nearer_than_none(similar: Callable[..., dict[str, Similar]]) -> None:
    said = [promise(name, "2024-04-01") for name in ("acme-one", "vague")]
    said += [promise("dated", "2024-04-01", kind="dated", due_to="2024-12-31")]
    found = similar({"episode_id": "none"}, {"episode_id": "dated"}, {"episode_id": "vague"}, promises=said)
    assert {name: one.distance for name, one in found.items()} == {"vague": 0, "dated": 1 / 8, "none": 2 / 8}


def test_a_promise_counts_as_it_stood_at_the_same_age(similar: Callable[..., dict[str, Similar]]) -> None:
    """On its 184th day: later promises are none, one of the opening's day neither."""
    old = {"closed_on": "2023-03-01"}
    found = similar(
        old | {"episode_id": "in-time"},
        old | {"episode_id": "late"},
        old | OPENED | {"episode_id": "kept", "outcome_on": "2023-05-01"},
        old | OPENED | {"episode_id": "at-opening", "outcome_on": "2023-05-01"},
        promises=[
            promise("in-time", "2023-09-01"),
            promise("late", "2023-09-02"),
            promise("kept", "2023-04-30"),
            promise("at-opening", "2023-05-01"),
        ],
    )
    states = {name: one.promise for name, one in found.items()}
    assert states == {"at-opening": "none", "late": "none", "in-time": "vague", "kept": "vague"}


def test_of_equal_distance_the_nearest_debut_then_the_id_comes_first(
    similar: Callable[..., dict[str, Similar]],
) -> None:
    found = similar(
        {"episode_id": "b-before", "closed_on": "2024-02-01"},  # 29 days, as after
        {"episode_id": "a-after", "closed_on": "2024-03-30"},
        {"episode_id": "ancient", "closed_on": "2010-01-01"},
        {"episode_id": "old", "closed_on": "2016-01-01"},
        {"episode_id": "twin-b"},
        {"episode_id": "twin-a"},
        count=6,
    )
    assert list(found) == ["twin-a", "twin-b", "a-after", "b-before", "old", "ancient"]
    assert len(similar({"episode_id": "twin"}, {"episode_id": "other"}, count=1)) == 1
    assert similar(me={}) == {}


@pytest.mark.parametrize(
    ("cells", "target", "outcome", "days"),
    [
        ({}, "any", "closed", 184),
        (OPENED, "any", "opened in full", 122),
        (OPENED | {"outcome": "opened_partial"}, "any", "opened in part", 122),
        (OPENED | {"outcome": "opened_partial"}, "full", "closed (open in part)", 184),
        (OPENED | {"outcome": "leaked"}, "any", "closed (leaked)", 122),
        (OPENED | {"outcome": "withdrawn"}, "any", "closed (withdrawn)", 184),
        (OPENED | {"outcome_on": "2024-09-02"}, "any", "closed", 184),
    ],
)
def test_what_became_of_it_by_the_day(
    similar: Callable[..., dict[str, Similar]], cells: dict[str, str], target: Target, outcome: str, days: int
) -> None:
    found = similar({"episode_id": "other"} | cells, target=target)["other"]
    assert (found.outcome, found.days, found.closed_on) == (outcome, days, dt.date(2024, 3, 1))


def test_nothing_known_later_is_used(similar: Callable[..., dict[str, Similar]]) -> None:
    rows = [{"episode_id": "open"}, {"episode_id": "promised", "modality": "image"}]
    later = [rows[0] | OPENED | {"outcome_on": "2024-09-02"}, rows[1], {"episode_id": "new", "closed_on": "2024-09-02"}]
    said = [promise("promised", "2024-09-02"), promise("acme-one", "2024-09-02", kind="dated", due_to="2024-10-01")]
    assert similar(*later, promises=said) == similar(*rows)


def test_a_family_is_not_similar_to_itself(similar: Callable[..., dict[str, Similar]]) -> None:
    rows = [{"episode_id": "acme-two"}, {"episode_id": "other", "family": "other"}]
    assert list(similar(*rows)) == ["acme-two", "other"]
    assert list(similar(*rows, unit="family")) == ["other"]
