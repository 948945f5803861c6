"""What a row may hold: the cases that the table as it stands needs, and those that are refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from forecast.tables.read import scan_rows
from forecast.tables.schema import (
    TABLES,
    CohortEntry,
    EarlierOpening,
    Episode,
    FamilyMember,
    OpenDebut,
    Promise,
    Row,
    ThirdPartyForecast,
    TimelineEvent,
)

OPENED = {"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"}
VAGUE = {"promise": "vague", "promised_on": "2024-05-01"}
MakeData = Callable[..., Path]


def test_the_columns_are_those_of_the_documented_tables() -> None:
    assert {table.file: " ".join(table.model_fields) for table in TABLES} == {
        "episodes.csv": "episode_id model family organization org_country org_type domain modality flagship params_b "
        "closed_on closed_precision closed_how promise promised_on promised_by promise_words safety_review outcome "
        "outcome_on outcome_precision what_opened license license_class observed_through closed_source_url "
        "promise_source_url outcome_source_url confidence frame notes",
        "earlier_openings.csv": "episode_id opened_on opened_precision what_opened source_url",
        "promises.csv": "about said_on known_on kind due_from due_to words source_url",
        "family_members.csv": "family member episode_id debut_on debut_precision known_on open_at_debut opening "
        "source_url notes",
        "meta_timeline.csv": "date precision event kind words source_url confidence",
        "cohorts.csv": "cohort entry organization entered_on listed episode_id excluded notes",
        "open_debuts.csv": "organization model opened_on opened_precision catalogue entry",
        "third_party_forecasts.csv": "made_on source voice question question_target forecast event forecast_kind "
        "due_on probability outcome outcome_on happened source_url confidence notes",
    }


def test_every_column_says_what_it_means() -> None:
    assert [f"{t.file} {n}" for t in TABLES for n, f in t.model_fields.items() if not f.description] == []


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param({}, id="still closed"),
        pytest.param({"outcome_source_url": "https://a.org/closed"}, id="page that showed it closed"),
        pytest.param(OPENED, id="opened without URL, licence class none, evidence after the outcome"),
        pytest.param(OPENED | {"outcome": "withdrawn"}, id="withdrawn"),
        pytest.param({"observed_through": "2024-03-01"}, id="no evidence after the debut day"),
        pytest.param(
            {"closed_on": "2024-03-31", "closed_precision": "month", "observed_through": "2024-03-02"},
            id="evidence ends inside the debut's window",
        ),
        pytest.param(
            OPENED | {"closed_on": "2024-09-01", "closed_precision": "month", "outcome_precision": "month"},
            id="debut and outcome in one month",
        ),
        pytest.param(
            OPENED | {"outcome_precision": "year", "observed_through": "2024-05-01"}, id="evidence in outcome window"
        ),
        pytest.param(OPENED | VAGUE | {"promised_on": "2024-02-01"}, id="promise before the debut, without words"),
        pytest.param(OPENED | VAGUE | {"promised_on": "2024-09-10"}, id="promise on the opening day"),
        pytest.param(VAGUE | {"promise": "dated", "promised_by": "2024-05-01"}, id="due on the day of the promise"),
        pytest.param({"params_b": "0.5", "closed_source_url": "http://a.b-c.org:80/x?y#z"}, id="numbers and URLs"),
    ],
)
def test_rows_that_the_table_needs_are_accepted(make_data: MakeData, cells: dict[str, str]) -> None:
    rows, problems = scan_rows(make_data(episodes=[cells]) / "episodes.csv", Episode)
    assert (len(rows), problems) == (1, [])


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param({}, id="left out, with the reason"),
        pytest.param({"episode_id": "acme-one", "excluded": ""}, id="with its episode"),
        pytest.param({"episode_id": "acme-one", "excluded": "", "listed": "open"}, id="opened since"),
        pytest.param({"listed": "limited", "entered_on": "2024-03-01", "entry": "acme/One 1.5 (beta)"}, id="any name"),
    ],
)
def test_entries_that_a_cohort_needs_are_accepted(make_data: MakeData, cells: dict[str, str]) -> None:
    rows, problems = scan_rows(make_data(cohorts=[cells]) / "cohorts.csv", CohortEntry)
    assert (len(rows), problems) == (1, [])


@pytest.mark.parametrize("voice", ["insiders", "press", "markets", "machines"])
def test_each_voice_is_read_as_written(make_data: MakeData, voice: str) -> None:
    file = make_data(third_party_forecasts=[{"voice": voice}]) / "third_party_forecasts.csv"
    rows, problems = scan_rows(file, ThirdPartyForecast)
    assert ([row.voice for row in rows.values()], problems) == ([voice], [])


def test_cells_become_days_flags_numbers_and_blanks(make_data: MakeData) -> None:
    cells = OPENED | {"params_b": "70", "flagship": "false"}
    row = scan_rows(make_data(episodes=[cells]) / "episodes.csv", Episode)[0][2]
    assert (row.closed_on, row.outcome_on) == (dt.date(2024, 3, 1), dt.date(2024, 9, 10))
    assert (row.flagship, row.params_b, row.promised_on, row.notes) == (False, 70.0, None, "")


def test_rows_are_frozen_and_take_no_other_column(make_data: MakeData) -> None:
    row = scan_rows(make_data(promises=[{}]) / "promises.csv", Promise)[0][2]
    with pytest.raises(ValidationError, match="frozen"):
        row.kind = "dated"
    with pytest.raises(ValidationError, match="colour"):
        Promise.model_validate(row.model_dump() | {"colour": "red"})


@pytest.mark.parametrize(
    ("table", "cells", "column", "rule"),
    [
        (Episode, {"episode_id": "Acme One"}, "episode_id", "match pattern"),
        (Episode, {"model": ""}, "model", "at least 1 character"),
        (Episode, {"org_country": "France"}, "org_country", "match pattern"),
        (Episode, {"flagship": "yes"}, "flagship", "must be true or false"),
        (Episode, {"flagship": "True"}, "flagship", "must be true or false"),
        (Episode, {"params_b": "0"}, "params_b", "greater than 0"),
        (Episode, {"params_b": "inf"}, "params_b", "finite"),
        (Episode, {"params_b": "large"}, "params_b", "valid number"),
        (Episode, {"modality": "smell"}, "modality", "'text', 'multimodal'"),
        (Episode, {"closed_on": ""}, "closed_on", "must be a day, YYYY-MM-DD"),
        (Episode, {"closed_on": "1 March 2024"}, "closed_on", "must be a day, YYYY-MM-DD"),
        (Episode, {"closed_on": "2024-3-1"}, "closed_on", "must be a day, YYYY-MM-DD"),
        (Episode, {"closed_on": "2023-02-29"}, "closed_on", "is no day of the calendar"),
        (Episode, {"observed_through": "2024-02-29"}, "observed_through", "before the debut (2024-03-01)"),
        (Episode, OPENED | {"outcome_on": ""}, "outcome_on", "opened needs its day and precision"),
        (Episode, OPENED | {"outcome_precision": ""}, "outcome_precision", "opened needs its day and precision"),
        (Episode, OPENED | {"outcome_on": "2024-03-01"}, "outcome_on", "on or before the debut (2024-03-01)"),
        (
            Episode,
            OPENED | {"outcome_on": "2024-02-01", "outcome_precision": "month"},
            "outcome_on",
            "before the debut",
        ),
        (Episode, OPENED | {"observed_through": "2024-09-09"}, "observed_through", "before the outcome (2024-09-10)"),
        (Episode, {"outcome_precision": "day"}, "outcome_precision", "a still_closed row has no outcome day"),
        (Episode, {"promised_on": "2024-05-01"}, "promised_on", "without a promise has no promise day"),
        (Episode, {"promised_by": "2024-05-01"}, "promised_by", "without a promise has no promise day"),
        (Episode, {"promise": "vague"}, "promised_on", "a promise needs its first day"),
        (Episode, VAGUE | {"promised_by": "2024-06-01"}, "promised_by", "dated promises, and only they"),
        (Episode, VAGUE | {"promise": "dated"}, "promised_by", "dated promises, and only they"),
        (Episode, VAGUE | {"promise": "dated", "promised_by": "2024-04-30"}, "promised_by", "promised (2024-05-01)"),
        (Episode, OPENED | VAGUE | {"promised_on": "2024-09-11"}, "promised_on", "after the outcome (2024-09-10)"),
        (EarlierOpening, {"episode_id": "acme-one", "what_opened": ""}, "what_opened", "at least 1 character"),
        (Promise, {"known_on": "2024-03-31"}, "known_on", "known before it was said (2024-04-01)"),
        (Promise, {"kind": "dated"}, "due_to", "a dated promise names the day promised"),
        (Promise, {"due_to": "2024-06-01"}, "due_to", "a vague statement names no day"),
        (Promise, {"kind": "refused", "due_to": "2024-06-01"}, "due_to", "a refused statement names no day"),
        (Promise, {"kind": "dated", "due_to": "2024-03-31"}, "due_to", "due before it was said (2024-04-01)"),
        (Promise, {"due_from": "2024-06-01"}, "due_from", "starts after due_to, or without it"),
        (Promise, {"kind": "dated", "due_from": "2024-07-01", "due_to": "2024-06-01"}, "due_from", "after due_to"),
        (FamilyMember, {"opening": ""}, "opening", "members open at their debut, and only they"),
        (FamilyMember, {"episode_id": "acme-one"}, "episode_id", "members closed at their debut, and only they"),
        (FamilyMember, {"open_at_debut": "false", "opening": ""}, "episode_id", "members closed at their debut"),
        (TimelineEvent, {"kind": "rumour"}, "kind", "'statement', 'report'"),
        (CohortEntry, {"excluded": ""}, "excluded", "entries without an episode, and only they, say why"),
        (CohortEntry, {"episode_id": "acme-one", "excluded": "an alias"}, "excluded", "and only they, say why"),
        (CohortEntry, {"cohort": "models.dev of June"}, "cohort", "match pattern"),
        (CohortEntry, {"listed": "gated"}, "listed", "'closed', 'limited' or 'open'"),
        (CohortEntry, {"entered_on": "2026-06"}, "entered_on", "must be a day, YYYY-MM-DD"),
        (OpenDebut, {"opened_on": ""}, "opened_on", "must be a day, YYYY-MM-DD"),
        (OpenDebut, {"opened_precision": "week"}, "opened_precision", "'day'"),
        (OpenDebut, {"entry": ""}, "entry", "at least 1 character"),
        (ThirdPartyForecast, {"voice": "crowd"}, "voice", "'insiders', 'press', 'markets' or 'machines'"),
        (ThirdPartyForecast, {"voice": ""}, "voice", "'insiders', 'press', 'markets' or 'machines'"),
        (ThirdPartyForecast, {"due_on": ""}, "due_on", "dates and probabilities, and only they"),
        (ThirdPartyForecast, {"forecast_kind": "words", "due_on": "2024-06-30"}, "due_on", "only they, are due"),
        (ThirdPartyForecast, {"forecast_kind": "probability"}, "probability", "only they, have a probability"),
        (ThirdPartyForecast, {"probability": "0.5"}, "probability", "only they, have a probability"),
        (ThirdPartyForecast, {"forecast_kind": "probability", "probability": "1.2"}, "probability", "equal to 1"),
        (ThirdPartyForecast, {"forecast_kind": "probability", "probability": "nan"}, "probability", "finite"),
        (ThirdPartyForecast, {"due_on": "2023-12-31"}, "due_on", "due before it was made (2024-01-01)"),
    ],
)
def test_a_bad_cell_is_named_with_its_rule(
    make_data: MakeData, table: type[Row], cells: dict[str, str], column: str, rule: str
) -> None:
    file = make_data(**{table.file.removesuffix(".csv"): [cells]}) / table.file
    _, problems = scan_rows(file, table)
    assert len(problems) == 1
    assert problems[0].startswith(f"{file}, row 2, column {column}: {cells.get(column, '')!r}: ")
    assert rule in problems[0]
