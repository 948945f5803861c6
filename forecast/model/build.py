"""Design + priors + likelihood -> a PyMC model. No I/O, no sampling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from forecast.model.design import NODE_TOLERANCE, Design
from forecast.model.latency import LATENCIES
from forecast.model.likelihood import (
    Points,
    Predictors,
    average_nodes,
    log_survival,
    opened_loglik,
    readings,
    survived_loglik,
)
from forecast.model.priors import POOLED, Priors
from forecast.model.tensors import TENSORS
from forecast.model.terms import Layout, Terms, predictors, terms_of

Ints = NDArray[np.int64]

#: Middle of the debut's window, where one node is enough.
_MIDDLE = 1


@dataclass(frozen=True)
class Grid:
    """Points at which survival is read: openings first, then survived segments.

    Of each sort, first those with three nodes of the debut day, then those with one.

    Attributes
    ----------
    segment : array of shape (points,)
        Segment of each point.
    node : array of shape (points,)
        Node of the debut day.
    opened, survived : tuple of int
        How many segments of each sort have three nodes, and how many one.
    order : array of shape (segments,)
        Segments in the order of their points.
    """

    segment: Ints
    node: Ints
    opened: tuple[int, int]
    survived: tuple[int, int]
    order: Ints


def node_grid(design: Design) -> Grid:
    """Give three nodes to segments whose debut window is wide against the lag, else its middle."""
    width = np.ptp(design.end_days, axis=1)
    wide = (width > NODE_TOLERANCE * design.start_days.mean(axis=1)) & (width > 0)
    opened = design.kind > 0
    triples, singles = np.arange(3), np.array([_MIDDLE])
    sorts = [(opened & wide, triples), (opened & ~wide, singles), (~opened & wide, triples), (~opened & ~wide, singles)]
    found = [(np.flatnonzero(which), nodes) for which, nodes in sorts]
    counts = [len(index) for index, _ in found]
    return Grid(
        segment=np.concatenate([np.repeat(index, len(nodes)) for index, nodes in found]),
        node=np.concatenate([np.tile(nodes, len(index)) for index, nodes in found]),
        opened=(counts[0], counts[1]),
        survived=(counts[2], counts[3]),
        order=np.concatenate([index for index, _ in found]),
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


def model_data(design: Design, priors: Priors, layout: Layout) -> dict[str, NDArray[Any]]:
    """All numbers that the model reads, by name: another table is other numbers for the same compiled code.

    Parameters
    ----------
    design : Design
    priors : Priors
    layout : Layout
        With a place for each of the design's groups.
    """
    grid = node_grid(design)
    terms = vars(terms_of(design, grid.segment, layout))
    members = terms.pop("members")
    return {
        **vars(points_of(design, grid)),
        **terms,
        **{f"member_{effect}": place for effect, place in members.items()},
        "location": priors.location,
        "scale": priors.scale,
        "sign": design.sign[grid.order],
        "opened_triples": np.array(3 * grid.opened[0]),
        "openings": np.array(3 * grid.opened[0] + grid.opened[1]),
        "survived_triples": np.array(3 * grid.survived[0]),
    }


def build_model(data: dict[str, NDArray[Any]], latency: str, size: int) -> pm.Model:
    """The model, ready to sample.

    One variable, ``raw``: every parameter and every group's member as a standard normal seen
    through its prior, so that the sampler meets one scale everywhere.

    Parameters
    ----------
    data : dict of str to array
        From :func:`model_data`.
    latency : str
        A key of ``LATENCIES``.
    size : int
        Of the layout.

    Returns
    -------
    pymc.Model
        ``pymc.set_data`` gives it another table.
    """
    with pm.Model() as model:
        given: dict[str, Any] = {name: pm.Data(name, value) for name, value in data.items()}
        raw = pm.Normal("raw", 0.0, 1.0, shape=size)
        p = predictors(raw, _terms(given), given["location"], given["scale"], TENSORS)
        pm.Potential("loglik", (_segment_loglik(given, p, latency) * given["sign"]).sum())
    return model


def _segment_loglik(given: dict[str, Any], p: Predictors, latency: str) -> Any:
    """Log-likelihood of every segment, in the order of the grid."""
    points = Points(**{name: given[name] for name in Points.__dataclass_fields__})
    start, end = (log_survival(*at, p, LATENCIES[latency], TENSORS) for at in readings(points))
    first, rest = slice(None, given["openings"]), slice(given["openings"], None)
    kind, share = points.end_part[first], points.with_share[first]
    opened = opened_loglik(start[first], end[first], kind, share, _cut(p, first), TENSORS)
    survived = survived_loglik(start[rest], end[rest], _cut(p, rest), TENSORS)
    return pt.concatenate(
        [*_averaged(opened, given["opened_triples"]), *_averaged(survived, given["survived_triples"])]
    )


def _averaged(loglik: Any, triples: Any) -> tuple[Any, Any]:
    """One log-likelihood a segment, from those of three nodes and of one."""
    return average_nodes(loglik[:triples].reshape((-1, 3)), TENSORS), loglik[triples:]


def _terms(given: dict[str, Any]) -> Terms:
    members = {effect: given[f"member_{effect}"] for effect in POOLED}
    return Terms(**{n: given[n] for n in Terms.__dataclass_fields__ if n != "members"}, members=members)


def _cut(p: Predictors, part: slice) -> Predictors:
    """Predictors of the odds at some of the points."""
    return replace(p, odds=p.odds[part], part=p.part[part])
