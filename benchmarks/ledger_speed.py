"""What does the ledger cost beside the bare work? ``python -m benchmarks.ledger_speed [--lines 1000000]``.

Appending, one record and a hundred at a time, against a bare loop that writes and fsyncs the same lines one by one,
the two in turn so that a busy disk slows both; verifying against a bare SHA-256 and JSON parsing of the same file,
with the highest memory of each process. Needs Linux; writes ``results/ledger-speed.csv``, and beside it what it was
made from.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import hashlib
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from forecast.record import ledger
from forecast.record.lines import genesis, written
from forecast.tables.hashes import code_sha256, files_sha256
from forecast.tables.paths import find_home

DAY = dt.date(2026, 1, 1)
NOTE = {"kind": "note", "question_id": "q", "text": "a line as long as a resolution, more or less: " + "x" * 400}
#: Pairs of appends that are timed: one by the ledger, one bare.
PAIRS = 200
#: Bytes that no line of these is longer than.
LONGEST = 20_000
#: Lines of a generated file that are written at once.
BLOCK = 10_000


def long_record() -> dict[str, Any]:
    """A real forecast of the model, as it was before the ledger chained it."""
    line = ledger.read(find_home().ledger, "model")[0]
    return {k: v for k, v in line.body.items() if k not in ("chain", "seq", "prev", "recorded_on")}


def appending(what: str, record: dict[str, Any], at_once: int, pairs: int) -> dict[str, Any]:
    """Append in turn by the ledger and bare, and compare the middle times."""
    with tempfile.TemporaryDirectory() as name:
        folder, bare = Path(name), Path(name) / "bare"
        took: tuple[list[float], list[float]] = ([], [])
        for _ in range(pairs):
            started = time.perf_counter()
            lines = ledger.append(folder, "acme", [record] * at_once, recorded_on=DAY)
            took[0].append(time.perf_counter() - started)
            texts = last_lines(folder / "acme.jsonl", len(lines))
            with bare.open("ab", buffering=0) as file:
                started = time.perf_counter()
                for text in texts:
                    file.write(text)
                    os.fsync(file.fileno())
                took[1].append(time.perf_counter() - started)
    own, floor = map(statistics.median, took)
    return row(f"append {what}, {at_once} at once", pairs * at_once, at_once / own, at_once / floor)


def last_lines(file: Path, count: int) -> list[bytes]:
    """The bytes of the last lines of a file."""
    with file.open("rb") as out:
        out.seek(max(0, file.stat().st_size - count * LONGEST))
        return out.read().splitlines(keepends=True)[-count:]


def generated(file: Path, lines: int) -> None:
    """Write a good chain, without the ledger's own care, for it is not what is measured."""
    prev = genesis("acme")
    with file.open("wb") as out:
        for first in range(0, lines, BLOCK):
            block = bytearray()
            for seq in range(first, min(first + BLOCK, lines)):
                raw, line = written(NOTE, "acme", seq, prev, DAY)
                prev = line.sha256
                block += raw + b"\n"
            out.write(block)


def peak_mb() -> float:
    """The highest memory of this process; not of the one that started it, which ``getrusage`` may tell."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def verified(folder: Path) -> tuple[float, float]:
    """Seconds to verify a folder, and the highest memory in MB."""
    started = time.perf_counter()
    [verdict] = ledger.verify(folder)
    assert verdict.fault is None
    return time.perf_counter() - started, peak_mb()


def parsed_bare(folder: Path) -> tuple[float, float]:
    """Seconds to hash and parse the lines of the same file, and the highest memory in MB."""
    started = time.perf_counter()
    with (folder / "acme.jsonl").open("rb") as file:
        for raw in file:
            hashlib.sha256(raw).hexdigest()
            json.loads(raw)
    return time.perf_counter() - started, peak_mb()


def verifying(what: str, folder: Path, lines: int, turns: int) -> dict[str, Any]:
    """Verify and parse in turn, each in a process of its own."""
    took: tuple[list[float], list[float]] = ([], [])
    peaks = (0.0, 0.0)
    for _ in range(turns):
        found = [_fresh(work, folder) for work in (verified, parsed_bare)]
        for times, (seconds, _) in zip(took, found, strict=True):
            times.append(seconds)
        peaks = (max(peaks[0], found[0][1]), max(peaks[1], found[1][1]))
    own, floor = map(min, took)
    told = row(f"verify {what}", lines, lines / own, lines / floor)
    return told | {"peak_mb": f"{peaks[0]:.1f}", "bare_peak_mb": f"{peaks[1]:.1f}"}


def _fresh(work: Callable[[Path], tuple[float, float]], folder: Path) -> tuple[float, float]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # whose peak is its own
        return pool.submit(work, folder).result()


def row(what: str, lines: int, own: float, bare: float) -> dict[str, Any]:
    """One line of the table: rates in lines a second."""
    return {
        "what": what,
        "lines": lines,
        "per_second": f"{own:.0f}",
        "bare_per_second": f"{bare:.0f}",
        "ratio": f"{own / bare:.2f}",
        "peak_mb": "",
        "bare_peak_mb": "",
    }


def main() -> None:
    """Print a table in Markdown and write it."""
    ask = argparse.ArgumentParser(prog="python -m benchmarks.ledger_speed", description=__doc__)
    ask.add_argument("--lines", type=int, default=1_000_000)
    ask.add_argument("--pairs", type=int, default=PAIRS)
    ask.add_argument("--out", type=Path, default=Path("results/ledger-speed.csv"))
    told = ask.parse_args()
    inputs = {"code": code_sha256(), "benchmark": files_sha256([Path(__file__)])}
    found = []
    for what, record in (("notes", NOTE), ("forecasts", long_record())):
        found.append(appending(what, record, 1, told.pairs))
        found.append(appending(what, record, 100, max(told.pairs // 10, 3)))
    for lines in sorted({min(10_000, told.lines), told.lines}):
        with tempfile.TemporaryDirectory() as name:
            generated(Path(name) / "acme.jsonl", lines)
            found.append(verifying(f"{lines:,} notes", Path(name), lines, 3))
    with tempfile.TemporaryDirectory() as name:
        for _ in range(20):
            ledger.append(Path(name), "acme", [long_record()] * 100, recorded_on=DAY)
        found.append(verifying("2,000 forecasts", Path(name), 2_000, 3))
    print(f"| {' | '.join(found[0])} |\n|{'---|' * len(found[0])}")
    for one in found:
        print(f"| {' | '.join(map(str, one.values()))} |")
    with told.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    machine = f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}"
    made_from = {"inputs": inputs, "settings": {"lines": told.lines, "pairs": told.pairs}, "machine": machine}
    told.out.with_suffix(".json").write_text(json.dumps(made_from, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
