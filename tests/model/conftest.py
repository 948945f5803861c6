"""Views of little tables and of the real one, for the model's tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forecast.model.arrivals import fit_arrivals
from forecast.model.design import build_design
from forecast.model.ensemble import Ensemble
from forecast.model.latency import LATENCIES
from forecast.model.posterior import Diagnostics, Posterior
from forecast.model.priors import Priors, read_priors
from forecast.model.terms import layout_of
from forecast.tables.episodes import read_episodes

#: A statement about no episode: it keeps the list of promises from being empty.
NOBODY = {"about": "nobody", "said_on": "1990-01-01", "known_on": "1990-01-01"}


@pytest.fixture(scope="session")
def view_of(make_data: Callable[..., Path]) -> Callable[..., pd.DataFrame]:
    """A view of a little table: rows of each table, the cells that differ from a plain one."""

    def read(
        *episodes: dict[str, str],
        as_of: str = "2026-10-31",
        promises: tuple[dict[str, str], ...] = (),
        follow_up: str = "silence",
        **tables: Any,
    ) -> pd.DataFrame:
        said = [NOBODY, *({"about": "acme-one", "said_on": p["known_on"]} | p for p in promises)]
        folder = make_data(episodes=list(episodes), promises=said, **tables)
        return read_episodes(folder / "episodes.csv", dt.date.fromisoformat(as_of), follow_up=follow_up)

    return read


@pytest.fixture(scope="session")
def real_view(real_data: Path) -> pd.DataFrame:
    """All that the project's own table knows."""
    return read_episodes(real_data / "episodes.csv")


@pytest.fixture(scope="session")
def times() -> Callable[..., Any]:
    """Scipy's distribution of the days of a family: location and scale of their log, and the tail."""
    families = {
        "log_logistic": lambda mu, sigma, _k: stats.fisk(1 / sigma, scale=np.exp(mu)),
        "log_normal": lambda mu, sigma, _k: stats.lognorm(sigma, scale=np.exp(mu)),
        "weibull": lambda mu, sigma, _k: stats.weibull_min(1 / sigma, scale=np.exp(mu)),
        "burr_xii": lambda mu, sigma, k: stats.burr12(1 / sigma, k, scale=np.exp(mu) * k**sigma),
    }
    return lambda name, mu, sigma, tail: families[name](mu, sigma, tail)


@pytest.fixture(scope="session")
def lags() -> dict[str, np.ndarray]:
    """Lags of 300 rows of which a third never open: day or window seen, end of the follow-up, delayed entry."""
    rng = np.random.default_rng(20260406)
    lag = np.where(rng.random(300) < 1 / 3, np.inf, np.exp(4 + 0.8 * rng.logistic(size=300)))
    followed = rng.uniform(100, 2000, 300)
    seen, opened = np.minimum(lag, followed), lag < followed
    entry = np.where(rng.random(300) < 0.5, seen * rng.uniform(0, 0.9, 300), 0.0)
    start = np.where(opened, np.floor(seen / 30) * 30, seen)
    end = np.where(opened, start + 30, np.inf)
    return {"seen": seen, "opened": opened, "entry": entry, "start": start, "end": end, "followed": followed}


@pytest.fixture(scope="session")
def priors(real_data: Path) -> Priors:
    """The project's own priors."""
    return read_priors(real_data / "priors.toml")


@pytest.fixture(scope="session")
def a_posterior(real_data: Path, priors: Priors) -> Posterior:
    """Draws from the prior, in the form of a posterior of the real table as of 2026-06-01."""
    view = read_episodes(real_data / "episodes.csv", dt.date(2026, 6, 1))
    design = build_design(view, "any")
    layout = layout_of(design)
    return Posterior(
        raw=np.random.default_rng(2).standard_normal((60, layout.size)),
        location=priors.location,
        scale=priors.scale,
        layout=layout,
        organizations=design.organizations,
        modalities=design.modalities,
        arrivals=fit_arrivals(view, "any", priors.arrival),
        latency="log_logistic",
        target="any",
        sampler="prior",
        seed=1,
        diagnostics=Diagnostics(1.0, 1e3, 1e3, 0, 1, 60, 0.8),
        rows=len(design.row),
        opened=design.n_opened,
    )


@pytest.fixture(scope="session")
def an_ensemble(a_posterior: Posterior) -> Ensemble:
    """Draws from the prior under every family."""
    rng, shape = np.random.default_rng(4), a_posterior.raw.shape
    members = [replace(a_posterior, latency=name, raw=rng.standard_normal(shape)) for name in LATENCIES]
    return Ensemble.of(members, {name: 4.0 - n for n, name in enumerate(LATENCIES)})
