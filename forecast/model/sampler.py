"""The compiled model and its chains: compiled once a process, given one table after another."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float64]

#: Told how much of the sampling is done: draws so far, draws in all.
Progress = Callable[[int, int], None]

#: Samplers of this process, by family, size and whether the priors are an earlier posterior.
_SAMPLERS: dict[tuple[str, int, bool], Sampler] = {}


@dataclass(frozen=True)
class Chains:
    """What a sampler gives back.

    Attributes
    ----------
    raw : array of shape (chains, draws, size)
    divergences : int
        After warm-up.
    seconds : float
    """

    raw: Floats
    divergences: int
    seconds: float

    def with_more(self, other: Chains) -> Chains:
        """The same chains, lengthened."""
        raw = np.concatenate([self.raw, other.raw], axis=1)
        return Chains(raw, self.divergences + other.divergences, self.seconds + other.seconds)


@dataclass(frozen=True)
class Metric:
    """Where chains start and how they are stretched: what a warm-up on another table has learnt.

    It changes how fast the sampler moves, never what it samples.

    Attributes
    ----------
    starts : array of shape (chains, size)
    covariance : array of shape (size, size)
    """

    starts: Floats
    covariance: Floats


class Sampler:
    """NUTS on one latency family and one length of the raw vector.

    Attributes
    ----------
    compilations : int
        How often the log density was compiled: once.
    name : str
        For the record.
    """

    def __init__(self, latency: str, size: int, data: dict[str, NDArray[Any]]) -> None:
        """Build and compile; the data are only a first table."""
        import pymc

        from forecast.model.build import build_model

        self.name = f"NUTS, PyMC {pymc.__version__}"
        self.compilations = 0
        self._pm, self._size = pymc, size
        self._model = build_model(data, latency, size)
        with self._model:
            self._density = self._model.logp_dlogp_function(ravel_inputs=True)
        self._density.set_extra_values({})
        self._seen_through: tuple[Floats, Floats] | None = None
        self._density(np.zeros(size))  # compiles here, once, and not in every forked chain
        self.compilations += 1

    def load(self, data: dict[str, NDArray[Any]]) -> None:
        """Take another table: new numbers for the same code."""
        self._pm.set_data(data, model=self._model)
        self._seen_through = (data["centre"], data["stretch"]) if "stretch" in data else None

    def run(
        self,
        chains: int,
        tune: int,
        draws: int,
        target_accept: float,
        seed: int,
        metric: Metric | None = None,
        cores: int | None = None,
        progress: Progress | None = None,
    ) -> Chains:
        """Sample.

        Parameters
        ----------
        chains, tune, draws : int
            Warm-up and kept draws are per chain.
        target_accept : float
        seed : int
        metric : Metric, optional
            Learnt on another table; by default variances are learnt in the warm-up.
        cores : int, optional
            Processes; the draws do not depend on it.
        progress : callable, optional
        """
        started, total, done = time.perf_counter(), chains * (tune + draws), 0

        def count(**_: Any) -> None:
            nonlocal done
            done += 1
            if progress and (done % 50 == 0 or done == total):
                progress(done, total)

        with self._model, _quiet(), threadpool_limits(1):  # a product's digits depend on its threads
            trace = self._pm.sample(
                tune=tune,
                draws=draws,
                chains=chains,
                cores=min(chains, cores or os.cpu_count() or 1),
                random_seed=seed,
                step=self._step(target_accept, seed, metric),
                initvals=None if metric is None else [{"raw": start} for start in metric.starts],
                progressbar=False,
                compute_convergence_checks=False,
                callback=count,
                mp_ctx="fork" if sys.platform == "linux" else None,  # others would compile again
            )
        raw = trace["posterior"]["raw"].to_numpy()
        if self._seen_through is not None:
            centre, stretch = self._seen_through
            raw = centre + raw @ stretch.T
        return Chains(raw, int(trace["sample_stats"]["diverging"].sum()), time.perf_counter() - started)

    def _step(self, target_accept: float, seed: int, metric: Metric | None) -> Any:
        """NUTS with its variances learnt from scratch, or with a metric from elsewhere."""
        from pymc.step_methods.hmc.quadpotential import QuadPotentialDiagAdapt, QuadPotentialFull

        potential = (
            QuadPotentialDiagAdapt(self._size, np.zeros(self._size), np.ones(self._size), 10, rng=seed)
            if metric is None
            else QuadPotentialFull(metric.covariance, rng=seed)
        )
        return self._pm.NUTS(
            potential=potential,
            target_accept=target_accept,
            early_max_treedepth=5,
            logp_dlogp_func=self._density,
        )


def sampler_for(latency: str, size: int, data: dict[str, NDArray[Any]]) -> Sampler:
    """The process's sampler of a family and a size, holding a table.

    Parameters
    ----------
    latency : str
        Key of ``LATENCIES``.
    size : int
        Of the layout.
    data : dict of str to array
        From :func:`forecast.model.build.model_data`.
    """
    key = (latency, size, "stretch" in data)
    if key not in _SAMPLERS:
        _SAMPLERS[key] = Sampler(latency, size, data)
    found = _SAMPLERS[key]
    found.load(data)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """PyMC's own chatter is replaced by one line of diagnostics and one progress bar."""
    logger = logging.getLogger("pymc")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
