"""Forecasts for episodes that a user brings, each made at its own debut and later, scored beside Kaplan-Meier."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.errors import FitError, ForecastError, TableError
from forecast.model.baselines import BASELINES, pooled_reference
from forecast.model.ensemble import Ensemble
from forecast.model.fit import Settings, ensemble_for
from forecast.model.lags import lag_through
from forecast.model.predict import model_forecasts
from forecast.model.priors import read_priors
from forecast.model.sampler import Progress
from forecast.record.brought import SCORED_DAYS, LeftOut, MadeDay, read_brought
from forecast.record.scores import Outcome, score_all
from forecast.record.validation import COMPARED, RULES, Fit, Validation
from forecast.release import ReleaseForecast
from forecast.tables.episodes import FollowUp, read_episodes
from forecast.tables.paths import Home


def validate(
    file: Path,
    home: Home,
    today: dt.date,
    fit: Fit = "now",
    follow_up: FollowUp = "silence",
    settings: Settings | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Validation:
    """Forecast the episodes of a file, none of which the fit has seen, and score what is due.

    Each is forecast on the day on which its debut is known and, while it is still closed, 90 and
    365 days later.

    Parameters
    ----------
    file : pathlib.Path
        See :func:`forecast.record.brought.read_brought`.
    home : Home
    today : datetime.date
    fit : {"now", "then"}
        *now*: one fit to the project's table as known today. *then*: for each forecast a fit to
        the table as known on the last quarter day before it. The baselines see the same table.
    follow_up : {"silence", "evidence"}
        For the fit, the forecasts and the scores.
    settings : Settings, optional
        Its seed is that of the resampling, too.
    cache : pathlib.Path, optional
    progress : callable, optional
        Told how far a fit's sampling is.

    Raises
    ------
    TableError
        If a table cannot be read; with one line per bad cell.
    FitError, CacheError
        If the fit of today cannot be made, or not be kept.
    ForecastError
        If no row is left to score.
    """
    settings, priors = settings or Settings(), read_priors(home.priors)
    brought = read_brought(file, home.episodes, today, follow_up)
    items: list[dict[str, Any]] = []
    failed: dict[dt.date, str] = {}
    tables = _by_table(brought.made_days, fit, today)
    for fit_day, made_days in tables.items():
        try:
            view = read_episodes(home.episodes, fit_day, "model", follow_up)
            ensemble = ensemble_for(view, "any", priors, settings, cache, progress)
        except (FitError, TableError) as error:
            if fit == "now":
                raise
            failed[fit_day] = str(error)  # a table too small for a fit, of an early day: the others still count
        else:
            items += _items(ensemble, view, made_days)
    left_out = (*brought.left_out, *_without_fit(tables, failed, {item["episode_id"] for item in items}))
    if not items:
        raise ForecastError(f"{file}: no row is left to score: {_in_short(left_out)}")
    return Validation(
        items=pd.DataFrame(items),
        left_out=left_out,
        fit=fit,
        follow_up=follow_up,
        followed_through=brought.followed_through,
        as_of=today,
        failed_fits={str(day): why for day, why in failed.items()},
        latency=settings.latency,
        seed=settings.seed,
    )


def quarter_day_before(day: dt.date) -> dt.date:
    """The last first day of a quarter that lies before a day."""
    eve = day - dt.timedelta(days=1)
    return dt.date(eve.year, (eve.month - 1) // 3 * 3 + 1, 1)


def _by_table(made_days: Sequence[MadeDay], fit: Fit, today: dt.date) -> dict[dt.date, list[MadeDay]]:
    """Day of the project's table -> the days whose forecasts come from it."""
    found = defaultdict(list)
    for made in made_days:
        found[today if fit == "now" else quarter_day_before(made.day)].append(made)
    return dict(found)


def _without_fit(
    tables: dict[dt.date, list[MadeDay]], failed: dict[dt.date, str], scored: set[str]
) -> tuple[LeftOut, ...]:
    """Rows that have no item because no table of theirs could be fitted."""
    lost = {
        row.episode_id: LeftOut(row.episode_id, row.model, f"no fit as of {fit_day}: {why}")
        for fit_day, why in failed.items()
        for made in tables[fit_day]
        for row in made.subjects.itertuples()
        if row.episode_id not in scored
    }
    return tuple(lost.values())


