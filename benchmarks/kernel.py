"""The log-likelihood of :mod:`forecast.model.build` written by hand for one family: a floor to measure against.

Value and gradient in one pass over the points, log-logistic only. The gradients are by hand, which is why this stands
here and not in the model: there a formula is written once and differentiated by PyTensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from forecast.model.blocks import SORTS
from forecast.model.likelihood import NODE_WEIGHTS
from forecast.model.priors import POOLED
from forecast.model.terms import PLACES

Floats = NDArray[np.float64]

#: Rows of the derivatives of a point's log-likelihood; the shapes' are by their logs.
ODDS, PART, TIME, SHAPE, PART_TIME, PART_SHAPE = range(6)


# the kernel counts on their order
assert POOLED == ("organization_odds", "organization_time", "organization_part", "modality_odds", "modality_time")


class Points(NamedTuple):
    """Data of one sort of segments, as ``model_data`` names them; survived ones have no opening."""

    x_odds: Floats
    x_time: Floats
    x_part: Floats
    x_spread: Floats
    log_due: Floats
    no_part: Floats
    organization_odds: Any
    organization_time: Any
    organization_part: Any
    modality_odds: Any
    modality_time: Any
    log_end: Floats
    log_start: Floats
    part: Floats
    with_share: Floats
    alone: Floats
    first: Any
    sign: Floats
    place: Any


class Starts(NamedTuple):
    """Place of the first parameter of each group."""

    odds: int
    time: int
    part: int
    spread: int
    part_time: int
    part_spread: int
    scale: int
    tie: int


def kernel_of(data: dict[str, NDArray[Any]]) -> Callable[[Floats], tuple[float, Floats]]:
    """Log density and gradient of the raw vector on a table.

    Parameters
    ----------
    data : dict of str to array
        From :func:`forecast.model.build.model_data`.
    """
    starts = Starts(*(PLACES[name].start for name in Starts._fields))
    opened, survived = (_points(data, sort) for sort in SORTS)
    given = (data["location"], data["scale"], starts, opened, survived, len(data["wide"]), np.log(NODE_WEIGHTS))
    return lambda raw: _density(raw, *given)


def _points(data: dict[str, NDArray[Any]], sort: str) -> Points:
    named = {name.removeprefix(f"{sort}_").removeprefix("member_"): value for name, value in data.items()}
    if sort == "survived":
        named |= dict.fromkeys(("log_start", "part", "with_share"), np.zeros(0))
    return Points(*(np.ascontiguousarray(named[name]) for name in Points._fields))


@numba.njit(error_model="numpy", inline="always")
def _dot(x, j, theta, start):
    total = 0.0
    for c in range(x.shape[1]):
        total += x[j, c] * theta[start + c]
    return total


@numba.njit(error_model="numpy")
def _opened(p, j, odds, part, time, shape, part_time, part_shape, d):
    """Log-likelihood of an opening, and its derivatives into column j of d."""
    k = p.part[j]
    a = shape * (part_shape if k > 0 else 1.0)
    mu = time + k * part_time
    first, last = (p.log_start[j] - mu) * a, (p.log_end[j] - mu) * a
    small_first, small_last = math.exp(-abs(first)), math.exp(-abs(last))
    log_first = -(math.log1p(small_first) + max(first, 0.0))
    log_last = -(math.log1p(small_last) + max(last, 0.0))
    gap = math.expm1(log_last - log_first)
    odd, odd_part = math.exp(odds), math.exp(part)
    any_ = 1 + odd * (1 + odd_part)
    cdf_first = (1.0 if first > 0 else small_first) / (1 + small_first)
    cdf_last = (1.0 if last > 0 else small_last) / (1 + small_last)
    ratio = (gap + 1) / gap
    d_first, d_last = -cdf_first * (1 - ratio), -cdf_last * ratio
    share = p.with_share[j]
    d[ODDS, j] = share / any_
    d[PART, j] = share * (k - odd * odd_part / any_)
    d[TIME, j] = -(d_first + d_last) * a
    d[SHAPE, j] = d_first * first + d_last * last
    d[PART_TIME, j] = k * d[TIME, j]
    d[PART_SHAPE, j] = k * d[SHAPE, j]
    return share * (odds + k * part - math.log(any_)) + log_first + math.log(-gap)


@numba.njit(error_model="numpy")
def _survived(p, j, odds, part, time, shape, part_time, part_shape, d):
    """Log-likelihood of a segment survived, and its derivatives into column j of d."""
    full, part_shaped = (p.log_end[j] - time) * shape, shape * part_shape
    in_part = (p.log_end[j] - time - part_time) * part_shaped
    sf_full, sf_part = 1 / (1 + math.exp(full)), 1 / (1 + math.exp(in_part))
    odd, odd_part = math.exp(odds), math.exp(part)
    any_, left = 1 + odd * (1 + odd_part), 1 + odd * (sf_full + odd_part * sf_part)
    d_full = -odd * sf_full * (1 - sf_full) / left
    d_part = -odd * odd_part * sf_part * (1 - sf_part) / left
    d[ODDS, j] = 1 / any_ - 1 / left
    d[PART, j] = odd * odd_part * (sf_part / left - 1 / any_)
    d[PART_TIME, j] = -d_part * part_shaped
    d[TIME, j] = d[PART_TIME, j] - d_full * shape
    d[PART_SHAPE, j] = d_part * in_part
    d[SHAPE, j] = d[PART_SHAPE, j] + d_full * full
    return math.log(left) - math.log(any_)


@numba.njit(error_model="numpy")
def _forward(p, opened, raw, theta, sd, s, part_shape, loglik, d):
    """Log-likelihood of all points of one sort, and derivatives by their predictors."""
    for j in range(len(p.log_end)):
        at_odds = raw[p.organization_odds[j]]
        odds = _dot(p.x_odds, j, theta, s.odds) + sd[0] * at_odds + sd[3] * raw[p.modality_odds[j]]
        pace = sd[1] * (raw[p.organization_time[j]] + theta[s.tie] * at_odds) + sd[4] * raw[p.modality_time[j]]
        time = _dot(p.x_time, j, theta, s.time) + p.log_due[j] + pace
        part = _dot(p.x_part, j, theta, s.part) + p.no_part[j] + sd[2] * raw[p.organization_part[j]]
        shape = math.exp(-_dot(p.x_spread, j, theta, s.spread))
        if opened:
            loglik[j] = _opened(p, j, odds, part, time, shape, theta[s.part_time], part_shape, d)
        else:
            loglik[j] = _survived(p, j, odds, part, time, shape, theta[s.part_time], part_shape, d)


@numba.njit(error_model="numpy")
def _backward(p, weight, raw, theta, sd, s, d, by_raw, by_theta):
    """Add the derivatives of the weighted log-likelihoods by members and parameters."""
    for j in range(len(weight)):
        w = weight[j]
        if w == 0:
            continue
        odds, time, part, shape = w * d[ODDS, j], w * d[TIME, j], w * d[PART, j], w * d[SHAPE, j]
        for c in range(p.x_odds.shape[1]):
            by_theta[s.odds + c] += odds * p.x_odds[j, c]
        for c in range(p.x_time.shape[1]):
            by_theta[s.time + c] += time * p.x_time[j, c]
        for c in range(p.x_part.shape[1]):
            by_theta[s.part + c] += part * p.x_part[j, c]
        for c in range(p.x_spread.shape[1]):
            by_theta[s.spread + c] -= shape * p.x_spread[j, c]
        by_theta[s.part_time] += w * d[PART_TIME, j]
        by_theta[s.part_spread] -= w * d[PART_SHAPE, j]
        at_odds, at_time, tie = raw[p.organization_odds[j]], raw[p.organization_time[j]], theta[s.tie]
        by_raw[p.organization_odds[j]] += odds * sd[0] + time * sd[1] * tie
        by_raw[p.organization_time[j]] += time * sd[1]
        by_raw[p.organization_part[j]] += part * sd[2]
        by_raw[p.modality_odds[j]] += odds * sd[3]
        by_raw[p.modality_time[j]] += time * sd[4]
        by_theta[s.scale] += odds * sd[0] * at_odds
        by_theta[s.scale + 1] += time * sd[1] * (at_time + tie * at_odds)
        by_theta[s.scale + 2] += part * sd[2] * raw[p.organization_part[j]]
        by_theta[s.scale + 3] += odds * sd[3] * raw[p.modality_odds[j]]
        by_theta[s.scale + 4] += time * sd[4] * raw[p.modality_time[j]]
        by_theta[s.tie] += time * sd[1] * at_odds


@numba.njit(error_model="numpy")
def _to_nodes(p, loglik, at_nodes):
    for i in range(len(p.first)):
        for n in range(3):
            at_nodes[p.place[i], n] += p.sign[i] * loglik[p.first[i] + n]


@numba.njit(error_model="numpy")
def _weights(p, at_nodes):
    """What each point's log-likelihood counts in the sum: its sign, times its node's share where there are three."""
    weight = p.alone.copy()
    for i in range(len(p.first)):
        for n in range(3):
            weight[p.first[i] + n] = p.sign[i] * at_nodes[p.place[i], n]
    return weight


@numba.njit(error_model="numpy")
def _density(raw, location, scale, s, opened, survived, wide, log_weights):
    theta = location + scale * raw[: len(location)]
    sd, part_shape = np.exp(theta[s.scale : s.scale + 5]), math.exp(-theta[s.part_spread])
    by_raw, by_theta = -raw, np.zeros(len(theta))
    n_opened, n_survived = len(opened.log_end), len(survived.log_end)
    of_opened, of_survived = np.empty(n_opened), np.empty(n_survived)
    d_opened, d_survived = np.empty((6, n_opened)), np.empty((6, n_survived))
    _forward(opened, True, raw, theta, sd, s, part_shape, of_opened, d_opened)
    _forward(survived, False, raw, theta, sd, s, part_shape, of_survived, d_survived)
    total = -0.5 * (raw @ raw) - 0.5 * len(raw) * math.log(2 * math.pi)
    total += opened.alone @ of_opened + survived.alone @ of_survived
    at_nodes = np.zeros((wide, 3)) + log_weights
    _to_nodes(opened, of_opened, at_nodes)
    _to_nodes(survived, of_survived, at_nodes)
    for i in range(wide):
        most = at_nodes[i].max()
        sum_ = np.exp(at_nodes[i] - most).sum()
        total += most + math.log(sum_)
        at_nodes[i] = np.exp(at_nodes[i] - most) / sum_
    _backward(opened, _weights(opened, at_nodes), raw, theta, sd, s, d_opened, by_raw, by_theta)
    _backward(survived, _weights(survived, at_nodes), raw, theta, sd, s, d_survived, by_raw, by_theta)
    by_raw[: len(theta)] += by_theta * scale
    return total, by_raw
