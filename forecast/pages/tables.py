"""Finished tables for pictures and pages."""

from __future__ import annotations

import pandas as pd

from forecast.release import GRID_DAYS, ReleaseForecast


def curve_table(forecast: ReleaseForecast, level: float = 0.9) -> pd.DataFrame:
    """The forecast's curve over calendar days.

    Returns
    -------
    pandas.DataFrame
        ``day`` (datetime64), ``p`` = P(open by the day), ``low`` and ``high`` of its pointwise
        credible band, ``p_full``.
    """
    low, high = forecast.band(level)
    days = pd.Timestamp(forecast.made_on) + pd.to_timedelta(GRID_DAYS, unit="D")
    return pd.DataFrame({"day": days, "p": forecast.cdf, "low": low, "high": high, "p_full": forecast.cdf_full})
