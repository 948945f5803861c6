"""Log-likelihood of every episode under every posterior draw: what cross-validation and what-ifs are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forecast.model.blocks import SORTS, block_of, over_nodes, point_loglik, readings, wide_rows
from forecast.model.design import Design
from forecast.model.latency import LATENCIES, NUMPY
from forecast.model.posterior import Posterior
from forecast.model.terms import predictors, terms_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Draws worked out at once: memory does not grow with their number.
DRAWS_AT_ONCE = 200


def episode_loglik(posterior: Posterior, design: Design) -> tuple[Ints, Floats]:
    """Sum of each episode's segments, averaged over its debut day.

    Parameters
    ----------
    posterior : Posterior
    design : Design
        Of rows that the posterior was fitted to, or others in the same groups.

    Returns
    -------
    row : array of shape (episodes,)
        Values of ``design.row``, in order.
    loglik : array of shape (draws, episodes)
        Natural logarithm, with the signs of normalisers.
    """
    rows = np.unique(design.row)
    steps = range(0, len(posterior.raw), DRAWS_AT_ONCE)
    parts = [_loglik(posterior, posterior.raw[n : n + DRAWS_AT_ONCE], design, rows) for n in steps]
    return rows, np.concatenate(parts)


def _loglik(posterior: Posterior, raw: Floats, design: Design, rows: Ints) -> Floats:
    blocks = {sort: block_of(design, sort) for sort in SORTS}
    wide = wide_rows(design, blocks)
    out, parts = np.zeros((len(raw), len(rows))), []
    for sort, block in blocks.items():
        p = predictors(raw, terms_of(design, block.segment, posterior.layout), posterior.location, posterior.scale)
        given = readings(design, block, sort)
        loglik = point_loglik(given, p, LATENCIES[posterior.latency], sort)
        alone, first = block.segment[block.narrow], block.segment[block.first]
        signed = loglik[:, block.narrow] * design.sign[alone]
        out = NUMPY.add_at(out, np.searchsorted(rows, design.row[alone]), signed)
        parts.append((loglik, block.first, design.sign[first], np.searchsorted(wide, design.row[first])))
    averaged = over_nodes(parts, np.zeros((len(raw), len(wide))))
    return np.asarray(NUMPY.add_at(out, np.searchsorted(rows, wide), averaged))
