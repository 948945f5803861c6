r"""Log-likelihood of every segment: pure formulas of arrays, for NumPy and PyTensor alike.

A segment has chances of a full opening, of one in part and of never, given by

.. math:: (p_f, p_p, p_n) = \mathrm{softmax}(\eta, \eta + \delta, 0),

and, given kind k, :math:`\log T = \mu + k\,\mu_p + W / (a\,a_p^k)` with k = 0 for full
and 1 for part (Larson & Dinse 1985, doi:10.2307/2347464; Farewell 1982, doi:10.2307/2529885).

    opened as k in (l, r]   log p_k + log[F_k(r) - F_k(l)]
    not opened by c         log[p_n + p_f S_f(c) + p_p S_p(c)]

Timing-only segments (rows known because they opened) drop log p_k. A segment with sign -1
is a normaliser: survival to a delayed entry, or F_k at the compile day (right truncation).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast.model.latency import NUMPY, Latency, log_interval

#: Gauss-Legendre nodes and weights on [0, 1]: the debut day is uniform in its window.
_X, _W = np.polynomial.legendre.leggauss(3)
NODES, NODE_WEIGHTS = (_X + 1) / 2, _W / 2


@dataclass(frozen=True)
class Predictors:
    """Linear predictors per segment (or per draw and segment).

    Attributes
    ----------
    odds, part : array
        eta, and delta: log odds of ever opening in full, and what an opening in part adds.
    time, shape : array
        mu and a = 1 / sigma of log days.
    part_time, part_shape : array
        mu_p and a_p: shift of mu and factor of a for openings in part.
    """

    odds: Any
    part: Any
    time: Any
    shape: Any
    part_time: Any
    part_shape: Any


@dataclass(frozen=True)
class Points:
    """Where each segment's log survival is read, at every node of its debut day.

    An opening reads S at the start and the end of its window, of its own kind; a survived
    segment reads S_full and S_part at its end.

    Attributes
    ----------
    log_start, log_end : array
        Log days of the two readings.
    start_part, end_part : array
        1 where the reading is of the part kind.
    opened : array
        1 for an opening, 0 for a survived segment.
    with_share : array
        0 for timing-only segments, which drop log p_k.
    """

    log_start: Any
    log_end: Any
    start_part: Any
    end_part: Any
    opened: Any
    with_share: Any


def log_survival(at_log_day: Any, part: Any, p: Predictors, latency: Latency, xp: Any = NUMPY) -> Any:
    """Log S_k at log days, k = part (1) or full (0)."""
    shape = p.shape * (1 + part * (p.part_shape - 1))
    return latency.log_sf((at_log_day - p.time - part * p.part_time) * shape, xp)


def opened_loglik(start: Any, end: Any, part: Any, with_share: Any, p: Predictors, xp: Any = NUMPY) -> Any:
    """Log-likelihood of openings, from the log survival of their kind at both ends of their windows."""
    return with_share * (p.odds + part * p.part - _log_any(p, xp)) + log_interval(start, end, xp)


def survived_loglik(full: Any, part: Any, p: Predictors, xp: Any = NUMPY) -> Any:
    """Log-likelihood of survived segments, from the log survival of both kinds at their ends."""
    return xp.log1p(xp.exp(p.odds) * (xp.exp(full) + xp.exp(p.part) * xp.exp(part))) - _log_any(p, xp)


def point_loglik(points: Points, p: Predictors, latency: Latency, xp: Any = NUMPY) -> Any:
    """Log-likelihood of every segment at one node of its debut day.

    Parameters
    ----------
    points : Points
    p : Predictors
        Arrays that broadcast against the points.
    latency : Latency
    xp : namespace
        ``NUMPY`` or the PyTensor one.

    Returns
    -------
    array
        Natural logarithm; openings and survived segments as in the module's text.
    """
    start, end = (log_survival(*at, p, latency, xp) for at in readings(points))
    opened = points.opened > 0
    # both branches are computed: keep the unused one finite
    interval = opened_loglik(start, xp.where(opened, end, start - 1.0), points.end_part, points.with_share, p, xp)
    return xp.where(opened, interval, survived_loglik(start, end, p, xp))


def readings(points: Points) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Log days and kinds at which survival is read first and last."""
    return (points.log_start, points.start_part), (points.log_end, points.end_part)


def average_nodes(at_nodes: Any, xp: Any = NUMPY) -> Any:
    """Log of the mean likelihood over the debut day: nodes on the last axis."""
    highest = at_nodes.max(axis=-1, keepdims=True)
    mean = (xp.exp(at_nodes - highest) * NODE_WEIGHTS).sum(axis=-1)
    return xp.log(mean) + highest[..., 0]


def _log_any(p: Predictors, xp: Any) -> Any:
    """Log of 1 + e^eta + e^(eta + delta): the softmax's denominator."""
    return xp.log1p(xp.exp(p.odds) * (1 + xp.exp(p.part)))
