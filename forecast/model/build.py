"""Design + priors + likelihood -> a PyMC model. No I/O, no sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from forecast.model.absorbed import prior_map
from forecast.model.blocks import SORTS, block_of, over_nodes, point_loglik, readings, wide_rows
from forecast.model.design import Design
from forecast.model.latency import LATENCIES
from forecast.model.moments import FamilyMoments
from forecast.model.priors import POOLED, Priors
from forecast.model.tensors import TENSORS
from forecast.model.terms import Layout, Terms, predictors, terms_of

_READINGS = {"opened": ("log_start", "log_end", "part", "with_share"), "survived": ("log_end",)}


def model_data(
    design: Design, priors: Priors, layout: Layout, moments: FamilyMoments | None = None
) -> dict[str, NDArray[Any]]:
    """All numbers that the model reads, by name: another table is other numbers for the same compiled code.

    Parameters
    ----------
    design : Design
    priors : Priors
    layout : Layout
        With a place for each of the design's groups.
    moments : FamilyMoments, optional
        Of an earlier posterior, in the place of standard normals.
    """
    blocks = {sort: block_of(design, sort) for sort in SORTS}
    rows = wide_rows(design, blocks)
    data: dict[str, NDArray[Any]] = {"location": priors.location, "scale": priors.scale, "wide": np.zeros(len(rows))}
    for sort, block in blocks.items():
        terms = vars(terms_of(design, block.segment, layout))
        members, sign = terms.pop("members"), design.sign[block.segment]
        alone = sign.copy()
        alone[: 3 * len(block.first)] = 0.0
        named = {
            **readings(design, block, sort),
            **terms,
            **{f"member_{effect}": place for effect, place in members.items()},
            "alone": alone,
            "first": block.first,
            "sign": sign[block.first],
            "place": np.searchsorted(rows, design.row[block.segment[block.first]]),
        }
        data |= {f"{sort}_{name}": value for name, value in named.items()}
    if moments is not None:
        data["centre"], data["stretch"] = prior_map(moments, design, layout)
    return data


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
        given: dict[str, Any] = {name: pm.Data(name, v, shape=_shape(v)) for name, v in data.items()}
        raw = pm.Normal("raw", 0.0, 1.0, shape=size)
        if "stretch" in given:  # the priors are a posterior: normals seen through its moments
            seen = given["centre"] + pm.math.dot(given["stretch"], raw)
            raw = pt.specify_shape(seen, size)  # slices of one element must be known to be that
        pm.Potential("loglik", _loglik(raw, given, latency))
    return model


def _shape(value: NDArray[Any]) -> tuple[int | None, ...]:
    """Rows may change, columns not."""
    return (None, *value.shape[1:])


def _loglik(raw: Any, given: dict[str, Any], latency: str) -> Any:
    """Log-likelihood of all rows: a sum over segments with one node, and one over rows with three.

    Never one long vector of segments: joining vectors takes seconds to compile.
    """
    alone, parts = 0.0, []
    for sort in SORTS:
        mine = {name.removeprefix(f"{sort}_"): value for name, value in given.items() if name.startswith(f"{sort}_")}
        p = predictors(raw, _terms(mine), given["location"], given["scale"], TENSORS)
        loglik = point_loglik({n: mine[n] for n in _READINGS[sort]}, p, LATENCIES[latency], sort, TENSORS)
        alone = alone + (loglik * mine["alone"]).sum()
        parts.append((loglik, mine["first"], mine["sign"], mine["place"]))
    return alone + over_nodes(parts, given["wide"], TENSORS).sum()


def _terms(given: dict[str, Any]) -> Terms:
    members = {effect: given[f"member_{effect}"] for effect in POOLED}
    return Terms(**{n: given[n] for n in Terms.__dataclass_fields__ if n != "members"}, members=members)
