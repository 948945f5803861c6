"""Other people's forecasts as imported ledgers: wordings turned into distributions by stated rules.

The rules were fixed before any of it was scored. A promise is taken at its word: it comes for
certain, on or by the day named. A probability by a day says nothing of the shape: it takes that
of the fixed reference of its making day, before the day and after it. Words without a day are
a constant hazard with the median that :data:`WORDINGS` gives them.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import LedgerError
from forecast.model.baselines import pooled_reference, references
from forecast.model.reference import Reference
from forecast.record.answers import Desk
from forecast.record.lines import Line
from forecast.record.questions import Question
from forecast.record.records import Asked, Provenance, append_by_forecaster, forecast_record
from forecast.record.transcripts import TRANSCRIBED, new_transcripts
from forecast.release import GRID_DAYS, Floats, ReleaseForecast
from forecast.tables.hashes import texts_sha256
from forecast.tables.read import read_rows
from forecast.tables.schema import ThirdPartyForecast


@dataclass(frozen=True)
class Wording:
    """A way of saying when, and the distribution that stands for it.

    Attributes
    ----------
    rule : str
        In words.
    pattern : str
        Of the forecast as given.
    cdf : callable
        Of days from the making to the due day, each to its end (infinite without one): P(open by each grid day).
    """

    rule: str
    pattern: str
    cdf: Callable[[float], Floats]


def _even(first: float, last: float) -> Floats:
    """Open for certain, spread evenly over (first, last]."""
    return np.clip((GRID_DAYS - first) / max(last - first, 1e-9), 0.0, 1.0)


def _median(days: float) -> Callable[[float], Floats]:
    """A constant hazard with a median, whatever the due day."""
    return lambda _due: 1 - 0.5 ** (GRID_DAYS / days)


_MONTHS = rf"^(?!.*\bnot\b).*\b({'|'.join(calendar.month_name[1:])})\b"

#: Dates and words -> distributions; the first pattern found in the forecast as given counts.
WORDINGS: dict[str, tuple[Wording, ...]] = {
    "date": (
        Wording("a day alone: on that day", r"^\d{4}-\d\d-\d\d$", lambda due: _even(due - 1, due)),
        Wording("a week or some days: the seven days to the due day", r"\bweek\b|days",
                lambda due: _even(max(due - 7, 0), due)),
        Wording("a month: the thirty days to the due day", _MONTHS, lambda due: _even(max(due - 30, 0), due)),
        Wording("anything else: evenly from the making to the due day", r"", lambda due: _even(0, due)),
    ),
    "words": (
        Wording("soon, or the coming weeks: a median of 30 days", r"soon|weeks", _median(30)),
        Wording("the coming months: a median of 120 days", r"months", _median(120)),
        Wording("eventually, yes, hopes to, no date: a median of 365 days", r"", _median(365)),
    ),
}  # fmt: skip


def said_curve(kind: str, words: str, due_days: float) -> Floats:
    """P(open by each grid day) of a date or of words.

    Parameters
    ----------
    kind : {"date", "words"}
    words : str
        The forecast as given.
    due_days : float
        Days from the making to the due day, each to its end, as scores count them.
    """
    return _wording(kind, words).cdf(due_days)


def priced_curve(points: list[tuple[float, float]], reference: Reference) -> Floats:
    r"""P(open by each grid day) of probabilities by some days, with the reference's shape between and after.

    .. math:: F(u) = p_0 + (p_1 - p_0) \frac{R(u) - R(d_0)}{R(d_1) - R(d_0)},
              \quad F(u) = 1 - (1 - p) \frac{1 - R(u)}{1 - R(d)} \text{ after the last}

    Parameters
    ----------
    points : list of (days, probability)
        Both rising.
    reference : Reference
        R, given that it is closed on the making day.

    Raises
    ------
    LedgerError
        If a later day has a lower probability.
    """
    if points != sorted(points) or [p for _, p in points] != sorted(p for _, p in points):
        raise LedgerError(f"probabilities {points} (days, probability) fall: a CDF rises")
    base, out = reference.cdf(GRID_DAYS), np.zeros(len(GRID_DAYS))
    (last, p_last), start = points[-1], (0.0, 0.0)
    for day, p in points:
        ends = reference.cdf(np.array([start[0], day]))
        inside = (start[0] < GRID_DAYS) & (day >= GRID_DAYS)
        rise = ends[1] - ends[0]  # 0 where the reference has run out: then the price jumps on its day
        out[inside] = start[1] + (p - start[1]) * (base[inside] - ends[0]) / rise if rise > 0 else start[1]
        start = (day, p)
    after, left = last < GRID_DAYS, 1 - reference.cdf(np.array([last]))[0]
    out[after] = 1 - (1 - p_last) * (1 - base[after]) / left if left > 0 else p_last
    return np.asarray(out)


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes
    ----------
    added : list of Line
    unmatched : list of str
        Forecasts of openings that no question asks about, one line each: never guessed.
    left_out : list of str
        What was left out because it was to be, one line each.
    """

    added: list[Line]
    unmatched: list[str]
    left_out: list[str] = field(default_factory=list)


