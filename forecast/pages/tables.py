"""Finished tables for pictures and pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.record import ledger
from forecast.record.questions import Question
from forecast.record.records import release_forecast
from forecast.record.transcripts import standing_forecasts
from forecast.release import GRID_DAYS, WORD_CUT_DAYS, ReleaseForecast


def curve_table(forecast: ReleaseForecast, level: float = 0.9) -> pd.DataFrame:
    """The forecast's curve over calendar days.

    Returns
    -------
    pandas.DataFrame
        ``day`` (datetime64), ``p`` = P(open by the day), ``low`` and ``high`` of its pointwise
        credible band (missing without draws), ``p_full``.
    """
    low, high = forecast.band(level) if forecast.draws else (np.nan, np.nan)
    days = pd.Timestamp(forecast.made_on) + pd.to_timedelta(GRID_DAYS, unit="D")
    return pd.DataFrame({"day": days, "p": forecast.cdf, "low": low, "high": high, "p_full": forecast.cdf_full})


def said_table(folder: Path, questions: Sequence[Question], horizon_days: int = 365) -> pd.DataFrame:
    """What everybody in a ledger said about some questions: of one forecaster and day the first recorded.

    Returns
    -------
    pandas.DataFrame
        ``question_id``, ``forecaster``, ``made_on``, the words counted from the asking day, and
        ``prob``, P(open within the horizon of the making).
    """
    asked, keys = {q.id: q.asked_on for q in questions}, ["question_id", "forecaster", "made_on"]
    rows = []
    for body in (body for chain in ledger.chains(folder) for body in standing_forecasts(folder, chain)):
        if body["question_id"] in asked:
            said = release_forecast(body)
            words = said.words(asked[said.target_id])
            rows.append({k: body[k] for k in keys} | words | {"prob": float(said.prob_by(horizon_days))})
    columns = [*keys, *WORD_CUT_DAYS, "never", "prob"]
    return pd.DataFrame(rows, columns=columns).drop_duplicates(keys, ignore_index=True)
