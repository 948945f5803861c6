"""Heads: the hash of a chain's last line stands for the whole chain, so a copy kept elsewhere shows what was cut off.

Copies are kept in the chain of resolutions, whose lines carry the ``heads`` of all other chains, in
published reports, and in trusted timestamps.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from forecast.errors import LedgerError
from forecast.record.canonical import canonical, strict
from forecast.record.lines import heads_fault

#: Key of the heads in a report's ``manifest.json`` and in the output of ``forecast ledger head --json``.
KEY = "ledger_heads"
#: Key of the one hash for all of them.
COMBINED = "combined_sha256"


@dataclass(frozen=True)
class Kept:
    """Heads that were kept somewhere.

    Attributes
    ----------
    where : str
        In words, for the message when one of them is no longer a line.
    heads : mapping of str to str
        By chain.
    """

    where: str
    heads: Mapping[str, str]


def message(heads: Mapping[str, str]) -> bytes:
    """What is hashed for all chains at once: the heads by chain, in canonical JSON, sorted by name."""
    return canonical(dict(heads))


def combined(heads: Mapping[str, str]) -> str:
    """One hash for all chains: SHA-256 of :func:`message`, in hex."""
    return hashlib.sha256(message(heads)).hexdigest()


def as_json(heads: Mapping[str, str]) -> str:
    """Heads as a text to publish, which :func:`read_heads` reads again."""
    return json.dumps({KEY: dict(heads), COMBINED: combined(heads)}, indent=1, sort_keys=True)


def published(reports: Path) -> list[Kept]:
    """Heads in the manifests of a home's reports, by day.

    Raises
    ------
    LedgerError
        As :func:`read_heads`.
    """
    return [read_heads(file) for file in sorted(reports.glob("*/manifest.json")) if not file.parent.is_symlink()]


def read_heads(file: Path) -> Kept:
    """Read heads that were published.

    Parameters
    ----------
    file : pathlib.Path
        A report's ``manifest.json``, or the output of ``forecast ledger head --json``.

    Raises
    ------
    LedgerError
        If it cannot be read, holds no heads, or not those whose one hash stands beside them.
    """
    try:
        stored = strict(file.read_bytes())
    except OSError as error:
        raise LedgerError(f"cannot read {file}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"{file}: is no JSON with heads of the ledger ({error})") from None
    heads = stored.get(KEY) if isinstance(stored, dict) else None
    if heads is None:
        raise LedgerError(
            f"{file}: has no {KEY!r}: give a report's manifest.json, or the output of 'forecast ledger head --json'"
        )
    fault = heads_fault(heads)
    if fault is None and stored.get(COMBINED, combined(heads)) != combined(heads):
        fault = f"its {COMBINED!r} is not that of its heads: one of them was changed"
    if fault:
        raise LedgerError(f"{file}: {fault}")
    return Kept(f"{file}", heads)
