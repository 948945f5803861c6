"""Outcomes drawn from the model for the rows of a table: what a fit of them must find again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.model.curves import survival
from forecast.model.design import MIN_LAG_DAYS, Design, build_design, design_rows
from forecast.model.latency import LATENCIES, NUMPY, Latency
from forecast.model.likelihood import NODES, Predictors, log_survival
from forecast.model.priors import Priors
from forecast.model.terms import Layout, predictors, terms_of
from forecast.tables.episodes import Target, open_window

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Standardised log times between which a lag is looked for, and how often the span is halved.
_SPAN, _HALVINGS = 700.0, 70

#: Log of a lag that is as good as never.
_LONGEST = 50.0


@dataclass(frozen=True)
class World:
    """Values of all parameters and members, and what they mean.

    Attributes
    ----------
    raw : array of shape (..., layout.size)
        Standard normals: one vector, or draws of it.
    priors : Priors
        Through which they are seen.
    layout : Layout
    latency : str
        Key of ``LATENCIES``.
    """

    raw: Floats
    priors: Priors
    layout: Layout
    latency: str

    def at(self, design: Design) -> Predictors:
        """Linear predictors of a design's segments, shape (..., segments)."""
        terms = terms_of(design, np.arange(len(design.row)), self.layout)
        return predictors(self.raw, terms, self.priors.location, self.priors.scale)

    def opens_by(self, days: float, design: Design) -> Floats:
        """P(opened within some days of the start of a segment's clock), were its state to last: (..., segments)."""
        return np.asarray(1 - survival(np.array([days]), self.at(design), LATENCIES[self.latency])[2])


def template_of(view: pd.DataFrame, target: Target, programs: bool = False) -> Design:
    """Design of a view had no AI model been opened: every row is followed to its end.

    Of the statements about a row, those made before its real opening are kept; programs and games,
    known by their openings, stay as they are. Arguments as in :func:`forecast.model.design.build_design`.
    """
    real = build_design(view, target, programs)
    return design_rows(_never_opened(view, target), target, real.organizations, real.modalities, programs)


def simulate(template: Design, world: World, rng: np.random.Generator) -> Design:
    """Draw what becomes of every row.

    A row's debut day is uniform in its window. Its segments come one after the other: it is
    opened in one of them, on a day that is recorded as such, and then the later ones never
    happen, or survives it. A row that informs timing only opens in its own kind by the compile day.

    Parameters
    ----------
    template : Design
        From :func:`template_of`: its covariates, groups, promises, follow-up and debut windows stay.
    world : World
        Of one vector.
    rng : numpy.random.Generator
    """
    timing, normaliser = template.with_share == 0, template.sign < 0
    late, compiled = np.flatnonzero(normaliser & ~timing), np.flatnonzero(normaliser & timing)
    entry, limit = np.zeros_like(template.end_days), template.end_days.copy()
    entry[late + 1] = template.end_days[late]  # a delayed entry stands before its segment,
    limit[compiled - 1] = template.end_days[compiled]  # a compile day after its own

    width = np.round((limit[:, 0] - limit[:, 1]) / (NODES[1] - NODES[0]))  # of the debut's window; 0: another clock
    since = width * rng.random(template.row.max() + 1)[template.row]  # from the window's start to the debut
    moved = width / 2 - since
    entered, left = np.where(entry[:, 1] > 0, entry[:, 1] + moved, 0.0), limit[:, 1] + moved
    by = np.where(timing, left, np.inf)
    kind, lag = _first_opening(world.at(template), LATENCIES[world.latency], entered, by, template.kind, rng)
    opened = ~normaliser & (kind > 0) & ((lag < left) | timing)

    noon = np.where(template.covariates[:, -1] > 0, 0.5, 0.0)  # a promise's clock starts at noon
    day = np.floor(noon + since + lag)
    seen = np.where(opened, np.minimum(width, day + 1), width)  # the debut came before the opening
    nodes = noon[:, None] + NODES * seen[:, None]
    start = np.maximum(day[:, None] - nodes, entry)
    end = np.maximum(np.minimum(day[:, None] + 1 - nodes, limit), start + MIN_LAG_DAYS)
    ends = np.where(opened[:, None], end, limit)
    ends[compiled] += NODES * (width - seen)[compiled - 1, None]
    drawn = replace(
        template,
        kind=np.where(timing, template.kind, kind * opened),
        start_days=np.where(opened[:, None], start, template.start_days),
        end_days=ends,
    )
    return drawn.only(timing | ~_after_opening(template.row, opened))


def _never_opened(view: pd.DataFrame, target: Target) -> pd.DataFrame:
    opened = open_window(view, target).open_last
    said = [[s for s in all_ if pd.isna(day) or s[0] < day] for all_, day in zip(view.statements, opened, strict=True)]
    windows = [f"{kind}_{end}" for kind in ("part", "full") for end in ("first", "last")]
    closed = view.assign(statements=said)
    closed[windows] = view[windows].where(view.domain != "ai_model")
    closed.attrs = view.attrs
    return closed


def _first_opening(
    p: Predictors, latency: Latency, entered: Floats, by: Floats, given: Ints, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Kind (0: never) and lag given survival to an entry; where it must come by a day, in a given kind."""
    log_entered = np.log(np.maximum(entered, 1e-300))
    full, part = (log_survival(log_entered, k, p, latency) for k in (0.0, 1.0))
    log_odds = np.stack([np.zeros(len(entered)), p.odds + full, p.odds + p.part + part])
    kind = np.where(np.isfinite(by), given, np.argmax(log_odds + rng.gumbel(size=log_odds.shape), axis=0))
    in_part = (kind == 2).astype(np.float64)
    survived = log_survival(log_entered, in_part, p, latency)
    at_last = np.where(np.isfinite(by), log_survival(np.log(np.minimum(by, 1e9)), in_part, p, latency), -np.inf)
    log_sf = survived + np.log1p(rng.random(len(kind)) * np.expm1(at_last - survived))
    shape = p.shape * (1 + in_part * (p.part_shape - 1))
    log_lag = p.time + in_part * p.part_time + _inverse(log_sf, p, latency) / shape
    return kind, np.exp(np.minimum(log_lag, _LONGEST))


def _inverse(log_sf: Floats, p: Predictors, latency: Latency) -> Floats:
    """Standardised log time of a log survival, by halving: no family needs a formula of its own."""
    low, high = np.full_like(log_sf, -_SPAN), np.full_like(log_sf, _SPAN)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        alive = latency.log_sf(middle, p.tail, NUMPY) > log_sf
        low, high = np.where(alive, middle, low), np.where(alive, high, middle)
    return (low + high) / 2


def _after_opening(row: Ints, opened: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Segments of a row that come after one in which it was opened; rows stand together."""
    before = np.cumsum(opened) - opened
    return before > before[np.searchsorted(row, row)]
