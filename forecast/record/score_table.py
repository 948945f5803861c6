"""The score table: the ledger and what came true, one row a forecast.

Being scored hangs on the calendar alone. A forecast is scored from its first horizon day on,
opened or not: to score the early openings at once, and the rest when they fall due, would make
every forecaster look too low.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.lines import RESOLUTIONS, Line
from forecast.record.questions import Question
from forecast.record.records import reference_forecast, release_forecast
from forecast.record.scores import Outcome, score_all, score_names
from forecast.record.transcripts import replaced, withdrawn
from forecast.release import HORIZON_DAYS, ReleaseForecast

#: Days from the making to its first horizon question, and so to its first score.
FIRST_DUE_DAY = min(HORIZON_DAYS)

#: Baseline of a live forecast: the model's live forecast before it, given that it is still closed.
PREVIOUS = "last-live-forecast"

_COLUMNS = {
    "id": "object",
    "forecaster": "object",
    "question_id": "object",
    "mode": "object",
    "made_on": "datetime64[s]",
    "recorded_on": "datetime64[s]",
    "design_seen": "bool",
    "state": "object",
    "reason": "object",
    "due": "bool",
    "withdrawn": "bool",
    "happened_on": "datetime64[s]",
    "opening": "object",
    "day": "float64",
    "followed_days": "float64",
}


@dataclass(frozen=True)
class Resolution:
    """Where a question stands.

    Attributes
    ----------
    state : {"open", "resolved", "void", "ambiguous"}
    happened_on : datetime.date or None
    opening : {"full", "part"} or None
    """

    state: str
    happened_on: dt.date | None = None
    opening: Literal["full", "part"] | None = None


_OPEN = Resolution("open")


def resolutions(folder: Path, as_of: dt.date, *, mending: bool = False) -> dict[str, Resolution]:
    """Replay the resolutions, in order, as known on a day.

    A resolution counts from the day it was known on; ``void`` and ``ambiguous`` from the day they
    were recorded. ``reopened`` mends a mistake, so it counts on every day.

    Parameters
    ----------
    folder : pathlib.Path
        Of the ledger.
    as_of : datetime.date
    mending : bool, default False
        Let a question stand that is resolved twice: who reopens it needs to look.

    Returns
    -------
    dict of str to Resolution
        By question id; open questions are not in it.

    Raises
    ------
    LedgerError
        If the chain is broken, or resolves a question twice.
    """
    standing: dict[str, Resolution] = {}
    twice: dict[str, str] = {}
    for line in ledger.read(folder, RESOLUTIONS):
        if line.body["kind"] in ("heads", "note"):
            continue
        name = str(line.body.get("question_id"))
        before = standing.get(name)
        _replay(standing, line.body, as_of)
        if line.body["kind"] == "reopened":
            twice.pop(name, None)
        elif before and before.state == "resolved" and before != standing[name]:
            twice[name] = f"by {before.happened_on} and line {line.number}"
    if twice and not mending:
        faults = "; ".join(f"question {name} is resolved twice, {how}" for name, how in twice.items())
        raise LedgerError(f"chain 'resolutions': {faults}: reopen it, then resolve it anew")
    return standing


def score_table(
    folder: Path, as_of: dt.date, questions: Mapping[str, Question], searched_through: dt.date
) -> pd.DataFrame:
    """Score every forecast in the ledger that was made by a day.

    Parameters
    ----------
    folder : pathlib.Path
        Of the ledger.
    as_of : datetime.date
        What was known by this day counts.
    questions : mapping of str to Question
        By id.
    searched_through : datetime.date
        Last day through which openings were looked for: what is not known to have opened counts as
        closed until ``min(as_of, searched_through)``, and no longer.

    Returns
    -------
    pandas.DataFrame
        One row a forecast, in the order of the ledger. ``state`` is

        - ``void``: never scored, see ``reason``, which may be a transcript that replaced it;
        - ``scored``: followed for at least :data:`FIRST_DUE_DAY` days;
        - ``due``: past its first horizon, but not followed for that long yet;
        - ``open``: none of these.

        ``day`` is k and ``followed_days`` C of :class:`forecast.record.scores.Outcome`; scores that
        have nothing to score are NaN. ``withdrawn`` forecasts are scored like the others.

    Raises
    ------
    LedgerError
        If a chain is broken or a line cannot be read.
    """
    view = _View(as_of, min(as_of, searched_through), questions, resolutions(folder, as_of))
    rows = [
        row
        for chain in ledger.chains(folder)
        if chain != RESOLUTIONS
        for row in _chain_rows(ledger.read(folder, chain), view)
    ]
    columns = _COLUMNS | dict.fromkeys(score_names(), "float64")
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


@dataclass(frozen=True)
class _View:
    """What is known on a day: the same for every forecast."""

    as_of: dt.date
    followed_to: dt.date
    questions: Mapping[str, Question]
    standing: Mapping[str, Resolution]


def _replay(standing: dict[str, Resolution], body: Mapping[str, Any], as_of: dt.date) -> None:
    """Let one line of the resolutions change where its question stands."""
    question, kind = body["question_id"], body["kind"]
    if kind == "reopened":
        standing.pop(question, None)
    elif kind == "resolved":
        happened_on = dt.date.fromisoformat(body["happened_on"])
        if dt.date.fromisoformat(body.get("known_on") or body["happened_on"]) <= as_of:
            standing[question] = Resolution(kind, happened_on, body["opening"])
    elif body["recorded_on"] <= as_of.isoformat():
        standing[question] = Resolution(kind)


def _chain_rows(lines: Sequence[Line], view: _View) -> Iterator[dict[str, Any]]:
    """Give the rows of one chain's forecasts that were made by the day."""
    past = [x.body for x in lines if x.body["recorded_on"] <= view.as_of.isoformat()]
    taken_back = withdrawn(past)
    instead = replaced(line.body for line in lines)
    last: dict[str, ReleaseForecast] = {}
    ids: set[str] = set()
    for line in lines:
        if line.body["kind"] == "forecast":
            _new_id(line, ids)
            forecast = release_forecast(line.body)
            if forecast.made_on <= view.as_of:
                back = {"withdrawn": line.body["id"] in taken_back}
                yield _row(forecast, line.body, view, instead.get(line.body["id"])) | back
                if (forecast.forecaster, line.body["mode"]) == ("model", "live"):
                    before = last.get(forecast.target_id)
                    if (
                        before
                        and before.made_on < forecast.made_on
                        and before.prob_by((forecast.made_on - before.made_on).days) < 1
                    ):
                        kept = replace(before.as_of_later(forecast.made_on), forecaster=PREVIOUS)
                        yield _row(kept, {**line.body, "forecaster": PREVIOUS}, view) | back
                    last[forecast.target_id] = forecast


