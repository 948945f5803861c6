"""How much faster is a backtest with more workers? ``python -m benchmarks.backtest [ORIGINS]``.

The same quarterly origins with one worker and with as many as there are cores, in one run, into
folders that are thrown away. The first fit, which every origin starts from, is in the cache for
both. The floor is the time of one worker over the number of workers.
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from forecast.model.priors import read_priors
from forecast.record.backtest import Plan, origin_days, warm_up
from forecast.tables.paths import cache_dir, find_home

LAST = "2026-07-01"
READ_THROUGH = dt.date(2026, 10, 31)


def seconds(first: str, jobs: int, folder: Path) -> float:
    """Wall time of one backtest from the first origin on."""
    command = [sys.executable, "-m", "forecast.cli", "backtest", "--from", first, "--to", LAST]
    started = time.perf_counter()
    subprocess.run(
        [*command, "--jobs", str(jobs), "--out", str(folder)], check=True, stdout=subprocess.DEVNULL, timeout=3600
    )
    return time.perf_counter() - started


def main() -> None:
    """Print a table in Markdown."""
    origins = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    quarter = 2026 * 4 + 2 - (origins - 1)
    first, cores = f"{quarter // 4}-{3 * (quarter % 4) + 1:02d}-01", os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        home = find_home()
        plan = Plan(origin_days(dt.date.fromisoformat(first), dt.date.fromisoformat(LAST), "quarter"), READ_THROUGH)
        warm_up(home.episodes, plan, read_priors(home.priors), cache_dir())
        took = {jobs: seconds(first, jobs, Path(folder) / str(jobs)) for jobs in sorted({1, cores})}
    print(f"{cores} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}\n")
    print("| workers | origins | seconds | floor | ratio |\n|---|---|---|---|---|")
    for jobs, taken in took.items():
        print(f"| {jobs} | {origins} | {taken:.0f} | {took[1] / jobs:.0f} | {taken / (took[1] / jobs):.2f} |")


if __name__ == "__main__":
    main()
