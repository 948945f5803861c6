"""When do promises come to models that have none? A hazard in bins of age, in closed form.

Forecasts for a model without a promise must not live in a world where none is ever made.
Events per exposure in bins of age have a gamma posterior, so no sampler is needed; what
a promise then does to the opening is the main model's business.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.model.design import day_number, debut_days
from forecast.model.priors import Gamma
from forecast.model.subjects import seen_through
from forecast.tables.episodes import Target, open_window
from forecast.tables.promises import segments

Floats = NDArray[np.float64]

#: Edges of the bins, days after the debut; the last bin is open.
BIN_EDGES: Floats = np.array([0.0, 7.0, 30.0, 90.0, 365.0, 1095.0, np.inf])


@dataclass(frozen=True)
class Arrivals:
    """What is known about promises to come.

    Attributes
    ----------
    shape, rate : array of shape (bins,)
        Gamma posterior of the daily hazard of a promise in each bin of age.
    due_days : array of shape (promises,)
        For each promise seen to arrive: days promised, 0 for a vague one.
    """

    shape: Floats
    rate: Floats
    due_days: Floats

    def hazard(self, rng: np.random.Generator, draws: int) -> Floats:
        """Posterior draws of the daily hazard, shape (draws, bins)."""
        return rng.gamma(self.shape, 1 / self.rate, size=(draws, len(self.shape)))

    def promise(self, rng: np.random.Generator, draws: int) -> Floats:
        """A promise to come for each draw: days promised, 0 for a vague one; resampled from those seen."""
        return rng.choice(self.due_days, size=draws) if len(self.due_days) else np.zeros(draws)


def cumulative_hazard(hazard: Floats, age_days: Floats) -> Floats:
    """Integral of a binned hazard from age 0.

    Parameters
    ----------
    hazard : array of shape (draws, bins)
        Per day.
    age_days : array of shape (n,)

    Returns
    -------
    array of shape (draws, n)
    """
    exposure = np.clip(age_days[:, None] - BIN_EDGES[:-1], 0.0, np.diff(BIN_EDGES))
    return hazard @ exposure.T


def fit_arrivals(view: pd.DataFrame, target: Target, prior: Gamma) -> Arrivals:
    """Count promises and exposure by age among AI rows that entered without a promise.

    A row is exposed from its debut until its first promise, its opening or the end of its
    follow-up; a promise after a refusal does not count as a first one.
    """
    opened = open_window(view, target)
    pieces = segments(view, opened.open_last)
    pieces["due_next"] = pieces.groupby("row").due_on.shift(-1)
    rows, opened_first = list(view.itertuples()), opened.open_first.tolist()
    events = np.zeros(len(BIN_EDGES) - 1)
    exposure = np.zeros(len(BIN_EDGES) - 1)
    due_days = []
    for piece in pieces[(pieces.state == "none") & pieces.since.isna()].itertuples():
        row = rows[piece.row]
        if row.domain != "ai_model":
            continue
        debut = debut_days(row.closed_first, row.closed_last).mean()
        ends = [opened_first[piece.row], seen_through(row)]
        end = min(day_number(day) for day in ends if not pd.isna(day))
        promised = not pd.isna(piece.until) and day_number(piece.until) <= end
        age = max((day_number(piece.until) if promised else end) + 0.5 - debut, 0.0)
        exposure += np.clip(age - BIN_EDGES[:-1], 0.0, np.diff(BIN_EDGES))
        if promised:
            events[np.searchsorted(BIN_EDGES, age, side="right") - 1] += 1
            due = piece.due_next
            due_days.append(0.0 if pd.isna(due) else day_number(due) - day_number(piece.until) + 0.5)
    return Arrivals(prior.shape + events, prior.rate_days + exposure, np.array(due_days))