def _new_id(line: Line, ids: set[str]) -> None:
    """Refuse a second forecast under one id, for nobody could say which of them was meant."""
    name = str(line.body.get("id"))
    if name in ids:
        raise LedgerError(f"chain {line.body.get('chain')!r} line {line.number}: a second forecast has the id {name}")
    ids.add(name)


def _row(forecast: ReleaseForecast, body: Mapping[str, Any], view: _View, mended: str | None = None) -> dict[str, Any]:
    """Score one forecast, or say why not."""
    known = view.standing.get(forecast.target_id, _OPEN)
    day = (known.happened_on - forecast.made_on).days if known.happened_on else None
    followed = (view.followed_to - forecast.made_on).days
    outcome_columns = {"happened_on": known.happened_on, "opening": known.opening, "day": day}
    reason = f"its transcript was mended by {mended}" if mended else None
    reason = reason or _void_reason(body, known, day, view.questions.get(forecast.target_id))
    due = reason is None and (view.as_of - forecast.made_on).days >= FIRST_DUE_DAY
    said = {name: body[name] for name in _COLUMNS if name in body}
    row = {**said, **outcome_columns, "due": due, "reason": reason, "followed_days": max(followed, 0)}
    if reason:
        return row | {"state": "void"}
    if followed < FIRST_DUE_DAY:
        return row | {"state": "due" if due else "open", "reason": f"not yet followed for {FIRST_DUE_DAY} days"}
    outcome = Outcome(day, followed, known.opening)
    scores = score_all(forecast, reference_forecast(body), outcome, dt.date.fromisoformat(body["asked_on"]))
    return row | {"state": "scored"} | scores


def _void_reason(
    body: Mapping[str, Any], resolution: Resolution, day: int | None, question: Question | None
) -> str | None:
    """Say why a forecast is never scored, if it is not."""
    if question is None:
        return "its question is not in the questions file"
    if question.asked_on.isoformat() != body["asked_on"]:
        return "its question's asking day was changed"
    if resolution.state in ("void", "ambiguous"):
        return f"its question is {resolution.state}"
    return "made on or after the day of the outcome" if day is not None and day <= 0 else None
