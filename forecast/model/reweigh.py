"""A posterior seen after a small change of the table, by importance weights: seconds instead of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.model.arrivals import Arrivals
from forecast.model.design import Design, design_rows, joined
from forecast.model.ensemble import Ensemble
from forecast.model.loo import good_k
from forecast.model.pointwise import episode_loglik
from forecast.model.posterior import Posterior, with_mean_one
from forecast.tables.episodes import Target

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """What two tables say differently about the same episodes.

    Attributes
    ----------
    episode_ids : tuple of str
        Episodes whose part of the likelihood differs, in order.
    before, after : Design
        Their segments in either table, in the groups of the posterior; ``row`` counts ``episode_ids``.
    """

    episode_ids: tuple[str, ...]
    before: Design | None
    after: Design | None


def segments_in(
    posterior: Posterior, view: pd.DataFrame, target: Target, programs: bool = False
) -> Mapping[str, Design]:
    """The segments of each episode of a view, in the groups of a posterior, a spare place for whom it has not met.

    Parameters
    ----------
    posterior : Posterior
    view : pandas.DataFrame
        From :func:`forecast.tables.episodes.read_episodes`.
    target : {"any", "full"}
    programs : bool
        Whether programs and games inform the timing.
    """
    groups = (posterior.organizations, posterior.modalities)
    return design_rows(view, target, *groups, programs).by_episode(list(view.episode_id))


def change_between(before: Mapping[str, Design], after: Mapping[str, Design]) -> Change:
    """Which episodes' likelihood differs between two tables, as :func:`segments_in` gives them."""
    names = tuple(n for n in {**before, **after} if _content(before.get(n)) != _content(after.get(n)))
    return Change(names, _together(before, names), _together(after, names))


def log_ratios(posterior: Posterior, change: Change) -> Floats:
    """Log p(after | theta) - log p(before | theta) of every changed episode, shape (draws, episodes)."""
    out = np.zeros((len(posterior.raw), len(change.episode_ids)))
    for sign, design in ((1.0, change.after), (-1.0, change.before)):
        if design is not None:
            rows, loglik = episode_loglik(posterior, design)
            out[:, rows] += sign * loglik
    return out


def smoothed(log_ratio: Floats) -> tuple[Floats, float]:
    r"""Pareto-smoothed importance weights of draws.

    .. math:: w_s \propto p(D' \mid \theta_s) / p(D \mid \theta_s)

    Parameters
    ----------
    log_ratio : array of shape (draws,)

    Returns
    -------
    log_weights : array of shape (draws,)
        Their exponentials have mean 1.
    pareto_k : float
        Above :func:`forecast.model.loo.good_k` the weights are not to be trusted.

    Notes
    -----
    Vehtari, Simpson, Gelman, Yao & Gabry 2024, arXiv 1507.02646.
    """
    from arviz_stats.base import array_stats

    if np.ptp(log_ratio) < 1e-12:
        return np.zeros_like(log_ratio), float("-inf")
    log_weights, pareto_k = array_stats.psislw(-log_ratio, r_eff=1.0)  # it negates what it is given
    return with_mean_one(np.asarray(log_weights).reshape(-1)), float(pareto_k)


def reweighed(ensemble: Ensemble, change: Change, arrivals: Arrivals) -> tuple[Ensemble, float, bool]:
    """The ensemble as it would be of the changed table.

    Families keep their weights: those are chosen by hand, not fitted.

    Parameters
    ----------
    ensemble : Ensemble
        Of the table before; its own draws are weighted.
    change : Change
        In the groups of its members, which are the same for all.
    arrivals : Arrivals
        Of the table after.

    Returns
    -------
    ensemble : Ensemble
    pareto_k : float
        The largest of its members.
    trusted : bool
        False where a member's k is too large for its draws: fit anew.
    """
    members, found, trusted = [], [], True
    for member in ensemble.members:
        log_weights, pareto_k = smoothed(log_ratios(member, change).sum(axis=1))
        members.append(replace(member, log_weights=log_weights, arrivals=arrivals))
        found.append(pareto_k)
        trusted &= pareto_k <= good_k(len(member.raw))
    return replace(ensemble, members=tuple(members)), max(found), trusted


def _together(designs: Mapping[str, Design], names: tuple[str, ...]) -> Design | None:
    """The segments of some episodes one after the other, rows counted by the names."""
    there = [(n, designs[name]) for n, name in enumerate(names) if name in designs]
    if not there:
        return None
    return joined([replace(design, row=np.full_like(design.row, n)) for n, design in there])


def _content(design: Design | None) -> bytes:
    return b"" if design is None else design.content
