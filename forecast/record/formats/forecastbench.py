"""A forecast set of ForecastBench: one object with the model and its forecasts, each a probability by a day.

A question that came from a market has no ``resolution_date``: the map must say by which day.
Questions whose id is a list (two questions in one) are about nothing of ours.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from forecast.record.formats.question_map import Matched
from forecast.record.formats.reading import (
    Chance,
    Entry,
    day_of,
    entry_of,
    fault,
    json_of,
    moment_of,
    required_text,
    shown,
)
from forecast.record.formats.said import Entries, Price, Said, Sheet, sheet_of


class _Set(Entry):
    organization: str
    model: str
    question_set: str = ""
    forecast_due_date: str | None = None
    forecasts: list[Any]


class _Forecast(Entry):
    forecast: Chance
    resolution_date: str | None = None


def read_forecastbench(path: Path, wanted: Mapping[str, Matched]) -> Sheet:
    """Read the forecasts of the questions that the map wants.

    Raises
    ------
    LedgerError
    """
    given = entry_of(str(path), _Set, json_of(path))
    who = f"{required_text(str(path), 'organization', given.organization)} {given.model}".strip()
    required_text(str(path), "model", given.model)
    made_at = _made_at(path, given)

    def entries() -> Entries:
        for number, entry in enumerate(given.forecasts, start=1):
            where = f"{path}, forecast {number}"
            if not isinstance(entry, dict):
                raise fault(where, "entry", entry, "must be a forecast, {...}")
            name, source = entry.get("id"), entry.get("source")
            known = name if isinstance(name, str) else shown(name)
            yield known, source if isinstance(source, str) else "", _reader(where, known, entry, made_at, who)

    return sheet_of(entries(), wanted)


def _made_at(path: Path, given: _Set) -> dt.datetime:
    """The day on which forecasts were due; the question set is named by it."""
    if given.forecast_due_date is not None:
        return moment_of(str(path), "forecast_due_date", given.forecast_due_date)
    named = re.match(r"\d{4}-\d\d-\d\d", given.question_set, re.ASCII)
    if named is None:
        raise fault(str(path), "question_set", given.question_set, "must begin with the day on which it was due")
    return moment_of(str(path), "question_set", named[0])


def _reader(where: str, name: str, entry: Any, made_at: dt.datetime, who: str) -> Callable[[], Iterator[Said]]:
    def read() -> Iterator[Said]:
        said = entry_of(where, _Forecast, entry)
        due = said.resolution_date
        by = None if due in (None, "", "N/A") else day_of(where, "resolution_date", str(due)[:10])
        yield Said(where, name, who, made_at, (Price(by, said.forecast),))

    return read
