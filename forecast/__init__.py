"""Forecasts of when a closed AI model is opened - in weeks, months, years or never.

The names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

__version__ = version("forecast-release-lag")

_NAMES = {
    "Desk": "forecast.record.answers",
    "ForecastError": "forecast.errors",
    "ReleaseForecast": "forecast.release",
    "Settings": "forecast.model.fit",
    "curve_table": "forecast.pages.tables",
    "plot_curve": "forecast.pages.plots",
    "read_episodes": "forecast.tables.episodes",
    "record_forecasts": "forecast.record.recorder",
    "resolve_questions": "forecast.record.recorder",
    "score_table": "forecast.record.score_table",
}

__all__ = sorted(_NAMES)


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'forecast' has no attribute {name!r}")
    return getattr(import_module(_NAMES[name]), name)
