"""Read a CSV table through its schema and name every bad cell at once."""

from __future__ import annotations

import csv
import io
import tomllib
import types
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from forecast.errors import TableError
from forecast.tables.schema import Row


def read_rows[AnyRow: Row](path: Path, row_type: type[AnyRow]) -> list[AnyRow]:
    """Read and validate a table.

    Parameters
    ----------
    path : pathlib.Path
        A UTF-8 CSV file with the schema's columns as header.
    row_type : type
        Schema, one of :data:`forecast.tables.schema.TABLES`.

    Raises
    ------
    TableError
        With one line per bad cell: file, row, column, value, rule. Row 1 is the header.
    """
    rows, problems = scan_rows(path, row_type)
    if problems:
        raise TableError(problems)
    return list(rows.values())


def scan_rows[AnyRow: Row](path: Path, row_type: type[AnyRow]) -> tuple[dict[int, AnyRow], list[str]]:
    """The good rows of a table by their number, and a line for everything that is wrong with the others."""
    table, problems = _read_cells(path, row_type)
    rows: dict[int, AnyRow] = {}
    for number, cells in table:
        try:
            row = row_type.model_validate(cells)
        except ValidationError as error:
            problems += [_cell_problem(path, number, e["loc"], cells, e["msg"]) for e in error.errors()]
            bad = {str(e["loc"][0]) for e in error.errors()}
            problems += [
                _cell_problem(path, number, (c,), cells, rule) for c, rule in _other_faults(row_type, cells, bad)
            ]
            continue
        problems += [_cell_problem(path, number, (c,), cells, rule) for c, rule in row.rules()]
        rows[number] = row
    return rows, problems + _duplicates(path, row_type, table)


def _other_faults(row_type: type[Row], cells: dict[str, str], bad: set[str]) -> list[tuple[str, str]]:
    """Rules between columns that the good cells of a row break on their own."""
    good: dict[str, Any] = {}
    for name, field in row_type.model_fields.items():
        if name not in bad:
            cell: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, field])  # type: ignore[arg-type]
            good[name] = cell.validate_python(cells[name])
    row, found = row_type.model_construct(**good, **dict.fromkeys(bad)), []
    with suppress(TypeError, AttributeError):  # a rule that needs the bad cell
        found += [fault for fault in row.rules() if fault[0] not in bad]
    return found


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    TableError
        If it is missing, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TableError([f"{path}: no such file: 'forecast init DIR' lays one out"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TableError([f"{path}: not TOML: {error}"]) from None


def to_frame(rows: Sequence[Row], row_type: type[Row]) -> pd.DataFrame:
    """Rows as a data frame: days as datetime64, blank days as NaT, blank texts as None."""
    frame = pd.DataFrame([row.model_dump() for row in rows], columns=list(row_type.model_fields))
    for name in day_columns(row_type):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[s]")
    return frame


def day_columns(row_type: type[Row]) -> list[str]:
    """Columns of a schema that hold days."""
    return [name for name, field in row_type.model_fields.items() if base_type(field.annotation).__name__ == "date"]


def base_type(annotation: Any) -> Any:
    """The plain type under optional and annotated ones."""
    if get_origin(annotation) in (types.UnionType, Union):
        return base_type(next(a for a in get_args(annotation) if a is not types.NoneType))
    if hasattr(annotation, "__metadata__"):
        return base_type(annotation.__origin__)
    return annotation


def _read_cells(path: Path, row_type: type[Row]) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig", newline="")
    except FileNotFoundError:
        raise TableError([f"{path}: no such file: 'forecast init DIR' lays the data out"]) from None
    except UnicodeDecodeError as error:
        raise TableError([f"{path}: byte {error.start} is not UTF-8: save the table as UTF-8"]) from None
    try:
        lines = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise TableError([f"{path}: not a CSV table: {error}"]) from None
    header = list(row_type.model_fields)
    if not lines:
        raise TableError([f"{path}: empty file: the first row must name the columns {', '.join(header)}"])
    if lines[0] != header:
        raise TableError([f"{path}, row 1: {_header_problem(lines[0], header)}"])
    table, problems = [], []
    for number, cells in enumerate(lines[1:], start=2):
        if len(cells) == len(header):
            table.append((number, dict(zip(header, cells, strict=True))))
        elif cells:
            problems.append(f"{path}, row {number}: {len(cells)} cells, but the header has {len(header)}")
    return table, problems


def _header_problem(found: list[str], wanted: list[str]) -> str:
    missing = [c for c in wanted if c not in found]
    extra = [c for c in found if c not in wanted]
    if missing or extra:
        return "; ".join(f"{w} column(s) {', '.join(c)}" for w, c in (("missing", missing), ("unknown", extra)) if c)
    return f"columns out of order: must be {', '.join(wanted)}"


def _cell_problem(path: Path, number: int, where: tuple[Any, ...], cells: dict[str, str], rule: str) -> str:
    column = str(where[0])
    return f"{path}, row {number}, column {column}: {cells.get(column, '')!r}: {rule.removeprefix('Value error, ')}"


def _duplicates(path: Path, row_type: type[Row], table: list[tuple[int, dict[str, str]]]) -> list[str]:
    if row_type.key is None:
        return []
    counts = Counter(cells[row_type.key] for _, cells in table)
    return [
        f"{path}, row {number}, column {row_type.key}: {cells[row_type.key]!r}: stands in more than one row"
        for number, cells in table
        if counts[cells[row_type.key]] > 1
    ]
