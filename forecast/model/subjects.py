"""What is forecast: rows of a view, and through which day each is known to have been closed."""

from __future__ import annotations

from typing import Any

import pandas as pd

#: A check older than this many days does not stand for the day of the forecast.
STALE_DAYS = 14


def survived_through(row: Any, made_on: pd.Timestamp) -> pd.Timestamp:
    """Last day through which a row's survival is counted.

    The day of the forecast, where somebody looked at most ``STALE_DAYS`` before it; else the
    day of the last look, and it may have been opened since.
    """
    checked: pd.Timestamp = row.closed_through
    return checked if (made_on - checked).days > STALE_DAYS else made_on


def seen_through(row: Any) -> pd.Timestamp:
    """Last day of a still-closed row that a fit has seen: a leak ends it."""
    return row.closed_through if pd.isna(row.leaked_on) else min(row.closed_through, row.leaked_on)
