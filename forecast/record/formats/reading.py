"""Read files that strangers wrote: sizes capped, rows and values checked, and one line for what is wrong."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from forecast.errors import LedgerError
from forecast.record.canonical import finite, keys_once, refuse_constant, whole

#: Bytes of a file, as it lies on the disk.
MOST_BYTES = 64 * 2**20

_SHOWN = 60
_TIME = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)(?:[ T](?P<hour>\d\d:\d\d)(?::(?P<second>\d{1,2}(?:\.\d{1,9})?))?)?"
                   r" ?(?P<zone>Z|[+-]\d\d:?\d\d)?", re.ASCII)  # fmt: skip
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Entry(BaseModel):
    """Base of what is looked at in an entry of a JSON file; other fields may hold anything."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


#: A probability in JSON: a number, no text and no true or false.
Chance = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def shown(value: object) -> str:
    """A value as it may stand in a line of text: quoted, short, nothing that a terminal obeys."""
    try:
        text = ascii(value[: 2 * _SHOWN] if isinstance(value, str) else value)
    except (ValueError, RecursionError):  # a number of thousands of digits; nested deep
        text = f"a {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def fault(where: str, name: str, value: object, rule: str) -> LedgerError:
    """The one line about a bad value: file and row, column or field, value, rule."""
    return LedgerError(f"{where}, {name}: {shown(value)}: {rule}")


def bytes_of(path: Path) -> bytes:
    """Read a file whole.

    Raises
    ------
    LedgerError
        If it cannot be read, or is larger than :data:`MOST_BYTES`.
    """
    require_size(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise LedgerError(f"cannot read {path}: {error.strerror or error}") from None


def require_size(path: Path) -> None:
    """Refuse a file that is missing, no file, or too large, before anything is read.

    Raises
    ------
    LedgerError
    """
    try:
        if not path.is_file():
            raise LedgerError(f"cannot read {path}: {'not a file' if path.exists() else 'no such file'}")
        size = path.stat().st_size
    except (OSError, ValueError) as error:  # a name with a null byte
        raise LedgerError(f"cannot read {shown(str(path))}: {error}") from None
    if size > MOST_BYTES:
        raise LedgerError(f"{path}: {size} bytes: a file may have {MOST_BYTES}")


def json_of(path: Path) -> Any:
    """Read a JSON file; no NaN, no key twice in an object.

    Raises
    ------
    LedgerError
    """
    text = bytes_of(path)
    try:
        rules: dict[str, Any] = {"object_pairs_hook": keys_once, "parse_constant": refuse_constant}
        return json.loads(text.decode("utf-8-sig"), parse_int=whole, parse_float=finite, **rules)
    except RecursionError:
        raise LedgerError(f"{path}: not good JSON: nested too deep") from None
    except ValueError as error:
        raise LedgerError(f"{path}: not good JSON: {str(error)[:200]}") from None


def csv_of(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Give the rows of a CSV file: where each stands, and its cells by column.

    A byte order mark and any line ends are taken. Row 1 is the header.

    Raises
    ------
    LedgerError
        If it is no such file, or a column is missing.
    """
    with io.TextIOWrapper(io.BytesIO(bytes_of(path)), encoding="utf-8-sig", newline="") as file:
        yield from csv_rows(str(path), file, columns)


def csv_rows(name: str, lines: Iterable[str], columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Give the rows of an open CSV file, as :func:`csv_of`; a row may end early, its last cells are blank then."""
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
        missing = [column for column in columns if column not in header]
        if missing:
            raise LedgerError(f"{name}, row 1: no column {', '.join(missing)}")
        twice = [column for column in columns if header.count(column) > 1]
        if twice:
            raise LedgerError(f"{name}, row 1: column {', '.join(twice)} stands twice")
        for number, cells in enumerate(reader, start=2):
            if len(cells) > len(header):
                raise LedgerError(f"{name}, row {number}: {len(cells)} cells, but the header has {len(header)}")
            if cells:
                blank = [""] * (len(header) - len(cells))
                yield f"{name}, row {number}", dict(zip(header, [*cells, *blank], strict=True))
    except UnicodeDecodeError:
        raise LedgerError(f"{name}: not UTF-8: save it as UTF-8") from None
    except csv.Error as error:
        raise LedgerError(f"{name}: not a CSV table: {error}") from None


def entry_of[AnyEntry: BaseModel](where: str, model: type[AnyEntry], given: object) -> AnyEntry:
    """Check an entry against what is expected of it.

    Raises
    ------
    LedgerError
        Naming the first bad field, its value and the rule.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "entry"
        raise fault(where, name[:_SHOWN], first["input"], first["msg"].removeprefix("Value error, ")) from None


def number_of(where: str, row: Mapping[str, str], column: str) -> float:
    """A probability in a cell.

    Raises
    ------
    LedgerError
        If it is no number from 0 to 1.
    """
    return probability(where, column, row[column])


def probability(where: str, name: str, given: object) -> float:
    """A probability in a cell, or one of a list of them.

    Raises
    ------
    LedgerError
        If it is no number from 0 to 1.
    """
    try:
        value = float(str(given))
    except ValueError:
        raise fault(where, name, given, "must be a number from 0 to 1") from None
    if not 0 <= value <= 1:  # nor NaN
        raise fault(where, name, given, "must be a number from 0 to 1")
    return value


def text_of(where: str, row: Mapping[str, str], column: str) -> str:
    """The text in a cell, without spaces around it.

    Raises
    ------
    LedgerError
        If it is blank.
    """
    return required_text(where, column, row[column])


def required_text(where: str, name: str, given: str) -> str:
    """A text that can be written: not blank, no half of a character.

    Raises
    ------
    LedgerError
    """
    text = given.strip()
    if not text:
        raise fault(where, name, given, "must not be blank")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise fault(where, name, given, "holds half a character (a lone surrogate)")
    return text


def moment_of(where: str, name: str, text: str) -> dt.datetime:
    """A moment as written: a day, with or without a time and a zone; UTC where it names none.

    Raises
    ------
    LedgerError
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise fault(where, name, text, "must be a time, YYYY-MM-DD HH:MM:SS")
    second, dot, fraction = (found["second"] or "0").partition(".")
    written = f"{found['day']}T{found['hour'] or '00:00'}:{second.zfill(2)}{dot}{fraction[:6]}{found['zone'] or 'Z'}"
    try:
        return dt.datetime.fromisoformat(written).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise fault(where, name, text, "is no time of the calendar") from None


def day_of(where: str, name: str, text: str) -> dt.date:
    """A day, written YYYY-MM-DD.

    Raises
    ------
    LedgerError
    """
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text.strip(), re.ASCII) is None:
        raise fault(where, name, text, "must be a day, YYYY-MM-DD")
    return moment_of(where, name, text).date()


def milliseconds(where: str, name: str, given: int) -> dt.datetime:
    """A moment given as milliseconds since 1970.

    Raises
    ------
    LedgerError
    """
    try:
        return _EPOCH + dt.timedelta(milliseconds=given)
    except OverflowError:
        raise fault(where, name, given, "is no time of the calendar") from None
