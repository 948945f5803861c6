"""Check every table at once: each cell, each row, and what the tables say about each other."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecast.errors import TableError
from forecast.tables.episodes import searched_through
from forecast.tables.read import scan_rows
from forecast.tables.schema import (
    TABLES,
    CohortEntry,
    EarlierOpening,
    Episode,
    FamilyMember,
    Problem,
    Promise,
    Row,
    ThirdPartyForecast,
)
from forecast.tables.windows import date_window

Rows = dict[type[Row], dict[int, Any]]


def check_tables(data: Path) -> tuple[dict[str, int], list[str]]:
    """Validate all tables of a data folder.

    Parameters
    ----------
    data : pathlib.Path
        Folder with ``episodes.csv`` and its neighbours.

    Returns
    -------
    tuple
        Rows read per file, and one line per problem: file, row, column, value, rule.
    """
    tables: Rows = {}
    problems: list[str] = []
    for table in TABLES:
        try:
            tables[table], found = scan_rows(data / table.file, table)
        except TableError as error:
            tables[table], found = {}, error.problems
        problems += found
    if not tables[Episode] and not problems:
        problems.append(f"{data / Episode.file}: no episodes: a table needs at least one row under its header")
    if not any(line.startswith(str(data / Episode.file)) for line in problems):
        problems += _references(data, tables)  # a reference to a row with a bad cell is no fault of its own
        problems += _package(data, tables)
    return {table.file: len(rows) for table, rows in tables.items()}, problems


@dataclass(frozen=True)
class _Known:
    """What other tables may refer to."""

    episodes: dict[str, Episode]
    families: set[str]


def _references(data: Path, tables: Rows) -> Iterator[str]:
    """Rows about nothing in the episodes table, or that contradict it."""
    known = _Known(
        {row.episode_id: row for row in tables[Episode].values()}, {row.family for row in tables[Episode].values()}
    )
    for table, rule in _RULES.items():
        for number, row in tables[table].items():
            found = rule(row, known)
            if found:
                column, words = found
                value = getattr(row, column)
                shown = str(value) if isinstance(value, dt.date) else value
                yield f"{data / table.file}, row {number}, column {column}: {shown!r}: {words}"
    yield from _missing_members(data, tables)


def _promise_fault(said: Promise, known: _Known) -> Problem | None:
    if said.about not in known.episodes and said.about not in known.families:
        return "about", "names no episode and no family"
    episode = known.episodes.get(said.about)
    if episode and said.kind in ("vague", "dated") and episode.promise == "none":
        return "about", "its episode says that there was no promise"
    return None


def _earlier_fault(early: EarlierOpening, known: _Known) -> Problem | None:
    episode = known.episodes.get(early.episode_id)
    if episode is None or episode.outcome != "opened" or episode.outcome_on is None:
        return "episode_id", "is no episode that was opened"
    first, last = date_window(early.opened_on, early.opened_precision)
    debut = date_window(episode.closed_on, episode.closed_precision)[0]
    if last < debut or first > date_window(episode.outcome_on, episode.outcome_precision or "day")[1]:
        return "opened_on", "not between its debut and its opening"
    return None


def _member_fault(member: FamilyMember, known: _Known) -> Problem | None:
    if member.family not in known.families:
        return "family", "names no family"
    if member.episode_id and getattr(known.episodes.get(member.episode_id), "family", None) != member.family:
        return "episode_id", f"is no episode of the family {member.family}"
    return None


def _other_fault(other: ThirdPartyForecast, known: _Known) -> Problem | None:
    target = other.question_target
    if target and target not in known.episodes and target not in known.families:
        return "question_target", "names no episode and no family"
    return None


def _cohort_fault(entry: CohortEntry, known: _Known) -> Problem | None:
    if entry.episode_id is None:
        return None
    episode = known.episodes.get(entry.episode_id)
    if episode is None:
        return "episode_id", "names no episode"
    return None if episode.domain == "ai_model" else ("episode_id", "is no AI model")


_RULES: dict[type[Row], Callable[[Any, _Known], Problem | None]] = {
    Promise: _promise_fault,
    EarlierOpening: _earlier_fault,
    FamilyMember: _member_fault,
    CohortEntry: _cohort_fault,
    ThirdPartyForecast: _other_fault,
}


def _missing_members(data: Path, tables: Rows) -> Iterator[str]:
    listed = {row.episode_id for row in tables[FamilyMember].values()}
    families = {row.family for row in tables[FamilyMember].values()}
    for n, row in tables[Episode].items():
        if row.family in families and row.episode_id not in listed:
            yield (
                f"{data / Episode.file}, row {n}, column episode_id: {row.episode_id!r}: "
                f"its family {row.family} is listed in {FamilyMember.file}, but not this member"
            )


def _package(data: Path, tables: Rows) -> Iterator[str]:
    package = data / "datapackage.json"
    if not package.is_file():
        yield f"{package}: no such file: it says through which day openings were searched for"
        return
    try:
        searched_through(data / Episode.file, list(tables[Episode].values()))
        listed = {resource["path"] for resource in json.loads(package.read_text(encoding="utf-8"))["resources"]}
    except TableError as error:
        yield from error.problems
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        yield f"{package}: no data package with resources ({error})"
    else:
        for table in TABLES:
            if table.file not in listed:
                yield f"{package}: does not list {table.file}"
