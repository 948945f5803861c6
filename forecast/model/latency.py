"""Latency families: closed-form log survival, one formula for NumPy and PyTensor.

A family gives log S(z) of the standardised log time z = (log t - mu) / sigma; everything
else (hazard, interval probability, quantile) follows from it. A new family is one entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import special


def _add_at(into: Any, index: Any, values: Any) -> Any:
    out = np.array(into)
    np.add.at(out.T, index, np.asarray(values).T)
    return out


#: The array functions a formula may use, for NumPy; ``tensors.py`` has the same for PyTensor.
NUMPY = SimpleNamespace(
    exp=np.exp,
    expm1=np.expm1,
    log=np.log,
    log1p=np.log1p,
    where=np.where,
    softplus=lambda z: np.logaddexp(0.0, z),
    logaddexp=np.logaddexp,
    log_ndtr=special.log_ndtr,
    take=lambda v, index: v[..., index],
    add_at=_add_at,
    dot=lambda matrix, v: v @ matrix.T,
)


@dataclass(frozen=True)
class Latency:
    """A location-scale family of log time.

    Attributes
    ----------
    description : str
        What it assumes, in words.
    log_sf : callable
        ``log_sf(z, tail, xp)``: log survival of the standardised log time, stable in both tails;
        ``tail`` > 0 is a shape that the wider families use.
    """

    description: str
    log_sf: Callable[[Any, Any, Any], Any]


def _burr_xii(z: Any, tail: Any, xp: Any) -> Any:
    # shifted by log tail, so that the Weibull is its limit for a large tail, with the same mu and sigma
    return -tail * xp.softplus(z - xp.log(tail))


#: Name -> family. Log S(z) of the four: -log(1 + e^z); log Phi(-z); -e^z; -k log(1 + e^z / k), k the tail.
LATENCIES: dict[str, Latency] = {
    "log_logistic": Latency(
        "log time is logistic: the hazard rises, then falls like 1/t", lambda z, _tail, xp: -xp.softplus(z)
    ),
    "log_normal": Latency(
        "log time is normal: a lighter tail than the log-logistic", lambda z, _tail, xp: xp.log_ndtr(-z)
    ),
    "weibull": Latency(
        "log time is minus Gumbel: the hazard is a power of t, the tail the lightest", lambda z, _tail, xp: -xp.exp(z)
    ),
    "burr_xii": Latency(
        "a tail of its own: the log-logistic at k = 1, the Weibull as its limit, heavier below 1", _burr_xii
    ),
}


def log_interval(log_sf_start: Any, log_sf_end: Any, xp: Any = NUMPY) -> Any:
    """log[S(start) - S(end)], from log survivals, without leaving the log scale.

    Never log(1 - cdf): that loses every digit in the upper tail.
    """
    return log_sf_start + xp.log(-xp.expm1(log_sf_end - log_sf_start))
