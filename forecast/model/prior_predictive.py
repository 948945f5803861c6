"""What the priors say before any data: answers of the reference row under draws of the prior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.model.absorbed import prior_map
from forecast.model.arrivals import Arrivals, fit_arrivals
from forecast.model.design import Design, build_design
from forecast.model.posterior import Diagnostics, Posterior
from forecast.model.priors import Priors
from forecast.model.sensitivity import reference_quantities
from forecast.model.terms import PLACES, layout_of
from forecast.release import weighted_quantile
from forecast.tables.episodes import Target
from forecast.tables.promises import STATES

Floats = NDArray[np.float64]

#: Draws of the prior.
DRAWS = 4000

#: Ends of the interval and the median.
QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Bound:
    """Numbers that the 90 % interval of a weak prior reaches below and above."""

    low: float
    high: float


#: By the first words of a quantity: a prior that excludes, or insists on, too much is worth a word.
BOUNDS: dict[str, Bound] = {
    "never fraction, none": Bound(0.3, 0.7),
    "median days from": Bound(60.0, 180.0),
}


def draws_of(
    priors: Priors, view: pd.DataFrame, latency: str, seed: int, target: Target = "any", draws: int = DRAWS
) -> Posterior:
    """Draws of the prior in a posterior's place: what any forecast would be without data.

    Parameters
    ----------
    priors : Priors
    view : pandas.DataFrame
        Names the members.
    latency : str
    seed : int
    target : {"any", "full"}
    draws : int
    """
    design = build_design(view, target, priors.programs)
    return draws_for(priors, design, fit_arrivals(view, target, priors.arrival), latency, seed, target, draws)


def draws_for(
    priors: Priors, design: Design, arrivals: Arrivals, latency: str, seed: int, target: Target, draws: int
) -> Posterior:
    """The same, of a design and arrivals that are there already."""
    layout = layout_of(design)
    raw = np.random.default_rng(seed).normal(size=(draws, layout.size))
    if priors.absorbed:
        centre, stretch = prior_map(priors.absorbed.of_family(latency), design, layout)
        raw = centre + raw @ stretch.T
    return Posterior(
        raw=raw,
        location=priors.location,
        scale=priors.scale,
        layout=layout,
        organizations=design.organizations,
        modalities=design.modalities,
        arrivals=arrivals,
        latency=latency,
        target=target,
        sampler="prior",
        seed=seed,
        diagnostics=Diagnostics(1.0, draws, draws, 0, 1, draws, 0.0),
        rows=len(design.row),
        opened=design.n_opened,
    )


def prior_predictive(prior: Posterior) -> pd.DataFrame:
    """Answers of the reference row before any data.

    Returns
    -------
    pandas.DataFrame
        ``quantity``, ``low``, ``median``, ``high`` (5, 50 and 95 %), ``verdict``: blank, or what is
        odd about a prior that says so.
    """
    return pd.DataFrame(
        _row(name, values) for name, values in {**reference_quantities(prior), **_medians(prior)}.items()
    )


def _medians(prior: Posterior) -> dict[str, Floats]:
    """Median days to an opening in full, given that there is one, on the clock of each state."""
    first = PLACES["time"].start
    theta = prior.location + prior.scale * prior.raw[:, : len(prior.location)]
    clocks = {"none": "from the debut", "vague": "from the promise"}  # a dated one counts in days promised
    return {
        f"median days {clock}, {state}": np.exp(theta[:, first + STATES.index(state)])
        for state, clock in clocks.items()
    }


def _row(name: str, values: Floats) -> dict[str, object]:
    low, median, high = weighted_quantile(values, np.full(len(values), 1 / len(values)), QUANTILES)
    bound = next((bound for start, bound in BOUNDS.items() if name.startswith(start)), None)
    return {"quantity": name, "low": low, "median": median, "high": high, "verdict": _verdict(bound, low, high)}


def _verdict(bound: Bound | None, low: float, high: float) -> str:
    if bound is None:
        return ""
    if low > bound.low:
        return f"hardly ever below {bound.low:g}: is that known?"
    if high < bound.high:
        return f"hardly ever above {bound.high:g}: is that known?"
    return ""
