"""The days that an answer of a market means: ``Apr 2026``, ``Q2 2026``, ``Before July 2026``, ``2028 or later``.

Only what can be read in one way is read. What could mean two days ("by May 2026") has to
stand in the map.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re

_DAY = dt.timedelta(days=1)
_MONTHS = {name[:3].lower(): number for number, name in enumerate(calendar.month_name) if name}
_MONTH_NAMES = "|".join(sorted({*calendar.month_name[1:], *calendar.month_abbr[1:], "Sept"}, key=len, reverse=True))
_PERIOD = re.compile(
    rf"(?P<day>\d{{4}}-\d\d-\d\d)|(?:(?P<month>{_MONTH_NAMES})\.? |Q(?P<quarter>[1-4]) )?(?P<year>\d{{4}})",
    re.ASCII | re.IGNORECASE,
)
_LATER = re.compile(r"(?:never|later|after .+|.+ or later|.+ or never|not by .+)", re.IGNORECASE)
_BEFORE = re.compile(r"before (.+)", re.IGNORECASE)
_BY_END = re.compile(r"by (?:the )?end of (.+)|by (\d{4}-\d\d-\d\d)", re.IGNORECASE)
_RANGE = re.compile(r"(.+?) ?(?:-|\u2013| to ) ?(\D.+|\d{4})", re.IGNORECASE)


def last_day(text: str) -> dt.date | None:
    """The last day that an answer means; None where it names none, or could mean two."""
    words = " ".join(text.split())[:100]
    before, by_end, spans = _BEFORE.fullmatch(words), _BY_END.fullmatch(words), _RANGE.fullmatch(words)
    if before:
        first = _period(before[1])
        return first[0] - _DAY if first and first[0] > dt.date.min else None
    if by_end:
        return _end(by_end[1] or by_end[2])
    if _period(words) is None and spans and _period(spans[1]):
        return _end(spans[2])
    return _end(words)


def is_later(text: str) -> bool:
    """Whether an answer is what is left after all days."""
    return _LATER.fullmatch(" ".join(text.split())[:100]) is not None


def _end(words: str) -> dt.date | None:
    found = _period(words)
    return found and found[1]


def _period(words: str) -> tuple[dt.date, dt.date] | None:
    """First and last day of a day, month, quarter or year."""
    found = _PERIOD.fullmatch(words)
    if found is None:
        return None
    try:
        if found["day"]:
            day = dt.date.fromisoformat(found["day"])
            return day, day
        year, first, last = int(found["year"]), 1, 12
        if found["month"]:
            first = last = _MONTHS[found["month"][:3].lower()]
        elif found["quarter"]:
            last = 3 * int(found["quarter"])
            first = last - 2
        return dt.date(year, first, 1), dt.date(year, last, calendar.monthrange(year, last)[1])
    except ValueError:
        return None
