"""What a foreign file says: forecasts of other people, before they are matched with questions of ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from forecast.record.formats.question_map import Matched
from forecast.release import Floats

_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class Price:
    """A probability that it is open by the end of a day.

    Attributes
    ----------
    by : datetime.date or None
        None where the file does not say: then the map must.
    prob : float
    """

    by: dt.date | None
    prob: float


@dataclass(frozen=True, eq=False)
class Curve:
    """A whole CDF over moments in time.

    Attributes
    ----------
    places_days : array of shape (n,)
        Moments, in days since 1970-01-01 00:00 UTC, rising.
    probs : array of shape (n,)
        P(open before each moment), rising. The first is what lies before the range, one less the
        last what lies beyond it.
    from_making : bool
        Whether it starts at 0 at the end of the making day, whatever its first point.
    """

    places_days: Floats
    probs: Floats
    from_making: bool = False


@dataclass(frozen=True, eq=False)
class Said:
    """One forecast as a file has it.

    Attributes
    ----------
    where : str
        File and row, or entry.
    source_id : str
        The foreign question's id, as the map names it.
    said_by : str
        Forecaster as the file names them.
    made_at : datetime.datetime
        In UTC.
    prices : tuple of Price
    curve : Curve or None
        Instead of prices.
    """

    where: str
    source_id: str
    said_by: str
    made_at: dt.datetime
    prices: tuple[Price, ...] = ()
    curve: Curve | None = None

    @property
    def made_on(self) -> dt.date:
        """The UTC day of the making."""
        return self.made_at.date()


@dataclass
class Sheet:
    """All that was read from a file.

    Attributes
    ----------
    said : list of Said
        Of questions in the map.
    unmatched : dict of str to str
        Id and title of questions that the map does not name.
    """

    said: list[Said] = field(default_factory=list)
    unmatched: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Format:
    """A kind of foreign file.

    Attributes
    ----------
    about : str
        In words, for the command line.
    read : callable
        Of the file and what the map wants from it.

    Notes
    -----
    Only rows of questions in the map are looked at closely: the rest of a file may hold anything.
    """

    about: str
    read: Callable[[Path, Mapping[str, Matched]], Sheet]


#: Entries of a file: each an id, a title, and how to read it, which is done only where it is wanted.
type Entries = Generator[tuple[str, str, Callable[[], Iterator[Said]]]]


def sheet_of(entries: Entries, wanted: Mapping[str, Matched]) -> Sheet:
    """Sort entries into what is wanted and what is not."""
    sheet = Sheet()
    with closing(entries):  # and the file behind them, where one is bad
        for source_id, title, read in entries:
            if source_id in wanted:
                sheet.said += read()
            else:
                sheet.unmatched.setdefault(source_id, title)
    return sheet


def days_since_epoch(moment: dt.datetime) -> float:
    """A moment as days since 1970-01-01 00:00 UTC."""
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(days=1)


def end_of_day(day: dt.date) -> float:
    """The end of a day, in days since 1970-01-01 00:00 UTC."""
    return float((day - _EPOCH).days + 1)
