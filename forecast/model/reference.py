"""The fixed reference: a constant hazard with a never fraction, in closed form."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from forecast.errors import ForecastError
from forecast.release import GRID_DAYS, ReleaseForecast

Floats = NDArray[np.float64]

#: However long it has been closed, the reference leaves it this far from certain.
MOST_NEVER = 1 - 1e-9


@dataclass(frozen=True)
class Reference:
    r"""A constant hazard among those that open at all.

    .. math:: F(u) = (1 - p_{never})(1 - e^{-\lambda u})

    Attributes
    ----------
    rate_per_day : float
        Hazard of those that open at all, above 0.
    p_never : float
        Fraction that never opens, in [0, 1).
    part_share : float
        Fraction of the openings that are in part, in [0, 1].

    Raises
    ------
    ForecastError
        If a number is out of range; a reference has to leave every day a chance.
    """

    rate_per_day: float
    p_never: float
    part_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what gives a day no chance."""
        if not (0 < self.rate_per_day < np.inf and 0 <= self.p_never < 1 and 0 <= self.part_share <= 1):
            raise ForecastError(
                f"reference: rate_per_day {self.rate_per_day:g} must be above 0, "
                f"p_never {self.p_never:g} in [0, 1) and part_share {self.part_share:g} in [0, 1]"
            )

    def given_survival(self, days: float) -> Reference:
        """The same, for one that has been closed for some days already."""
        closed = (1 - self.p_never) * np.exp(-self.rate_per_day * days)
        p_never = min(float(self.p_never / (self.p_never + closed)), MOST_NEVER)
        return Reference(self.rate_per_day, p_never, self.part_share)

    def cdf(self, days: Floats) -> Floats:
        """P(open by some days)."""
        return np.asarray(-(1 - self.p_never) * np.expm1(-self.rate_per_day * days))

    def forecast(self, made_on: dt.date, target_id: str) -> ReleaseForecast:
        """Forecast on the standard grid.

        Parameters
        ----------
        made_on : datetime.date
            Day 0.
        target_id : str
        """
        cdf = self.cdf(GRID_DAYS)
        return ReleaseForecast(
            target_id=target_id,
            forecaster="constant-hazard-never",
            made_on=made_on,
            cdf_full=(1 - self.part_share) * cdf,
            cdf_part=self.part_share * cdf,
            p_never_structural=self.p_never,
        )


def fit_reference(lag_days: Floats, opened: NDArray[np.bool_], part_share: float) -> Reference:
    """Maximum likelihood from right-censored lags.

    Parameters
    ----------
    lag_days : array of shape (n,)
        Days from the debut to the opening, or to the end of follow-up.
    opened : array of shape (n,)
    part_share : float
    """

    def loss(theta: Floats) -> float:
        log_rate, logit_never = theta
        opening = log_rate - np.exp(log_rate) * lag_days - np.logaddexp(0, logit_never)
        still = np.logaddexp(logit_never, -np.exp(log_rate) * lag_days) - np.logaddexp(0, logit_never)
        return -float(np.where(opened, opening, still).sum())

    start = np.array(
        [np.log(opened.sum() / lag_days.sum()) + 1.0, special.logit(np.clip(1 - opened.mean(), 0.02, 0.98))]
    )
    best = optimize.minimize(loss, start, method="L-BFGS-B", bounds=[(-15, 2), (-10, 10)])
    return Reference(float(np.exp(best.x[0])), float(special.expit(best.x[1])), part_share)
