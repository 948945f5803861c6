"""The map: which foreign question is which of ours, and what a yes means. Nothing is guessed."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from forecast.errors import LedgerError
from forecast.record.formats.reading import bytes_of, shown

#: What an answer may stand for instead of a day: it is not open by any day that another answer names.
LATER = "later"

#: How many days a number counts; months and years are those of the mean calendar.
DAYS_OF = {"days": 1.0, "weeks": 7.0, "months": 365.2425 / 12, "years": 365.2425}
#: A number that names a moment itself: 2027.5 is the middle of 2027.
CALENDAR_YEAR = "calendar year"

_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)

Id = Annotated[str, Field(min_length=1)]


class Matched(BaseModel):
    """A foreign question in the map.

    Attributes
    ----------
    id : str
        Of our question.
    by : datetime.date or None
        A yes means: open by the end of this day. Goes before a day that the file names.
    since, until : datetime.date or None
        Forecasts made before or after are left out, and counted.
    answers : dict of str to (datetime.date or "later")
        Of a question with several answers: text or id of an answer to the last day that it means.
    number : {"days", "weeks", "months", "years", "calendar year"} or None
        Of a question about a number: what it counts from ``zero`` on, or that it names a year, as 2027.5 does.
    zero : datetime.date or None
    """

    model_config = _STRICT
    id: Id
    by: dt.date | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    answers: dict[str, dt.date | Literal["later"]] = Field(default_factory=dict)
    number: Literal["days", "weeks", "months", "years", "calendar year"] | None = None
    zero: dt.date | None = None

    @model_validator(mode="after")
    def _counted_from_somewhere(self) -> Self:
        if (self.zero is None) != (self.number in (None, CALENDAR_YEAR)):
            raise ValueError(f"zero goes with a number of {', '.join(DAYS_OF)}, and with nothing else")
        if self.number and self.by:
            raise ValueError("by and number both say which day a number means: take one of the two out")
        return self


class _File(BaseModel):
    model_config = _STRICT
    map: dict[Id, Id] = Field(default_factory=dict)
    question: dict[Id, Matched] = Field(default_factory=dict)


def read_map(path: Path, known: Collection[str]) -> Mapping[str, Matched]:
    """Read a map of foreign question ids to ours.

    Parameters
    ----------
    path : pathlib.Path
        A TOML file: ``[map]`` with ``"12345" = "our-question"``, or ``[question."12345"]`` with ``id``
        and the other fields of :class:`Matched`.
    known : collection of str
        Ids of our questions.

    Returns
    -------
    mapping of str to Matched

    Raises
    ------
    LedgerError
        If it is no such file, names a question twice, or one that we do not have.
    """
    text = bytes_of(path)
    try:
        given = _File.model_validate(tomllib.loads(text.decode("utf-8-sig")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise LedgerError(f"{path}: {shown(place)}: {shown(first['input'])}: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"{path}: not TOML: {shown(str(error) or 'nested too deep')}") from None
    twice = sorted(set(given.map) & set(given.question))
    if twice:
        raise LedgerError(f"{path}: {shown(twice[0])}: stands under both [map] and [question]: keep one of them")
    matched = {source: Matched(id=ours) for source, ours in given.map.items()} | given.question
    if not matched:
        raise LedgerError(f'{path}: maps nothing: give [map] with "foreign id" = "our question"')
    for source, one in matched.items():
        if one.id not in known:
            raise LedgerError(
                f"{path}: {shown(source)}: {shown(one.id)} is no question: 'forecast questions' lists them"
            )
    return matched
