"""Run a backtest: origins side by side, each kept as soon as it is done, so that a kill loses only those in work.

The folder of a run: ``plan.json`` (what it does, hashes of its inputs), ``origins/DAY.parquet`` with
``DAY.json`` (written last: an origin without it is not done), and ``items.parquet``, all origins in one table.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from forecast.errors import BacktestError
from forecast.model.lags import lags_of
from forecast.model.priors import read_priors
from forecast.record.backtest import Origin, Plan, Warm, origins_left, score_origin, warm_up
from forecast.tables.hashes import input_hashes, texts_sha256
from forecast.tables.paths import Home, cache_dir
from forecast.tables.schema import TABLES

#: Told how many origins are done, and of how many.
Progress = Callable[[int, int], None]

#: Folder of the origins in that of a run.
_PARTS = "origins"

#: Seconds that a Dask scheduler has to answer.
DASK_TIMEOUT = 10


@dataclass(frozen=True)
class Inputs:
    """The tables and priors by name: what a worker on another machine needs."""

    files: dict[str, bytes]

    @classmethod
    def of(cls, home: Home) -> Inputs:
        """Read them."""
        named = [home.data / table.file for table in TABLES] + [home.data / "datapackage.json", home.priors]
        return cls({file.name: file.read_bytes() for file in named if file.is_file()})

    def unpacked(self, cache: Path) -> Path:
        """A folder of the cache that holds them; the same inputs, the same folder."""
        sha = texts_sha256(self.files.items())
        folder = cache / "inputs" / sha
        if not folder.is_dir():
            ours = folder.with_name(f"{sha}.{os.getpid()}")
            ours.mkdir(parents=True, exist_ok=True)
            for name, text in self.files.items():
                (ours / name).write_bytes(text)
            try:
                ours.rename(folder)
            except OSError:  # another worker was faster
                shutil.rmtree(ours)
        return folder


def run(
    home: Home,
    plan: Plan,
    out: Path,
    jobs: int = 1,
    dask: str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Score every origin of a plan; the result does not depend on how many workers there are, or where.

    Parameters
    ----------
    home : Home
    plan : Plan
    out : pathlib.Path
        Folder of the run.
    jobs : int
        Processes on this machine.
    dask : str, optional
        Address of a Dask scheduler whose workers do it instead.
    resume : bool
        Go on where a run of the same plan and inputs was stopped; else start anew.
    progress : callable, optional

    Returns
    -------
    pandas.DataFrame
        All items: also in ``out/items.parquet``.

    Raises
    ------
    BacktestError
        If a run is resumed with another plan or other inputs, a worker dies, or no scheduler
        answers; what was done is kept.
    FitError, TableError
        If nothing was opened by the first origin, or the pilot fit does not converge.
    """
    lags_of(plan.view(home.episodes, plan.origins[0]), plan.target)  # refuse a first origin that nothing is known on
    stamp = {"plan": plan.as_json(), "inputs": input_hashes(home)}
    left = origins_left(plan, _done(out, stamp) if resume else [])
    if left:
        with _workers(jobs, dask) as workers:  # whoever cannot work has deleted nothing
            _score(workers, home, plan, left, _prepare(out, stamp, resume), progress)
    return _collect(out, plan)


def _score(
    workers: Executor, home: Home, plan: Plan, left: list[dt.date], parts: Path, progress: Progress | None
) -> None:
    """Hand the origins out, and keep each as it comes in."""
    tell = progress or _silent
    done, total = len(plan.origins) - len(left), len(plan.origins)
    tell(done, total)
    with threadpool_limits(1):
        warm = warm_up(home.episodes, plan, read_priors(home.priors), cache_dir())
    inputs = Inputs.of(home)
    waiting = {workers.submit(_work, inputs, plan, day, warm): day for day in left}
    try:
        for future in as_completed(waiting):
            _keep(future.result(), parts)
            done += 1
            tell(done, total)
    except _deaths() as error:
        raise _died(done, total, parts, error) from None
    finally:
        for future in waiting:
            future.cancel()


