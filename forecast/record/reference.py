"""The fixed reference that every forecast is mixed with before a log score."""

from __future__ import annotations

import datetime as dt

import numpy as np

from forecast.errors import ForecastError
from forecast.release import GRID_DAYS, ReleaseForecast


def constant_hazard(
    rate_per_day: float, p_never: float, made_on: dt.date, target_id: str, part_share: float = 0.0
) -> ReleaseForecast:
    r"""Forecast a constant hazard with a never fraction.

    .. math:: F(u) = (1 - p_{never})(1 - e^{-\lambda u})

    Parameters
    ----------
    rate_per_day : float
        Hazard of those that open at all, above 0.
    p_never : float
        Fraction that never opens, in [0, 1).
    made_on : datetime.date
        Day 0.
    target_id : str
        What it is a forecast of.
    part_share : float
        Fraction of the openings that are in part. At 0 the ``kind`` score of an opening in part is
        infinite for whoever gave that no chance.

    Returns
    -------
    ReleaseForecast

    Raises
    ------
    ForecastError
        If a number is out of range; a reference has to leave every day a chance.
    """
    if not (0 < rate_per_day < np.inf and 0 <= p_never < 1 and 0 <= part_share <= 1):
        raise ForecastError(
            f"reference for {target_id}: rate_per_day {rate_per_day:g} must be above 0, "
            f"p_never {p_never:g} in [0, 1) and part_share {part_share:g} in [0, 1]"
        )
    cdf = -(1 - p_never) * np.expm1(-rate_per_day * GRID_DAYS)
    return ReleaseForecast(
        target_id=target_id,
        forecaster="constant_hazard_reference",
        made_on=made_on,
        cdf_full=(1 - part_share) * cdf,
        cdf_part=part_share * cdf,
        p_never_structural=p_never,
    )