def _in_short(left_out: Sequence[LeftOut], shown: int = 3) -> str:
    """The first reasons, on one line."""
    more = [f"and {len(left_out) - shown} more"] if len(left_out) > shown else []
    return "; ".join([f"{row.episode_id} ({row.reason})" for row in left_out[:shown]] + more)


def _items(ensemble: Ensemble, view: pd.DataFrame, made_days: Sequence[MadeDay]) -> Iterator[dict[str, Any]]:
    """One row a forecast and horizon that is due, with the scores of all forecasters."""
    fixed = pooled_reference(view, "any")
    forecasts = {"model": _by_model(ensemble, made_days)} | _by_baselines(view, made_days)
    cases = [
        (row, outcome)
        for made in made_days
        for row, outcome in zip(made.subjects.itertuples(), made.outcomes, strict=True)
    ]
    for n, (row, outcome) in enumerate(cases):
        told = {name: of_all[n].given_closed() for name, of_all in forecasts.items()}
        made_on = told["model"].made_on
        gone_days = lag_through(row, pd.Timestamp(made_on))
        reference = fixed.given_survival(gone_days).forecast(made_on, row.episode_id)
        about = {name: getattr(row, name) for name in ("episode_id", "model", "organization")}
        about |= {"made_on": made_on, "fitted_as_of": view.attrs["as_of"]}
        for scored in _scored(told, reference, outcome):
            yield about | scored


def _scored(told: dict[str, ReleaseForecast], reference: ReleaseForecast, outcome: Outcome) -> Iterator[dict[str, Any]]:
    """What every forecaster said of each horizon that is due, and how good it was."""
    scores = {name: score_all(f, reference, outcome, f.made_on, SCORED_DAYS) for name, f in told.items()}
    for horizon in SCORED_DAYS:
        if horizon <= outcome.followed:
            said = {f"prob_{name}": float(f.prob_by(horizon)) for name, f in told.items()}
            marks = {f"{k}_{name}": scores[name][f"{rule}_{horizon}"] for name in told for k, rule in RULES.items()}
            yield {"horizon": horizon, "opened": bool(outcome.opened <= horizon)} | said | marks


def _by_model(ensemble: Ensemble, made_days: Sequence[MadeDay]) -> list[ReleaseForecast]:
    """The model's forecasts: what a row went through until the making weighs the draws, for no fit has seen it."""
    found = []
    for made in made_days:
        nothing_seen = made.subjects.iloc[:0]
        nothing_seen.attrs = made.subjects.attrs
        forecasts = model_forecasts(ensemble, nothing_seen, "any", made.subjects)
        found += [replace(forecast, draws=None) for forecast in forecasts]  # draws of all rows would fill the memory
    return found


def _by_baselines(view: pd.DataFrame, made_days: Sequence[MadeDay]) -> dict[str, list[ReleaseForecast]]:
    """Forecasts of what is learnt from a table, whatever day it is of.

    A baseline makes its forecasts on the day of its table. It knows lags, no calendar: so every row is
    moved by the days between the making and that day, and the forecast back.
    """
    day = view.attrs["as_of"]
    moved = pd.concat([_moved(made.subjects, (day - made.day).days) for made in made_days], ignore_index=True)
    moved.attrs = view.attrs
    true = [(made.day, last.date()) for made in made_days for last in made.subjects.closed_through]
    return {
        name: [
            replace(forecast, made_on=made_on, last_checked=last_checked)
            for forecast, (made_on, last_checked) in zip(BASELINES[key](view, "any", moved), true, strict=True)
        ]
        for name, key in COMPARED.items()
    }


def _moved(rows: pd.DataFrame, days: int) -> pd.DataFrame:
    """Rows with all their days moved."""
    by = pd.Timedelta(days=days)
    columns = {name: rows[name] + by for name in rows.select_dtypes("datetime")}
    said = {
        name: [[(known_on + by, kind, due_on + by) for known_on, kind, due_on in own] for own in rows[name]]
        for name in ("statements", "family_statements")
    }
    return rows.assign(**columns, **said)
