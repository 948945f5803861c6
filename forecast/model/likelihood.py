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
    tail : array
        k > 0: shape of the tail, where the family has one.
    """

    odds: Any
    part: Any
    time: Any
    shape: Any
    part_time: Any
    part_shape: Any
    tail: Any = 1.0


def log_survival(log_day: Any, part: Any, p: Predictors, latency: Latency, xp: Any = NUMPY) -> Any:
    """Log S_k at log days, k = part (1) or full (0)."""
    shape = p.shape * (1 + part * (p.part_shape - 1))
    return latency.log_sf((log_day - p.time - part * p.part_time) * shape, p.tail, xp)


def opened_loglik(
    log_start: Any, log_end: Any, part: Any, with_share: Any, p: Predictors, latency: Latency, xp: Any = NUMPY
) -> Any:
    """Log-likelihood of openings.

    Parameters
    ----------
    log_start, log_end : array
        Log days at which the opening's window starts and ends.
    part : array
        1 for openings in part.
    with_share : array
        0 for timing-only segments, which drop log p_k.
    p : Predictors
        Arrays that broadcast against the others.
    latency : Latency
    xp : namespace
        ``NUMPY`` or the PyTensor one.
    """
    start, end = (log_survival(at, part, p, latency, xp) for at in (log_start, log_end))
    return with_share * (p.odds + part * p.part - _log_any(p, xp)) + log_interval(start, end, xp)


def survived_loglik(log_end: Any, p: Predictors, latency: Latency, xp: Any = NUMPY) -> Any:
    """Log-likelihood of segments survived to a log day: arguments as in :func:`opened_loglik`."""
    full, part = (log_survival(log_end, kind, p, latency, xp) for kind in (0.0, 1.0))
    return xp.log1p(xp.exp(p.odds) * (xp.exp(full) + xp.exp(p.part) * xp.exp(part))) - _log_any(p, xp)


def average_nodes(first: Any, second: Any, third: Any, xp: Any = NUMPY) -> Any:
    """Log of the mean likelihood over the debut day, from the log-likelihoods at its three nodes."""
    weighted = [at + w for at, w in zip((first, second, third), np.log(NODE_WEIGHTS), strict=True)]
    return xp.logaddexp(xp.logaddexp(weighted[0], weighted[1]), weighted[2])


def _log_any(p: Predictors, xp: Any) -> Any:
    """Log of 1 + e^eta + e^(eta + delta): the softmax's denominator."""
    return xp.log1p(xp.exp(p.odds) * (1 + xp.exp(p.part)))
