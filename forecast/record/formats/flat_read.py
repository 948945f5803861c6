"""A flat table taken over: the same ledger, line for line and hash for hash."""

from __future__ import annotations

import csv
import datetime as dt
import json
import tempfile
from collections import Counter
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
from forecast.record.formats.reading import shown
from forecast.record.lines import PLACE, Line, check_name
from forecast.record.tails import fsync_folder
from forecast.release import GRID_DAYS

_Cells = dict[str, Any]

#: Lines that are appended at once.
_BATCH = 50

#: Letters of a cell: a line may be long.
_LONGEST = 2**30


@dataclass(frozen=True)
class _Said:
    """A line to write, and the hash that it had."""

    chain: str
    seq: int
    recorded_on: dt.date
    record: dict[str, Any]
    sha256: str


def read(path: Path, folder: Path) -> Counter[str]:
    """Take over the ledger that a flat table was written from, in constant memory where a chain is new.

    Parameters
    ----------
    path : pathlib.Path
        A whole table, as :func:`forecast.record.formats.flat.write` wrote it.
    folder : pathlib.Path
        Of the ledger; made if missing. A chain that it has must begin as the table's does, and gets what
        the table has more; or the table's must begin as it does, and it stays.

    Returns
    -------
    collections.Counter
        Lines added, by chain.

    Raises
    ------
    LedgerError
        If the table cannot be read, what it says of a line was changed or is missing, or a chain stands
        otherwise here: nothing was added then. Where a chain cannot be written after all, the message says
        what was added before. Lines missing at the very end show as little as in a ledger.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as name:
            new = Path(name)
            for run in _runs(_lines(path)):
                _append(path, new, run)
            for chain in ledger.chains(new):
                next(_behind(path, new, folder, chain), None)  # before anything is written: do all fit?
            folder.mkdir(exist_ok=True)
            return _take_all(path, new, folder)
    except OSError as error:
        raise LedgerError(f"cannot read {path} into {folder}: {error.strerror or error}") from None


def _take_all(path: Path, new: Path, folder: Path) -> Counter[str]:
    """Put all chains in their places; where one refuses after all, say what is there already."""
    added = Counter[str]()
    for chain in ledger.chains(new):
        try:
            added[chain] = _take(path, new, folder, chain)
        except LedgerError as error:
            if not added.total():
                raise
            before = f"{added.total()} lines of other chains were added before: do the same again for the rest"
            raise LedgerError(f"{error}; {before}") from None
    return added


def _take(path: Path, new: Path, folder: Path, chain: str) -> int:
    """Put a chain in its place, or what it has more behind the one that is there; say how many lines."""
    with ledger.writing(folder, chain):
        if chain not in ledger.chains(folder):
            count = sum(1 for _ in ledger.stream(new, chain))
            (new / f"{chain}.jsonl").rename(folder / f"{chain}.jsonl")
            fsync_folder(folder)
            return count
    return len(ledger.extend(folder, chain, lambda: [_dated(line) for line in _behind(path, new, folder, chain)]))


def _behind(path: Path, new: Path, folder: Path, chain: str) -> Iterator[Line]:
    """The lines of a new chain behind those that are there already."""
    lines = ledger.stream(new, chain)
    for own in ledger.stream(folder, chain):
        line = next(lines, None)
        if line is None:
            return
        if line.sha256 != own.sha256:
            raise LedgerError(
                f"{path}, chain {chain} seq {line.body['seq']}: another line stands there in {folder}; "
                "two copies of a chain are for 'forecast ledger merge'"
            )
    yield from lines


def _dated(line: Line) -> tuple[dict[str, Any], dt.date]:
    record = {name: value for name, value in line.body.items() if name not in PLACE}
    return record, dt.date.fromisoformat(line.body["recorded_on"])


def _append(path: Path, folder: Path, run: list[_Said]) -> None:
    """Append lines of one chain and day; each must come out as it was."""
    dated = [(said.record, said.recorded_on) for said in run]
    try:  # as they stood: the heads that a resolution holds are those of its day
        lines = ledger.extend(folder, run[0].chain, lambda: dated)
    except LedgerError as error:
        raise LedgerError(f"{path}, chain {run[0].chain} seq {run[0].seq} and on: {error}") from None
    for said, line in zip(run, lines, strict=True):
        if (line.body["seq"], line.sha256) != (said.seq, said.sha256):
            raise LedgerError(
                f"{path}, chain {said.chain} seq {said.seq}: it, or a line before it, was changed or is missing"
            )


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
            except (KeyError, TypeError, ValueError, RecursionError) as error:
                raise LedgerError(f"{path}, chain {shown(chain)} seq {seq}: cannot be read ({_short(error)})") from None
    except (KeyError, TypeError, ValueError, csv.Error, pa.ArrowException) as error:
        raise LedgerError(f"{path}: is no flat table of a ledger ({_short(error)})") from None


def _short(error: Exception) -> str:
    return " ".join(str(error)[:200].split())


def _line(chain: str, seq: int, rows: list[_Cells]) -> _Said:
    check_name(chain)
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
    before = csv.field_size_limit(_LONGEST)
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
            if missing:
                raise ValueError(f"no column {', '.join(missing)}")
            yield from reader
    finally:
        csv.field_size_limit(before)
