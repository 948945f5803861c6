"""Posterior + rows still closed -> forecasts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.special import logsumexp

from forecast.errors import QuestionError
from forecast.model.arrivals import cumulative_hazard
from forecast.model.curves import Curves, given_survival, shares, survival, with_promises
from forecast.model.design import MIN_LAG_DAYS, NODE_TOLERANCE, Design, design_rows
from forecast.model.ensemble import Ensemble, combined
from forecast.model.latency import LATENCIES
from forecast.model.likelihood import NODE_WEIGHTS, Predictors, survived_loglik
from forecast.model.posterior import Posterior
from forecast.model.subjects import seen_through, survived_through
from forecast.model.terms import make_terms, predictors, terms_of
from forecast.release import GRID_DAYS, Draws, ReleaseForecast
from forecast.tables.episodes import Target, open_window
from forecast.tables.promises import STATES

Floats = NDArray[np.float64]

#: Draws that a forecast uses; the Monte-Carlo error of a probability is then below 0.01.
DRAWS = 1000

#: Days at which curves are worked out; the standard grid is read off between them.
KNOTS: Floats = np.unique(
    np.concatenate(
        [np.arange(11), [12, 14, 17, 20, 24, 28, 30, 35, 40, 50, 60, 75, 90], GRID_DAYS[95:182:6], GRID_DAYS[182::6]]
    )
)

#: Edges of the bins in which promises to come are gathered, days from the forecast.
ARRIVAL_EDGES: Floats = np.array([0.0, 3, 10, 30, 60, 90, 135, 200, 300, 450, 675, 1000, 1500, 2250, np.inf])

#: Log odds that stand for "opens for certain".
_SURELY = 40.0


@dataclass(frozen=True)
class Subject:
    """One row to forecast, with its segments; the last one is the state it is in.

    Attributes
    ----------
    row : named tuple
    made_on, through : pandas.Timestamp
        Day of the forecast; last day through which survival is counted.
    design : Design
    in_fit : bool
    """

    row: Any
    made_on: pd.Timestamp
    through: pd.Timestamp
    design: Design
    in_fit: bool

    @property
    def state(self) -> str:
        """The promise state it is in."""
        return STATES[self.design.state[-1]]

    @property
    def nodes(self) -> list[tuple[int, float]]:
        """Nodes of the debut day with their shares: one where its window is narrow against the lag."""
        lags = self.design.end_days[-1:] if self.in_fit else self.design.end_days
        wide = np.ptp(lags, axis=1) > NODE_TOLERANCE * lags.mean(axis=1)
        return [(n, float(w)) for n, w in enumerate(NODE_WEIGHTS)] if wide.any() else [(1, 1.0)]

    @property
    def stale_days(self) -> int:
        """Days between the last check and the forecast, where those count."""
        return (self.made_on - self.through).days


def model_forecasts(
    ensemble: Ensemble,
    view: pd.DataFrame,
    target: Target,
    subjects: pd.DataFrame,
    surely: bool = False,
    draws: int = DRAWS,
) -> Iterator[ReleaseForecast]:
    """Forecasts of rows that are still closed, one at a time.

    A row that the fit has seen is forecast by the mean of each draw's distribution given
    survival; another one by the same, each draw weighted by the likelihood of the row's
    history, across families too. A promised row runs on its promise's clock; a row without one
    may still get one.

    Parameters
    ----------
    ensemble : Ensemble
        Fitted to the view.
    view : pandas.DataFrame
        From :func:`forecast.tables.episodes.read_episodes`; its ``as_of`` is the making day.
    target : {"any", "full"}
        The ensemble's.
    subjects : pandas.DataFrame
        Rows with the view's columns; those whose ``episode_id`` is in the view are in the fit.
    surely : bool
        Without the never fraction: what if all are opened in the end?
    draws : int
        About how many draws to use.

    Raises
    ------
    QuestionError
        If a row is a program or a game.
    """
    for forecast, _ in family_forecasts(ensemble, view, target, subjects, surely, draws):
        yield forecast


def family_forecasts(
    ensemble: Ensemble,
    view: pd.DataFrame,
    target: Target,
    subjects: pd.DataFrame,
    surely: bool = False,
    draws: int = DRAWS,
) -> Iterator[tuple[ReleaseForecast, list[ReleaseForecast]]]:
    """As :func:`model_forecasts`, with the forecast of each family beside that of all."""
    if ensemble.first.target != target:
        raise ValueError(f"posterior of target {ensemble.first.target}, not {target}")
    drawn = ensemble.thinned(draws)
    for subject in subjects_of(drawn.first, subjects, view, target):
        yield of_subject(drawn, subject, surely)


def of_subject(
    ensemble: Ensemble, subject: Subject, surely: bool = False
) -> tuple[ReleaseForecast, list[ReleaseForecast]]:
    """Forecast of one subject by all families and by each, from all draws of the ensemble."""
    parts, evidence = zip(*(_forecast(member, subject, surely) for member in ensemble.members), strict=True)
    return combined(parts, evidence, ensemble.weights), list(parts)


def subjects_of(posterior: Posterior, rows: pd.DataFrame, view: pd.DataFrame, target: Target) -> Iterator[Subject]:
    """Rows with the segments of their history, in the groups of a posterior."""
    programs = rows.episode_id[rows.domain != "ai_model"]
    if len(programs):
        raise QuestionError(f"{programs.iloc[0]} is no AI model: programs and games only inform how long openings take")
    if rows.empty:
        return
    made_on = pd.Timestamp(view.attrs["as_of"])
    through = [survived_through(row, made_on) for row in rows.itertuples()]
    history = rows.assign(closed_through=pd.DatetimeIndex(through), leaked_on=pd.NaT)
    history.attrs = view.attrs
    design = design_rows(history, target, posterior.organizations, posterior.modalities)
    known = set(view.episode_id[open_window(view, target).open_last.isna()])
    # some members of a family that is still closed: the fit has seen the same history as the family's
    families = known if view.attrs["unit"] == "family" else set()
    for n, row in enumerate(rows.itertuples()):
        seen = row.episode_id in known or row.family in families
        yield Subject(row, made_on, through[n], design.of_row(n), seen)


def _forecast(posterior: Posterior, subject: Subject, surely: bool) -> tuple[ReleaseForecast, float]:
    """A family's forecast, and its log likelihood of the history that the fit has not seen."""
    history = _history(posterior, subject)
    log_joint = np.stack([_log_history(posterior, subject, history, n) + np.log(w) for n, w in subject.nodes])
    per_draw = logsumexp(log_joint, axis=0) - _log_seen(posterior, subject, history)
    if posterior.log_weights is not None:
        per_draw = per_draw + posterior.log_weights
    evidence = logsumexp(per_draw)
    weights = np.exp(per_draw - evidence)
    shares_of_nodes = np.exp(log_joint - logsumexp(log_joint, axis=0))
    now = _now(history, surely)
    full = part = np.zeros((len(weights), len(KNOTS)))
    never = np.zeros(len(weights))
    for (node, _), share in zip(subject.nodes, shares_of_nodes, strict=True):
        curves, left = _curves(posterior, subject, now, node, surely)
        full, part, never = (
            full + share[:, None] * curves.full,
            part + share[:, None] * curves.part,
            never + share * left,
        )
    return _result(subject, full, part, weights, float(weights @ never)), float(evidence - np.log(len(per_draw)))


