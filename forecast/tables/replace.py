"""Put edited tables in their place: checked first, all of them or none."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from forecast.errors import TableError
from forecast.tables.edit import Edit

#: How long to wait for another process that is replacing tables of the same folder.
LOCK_SECONDS = 10.0


def new_problems(data: Path, edits: Sequence[Edit], check: Callable[[Path], list[str]]) -> list[str]:
    """Problems that a data folder would have after some edits and does not have now.

    Parameters
    ----------
    data : pathlib.Path
        The folder; nothing in it is changed.
    edits : sequence of Edit
        Of files in it.
    check : callable
        Gives the problems of a data folder, a line each, as ``forecast check`` does.
    """

    def problems(of: Sequence[Edit]) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder)
            copy_tables(data, copy)
            for edit in of:
                (copy / edit.file.name).write_bytes(edit.after)
            return [line.replace(folder, str(data)) for line in check(copy)]

    found = problems(edits)
    return beyond(problems(()), found) if found else []


def copy_tables(data: Path, folder: Path) -> None:
    """Copy the files of a data folder, without the folders in it."""
    for file in data.iterdir():
        if file.is_file():
            shutil.copyfile(file, folder / file.name)


def beyond(before: Sequence[str], found: Sequence[str]) -> list[str]:
    """Problems that were not there before; a row that was put in moves the numbers of those below it."""
    known = Counter(_without_number(line) for line in before)
    seen: Counter[str] = Counter()
    new = []
    for line in found:
        seen[_without_number(line)] += 1
        if seen[_without_number(line)] > known[_without_number(line)]:
            new.append(line)
    return new


def without_place(line: str) -> str:
    """A problem without the file and the row that it stands in: of a row that is not written yet."""
    return re.sub(r"^.*?, row \d+, (column )?", "", line, count=1)


def write(edits: Sequence[Edit]) -> None:
    """Replace files by what they are after their edits: all of them, or none.

    Each is written beside itself first and put in its place at once, with its permission bits.
    An edit that adds a fact should come before one that takes the same fact out elsewhere: a
    crash between two files then leaves a fact twice, which ``forecast check`` names.

    Raises
    ------
    TableError
        If a file is not what it was when it was read, may not be written, or another process
        holds the folder for longer than :data:`LOCK_SECONDS`. Then nothing was changed.
    """
    with _held(edits[0].file.resolve().parent):
        beside: list[Path] = []
        done: list[Edit] = []
        try:
            for edit in edits:
                if not os.access(edit.file, os.W_OK):
                    raise TableError([f"{edit.file}: may not be written: nothing was changed"])
                beside.append(_write_beside(edit.file.resolve(), edit.after))
            for edit in edits:
                if edit.file.read_bytes() != edit.before:
                    raise TableError(
                        [f"{edit.file}: another process changed it: nothing was changed; run the command again"]
                    )
            for edit, new in zip(edits, beside, strict=True):
                new.replace(edit.file.resolve())
                done.append(edit)
        except BaseException as error:
            for edit in done:
                _write_beside(edit.file.resolve(), edit.before).replace(edit.file.resolve())
            if isinstance(error, OSError):
                files = ", ".join(str(edit.file) for edit in edits)
                raise TableError([f"cannot write {files}: {error.strerror or error}: nothing was changed"]) from None
            raise
        finally:
            for new in beside:
                new.unlink(missing_ok=True)


def _without_number(line: str) -> str:
    return re.sub(r", row \d+", "", line, count=1)


def _write_beside(file: Path, content: bytes) -> Path:
    """A file in the same folder with the permission bits of another, safe on the disk."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".new", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        with suppress(OSError, AttributeError):  # only root may, and Windows has none
            os.chown(name, file.stat().st_uid, file.stat().st_gid)
        shutil.copymode(file, name)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a folder against other processes that edit tables; where it cannot be locked, go on without."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TableError([f"{folder}: another process is editing it; try again later"]) from None
                time.sleep(0.05)
            except OSError:  # a file system without locks
                break
        yield
        with suppress(OSError):
            os.fsync(opened)  # make the new names last, too
    finally:
        os.close(opened)
