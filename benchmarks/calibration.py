"""Does a fit find again what it was told? Simulation-based calibration: ``python -m benchmarks.calibration``.

Parameters are drawn from the prior, outcomes of the real rows from the parameters, and the model is fitted to
them as to the real ones. If all of it is right, the rank of the true value among posterior draws is uniform
(Talts et al. 2018, arXiv 1804.06788). One row a quantity: ``p_value`` is that of the widest departure of the ranks'
ECDF under simultaneous bands (Säilynoja et al. 2022, doi:10.1007/s11222-022-10090-6), ``z`` that of the mean rank.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.ranks import RANKED, UNIFORM_SETS, below_each, uniformity
from forecast.errors import FitError
from forecast.model.arrivals import Arrivals, fit_arrivals
from forecast.model.design import Design
from forecast.model.fit import SERIES, Settings, fit, posterior_for
from forecast.model.latency import LATENCIES, NUMPY
from forecast.model.pointwise import episode_loglik
from forecast.model.posterior import Posterior
from forecast.model.priors import read_priors
from forecast.model.sampler import Metric
from forecast.model.simulate import World, simulate, template_of
from forecast.model.terms import layout_of, named_parameters
from forecast.model.warmup import metric_from
from forecast.tables.episodes import read_episodes
from forecast.tables.hashes import files_sha256, input_hashes, texts_sha256
from forecast.tables.paths import SEED, Home, cache_dir, find_home
from forecast.tables.promises import STATES

#: The family that is measured: the one that weighs most in the average.
FAMILY = "weibull"

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AS_OF = "2023-07-01"
#: A rank among some tens of draws needs shorter chains than a forecast.
SHORT = replace(SERIES, chains=2, tune=150, draws=300, min_ess=150.0, max_r_hat=1.03)
#: Quantity that sees what no single parameter shows: wrong correlations, or data that were not used.
LOGLIK = "log_likelihood"


@dataclass(frozen=True)
class Study:
    """What all simulations share.

    Attributes
    ----------
    template : Design
        Rows without outcomes.
    world : World
        Priors, layout and family; its vector is a place holder.
    arrivals : Arrivals
    metric : Metric
        Of the pilot, a fit of the real table.
    settings : Settings
    cache : pathlib.Path
    """

    template: Design
    world: World
    arrivals: Arrivals
    metric: Metric
    settings: Settings
    cache: Path


@dataclass(frozen=True)
class Simulation:
    """Ranks, true values and posterior variances by quantity, or the fault of the fit."""

    number: int
    ranks: dict[str, int]
    truths: dict[str, float]
    variances: dict[str, float]
    fault: str | None = None


#: Fits a design with a seed.
Fit = Callable[[Study, Design, int], Posterior]


def study_of(home: Home, as_of: dt.date, latency: str, seed: int, cache: Path) -> Study:
    """Read the real table and fit the pilot."""
    priors, view = read_priors(home.priors), read_episodes(home.episodes, as_of)
    template = template_of(view, "any", priors.programs)
    layout = layout_of(template)
    pilot = posterior_for(view, "any", priors, Settings(latency=latency, seed=seed), cache)
    return Study(
        template=template,
        world=World(np.zeros(layout.size), priors, layout, latency),
        arrivals=fit_arrivals(view, "any", priors.arrival),
        metric=metric_from(pilot, template, layout, SHORT.chains),
        settings=replace(SHORT, latency=latency, seed=seed),
        cache=cache,
    )


def fitted(study: Study, design: Design, seed: int) -> Posterior:
    """A fit as in a backtest, with shorter chains."""
    world, settings = study.world, replace(study.settings, seed=seed)
    given = (design, study.arrivals, "any", world.priors, settings, study.cache)
    return fit(*given, layout=world.layout, metric=study.metric, cores=1)


def run_one(study: Study, number: int, fit_to: Fit = fitted) -> Simulation:
    """Draw a world and its outcomes, fit them, rank the truth."""
    seed = study.settings.seed
    rng = np.random.default_rng([seed, number])
    world = replace(study.world, raw=rng.normal(size=study.world.layout.size))
    design = simulate(study.template, world, rng)
    try:
        with threadpool_limits(1):
            posterior = fit_to(study, design, seed + number)
    except FitError as error:
        return Simulation(number, {}, {}, {}, str(error))
    places = np.linspace(0, len(posterior.raw) - 1, RANKED).round().astype(int)
    both = np.vstack([world.raw, posterior.raw[places]])
    values = quantities(replace(world, raw=both), study.template)
    values[LOGLIK] = episode_loglik(replace(posterior, raw=both), design)[1].sum(axis=1)
    return Simulation(
        number,
        ranks={name: int((v[1:] < v[0]).sum()) for name, v in values.items()},
        truths={name: float(v[0]) for name, v in values.items()},
        variances={name: float(v[1:].var(ddof=1)) for name, v in values.items()},
    )


def quantities(world: World, template: Design) -> dict[str, Floats]:
    """Parameters of the family, and P(open by 365 days) of a row in each promise state."""
    family, named = LATENCIES[world.latency], named_parameters(world.raw, world.priors)
    if family.log_sf(1.0, 1.0, NUMPY) == family.log_sf(1.0, 2.0, NUMPY):
        named.pop("tail.k")
    subjects, names = _subjects(template)
    chances = world.opens_by(365.0, template.only(subjects))
    return named | {f"p365.{name}": chances[:, n] for n, name in enumerate(names)}


def _subjects(template: Design) -> tuple[Ints, list[str]]:
    """The first segment in each promise state."""
    counts = (template.sign > 0) & (template.with_share > 0)
    found = {name: np.flatnonzero(counts & (template.state == n)) for n, name in enumerate(STATES)}
    there = [name for name, segments in found.items() if len(segments)]
    return np.array([found[name][0] for name in there]), there


def summarise(done: Sequence[Simulation], uniform_sets: int = UNIFORM_SETS) -> pd.DataFrame:
    """One row a quantity."""
    good = [one for one in done if one.fault is None]
    if not good:
        return pd.DataFrame()
    p_value = uniformity(len(good), uniform_sets)
    middle, sd = RANKED / 2, np.sqrt(((RANKED + 1) ** 2 - 1) / 12 / len(good))
    rows = []
    for name in good[0].ranks:
        ranks, truths = (np.array([getattr(one, what)[name] for one in good]) for what in ("ranks", "truths"))
        below = np.arange(1, RANKED + 1) / (RANKED + 1)
        rows.append(
            {
                "quantity": name,
                "simulations": len(good),
                "failed": len(done) - len(good),
                "p_value": p_value(ranks),
                "max_deviation": np.abs(below_each(ranks[None])[0] / len(good) - below).max(),
                "z": (ranks.mean() - middle) / sd,
                "ranks_by_tenth": " ".join(str(n) for n in np.bincount(ranks * 10 // (RANKED + 1), minlength=10)),
                # of a parameter that the outcomes say nothing about it is 0, and its ranks are trivially right
                "contraction": 1 - np.mean([one.variances[name] for one in good]) / truths.var(ddof=1),
            }
        )
    return pd.DataFrame(rows)


def simulations_of(study: Study, count: int, jobs: int, kept: Path) -> list[Simulation]:
    """All simulations, in order, on some processes; each is kept in a file as it comes, and not made again."""
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.is_file() else []
    done = {one.number: one for one in (Simulation(**json.loads(line)) for line in lines)}
    kept.parent.mkdir(parents=True, exist_ok=True)
    workers = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_end_with_parent)
    with workers, kept.open("a", encoding="utf-8") as out:
        waiting = [workers.submit(run_one, study, number) for number in range(count) if number not in done]
        for future in as_completed(waiting):
            one = future.result()
            done[one.number] = one
            print(json.dumps(asdict(one)), file=out, flush=True)
            print(f"{len(done)} of {count}" + (f": {one.fault}" if one.fault else ""), file=sys.stderr, flush=True)
    return [done[number] for number in range(count)]


def _end_with_parent() -> None:
    """Let a worker go when the run is killed: nobody would take its result."""
    parent = parent_process()
    if parent:
        Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()


def stamp(home: Home, study: Study, as_of: dt.date) -> dict[str, Any]:
    """What a table is made from."""
    here = Path(__file__)
    return {
        "inputs": input_hashes(home) | {"benchmark": files_sha256([here, here.with_name("ranks.py")])},
        "settings": asdict(study.settings) | {"as_of": as_of.isoformat(), "target": "any", "ranked_draws": RANKED},
        "rows": len(np.unique(study.template.row)),
    }


def verdict(done: Sequence[Simulation], table: pd.DataFrame) -> dict[str, Any]:
    """Which fits failed, and how many departures chance alone explains."""
    outside = int((table.p_value < 0.05).sum()) if len(table) else 0
    return {
        "simulations": len(done),
        "failed_fits": {str(one.number): one.fault for one in done if one.fault},
        "quantities": len(table),
        "outside_95_percent_bands": outside,
        "expected_by_chance": round(0.05 * len(table), 1),
        "smallest_p_value_times_quantities": round(min(1.0, len(table) * table.p_value.min()), 4) if len(table) else 1,
    }


def main() -> None:
    """Run all simulations, write the table and what it was made from, print what stands out."""
    ask = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    ask.add_argument("--simulations", type=int, default=100)
    ask.add_argument("--latency", choices=LATENCIES, default=FAMILY)
    ask.add_argument("--as-of", type=dt.date.fromisoformat, default=dt.date.fromisoformat(AS_OF))
    ask.add_argument("--out", type=Path, default=Path("results/calibration.csv"))
    ask.add_argument("--jobs", type=int, default=2)
    ask.add_argument("--seed", type=int, default=SEED)
    told = ask.parse_args()
    home = find_home()
    study = study_of(home, told.as_of, told.latency, told.seed, cache_dir())
    made_from = stamp(home, study, told.as_of)
    same = texts_sha256([("made from", json.dumps(made_from, sort_keys=True).encode())])
    done = simulations_of(study, told.simulations, told.jobs, cache_dir() / "calibration" / f"{same[:16]}.jsonl")
    table = summarise(done)
    found = verdict(done, table)
    told.out.parent.mkdir(parents=True, exist_ok=True)
    table.round(4).to_csv(told.out, index=False, lineterminator="\n")
    told.out.with_suffix(".json").write_text(json.dumps(made_from | found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    if len(table):
        print(table.sort_values("p_value").head(10).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
