"""Scoring rules for days that may never come: pure functions, and one table that says how to read them.

Every rule sees an item only up to C, the day through which it is followed. C is set by the
calendar, so an opening after C is "not open by C" for every rule, and being scored does not depend
on what happened. What lies beyond the standard grid is never scored.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from forecast.errors import ForecastError
from forecast.release import GRID_DAYS, HORIZON_DAYS, WORD_CUT_DAYS, Floats, ReleaseForecast

#: Weight of the reference in what a log rule scores: enough to keep a forecast of 0 finite, too little to help it.
REFERENCE_SHARE = 0.01


@dataclass(frozen=True)
class Outcome:
    """What became of one forecast, as far as it is followed.

    Attributes
    ----------
    day : int or None
        k: it opened on made day + k, that is in (k - 1, k]. None: not opened.
    censored_day : float
        C: days from the making to the last day it is followed.
    kind : {"full", "part"} or None
        How it opened.
    window_days : int
        Days within which it is known to have opened, the last of them k; cut at the making.

    Raises
    ------
    ForecastError
        If k or C is not above zero.
    """

    day: int | None
    censored_day: float
    kind: Literal["full", "part"] | None = None
    window_days: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be scored."""
        if self.day is not None and self.day <= 0:
            raise ForecastError(f"opened on day {self.day} after the making: known by then, so not scored")
        if not 0 < self.censored_day < np.inf:
            raise ForecastError(f"followed for {self.censored_day:g} days: at least a part of one day is needed")

    @property
    def followed(self) -> float:
        """C, or the end of the standard grid where that comes first."""
        return min(self.censored_day, float(GRID_DAYS[-1]))

    @property
    def opened(self) -> float:
        """Day k where it opened by C, else infinity."""
        return self.day if self.day is not None and self.day <= self.followed else np.inf


def log_loss(chance: ArrayLike) -> Floats:
    """Negative log of the probability given to what came, in nats; infinite at 0."""
    with np.errstate(divide="ignore"):
        return -np.log(np.maximum(chance, 0.0))  # a difference of CDFs may round to a hair below 0


def squared_error(p: ArrayLike, happened: ArrayLike) -> Floats:
    """Squared error of a probability: 0 is perfect, 0.25 is a coin, 1 is worst."""
    return np.asarray((np.asarray(p, float) - np.asarray(happened, float)) ** 2)


def mean_squared_gap(days: Floats, cdf: Floats, opened: float, followed: float) -> float:
    r"""Mean over [0, C] of the squared gap between a CDF and the step at t, in closed form.

    .. math:: \frac{1}{C} \int_0^C (F(u) - 1\{t \le u\})^2 du

    Parameters
    ----------
    days, cdf : array of shape (knots,)
        F, linear between knots; the first is day 0, and F stays flat after the last.
    opened : float
        t; infinity where it did not open.
    followed : float
        C.
    """
    knots = np.union1d(days[days < followed], [min(opened, followed), followed])
    values = np.interp(knots, days, cdf)
    step = knots[:-1] >= opened
    left, right = values[:-1] - step, values[1:] - step
    return float(np.sum(np.diff(knots) * (left**2 + left * right + right**2)) / 3 / followed)


def log(forecast: ReleaseForecast, outcome: Outcome) -> float:
    r"""Right-censored log score (RCLL).

    .. math:: -\log[F(k) - F(k - 1)] \text{ if open by } C, \quad -\log[1 - F(C)] \text{ if not}

    It is the plain log score of what can be seen by C - one of C days, or none of them - and so
    proper whatever C is. An opening known to a month only is one in (k - window, k]; there it is
    proper where C is not inside the window.
    """
    return _log_of_seen(forecast, outcome, forecast.cdf)


def kind(forecast: ReleaseForecast, outcome: Outcome) -> float:
    r"""Log score of the day and the kind of opening; as :func:`log` while it is not open.

    .. math:: -\log[p_k (F_k(k) - F_k(k - 1))]

    NaN where the kind is not known.
    """
    split = {"full": forecast.cdf_full, "part": forecast.cdf_part}
    if np.isfinite(outcome.opened) and outcome.kind is None:
        return np.nan
    return _log_of_seen(forecast, outcome, split.get(outcome.kind or "", forecast.cdf))


def cut_crps(forecast: ReleaseForecast, outcome: Outcome) -> float:
    """Threshold-weighted CRPS up to C, over C: see :func:`mean_squared_gap`.

    The step stands at t = k, the end of the day of opening. A forecast that spreads a day's
    chance m over that day thereby looks half a day early, which costs it the mean of m^2 / 3 over
    the days up to C: 0.0001 for a constant hazard with a median of 30 days and C = 30.
    """
    return mean_squared_gap(GRID_DAYS, forecast.cdf, outcome.opened, outcome.followed)


def rps(forecast: ReleaseForecast, outcome: Outcome, asked_on: dt.date) -> float:
    r"""Ranked probability score over weeks, months and years.

    .. math:: \sum_{0 < b \le C} (F(b) - 1\{k \le b\})^2

    The cuts b are the ends of the words, counted from the asking day. Cuts that had passed at the
    making or lie beyond C drop; NaN where none is left.
    """
    cuts = np.array(list(WORD_CUT_DAYS.values())) - (forecast.made_on - asked_on).days
    cuts = cuts[(cuts > 0) & (cuts <= outcome.followed)]
    if not cuts.size:
        return np.nan
    return float(squared_error(forecast.prob_by(cuts), outcome.opened <= cuts).sum())


