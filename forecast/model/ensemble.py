"""Families of latency averaged: one posterior each, and their weights. A single family is an ensemble of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.model.posterior import Diagnostics, Posterior
from forecast.release import Draws, ReleaseForecast

Floats = NDArray[np.float64]

#: Name of all families together, where that of one family may stand.
AVERAGE = "average"

#: Fewest draws of a family in a forecast: below these its own Monte-Carlo error would show.
LEAST_DRAWS = 100


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Posteriors of the same table and priors, one a family, and their weights.

    Attributes
    ----------
    members : tuple of Posterior
    weights : tuple of float
        They add up to 1.
    """

    members: tuple[Posterior, ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, members: Sequence[Posterior], weights: Mapping[str, float]) -> Ensemble:
        """Posteriors with the weights of their families, scaled to add up to 1."""
        mine = np.array([weights[member.latency] for member in members])
        return cls(tuple(members), tuple(float(w) for w in mine / mine.sum()))

    @property
    def first(self) -> Posterior:
        """Any member: what they share is read off it."""
        return self.members[0]

    @property
    def latency(self) -> str:
        """Families, with their weights where there are several."""
        if len(self.members) == 1:
            return self.first.latency
        return " + ".join(f"{w:.2f} {m.latency}" for w, m in zip(self.weights, self.members, strict=True))

    @property
    def diagnostics(self) -> Diagnostics:
        """The worst of all members."""
        all_ = [member.diagnostics for member in self.members]
        return Diagnostics(
            r_hat=max(d.r_hat for d in all_),
            ess_bulk=min(d.ess_bulk for d in all_),
            ess_tail=min(d.ess_tail for d in all_),
            divergences=sum(d.divergences for d in all_),
            chains=min(d.chains for d in all_),
            draws=min(d.draws for d in all_),
            target_accept=max(d.target_accept for d in all_),
            seconds=sum(d.seconds for d in all_),
        )

    def thinned(self, draws: int) -> Ensemble:
        """About ``draws`` in all, shared out by weight."""
        shares = [max(round(draws * w), min(draws, LEAST_DRAWS)) for w in self.weights]
        return replace(self, members=tuple(m.thinned(n) for m, n in zip(self.members, shares, strict=True)))


def combined(
    parts: Sequence[ReleaseForecast], log_evidence: Sequence[float], weights: Sequence[float]
) -> ReleaseForecast:
    r"""One forecast from those of all families.

    .. math:: F = \sum_k v_k F_k, \quad v_k \propto w_k Z_k

    Z: likelihood under family k of what the row went through that the fit has not seen; 1 for a
    row that the fit has seen to the end.

    Parameters
    ----------
    parts : sequence of ReleaseForecast
        One a family, with draws.
    log_evidence : sequence of float
        log Z.
    weights : sequence of float
        w, of the families.
    """
    if len(parts) == 1:
        return parts[0]
    log_share = np.log(weights) + np.asarray(log_evidence)
    share = np.exp(log_share - log_share.max())
    share /= share.sum()
    drawn = [part.draws for part in parts if part.draws is not None]
    return replace(
        parts[0],
        cdf_full=share @ np.stack([part.cdf_full for part in parts]),
        cdf_part=share @ np.stack([part.cdf_part for part in parts]),
        p_never_structural=float(share @ [part.p_never_structural or 0.0 for part in parts]),
        draws=Draws(
            np.concatenate([d.full for d in drawn]),
            np.concatenate([d.part for d in drawn]),
            np.concatenate([s * d.weights for s, d in zip(share, drawn, strict=True)]),
        ),
    )
