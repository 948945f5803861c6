"""The coverage-guided fuzzer runs on every target, and shows what breaks one."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.fuzz_targets import SEEDS, TARGETS, refused
from forecast.errors import LedgerError

ROOT = Path(__file__).resolve().parents[2]
BROKEN = """
import benchmarks.fuzz_targets as targets, sys, pathlib
def broken(folder):
    def take(given):
        assert len(given) != 7, "broken"
        return True
    return take
targets.TARGETS["heads"], targets.SEEDS["heads"] = broken, [b"12345"]
from benchmarks.ledger_fuzz import fuzz
fuzz("heads", 20, pathlib.Path(sys.argv[1]))
"""

pytest.importorskip("atheris", reason="atheris has wheels for Linux on x86-64 alone")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, errors="replace", cwd=ROOT, check=False
    )


@pytest.mark.slow
def test_every_target_is_fuzzed_in_small(tmp_path: Path) -> None:
    out = tmp_path / "fuzz.csv"
    words = ("--minutes", "0.4", "--jobs", "2", "--seed", "1", "--out", str(out))
    ran = run("-m", "benchmarks.ledger_fuzz", *words)
    assert ran.returncode == 0, ran.stderr[-2000:]
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["target"] for row in rows] == list(TARGETS) == list(SEEDS)
    assert all(int(row["inputs"]) > 50 and row["broken"] == "0" for row in rows)
    assert all(int(row["code_edges_last"]) > 0 for row in rows)


@pytest.mark.slow
def test_bytes_that_break_a_target_end_the_fuzzing_and_are_kept(tmp_path: Path) -> None:
    ran = run("-c", BROKEN, str(tmp_path))
    assert ran.returncode != 0
    assert "AssertionError: broken" in ran.stdout
    assert [len(file.read_bytes()) for file in tmp_path.glob("broken-*")] == [7]


@pytest.mark.parametrize("message", ["two\nlines", "x" * 1000, ""])
def test_a_message_that_is_no_line_is_a_fault(message: str) -> None:
    def work() -> None:
        raise LedgerError(message)

    with pytest.raises(AssertionError, match="not one line that fits"):
        refused(work)


@pytest.mark.parametrize("name", SEEDS)
def test_the_first_good_beginning_of_a_target_is_taken(name: str, tmp_path: Path, monkeypatch) -> None:
    from forecast.record import imports

    monkeypatch.setattr(imports, "reference_on", imports.reference_on)  # put back afterwards
    assert TARGETS[name](tmp_path)(SEEDS[name][0]) == (name not in ("flat", "stamp"))  # their hashes cannot fit