def import_third_party(desk: Desk) -> Imported:
    """Append the forecasts of ``third_party_forecasts.csv`` to one chain a voice; twice adds nothing.

    Words that now become another distribution than they did are written again, and replace what was written.

    Raises
    ------
    HomeError, TableError, LedgerError
    """
    desk.home.require_editable("ledger import")
    file = desk.home.data / ThirdPartyForecast.file
    rows = [row for row in read_rows(file, ThirdPartyForecast) if row.event == "opening"]
    records, unmatched = [], []
    for (made_on, voice, source, target, _), same in groupby(sorted(rows, key=_saying), _saying):
        said = _one_saying(list(same), desk.today)
        question = _question_for(target, made_on, desk)
        if question is None:
            unmatched.append(f"{made_on} {source}: {said[0].question} ({target or 'outside the table'})")
            continue
        reference = reference_on(question, made_on, desk)
        cdf = _curve(said, reference)
        told = {"said_by": source, "words": "; ".join(s.forecast for s in said)}
        exact = [(s.forecast, f"{s.due_on} {s.probability}".encode()) for s in said]
        hashes = {  # another table changes no id
            "said": texts_sha256([(source, b""), *exact]),
            "reading": texts_sha256([(s.forecast, _read_as(s).encode()) for s in said]),
        }
        provenance = Provenance("imported", TRANSCRIBED, diagnostics=told, hashes=hashes)
        records.append(imported_record(desk, question, voice, made_on, cdf, provenance, reference))
    return Imported(append_by_forecaster(desk.home.ledger, records, desk.today, new_transcripts), unmatched)


def imported_record(
    desk: Desk,
    question: Question,
    forecaster: str,
    made_on: dt.date,
    cdf: Floats,
    provenance: Provenance,
    reference: Reference,
) -> dict[str, Any]:
    """The record of somebody's CDF: openings in full and in part share it as the reference has them.

    Raises
    ------
    LedgerError, ForecastError
        As :func:`forecast.record.records.forecast_record`.
    """
    share = reference.part_share
    forecast = ReleaseForecast(question.id, forecaster, made_on, (1 - share) * cdf, share * cdf)
    asked = Asked(question.id, question.asked_on, question.unit, question.target, desk.views.follow_up)
    return forecast_record(forecast, asked, provenance, reference)


def reference_on(question: Question, made_on: dt.date, desk: Desk) -> Reference:
    """The reference of the making day: of the row, where it is known by then."""
    view = desk.views.on(made_on)
    rows = view[view.episode_id.isin(question.members)]
    return next(references(view, question.target, rows.head(1)), None) or pooled_reference(view, question.target)


def imported_pairs(table: pd.DataFrame) -> list[tuple[str, dt.date]]:
    """Questions and days of imported forecasts in a score table: where hindcasts are wanted for comparison."""
    rows = table[(table["mode"] == "imported") & (table["state"] != "void")]
    return sorted({(q, day.date()) for q, day in zip(rows["question_id"], rows["made_on"], strict=True)})


#: Formats that ``forecast ledger import`` takes.
IMPORTS: dict[str, Callable[[Desk], Imported]] = {"third-party": import_third_party}


def _saying(row: ThirdPartyForecast) -> tuple[dt.date, str, str, str, str]:
    """What belongs together: prices by several days are one forecast."""
    return row.made_on, row.voice, row.source, row.question_target or "", row.forecast_kind


def _one_saying(said: list[ThirdPartyForecast], today: dt.date) -> list[ThirdPartyForecast]:
    """The same, in the order of the due days.

    Raises
    ------
    LedgerError
        If it is of the future, due on the day it was made or before, or says two things at once.
    """
    first = said[0]
    where = f"{ThirdPartyForecast.file}: {first.source} on {first.made_on}"
    if first.made_on > today:
        raise LedgerError(f"{where}: made in the future, so it cannot be imported on {today}")
    late = [s.due_on for s in said if s.due_on and s.due_on <= s.made_on]
    if late:
        raise LedgerError(f"{where}: due on {late[0]}, which must come after the making day")
    if len(said) > 1 and (first.forecast_kind != "probability" or len({s.due_on for s in said}) < len(said)):
        raise LedgerError(f"{where}: two forecasts about {first.question_target}: keep one of them")
    return sorted(said, key=lambda s: s.due_on or dt.date.max)


def _due_days(said: ThirdPartyForecast) -> float:
    return float((said.due_on - said.made_on).days) if said.due_on else np.inf


def _read_as(said: ThirdPartyForecast) -> str:
    """How it was read: what is read in another way later is another transcript."""
    rule = "a price" if said.forecast_kind == "probability" else _wording(said.forecast_kind, said.forecast).rule
    return f"{rule}; {_due_days(said):g} days"


def _wording(kind: str, words: str) -> Wording:
    return next(w for w in WORDINGS[kind] if re.search(w.pattern, words))


def _curve(said: list[ThirdPartyForecast], reference: Reference) -> Floats:
    days = [_due_days(s) for s in said]
    if said[0].forecast_kind == "probability":
        chances = [float(s.probability or 0.0) for s in said]
        return priced_curve(list(zip(days, chances, strict=True)), reference)
    return said_curve(said[0].forecast_kind, said[0].forecast, days[0])


def _question_for(target: str, made_on: dt.date, desk: Desk) -> Question | None:
    """The first-asked question about exactly that target, if it was asked by the day."""
    asked = [q for q in desk.questions.values() if q.members == (target,) and q.asked_on <= made_on]
    return min(asked, key=lambda q: q.asked_on, default=None)
