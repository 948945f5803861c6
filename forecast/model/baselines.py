"""Baselines: the model's signature and result, without its thought.

``baseline(view, target, subjects)`` gives one forecast a row, made on the view's day. They
see AI rows only, lags from the middle of the debut's window to the middle of the opening's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from forecast.errors import FitError
from forecast.model.reference import Reference, fit_reference
from forecast.model.subjects import survived_through
from forecast.release import GRID_DAYS, ReleaseForecast
from forecast.tables.episodes import Target, open_window

Floats = NDArray[np.float64]
Baseline = Callable[[pd.DataFrame, Target, pd.DataFrame], Iterator[ReleaseForecast]]

#: Kaplan-Meier is flat after the last time at which this many were at risk.
AT_RISK = 5

_DAY = pd.Timedelta(days=1)


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
    middle = opened.open_first + (opened.open_last + _DAY - opened.open_first) / 2
    ended = middle.where(happened, rows.closed_through + _DAY)
    days = np.maximum((ended - _debut(rows)) / _DAY, 0.5).to_numpy(float)
    part = (opened.open_kind[happened] == "part").mean()
    return Lags(days, happened.to_numpy(bool), float(part))


def reference_for(view: pd.DataFrame, target: Target, row: pd.Series) -> Reference:
    """The fixed reference of one row: constant hazard with a never fraction, given that it is closed on the day."""
    lags = lags_of(view, target)
    fitted = fit_reference(lags.days, lags.opened, lags.part_share)
    return fitted.given_survival(_lag(row, pd.Timestamp(view.attrs["as_of"])))


def kaplan_meier(view: pd.DataFrame, target: Target, subjects: pd.DataFrame) -> Iterator[ReleaseForecast]:
    """Kaplan-Meier over all rows (Kaplan & Meier 1958, doi:10.2307/2281868), given survival so far."""
    lags = lags_of(view, target)
    sample = stats.CensoredData(uncensored=lags.days[lags.opened], right=lags.days[~lags.opened])
    curve = stats.ecdf(sample).sf
    last = np.sort(lags.days)[-AT_RISK:][0]

    def survival(days: Floats) -> Floats:
        return np.asarray(curve.evaluate(np.minimum(days, last)))

    return _each("kaplan-meier", view, subjects, survival, lags.part_share)


def constant_hazard(view: pd.DataFrame, target: Target, subjects: pd.DataFrame) -> Iterator[ReleaseForecast]:
    """Openings per day of exposure, the same for ever: nothing is never opened."""
    lags = lags_of(view, target)
    rate = lags.opened.sum() / lags.days.sum()
    return _each("constant-hazard", view, subjects, lambda days: np.exp(-rate * days), lags.part_share)


def constant_hazard_never(view: pd.DataFrame, target: Target, subjects: pd.DataFrame) -> Iterator[ReleaseForecast]:
    """A constant hazard with a never fraction, by maximum likelihood: the reference of all log scores."""
    lags = lags_of(view, target)
    fitted = fit_reference(lags.days, lags.opened, lags.part_share)
    return _each("constant-hazard-never", view, subjects, lambda days: 1 - fitted.cdf(days), lags.part_share)


BASELINES: dict[str, Baseline] = {
    "kaplan-meier": kaplan_meier,
    "constant-hazard": constant_hazard,
    "constant-hazard-never": constant_hazard_never,
}


def _debut(rows: Any) -> Any:
    """Middle of the debut's window, of one row or of many."""
    return rows.closed_first + (rows.closed_last + _DAY - rows.closed_first) / 2


def _lag(row: pd.Series, day: pd.Timestamp) -> float:
    """Days from the debut's middle to the end of a day."""
    return max((day + _DAY - _debut(row)) / _DAY, 0.0)


def _each(
    name: str, view: pd.DataFrame, subjects: pd.DataFrame, survival: Callable[[Floats], Floats], part_share: float
) -> Iterator[ReleaseForecast]:
    """Condition one survival function on each row's survival so far."""
    day: dt.date = view.attrs["as_of"]
    made_on = pd.Timestamp(day)
    for _, row in subjects.iterrows():
        through = survived_through(row, made_on)
        start, stale = _lag(row, through), (made_on - through).days
        left = survival(np.concatenate([[start], start + stale + GRID_DAYS]))
        cdf = 1 - left[1:] / left[0] if left[0] > 0 else np.ones(len(GRID_DAYS))
        yield ReleaseForecast(
            target_id=row.episode_id,
            forecaster=name,
            made_on=day,
            cdf_full=(1 - part_share) * cdf,
            cdf_part=part_share * cdf,
            last_checked=row.closed_through.date(),
        )
