"""Inputs kept: gzipped copies of what forecasts were made from, once each, so that any can be made again."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from forecast.errors import LedgerError
from forecast.tables.hashes import input_hashes
from forecast.tables.paths import Home
from forecast.tables.schema import TABLES

#: Folder of the copies, in the ledger's.
FOLDER = "inputs"

#: Input -> its files in the data folder, in the order of its hash. The code is in the version control.
FILES: dict[str, tuple[str, ...]] = {
    "data": (*(table.file for table in TABLES), "datapackage.json"),
    "priors": ("priors.toml",),
    "questions": ("questions.toml",),
}


def keep_inputs(home: Home, hashes: Mapping[str, str]) -> list[Path]:
    """Copy data, priors and questions under ``inputs/<sha256>/`` of the ledger, each version once.

    Parameters
    ----------
    home : Home
    hashes : mapping of str to str
        Of the inputs when they were read.

    Returns
    -------
    list of pathlib.Path
        Folders that are new.

    Raises
    ------
    LedgerError
        If an input has changed since, or the disk refuses.
    """
    try:
        return _kept(home, hashes)
    except OSError as error:
        where = home.ledger / FOLDER
        raise LedgerError(f"cannot keep the inputs in {where} ({error.strerror or error}): nothing was added") from None


def _kept(home: Home, hashes: Mapping[str, str]) -> list[Path]:
    _require_same(home, hashes)
    added = []
    for name, files in FILES.items():
        folder = home.ledger / FOLDER / hashes[name]
        if folder.is_dir():
            continue
        folder.parent.mkdir(parents=True, exist_ok=True)
        # a folder is complete or not there: it is filled under another name first
        filling = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
        try:
            _copy(home.data, filling, files)
            _require_same(home, hashes)
            filling.chmod(0o755)
            try:
                filling.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process kept the same bytes
                    raise
            else:
                added.append(folder)
        finally:
            shutil.rmtree(filling, ignore_errors=True)
    return added


def _require_same(home: Home, hashes: Mapping[str, str]) -> None:
    now = input_hashes(home)
    changed = [name for name in FILES if now[name] != hashes[name]]
    if changed:
        raise LedgerError(
            f"the {', '.join(changed)} in {home.data} changed while forecasts were being made: nothing was added; "
            "run it again"
        )


def missing_inputs(ledger: Path, hashes: Mapping[str, str]) -> list[str]:
    """Which inputs of a forecast were not kept."""
    return [name for name in FILES if not (ledger / FOLDER / hashes.get(name, "none")).is_dir()]


def restore_inputs(ledger: Path, hashes: Mapping[str, str], folder: Path) -> Home:
    """Lay the inputs of a forecast out in a folder, and prove that they are those.

    Parameters
    ----------
    ledger : pathlib.Path
        Its folder.
    hashes : mapping of str to str
        As a ledger line has them: of ``data``, ``priors`` and ``questions``.
    folder : pathlib.Path
        Gets a ``data/`` of its own.

    Raises
    ------
    LedgerError
        If one was not kept, cannot be read, or does not have its hash.
    """
    missing = missing_inputs(ledger, hashes)
    if missing:
        raise LedgerError(f"{ledger / FOLDER}: the {', '.join(missing)} of that forecast were not kept")
    home = Home(folder / "data")
    home.data.mkdir(parents=True)
    for name in FILES:
        for file in sorted((ledger / FOLDER / hashes[name]).glob("*.gz")):
            try:
                text = gzip.decompress(file.read_bytes())
            except (OSError, EOFError, zlib.error) as error:
                raise LedgerError(
                    f"{file}: cannot be unpacked ({error}): restore it from the version control"
                ) from None
            (home.data / file.stem).write_bytes(text)
    found = input_hashes(home)
    for name in FILES:
        if found[name] != hashes[name]:
            raise LedgerError(f"{ledger / FOLDER / hashes[name]}: was changed: its files do not have that hash")
    return home


def _copy(data: Path, folder: Path, files: tuple[str, ...]) -> None:
    for name in files:
        if (data / name).is_file():
            # no time inside: the same input gives the same bytes
            (folder / f"{name}.gz").write_bytes(gzip.compress((data / name).read_bytes(), mtime=0))
