"""The CSV that Fatebook exports: one row a forecast, a probability of yes.

It has no ids: a question is named by its title, an option of one with several by
``title / option``. A yes means that it is open by the map's day, else by the row's "resolve by".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from forecast.record.formats.question_map import Matched
from forecast.record.formats.reading import csv_of, moment_of, number_of, text_of
from forecast.record.formats.said import Entries, Price, Said, Sheet, sheet_of

_TITLE, _OPTION, _BY = "Question title", "Multiple choice option", "Question resolve by"
_WHO, _PROB, _MADE = "Forecast created by", "Forecast (scale = 0-1)", "Forecast created at"


def read_fatebook(path: Path, wanted: Mapping[str, Matched]) -> Sheet:
    """Read the forecasts of the questions that the map wants.

    Raises
    ------
    LedgerError
    """

    def entries() -> Entries:
        for where, row in csv_of(path, (_TITLE, _WHO, _PROB, _MADE)):
            option = row.get(_OPTION, "").strip()
            name = f"{row[_TITLE].strip()} / {option}" if option else row[_TITLE].strip()
            yield name, "", _reader(where, row, name)

    return sheet_of(entries(), wanted)


def _reader(where: str, row: Mapping[str, str], name: str) -> Callable[[], Iterator[Said]]:
    def read() -> Iterator[Said]:
        due = row.get(_BY, "").strip()
        by = moment_of(where, _BY, due).date() if due else None
        price = Price(by, number_of(where, row, _PROB))
        yield Said(where, name, text_of(where, row, _WHO), moment_of(where, _MADE, row[_MADE]), (price,))

    return read
