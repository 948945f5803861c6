"""Intervals for means over clustered items: whole organisations are drawn again, with replacement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Resamples behind every interval, and the probability between its ends.
RESAMPLES = 1000
LEVEL = 0.9


def cluster_weights(clusters: int, rng: np.random.Generator, resamples: int = RESAMPLES) -> Floats:
    """How often each cluster is drawn in each resample: shape (resamples, clusters), rows adding up to ``clusters``."""
    return rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=resamples).astype(float)


def weighted_means(values: Floats, weight: Floats, cluster: Ints, drawn: Floats) -> tuple[Floats, Floats]:
    """Weighted means of columns, and the same in every resample of the clusters.

    Parameters
    ----------
    values : array of shape (items, columns)
    weight : array of shape (items,)
    cluster : array of shape (items,)
        Number of each item's cluster.
    drawn : array of shape (resamples, clusters)
        From :func:`cluster_weights`.

    Returns
    -------
    means : array of shape (columns,)
    resampled : array of shape (resamples, columns)
        NaN where a resample holds none of the items.
    """
    clusters = drawn.shape[1]
    total = np.bincount(cluster, weight, clusters)
    sums = np.stack([np.bincount(cluster, weight * column, clusters) for column in values.T], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        resampled = (drawn @ sums) / (drawn @ total)[:, None]
    return sums.sum(axis=0) / total.sum(), resampled


def interval(resampled: Floats, level: float = LEVEL) -> tuple[float, float]:
    """Ends of the central interval, over the resamples that have a value."""
    kept = resampled[np.isfinite(resampled)]
    if not kept.size:
        return np.nan, np.nan
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
