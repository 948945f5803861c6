"""The project's own cohorts against the catalogue that they were taken from."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from forecast.tables.read import read_rows
from forecast.tables.schema import CohortEntry, Episode, OpenDebut

COHORT = "models-dev-2026-06"


@pytest.fixture(scope="module")
def catalogue(real_data: Path) -> dict[str, dict[str, Any]]:
    packed = (real_data / "catalogue" / "models.dev-models-2026-06-14.json.gz").read_bytes()
    found: dict[str, dict[str, Any]] = json.loads(gzip.decompress(packed))
    return found


@pytest.fixture(scope="module")
def entries(real_data: Path) -> list[CohortEntry]:
    return [row for row in read_rows(real_data / "cohorts.csv", CohortEntry) if row.cohort == COHORT]


def test_the_cohort_accounts_for_every_closed_entry_of_the_catalogue_once(
    catalogue: dict[str, dict[str, Any]], entries: list[CohortEntry]
) -> None:
    closed = [name for name, model in catalogue.items() if model["open_weights"] is False]
    assert closed
    assert Counter(row.entry for row in entries if row.listed == "closed") == Counter(closed)
    assert max(Counter(row.entry for row in entries).values()) == 1


def test_entries_listed_as_open_are_open_in_the_catalogue(
    catalogue: dict[str, dict[str, Any]], entries: list[CohortEntry]
) -> None:
    listed_open = [row.entry for row in entries if row.listed == "open"]
    assert listed_open
    assert {name: catalogue[name]["open_weights"] for name in listed_open} == dict.fromkeys(listed_open, True)


def test_entries_listed_as_open_have_an_episode_that_opened_or_a_reason(
    real_data: Path, entries: list[CohortEntry]
) -> None:
    episodes = {row.episode_id: row for row in read_rows(real_data / "episodes.csv", Episode)}
    kept = [episodes[row.episode_id] for row in entries if row.listed == "open" and row.episode_id]
    assert {episode.episode_id for episode in kept if episode.outcome not in ("opened", "opened_partial")} == set()


def test_an_entry_has_the_day_of_the_catalogue(
    catalogue: dict[str, dict[str, Any]], entries: list[CohortEntry]
) -> None:
    other = {row.entry for row in entries if str(row.entered_on) != catalogue[row.entry]["release_date"]}
    assert other == set()


def test_an_open_debut_is_open_in_the_catalogue_and_no_episode_of_a_cohort(
    real_data: Path, catalogue: dict[str, dict[str, Any]]
) -> None:
    debuts = read_rows(real_data / "open_debuts.csv", OpenDebut)
    mine = [row.entry for row in debuts if row.catalogue == COHORT]
    assert mine
    assert {name: catalogue[name]["open_weights"] for name in mine} == dict.fromkeys(mine, True)
    kept = {(r.cohort, r.entry) for r in read_rows(real_data / "cohorts.csv", CohortEntry) if r.episode_id}
    assert kept & {(row.catalogue, row.entry) for row in debuts} == set()


def test_every_cohort_keeps_entries_and_leaves_some_out_for_a_reason(real_data: Path) -> None:
    rows = read_rows(real_data / "cohorts.csv", CohortEntry)
    for cohort in {row.cohort for row in rows}:
        assert {bool(row.episode_id) for row in rows if row.cohort == cohort} == {True, False}
