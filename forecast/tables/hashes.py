"""Hashes of what a forecast was made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from forecast.errors import TableError
from forecast.tables.paths import Home
from forecast.tables.schema import TABLES


def files_sha256(files: Iterable[Path]) -> str:
    """SHA-256 over the names and bytes of files; a missing one counts as empty.

    Raises
    ------
    TableError
        If a file cannot be read.
    """
    try:
        return texts_sha256((file.name, file.read_bytes() if file.is_file() else b"") for file in files)
    except OSError as error:
        raise TableError([f"{error.filename}: cannot be read: {error.strerror or error}"]) from None


def texts_sha256(texts: Iterable[tuple[str, bytes]]) -> str:
    """SHA-256 over names and bytes."""
    sha = hashlib.sha256()
    for name, text in texts:
        sha.update(f"{name} {len(text)}\n".encode() + text)
    return sha.hexdigest()


def data_sha256(home: Home) -> str:
    """SHA-256 of all tables and of the day through which openings were searched for."""
    return files_sha256([*(home.data / table.file for table in TABLES), home.data / "datapackage.json"])


@cache
def code_sha256() -> str:
    """SHA-256 of the source that decides a forecast: all but the command line and the pages."""
    package = Path(__file__).resolve().parents[1]
    wings = [file for wing in ("tables", "model", "record") for file in (package / wing).rglob("*.py")]
    return files_sha256([package / "release.py", *sorted(wings)])


def input_hashes(home: Home) -> dict[str, str]:
    """What the ledger keeps of a forecast's inputs."""
    return {
        "data": data_sha256(home),
        "priors": files_sha256([home.priors]),
        "questions": files_sha256([home.questions]),
        "code": code_sha256(),
    }
