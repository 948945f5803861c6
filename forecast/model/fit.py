"""Fit the model: sample, judge, climb the ladder or refuse; keep the posterior in the cache."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.errors import FitError
from forecast.model.absorbed import what_is_left
from forecast.model.arrivals import Arrivals, fit_arrivals
from forecast.model.design import Design, build_design
from forecast.model.ensemble import AVERAGE, Ensemble
from forecast.model.posterior import Diagnostics, Posterior, load, require_writable, save, versions
from forecast.model.priors import Priors
from forecast.model.sampler import Chains, Metric, Progress, Sampler, sampler_for
from forecast.model.terms import Layout, layout_of, named_parameters
from forecast.model.warmup import metric_from
from forecast.tables.episodes import Target
from forecast.tables.hashes import files_sha256
from forecast.tables.paths import SEED, cache_dir

log = logging.getLogger("forecast")

Floats = NDArray[np.float64]

#: Files whose text decides the posterior; a change in one of them makes cached ones stale.
_CODE = (
    "absorbed",
    "arrivals",
    "blocks",
    "build",
    "covariates",
    "design",
    "fit",
    "latency",
    "likelihood",
    "priors",
    "sampler",
    "tensors",
    "terms",
    "warmup",
)
_PACKAGES = ("numpy", "pymc", "pytensor", "scipy")


@dataclass(frozen=True)
class Settings:
    """How to sample, and what to accept.

    Attributes
    ----------
    latency : str
        Key of ``LATENCIES``, or ``AVERAGE``: all of them.
    seed : int
    chains, tune, draws : int
        Warm-up and kept draws are per chain.
    ladder : tuple of float
        ``target_accept`` values, tried in turn until a fit converges.
    max_r_hat, min_ess : float
        A fit beyond these, or with a divergence, is refused.
    extensions : int
        With a metric: how often chains that are only too short are lengthened, by half, before
        the next step of the ladder.
    """

    latency: str = AVERAGE
    seed: int = SEED
    chains: int = 4
    tune: int = 350
    draws: int = 700
    ladder: tuple[float, ...] = (0.85, 0.95, 0.99)
    max_r_hat: float = 1.01
    min_ess: float = 400.0
    extensions: int = 0


#: For a series of fits that start from each other's metric: short chains, lengthened where that is all they lack.
SERIES = Settings(tune=100, draws=400, ladder=(0.7, 0.85, 0.95), extensions=4)


def ensemble_for(
    view: pd.DataFrame,
    target: Target,
    priors: Priors,
    settings: Settings | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Ensemble:
    """The posteriors of a view, one a family that counts: arguments as in :func:`posterior_for`.

    The heaviest family learns the sampler's metric in a long warm-up, the others start from it.
    Families without weight are not fitted, unless one is asked for by name.
    """
    settings = settings or Settings()
    weights = weights_of(settings.latency, priors)
    return Ensemble.of(posteriors_for(view, target, priors, tuple(weights), settings, cache, progress), weights)


def posteriors_for(
    view: pd.DataFrame,
    target: Target,
    priors: Priors,
    names: Sequence[str],
    settings: Settings,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> list[Posterior]:
    """The posteriors of some families, of which the first is the pilot of the others."""
    table = _Table.of(view, target, priors)
    first = _posterior_of(table, priors, replace(settings, latency=names[0]), cache, progress)
    if priors.absorbed:  # a posterior in the prior's place is metric enough
        each = [replace(settings, latency=name) for name in names[1:]]
        return [first, *(_posterior_of(table, priors, s, cache, progress) for s in each)]
    short = [replace(SERIES, latency=name, seed=settings.seed) for name in names[1:]]
    return [first, *(_posterior_of(table, priors, s, cache, progress, first) for s in short)]


def weights_of(latency: str, priors: Priors) -> dict[str, float]:
    """Families to fit, with their weights, the heaviest first: those that count, or the one that was named."""
    if latency != AVERAGE:
        return {latency: 1.0}
    heaviest_first = sorted(priors.families.items(), key=lambda family: -family[1])
    return {name: weight for name, weight in heaviest_first if weight > 0}


def posterior_for(
    view: pd.DataFrame,
    target: Target,
    priors: Priors,
    settings: Settings,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Posterior:
    """The posterior of a view under one family: from the cache, else fitted and kept there.

    Parameters
    ----------
    view : pandas.DataFrame
        From :func:`forecast.tables.episodes.read_episodes`.
    target : {"any", "full"}
    priors : Priors
    settings : Settings
    cache : pathlib.Path, optional
        The user's cache folder by default.
    progress : callable, optional
        Called while sampling.

    Returns
    -------
    Posterior
        The same inputs, seed, code and machine give the same draws to the last digit.

    Raises
    ------
    FitError
        If the table cannot inform the model, or no step of the ladder converged.
    CacheError
        If the cache folder cannot be written to; found out before sampling.
    """
    return _posterior_of(_Table.of(view, target, priors), priors, settings, cache, progress)


@dataclass(frozen=True)
class _Table:
    """A view as all families' fits see it."""

    design: Design
    arrivals: Arrivals
    target: Target

    @classmethod
    def of(cls, view: pd.DataFrame, target: Target, priors: Priors) -> _Table:
        # arrivals are conjugate: the prior and all days say the same as what was absorbed and the later days
        return cls(design_for(view, target, priors), fit_arrivals(view, target, priors.arrival), target)


