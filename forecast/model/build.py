"""Design + priors + likelihood -> a PyMC model. No I/O, no sampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor
from numpy.typing import NDArray

from forecast.model.design import NODE_TOLERANCE, Design
from forecast.model.latency import LATENCIES
from forecast.model.likelihood import Points, average_nodes, point_loglik
from forecast.model.priors import Priors
from forecast.model.tensors import TENSORS
from forecast.model.terms import layout_of, predictors, round_up, terms_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Segments are padded to multiples of these, so that another day's table has the same shapes.
_BLOCKS = {"triples": 32, "singles": 64}


@dataclass(frozen=True)
class Grid:
    """Points at which survival is read: first three nodes a segment, then one a segment.

    Attributes
    ----------
    segment : array of shape (points,)
        Segment of each point; padding repeats segment 0 with weight 0.
    node : array of shape (points,)
        Node of the debut day.
    triples : int
        Segments with three nodes; their points come first.
    weight : array of shape (triples + singles,)
        The sign of each segment, 0 for padding.
    """

    segment: Ints
    node: Ints
    triples: int
    weight: Floats


def node_grid(design: Design) -> Grid:
    """Give three nodes to segments whose debut window is wide against the lag, else its middle."""
    width = np.ptp(design.end_days, axis=1)
    wide = width > NODE_TOLERANCE * design.start_days.mean(axis=1)
    wide &= width > 0
    triples = _padded(np.flatnonzero(wide), _BLOCKS["triples"])
    singles = _padded(np.flatnonzero(~wide), _BLOCKS["singles"])
    order = np.concatenate([triples, singles])
    return Grid(
        segment=np.maximum(np.concatenate([np.repeat(triples, 3), singles]), 0),
        node=np.concatenate([np.tile(np.arange(3), len(triples)), np.ones(len(singles), np.int64)]),
        triples=len(triples),
        weight=np.where(order < 0, 0.0, design.sign[np.maximum(order, 0)]),
    )


def points_of(design: Design, grid: Grid) -> Points:
    """The likelihood's readings at every point of the grid."""
    at = (grid.segment, grid.node)
    opened = design.kind[grid.segment] > 0
    part = (design.kind[grid.segment] == 2).astype(np.float64)
    return Points(
        log_start=np.log(np.maximum(design.start_days[at], 1e-300)),
        log_end=np.log(design.end_days[at]),
        start_part=np.where(opened, part, 0.0),
        end_part=np.where(opened, part, 1.0),
        opened=opened.astype(np.float64),
        with_share=design.with_share[grid.segment],
    )


def build_model(design: Design, priors: Priors, latency: str) -> pm.Model:
    """The model, ready to sample.

    One variable, ``raw``: every parameter and every group's member as a standard normal seen
    through its prior, so that the sampler meets one scale everywhere.

    Parameters
    ----------
    design : Design
    priors : Priors
    latency : str
        A key of ``LATENCIES``.

    Returns
    -------
    pymc.Model
    """
    grid, layout = node_grid(design), layout_of(design)
    points, terms = (_shared(x) for x in (points_of(design, grid), terms_of(design, grid.segment, layout)))
    family = LATENCIES[latency]
    with pm.Model() as model:
        raw = pm.Normal("raw", 0.0, 1.0, shape=layout.size)
        p = predictors(raw, terms, _constant(priors.location), _constant(priors.scale), TENSORS)
        loglik = point_loglik(points, p, family, TENSORS)
        cut = 3 * grid.triples
        averaged = average_nodes(loglik[:cut].reshape((grid.triples, 3)), TENSORS)
        weights = _constant(grid.weight)
        total = (averaged * weights[: grid.triples]).sum() + (loglik[cut:] * weights[grid.triples :]).sum()
        pm.Potential("loglik", total)
    return model


def _constant(value: NDArray[Any]) -> Any:
    """A shared variable of known shape: data that do not enter the compiled code's cache key."""
    return pytensor.shared(value, shape=value.shape)


def _shared(record: Any) -> Any:
    """The same record with its arrays as shared variables."""
    values = {}
    for name, value in vars(record).items():
        values[name] = {k: _constant(v) for k, v in value.items()} if isinstance(value, dict) else _constant(value)
    return type(record)(**values)


def _padded(index: Ints, block: int) -> Ints:
    return np.concatenate([index, np.full(round_up(len(index), block) - len(index), -1)]).astype(np.int64)
