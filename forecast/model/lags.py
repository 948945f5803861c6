"""Lags as baselines see them, and the product-limit estimator: pure formulas of arrays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.errors import FitError
from forecast.model.subjects import survived_through
from forecast.release import GRID_DAYS, ReleaseForecast
from forecast.tables.episodes import Target, open_window

Floats = NDArray[np.float64]

DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Lags:
    """Right-censored lags of the AI rows of a view.

    Attributes
    ----------
    days : array of shape (rows,)
        To the opening, or to the end of the follow-up; at least half a day.
    opened : array of shape (rows,)
    part_share : float
        Share of the openings that are in part.
    """

    days: Floats
    opened: NDArray[np.bool_]
    part_share: float


@dataclass(frozen=True)
class Steps:
    """A step survival function: 1 before its first step.

    Attributes
    ----------
    times : array of shape (steps,)
        Rising.
    survival : array of shape (steps,)
        From each step on.
    """

    times: Floats
    survival: Floats

    def __call__(self, days: Floats) -> Floats:
        """Chance to be closed after some days."""
        return np.concatenate([[1.0], self.survival])[np.searchsorted(self.times, days, side="right")]

    def reached(self, share: float) -> float:
        """First time by which a share is no longer closed; NaN if it never comes so far."""
        times = self.times[self.survival <= 1 - share + 1e-12]
        return float(times[0]) if times.size else float("nan")


def lags_of(view: pd.DataFrame, target: Target) -> Lags:
    """Lags from debut to opening, or to the end of follow-up.

    Raises
    ------
    FitError
        If none was opened.
    """
    rows = view[view.domain == "ai_model"]
    opened = open_window(rows, target)
    happened = opened.open_last.notna()
    if not happened.any():
        raise FitError(f"no opened AI model was known on {view.attrs['as_of']}: a baseline needs at least one")
    middle = opened.open_first + (opened.open_last + DAY - opened.open_first) / 2
    ended = middle.where(happened, rows.closed_through + DAY)
    days = np.maximum((ended - debut(rows)) / DAY, 0.5).to_numpy(float)
    part = (opened.open_kind[happened] == "part").mean()
    return Lags(days, happened.to_numpy(bool), float(part))


def at_risk(entry: Floats, exit_: Floats, opened: NDArray[np.bool_], times: Floats) -> tuple[Floats, Floats]:
    """Events and numbers at risk at some times, under left truncation and right censoring.

    Parameters
    ----------
    entry, exit_ : array of shape (rows,)
        Days between which a row is under observation: (entry, exit].
    opened : array of shape (rows,)
    times : array of shape (times,)

    Returns
    -------
    events, at_risk : array of shape (times,)
    """
    events = (opened[:, None] & (exit_[:, None] == times)).sum(axis=0)
    risk = ((entry[:, None] < times) & (times <= exit_[:, None])).sum(axis=0)
    return events.astype(float), risk.astype(float)


def product_limit(entry: Floats, exit_: Floats, opened: NDArray[np.bool_], least_at_risk: int) -> Steps:
    r"""Kaplan-Meier with left truncation, flat after the last time with enough at risk.

    .. math:: h(t) = d(t) / n(t)

    Parameters
    ----------
    entry, exit_, opened : array of shape (rows,)
        As in :func:`at_risk`.
    least_at_risk : int
    """
    times = np.unique(exit_[opened])
    events, risk = at_risk(entry, exit_, opened, times)
    enough = np.flatnonzero(risk >= least_at_risk)
    kept = slice(0, enough[-1] + 1 if enough.size else 0)
    return Steps(times[kept], np.cumprod(1 - events[kept] / risk[kept]))


def shrunk(entry: Floats, exit_: Floats, opened: NDArray[np.bool_], pooled: Steps, weight: float) -> Steps:
    r"""Kaplan-Meier of some rows, shrunk to the curve of all: where they are few, it follows that.

    .. math:: h(t) = \frac{d(t) + w\,h_{pooled}(t)}{n(t) + w}

    Parameters
    ----------
    entry, exit_, opened : array of shape (rows,)
        As in :func:`at_risk`.
    pooled : Steps
        Flat after its last step, and so is the result.
    weight : float
        w: rows that the pooled curve counts for, above 0.
    """
    if not pooled.times.size:
        return pooled
    times = np.union1d(exit_[opened & (exit_ <= pooled.times[-1])], pooled.times)
    events, risk = at_risk(entry, exit_, opened, times)
    before = pooled(np.nextafter(times, -np.inf))
    hazard = 1 - pooled(times) / np.where(before > 0, before, 1.0)
    return Steps(times, np.cumprod(1 - (events + weight * hazard) / (risk + weight)))


def debut(rows: Any) -> Any:
    """Middle of the debut's window, of one row or of many."""
    return rows.closed_first + (rows.closed_last + DAY - rows.closed_first) / 2


def lag_through(row: Any, day: pd.Timestamp) -> float:
    """Days from the debut's middle to the end of a day."""
    return max((day + DAY - debut(row)) / DAY, 0.0)


def given_closed(
    name: str,
    view: pd.DataFrame,
    row: Any,
    survival: Callable[[Floats], Floats],
    part_share: float,
    start: pd.Timestamp | None = None,
) -> ReleaseForecast:
    """Forecast of one row by a survival function, given that it is closed so far.

    Parameters
    ----------
    name : str
        Of the forecaster.
    view : pandas.DataFrame
        Its ``as_of`` is the making day.
    row : named tuple
        Of the rows to forecast.
    survival : callable
        Of days on the clock.
    part_share : float
        Share of the openings that are in part.
    start : pandas.Timestamp, optional
        When the clock started; the middle of the debut's window by default.
    """
    day: dt.date = view.attrs["as_of"]
    made_on = pd.Timestamp(day)
    through = survived_through(row, made_on)
    clock = debut(row) if start is None else start
    gone, stale = max((through + DAY - clock) / DAY, 0.0), (made_on - through).days
    left = survival(np.concatenate([[gone], gone + stale + GRID_DAYS]))
    outlived = (GRID_DAYS > 0).astype(float)  # of a curve that has fallen to 0: any day now
    cdf = 1 - left[1:] / left[0] if left[0] > 0 else outlived
    return ReleaseForecast(
        target_id=row.episode_id,
        forecaster=name,
        made_on=day,
        cdf_full=(1 - part_share) * cdf,
        cdf_part=part_share * cdf,
        last_checked=row.closed_through.date(),
    )


def each_given_closed(
    name: str, view: pd.DataFrame, rows: pd.DataFrame, survival: Callable[[Floats], Floats], part_share: float
) -> Iterator[ReleaseForecast]:
    """Forecasts of all rows by one survival function on the debut's clock."""
    return (given_closed(name, view, row, survival, part_share) for row in rows.itertuples())
