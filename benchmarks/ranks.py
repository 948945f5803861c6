"""Are ranks uniform? The widest departure of their ECDF, under bands that hold everywhere at once.

Säilynoja, Bürkner & Vehtari 2022, doi:10.1007/s11222-022-10090-6, the bands by simulation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from forecast.tables.paths import SEED

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Posterior draws among which a true value is ranked: as many as are nearly independent.
RANKED = 99
#: Sets of uniform ranks that the p-values come from.
UNIFORM_SETS = 20_000


def uniformity(simulations: int, sets: int = UNIFORM_SETS) -> Callable[[Ints], float]:
    """A test of ranks: chance that uniform ones leave a narrower simultaneous band for their ECDF."""
    below = np.arange(1, RANKED + 1)[:, None] / (RANKED + 1)
    counts = np.arange(simulations + 1)
    binomial = stats.binom(simulations, below)
    pointwise = 2 * np.minimum(binomial.cdf(counts), binomial.sf(counts - 1))

    def least(ranks: Ints) -> Floats:
        return pointwise[np.arange(RANKED), below_each(ranks)].min(axis=1)

    rng = np.random.default_rng(SEED)
    uniform = least(rng.integers(0, RANKED + 1, size=(sets, simulations)))
    return lambda ranks: float((1 + (uniform <= least(ranks[None])[0] * (1 + 1e-9)).sum()) / (sets + 1))


def below_each(ranks: Ints) -> Ints:
    """How many ranks of each set lie below 1, 2, ..., RANKED."""
    sets = len(ranks)
    cells = np.bincount((ranks + (RANKED + 1) * np.arange(sets)[:, None]).ravel(), minlength=sets * (RANKED + 1))
    return cells.reshape(sets, RANKED + 1).cumsum(axis=1)[:, :-1]
