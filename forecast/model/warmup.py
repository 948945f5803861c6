"""What one fit's posterior teaches the sampler of another table: where to start, how to stretch.

Neighbouring tables have posteriors of much the same shape. The warm-up that learns this shape is
most of a short fit's work, so a series of fits learns it once. What is sampled stays the same.
"""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from forecast.model.design import Design
from forecast.model.posterior import Posterior
from forecast.model.priors import POOLED
from forecast.model.sampler import Metric
from forecast.model.terms import N_PARAMETERS, Layout

#: Weight of the empirical correlations: some hundreds of effective draws do not pin them all down.
CORRELATION_SHARE = 0.9


def metric_from(posterior: Posterior, design: Design, layout: Layout, chains: int) -> Metric:
    """Translate a posterior into a metric for another table, member by member.

    Parameters
    ----------
    posterior : Posterior
        Of the table that the sampler has met.
    design : Design
        Of the table that it will meet; members not met yet are standard normals.
    layout : Layout
        Of that table's raw vector.
    chains : int
        Each starts at another draw, evenly spaced.
    """
    met = {name: place for place, name in _names(posterior.organizations, posterior.modalities, posterior.layout)}
    shared = [(i, met[name]) for i, name in _names(design.organizations, design.modalities, layout) if name in met]
    here, there = (np.array(places) for places in zip(*shared, strict=True))
    with threadpool_limits(1):  # a product's digits depend on its threads
        found = np.cov(posterior.raw[:, there].T)
    found = CORRELATION_SHARE * found + (1 - CORRELATION_SHARE) * np.diag(np.diag(found))
    covariance, starts = np.eye(layout.size), np.zeros((chains, layout.size))
    covariance[np.ix_(here, here)] = found
    starts[:, here] = posterior.raw[(np.arange(chains) * 2 + 1) * len(posterior.raw) // (2 * chains)][:, there]
    return Metric(starts, covariance)


def _names(
    organizations: tuple[str, ...], modalities: tuple[str, ...], layout: Layout
) -> list[tuple[int, tuple[str, object]]]:
    """Place and name of everything in a raw vector but its spare places."""
    members = {effect: organizations if effect.startswith("organization") else modalities for effect in POOLED}
    named: list[tuple[int, tuple[str, object]]] = [(i, ("parameter", i)) for i in range(N_PARAMETERS)]
    return named + [
        (layout.start(effect) + i, (effect, member)) for effect in POOLED for i, member in enumerate(members[effect])
    ]
