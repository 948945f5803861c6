"""The parameters in words: what each one does, before and after seeing the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from forecast.model.covariates import COVARIATES
from forecast.model.ensemble import Ensemble
from forecast.model.priors import WAIT, Priors
from forecast.release import weighted_quantile
from forecast.tables.promises import STATES

Floats = NDArray[np.float64]

#: Ends of the credible interval and the median.
QUANTILES = (0.05, 0.5, 0.95)

#: Group of a parameter -> what its number is, in words, and how the number comes from theta.
WORDS: dict[str, tuple[str, Callable[[Floats], Floats]]] = {
    "odds": ("odds of ever opening, multiplied by", np.exp),
    "time": ("time to opening, multiplied by", np.exp),
    "part": ("openings in part for each in full, multiplied by", np.exp),
    "spread": ("spread of log days, multiplied by", np.exp),
    "part_time": ("time to an opening in part, multiplied by", np.exp),
    "part_spread": ("spread of openings in part, multiplied by", np.exp),
    "tail": ("tail: 1 the log-logistic, large the Weibull", np.exp),
    "scale": ("standard deviation between members, on the log scale", np.exp),
    "tie": ("pace that goes with a member's odds", lambda theta: theta),
}

#: Parameters that stand for a level, not for a factor.
LEVELS: dict[str, str] = {
    **{f"odds.{state}": "odds of ever opening" for state in STATES},
    "time.none": "days from the debut to an opening, median",
    "time.vague": "days from the promise to an opening, median",
    "time.dated": "days taken for each day promised, median",
    "part.share": "openings in part for each in full",
    **{f"spread.{state}": "spread of log days" for state in STATES},
}

_STATE_WORDS = {"none": "no promise", "vague": "a promise without a day", "dated": "a promise with a day"}
_NAMES = {
    **_STATE_WORDS,
    WAIT: "per unit of log(1 + days waited before the promise)",
    "share": "reference",
    "shift": "all models",
    "ratio": "all models",
    "k": "Burr XII only",
    "organization": "organisations",
    "organization_odds": "organisations, odds",
    "organization_time": "organisations, time",
    "organization_part": "organisations, part",
    "modality_odds": "modalities, odds",
    "modality_time": "modalities, time",
}


def parameter_table(ensemble: Ensemble, priors: Priors) -> pd.DataFrame:
    """Every parameter with its words, prior and posterior.

    Returns
    -------
    pandas.DataFrame
        ``parameter``, ``effect`` (what the number is), ``of`` (what has it), ``prior_low``,
        ``prior_median``, ``prior_high``, ``low``, ``median``, ``high``: 5, 50 and 95 % on the
        scale of the words, families by their weights; ``prior_removed``, the share of the
        prior's variance (of the log, for factors) that the data removed.
    """
    return pd.DataFrame(_rows(ensemble, priors))


def _rows(ensemble: Ensemble, priors: Priors) -> Iterator[dict[str, object]]:
    theta = np.concatenate([m.location + m.scale * m.raw[:, : len(priors.names)] for m in ensemble.members])
    each = [np.full(len(m.raw), w / len(m.raw)) for m, w in zip(ensemble.members, ensemble.weights, strict=True)]
    family = np.concatenate([[m.latency] * len(m.raw) for m in ensemble.members])
    weights = np.concatenate(each)
    for i, name in enumerate(priors.names):
        group, member = name.split(".")
        mine = weights * (family == "burr_xii") if group == "tail" else weights
        if not mine.any():
            continue  # a tail that no family of the ensemble has
        effect, scaled = WORDS[group]
        prior = scaled(np.asarray(norm.ppf(QUANTILES, priors.location[i], priors.scale[i])))
        found = scaled(np.array([weighted_quantile(theta[:, i], mine, q) for q in QUANTILES]))
        mean = np.average(theta[:, i], weights=mine)
        variance = np.average((theta[:, i] - mean) ** 2, weights=mine)
        yield {
            "parameter": name,
            "effect": LEVELS.get(name, effect),
            "of": _NAMES.get(member) or COVARIATES[member].description,
            **{f"prior_{end}": float(v) for end, v in zip(("low", "median", "high"), prior, strict=True)},
            **{end: float(v) for end, v in zip(("low", "median", "high"), found, strict=True)},
            "prior_removed": float(1 - variance / priors.scale[i] ** 2),
        }
