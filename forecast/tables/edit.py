"""Edit a CSV table byte by byte: only the cells that change are written anew.

A table is read with the place of each cell in its text, so that a change of one row leaves
every other byte as it was: byte-order mark, line ends, the quoting of other cells, a missing
last line end.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from forecast.errors import TableError
from forecast.tables.schema import Row

Cells = Mapping[str, str]

_BOM = b"\xef\xbb\xbf"
#: A cell as the ``csv`` module reads it: quoted from its first character on, or up to the next comma.
_CELL = re.compile(r'"[^"]*(?:""[^"]*)*"|[^,\r\n]*')


@dataclass(frozen=True)
class Edit:
    """A file before and after a change."""

    file: Path
    before: bytes
    after: bytes

    def diff(self) -> str:
        """The lines that differ, as a unified diff without context."""
        before, after = ([line.rstrip("\r") for line in t.decode().split("\n")] for t in (self.before, self.after))
        old, new = f"a/{self.file.name}", f"b/{self.file.name}"
        return "\n".join(difflib.unified_diff(before, after, old, new, n=0, lineterm=""))


@dataclass(frozen=True)
class _Record:
    """Where a row stands in the text: its cells, and the end of its line end."""

    spans: tuple[tuple[int, int], ...]
    end: int

    @property
    def start(self) -> int:
        return self.spans[0][0]

    @property
    def body_end(self) -> int:
        return self.spans[-1][1]


@dataclass(frozen=True)
class Table:
    """A CSV table, and where each cell stands in it.

    Attributes
    ----------
    file : pathlib.Path
    raw : bytes
        The file.
    text : str
        The same without its byte-order mark.
    columns : tuple of str
    rows : tuple of dict
        Cells as text; blank lines, and lines with another number of cells, are left out.
    """

    file: Path
    raw: bytes
    text: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    header: _Record
    records: tuple[_Record, ...]

    def find(self, column: str, value: str) -> int | None:
        """Position of the one row with a value; None where there is none.

        Raises
        ------
        TableError
            If several rows have it.
        """
        found = [n for n, row in enumerate(self.rows) if row[column] == value]
        if len(found) > 1:
            raise TableError([f"{self.file}: {column} {value!r} stands in {len(found)} rows: leave one of them"])
        return found[0] if found else None

    def changed(self, position: int, cells: Cells) -> Edit:
        """Write some cells of a row anew; the others keep their bytes.

        Parameters
        ----------
        position : int
            Of the row in ``rows``.
        cells : mapping
            New text by column.

        Raises
        ------
        TableError
            If a new text has a line break or another control character.
        """
        pieces, at = [], 0
        for column, (start, end) in zip(self.columns, self.records[position].spans, strict=True):
            new = cells.get(column, self.rows[position][column])
            if new != self.rows[position][column]:
                pieces += [self.text[at:start], _written({column: new}, [column])]
                at = end
        return self._edit("".join([*pieces, self.text[at:]]))

    def added(self, after: int, cells: Cells) -> Edit:
        """Put a new row after another (-1: after the header); columns that are not named stay blank.

        Raises
        ------
        TableError
            If a text has a line break or another control character.
        """
        before = self.records[after] if after >= 0 else self.header
        line = _written(cells, self.columns)
        line_end = self.text[before.body_end : before.end]
        if line_end:
            line += line_end
        else:  # the last line of a file that ends without a line end, as it will again
            line = (self.text[self.header.body_end : self.header.end] or "\n") + line
        return self._edit(self.text[: before.end] + line + self.text[before.end :])

    def removed(self, position: int) -> Edit:
        """Take a row out."""
        record = self.records[position]
        return self._edit(self.text[: record.start] + self.text[record.end :])

    def _edit(self, text: str) -> Edit:
        bom = _BOM if self.raw.startswith(_BOM) else b""
        return Edit(self.file, self.raw, bom + text.encode("utf-8"))


def read_table(file: Path, row_type: type[Row]) -> Table:
    """Read a table for editing.

    Parameters
    ----------
    file : pathlib.Path
    row_type : type
        Schema of the table, one of :data:`forecast.tables.schema.TABLES`.

    Raises
    ------
    TableError
        If there is no such file, or it is no CSV table with the schema's columns.
    """
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        raise TableError([f"{file}: no such file: 'forecast init DIR' lays the data out"]) from None
    return parsed(raw, file, row_type)


def parsed(raw: bytes, file: Path, row_type: type[Row]) -> Table:
    """A table from the bytes of its file; see :func:`read_table`."""
    try:
        text = raw.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise TableError([f"{file}: byte {error.start} is not UTF-8: save the table as UTF-8"]) from None
    columns = tuple(row_type.model_fields)
    try:
        found = list(_records(text))
    except (csv.Error, ValueError) as error:
        raise TableError([f"{file}: not a CSV table that can be edited: {error}"]) from None
    if not found or tuple(found[0][0]) != columns:
        raise TableError([f"{file}, row 1: must name the columns {', '.join(columns)}: 'forecast check' says more"])
    good = [(cells, record) for cells, record in found[1:] if len(cells) == len(columns)]
    rows = tuple(dict(zip(columns, cells, strict=True)) for cells, _ in good)
    return Table(file, raw, text, columns, rows, found[0][1], tuple(record for _, record in good))


def cell_fault(row_type: type[Row], column: str, text: str) -> str | None:
    """The rule that a text breaks as a cell of a column; None where it breaks none."""
    field = row_type.model_fields[column]
    cell: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, field])  # type: ignore[arg-type]
    try:
        cell.validate_python(text)
    except ValidationError as error:
        return str(error.errors()[0]["msg"]).removeprefix("Value error, ")
    return text_fault(text)


def text_fault(text: str) -> str | None:
    """What makes a text unfit for a cell: line breaks, other control characters, bytes that are no text."""
    bad = [c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    return f"must be one line of text, without the character {bad[0]!r}" if bad else None


def _records(text: str) -> Iterator[tuple[list[str], _Record]]:
    """Cells of each row that is not blank, as the ``csv`` module has them, and where they stand."""
    lines = list(io.StringIO(text))
    reader = csv.reader(lines, strict=True)
    start, read = 0, 0
    for cells in reader:
        end = start + sum(map(len, lines[read : reader.line_num]))
        if cells:
            record = _Record(tuple(_spans(text, start)), end)
            held = [_unquoted(text[a:b]) for a, b in record.spans]
            if held != cells or text[record.body_end : end] not in ("\n", "\r\n", "\r", ""):
                raise ValueError(f"line {read + 1} is quoted in a way that cannot be kept")
            yield cells, record
        start, read = end, reader.line_num


def _spans(text: str, start: int) -> Iterator[tuple[int, int]]:
    """First and one past the last character of each cell of the row that starts at a place."""
    while True:
        cell = _CELL.match(text, start)
        assert cell  # it matches nothing at all, too
        yield cell.span()
        if text[cell.end() : cell.end() + 1] != ",":
            return
        start = cell.end() + 1


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def _written(cells: Cells, columns: Sequence[str]) -> str:
    """Cells as CSV, without a line end."""
    for column in columns:
        fault = text_fault(cells.get(column, ""))
        if fault:
            raise TableError([f"{column}: {cells[column]!r}: {fault}"])
    out = io.StringIO(newline="")
    # a lone blank cell would be quoted, to tell it from a blank line
    csv.writer(out, lineterminator="").writerow(["", *(cells.get(column, "") for column in columns)])
    return out.getvalue()[1:]
