"""How far is the sampler from its floor? ``python -m benchmarks.gradient [--as-of DAY]``.

The log density and its gradient, as compiled from the model's one formula, beside a kernel written by hand for the
same numbers (:mod:`benchmarks.kernel`), called in turns; then whole fits beside what their gradients would have cost
in that kernel, on all cores; then how often the model was compiled for several tables: once.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.kernel import kernel_of
from forecast.model.arrivals import fit_arrivals
from forecast.model.build import model_data
from forecast.model.design import Design, build_design
from forecast.model.fit import SERIES, Settings, fit, sampler_of
from forecast.model.posterior import Posterior
from forecast.model.priors import Priors, read_priors
from forecast.model.sampler import Metric, Sampler
from forecast.model.terms import Layout, layout_of
from forecast.model.warmup import metric_from
from forecast.tables.episodes import Target, Unit, read_episodes
from forecast.tables.paths import SEED, cache_dir, find_home

Floats = NDArray[np.float64]
Density = Callable[[Floats], tuple[Any, Floats]]

#: The family whose kernel is written by hand.
FAMILY = "log_logistic"
#: Repeats of either function in turn, and calls in each.
REPEATS, CALLS = 41, 200
#: Largest relative difference of the two, value and gradient.
AGREEMENT = 1e-8
#: Other tables that the compiled model is given: day, target, unit.
OTHERS: tuple[tuple[str, Target, Unit], ...] = (
    ("2023-07-01", "any", "model"),
    ("2025-01-01", "any", "model"),
    ("2025-01-01", "full", "model"),
    ("2025-01-01", "any", "family"),
)


def agree(one: Density, other: Density, size: int) -> float:
    """Largest relative difference at random points.

    Raises
    ------
    SystemExit
        If they do not calculate the same.
    """
    worst = 0.0
    for raw in np.random.default_rng(SEED).normal(size=(20, size)):
        (value, gradient), (its_value, its_gradient) = one(raw), other(raw)
        worst = max(worst, abs(value / its_value - 1), np.abs(gradient - its_gradient).max() / np.abs(gradient).max())
    if worst > AGREEMENT:
        raise SystemExit(f"the kernel and the model differ by {worst:.1e}")
    return float(worst)


def in_turns(*functions: Density, size: int) -> list[float]:
    """Median seconds of the processor a call of each, over repeats of one after the other."""
    points = np.random.default_rng(SEED).normal(size=(CALLS, size)) / 2
    taken: list[list[float]] = [[] for _ in functions]
    for _ in range(REPEATS):
        for function, times in zip(functions, taken, strict=True):
            started = time.process_time()
            for raw in points:
                function(raw)
            times.append((time.process_time() - started) / CALLS)
    return [statistics.median(times) for times in taken]


class Counting:
    """PyMC with a counter of gradients: each draw needs one at its start and one a leapfrog step."""

    def __init__(self, pymc: Any) -> None:
        self._pymc, self.gradients = pymc, 0

    def __getattr__(self, name: str) -> Any:
        """All else is PyMC's own."""
        return getattr(self._pymc, name)

    def sample(self, callback: Callable[..., None], **rest: Any) -> Any:
        """Sample; the callback hears of every draw of every process, warm-up included."""

        def told(trace: Any, draw: Any) -> None:
            self.gradients += 1 + int(draw.stats[0]["tree_size"])
            callback(trace=trace, draw=draw)

        return self._pymc.sample(callback=told, **rest)


def fit_beside_floor(
    table: SimpleNamespace, sampler: Sampler, settings: Settings, metric: Metric | None, kernel_seconds: float
) -> Posterior:
    """Fit, print a row."""
    sampler._pm = counting = Counting(sampler._pm)
    cores = min(os.cpu_count() or 1, settings.chains)
    started, busy = time.perf_counter(), _processor_seconds()
    posterior = fit(
        table.design, table.arrivals, "any", table.priors, settings, cache_dir(), layout=table.layout, metric=metric
    )
    taken, busy = time.perf_counter() - started, _processor_seconds() - busy
    sampler._pm = counting._pymc
    floor = counting.gradients * kernel_seconds / cores
    found, start = posterior.diagnostics, "identity, variances learnt" if metric is None else "from the other fit"
    print(
        f"| {start} | {settings.chains} x ({settings.tune} + {found.draws}), {found.target_accept:g} "
        f"| {min(found.ess_bulk, found.ess_tail):.0f} | {counting.gradients:,} | {taken:.1f} | {floor:.1f} "
        f"| {taken / floor:.1f} | {busy / (floor * cores):.1f} |",
        flush=True,
    )
    return posterior


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def table_of(as_of: dt.date) -> SimpleNamespace:
    """The real table as of a day."""
    home = find_home()
    priors, view = read_priors(home.priors), read_episodes(home.episodes, as_of)
    design = build_design(view, "any", priors.programs)
    arrivals, layout = fit_arrivals(view, "any", priors.arrival), layout_of(design)
    return SimpleNamespace(priors=priors, design=design, arrivals=arrivals, layout=layout)


def compiled_for_all(sampler: Sampler, priors: Priors, layout: Layout) -> None:
    """Give the sampler other tables, print how often it has been compiled and what the change takes."""
    print("\n| table | target | unit | segments | milliseconds to load | compilations |\n|---|---|---|---|---|---|")
    for day, target, unit in OTHERS:
        view = read_episodes(find_home().episodes, dt.date.fromisoformat(day), unit)
        other: Design = build_design(view, target, priors.programs)
        started = time.perf_counter()
        sampler.load(model_data(other, priors, layout))
        sampler._density._pytensor_function(np.zeros(layout.size))
        milliseconds = 1000 * (time.perf_counter() - started)
        print(f"| {day} | {target} | {unit} | {len(other.row)} | {milliseconds:.0f} | {sampler.compilations} |")


def main() -> None:
    """Print the tables in Markdown."""
    ask = argparse.ArgumentParser(prog="python -m benchmarks.gradient", description=__doc__)
    ask.add_argument("--as-of", type=dt.date.fromisoformat, default=dt.date(2026, 7, 1))
    table = table_of(ask.parse_args().as_of)
    layout: Layout = table.layout
    sampler = sampler_of(table.design, table.priors, layout, FAMILY, cache_dir())
    model: Density = sampler._density._pytensor_function  # what PyMC's integrator calls
    kernel = kernel_of(model_data(table.design, table.priors, layout))
    worst = agree(kernel, model, layout.size)
    of_model, of_kernel = in_turns(model, kernel, size=layout.size)
    print(f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}")
    print(f"{sampler.name}; {FAMILY}; one vector of {layout.size} standard normals, {len(table.design.row)} segments\n")
    print(f"Log density and gradient, which agree to {worst:.0e}:\n")
    print("| model, microseconds | kernel by hand | ratio |\n|---|---|---|")
    print(f"| {1e6 * of_model:.0f} | {1e6 * of_kernel:.0f} | {of_model / of_kernel:.2f} |\n")
    print(
        "| metric | chains x (warm-up + draws), acceptance | least ESS | gradients | seconds | floor | ratio | by CPU |"
    )
    print("|---|---|---|---|---|---|---|---|", flush=True)
    pilot = fit_beside_floor(table, sampler, Settings(latency=FAMILY), None, of_kernel)
    metric = metric_from(pilot, table.design, layout, SERIES.chains)
    fit_beside_floor(table, sampler, replace(SERIES, latency=FAMILY), metric, of_kernel)
    compiled_for_all(sampler, table.priors, layout)


if __name__ == "__main__":
    main()
