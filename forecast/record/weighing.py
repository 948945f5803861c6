"""Weights of the latency families: by episodes left out, by organisations left out, by the future left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import FitError
from forecast.model.design import build_design
from forecast.model.fit import posteriors_for
from forecast.model.latency import LATENCIES
from forecast.model.loo import LeftOut, leave_episode_out, leave_organization_out, refit_like, stacking
from forecast.model.posterior import Posterior
from forecast.record.answers import Desk
from forecast.record.summary import CHOICES_THROUGH
from forecast.tables.episodes import Target, Unit
from forecast.tables.paths import cache_dir

#: Where the weights by two ways differ by more than this, leave-future-out wins.
MOST_APART = 0.2

#: A family below this weight costs a fit and changes no digit that is shown: it is left out.
LEAST_WEIGHT = 0.05


@dataclass(frozen=True)
class Fitted:
    """All families fitted to one table, and what each says of episodes left out.

    Attributes
    ----------
    posteriors : dict of str to Posterior
    left_out : dict of str to LeftOut
    stacked : dict of str to float
        Weights by stacking over the episodes left out.
    """

    posteriors: dict[str, Posterior]
    left_out: dict[str, LeftOut]
    stacked: dict[str, float]


def fit_families(
    desk: Desk, as_of: Any, unit: Unit = "model", target: Target = "any", names: tuple[str, ...] = tuple(LATENCIES)
) -> Fitted:
    """Fit families to the table of a day, and leave each episode out (PSIS, high Pareto k fitted anew)."""
    view, cache = desk.views.on(as_of, unit), desk.cache or cache_dir()
    design = build_design(view, target, desk.priors.programs)
    first, *rest = sorted(names, key=lambda name: -desk.priors.families[name])
    found = posteriors_for(view, target, desk.priors, (first, *rest), desk.settings, cache, desk.progress)
    posteriors = {posterior.latency: posterior for posterior in found}
    left_out = {
        name: leave_episode_out(posterior, design, refit_like(posterior, desk.priors, cache))
        for name, posterior in posteriors.items()
    }
    return Fitted(posteriors, left_out, stacked(left_out, desk.settings.seed))


def weigh(desk: Desk, as_of: Any, run: Path) -> pd.DataFrame:
    """Weights by all three ways, and those that are decided on.

    Parameters
    ----------
    desk : Desk
    as_of : datetime.date
        Day of the table for episodes and organisations left out.
    run : pathlib.Path
        Folder of a backtest made with ``--each``: only its origins for choices are read.

    Returns
    -------
    pandas.DataFrame
        One row a family: ``elpd_*`` (mean nats), weights ``loo``, ``logo``, ``lfo``, ``decided``;
        ``refitted``.

    Raises
    ------
    FitError
        If the run did not score each family.
    """
    future = future_left_out(run / "items.parquet")
    seed = desk.settings.seed
    fitted = fit_families(desk, as_of)
    design = build_design(desk.views.on(as_of), "any", desk.priors.programs)
    cache = desk.cache or cache_dir()
    organizations = {
        name: leave_organization_out(design, refit_like(p, desk.priors, cache), np.random.default_rng(seed))
        for name, p in fitted.posteriors.items()
    }
    logo, lfo = stacked(organizations, seed), stacked(future, seed)
    decision = decided(fitted.stacked, lfo)
    return pd.DataFrame(
        {
            "family": name,
            "elpd_loo": float(fitted.left_out[name].elpd.mean()),
            "elpd_logo": float(organizations[name].elpd.mean()),
            "elpd_lfo": float(future[name].elpd.mean()),
            "loo": fitted.stacked[name],
            "logo": logo[name],
            "lfo": lfo[name],
            "decided": decision[name],
            "refitted": fitted.left_out[name].refitted,
        }
        for name in LATENCIES
    )


def stacked(left_out: Mapping[str, LeftOut], seed: int) -> dict[str, float]:
    """Weights by stacking, averaged over resamples of organisations."""
    cluster = next(iter(left_out.values())).organization
    elpd = {name: found.elpd for name, found in left_out.items()}
    return stacking(elpd, cluster, np.random.default_rng(seed))


def future_left_out(items: Path) -> dict[str, LeftOut]:
    """Log predictive density of each family at every item of the origins for choices."""
    try:
        table = pd.read_parquet(items)
    except FileNotFoundError:
        raise FitError(f"no {items}: run 'forecast backtest --each' first") from None
    early = table[(table.origin <= pd.Timestamp(CHOICES_THROUGH)) & table.forecaster.isin(list(LATENCIES))]
    key = ["origin", "episode_id", "organization"]
    scores = early.pivot_table("log", key, "forecaster", observed=True).dropna()
    missing = [name for name in LATENCIES if name not in scores]
    if missing:
        raise FitError(f"{items} does not score {', '.join(missing)}: run 'forecast backtest --each' first")
    organization = pd.factorize(scores.index.get_level_values("organization"), sort=True)[0]
    unknown = np.full(len(scores), np.nan)
    return {name: LeftOut(-scores[name].to_numpy(), unknown, 0, organization) for name in LATENCIES}


def decided(loo: Mapping[str, float], lfo: Mapping[str, float]) -> dict[str, float]:
    """Weights to use, to one digit: leave-future-out where the two differ much, else leave-episode-out."""
    far = max(abs(loo[name] - lfo[name]) for name in loo) > MOST_APART
    chosen = {name: w if w >= LEAST_WEIGHT else 0.0 for name, w in (lfo if far else loo).items()}
    total = sum(chosen.values())
    rounded = {name: round(weight / total, 1) for name, weight in chosen.items()}  # further digits are noise
    heaviest = max(rounded, key=lambda name: rounded[name])
    return rounded | {heaviest: round(1 - sum(w for name, w in rounded.items() if name != heaviest), 1)}
