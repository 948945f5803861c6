"""Update beliefs after the tables changed: check, resolve, score, fit, say what changed, record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import TableError
from forecast.model.parameters import parameter_table
from forecast.record import ledger
from forecast.record.answers import Desk
from forecast.record.changes import Change, Splitter, answered, first_forecast
from forecast.record.check import check_home
from forecast.record.inputs import missing_inputs
from forecast.record.lines import RESOLUTIONS, Line
from forecast.record.questions import Question, word_of
from forecast.record.recorder import Resolved, keep_new, new_records, open_questions, resolution_records
from forecast.record.score_table import FIRST_DUE_DAY, resolutions, score_table
from forecast.record.subjects import Happened, happened

#: Whose forecasts are followed.
FORECASTER = "model"

#: A parameter has moved if its median did by more than this share of its former standard deviation.
MOVED_SD = 0.25

#: Width of a normal's 90 % interval, in standard deviations.
_INTERVAL_SD = 3.29

FIRST_DUE = pd.Timedelta(days=FIRST_DUE_DAY)


@dataclass(frozen=True)
class Update:
    """What an update found and did.

    Attributes
    ----------
    as_of : datetime.date
    resolved : list of dict
        Questions answered since: ``id``, ``day``, ``kind``, ``what``, ``word``; by forecaster the
        log score of the last forecast (nats); how many forecasts are not scored yet, and from which
        day on the first of them is; how many are void, as made on or after the day of the answer.
    changes : list of Change
        Every question that is open or was answered just now.
    parameters : pandas.DataFrame
        Prior and posterior, before and after, of each parameter that moved.
    lines : list of Line
        What was added to the ledger; nothing in a dry run.
    notes : list of str
    written : bool
    """

    as_of: dt.date
    resolved: list[dict[str, Any]]
    changes: list[Change]
    parameters: pd.DataFrame
    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    written: bool = True

    def as_json(self) -> dict[str, Any]:
        """The object of ``forecast update --json``."""
        return {
            "as_of": self.as_of.isoformat(),
            "resolved": self.resolved,
            "questions": [change.as_json() for change in self.changes],
            "parameters": self.parameters.to_dict("records"),
            "recorded": len(self.lines),
            "written": self.written,
            "notes": self.notes,
        }


def update(desk: Desk, dry_run: bool = False, record: bool = True) -> Update:
    """Check the home, answer what can be answered, split what changed, record.

    Parameters
    ----------
    desk : Desk
        Its ``today`` is the day of the update.
    dry_run : bool
        Write nothing.
    record : bool
        False: write resolutions, and no forecasts.

    Raises
    ------
    TableError
        If the data are not right: nothing is written.
    HomeError, LedgerError, FitError
        Nothing is written unless all forecasts could be made.
    """
    if not dry_run:
        desk.home.require_editable("update")
    problems = check_home(desk.home)[1]
    if problems:
        raise TableError(problems)
    last = last_forecasts(desk)
    standing = resolutions(desk.home.ledger, desk.today)
    answers = {
        q: outcome
        for q in desk.questions.values()
        if q.asked_on <= desk.today and q.id not in standing and (outcome := happened(q, desk.views, desk.today))
    }
    still_open = open_questions(desk, desk.today)
    changes = [answered(q, last[q.id], word_of(q, outcome.day)) for q, outcome in answers.items() if q.id in last]
    with Splitter(desk) as splitter:
        for q in still_open:
            changes.append(splitter.split(q, last[q.id]) if q.id in last else first_forecast(q, desk))
        moved = _moved(splitter, [last[q.id] for q in still_open if q.id in last])
    records = new_records(desk, still_open, desk.today) if record and not dry_run else []
    found, lines = Resolved([], []), []
    if not dry_run:
        lines = keep_new(desk, records)
        resolved, notes = resolution_records(desk)  # last: cut off before them, the next update tells the answers again
        found = Resolved(ledger.append(desk.home.ledger, RESOLUTIONS, resolved, recorded_on=desk.today), notes)
    said = [_answer(desk, q, outcome) for q, outcome in answers.items()]
    return Update(desk.today, said, changes, moved, [*found.added, *lines], found.notes, not dry_run)


def last_forecasts(desk: Desk) -> dict[str, Mapping[str, Any]]:
    """The model's last forecast of each question by today; a live one, where there is any."""
    last: dict[str, Mapping[str, Any]] = {}
    for line in ledger.read(desk.home.ledger, FORECASTER):
        body = line.body
        if body["kind"] != "forecast" or body["made_on"] > desk.today.isoformat():
            continue
        known = last.get(body["question_id"])
        if known is None or _rank(body) >= _rank(known):
            last[body["question_id"]] = body
    return last


def _rank(body: Mapping[str, Any]) -> tuple[bool, str]:
    return body["mode"] == "live", body["made_on"]


def _answer(desk: Desk, question: Question, outcome: Happened) -> dict[str, Any]:
    """What came true, with the scores of the last forecasts, once they stand."""
    searched = max(desk.views.searched_through(desk.today), outcome.known_on)
    table = score_table(desk.home.ledger, desk.today, {question.id: question}, searched)
    mine = table[(table.question_id == question.id) & (table["mode"] != "hindcast")]
    waiting = mine.made_on[mine.state.isin(["open", "due"])]
    latest = mine[mine.state == "scored"].sort_values("made_on").drop_duplicates("forecaster", keep="last")
    return {
        "id": question.id,
        "day": outcome.day.isoformat(),
        "kind": outcome.kind,
        "what": outcome.what,
        "word": word_of(question, outcome.day),
        "log_score": {row.forecaster: float(row.log) for row in latest.itertuples() if np.isfinite(row.log)},
        "not_yet_scored": len(waiting),
        "scored_from": str((waiting.min() + FIRST_DUE).date()) if len(waiting) else None,
        "void": int((mine.state == "void").sum()),
    }


def _moved(splitter: Splitter, bodies: list[Mapping[str, Any]]) -> pd.DataFrame:
    """Parameters of the models' fit whose posterior moved since the last forecast of an open question."""
    desk = splitter.desk
    kept = [
        body
        for body in bodies
        if (body["unit"], body["target"]) == ("model", "any") and not missing_inputs(desk.home.ledger, body["hashes"])
    ]
    if not kept:
        return pd.DataFrame(columns=["parameter", "effect", "of"])
    old = splitter.former(kept[0])
    then = parameter_table(old.posterior(old.today), old.priors)
    now = parameter_table(desk.posterior(desk.today), desk.priors)
    both = now.merge(then[["parameter", "low", "median", "high"]], on="parameter", suffixes=("", "_before"))
    deviation = (both.high_before - both.low_before) / _INTERVAL_SD
    return both[(both["median"] - both.median_before).abs() > MOVED_SD * deviation].reset_index(drop=True)
