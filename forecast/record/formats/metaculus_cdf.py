r"""One forecast as Metaculus takes it: a CDF at 201 points between two bounds.

Its rules: every step of the CDF is at least 0.01/200 and at most 0.2; below an open lower bound and above
an open upper bound lies at least 0.001; a closed bound has nothing beyond it. Of all that keep them, the
steps q nearest to the forecast's p in Kullback-Leibler divergence are

.. math:: q_i = \min(\max(\lambda p_i, low_i), high_i), \quad \sum_i q_i = 1
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.records import release_forecast
from forecast.record.transcripts import standing_forecasts, withdrawn
from forecast.release import Floats, ReleaseForecast

#: Steps between the bounds.
STEPS = 200

#: What a step is, at least and at most, and the least that lies beyond an open bound.
LEAST_STEP, MOST_STEP, LEAST_BEYOND = 0.01 / STEPS, 0.2, 0.001

#: Values are whole numbers of this part of 1, so that sums and differences of them are exact.
UNIT = 10**10

#: Where the nearest steps are already full, what is left goes to the next ones: each this much less than the last.
_SPILL, _NEXT = 1e-12, 1e-3


@dataclass(frozen=True)
class Scale:
    """Where the 201 points lie: linear in time, from one midnight (UTC) to another.

    Attributes
    ----------
    lower, upper : datetime.date
    open_lower, open_upper : bool
        Whether the answer may lie beyond.

    Raises
    ------
    LedgerError
        If the bounds are the wrong way round.
    """

    lower: dt.date
    upper: dt.date
    open_lower: bool = False
    open_upper: bool = True

    def __post_init__(self) -> None:
        """Refuse a scale without length."""
        if self.lower >= self.upper:
            raise LedgerError(f"bounds {self.lower} and {self.upper}: the lower one must come before the upper one")

    def days_after(self, day: dt.date) -> Floats:
        """The 201 points, in days after the midnight that begins a day."""
        start, length = (self.lower - day).days, (self.upper - self.lower).days
        return start + length * np.arange(STEPS + 1) / STEPS


def as_json(folder: Path, question_id: str, forecaster: str, made_on: dt.date | None, scale: Scale) -> dict[str, Any]:
    """A forecast of the ledger in JSON values, with the CDF as the field ``continuous_cdf``.

    Parameters
    ----------
    folder : pathlib.Path
        Of the ledger.
    question_id, forecaster : str
    made_on : datetime.date or None
        Day of the making, the last by default; of several of one day the first recorded.
    scale : Scale

    Raises
    ------
    LedgerError
        If there is no such forecast, a chain is broken, or the bounds leave no room for it.
    """
    body = find(folder, question_id, forecaster, made_on)
    return {
        "question_id": question_id,
        "forecaster": forecaster,
        "forecast_id": body["id"],
        "mode": body["mode"],
        "made_on": body["made_on"],
        "range_min": scale.lower.isoformat(),
        "range_max": scale.upper.isoformat(),
        "open_lower_bound": scale.open_lower,
        "open_upper_bound": scale.open_upper,
        "zero_point": None,
        "inbound_outcome_count": STEPS,
        "continuous_cdf": continuous_cdf(release_forecast(body), scale),
    }


def write(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON value to a file."""
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def find(folder: Path, question_id: str, forecaster: str, made_on: dt.date | None) -> dict[str, Any]:
    """The forecast that counts for a question and a day, if it was not taken back.

    Raises
    ------
    LedgerError
        If there is none, or the chain is broken.
    """
    best: dict[str, dict[str, Any]] = {}
    back = withdrawn(line.body for line in ledger.stream(folder, forecaster))
    for body in standing_forecasts(folder, forecaster):
        if body["question_id"] == question_id and body["id"] not in back:
            best.setdefault(body["made_on"], body)
    day = made_on.isoformat() if made_on else max(best, default="")
    if day not in best:
        hint = f"; it made some on {', '.join(sorted(best))}" if best else ": 'forecast questions' lists the questions"
        raise LedgerError(f"no forecast by {forecaster} for {question_id!r}{f' made on {day}' * bool(day)}{hint}")
    return best[day]


def continuous_cdf(forecast: ReleaseForecast, scale: Scale) -> list[float]:
    """The CDF of an opening at the 201 points of a scale, by Metaculus' rules.

    A day counts as opened at its end, so that the midnight after it is the first point that
    has it; given that it is still closed on the day of the making, which is what is scored.

    Parameters
    ----------
    forecast : ReleaseForecast
    scale : Scale

    Raises
    ------
    LedgerError
        If it has no probability between closed bounds.
    """
    raw = forecast.given_closed().prob_by(scale.days_after(forecast.made_on) - 1)
    inside = np.diff(raw)
    if not (inside.sum() > 0 or scale.open_upper or scale.open_lower):
        raise LedgerError(
            f"forecast by {forecast.forecaster} for {forecast.target_id}: nothing lies between {scale.lower} and "
            f"{scale.upper}: take wider bounds, or leave the upper one open"
        )
    masses = np.concatenate([[raw[0]], inside, [1 - raw[-1]]])
    low = np.full(STEPS + 2, LEAST_STEP)
    high = np.full(STEPS + 2, MOST_STEP)
    low[[0, -1]] = LEAST_BEYOND * scale.open_lower, LEAST_BEYOND * scale.open_upper
    high[[0, -1]] = float(scale.open_lower), float(scale.open_upper)
    units = _rounded(_nearest(_spilt(masses), low, high), low, high)
    return [int(value) / UNIT for value in np.cumsum(units[:-1])]


def _spilt(masses: Floats) -> Floats:
    """The same with next to nothing around each step, for what a full one cannot hold."""
    apart = np.abs(np.subtract.outer(np.arange(len(masses)), np.arange(len(masses))))
    return np.asarray(np.maximum(masses, 0) + _SPILL * (_NEXT**apart @ np.maximum(masses, 0)))


def _nearest(masses: Floats, low: Floats, high: Floats) -> Floats:
    """Masses within limits that add up to 1, nearest in divergence: one factor for all, found by halving."""
    with np.errstate(divide="ignore"):
        log_mass, log_low, log_high = np.log(masses), np.log(low), np.log(high)

    def limited(log_factor: float) -> Floats:
        return np.exp(np.clip(log_mass + log_factor, log_low, log_high))

    below, above = -50.0, 1000.0
    for _ in range(200):
        middle = (below + above) / 2
        below, above = (middle, above) if limited(middle).sum() < 1 else (below, middle)
    return limited(above)


def _rounded(masses: Floats, low: Floats, high: Floats) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Whole units that add up to all of them: rounded down, and the rest to those that lost most and have room."""
    exact = masses * UNIT
    least, most = np.round(low * UNIT).astype(np.int64), np.round(high * UNIT).astype(np.int64)
    units = np.clip(np.floor(exact).astype(np.int64), least, most)
    order = np.argsort(units - exact, kind="stable")
    while rest := UNIT - int(units.sum()):
        one = 1 if rest > 0 else -1
        room = order[(units < most)[order] if one > 0 else (units > least)[order]]
        units[room[: abs(rest)]] += one
    return units
