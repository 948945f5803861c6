"""Segments of one sort, openings or survived, at the nodes of their debut days: what the likelihood reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.model.design import NODE_TOLERANCE, Design
from forecast.model.latency import NUMPY, Latency
from forecast.model.likelihood import Predictors, average_nodes, opened_loglik, survived_loglik

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: The two sorts; each is worked out by its own formula.
SORTS = ("opened", "survived")

#: Middle of the debut's window, where one node is enough.
_MIDDLE = 1


@dataclass(frozen=True)
class Block:
    """Points at which the segments of one sort are read: one node each, or three where the debut window is wide.

    Attributes
    ----------
    segment, node : array of shape (points,)
        Segment of each point, and node of its debut day; the wide ones come first.
    first : array of shape (wide segments,)
        Place of the first of their three points.
    """

    segment: Ints
    node: Ints
    first: Ints

    @property
    def narrow(self) -> slice:
        """Points of segments that have one node."""
        return slice(3 * len(self.first), None)


def block_of(design: Design, sort: str) -> Block:
    """Give three nodes to segments whose debut window is wide against the lag, else its middle."""
    width = np.ptp(design.end_days, axis=1)
    wide = (width > NODE_TOLERANCE * design.start_days.mean(axis=1)) & (width > 0)
    mine = (design.kind > 0) == (sort == "opened")
    three, one = np.flatnonzero(mine & wide), np.flatnonzero(mine & ~wide)
    return Block(
        segment=np.concatenate([np.repeat(three, 3), one]),
        node=np.concatenate([np.tile(np.arange(3), len(three)), np.full(len(one), _MIDDLE)]),
        first=3 * np.arange(len(three)),
    )


def readings(design: Design, block: Block, sort: str) -> dict[str, Floats]:
    """Arguments of the sort's formula at every point."""
    log_end = np.log(design.end_days[block.segment, block.node])
    if sort == "survived":
        return {"log_end": log_end}
    start = design.start_days[block.segment, block.node]
    return {
        "log_start": np.log(np.maximum(start, 1e-300)),
        "log_end": log_end,
        "part": (design.kind[block.segment] == 2).astype(np.float64),
        "with_share": design.with_share[block.segment],
    }


def point_loglik(given: dict[str, Any], p: Predictors, latency: Latency, sort: str, xp: Any = NUMPY) -> Any:
    """Log-likelihood at every point of a block, from its readings."""
    formula: Any = opened_loglik if sort == "opened" else survived_loglik
    return formula(**given, p=p, latency=latency, xp=xp)


def wide_rows(design: Design, blocks: dict[str, Block]) -> Ints:
    """Rows with a segment that has three nodes: all of these share the day, so the row is averaged as a whole."""
    return np.unique(np.concatenate([design.row[block.segment[block.first]] for block in blocks.values()]))


def over_nodes(parts: Iterable[tuple[Any, Any, Any, Any]], zeros: Any, xp: Any = NUMPY) -> Any:
    r"""Log-likelihood of the wide segments of each row, averaged over its debut day.

    .. math:: \log \sum_n w_n \exp \sum_s \pm \log L_{sn}

    Parameters
    ----------
    parts : iterable of (loglik, first, sign, place)
        Of each sort: log-likelihood at its points (last axis), places of the wide segments' first
        points, their signs, and the places of their rows.
    zeros : array of shape (..., wide rows)
    """
    at_nodes = [zeros, zeros, zeros]
    for loglik, first, sign, place in parts:
        at_nodes = [xp.add_at(at, place, sign * xp.take(loglik, first + n)) for n, at in enumerate(at_nodes)]
    return average_nodes(at_nodes[0], at_nodes[1], at_nodes[2], xp)
