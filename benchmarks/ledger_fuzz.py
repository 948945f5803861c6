"""Can any bytes break the ledger? ``python -m benchmarks.ledger_fuzz [--minutes 10] [--jobs 2] [--only TARGET]``.

A coverage-guided fuzzer (atheris, libFuzzer) changes good beginnings of everything that the ledger reads, and keeps
what reaches new code: lines of a chain, published heads, maps, flat tables, replies of time-stamping authorities, the
files of other trackers. Whatever it tries must be taken, or refused in one line, as :mod:`benchmarks.fuzz_targets`
says. The minutes are wall time for all targets together. Exits with 1, and keeps the bytes, where one breaks it.
Needs Linux; writes ``results/ledger-fuzz.csv``, and beside it what it was made from.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from forecast.tables.hashes import code_sha256, files_sha256

#: A folder in memory: what is tried is bytes, not disks.
_FAST = Path("/dev/shm")
_HERE = Path(__file__).resolve()
_NAMES = ("lines", "heads", "map", "flat", "stamp", "metaculus", "manifold", "fatebook", "forecastbench", "plain")
#: What a fuzzer watches: the code that reads, ours and the library's.
_WATCHED = ["forecast.record", "forecast.release", "csv", "json", "zipfile", "tomllib"]
#: Longest input in bytes, and memory in MB that no input may need.
_LONGEST, _MOST_MB = 4096, 4096
#: Tries between two notes of how many inputs were good.
_NOTED = 64


def fuzz(name: str, seconds: int, folder: Path, seed: int = 0) -> None:
    """Fuzz one target in this process, which libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=_WATCHED):
        from benchmarks.fuzz_targets import SEEDS, TARGETS
    corpus, work = folder / "corpus", folder / "work"
    corpus.mkdir()
    work.mkdir()
    for number, good in enumerate(SEEDS[name]):
        (corpus / f"seed{number}").write_bytes(good)
    take = counting(TARGETS[name](work), folder / "taken")
    options = [f"-max_total_time={seconds}", f"-max_len={_LONGEST}", f"-rss_limit_mb={_MOST_MB}", f"-seed={seed}"]
    kept = f"-artifact_prefix={folder}/broken-"
    atheris.Setup([sys.argv[0], *options, "-print_final_stats=1", "-timeout=20", kept, str(corpus)], take)
    atheris.Fuzz()


def counting(take: Callable[[bytes], bool], noted: Path) -> Callable[[bytes], None]:
    """Note now and then how many inputs were good, for libFuzzer's end is not Python's."""
    tries = taken = 0

    def one(given: bytes) -> None:
        nonlocal tries, taken
        taken += take(given)
        tries += 1
        if tries % _NOTED == 1:
            noted.write_text(f"{taken}")

    return one


def fuzzed(name: str, seconds: int, seed: int) -> tuple[dict[str, Any], str]:
    """Fuzz one target in a process of its own: a row of the table, and what was said where it broke."""
    with tempfile.TemporaryDirectory(dir=_FAST if _FAST.is_dir() else None) as place:
        folder = Path(place)
        words = [sys.executable, "-m", "benchmarks.ledger_fuzz", "--fuzz", name, str(seconds), str(folder), str(seed)]
        pipe, beside = subprocess.PIPE, subprocess.STDOUT
        ran = subprocess.run(words, stdout=pipe, stderr=beside, text=True, errors="replace", cwd=_HERE.parents[1])
        told = ran.stdout
        for broken in folder.glob("broken-*"):
            shutil.move(broken, Path(tempfile.gettempdir()) / f"{name}-{broken.name}")
            told += f"\nkept: {tempfile.gettempdir()}/{name}-{broken.name}\n"
        tries = re.search(r"stat::number_of_executed_units: *(\d+)", told)
        edges = re.findall(r"cov: (\d+)", told)
        good = (folder / "taken").read_text() if (folder / "taken").exists() else "0"
        is_whole = tries is not None and ran.returncode == 0
        row = {
            "target": name,
            "seconds": seconds,
            "inputs": int(tries[1]) if tries else 0,
            "taken_at_least": int(good),
            "code_edges_first": int(edges[0]) if edges else 0,
            "code_edges_last": int(edges[-1]) if edges else 0,
            "kept_inputs": sum(1 for _ in (folder / "corpus").glob("*")),
            "broken": 0 if is_whole else 1,
        }
    return row, "" if is_whole else told


def main() -> int:
    """Fuzz all targets, print a table in Markdown and write it."""
    ask = argparse.ArgumentParser(prog="python -m benchmarks.ledger_fuzz", description=__doc__)
    ask.add_argument("--minutes", type=float, default=10)
    ask.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    ask.add_argument("--only", choices=_NAMES, action="append")
    ask.add_argument("--out", type=Path, default=Path("results/ledger-fuzz.csv"))
    ask.add_argument("--seed", type=int, default=0, help="Of chance; 0 takes another one every time.")
    ask.add_argument("--fuzz", nargs=4, help=argparse.SUPPRESS)
    given = ask.parse_args()
    if given.fuzz:
        name, seconds, folder, seed = given.fuzz
        fuzz(name, int(seconds), Path(folder), int(seed))
    inputs = {"code": code_sha256(), "benchmark": files_sha256([_HERE, _HERE.with_name("fuzz_targets.py")])}
    names = given.only or list(_NAMES)
    seconds = max(int(given.minutes * 60 * given.jobs / len(names)), 1)
    with ThreadPoolExecutor(given.jobs) as pool:
        found = list(pool.map(lambda name: fuzzed(name, seconds, given.seed), names))
    rows = [row for row, _ in found]
    print(f"| {' | '.join(rows[0])} |\n|{'---|' * len(rows[0])}")
    for row, told in found:
        print(f"| {' | '.join(map(str, row.values()))} |")
        sys.stderr.write(told)
    with given.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    machine = f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}"
    settings = {"minutes": given.minutes, "jobs": given.jobs, "seed": given.seed}
    made_from = {"inputs": inputs, "settings": settings, "machine": machine}
    given.out.with_suffix(".json").write_text(json.dumps(made_from, indent=1) + "\n", encoding="utf-8")
    return int(any(row["broken"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