def _posterior_of(
    table: _Table,
    priors: Priors,
    settings: Settings,
    cache: Path | None = None,
    progress: Progress | None = None,
    pilot: Posterior | None = None,
) -> Posterior:
    """As ``posterior_for``; the sampler starts from the metric of a pilot of another family, where there is one."""
    cache, design = cache or cache_dir(), table.design
    file = cache / "posteriors" / f"{_key(design, priors, table.arrivals, settings, pilot)}.npz"
    try:
        return load(file)
    except FileNotFoundError:
        pass
    except (ValueError, OSError) as error:
        log.warning("the cached posterior %s is %s: fitting it anew", file, error)
    require_writable(file.parent)
    metric = metric_from(pilot, design, layout_of(design), settings.chains) if pilot else None
    posterior = fit(design, table.arrivals, table.target, priors, settings, cache, progress, metric=metric)
    save(posterior, file)
    return posterior


def design_for(view: pd.DataFrame, target: Target, priors: Priors) -> Design:
    """What is fitted: the view's design, less what the priors have absorbed."""
    if priors.absorbed:
        return what_is_left(view, target, priors.absorbed, priors.programs)
    return build_design(view, target, priors.programs)


def fit(
    design: Design,
    arrivals: Arrivals,
    target: Target,
    priors: Priors,
    settings: Settings,
    cache: Path,
    progress: Progress | None = None,
    layout: Layout | None = None,
    metric: Metric | None = None,
    cores: int | None = None,
) -> Posterior:
    """Sample the model, climbing the ladder until a fit converges.

    Parameters
    ----------
    design : Design
    arrivals : Arrivals
    target : {"any", "full"}
    priors : Priors
    settings : Settings
    cache : pathlib.Path
        Where compiled code is kept.
    progress : callable, optional
    layout : Layout, optional
        A larger one than the design needs lets another table use the same compiled code.
    metric : Metric, optional
        Learnt on another table.
    cores : int, optional
        Processes for the chains; the draws do not depend on it.

    Raises
    ------
    FitError
        If none does; with what was wrong at each step.
    """
    layout = layout or layout_of(design)
    sampler, faults = sampler_of(design, priors, layout, settings.latency, cache), []
    for target_accept in settings.ladder:
        chains, found = _sample(sampler, priors, settings, target_accept, metric, cores, progress)
        fault = _fault(found, settings)
        if fault is None:
            return Posterior(
                raw=chains.raw.reshape(-1, layout.size),
                location=priors.location,
                scale=priors.scale,
                layout=layout,
                organizations=design.organizations,
                modalities=design.modalities,
                arrivals=arrivals,
                latency=settings.latency,
                target=target,
                sampler=sampler.name,
                seed=settings.seed,
                diagnostics=found,
                rows=len(design.row),
                opened=design.n_opened,
            )
        log.info("target_accept %g: %s", target_accept, fault)
        faults.append(f"target_accept {target_accept:g}: {fault}")
    raise FitError(f"the sampler did not converge, so there is no forecast ({'; '.join(faults)}): try another --seed")


