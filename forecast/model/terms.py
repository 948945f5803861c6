"""Where each parameter sits in the vector of standard normals, and the linear predictors.

The same function serves the sampler (one vector, PyTensor) and everything after it (all
posterior draws at once, NumPy).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.model.covariates import COVARIATES, EFFECTS, covariate_names
from forecast.model.design import Design
from forecast.model.latency import NUMPY
from forecast.model.likelihood import Predictors
from forecast.model.priors import POOLED, Priors, parameter_names
from forecast.tables.promises import STATES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NAMES = parameter_names()


def _slice(group: str) -> slice:
    places = [i for i, name in enumerate(_NAMES) if name.startswith(f"{group}.")]
    return slice(places[0], places[-1] + 1)


#: Group of parameters -> its place in theta.
PLACES: dict[str, slice] = {name.split(".")[0]: _slice(name.split(".")[0]) for name in _NAMES}
N_PARAMETERS = len(_NAMES)


#: Groups are padded to multiples of these, so that another day's table has the same shapes.
_BLOCKS = {"organizations": 32, "modalities": 16}


@dataclass(frozen=True)
class Layout:
    """Length of the raw vector: parameters, then each pooled effect's members.

    Every group has a spare place, which no row informs: a member never seen before.

    Attributes
    ----------
    organizations, modalities : int
        Members of each group, spare places included.
    """

    organizations: int
    modalities: int

    @property
    def size(self) -> int:
        """Length of the raw vector."""
        return N_PARAMETERS + sum(self._members(name) for name in POOLED)

    def start(self, effect: str) -> int:
        """Place of a pooled effect's first member."""
        before = POOLED[: POOLED.index(effect)]
        return N_PARAMETERS + sum(self._members(name) for name in before)

    def _members(self, effect: str) -> int:
        return self.organizations if effect.startswith("organization") else self.modalities


def layout_of(design: Design) -> Layout:
    """Places for the design's groups, padded, with at least one to spare."""
    return Layout(
        organizations=round_up(len(design.organizations) + 1, _BLOCKS["organizations"]),
        modalities=round_up(len(design.modalities) + 1, _BLOCKS["modalities"]),
    )


def round_up(n: int, block: int) -> int:
    """The next multiple of a block, at least one."""
    return block * max(math.ceil(n / block), 1)


@dataclass(frozen=True)
class Terms:
    """What the linear predictors of some points are made of.

    Attributes
    ----------
    x_odds, x_time, x_part, x_spread : array of shape (points, coefficients)
    log_due, no_part : array of shape (points,)
        Offsets of the time and the part predictor.
    members : dict of str to array of shape (points,)
        Pooled effect -> place of each point's member in the raw vector.
    """

    x_odds: Any
    x_time: Any
    x_part: Any
    x_spread: Any
    log_due: Any
    no_part: Any
    members: dict[str, Any]


def make_terms(
    state: Ints,
    covariates: Floats,
    log_due: Floats,
    no_part: Floats,
    organization: Ints,
    modality: Ints,
    layout: Layout,
) -> Terms:
    """Terms of points from their states, covariates (last column: the wait) and groups."""
    columns = {
        effect: covariates[:, [list(COVARIATES).index(n) for n in covariate_names(effect)]] for effect in EFFECTS
    }
    states, wait, ones = np.eye(len(STATES))[state], covariates[:, -1:], np.ones((len(state), 1))
    return Terms(
        x_odds=np.hstack([states, columns["odds"], wait]),
        x_time=np.hstack([states, columns["time"], wait]),
        x_part=np.hstack([ones, columns["part"]]),
        x_spread=np.hstack([states, columns["spread"]]),
        log_due=log_due,
        no_part=no_part,
        members={
            effect: layout.start(effect) + (organization if effect.startswith("organization") else modality)
            for effect in POOLED
        },
    )


def terms_of(design: Design, segment: Ints, layout: Layout) -> Terms:
    """Terms of the linear predictors for some segments of the design."""
    return make_terms(
        design.state[segment],
        design.covariates[segment],
        design.log_due[segment],
        design.no_part[segment],
        design.organization[segment],
        design.modality[segment],
        layout,
    )


def predictors(raw: Any, terms: Terms, location: Any, scale: Any, xp: Any = NUMPY) -> Predictors:
    """Linear predictors of all points.

    Parameters
    ----------
    raw : array
        Standard normals: shape (layout.size,) in the sampler, (draws, layout.size) after it.
    terms : Terms
    location, scale : array of shape (N_PARAMETERS,)
        Of the priors.
    xp : namespace
        ``latency.NUMPY`` or ``tensors.TENSORS``.

    Returns
    -------
    Predictors
        Of shape (points,) or (draws, points).
    """
    theta = location + scale * xp.take(raw, slice(0, N_PARAMETERS))
    sd = {n: xp.exp(xp.take(theta, _one("scale", i))) for i, n in enumerate(POOLED)}
    effect = {name: sd[name] * xp.take(raw, terms.members[name]) for name in POOLED}
    tied = xp.take(theta, _one("tie", 0)) * sd["organization_time"] * xp.take(raw, terms.members["organization_odds"])
    odds = xp.dot(terms.x_odds, xp.take(theta, PLACES["odds"])) + effect["organization_odds"] + effect["modality_odds"]
    time = xp.dot(terms.x_time, xp.take(theta, PLACES["time"])) + terms.log_due
    time = time + effect["organization_time"] + tied + effect["modality_time"]
    part = xp.dot(terms.x_part, xp.take(theta, PLACES["part"])) + terms.no_part + effect["organization_part"]
    return Predictors(
        odds=odds,
        part=part,
        time=time,
        shape=xp.exp(-xp.dot(terms.x_spread, xp.take(theta, PLACES["spread"]))),
        part_time=xp.take(theta, _one("part_time", 0)),
        part_shape=xp.exp(-xp.take(theta, _one("part_spread", 0))),
        tail=xp.exp(xp.take(theta, _one("tail", 0))),
    )


def named_parameters(raw: Floats, priors: Priors) -> dict[str, Floats]:
    """Draws of every named parameter on its own scale (positive ones exponentiated)."""
    theta = priors.location + priors.scale * raw[..., :N_PARAMETERS]
    positive = {name for name, prior in priors.by_name.items() if prior.distribution == "lognormal"}
    return {n: np.exp(theta[..., i]) if n in positive else theta[..., i] for i, n in enumerate(priors.names)}


def _one(group: str, offset: int) -> slice:
    """A slice of length one, so that draws keep an axis to broadcast along."""
    start = PLACES[group].start + offset
    return slice(start, start + 1)
