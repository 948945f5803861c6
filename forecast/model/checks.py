"""Does the fit look like the data: survival by promise state beside Kaplan-Meier, length of follow-up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.model.curves import survival
from forecast.model.design import Design
from forecast.model.ensemble import Ensemble
from forecast.model.lags import product_limit
from forecast.model.latency import LATENCIES
from forecast.model.posterior import Posterior
from forecast.model.terms import predictors, terms_of
from forecast.release import weighted_quantile
from forecast.tables.promises import STATES

Floats = NDArray[np.float64]

#: Days on a state's clock at which curves are compared.
CHECK_DAYS: Floats = np.unique(np.round(np.geomspace(1, 1500, 60)))

#: Draws of each family that a check uses.
DRAWS = 200


def predictive_survival(ensemble: Ensemble, design: Design, days: Floats = CHECK_DAYS) -> pd.DataFrame:
    """Share still closed on each state's clock: what the model says of its rows, and Kaplan-Meier of them.

    The model's is the mean of the rows' survival functions, so the two agree where follow-up
    has nothing to do with the row. Delayed entry is left truncation for Kaplan-Meier.

    Parameters
    ----------
    ensemble : Ensemble
    design : Design
        What it was fitted to.
    days : array of shape (days,)

    Returns
    -------
    pandas.DataFrame
        ``state``, ``day``, ``observed``, ``at_risk``, ``mean``, ``low``, ``high`` (90 % of the posterior).
    """
    return pd.concat([_of_state(ensemble, design, days, state) for state in range(len(STATES))], ignore_index=True)


def state_lags(design: Design, state: int) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Entry, end and event of the segments in a state, days on its clock, from the debut's middle."""
    shown = np.flatnonzero((design.state == state) & (design.with_share > 0) & (design.sign > 0))
    # a segment with delayed entry stands behind its normaliser
    late = (shown > 0) & (design.sign[shown - 1] < 0) & (design.row[shown - 1] == design.row[shown])
    opened = design.kind[shown] > 0
    middle = (design.start_days[shown, 1] + design.end_days[shown, 1]) / 2
    end = np.where(opened, middle, design.end_days[shown, 1])
    return np.where(late, design.end_days[shown - 1, 1], 0.0), end, opened


def follow_up_adequacy(end_days: Floats, opened: NDArray[np.bool_]) -> float:
    r"""Maller and Zhou's test of whether follow-up was long enough to see a never fraction.

    .. math:: \alpha_n = (1 - N_n / n)^n

    N: openings in the stretch before the last one that is as long as the time without an opening
    after it. Small (below 0.05): long enough; an opening late in the follow-up makes it large.

    Parameters
    ----------
    end_days : array of shape (rows,)
    opened : array of shape (rows,)

    Notes
    -----
    Maller & Zhou 1992, doi:10.1093/biomet/79.4.731.
    """
    last_opening, last = end_days[opened].max(), end_days.max()
    late = opened & (end_days > last_opening - (last - last_opening)) & (end_days <= last_opening)
    return float((1 - late.sum() / len(end_days)) ** len(end_days))


def _of_state(ensemble: Ensemble, design: Design, days: Floats, state: int) -> pd.DataFrame:
    entry, end, opened = state_lags(design, state)
    shown = np.flatnonzero((design.state == state) & (design.with_share > 0) & (design.sign > 0))
    if not len(shown):
        return pd.DataFrame()
    drawn = [member.thinned(DRAWS) for member in ensemble.members]
    curves = np.concatenate([list(_mean_survival(member, design, shown, days)) for member in drawn])
    weights = np.concatenate(
        [np.full(len(m.raw), w / len(m.raw)) for m, w in zip(drawn, ensemble.weights, strict=True)]
    )
    low, high = (np.array([weighted_quantile(of_day, weights, q) for of_day in curves.T]) for q in (0.05, 0.95))
    return pd.DataFrame(
        {
            "state": STATES[state],
            "day": days,
            "observed": product_limit(entry, end, opened, 1)(days),
            "at_risk": ((entry[:, None] < days) & (days <= end[:, None])).sum(axis=0),
            "mean": weights @ curves,
            "low": low,
            "high": high,
        }
    )


def _mean_survival(posterior: Posterior, design: Design, shown: NDArray[np.int64], days: Floats) -> Iterator[Floats]:
    """Mean over rows of S, a draw at a time: all at once would be gigabytes."""
    terms = terms_of(design, shown, posterior.layout)
    for raw in posterior.raw:
        p = predictors(raw, terms, posterior.location, posterior.scale)
        at = type(p)(**{name: np.atleast_1d(np.asarray(value))[:, None] for name, value in vars(p).items()})
        yield survival(days, at, LATENCIES[posterior.latency])[2].mean(axis=0)
