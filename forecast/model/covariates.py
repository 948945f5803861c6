"""Covariates: one registry, one entry each, none of which sees the future.

An entry names the column from which it is read and the column that says since when it was
known; without the latter it is refused. The reference row is an app by a big US company.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Predictors that a covariate may move: odds of ever opening, time to it, share in part, spread of the time.
EFFECTS: tuple[str, ...] = ("odds", "time", "part", "spread")


@dataclass(frozen=True)
class Covariate:
    """One covariate.

    Attributes
    ----------
    description : str
        What it says, in words.
    known_on : str
        Column of the view with the day since when it was known.
    value : callable
        ``value(view)`` -> one number a row.
    moves : tuple of str
        Which of :data:`EFFECTS` it moves; ``odds`` implies ``part``.
    """

    description: str
    known_on: str
    value: Callable[[pd.DataFrame], pd.Series]
    moves: tuple[str, ...] = ("odds", "time", "part")


#: Columns that no covariate may read: they follow the outcome, or were judged after it.
FORBIDDEN: frozenset[str] = frozenset(
    [
        "params_b",
        "license",
        "license_class",
        "confidence",
        "frame",
        "notes",
        "what_opened",
        "observed_through",
        "flagship",
        "safety_review",
        "closed_source_url",
        "promise_source_url",
        "outcome_source_url",
        "outcome",
        "outcome_on",
    ]
)


def _is(column: str, *values: str) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda view: view[column].isin(values)


def _debut_year(view: pd.DataFrame) -> pd.Series:
    middle = view.closed_first + (view.closed_last - view.closed_first) / 2
    # before 2019 there are only programs and games, from 1976 on: without the cut they would set the slope
    return (middle.clip(lower=pd.Timestamp("2019-01-01")) - pd.Timestamp("2023-07-01")) / pd.Timedelta(days=2 * 365.25)


COVARIATES: dict[str, Covariate] = {
    "paper": Covariate("first known by a paper", "closed_last", _is("closed_how", "paper")),
    "api": Covariate("first known by an API", "closed_last", _is("closed_how", "api")),
    "announcement": Covariate("announced before it could be used", "closed_last", _is("closed_how", "announcement")),
    "restricted": Covariate(
        "waitlist or research access", "closed_last", _is("closed_how", "waitlist", "research_access")
    ),
    "china": Covariate("organisation from China", "closed_last", _is("org_country", "CN")),
    "elsewhere": Covariate(
        "organisation from neither China nor the US", "closed_last", lambda v: ~v.org_country.isin(["CN", "US"])
    ),
    "startup": Covariate("a start-up", "closed_last", _is("org_type", "startup")),
    "public": Covariate(
        "academic, non-profit or state", "closed_last", _is("org_type", "academic", "nonprofit", "state")
    ),
    "year": Covariate("debut, per two years after July 2023", "closed_last", _debut_year),
    "software": Covariate("a program, not a model", "closed_last", _is("domain", "software"), ("time", "spread")),
    "game": Covariate("a game, not a model", "closed_last", _is("domain", "game"), ("time", "spread")),
}


def covariate_names(effect: str) -> list[str]:
    """Covariates that move a predictor."""
    return [name for name, covariate in COVARIATES.items() if effect in covariate.moves]


def covariate_matrix(view: pd.DataFrame) -> NDArray[np.float64]:
    """Covariates of every row of a view.

    Returns
    -------
    array of shape (rows, len(COVARIATES))
        In the registry's order.

    Raises
    ------
    ValueError
        If a value is not finite, or was not known by the view's day.
    """
    day = view.attrs.get("as_of")
    for name, covariate in COVARIATES.items():
        if day is not None and (view[covariate.known_on] > pd.Timestamp(day)).any():
            raise ValueError(f"covariate {name}: a row's {covariate.known_on} lies after {day}")
    matrix = np.column_stack([np.asarray(c.value(view), float) for c in COVARIATES.values()])
    if not np.isfinite(matrix).all():
        raise ValueError("a covariate has values that are not finite")
    return matrix
