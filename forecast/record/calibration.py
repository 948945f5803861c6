"""Do things come as often as said? Reliability, the calibration line, PIT and D-calibration, under censoring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from forecast.record.resample import LEVEL, RESAMPLES, cluster_weights, interval, weighted_means

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Edges of the bins of a reliability table: most forecasts say little.
EDGES: Floats = np.array([0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 1.0])

#: Bins of a PIT histogram, and the fewest questions that it is drawn for.
PIT_BINS = 10
LEAST_QUESTIONS = 50

#: Resamples behind the interval of a calibration line, each a regression.
LINE_RESAMPLES = 300

#: Probabilities are kept this far from 0 and 1 in the calibration line, which reads their log odds.
_CLIP = 1e-4


def reliability(p: Floats, happened: NDArray[np.bool_], cluster: Ints, seed: int) -> pd.DataFrame:
    """What came, by what was said.

    Parameters
    ----------
    p : array of shape (items,)
        P(open by a horizon).
    happened : array of shape (items,)
    cluster : array of shape (items,)
        Number of each item's organisation.
    seed : int

    Returns
    -------
    pandas.DataFrame
        One row a bin that holds items: ``low_edge``, ``high_edge``, ``items``, ``said`` and ``came``
        (means), ``low`` and ``high``, the organisation-resampled interval of ``came``.
    """
    drawn = cluster_weights(int(cluster.max()) + 1, np.random.default_rng(seed))
    place = np.clip(np.searchsorted(EDGES, p, side="right") - 1, 0, len(EDGES) - 2)
    rows = []
    for n in np.unique(place):
        some = place == n
        both = np.column_stack([p[some], happened[some]]).astype(float)
        (said, came), resampled = weighted_means(both, np.ones(len(both)), cluster[some], drawn)
        low, high = interval(resampled[:, 1])
        edges = {"low_edge": EDGES[n], "high_edge": EDGES[n + 1], "items": len(both), "opened": int(both[:, 1].sum())}
        rows.append(edges | {"said": said, "came": came, "low": low, "high": high})
    return pd.DataFrame(rows)


def calibration_line(p: Floats, happened: NDArray[np.bool_], cluster: Ints, seed: int) -> dict[str, float]:
    r"""Intercept and slope of what came on the log odds of what was said (Cox 1958, doi:10.2307/2333203).

    .. math:: \operatorname{logit} P(\text{came}) = a + b \operatorname{logit} p

    a = 0 and b = 1 is perfect; b above 1 is under-confident. Intervals by resampling organisations.
    """
    odds = special.logit(np.clip(p, _CLIP, 1 - _CLIP))
    drawn = cluster_weights(int(cluster.max()) + 1, np.random.default_rng(seed), LINE_RESAMPLES)
    every = _logistic(odds, happened.astype(float), np.vstack([np.ones(drawn.shape[1]), drawn])[:, cluster])
    (intercept, slope), resampled = every[0], every[1:]
    ends = [interval(resampled[:, i]) for i in (0, 1)]
    return {
        "intercept": float(intercept),
        "intercept_low": ends[0][0],
        "intercept_high": ends[0][1],
        "slope": float(slope),
        "slope_low": ends[1][0],
        "slope_high": ends[1][1],
    }


@dataclass(frozen=True)
class Pit:
    """A PIT histogram under censoring.

    Attributes
    ----------
    share : array of shape (PIT_BINS,)
        Share of the questions' mass in each bin; 1 / PIT_BINS each is perfect.
    low, high : array of shape (PIT_BINS,)
        Band in which a calibrated forecaster's shares lie, bin by bin.
    p_value : float
        Chance that a calibrated forecaster looks at least as bad: D-calibration by simulation.
    questions : int
    """

    share: Floats
    low: Floats
    high: Floats
    p_value: float
    questions: int


def pit(low: Floats, high: Floats, cut: Floats, seed: int) -> Pit | None:
    """PIT and D-calibration (Haider et al. 2020, JMLR 21:85), not randomised.

    An opening in (l, k] spreads its mass over (F(l), F(k)], one not seen by C over
    (F(C), 1]. The bands and the p-value come from outcomes drawn from the forecasts
    themselves, censored at the same C: a chi-square would take the spread mass for events.

    Parameters
    ----------
    low, high : array of shape (questions,)
        Ends over which each question's mass is spread.
    cut : array of shape (questions,)
        F(C).
    seed : int

    Returns
    -------
    Pit or None
        None below :data:`LEAST_QUESTIONS` questions.
    """
    if len(cut) < LEAST_QUESTIONS:
        return None
    rng = np.random.default_rng(seed)
    share = _spread(low, high).mean(axis=0)
    u = rng.random((RESAMPLES, len(cut)))
    simulated = np.stack(
        [_spread(np.where(row < cut, row, cut), np.where(row < cut, row, 1.0)).mean(axis=0) for row in u]
    )
    ends = np.quantile(simulated, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    distance = ((simulated - simulated.mean(axis=0)) ** 2).sum(axis=1)
    ours = ((share - simulated.mean(axis=0)) ** 2).sum()
    p_value = (1 + (distance >= ours).sum()) / (1 + RESAMPLES)
    return Pit(share, ends[0], ends[1], float(p_value), len(cut))


def _spread(low: Floats, high: Floats) -> Floats:
    """Mass of each question in each bin, spread evenly between two ends; all in one bin where they meet."""
    edges = np.linspace(0, 1, PIT_BINS + 1)
    wide = high - low > 1e-12
    inside = np.clip(np.minimum(high[:, None], edges[1:]) - np.maximum(low[:, None], edges[:-1]), 0, None)
    at = np.minimum((low * PIT_BINS).astype(int), PIT_BINS - 1)
    points = np.eye(PIT_BINS)[at]
    return np.where(wide[:, None], inside / np.where(wide, high - low, 1.0)[:, None], points)


def _logistic(x: Floats, y: Floats, weights: Floats, steps: int = 15) -> Floats:
    """Logistic regressions on one x with many sets of weights at once, by Newton's method: shape (sets, 2)."""
    intercept, slope = np.zeros(len(weights)), np.ones(len(weights))
    powers = np.column_stack([np.ones_like(x), x, x**2])
    for _ in range(steps):
        p = special.expit(intercept[:, None] + slope[:, None] * x)
        a, b = ((weights * (y - p)) @ powers[:, :2]).T
        h, hx, hxx = ((weights * p * (1 - p)) @ powers).T + np.array([[1e-9], [0], [1e-9]])
        determinant = h * hxx - hx**2
        intercept = intercept + np.clip((hxx * a - hx * b) / determinant, -1, 1)
        slope = slope + np.clip((h * b - hx * a) / determinant, -1, 1)
    return np.column_stack([intercept, slope])
