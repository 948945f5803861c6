"""Record forecasts, and record what came true."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from forecast.errors import QuestionError
from forecast.model.baselines import BASELINES, reference_for
from forecast.model.predict import model_forecasts
from forecast.record import ledger
from forecast.record.answers import Desk
from forecast.record.inputs import keep_inputs
from forecast.record.lines import RESOLUTIONS, Line
from forecast.record.questions import Question
from forecast.record.records import (
    Asked,
    Provenance,
    append_by_forecaster,
    forecast_record,
    note_record,
    resolved_record,
)
from forecast.record.score_table import resolutions
from forecast.record.subjects import Happened, happened, notes_on, subject_row
from forecast.release import ReleaseForecast

#: Who forecasts, beside the model: one chain each.
RECORDED_BASELINES = ("constant-hazard", "kaplan-meier", "kaplan-meier-promise", "promised-day-slip")


def record_forecasts(desk: Desk, names: Sequence[str] = (), as_of: dt.date | None = None) -> list[Line]:
    """Append forecasts of open questions by the model and the baselines; twice the same adds nothing.

    Parameters
    ----------
    desk : Desk
    names : sequence of str
        Questions; all that are open on the day by default.
    as_of : datetime.date, optional
        Today by default: a live forecast. Another day gives a hindcast, which needs names.

    Returns
    -------
    list of Line
        What was added.

    Raises
    ------
    HomeError, QuestionError, FitError, LedgerError
        Nothing is added unless all forecasts could be made.
    """
    desk.home.require_editable("record")
    day = desk.day(as_of)
    if day != desk.today and not names:
        raise QuestionError(f"a hindcast is made on purpose: name the questions to record as of {day}")
    standing = resolutions(desk.home.ledger, day)  # a broken chain is found before any fit
    questions = [_asked(desk, name) for name in names] or open_questions(desk, day)
    closed = [q.id for q in questions if q.id in standing]
    if closed:
        raise QuestionError(
            f"question {closed[0]} is {standing[closed[0]].state} since before {day}: nothing to forecast"
        )
    return keep_new(desk, new_records(desk, questions, day))


def new_records(desk: Desk, questions: Sequence[Question], day: dt.date) -> list[dict[str, Any]]:
    """Records of all forecasters for some questions; nothing is written."""
    return [r for question in questions for r in _records(desk, question, day, desk.input_hashes)]


def keep_new(desk: Desk, records: Sequence[dict[str, Any]]) -> list[Line]:
    """Keep the inputs, then append what the ledger does not have: a line never stands without its inputs.

    Raises
    ------
    LedgerError
        If the inputs are no longer those that the records were made from.
    """
    if records:
        keep_inputs(desk.home, desk.input_hashes)
    return append_by_forecaster(desk.home.ledger, records, desk.today)


def record_beside(desk: Desk, pairs: Sequence[tuple[str, dt.date]]) -> tuple[list[Line], list[str]]:
    """Append hindcasts for the questions and days of other people's forecasts.

    Parameters
    ----------
    desk : Desk
    pairs : sequence of (question id, day)
        From :func:`forecast.record.others.imported_pairs`.

    Returns
    -------
    tuple
        Lines added, and one line for each pair that the model says nothing about (a program, a
        model that nobody knew of on the day), with the reason.
    """
    added, without = [], []
    for name, day in pairs:
        try:
            added += record_forecasts(desk, [name], day)
        except QuestionError as error:
            without.append(f"{name} as of {day}: {error}")
    return added, without


def open_questions(desk: Desk, day: dt.date) -> list[Question]:
    """Questions asked by a day that nothing known on it answers, and that were not closed by hand."""
    standing = resolutions(desk.home.ledger, day)
    return [
        q
        for q in desk.questions.values()
        if q.asked_on <= day and q.id not in standing and happened(q, desk.views, day) is None
    ]


@dataclass(frozen=True)
class Resolved:
    """What ``resolve`` found: lines added, and notes on what leaves a question open."""

    added: list[Line]
    notes: list[str]


def resolve_questions(desk: Desk) -> Resolved:
    """Record the openings that the episodes table knows; leaks and withdrawals are noted, and answer nothing.

    Raises
    ------
    HomeError, LedgerError
    """
    desk.home.require_editable("resolve")
    new, notes = resolution_records(desk)
    return Resolved(ledger.append(desk.home.ledger, RESOLUTIONS, new, recorded_on=desk.today), notes)


def resolution_records(desk: Desk) -> tuple[list[dict[str, Any]], list[str]]:
    """What the table answers and the ledger does not have yet, and notes; nothing is written."""
    standing = resolutions(desk.home.ledger, desk.today)
    records, notes = [], []
    for question in desk.questions.values():
        outcome = happened(question, desk.views, desk.today)
        if outcome is None and question.id in standing and standing[question.id].state == "resolved":
            notes.append(
                f"{question.id}: the ledger says that it was opened on {standing[question.id].happened_on}, the table "
                f"that it was not: 'forecast ledger reopen {question.id} --why TEXT' if the ledger is wrong"
            )
        elif outcome is None:
            found = notes_on(question, desk.views, desk.today)
            records += [
                note_record(question.id, f"{episode} was {how} on {day}: not an opening") for episode, day, how in found
            ]
            notes += [
                f"{question.id}: {episode} was {how} on {day}; the question stays open" for episode, day, how in found
            ]
        elif question.id not in standing:
            records.append(_resolution(question, outcome))
        elif standing[question.id].happened_on not in (None, outcome.day):
            notes.append(
                f"{question.id}: the ledger says {standing[question.id].happened_on}, the table {outcome.day}: "
                f"'forecast ledger reopen {question.id} --why TEXT' if the ledger is wrong, then 'forecast resolve'"
            )
    known = {line.body.get("text") for line in ledger.read(desk.home.ledger, RESOLUTIONS)}
    return [r for r in records if r["kind"] != "note" or r["text"] not in known], notes


def _asked(desk: Desk, name: str) -> Question:
    if name not in desk.questions:
        raise QuestionError(f"{name!r} is no question of {desk.home.questions}: only those are recorded")
    return desk.questions[name]


def _records(desk: Desk, question: Question, day: dt.date, hashes: dict[str, str]) -> Iterator[dict[str, Any]]:
    """One record a forecaster."""
    rows, outcome = subject_row(question, desk.views, day), happened(question, desk.views, desk.today)
    if outcome and outcome.known_on <= day:
        raise QuestionError(f"question {question.id} was answered on {outcome.known_on}: nothing to forecast on {day}")
    view = desk.views.on(day, question.unit)
    posterior = desk.posterior(day, question.unit, question.target)
    mode: Literal["live", "hindcast"] = "live" if day == desk.today else "hindcast"
    common: dict[str, Any] = {
        "mode": mode,
        "hashes": hashes,
        "design_seen": mode == "hindcast" and outcome is not None,
    }
    sampled = Provenance(
        model=posterior.latency,
        sampler=posterior.first.sampler,
        seed=posterior.first.seed,
        diagnostics=posterior.diagnostics.as_json(),
        **common,
    )
    forecasts: list[tuple[ReleaseForecast, Provenance]] = [
        (next(model_forecasts(posterior, view, question.target, rows)), sampled),
        *((next(BASELINES[n](view, question.target, rows)), Provenance(model=n, **common)) for n in RECORDED_BASELINES),
    ]
    asked = Asked(question.id, question.asked_on, question.unit, question.target, desk.views.follow_up)
    reference = reference_for(view, question.target, rows.iloc[0])
    for forecast, provenance in forecasts:
        yield forecast_record(replace(forecast, target_id=question.id), asked, provenance, reference)


def _resolution(question: Question, outcome: Happened) -> dict[str, Any]:
    return resolved_record(
        question.id,
        outcome.day,
        outcome.known_on,
        outcome.kind,
        episode_id=outcome.episode_id,
        evidence_url=outcome.source_url or "",
        what=outcome.what,
    )