def _work(inputs: Inputs, plan: Plan, day: dt.date, warm: Warm) -> Origin:
    """One origin, in a worker: one thread for linear algebra, so that its digits never depend on the machine's load."""
    cache = cache_dir()
    data = inputs.unpacked(cache)
    with threadpool_limits(1):
        return score_origin(data / "episodes.csv", plan, day, read_priors(data / "priors.toml"), warm, cache)


def _end_with_parent() -> None:
    """Let a worker go when the run is killed: nobody would take its result."""
    parent = parent_process()
    if parent:
        Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()


@contextmanager
def _workers(jobs: int, dask: str | None) -> Iterator[Executor]:
    """Processes of this machine, or those of a Dask cluster."""
    if dask is None:
        pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_end_with_parent)
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return
    try:
        from distributed import Client
    except ImportError:
        raise BacktestError("a Dask cluster needs the package 'distributed': pip install distributed") from None
    try:
        client = Client(dask, timeout=DASK_TIMEOUT)
    except (OSError, TimeoutError, ValueError) as error:
        raise BacktestError(
            f"no Dask scheduler answers at {dask} ({type(error).__name__}): check the address"
        ) from None
    with client:
        if not client.scheduler_info()["workers"]:
            raise BacktestError(f"the Dask scheduler at {dask} has no workers: start one with 'dask worker {dask}'")
        yield client.get_executor(pure=False)


def _done(out: Path, stamp: dict[str, Any]) -> list[dt.date]:
    """Origins that a run with the same plan and inputs has kept."""
    file = out / "plan.json"
    if not file.is_file():
        return []
    found = json.loads(file.read_text(encoding="utf-8"))
    other = [part for part in stamp if found.get(part) != stamp[part]]
    if other:
        raise BacktestError(f"{out} was made with other {' and '.join(other)}: run it as before, or without --resume")
    return [dt.date.fromisoformat(report.stem) for report in (out / _PARTS).glob("*.json")]


def _prepare(out: Path, stamp: dict[str, Any], resume: bool) -> Path:
    """The folder of the parts: empty for a new run, as it stands for one that goes on."""
    if not resume:
        shutil.rmtree(out / _PARTS, ignore_errors=True)
        (out / "items.parquet").unlink(missing_ok=True)
    (out / _PARTS).mkdir(parents=True, exist_ok=True)
    _write(out / "plan.json", json.dumps(stamp, indent=1).encode())
    return out / _PARTS


def _keep(origin: Origin, parts: Path) -> None:
    """Write an origin whole: its report last, which says that it is done."""
    rows, report = (parts / f"{origin.day}{end}" for end in (".parquet", ".json"))
    partial = rows.with_suffix(".partial")
    origin.items.to_parquet(partial, index=False)
    partial.replace(rows)
    _write(report, json.dumps(origin.report, indent=1).encode())


def _collect(out: Path, plan: Plan) -> pd.DataFrame:
    """All origins in one table, read back from their files, in the order of the plan."""
    items = pd.concat([pd.read_parquet(out / _PARTS / f"{day}.parquet") for day in plan.origins], ignore_index=True)
    partial = out / "items.partial"
    items.to_parquet(partial, index=False, compression="zstd")
    partial.replace(out / "items.parquet")
    return items


def reports(out: Path) -> dict[str, dict[str, Any]]:
    """What each origin of a run reported, by day."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted((out / _PARTS).glob("*.json"))}


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""


def _deaths() -> tuple[type[BaseException], ...]:
    """What a dead worker raises; Dask's own error where Dask is in use, for it is imported nowhere else."""
    killed = getattr(sys.modules.get("distributed"), "KilledWorker", None)
    return (BrokenExecutor, CancelledError, *([killed] if killed else []))


def _died(done: int, total: int, parts: Path, error: BaseException) -> BacktestError:
    return BacktestError(
        f"a worker died ({type(error).__name__}): {done} of {total} origins are kept in {parts}; go on with --resume"
    )


def _write(file: Path, text: bytes) -> None:
    partial = file.with_name(file.name + ".partial")
    partial.write_bytes(text)
    partial.replace(file)
