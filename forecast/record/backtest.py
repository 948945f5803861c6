"""Leave-future-out: on each origin day the table as known then, a full fit, forecasts, and what came true."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import FitError
from forecast.model.arrivals import fit_arrivals
from forecast.model.baselines import BASELINES, references
from forecast.model.design import build_design
from forecast.model.ensemble import AVERAGE, Ensemble
from forecast.model.fit import SERIES, Settings, fit, posterior_for, weights_of
from forecast.model.posterior import Posterior
from forecast.model.predict import family_forecasts
from forecast.model.priors import Priors
from forecast.model.terms import Layout, layout_of
from forecast.model.warmup import metric_from
from forecast.record.scores import Outcome, score_all
from forecast.release import HORIZON_DAYS, ReleaseForecast
from forecast.tables.episodes import FollowUp, Target, Unit, open_window, read_episodes
from forecast.tables.paths import SEED

#: Draws that a forecast of the backtest uses: its Monte-Carlo error adds about 0.00003 to a Brier score.
DRAWS = 200

#: Name of a step between origins -> months.
STEPS = {"month": 1, "quarter": 3, "half": 6, "year": 12}


@dataclass(frozen=True)
class Plan:
    """What a backtest does.

    Attributes
    ----------
    origins : tuple of datetime.date
        Days on which forecasts are made.
    as_of : datetime.date
        Day through which outcomes are read.
    unit, target, follow_up, latency : str
        As in a fit; the follow-up rule is that of the scores, too.
    each : bool
        Also score every family of the average by itself.
    horizons : tuple of int
        Days after an origin.
    seed : int
    """

    origins: tuple[dt.date, ...]
    as_of: dt.date
    unit: Unit = "model"
    target: Target = "any"
    follow_up: FollowUp = "silence"
    latency: str = AVERAGE
    horizons: tuple[int, ...] = HORIZON_DAYS
    seed: int = SEED
    each: bool = False

    @property
    def pilot_day(self) -> dt.date:
        """The origin whose fit teaches the sampler of all others."""
        return self.origins[len(self.origins) // 2]

    def as_json(self) -> dict[str, Any]:
        """JSON values, by name."""
        days = {"origins": [day.isoformat() for day in self.origins], "as_of": self.as_of.isoformat()}
        rest = ("unit", "target", "follow_up", "latency", "seed", "each")
        return days | {name: getattr(self, name) for name in rest} | {"horizons": list(self.horizons)}

    def view(self, episodes: Path, as_of: dt.date) -> pd.DataFrame:
        """The table as known on a day."""
        return read_episodes(episodes, as_of, self.unit, self.follow_up)


@dataclass(frozen=True)
class Warm:
    """What all origins share: where the sampler starts, and how long its vector is."""

    pilot: Posterior
    layout: Layout


@dataclass(frozen=True)
class Origin:
    """What became of one origin.

    Attributes
    ----------
    day : datetime.date
    items : pandas.DataFrame
        One row a forecaster and row at risk.
    report : dict
        ``fault`` (why there is no fit, or None), ``diagnostics``, ``rows_at_risk``.
    """

    day: dt.date
    items: pd.DataFrame
    report: dict[str, Any]


def origin_days(first: dt.date, last: dt.date, every: str) -> tuple[dt.date, ...]:
    """Days from the first to the last, a step apart.

    Parameters
    ----------
    first, last : datetime.date
    every : str
        A key of :data:`STEPS`.
    """
    days = pd.date_range(first, last, freq=pd.DateOffset(months=STEPS[every]))
    return tuple(day.date() for day in days)


def warm_up(episodes: Path, plan: Plan, priors: Priors, cache: Path) -> Warm:
    """Fit the middle origin in full, for the sampler of all; a layout with room for all.

    Raises
    ------
    FitError
        If that fit does not converge.
    """
    last = build_design(plan.view(episodes, plan.origins[-1]), plan.target, priors.programs)
    settings = Settings(latency=next(iter(weights_of(plan.latency, priors))), seed=plan.seed)
    pilot = posterior_for(plan.view(episodes, plan.pilot_day), plan.target, priors, settings, cache)
    return Warm(pilot, layout_of(last))


def score_origin(episodes: Path, plan: Plan, origin: dt.date, priors: Priors, warm: Warm, cache: Path) -> Origin:
    """Fit what was known on a day, forecast all rows at risk, score at what is known now.

    A fit that fails after its ladder is reported; the baselines are scored all the same.
    """
    view, outcomes = plan.view(episodes, origin), plan.view(episodes, plan.as_of)
    subjects, seen = at_risk(view, outcomes, plan.target)
    forecasts = {name: list(baseline(view, plan.target, subjects)) for name, baseline in BASELINES.items()}
    report: dict[str, Any] = {"fault": None, "rows_at_risk": len(subjects)}
    try:
        ensemble = _fitted(view, plan, priors, warm, cache)
    except FitError as error:
        report["fault"] = str(error)
    else:
        report["diagnostics"] = ensemble.diagnostics.as_json()
        forecasts |= _by_model(ensemble, view, plan, subjects)
    fixed = [r.forecast(origin, "reference") for r in references(view, plan.target, subjects)]
    about = _traits(subjects, origin)
    rows = [
        about[n] | {"forecaster": name} | _scored(forecast, fixed[n], seen[n], plan.horizons)
        for name, of_all in forecasts.items()
        for n, forecast in enumerate(of_all)
    ]
    return Origin(origin, pd.DataFrame(rows), report)


def at_risk(view: pd.DataFrame, outcomes: pd.DataFrame, target: Target) -> tuple[pd.DataFrame, list[Outcome]]:
    """Rows of a view that can be scored, and what became of them.

    A row is at risk if it was not open on the day, whether or not that was known, and is
    followed beyond it. Leaks and withdrawals end nothing.

    Parameters
    ----------
    view, outcomes : pandas.DataFrame
        The table as known on the origin and at the end, under the same follow-up rule.
    target : {"any", "full"}
    """
    origin, end = (pd.Timestamp(v.attrs["as_of"]) for v in (view, outcomes))
    rows = view[(view.domain == "ai_model") & open_window(view, target).open_last.isna()]
    now = outcomes.assign(**open_window(outcomes, target)).set_index("episode_id")
    kept, seen = [], []
    for place, name in zip(rows.index, rows.episode_id, strict=True):
        if name not in now.index:
            continue  # a family that had an open member before, as is known by now
        after = now.loc[name]
        outcome = _outcome(after, origin, end if not pd.isna(after.open_last) else min(after.closed_through, end))
        if outcome:
            kept.append(place)
            seen.append(outcome)
    found = rows.loc[kept]
    found.attrs = view.attrs
    return found, seen


def _outcome(after: Any, origin: pd.Timestamp, followed_to: pd.Timestamp) -> Outcome | None:
    """What became of a row, None where it was open already or is not followed any longer."""
    followed = (followed_to - origin).days
    if followed <= 0:
        return None
    if pd.isna(after.open_last):
        return Outcome(None, followed)
    day, window = (after.open_last - origin).days, (after.open_last - after.open_first).days + 1
    return Outcome(day, followed, after.open_kind, window) if day > 0 else None


def _fitted(view: pd.DataFrame, plan: Plan, priors: Priors, warm: Warm, cache: Path) -> Ensemble:
    """A full fit of every family that counts."""
    design, arrivals = build_design(view, plan.target, priors.programs), fit_arrivals(view, plan.target, priors.arrival)
    metric = metric_from(warm.pilot, design, warm.layout, SERIES.chains)
    weights = weights_of(plan.latency, priors)
    members = [
        fit(design, arrivals, plan.target, priors, settings, cache, layout=warm.layout, metric=metric, cores=1)
        for settings in (replace(SERIES, latency=name, seed=plan.seed) for name in weights)
    ]
    return Ensemble.of(members, weights)


def _by_model(ensemble: Ensemble, view: pd.DataFrame, plan: Plan, subjects: pd.DataFrame) -> dict[str, Any]:
    """The model's forecasts, and those of each family where they are asked for."""
    found = list(family_forecasts(ensemble, view, plan.target, subjects, draws=DRAWS))
    families = [member.latency for member in ensemble.members] if plan.each else []
    each = {name: [parts[n] for _, parts in found] for n, name in enumerate(families)}
    return {"model": [all_ for all_, _ in found], **each}


