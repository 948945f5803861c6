"""How much slip do the dates of those who control a release need? Kaplan-Meier over promised days."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from forecast.model.lags import product_limit
from forecast.record.summary import records_json
from forecast.tables.paths import Home
from forecast.tables.read import read_rows
from forecast.tables.schema import ThirdPartyForecast

_LEVELS = (0.5, 0.75, 0.9)


def slips(home: Home, as_of: dt.date, searched_through: dt.date) -> pd.DataFrame:
    """Days by which openings came after the day that was named.

    Parameters
    ----------
    home : Home
    as_of : datetime.date
        Forecasts made by this day count.
    searched_through : datetime.date
        Last day through which an opening would be known.

    Returns
    -------
    pandas.DataFrame
        One row a dated forecast of an opening that is due: ``voice``, ``source``, ``made_on``,
        ``due_on``, ``late_days`` (0: on the day or before), ``opened`` (False: late by at least so much).
    """
    file = home.data / ThirdPartyForecast.file
    rows = []
    for row in read_rows(file, ThirdPartyForecast) if file.is_file() else []:
        if row.event == "opening" and row.forecast_kind == "date" and row.made_on <= as_of and row.due_on:
            if row.due_on >= searched_through:
                continue  # kept or not, it is scored when it is due
            came = row.outcome_on if row.outcome_on and row.outcome_on <= searched_through else None
            late = ((came or searched_through) - row.due_on).days
            rows.append((row.voice, row.source, row.made_on, row.due_on, max(late, 0), came is not None))
    columns = ["voice", "source", "made_on", "due_on", "late_days", "opened"]
    return pd.DataFrame(rows, columns=columns)


def slip_table(found: pd.DataFrame) -> pd.DataFrame:
    """One row a voice: dates, how many were kept, and the slip that half, three in four and nine in ten would need.

    NaN where that many have not come.
    """
    return pd.DataFrame([{"voice": voice} | _needs(own) for voice, own in found.groupby("voice")])


def as_json(found: pd.DataFrame) -> list[dict[str, Any]]:
    """JSON values; a slip not reached is null."""
    return records_json(slip_table(found))


def _needs(own: pd.DataFrame) -> dict[str, Any]:
    late, opened = own.late_days.to_numpy(float), own.opened.to_numpy(bool)
    curve = product_limit(np.full(len(late), -1.0), late, opened, 1)
    kept = late[opened & (late == 0)].size
    out: dict[str, Any] = {"dates": len(own), "kept": kept, "opened": int(opened.sum())}
    return out | {f"late_days_{round(100 * level)}": curve.reached(level) for level in _LEVELS}