def brier(forecast: ReleaseForecast, outcome: Outcome, horizon: int) -> float:
    """Squared error of P(open by the horizon); NaN while the horizon lies beyond C, opened or not."""
    if horizon > outcome.followed:
        return np.nan
    return float(squared_error(forecast.prob_by(horizon), outcome.opened <= horizon))


def log_at(forecast: ReleaseForecast, outcome: Outcome, horizon: int) -> float:
    """Log score of "open by the horizon?"; NaN while the horizon lies beyond C, opened or not."""
    if horizon > outcome.followed:
        return np.nan
    p = float(forecast.prob_by(horizon))
    return float(log_loss(p if outcome.opened <= horizon else 1 - p))


def _log_of_seen(forecast: ReleaseForecast, outcome: Outcome, cdf: Floats) -> float:
    """Score the day of opening under one CDF, or being closed through C under the whole one."""
    if np.isinf(outcome.opened):
        return float(log_loss(1 - forecast.prob_by(outcome.followed)))
    before, by = forecast.prob_by([max(outcome.opened - outcome.window_days, 0.0), outcome.opened], cdf)
    return float(log_loss(by - before))


@dataclass(frozen=True)
class Score:
    """A scoring rule, the answers it applies to, and its direction.

    Attributes
    ----------
    fn : callable
        Of a forecast and an outcome; a rule on words also takes the asking day, one on horizons the horizon.
    answers : {"day", "words", "horizons"}
    units : str
    source : str
    mixed : bool
        Whether the reference is mixed in first: for log rules, which one zero would make infinite.
    lower_is_better : bool
    """

    fn: Callable[..., float]
    answers: Literal["day", "words", "horizons"]
    units: str
    source: str
    mixed: bool = False
    lower_is_better: bool = True


_RCLL = "Sonabend et al. 2022, arXiv:2212.05260; Jonkers et al. 2026, arXiv:2606.06393"
_GRAF = "Graf et al. 1999, doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5"

SCORES: dict[str, Score] = {
    "log": Score(log, "day", "nats", _RCLL, mixed=True),
    "cut_crps": Score(cut_crps, "day", "squared probability", "Gneiting, Ranjan 2011, doi:10.1198/jbes.2010.08110"),
    "rps": Score(rps, "words", "squared probability", "Epstein 1969, JSTOR 26174707"),
    "kind": Score(kind, "day", "nats", "cause-specific form of log: " + _RCLL, mixed=True),
    "brier": Score(brier, "horizons", "squared probability", _GRAF + ", without estimated weights"),
    "log_at": Score(log_at, "horizons", "nats", "Good 1952, doi:10.1111/j.2517-6161.1952.tb00104.x", mixed=True),
}


def prepared(forecast: ReleaseForecast, reference: ReleaseForecast) -> ReleaseForecast:
    """Return what log rules score: both given that it is still closed, mixed 99:1.

    Raises
    ------
    ForecastError
        If the two were made on different days, so that their grids do not meet.
    """
    if forecast.made_on != reference.made_on:
        raise ForecastError(
            f"forecast by {forecast.forecaster} for {forecast.target_id} was made on {forecast.made_on}, "
            f"its reference on {reference.made_on}: make them for the same day"
        )
    return forecast.given_closed().mixed_with(reference.given_closed(), REFERENCE_SHARE)


def score_names(horizons: Sequence[int] = HORIZON_DAYS) -> list[str]:
    """Names of all scores, in the order of :data:`SCORES`."""
    return [f"{name}{suffix}" for name, rule in SCORES.items() for suffix in _arguments(None, horizons)[rule.answers]]


def score_all(
    forecast: ReleaseForecast,
    reference: ReleaseForecast,
    outcome: Outcome,
    asked_on: dt.date,
    horizons: Sequence[int] = HORIZON_DAYS,
) -> dict[str, float]:
    """Score one forecast by every rule, given that it was still closed when it was made.

    Parameters
    ----------
    forecast, reference : ReleaseForecast
        Of the same day; the reference is mixed in for log rules only.
    outcome : Outcome
    asked_on : datetime.date
        Where the words are counted from.
    horizons : sequence of int
        Days after the making.

    Returns
    -------
    dict of str to float
        ``log``, ``cut_crps``, ``rps``, ``kind``, ``brier_30``, ..., ``log_at_730``; NaN where a
        rule has nothing to score.
    """
    versions = {False: forecast.given_closed(), True: prepared(forecast, reference)}
    arguments = _arguments(asked_on, horizons)
    return {
        f"{name}{suffix}": rule.fn(versions[rule.mixed], outcome, *args)
        for name, rule in SCORES.items()
        for suffix, args in arguments[rule.answers].items()
    }


def _arguments(asked_on: dt.date | None, horizons: Sequence[int]) -> dict[str, dict[str, tuple[object, ...]]]:
    """List, for each sort of answer, the suffix of a score's name and what its rule takes besides."""
    return {"day": {"": ()}, "words": {"": (asked_on,)}, "horizons": {f"_{h}": (h,) for h in horizons}}
