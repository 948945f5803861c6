"""Is the time per row flat? ``python -m benchmarks.scale [--rows 100000]``.

Tables of 1,000, 10,000, ... synthetic rows (real ones under new ids, a few weeks earlier), each in a process of its
own: the design, when promises come, the log-likelihood of some draws, forecasts and their scores. Draws come from the
prior, for no fit is measured; the seconds are the processor's.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import os
import platform
import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd

from forecast.model.arrivals import fit_arrivals
from forecast.model.baselines import references
from forecast.model.design import Design, build_design
from forecast.model.ensemble import Ensemble
from forecast.model.pointwise import episode_loglik
from forecast.model.predict import model_forecasts
from forecast.model.prior_predictive import draws_for
from forecast.model.priors import read_priors
from forecast.record.backtest import at_risk
from forecast.record.scores import score_all
from forecast.release import HORIZON_DAYS
from forecast.tables.episodes import read_episodes
from forecast.tables.paths import SEED, find_home

#: The family that is measured.
FAMILY = "log_logistic"

ORIGIN, END = dt.date(2024, 7, 1), dt.date(2026, 10, 31)
#: Rows worked on at once.
BLOCK = 1000
#: Posterior draws of the log-likelihood, and of a forecast: as few as show what a row costs by itself.
DRAWS, FORECAST_DRAWS = 100, 4
#: Rows that a row's segments are looked up for, and that are forecast: spread over the table.
LOOKED_UP, FORECAST = 1000, 3000
#: Days by which a synthetic row may come earlier than the real one.
EARLIER = 60


@dataclass
class Clock:
    """Processor time and memory of one step after another."""

    rows: int
    found: list[dict[str, Any]] = field(default_factory=list)

    def measure(self, step: str, work: Callable[[], Any], of: int | None = None) -> Any:
        """Do a step and note what it took, per row that it worked on."""
        started = time.process_time()
        result = work()
        taken, of = time.process_time() - started, of or self.rows
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.found.append({"rows": self.rows, "step": step, "seconds": taken, "per_row": taken / of, "peak_mb": peak})
        return result


def synthetic(rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table as known on the origin and at the end, resampled under new ids."""
    home, rng = find_home(), np.random.default_rng(SEED)
    then, now = (read_episodes(home.episodes, day) for day in (ORIGIN, END))
    both = then[then.episode_id.isin(now.episode_id)]
    chosen = both.iloc[rng.integers(0, len(both), rows)].episode_id
    earlier = pd.to_timedelta(rng.integers(0, EARLIER, rows), unit="D")
    return _renamed(then, chosen, earlier), _renamed(now, chosen, earlier)


def _renamed(view: pd.DataFrame, chosen: pd.Series, earlier: pd.TimedeltaIndex) -> pd.DataFrame:
    """The chosen rows, each moved by some days; the follow-up ends when it did."""
    out = view.set_index("episode_id", drop=False).loc[chosen].reset_index(drop=True)
    out["episode_id"] = [f"{name}-{n}" for n, name in enumerate(out.episode_id)]
    for column in out.select_dtypes("datetime").columns.difference(["closed_through", "observed_through"]):
        out[column] = (out[column] - earlier).astype(view[column].dtype)
    out["statements"] = [
        [(known - by, kind, due - by) for known, kind, due in said]
        for said, by in zip(out.statements, earlier, strict=True)
    ]
    out.attrs = view.attrs
    return out


def blocks_of(design: Design) -> Iterator[Design]:
    """The design in blocks of rows, which stand one after the other."""
    edges = np.searchsorted(design.row, np.arange(0, design.row[-1] + BLOCK + 1, BLOCK))
    for first, last in pairwise(edges):
        yield design.only(np.arange(first, last))


def measured(rows: int) -> list[dict[str, Any]]:
    """All steps on a table of some rows."""
    clock = Clock(rows)
    view, outcomes = synthetic(rows)
    priors = read_priors(find_home().priors)
    design = clock.measure("design", lambda: build_design(view, "any", priors.programs))
    arrivals = clock.measure("arrivals", lambda: fit_arrivals(view, "any", priors.arrival))
    posterior = draws_for(priors, design, arrivals, FAMILY, SEED, "any", DRAWS)
    ensemble = Ensemble.of([posterior], {FAMILY: 1.0})
    clock.measure(
        f"log-likelihood of {DRAWS} draws",
        lambda: sum(episode_loglik(posterior, b)[1].sum() for b in blocks_of(design)),
    )
    some = np.linspace(0, rows - 1, min(rows, LOOKED_UP)).astype(int)
    clock.measure("one row's segments", lambda: [design.of_row(n) for n in some], of=len(some))
    subjects, seen = clock.measure("rows at risk and outcomes", lambda: at_risk(view, outcomes, "any"))
    blocks = [subjects.iloc[first : first + BLOCK] for first in _spread(len(subjects))]
    due = dict(zip(subjects.episode_id, seen, strict=True))

    def scored() -> None:
        few = ensemble.thinned(FORECAST_DRAWS)
        for block in blocks:
            block.attrs = view.attrs
            fixed = references(view, "any", block)
            for forecast, reference in zip(model_forecasts(few, view, "any", block), fixed, strict=True):
                told = reference.forecast(ORIGIN, "reference")
                score_all(forecast, told, due[forecast.target_id], ORIGIN, HORIZON_DAYS)

    clock.measure(f"forecast of {FORECAST_DRAWS} draws, scored", scored, of=sum(len(block) for block in blocks))
    return clock.found


def _spread(rows: int) -> list[int]:
    """First rows of the blocks that are forecast."""
    return list(range(0, rows, BLOCK))[:: math.ceil(rows / FORECAST)]


def main() -> None:
    """Print a table in Markdown."""
    ask = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    ask.add_argument("--rows", type=int, default=100_000)
    most = ask.parse_args().rows
    sizes = [n for n in (1_000, 10_000, 100_000) if n < most] + [most]
    print(f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}\n")
    print("| step | rows | seconds | microseconds per row | against the smallest table | peak memory |")
    print("|---|---|---|---|---|---|", flush=True)
    smallest: dict[str, float] = {}
    for rows in sizes:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:  # whose peak is its own
            found = fresh.submit(measured, rows).result()
        for row in found:
            ratio = row["per_row"] / smallest.setdefault(row["step"], row["per_row"])
            print(
                f"| {row['step']} | {rows:,} | {row['seconds']:.2f} | {1e6 * row['per_row']:.0f} "
                f"| {ratio:.2f} | {row['peak_mb']:.0f} MB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
