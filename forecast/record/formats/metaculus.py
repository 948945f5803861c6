"""The zip that Metaculus hands out: ``question_data.csv`` and ``forecast_data.csv``.

A forecast of a date is a CDF at evenly spaced places from the lower to the upper bound, 201 of them
as a rule. Its first value is what lies before the lower bound, one less its last what lies
beyond the upper one. Columns are found by name; a row may end early.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np

from forecast.record.formats.packed import opened_zip, zipped_rows
from forecast.record.formats.question_map import Matched
from forecast.record.formats.reading import fault, moment_of, number_of, probability, text_of
from forecast.record.formats.said import Curve, Entries, Price, Said, Sheet, days_since_epoch, sheet_of
from forecast.release import Floats

QUESTIONS = "question_data.csv"
FORECASTS = "forecast_data.csv"

_QUESTION_COLUMNS = ("Question ID", "Question Title", "Question Type", "Lower Bound", "Upper Bound")
_FORECAST_COLUMNS = ("Question ID", "Start Time", "Probability Yes", "Continuous CDF")
_ANONYMOUS = "Forecaster (Anonymized)"

#: A place of a question's range may be off the even spacing by so many days: its places are given as days.
_ROUNDED_DAYS = 1.0

#: Places of a CDF at the most.
_MOST_PLACES = 10_000


def read_metaculus(path: Path, wanted: Mapping[str, Matched]) -> Sheet:
    """Read the forecasts of the questions that the map wants.

    Raises
    ------
    LedgerError
    """
    with opened_zip(path) as packed:
        with closing(zipped_rows(path, packed, QUESTIONS, _QUESTION_COLUMNS)) as rows:
            questions = {row["Question ID"]: (where, row) for where, row in rows}

        def entries() -> Entries:
            with closing(zipped_rows(path, packed, FORECASTS, _FORECAST_COLUMNS)) as rows:
                for where, row in rows:
                    name = row["Question ID"]
                    about = questions.get(name, ("", {}))
                    yield name, about[1].get("Question Title", ""), _reader(where, row, about)

        return sheet_of(entries(), wanted)


def _reader(where: str, row: dict[str, str], about: tuple[str, dict[str, str]]) -> Callable[[], Iterator[Said]]:
    return lambda: iter([_said(where, row, *about)])


def _said(where: str, row: Mapping[str, str], question_where: str, question: Mapping[str, str]) -> Said:
    if not question:
        raise fault(where, "Question ID", row["Question ID"], f"stands in no row of {QUESTIONS}")
    column = _ANONYMOUS if _ANONYMOUS in row else "Forecaster Username"
    if column not in row:
        raise fault(where, column, "", "the table has no such column")
    kind = question["Question Type"].strip().lower()
    if kind not in ("binary", "date"):
        raise fault(question_where, "Question Type", question["Question Type"], "only binary and date are imported")
    made_at = moment_of(where, "Start Time", row["Start Time"])
    said_by, source_id = text_of(where, row, column), row["Question ID"]
    if kind == "binary":
        return Said(where, source_id, said_by, made_at, (Price(None, number_of(where, row, "Probability Yes")),))
    return Said(where, source_id, said_by, made_at, curve=_curve(where, row, question_where, question))


def _curve(where: str, row: Mapping[str, str], question_where: str, question: Mapping[str, str]) -> Curve:
    column = "Continuous CDF"
    given = [probability(where, column, value) for value in _list(where, column, row[column])]
    if len(given) < 2:
        raise fault(where, column, row[column], "a CDF has two values or more")
    probs = np.array(given)
    falls = np.flatnonzero(np.diff(probs) < 0)
    if falls.size:
        at = falls[0]
        raise fault(where, column, f"{given[at]} then {given[at + 1]}", f"value {at + 2} is lower: a CDF rises")
    _require_closed(where, question, given)
    return Curve(_places(question_where, question, len(given)), probs)


def _require_closed(where: str, question: Mapping[str, str], given: list[float]) -> None:
    """A bound that is not open leaves nothing beyond it."""
    for name, value, closed in (("Lower", given[0], 0.0), ("Upper", given[-1], 1.0)):
        if question.get(f"Open {name} Bound", "").strip() == "False" and value != closed:
            rule = f"must be {closed:g} at the {name.lower()} bound, which is not open"
            raise fault(where, "Continuous CDF", value, rule)


def _places(where: str, question: Mapping[str, str], count: int) -> Floats:
    """Evenly from bound to bound; where the question's own places are uneven (a log scale), those."""
    low, high = (days_since_epoch(moment_of(where, name, question[name])) for name in ("Lower Bound", "Upper Bound"))
    if low >= high:
        raise fault(where, "Upper Bound", question["Upper Bound"], "must come after the lower bound")
    even = np.linspace(low, high, count)
    text = question.get("Continuous Range", "").strip()
    stated = _list(where, "Continuous Range", text) if text else []
    if len(stated) != count:
        return even
    own = np.array([days_since_epoch(moment_of(where, "Continuous Range", place)) for place in stated])
    if (np.abs(own - even) <= _ROUNDED_DAYS).all():
        return even
    if (np.diff(own) < 0).any():
        raise fault(where, "Continuous Range", text, "its places must rise")
    return own


def _list(where: str, column: str, text: str) -> list[str]:
    """A list as Python writes it: its numbers, or its quoted days."""
    inner = text.strip()
    if not (inner.startswith("[") and inner.endswith("]") and inner.count(",") < _MOST_PLACES):
        raise fault(where, column, text, "must be a list, [0.01, 0.02, ...]")
    return [item.strip().strip("'\"") for item in inner[1:-1].split(",")]
