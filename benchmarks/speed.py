"""Time and memory of the commands, beside a floor in the same run: ``python -m benchmarks.speed``.

A floor is what no version of the command can be faster than: starting Python, importing the
libraries that it needs, sampling not included.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

RUNS = 3
ASK = ["-m", "forecast.cli", "predict", "meta-muse-wonder-1.0", "--as-of", "2026-11-25"]


@dataclass(frozen=True)
class Measured:
    """Wall seconds and peak memory of a command."""

    seconds: float
    peak_mb: float


def measured(words: list[str], cache: str) -> Measured:
    """Run a command once; the peak is that of its largest process."""
    environment = os.environ | {"FORECAST_CACHE": cache}
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(words)} failed")
    return Measured(time.perf_counter() - started, usage.ru_maxrss / 1024)


def median_of(words: list[str], cache: str, runs: int = RUNS) -> Measured:
    """Median of some runs."""
    found = [measured(words, cache) for _ in range(runs)]
    return Measured(statistics.median(m.seconds for m in found), max(m.peak_mb for m in found))


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as empty:
        cold = measured(ASK, empty)
        rows = [
            ("`forecast --help`", median_of(["-m", "forecast.cli", "--help"], empty), "start Python", ["-c", "pass"]),
            (
                "`forecast predict`, warm",
                median_of(ASK, empty),
                "import pandas, scipy",
                ["-c", "import pandas, scipy.stats"],
            ),
            ("`forecast predict`, empty cache", cold, "import PyMC", ["-c", "import pymc"]),
        ]
        print(f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}\n")
        print("| command | seconds | peak memory | floor | seconds | ratio |\n|---|---|---|---|---|---|")
        for name, found, floor_name, words in rows:
            floor = median_of(words, empty)
            print(
                f"| {name} | {found.seconds:.2f} | {found.peak_mb:.0f} MB | {floor_name} | {floor.seconds:.2f} "
                f"| {found.seconds / floor.seconds:.1f} |"
            )


if __name__ == "__main__":
    main()
