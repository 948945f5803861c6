r"""From linear predictors to cumulative distributions, per posterior draw: pure formulas.

Given survival to s on a state's clock, an opening of kind k by s + t has probability

.. math:: F_k(t \mid s) = p_k [S_k(s) - S_k(s + t)] / S(s), \quad S = p_n + p_f S_f + p_p S_p.

A model without a promise has two exits, an opening and a promise (hazard h, survival G):

.. math:: F_k(t) = \int_0^t G(u)\,dF_k(u \mid s)
          + \int_0^t [1 - F(u \mid s)]\,h(u)\,G(u)\,F_k^{promised}(t - u)\,du.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.model.latency import Latency
from forecast.model.likelihood import Predictors, log_survival

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """P(opened in full / in part by a day), one row a draw."""

    full: Floats
    part: Floats

    @property
    def any(self) -> Floats:
        """P(opened by a day)."""
        return self.full + self.part


def shares(p: Predictors) -> tuple[Floats, Floats, Floats]:
    """Chances of a full opening, of one in part, and of never: softmax(eta, eta + delta, 0)."""
    logits = np.stack(np.broadcast_arrays(p.odds, p.odds + p.part, np.zeros_like(p.odds)))
    weights = np.exp(logits - logits.max(axis=0))
    full, part, never = weights / weights.sum(axis=0)
    return full, part, never


def survival(days: Floats, p: Predictors, latency: Latency) -> tuple[Floats, Floats, Floats]:
    """p_f S_f, p_p S_p and S at some days; arrays that broadcast against the predictors."""
    full, part, never = shares(p)
    log_days = np.log(np.maximum(days, 1e-9))
    full_left = full * np.exp(log_survival(log_days, 0.0, p, latency))
    part_left = part * np.exp(log_survival(log_days, 1.0, p, latency))
    return full_left, part_left, full_left + part_left + never


def given_survival(start: Floats, days: Floats, p: Predictors, latency: Latency) -> Curves:
    """Curves by ``start + days``, given survival to ``start``, without any change of state.

    Parameters
    ----------
    start : array of shape (..., 1)
        Days survived on the state's clock.
    days : array of shape (days,)
        Days after that.
    p : Predictors
        Of shape (draws, ..., 1).
    latency : Latency
    """
    full_before, part_before, before = survival(start, p, latency)
    full_left, part_left, _ = survival(start + np.maximum(days, 0.0), p, latency)
    return Curves((full_before - full_left) / before, (part_before - part_left) / before)


def with_promises(direct: Curves, waiting: Floats, bins: NDArray[np.int64], after: Curves) -> Curves:
    """Add what promises to come bring.

    Exactly conserves probability on the days given: whoever leaves by one exit is gone from
    the other.

    Parameters
    ----------
    direct : Curves
        Without promises, of shape (draws, days); the first day is 0.
    waiting : array of shape (draws, days)
        G: chance that no promise came by then, were there no openings.
    bins : array of shape (days - 1,)
        Bin of arrival of each step between two days.
    after : Curves
        Openings by a day, given a promise in a bin: shape (draws, bins, days).
    """
    closed = 1 - direct.any
    stay = (waiting[:, 1:] + waiting[:, :-1]) / 2
    promised = -np.diff(waiting) * (closed[:, 1:] + closed[:, :-1]) / 2
    arrived = np.zeros(after.full.shape)
    for step, name in enumerate(bins):
        arrived[:, name, step + 1 :] += promised[:, step, None]
    return Curves(
        *(
            one[:, :1] + np.pad(np.cumsum(np.diff(one) * stay, axis=1), ((0, 0), (1, 0))) + (arrived * then).sum(axis=1)
            for one, then in ((direct.full, after.full), (direct.part, after.part))
        )
    )
