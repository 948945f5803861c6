"""The ledger as one flat table, one row a probability, as CSV or Parquet; written line by line, in constant memory.

A forecast has a row for each day of the standard grid, in full and in part. Any other line, such as a
resolution, has one row with its kind, and no day. ``record`` and ``sha256`` stand in a line's first row alone:
what the line says besides its curves, and its hash. With them :func:`forecast.record.formats.flat_read.read` builds
the same ledger again.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import batched
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.canonical import canonical
from forecast.record.formats.target import new_file
from forecast.record.lines import PLACE, Line
from forecast.record.shapes import is_day
from forecast.release import GRID_DAYS

#: Column -> its type in a Parquet file.
COLUMNS: dict[str, pa.DataType] = {
    "chain": pa.string(),
    "seq": pa.int32(),
    "id": pa.string(),
    "question_id": pa.string(),
    "forecaster": pa.string(),
    "mode": pa.string(),
    "asked_on": pa.date32(),
    "made_on": pa.date32(),
    "recorded_on": pa.date32(),
    "kind": pa.string(),
    "day": pa.int32(),
    "cdf": pa.float64(),
    "record": pa.string(),
    "sha256": pa.string(),
}

#: Kinds of row of a forecast -> the field of its curve.
CURVES = {"full": "cdf_full", "part": "cdf_part"}

#: Lines to a group of rows of a Parquet file.
_GROUP = 50

Row = tuple[Any, ...]


def write(folder: Path, out: Path) -> int:
    """Write a ledger as a flat table.

    Parameters
    ----------
    folder : pathlib.Path
        Of the ledger.
    out : pathlib.Path
        A new file: ``.csv`` or ``.parquet``.

    Returns
    -------
    int
        How many rows it has, without the header.

    Raises
    ------
    LedgerError
        If a chain is broken, the suffix is another, or ``out`` cannot be written.
    """
    writer = _WRITERS.get(out.suffix)
    if writer is None:
        raise LedgerError(f"{out}: the name of a flat table ends in {' or '.join(_WRITERS)}")
    count = 0
    with new_file(out) as new, writer(new) as put:
        lines = (line for chain in ledger.chains(folder) for line in ledger.stream(folder, chain))
        for some in batched(lines, _GROUP):
            rows = [row for line in some for row in _rows(line)]
            put(rows)
            count += len(rows)
    return count


def _rows(line: Line) -> Iterator[Row]:
    """One line of the ledger in rows, in the order of :data:`COLUMNS`."""
    body = line.body
    said = {name: value for name, value in body.items() if name not in (*PLACE, *CURVES.values())}
    whole: tuple[str | None, str | None] = (canonical(said).decode(), line.sha256)
    texts = (_text(body.get(name)) for name in ("id", "question_id", "forecaster", "mode"))
    about = (
        body["chain"],
        body["seq"],
        *texts,
        *(_day(body.get(name)) for name in ("asked_on", "made_on", "recorded_on")),
    )
    if body["kind"] != "forecast":
        yield *about, body["kind"], None, None, *whole
        return
    for kind, curve in CURVES.items():
        for day, chance in zip(GRID_DAYS, body[curve], strict=True):
            yield *about, kind, int(day), float(chance), *whole
            whole = (None, None)


def _text(value: Any) -> str | None:
    return value if type(value) is str else None  # a note may hold anything


def _day(value: Any) -> dt.date | None:
    return dt.date.fromisoformat(value) if is_day(value) else None


@contextmanager
def _csv(path: Path) -> Iterator[Callable[[list[Row]], object]]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        yield writer.writerows


@contextmanager
def _parquet(path: Path) -> Iterator[Callable[[list[Row]], object]]:
    schema = pa.schema(list(COLUMNS.items()))
    with parquet.ParquetWriter(path, schema) as writer:

        def put(rows: list[Row]) -> None:
            columns = zip(zip(*rows, strict=True), COLUMNS.values(), strict=True)
            writer.write_table(pa.table([pa.array(column, kind) for column, kind in columns], schema=schema))

        yield put


_WRITERS: dict[str, Callable[[Path], AbstractContextManager[Callable[[list[Row]], object]]]] = {
    ".csv": _csv,
    ".parquet": _parquet,
}
