"""A plain CSV: ``question_id, forecaster, made_on, by, prob``.

One row for a question, forecaster and making day is a probability by a day. Several rows with
different days are a CDF: 0 on the making day, straight lines from day to day, flat after the last.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from forecast.record.formats.question_map import Matched
from forecast.record.formats.reading import csv_of, day_of, fault, moment_of, number_of, text_of
from forecast.record.formats.said import Curve, Price, Said, Sheet, end_of_day

_COLUMNS = ("question_id", "forecaster", "made_on", "by", "prob")

_Row = tuple[str, dt.date, float]
_Key = tuple[str, str, dt.datetime]


def read_plain(path: Path, wanted: Mapping[str, Matched]) -> Sheet:
    """Read the forecasts of the questions that the map wants.

    Raises
    ------
    LedgerError
    """
    sheet, forecasts = Sheet(), dict[_Key, list[_Row]]()
    for where, row in csv_of(path, _COLUMNS):
        name = row["question_id"].strip()
        if name not in wanted:
            sheet.unmatched.setdefault(name, "")
            continue
        made_on = day_of(where, "made_on", row["made_on"])
        key = (name, text_of(where, row, "forecaster"), moment_of(where, "made_on", made_on.isoformat()))
        by, same = day_of(where, "by", row["by"]), forecasts.setdefault(key, [])
        if any(by == other for _, other, _ in same):
            raise fault(where, "by", row["by"], "this forecast has a row for that day already")
        if wanted[name].by not in (None, by):
            raise fault(where, "by", row["by"], f"the map says by {wanted[name].by}: take one of the two out")
        if by <= made_on:
            raise fault(where, "by", row["by"], f"must come after the making day, {made_on}")
        same.append((where, by, number_of(where, row, "prob")))
    sheet.said = [_said(key, rows) for key, rows in forecasts.items()]
    return sheet


def _said(key: _Key, rows: list[_Row]) -> Said:
    name, who, made_at = key
    if len(rows) == 1:
        where, by, prob = rows[0]
        return Said(where, name, who, made_at, (Price(by, prob),))
    rising = sorted(rows, key=lambda row: row[1])
    for (_, before, least), (where, by, prob) in pairwise(rising):
        if prob < least:
            raise fault(where, "prob", prob, f"by {by} must not be lower than {least} by {before}: a CDF rises")
    places = np.array([end_of_day(by) for _, by, _ in rising])
    curve = Curve(places, np.array([prob for *_, prob in rising]), from_making=True)
    return Said(rows[0][0], name, who, made_at, curve=curve)
