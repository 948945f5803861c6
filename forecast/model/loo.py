"""How well a family forecasts what it was not fitted to: episodes, or whole organisations, left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from forecast.model.design import Design
from forecast.model.fit import SERIES, fit
from forecast.model.pointwise import episode_loglik
from forecast.model.posterior import Posterior
from forecast.model.priors import Priors
from forecast.model.warmup import metric_from

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Fits without some rows: a design -> the posterior of what is left.
Refit = Callable[[Design], Posterior]

#: Steps of the search for weights; resamples of clusters that they are averaged over.
STEPS, RESAMPLES = 1000, 100

#: Folds of organisations.
FOLDS = 5


@dataclass(frozen=True)
class LeftOut:
    """Expected log predictive density of what was left out, one entry an episode or organisation.

    Attributes
    ----------
    elpd : array
        Nats.
    pareto_k : array
        Shape of the importance weights' tail; NaN where every fit was made anew.
    refitted : int
        Entries whose importance weights could not be trusted, and that were fitted anew.
    organization : array
        Index of each one's organisation.
    """

    elpd: Floats
    pareto_k: Floats
    refitted: int
    organization: Ints


def good_k(draws: int) -> float:
    """Largest Pareto k to be trusted: min(1 - 1 / log10(draws), 0.7) (Vehtari et al. 2024, arXiv 1507.02646)."""
    return float(min(1 - 1 / np.log10(draws), 0.7))


def refit_like(posterior: Posterior, priors: Priors, cache: Path) -> Refit:
    """Fit other rows as a posterior was fitted, from its own metric."""
    settings = replace(SERIES, latency=posterior.latency, seed=posterior.seed)

    def refit(design: Design) -> Posterior:
        metric = metric_from(posterior, design, posterior.layout, settings.chains)
        return fit(
            design, posterior.arrivals, posterior.target, priors, settings, cache, None, posterior.layout, metric
        )

    return refit


def leave_episode_out(posterior: Posterior, design: Design, refit: Refit) -> LeftOut:
    r"""PSIS-LOO over episodes; those with a high Pareto k are fitted anew without them.

    .. math:: \log p(y_i \mid y_{-i}) \approx \log \sum_s w_{is}\,p(y_i \mid \theta_s),
              \quad w_{is} \propto 1 / p(y_i \mid \theta_s) \text{, Pareto-smoothed}

    Parameters
    ----------
    posterior : Posterior
    design : Design
        What it was fitted to.
    refit : callable
        From :func:`refit_like`.

    Notes
    -----
    Vehtari, Gelman & Gabry 2017, doi:10.1007/s11222-016-9696-4.
    """
    from arviz_stats.base import array_stats

    rows, loglik = episode_loglik(posterior, design)
    r_eff = min(posterior.diagnostics.ess_bulk / len(loglik), 1.0)
    log_weights, pareto_k = array_stats.psislw(loglik, r_eff=r_eff, axis=0)  # it negates what it is given
    elpd = logsumexp(np.moveaxis(log_weights, -1, 0) + loglik, axis=0)
    bad = np.flatnonzero(~(pareto_k <= good_k(len(loglik))))
    for n in bad:
        elpd[n] = _held_out(refit, design, design.row == rows[n])
    first = [np.flatnonzero(design.row == row)[0] for row in rows]
    return LeftOut(elpd, np.asarray(pareto_k), len(bad), design.organization[first])


def leave_organization_out(design: Design, refit: Refit, rng: np.random.Generator, folds: int = FOLDS) -> LeftOut:
    """Refits without some organisations; each one's rows are scored together, as a newcomer's.

    Only organisations with rows that inform more than timing are scored.
    """
    known = np.unique(design.organization[design.with_share > 0])
    order, elpd = rng.permutation(known), []
    for fold in np.array_split(order, min(folds, len(known))):
        posterior = refit(design.only(~np.isin(design.organization, fold)))
        for one in fold:
            held = design.only(design.organization == one)
            elpd.append(_log_mean(episode_loglik(posterior, held)[1].sum(axis=1)))
    return LeftOut(np.array(elpd), np.full(len(elpd), np.nan), len(elpd), order)


def stacking(
    elpd: Mapping[str, Floats], cluster: Ints | None = None, rng: np.random.Generator | None = None
) -> dict[str, float]:
    """Weights that maximise the summed log score of the mixture (Yao et al. 2018, doi:10.1214/17-BA1091).

    Families that are hard to tell apart would get weights of 0 and 1 by chance: with clusters,
    the weights are means over resamples of whole clusters.

    Parameters
    ----------
    elpd : mapping of str to array of shape (n,)
        Log predictive density of the same things under each family.
    cluster : array of shape (n,), optional
        Organisation of each, from 0 on.
    rng : numpy.random.Generator, optional
        Of the resampling.
    """
    density = np.stack(list(elpd.values()))
    density = np.exp(density - density.max(axis=0))
    counts = np.ones((1, density.shape[1]))
    if cluster is not None and rng is not None:
        members, place = np.unique(cluster, return_inverse=True)
        size = len(members)
        counts = rng.multinomial(size, np.full(size, 1 / size), RESAMPLES)[:, place].astype(float)
    weights = np.mean([_stacked(density, count) for count in counts], axis=0)
    return dict(zip(elpd, weights.tolist(), strict=True))


def _stacked(density: Floats, count: Floats) -> Floats:
    """Expectation-maximisation: the sum is concave, every step raises it."""
    weights = np.full(len(density), 1 / len(density))
    for _ in range(STEPS):
        weights *= (density / (weights @ density)) @ count / count.sum()
    return weights


def _held_out(refit: Refit, design: Design, left_out: NDArray[np.bool_]) -> float:
    posterior = refit(design.only(~left_out))
    return _log_mean(episode_loglik(posterior, design.only(left_out))[1].sum(axis=1))


def _log_mean(loglik: Floats) -> float:
    return float(logsumexp(loglik) - np.log(len(loglik)))
