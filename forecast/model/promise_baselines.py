"""Baselines that know of promises: rows split where the promise changes, each state on its own clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from forecast.model.design import MIN_LAG_DAYS, Design, build_design
from forecast.model.lags import DAY, Floats, Steps, debut, given_closed, lags_of, product_limit, shrunk
from forecast.release import GRID_DAYS, ReleaseForecast
from forecast.tables.episodes import Target
from forecast.tables.promises import STATES, segments

#: The pooled curve, and so all, are flat after the last time at which this many were at risk.
AT_RISK = 5

#: Rows that the pooled curve counts for, in the curve of one promise state.
POOLED_WEIGHT = 10.0

_NOON = pd.Timedelta(hours=12)


@dataclass(frozen=True)
class _Now:
    """The state a row is in: its name, when its clock started, the day promised."""

    state: str
    start: pd.Timestamp
    due_on: pd.Timestamp


def by_promise(view: pd.DataFrame, target: Target, subjects: pd.DataFrame) -> Iterator[ReleaseForecast]:
    """Kaplan-Meier by promise state; a promise restarts the clock, and each curve is shrunk to the pooled one."""
    curves, part_share = _curves_by_state(view, target), lags_of(view, target).part_share
    return (
        given_closed("kaplan-meier-promise", view, row, curves[now.state], part_share, now.start)
        for row, now in _with_states(subjects)
    )


def promised_day(view: pd.DataFrame, target: Target, subjects: pd.DataFrame) -> Iterator[ReleaseForecast]:
    """The day promised, taken at its word; without one, or once it has passed, Kaplan-Meier by promise state."""
    made_on = pd.Timestamp(view.attrs["as_of"])
    others = by_promise(view, target, subjects)
    ahead = ((now.due_on - made_on).days if now.state == "dated" else 0 for _, now in _with_states(subjects))
    return (
        replace(_on_day(other, days) if days > 0 else other, forecaster="promised-day")
        for other, days in zip(others, ahead, strict=True)
    )


def promised_day_slip(view: pd.DataFrame, target: Target, subjects: pd.DataFrame) -> Iterator[ReleaseForecast]:
    """The day promised times the slip of the dated promises so far; without one, Kaplan-Meier by promise state.

    The slip is the time an opening took over the time promised, both from the promise on:
    Kaplan-Meier over all dated promises, kept or not.
    """
    name, others = "promised-day-slip", by_promise(view, target, subjects)
    slip, part_share = _slip(build_design(view, target, programs=True)), lags_of(view, target).part_share

    def one(row: Any, now: _Now, other: ReleaseForecast) -> ReleaseForecast:
        if now.state != "dated" or not slip.times.size:
            return replace(other, forecaster=name)
        promised = max((now.due_on + DAY - now.start) / DAY, MIN_LAG_DAYS)
        return given_closed(name, view, row, lambda days: slip(days / promised), part_share, now.start)

    return (one(row, now, other) for (row, now), other in zip(_with_states(subjects), others, strict=True))


def _on_day(forecast: ReleaseForecast, days: int) -> ReleaseForecast:
    """Opened in full on one day, for certain."""
    cdf = (days <= GRID_DAYS).astype(float)
    return replace(forecast, cdf_full=cdf, cdf_part=np.zeros_like(cdf))


def _curves_by_state(view: pd.DataFrame, target: Target) -> dict[str, Steps]:
    design = build_design(view, target, programs=True)
    state, entry, ended, opened = _spells(design)
    pooled = product_limit(entry, ended, opened, AT_RISK)
    return {
        name: shrunk(entry[state == i], ended[state == i], opened[state == i], pooled, POOLED_WEIGHT)
        for i, name in enumerate(STATES)
    }


def _spells(design: Design) -> tuple[Any, Floats, Floats, Any]:
    """State, entry, end and opening of every segment that informs rates, in days on its clock."""
    ends = (design.start_days + design.end_days).mean(axis=1) / 2
    real = (design.sign > 0) & (design.with_share > 0)
    entry = np.where(np.roll(design.sign, 1) < 0, np.roll(ends, 1), 0.0)  # a normaliser stands before its segment
    entry[np.roll(design.row, 1) != design.row] = 0.0
    return design.state[real], entry[real], ends[real], (design.kind > 0)[real]


def _slip(design: Design) -> Steps:
    """Survival function of the time taken over the time promised."""
    dated = (design.state == STATES.index("dated")) & (design.sign > 0) & (design.with_share > 0)
    ratio = (design.start_days + design.end_days).mean(axis=1)[dated] / 2 / np.exp(design.log_due[dated])
    return product_limit(np.zeros(len(ratio)), ratio, design.kind[dated] > 0, AT_RISK)


def _with_states(subjects: pd.DataFrame) -> Iterator[tuple[Any, _Now]]:
    """Every row with the state it is in."""
    unopened = pd.Series(pd.NaT, index=subjects.index)
    pieces = segments(subjects, unopened).drop_duplicates("row", keep="last")
    for row, piece in zip(subjects.itertuples(), pieces.itertuples(), strict=True):
        restarted = piece.state != "none" and not pd.isna(piece.since)
        yield row, _Now(piece.state, piece.since + _NOON if restarted else debut(row), piece.due_on)
