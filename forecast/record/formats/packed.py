"""Read tables out of a zip that a stranger made: sizes checked before anything is unpacked, nothing written."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from forecast.errors import LedgerError
from forecast.record.formats.reading import csv_rows, require_size, shown

#: Bytes of all members together, unpacked.
MOST_UNPACKED_BYTES = 256 * 2**20

#: How many times larger a member may be than it is packed, where it is larger than :data:`_SMALL_BYTES`.
MOST_RATIO = 100

_SMALL_BYTES = 2**20
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # a password
    NotImplementedError,
    ValueError,
    OverflowError,
    IndexError,
)


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip whose sizes are within bounds; whatever is broken in it is one error.

    Raises
    ------
    LedgerError
        If it is no zip, too large packed or unpacked, has a member twice, or cannot be unpacked.
    """
    require_size(path)
    try:
        with zipfile.ZipFile(path) as packed:
            _require_bounds(path, packed.infolist())
            yield packed
    except _BROKEN as error:
        raise LedgerError(f"{path}: cannot be unpacked: {shown(str(error) or type(error).__name__)}") from None


def zipped_rows(
    path: Path, packed: zipfile.ZipFile, member: str, columns: Sequence[str]
) -> Generator[tuple[str, dict[str, str]]]:
    """Give the rows of a CSV member, as :func:`forecast.record.formats.reading.csv_of`, one after another.

    Raises
    ------
    LedgerError
    """
    if member not in packed.namelist():
        raise LedgerError(f"{path}: holds no {member}")
    with packed.open(member) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as lines:
        yield from csv_rows(f"{path}, {member}", lines, columns)


def _require_bounds(path: Path, members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise LedgerError(f"{path}: a member stands twice")
    if sum(member.file_size for member in members) > MOST_UNPACKED_BYTES:
        raise LedgerError(f"{path}: larger than {MOST_UNPACKED_BYTES} bytes when unpacked")
    for member in members:
        if member.file_size > max(_SMALL_BYTES, MOST_RATIO * member.compress_size):
            raise LedgerError(
                f"{path}, {shown(member.filename)}: {member.file_size} bytes packed into {member.compress_size}: "
                f"a member may be {MOST_RATIO} times as large as it is packed"
            )