def _result(subject: Subject, full: Floats, part: Floats, weights: Floats, never: float) -> ReleaseForecast:
    draws = Draws(_on_grid(full), _on_grid(part), weights)
    return ReleaseForecast(
        target_id=subject.row.episode_id,
        forecaster="model",
        made_on=subject.made_on.date(),
        cdf_full=weights @ draws.full,
        cdf_part=weights @ draws.part,
        last_checked=subject.row.closed_through.date(),
        p_never_structural=never,
        draws=draws,
    )


def _on_grid(at_knots: Floats) -> Floats:
    """Monotone curves between the knots."""
    with np.errstate(over="ignore"):  # slopes between increments of 1e-310
        return np.asarray(PchipInterpolator(KNOTS, at_knots, axis=1)(GRID_DAYS))


def _history(posterior: Posterior, subject: Subject) -> Predictors:
    """Predictors of all segments of the row, shape (draws, segments)."""
    everything = np.arange(len(subject.design.row))
    terms = terms_of(subject.design, everything, posterior.layout)
    return predictors(posterior.raw, terms, posterior.location, posterior.scale)


def _last(history: Predictors) -> Predictors:
    """Predictors of the last segment, the state the row is in, shape (draws, 1)."""
    return Predictors(**{k: v[..., -1:] for k, v in vars(history).items()})


def _now(history: Predictors, surely: bool) -> Predictors:
    now = _last(history)
    return replace(now, odds=np.full_like(now.odds, _SURELY)) if surely else now