def _traits(subjects: pd.DataFrame, origin: dt.date) -> list[dict[str, Any]]:
    """What the strata need of every row."""
    made_on = pd.Timestamp(origin)
    return [
        {
            "origin": made_on,
            "episode_id": row.episode_id,
            "organization": row.organization,
            "country": row.org_country,
            "modality": row.modality,
            "promise": row.promise,
            "age_days": (made_on - row.closed_first).days,
        }
        for row in subjects.itertuples()
    ]


def _scored(
    forecast: ReleaseForecast, reference: ReleaseForecast, outcome: Outcome, horizons: Sequence[int]
) -> dict[str, Any]:
    """One forecast's probabilities, where the outcome fell in it, and its scores."""
    closed = forecast.given_closed()
    low, high, cut = closed.prob_by([outcome.opened - outcome.window_days, outcome.opened, outcome.followed])
    censored = np.isinf(outcome.opened)
    return {
        "day": np.nan if outcome.day is None else float(outcome.day),
        "followed_days": float(outcome.followed),
        "opening": outcome.kind,
        **{f"prob_{h}": float(closed.prob_by(h)) for h in horizons},
        "pit_low": float(cut if censored else low),
        "pit_high": 1.0 if censored else float(high),
        "pit_cut": float(cut),
        **score_all(forecast, reference, outcome, forecast.made_on, horizons),
    }


def origins_left(plan: Plan, done: Sequence[dt.date]) -> list[dt.date]:
    """Origins still to do, the latest and longest first."""
    return [day for day in reversed(plan.origins) if day not in done]
