"""The array functions of ``latency.NUMPY``, for PyTensor."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytensor.tensor as pt

_SQRT2 = np.sqrt(2.0)


def _log_ndtr(z: Any) -> Any:
    """Log of the normal CDF: erfcx in the lower tail, log1p of erfc above it."""
    lower = pt.log(pt.erfcx(-pt.minimum(z, 0.0) / _SQRT2) / 2) - pt.minimum(z, 0.0) ** 2 / 2
    return pt.switch(z < -1.0, lower, pt.log1p(-pt.erfc(pt.maximum(z, -1.0) / _SQRT2) / 2))


TENSORS = SimpleNamespace(
    exp=pt.exp,
    expm1=pt.expm1,
    log=pt.log,
    log1p=pt.log1p,
    where=pt.switch,
    softplus=pt.softplus,
    logaddexp=pt.logaddexp,
    log_ndtr=_log_ndtr,
    take=lambda v, index: v[index],
    add_at=lambda into, index, values: pt.inc_subtensor(into[index], values),
    dot=pt.dot,
)
