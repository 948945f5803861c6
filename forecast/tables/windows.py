"""A date with its precision is a window of days."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Literal

Precision = Literal["day", "month", "quarter", "year"]

_MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}


def date_window(day: dt.date, precision: Precision) -> tuple[dt.date, dt.date]:
    """First and last day that a date may mean.

    Parameters
    ----------
    day : datetime.date
        Any day inside the window.
    precision : {"day", "month", "quarter", "year"}
        Calendar unit known.

    Returns
    -------
    tuple of datetime.date
        Both inclusive. *Known on* is the last one.

    Examples
    --------
    >>> date_window(dt.date(2026, 5, 9), "quarter")
    (datetime.date(2026, 4, 1), datetime.date(2026, 6, 30))
    """
    if precision == "day":
        return day, day
    months = _MONTHS[precision]
    first_month = (day.month - 1) // months * months + 1
    last_month = first_month + months - 1
    return day.replace(month=first_month, day=1), day.replace(
        month=last_month, day=calendar.monthrange(day.year, last_month)[1]
    )