def _log_history(posterior: Posterior, subject: Subject, history: Predictors, node: int) -> Floats:
    """Log-likelihood, per draw, of what the row went through; of its present state, if the fit knows the rest."""
    design, latency = subject.design, LATENCIES[posterior.latency]
    if subject.in_fit:
        return _log_survived(posterior, history, design.end_days[-1, node])
    return survived_loglik(np.log(design.end_days[:, node]), history, latency) @ design.sign


def _log_seen(posterior: Posterior, subject: Subject, history: Predictors) -> Floats:
    """The same, as far as the fit has seen it."""
    if not subject.in_fit:
        return np.zeros(len(posterior.raw))
    unseen = (subject.through - seen_through(subject.row)).days
    ends = subject.design.end_days[-1]
    seen = np.minimum(np.maximum(ends - unseen, MIN_LAG_DAYS), ends)
    return logsumexp([_log_survived(posterior, history, seen[n]) + np.log(w) for n, w in subject.nodes], axis=0)


def _log_survived(posterior: Posterior, history: Predictors, days: float) -> Floats:
    left = survival(np.array([days]), _last(history), LATENCIES[posterior.latency])[2]
    return np.log(left[:, 0])


def _curves(posterior: Posterior, subject: Subject, now: Predictors, node: int, surely: bool) -> tuple[Curves, Floats]:
    """Curves at the knots and the never fraction of the present state, per draw."""
    latency = LATENCIES[posterior.latency]
    start = subject.design.end_days[-1, node : node + 1]
    days = np.union1d(KNOTS[subject.stale_days > KNOTS], KNOTS + subject.stale_days)
    curves = given_survival(start, days, now, latency)
    never = shares(now)[2][:, 0] / survival(start, now, latency)[2][:, 0]
    if subject.state == "none":
        curves = _with_promises(posterior, subject, curves, start, days, surely)
    skip = len(days) - len(KNOTS)
    return Curves(curves.full[:, skip:], curves.part[:, skip:]), never


def _with_promises(
    posterior: Posterior, subject: Subject, direct: Curves, age: Floats, days: Floats, surely: bool
) -> Curves:
    """A row without a promise, in a world where one may still come."""
    rng = np.random.default_rng(posterior.seed)
    hazard = posterior.arrivals.hazard(rng, len(posterior.raw))
    grown = cumulative_hazard(hazard, age + days) - cumulative_hazard(hazard, age)
    bins = np.searchsorted(ARRIVAL_EDGES, days[1:], side="left") - 1
    edges = np.minimum(ARRIVAL_EDGES, days[-1])
    middle = (edges[:-1] + edges[1:]) / 2
    due = np.stack([posterior.arrivals.promise(rng, len(posterior.raw)) for _ in middle], axis=1)
    promised = _when_promised(posterior, subject, age + middle, due, surely)
    lag = np.maximum(days - middle[:, None], 0.0)
    after = given_survival(np.array([1e-9]), lag, promised, LATENCIES[posterior.latency])
    return with_promises(direct, np.exp(-grown), bins, after)


def _when_promised(posterior: Posterior, subject: Subject, ages: Floats, due: Floats, surely: bool) -> Predictors:
    """Predictors of the row once promised at some ages, due after some days (0: vague); (draws, ages, 1)."""
    vague, dated = (vars(_in_state(posterior, subject, name, ages)) for name in ("vague", "dated"))
    told = due > 0
    chosen = {name: np.where(told, dated[name], vague[name]) for name in ("odds", "part", "time", "shape")}
    chosen["time"] += np.log(np.where(told, np.maximum(due, MIN_LAG_DAYS), 1.0))
    if surely:
        chosen["odds"] = np.full_like(chosen["odds"], _SURELY)
    return Predictors(**{name: value[:, :, None] for name, value in (vague | chosen).items()})


def _in_state(posterior: Posterior, subject: Subject, state: str, ages: Floats) -> Predictors:
    """Predictors of the row in a promise state that began at some ages, shape (draws, ages)."""
    design, last = subject.design, np.full(len(ages), len(subject.design.row) - 1)
    covariates = design.covariates[last]
    covariates[:, -1] = np.log1p(ages)
    terms = make_terms(
        np.full(len(ages), STATES.index(state)),
        covariates,
        np.zeros(len(ages)),
        design.no_part[last],
        design.organization[last],
        design.modality[last],
        posterior.layout,
    )
    return predictors(posterior.raw, terms, posterior.location, posterior.scale)
