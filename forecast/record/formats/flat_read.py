"""A flat table read back: the same ledger, line for line and hash for hash."""

from __future__ import annotations

import csv
import datetime as dt
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.formats.flat import COLUMNS, CURVES
from forecast.release import GRID_DAYS

_Cells = dict[str, Any]

#: Lines that are appended at once.
_BATCH = 50


@dataclass(frozen=True)
class _Said:
    """A line to write, and the hash that it had."""

    chain: str
    seq: int
    recorded_on: dt.date
    record: dict[str, Any]
    sha256: str


def read(path: Path, folder: Path) -> int:
    """Build the ledger again that a flat table was written from, in constant memory.

    Parameters
    ----------
    path : pathlib.Path
        A whole table, as :func:`forecast.record.formats.flat.write` wrote it.
    folder : pathlib.Path
        Of the new ledger: made if missing; it must hold no chain yet.

    Returns
    -------
    int
        How many lines it has.

    Raises
    ------
    LedgerError
        If the table cannot be read, a row of it was changed or is missing, or there is a ledger
        already. Then no chain was written. Lines missing at the very end show as little as in a ledger.
    """
    if ledger.chains(folder):
        raise LedgerError(f"{folder}: holds a ledger already: read a flat table into a new one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".flat.", dir=folder) as name:
            new = Path(name)
            count = sum(_appended(path, new, run) for run in _runs(_lines(path)))
            for chain in ledger.chains(new):
                (new / f"{chain}.jsonl").rename(folder / f"{chain}.jsonl")
        return count
    except OSError as error:
        raise LedgerError(f"cannot read {path} into {folder}: {error.strerror or error}") from None


def _appended(path: Path, folder: Path, run: list[_Said]) -> int:
    """Append lines of one chain and day; each must come out as it was."""
    dated = [(said.record, said.recorded_on) for said in run]
    # as they stood: the heads that a resolution holds are those of its day
    for said, line in zip(run, ledger.extend(folder, run[0].chain, lambda: dated), strict=True):
        if (line.body["seq"], line.sha256) != (said.seq, said.sha256):
            raise LedgerError(
                f"{path}, chain {said.chain} seq {said.seq}: it, or a line before it, was changed or is missing"
            )
    return len(run)


def _runs(lines: Iterator[_Said]) -> Iterator[list[_Said]]:
    """Lines that can be appended at once."""
    for _, same in groupby(lines, lambda said: (said.chain, said.recorded_on)):
        while some := list(islice(same, _BATCH)):
            yield some


def _lines(path: Path) -> Iterator[_Said]:
    """The lines of a table, each from the rows that belong to it."""
    try:
        for (chain, seq), rows in groupby(_rows(path), lambda row: (row["chain"], int(row["seq"]))):
            try:
                yield _line(chain, seq, list(rows))
            except (KeyError, TypeError, ValueError) as error:
                raise LedgerError(f"{path}, chain {chain} seq {seq}: cannot be read ({error})") from None
    except (KeyError, TypeError, ValueError, csv.Error, pa.ArrowException) as error:
        raise LedgerError(f"{path}: is no flat table of a ledger ({error})") from None


def _line(chain: str, seq: int, rows: list[_Cells]) -> _Said:
    first = rows[0]
    record = json.loads(first["record"])
    if record["kind"] == "forecast":
        for kind, field in CURVES.items():
            curve = [(int(row["day"]), float(row["cdf"])) for row in rows if row["kind"] == kind]
            if [day for day, _ in curve] != GRID_DAYS.astype(int).tolist():
                raise ValueError(f"its days {kind} are not those of the standard grid")
            record[field] = [chance for _, chance in curve]
    day = first["recorded_on"]
    recorded_on = day if isinstance(day, dt.date) else dt.date.fromisoformat(day)
    return _Said(chain, seq, recorded_on, record, first["sha256"])


def _rows(path: Path) -> Iterator[_Cells]:
    if path.suffix == ".parquet":
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=list(COLUMNS)):
                yield from batch.to_pylist()
        return
    with path.open(encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)
