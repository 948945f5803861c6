"""ReleaseForecast: the one result of the model, the baselines and every import.

A forecast is a cumulative distribution of the opening day on one standard grid of days
after it was made, split into openings in full and in part; what is left at the end of the
grid is "not within ten years". Scoring knows nothing else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.errors import ForecastError

Floats = NDArray[np.float64]

#: Days after the making at which a CDF is stored: daily to 90, weekly to 730, monthly to 3650.
GRID_DAYS: Floats = np.concatenate(
    [np.arange(91), np.arange(97, 730, 7), [730], 730 + np.round(np.arange(1, 97) * 2920 / 96)]
).astype(np.float64)

#: Last day, after the asking, that counts as each word; never = later than the last, or not at all.
WORD_CUT_DAYS: dict[str, int] = {"weeks": 60, "months": 730, "years": 3650}

#: Horizons, in days after the making, at which P(open) is reported.
HORIZON_DAYS: tuple[int, ...] = (30, 90, 180, 365, 730)

#: Slack for rounding in a CDF that must rise and stay below one.
_SLACK = 1e-9


def weighted_quantile(values: Floats, weights: Floats, q: ArrayLike) -> Floats:
    """Quantiles of weighted draws, by inverting their step CDF.

    Parameters
    ----------
    values, weights : array of shape (draws,)
        Weights need not add up to one.
    q : array_like
        Levels in [0, 1].

    Returns
    -------
    array of the shape of ``q``
    """
    values, weights = values[weights > 0], weights[weights > 0]
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(weights[order])
    place = np.searchsorted(mass, np.asarray(q, float) * mass[-1])
    return np.asarray(values[order][np.minimum(place, len(values) - 1)])


def word_after(days: int) -> str:
    """The word that an opening so many days after the asking makes true."""
    return next((word for word, cut in WORD_CUT_DAYS.items() if days <= cut), "never")


@dataclass(frozen=True)
class Draws:
    """The same two CDFs for every posterior draw: what credible intervals are made of.

    Attributes
    ----------
    full, part : array of shape (draws, len(GRID_DAYS))
    weights : array of shape (draws,)
        Importance of each draw; they add up to one.
    """

    full: Floats
    part: Floats
    weights: Floats

    @property
    def cdf(self) -> Floats:
        """P(open by each grid day), in full or in part, per draw."""
        return self.full + self.part


@dataclass(frozen=True, eq=False)
class ReleaseForecast:
    """When will it be opened, if ever: a CDF on :data:`GRID_DAYS` after ``made_on``.

    ``cdf[0]`` is P(already open on the day of the making), which is above zero only where
    nobody has looked for a while (``last_checked`` before ``made_on``).

    Attributes
    ----------
    target_id : str
        Question, episode or family.
    forecaster : str
        Name of the model, baseline, person or market.
    made_on : datetime.date
        Day 0 of the grid.
    cdf_full, cdf_part : array of shape (len(GRID_DAYS),)
        P(first opening in full / in part by made_on + GRID_DAYS).
    last_checked : datetime.date or None
        Last day through which it is known to have been closed.
    p_never_structural : float or None
        Posterior mean of the model's never fraction, given what is known.
    draws : Draws or None
        The same per posterior draw; ``None`` for baselines, imports and ledger lines.

    Raises
    ------
    ForecastError
        If a CDF has the wrong length, is not finite, falls, or leaves [0, 1].
    """

    target_id: str
    forecaster: str
    made_on: dt.date
    cdf_full: Floats
    cdf_part: Floats
    last_checked: dt.date | None = None
    p_never_structural: float | None = None
    draws: Draws | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse anything that is not a CDF, once, here."""
        for name, cdf in (("cdf_full", self.cdf_full), ("cdf_part", self.cdf_part)):
            fault = _cdf_fault(cdf)
            if fault:
                raise ForecastError(f"forecast by {self.forecaster} for {self.target_id}: {name} {fault}")
        if self.cdf[-1] > 1 + _SLACK:
            raise ForecastError(
                f"forecast by {self.forecaster} for {self.target_id}: "
                f"full and part add up to {self.cdf[-1]:.6f}, above 1"
            )

    @property
    def cdf(self) -> Floats:
        """P(open by each grid day), in full or in part."""
        return self.cdf_full + self.cdf_part

    @property
    def p_already_open(self) -> float:
        """P(opened between the last check and the making)."""
        return float(self.cdf[0])

    def prob_by(self, days: ArrayLike, cdf: Floats | None = None) -> Floats:
        """P(open by ``made_on + days``), linear between grid days.

        Parameters
        ----------
        days : array_like
            Days after the making; 0 before it, the last value beyond the grid.
        cdf : array of shape (len(GRID_DAYS),), optional
            Another CDF on the same grid, such as ``cdf_full``.
        """
        return np.interp(np.asarray(days, float), GRID_DAYS, self.cdf if cdf is None else cdf, left=0.0)

    def words(self, asked_on: dt.date) -> dict[str, float]:
        """Probabilities of weeks, months, years and never, counted from the asking day.

        For a question asked before the making, what is left of each; they add up to one.
        """
        return dict(zip((*WORD_CUT_DAYS, "never"), self._word_probs(self.cdf, asked_on), strict=True))

    def word_intervals(self, asked_on: dt.date, level: float = 0.9) -> dict[str, tuple[float, float]]:
        """Credible interval of each word's probability; empty without draws."""
        if self.draws is None:
            return {}
        tail = (1 - level) / 2
        ends = [weighted_quantile(p, self.draws.weights, [tail, 1 - tail]) for p in self.word_draws(asked_on).T]
        return {w: (float(low), float(high)) for w, (low, high) in zip((*WORD_CUT_DAYS, "never"), ends, strict=True)}

    def word_draws(self, asked_on: dt.date) -> Floats:
        """Probabilities of the words under each draw, shape (draws, words)."""
        if self.draws is None:
            raise ForecastError(f"forecast by {self.forecaster} for {self.target_id} has no draws")
        return np.array([self._word_probs(row, asked_on) for row in self.draws.cdf])

    def interval(self, statistic: Callable[[Floats], Floats], level: float = 0.9) -> tuple[float, float]:
        """Credible interval of a statistic of the CDF.

        Parameters
        ----------
        statistic : callable
            Takes CDFs of shape (draws, len(GRID_DAYS)), returns one number per draw.
        level : float
            Probability between the two ends.
        """
        if self.draws is None:
            raise ForecastError(f"forecast by {self.forecaster} for {self.target_id} has no draws, so no interval")
        tail = (1 - level) / 2
        low, high = weighted_quantile(statistic(self.draws.cdf), self.draws.weights, [tail, 1 - tail])
        return float(low), float(high)

    def prob_interval(self, day: float, level: float = 0.9) -> tuple[float, float]:
        """Credible interval of P(open by ``made_on + day``)."""
        if day < 0:
            return 0.0, 0.0
        right = int(np.clip(np.searchsorted(GRID_DAYS, day), 1, len(GRID_DAYS) - 1))
        left_day, right_day = GRID_DAYS[right - 1 : right + 1]
        share = min((day - left_day) / (right_day - left_day), 1.0)
        return self.interval(lambda cdf: (1 - share) * cdf[:, right - 1] + share * cdf[:, right], level)

    def band(self, level: float = 0.9) -> tuple[Floats, Floats]:
        """Pointwise credible band of the CDF on the grid."""
        if self.draws is None:
            return self.cdf, self.cdf
        tail = (1 - level) / 2
        ends = np.array([weighted_quantile(c, self.draws.weights, [tail, 1 - tail]) for c in self.draws.cdf.T])
        return ends[:, 0], ends[:, 1]

    def opens_on(self, q: float) -> dt.date:
        """Day by which it is open with probability ``q``, given that it opens within ten years."""
        cdf = self.cdf
        if cdf[-1] <= 0:
            raise ForecastError(
                f"forecast by {self.forecaster} for {self.target_id}: it never opens, so no opening day"
            )
        rising = np.maximum.accumulate(cdf) + np.arange(len(cdf)) * 1e-15
        return self.made_on + dt.timedelta(days=int(np.ceil(np.interp(q * cdf[-1], rising, GRID_DAYS))))

    def given_closed(self) -> ReleaseForecast:
        """The same forecast given that it is still closed on the day of the making: what is scored."""
        left = 1 - self.p_already_open
        if left <= 0:
            raise ForecastError(
                f"forecast by {self.forecaster} for {self.target_id}: open already, so never still closed"
            )
        return self._given_closed_for(0, left)

    def as_of_later(self, day: dt.date) -> ReleaseForecast:
        """The same forecast on a later day on which it is still closed; flat where the grid has run out."""
        gone = (day - self.made_on).days
        if gone < 0:
            raise ForecastError(f"a forecast made on {self.made_on} says nothing as of {day}, which is before")
        left = 1 - float(self.prob_by(gone))
        if left <= 0:
            raise ForecastError(
                f"forecast by {self.forecaster} for {self.target_id}: open by {day} for certain, so never still closed"
            )
        return replace(self._given_closed_for(gone, left), made_on=day, p_never_structural=None)

    def mixed_with(self, other: ReleaseForecast, share: float) -> ReleaseForecast:
        """A mixture: ``share`` of the other forecast, the rest of this one; both made on one day."""
        if self.made_on != other.made_on:
            raise ForecastError(f"forecasts made on {self.made_on} and {other.made_on} do not mix: their grids differ")
        full = (1 - share) * self.cdf_full + share * other.cdf_full
        part = (1 - share) * self.cdf_part + share * other.cdf_part
        return replace(self, cdf_full=full, cdf_part=part, draws=None)

    def _given_closed_for(self, days: int, left: float) -> ReleaseForecast:
        """Curves of the days that follow, given that it is still closed after some, which has chance ``left``."""
        full, part = (
            (self.prob_by(days + GRID_DAYS, cdf) - self.prob_by(days, cdf)) / left
            for cdf in (self.cdf_full, self.cdf_part)
        )
        return replace(self, cdf_full=full, cdf_part=part, draws=None)

    def _word_probs(self, cdf: Floats, asked_on: dt.date) -> list[float]:
        gone = (self.made_on - asked_on).days
        if gone < 0:
            raise ForecastError(f"{self.target_id}: made on {self.made_on}, before it was asked on {asked_on}")
        by_cut = self.prob_by(np.array(list(WORD_CUT_DAYS.values())) - gone, cdf)
        return [float(p) for p in np.diff(np.concatenate([[0.0], by_cut, [1.0]]))]


def _cdf_fault(cdf: Floats) -> str | None:
    """What keeps an array from being a CDF on the standard grid, if anything."""
    if cdf.shape != GRID_DAYS.shape:
        return f"has {cdf.size} values, the standard grid {GRID_DAYS.size}"
    if not np.isfinite(cdf).all():
        return "has values that are not finite"
    if cdf.min() < -_SLACK or cdf.max() > 1 + _SLACK:
        return f"leaves [0, 1] (from {cdf.min():.6f} to {cdf.max():.6f})"
    falls = np.flatnonzero(np.diff(cdf) < -_SLACK)
    return f"falls between days {GRID_DAYS[falls[0]]:g} and {GRID_DAYS[falls[0] + 1]:g}" if falls.size else None
