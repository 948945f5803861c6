"""What an export writes to: a new file or folder, whole or not at all, and nothing beside it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forecast.errors import LedgerError


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give the name of a file to write, which takes the given name once it is whole.

    Parameters
    ----------
    path : pathlib.Path
        Of no file yet, or of an empty one.

    Raises
    ------
    LedgerError
        If something stands there already, its folder is missing, or the disk refuses. Then
        nothing was written.
    """
    with _new(path) as folder:
        yield folder / path.name
        _require_free(path)
        (folder / path.name).replace(path)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill, which takes the given name once it is whole; else as :func:`new_file`."""
    with _new(path) as folder:
        inside = folder / path.name
        inside.mkdir()
        yield inside
        _require_free(path)
        if path.is_dir():
            path.rmdir()
        inside.replace(path)


@contextmanager
def _new(path: Path) -> Iterator[Path]:
    """Hold a temporary folder beside the target, which is gone at the end."""
    _require_free(path)
    if not path.parent.is_dir():
        raise LedgerError(f"{path}: there is no folder {path.parent}: make it first")
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
    except OSError as error:
        raise LedgerError(f"cannot write {path}: {error.strerror or error}: nothing was written") from None


def _require_free(path: Path) -> None:
    """Refuse a target that holds something."""
    try:
        taken = any(path.iterdir()) if path.is_dir() else path.exists() and path.stat().st_size > 0
    except OSError as error:
        raise LedgerError(f"cannot look at {path}: {error.strerror or error}") from None
    if taken:
        raise LedgerError(
            f"{path}: is there already and not empty: nothing was written; give another --out, or move it"
        )
