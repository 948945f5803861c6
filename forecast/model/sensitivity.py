"""How much do answers hang on the priors? Power-scaling, without another fit."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.model.covariates import COVARIATES
from forecast.model.curves import given_survival, shares
from forecast.model.design import Design
from forecast.model.latency import LATENCIES
from forecast.model.pointwise import episode_loglik
from forecast.model.posterior import Posterior
from forecast.model.priors import WAIT, parameter_names
from forecast.model.terms import PLACES, make_terms, predictors
from forecast.tables.promises import STATES

Floats = NDArray[np.float64]

#: Above this a quantity depends on what is scaled (Kallioinen et al. 2024).
NOTABLE = 0.05

#: A dated promise of the reference row is due after so many days.
DUE_DAYS = 90.0


def power_scaling(posterior: Posterior, design: Design) -> pd.DataFrame:
    """Sensitivity of the reference row's answers to each group of priors and to the likelihood.

    Each prior (or the likelihood) is raised to a power a little below and above 1 by
    Pareto-smoothed importance weights; the number is how fast the quantity's distribution moves
    (cumulative Jensen-Shannon distance). Above :data:`NOTABLE` it is worth a look.

    Parameters
    ----------
    posterior : Posterior
    design : Design
        What it was fitted to.

    Returns
    -------
    pandas.DataFrame
        ``quantity``, ``mean``, one column a group of priors, ``likelihood``.

    Notes
    -----
    Kallioinen et al. 2024, doi:10.1007/s11222-023-10366-5.
    """
    import arviz_stats
    from arviz_base import from_dict

    quantities, chains = reference_quantities(posterior), posterior.diagnostics.chains

    def by_chain(values: Floats) -> Floats:
        return values.reshape(chains, -1, *values.shape[1:])

    groups = {name: -(posterior.raw[:, place] ** 2).sum(axis=1) / 2 for name, place in PLACES.items()}
    members = -(posterior.raw[:, len(parameter_names()) :] ** 2).sum(axis=1) / 2
    data = from_dict(
        {
            "posterior": {name: by_chain(values) for name, values in quantities.items()},
            "log_prior": {name: by_chain(values) for name, values in (groups | {"members": members}).items()},
            "log_likelihood": {"episodes": by_chain(episode_loglik(posterior, design)[1])},
        }
    )
    logging.getLogger("arviz_stats").setLevel(logging.ERROR)  # it repeats for every call what the table says
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {name: arviz_stats.psense(data, group="prior", group_var_names=[name]) for name in (*groups, "members")}
        found["likelihood"] = arviz_stats.psense(data, group="likelihood")
    return pd.DataFrame(
        {"quantity": name, "mean": float(values.mean())}
        | {scaled: float(table[name]) for scaled, table in found.items()}
        for name, values in quantities.items()
    )


def reference_quantities(posterior: Posterior) -> dict[str, Floats]:
    """P(open within a year) and the never fraction of the reference row in each promise state, per draw.

    An average organisation and modality, from the start of the state's clock, no promise to come.
    """
    states, zeros = np.arange(len(STATES)), np.zeros(len(STATES))
    spare = np.full(len(STATES), len(posterior.organizations)), np.full(len(STATES), len(posterior.modalities))
    log_due = np.where(states == STATES.index("dated"), np.log(DUE_DAYS), 0.0)
    covariates = np.zeros((len(STATES), len([*COVARIATES, WAIT])))
    terms = make_terms(states, covariates, log_due, zeros, *spare, posterior.layout)
    raw = posterior.raw.copy()
    raw[:, len(parameter_names()) :] = 0.0
    p = predictors(raw, terms, posterior.location, posterior.scale)
    at = type(p)(**{name: np.asarray(value)[..., None] for name, value in vars(p).items()})
    within = given_survival(np.array([1e-9]), np.array([365.0]), at, LATENCIES[posterior.latency]).any[..., 0]
    never = shares(p)[2]
    return {
        **{f"P(open within 365 days), {state}": within[:, n] for n, state in enumerate(STATES)},
        **{f"never fraction, {state}": never[:, n] for n, state in enumerate(STATES)},
    }
