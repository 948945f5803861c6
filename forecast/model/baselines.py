"""Baselines: the model's signature and result, without its thought.

``baseline(view, target, subjects)`` gives one forecast a row, made on the view's day. They
see AI rows only, lags from the middle of the debut's window to the middle of the opening's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from forecast.model.lags import Floats, each_given_closed, lag_through, lags_of, product_limit
from forecast.model.promise_baselines import AT_RISK, by_promise, promised_day, promised_day_slip
from forecast.model.reference import Reference, fit_reference
from forecast.release import ReleaseForecast
from forecast.tables.episodes import Target

Baseline = Callable[[pd.DataFrame, Target, pd.DataFrame], Iterator[ReleaseForecast]]


def pooled_reference(view: pd.DataFrame, target: Target) -> Reference:
    """The reference of a debut: a constant hazard with a never fraction, fitted to all AI rows."""
    lags = lags_of(view, target)
    return fit_reference(lags.days, lags.opened, lags.part_share)


def reference_for(view: pd.DataFrame, target: Target, row: pd.Series) -> Reference:
    """The fixed reference of one row: constant hazard with a never fraction, given that it is closed on the day."""
    return next(references(view, target, row.to_frame().T))


def references(view: pd.DataFrame, target: Target, subjects: pd.DataFrame) -> Iterator[Reference]:
    """The fixed reference of every row: see :func:`reference_for`."""
    fitted = pooled_reference(view, target)
    made_on = pd.Timestamp(view.attrs["as_of"])
    return (fitted.given_survival(lag_through(row, made_on)) for row in subjects.itertuples())


def kaplan_meier(view: pd.DataFrame, target: Target, subjects: pd.DataFrame) -> Iterator[ReleaseForecast]:
    """Kaplan-Meier over all rows (Kaplan & Meier 1958, doi:10.2307/2281868), given survival so far."""
    lags = lags_of(view, target)
    curve = product_limit(np.zeros(len(lags.days)), lags.days, lags.opened, AT_RISK)
    return each_given_closed("kaplan-meier", view, subjects, curve, lags.part_share)


def constant_hazard(view: pd.DataFrame, target: Target, subjects: pd.DataFrame) -> Iterator[ReleaseForecast]:
    """Openings per day of exposure, the same for ever: nothing is never opened."""
    lags = lags_of(view, target)
    rate = lags.opened.sum() / lags.days.sum()
    return each_given_closed("constant-hazard", view, subjects, lambda days: np.exp(-rate * days), lags.part_share)


def constant_hazard_never(view: pd.DataFrame, target: Target, subjects: pd.DataFrame) -> Iterator[ReleaseForecast]:
    """A constant hazard with a never fraction, by maximum likelihood: the reference of all log scores."""
    fitted = pooled_reference(view, target)
    return each_given_closed(
        "constant-hazard-never", view, subjects, lambda days: 1 - fitted.cdf(days), fitted.part_share
    )


def lindy(view: pd.DataFrame, target: Target, subjects: pd.DataFrame) -> Iterator[ReleaseForecast]:
    """Laplace's rule for a lifetime: P(closed for s more days | closed for t) = (t + 1) / (t + 1 + s)."""

    def survival(days: Floats) -> Floats:
        return 1 / (1 + days)

    return each_given_closed("lindy", view, subjects, survival, lags_of(view, target).part_share)


def never(view: pd.DataFrame, target: Target, subjects: pd.DataFrame) -> Iterator[ReleaseForecast]:
    """Nothing more is ever opened."""
    return each_given_closed("never", view, subjects, np.ones_like, lags_of(view, target).part_share)


BASELINES: dict[str, Baseline] = {
    "kaplan-meier": kaplan_meier,
    "kaplan-meier-promise": by_promise,
    "constant-hazard": constant_hazard,
    "constant-hazard-never": constant_hazard_never,
    "lindy": lindy,
    "promised-day": promised_day,
    "promised-day-slip": promised_day_slip,
    "never": never,
}
