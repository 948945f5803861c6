"""The end of a chain's file: its last line, what a crash left behind it, and text added whole or not at all."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

#: Bytes at the end of a file in which its last line is looked for first.
_FIRST_LOOK = 2**14
#: A link is not followed: it may lead out of the folder.
_HOW = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class Tail:
    """Where a file ends.

    Attributes
    ----------
    end : int
        Bytes up to and with the last newline.
    last : bytes
        The last whole line, without its newline; empty where there is none.
    torn : bool
        Whether half a line follows, as a crash leaves it.
    """

    end: int
    last: bytes
    torn: bool


def tail(path: Path) -> Tail:
    """Look at the end of a file; there need not be one.

    Raises
    ------
    OSError
    """
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return Tail(0, b"", False)
    try:
        return _tail(file)
    finally:
        os.close(file)


def append(path: Path, text: bytes, before: Tail) -> None:
    """Add text to a file that nobody else writes to and make it last, or leave the file as it was.

    Half a line at its end is first moved to ``<name>.torn`` beside it.

    Parameters
    ----------
    path : pathlib.Path
    text : bytes
        Whole lines.
    before : Tail
        The file's, as it stands.

    Raises
    ------
    OSError
        If it cannot be written, or is a link.
    """
    with _opened(path) as (file, is_new):
        if before.torn:
            _set_aside(path, file, before.end)
        _put(file, text, before.end)
        if is_new:
            _fsync_folder(path.parent)


def _tail(file: int) -> Tail:
    size = os.fstat(file).st_size
    start = max(size - _FIRST_LOOK, 0)
    os.lseek(file, start, os.SEEK_SET)
    end, last, whole = _last_in(os.read(file, _FIRST_LOOK))
    if start and not whole:
        with mmap.mmap(file, 0, access=mmap.ACCESS_READ) as text:
            (end, last, _), start = _last_in(text), 0
    return Tail(start + end, last, size > start + end)


def _last_in(text: bytes | mmap.mmap) -> tuple[int, bytes, bool]:
    """End of the last line in a text, the line, and whether its beginning is in the text for sure."""
    end = text.rfind(b"\n") + 1
    first = text.rfind(b"\n", 0, max(end - 1, 0)) + 1
    return end, text[first : max(end - 1, 0)], first > 0


@contextmanager
def _opened(path: Path) -> Iterator[tuple[int, bool]]:
    """A file to read and to append to, and whether it is new; a new one is gone again if that fails."""
    is_new = False
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a link, which may lead out of the folder: put the file itself there")
    try:
        file = os.open(path, _HOW)
    except FileNotFoundError:
        file, is_new = os.open(path, _HOW | os.O_CREAT | os.O_EXCL, 0o644), True
    try:
        yield file, is_new
    except BaseException:
        if is_new:
            with suppress(OSError):
                path.unlink()
        raise
    finally:
        os.close(file)


def _set_aside(path: Path, file: int, end: int) -> None:
    """Move what follows the last newline to a file beside, so that nothing is lost."""
    os.lseek(file, end, os.SEEK_SET)
    torn = bytearray()
    while some := os.read(file, 2**20):
        torn += some
    with _opened(path.with_suffix(".torn")) as (beside, is_new):
        _put(beside, bytes(torn) + b"\n", os.fstat(beside).st_size)
        if is_new:
            _fsync_folder(path.parent)
    os.ftruncate(file, end)


def _put(file: int, text: bytes, before: int) -> None:
    try:
        rest = memoryview(text)
        while rest:  # a disk that fills up takes a part first, and fails only when asked again
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    except BaseException:
        with suppress(OSError):
            os.ftruncate(file, before)
        raise


def _fsync_folder(path: Path) -> None:
    """Make a new file's name last too; Windows cannot open a folder, and need not."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