def _sample(
    sampler: Sampler,
    priors: Priors,
    settings: Settings,
    target_accept: float,
    metric: Metric | None,
    cores: int | None,
    progress: Progress | None,
) -> tuple[Chains, Diagnostics]:
    """One step of the ladder: sample, and lengthen chains that lack nothing but length."""
    chains = sampler.run(
        settings.chains, settings.tune, settings.draws, target_accept, settings.seed, metric, cores, progress
    )
    found = _judge(chains, priors, target_accept)
    for extension in range(settings.extensions):
        if metric is None or found.divergences or not _fault(found, settings):
            break
        onwards = replace(metric, starts=chains.raw[:, -1])
        size = (settings.chains, settings.tune // 3, settings.draws // 2, target_accept)
        chains = chains.with_more(sampler.run(*size, settings.seed + 1 + extension, onwards, cores, progress))
        found = _judge(chains, priors, target_accept)
    return chains, found


def code_digest() -> str:
    """SHA-256 of the source that decides a posterior."""
    return files_sha256(Path(__file__).parent / f"{name}.py" for name in _CODE)


def _key(design: Design, priors: Priors, arrivals: Arrivals, settings: Settings, pilot: Posterior | None) -> str:
    parts = {
        "data": design.digest(),
        "priors": [priors.location.tolist(), priors.scale.tolist()],
        "absorbed": priors.absorbed and priors.absorbed.model_dump(mode="json"),
        "arrivals": [np.asarray(v).tolist() for v in vars(arrivals).values()],
        "settings": asdict(settings),
        "pilot": pilot and [pilot.latency, pilot.diagnostics.as_json(), float(pilot.raw[-1, 0])],
        "code": code_digest(),
        "packages": versions(_PACKAGES),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def sampler_of(design: Design, priors: Priors, layout: Layout, latency: str, cache: Path) -> Sampler:
    """The process's sampler, holding a design."""
    # PyMC takes seconds to import, and a cached posterior needs none of it
    os.environ.setdefault("PYTENSOR_FLAGS", f"base_compiledir={cache / 'pytensor'}")
    from forecast.model.build import model_data

    moments = priors.absorbed.of_family(latency) if priors.absorbed else None
    return sampler_for(latency, layout.size, model_data(design, priors, layout, moments))


def _judge(chains: Chains, priors: Priors, target_accept: float) -> Diagnostics:
    """Worst R-hat and effective sample sizes of the named parameters."""
    from arviz_stats.base import array_stats

    named = np.stack(list(named_parameters(chains.raw, priors).values()))
    r_hat = [array_stats.rhat(p, chain_axis=0, draw_axis=1) for p in named]
    bulk = [array_stats.ess(p, chain_axis=0, draw_axis=1, method="bulk") for p in named]
    tail = [array_stats.ess(p, chain_axis=0, draw_axis=1, method="tail", prob=(0.05, 0.95)) for p in named]
    return Diagnostics(
        r_hat=float(np.max(r_hat)),
        ess_bulk=float(np.min(bulk)),
        ess_tail=float(np.min(tail)),
        divergences=chains.divergences,
        chains=chains.raw.shape[0],
        draws=chains.raw.shape[1],
        target_accept=target_accept,
        seconds=round(chains.seconds, 2),
    )


def _fault(found: Diagnostics, settings: Settings) -> str | None:
    """What forbids using the fit, if anything; NaN counts as a fault."""
    if not found.r_hat <= settings.max_r_hat:
        return f"R-hat {found.r_hat:.3f} above {settings.max_r_hat:g}"
    if not min(found.ess_bulk, found.ess_tail) >= settings.min_ess:
        return f"effective sample size {min(found.ess_bulk, found.ess_tail):.0f} below {settings.min_ess:g}"
    return f"{found.divergences} divergences" if found.divergences else None
