"""The shelf of editions: a folder a day, each written whole or not at all, and never again."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError

MANIFEST = "manifest.json"
LATEST = "latest"
_EDITION = re.compile(r"\d{4}-\d{2}-\d{2}(-\d+)?")


def place_edition(shelf: Path, day: dt.date, write: Callable[[Path], None]) -> tuple[Path, bool]:
    """Write an edition onto the shelf and point ``latest`` to it.

    Parameters
    ----------
    shelf : pathlib.Path
    day : datetime.date
    write : callable
        Fills an empty folder, its manifest included.

    Returns
    -------
    folder : pathlib.Path
        ``<day>``, or ``<day>-2`` and so on where one of the day says something else.
    new : bool
        False where the day's last edition says the same already: nothing was written.

    Raises
    ------
    ForecastError
        If the folder cannot be written.
    """
    with _draft(shelf) as draft:
        write(draft)
        same_day = [folder for folder in editions(shelf) if folder.name.startswith(day.isoformat())]
        if same_day and _says(same_day[-1]) == _says(draft):
            return same_day[-1], False
        name = day.isoformat() + (f"-{len(same_day) + 1}" if same_day else "")
        draft.rename(shelf / name)
    _point(shelf / LATEST, name)
    return shelf / name, True


def place_site(folder: Path, write: Callable[[Path], None]) -> None:
    """Write an edition into a folder of its own.

    Raises
    ------
    ForecastError
        If the folder holds something already, or cannot be written.
    """
    require_room(folder)
    with _draft(folder.absolute().parent) as draft:
        write(draft)
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)


def require_room(folder: Path) -> None:
    """Refuse a folder that holds something, before anything long is begun.

    Raises
    ------
    ForecastError
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ForecastError(f"--out {folder}: is not empty: name a new folder; what was published is not rewritten")


def editions(shelf: Path) -> list[Path]:
    """Editions on the shelf, the oldest first."""
    found = [f for f in shelf.iterdir() if _EDITION.fullmatch(f.name) and f.is_dir()] if shelf.is_dir() else []
    return sorted(found, key=lambda folder: (folder.name[:10], int(folder.name[11:] or 1)))


def manifest(folder: Path, about: dict[str, Any]) -> dict[str, Any]:
    """What an edition is made of: ``about`` and the SHA-256 of every file."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != MANIFEST)
    hashes = {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    return about | {"files": hashes}


def faults(folder: Path) -> list[str]:
    """Files of an edition that are not what its manifest says."""
    stated = _says(folder)
    now = manifest(folder, {})["files"]
    names = sorted(stated.keys() | now.keys())
    return [
        f"{folder / name}: {_fault(stated.get(name), now.get(name))}"
        for name in names
        if stated.get(name) != now.get(name)
    ]


def _fault(stated: str | None, now: str | None) -> str:
    return "is missing" if now is None else "is new" if stated is None else "was changed"


def _says(folder: Path) -> dict[str, str]:
    try:
        files: dict[str, str] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError) as error:
        raise ForecastError(f"{folder / MANIFEST}: cannot be read: {error}") from None
    return files


@contextmanager
def _draft(parent: Path) -> Iterator[Path]:
    """A folder beside the final one, gone again if it was not put in place."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=parent))
        try:
            draft.chmod(0o755)
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise ForecastError(f"cannot write to {error.filename or parent}: {error.strerror or error}") from None


def _point(link: Path, name: str) -> None:
    """Let a link point to an edition, in one step."""
    new = link.with_name(f".{link.name}-new")
    try:
        new.unlink(missing_ok=True)
        new.symlink_to(name, target_is_directory=True)
        new.replace(link)
    except OSError as error:
        raise ForecastError(
            f"the edition stands in {link.with_name(name)}, but {link} cannot point to it: {error}"
        ) from None
