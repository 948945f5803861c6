"""A date with its precision is a window of days."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.tables.windows import date_window


@pytest.mark.parametrize(
    ("day", "precision", "first", "last"),
    [
        ("2026-08-10", "day", "2026-08-10", "2026-08-10"),
        ("2024-02-10", "month", "2024-02-01", "2024-02-29"),
        ("2025-02-28", "month", "2025-02-01", "2025-02-28"),
        ("2025-12-31", "month", "2025-12-01", "2025-12-31"),
        ("2026-05-09", "quarter", "2026-04-01", "2026-06-30"),
        ("2026-01-01", "quarter", "2026-01-01", "2026-03-31"),
        ("2026-12-31", "quarter", "2026-10-01", "2026-12-31"),
        ("1976-10-01", "year", "1976-01-01", "1976-12-31"),
    ],
)
def test_a_window_is_the_calendar_unit_around_its_day(day: str, precision: str, first: str, last: str) -> None:
    found = date_window(dt.date.fromisoformat(day), precision)
    assert found == (dt.date.fromisoformat(first), dt.date.fromisoformat(last))


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    day=st.dates(dt.date(1970, 1, 1), dt.date(2090, 12, 31)),
    unit=st.sampled_from([("day", "D"), ("month", "M"), ("quarter", "Q"), ("year", "Y")]),
)
def test_windows_are_the_periods_of_pandas(day: dt.date, unit: tuple[str, str]) -> None:
    period = pd.Period(day, unit[1])
    assert date_window(day, unit[0]) == (period.start_time.date(), period.end_time.date())
