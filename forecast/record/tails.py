"""The end of a chain's file: its last line, what a crash left behind it, and text added whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
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
        file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return Tail(0, b"", False)
    try:
        return _tail(file)
    finally:
        os.close(file)


def append(path: Path, text: bytes, before: Tail) -> None:
    """Add text to a file that nobody else writes to and make it last, or leave its whole lines as they were.

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
            fsync_folder(path.parent)


def _tail(file: int) -> Tail:
    """Read backwards until the beginning of the last whole line is there."""
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    reach = _FIRST_LOOK
    while True:
        start = max(about.st_size - reach, 0)
        os.lseek(file, start, os.SEEK_SET)
        text = _read(file, about.st_size - start)
        end = text.rfind(b"\n") + 1
        first = text.rfind(b"\n", 0, max(end - 1, 0)) + 1
        if first or not start:
            return Tail(start + end, text[first : max(end - 1, 0)], about.st_size > start + end)
        reach *= 16


def _read(file: int, size: int) -> bytes:
    found = bytearray()
    while size > len(found) and (some := os.read(file, size - len(found))):
        found += some
    return bytes(found)


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
    torn = _read(file, os.fstat(file).st_size - end)
    with _opened(path.with_suffix(".torn")) as (beside, is_new):
        _put(beside, torn + b"\n", os.fstat(beside).st_size)
        if is_new:
            fsync_folder(path.parent)
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


def fsync_folder(path: Path) -> None:
    """Make a new file's name last too; Windows cannot open a folder, and need not.

    Raises
    ------
    OSError
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
