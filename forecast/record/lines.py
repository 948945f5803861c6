"""One line of the ledger: how a record becomes bytes, and how bytes are trusted again.

A line is ``{"body":{...},"sha256":"..."}`` in canonical JSON. The hash is over the body's bytes as
they stand in the file, so a check slices and hashes; it never writes the JSON anew.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import rfc8785

from forecast.errors import LedgerError

#: The chain that says what came true; every other chain is a forecaster's.
RESOLUTIONS = "resolutions"
RESOLUTION_KINDS = ("resolved", "void", "ambiguous", "reopened", "note")
FORECAST_KINDS = ("forecast", "withdrawal", "note")

_HEAD = b'{"body":'
_TAIL = re.compile(rb',"sha256":"([0-9a-f]{64})"\}')
_TAIL_BYTES = len(b',"sha256":""}') + 64
_CHAIN_FIELDS = ("chain", "seq", "prev", "recorded_on")


@dataclass(frozen=True)
class Line:
    """One line of a chain.

    Attributes
    ----------
    body : dict
        The record, with ``chain``, ``seq``, ``prev``, ``kind`` and ``recorded_on``.
    sha256 : str
        Hash of the body's bytes as stored, in hex.
    number : int
        Place in the file, counted from 1.
    """

    body: dict[str, Any]
    sha256: str
    number: int


def canonical(value: Any) -> bytes:
    """Write a value as canonical JSON.

    Raises
    ------
    LedgerError
        If JSON has no way to say it: NaN, infinity, a date, a key that is no text.

    References
    ----------
    .. [1] Rundgren, Jordan, Erdtman (2020). RFC 8785, https://doi.org/10.17487/RFC8785
    """
    try:
        return rfc8785.dumps(value)
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"a record cannot be written as JSON: {error}") from None


def genesis(chain: str) -> str:
    """Return what the first line of a chain follows: SHA-256 of ``forecast-ledger:`` and its name, in hex."""
    return hashlib.sha256(b"forecast-ledger:" + chain.encode()).hexdigest()


def written(record: Mapping[str, Any], chain: str, seq: int, prev: str, recorded_on: dt.date) -> tuple[bytes, Line]:
    """Return a record as the bytes of its line, without the newline, and that line as a reader will see it.

    Raises
    ------
    LedgerError
        If the record is no JSON, sets a field that the ledger sets, or is of a kind for another chain.
    """
    taken = [name for name in _CHAIN_FIELDS if name in record]
    if taken:
        raise LedgerError(f"a record must not bring its own {', '.join(taken)}: the ledger sets it")
    place = {"chain": chain, "seq": seq, "prev": prev, "recorded_on": recorded_on.isoformat()}
    stored = canonical({**record, **place})
    raw = _HEAD + stored + b',"sha256":"' + hashlib.sha256(stored).hexdigest().encode() + b'"}'
    return raw, parsed(raw, chain, seq + 1)


def parsed(raw: bytes, chain: str, number: int) -> Line:
    """Read one line, without its newline, and check all that shows without its neighbours.

    Raises
    ------
    LedgerError
        If it is not of the form, was changed, or belongs elsewhere.
    """
    tail = _TAIL.fullmatch(raw[-_TAIL_BYTES:])
    if tail is None or not raw.startswith(_HEAD):
        raise LedgerError(f'line {number}: is not of the form {{"body":...,"sha256":"..."}}')
    stored = raw[len(_HEAD) : -_TAIL_BYTES]
    sha256 = hashlib.sha256(stored).hexdigest()
    if sha256.encode() != tail[1]:
        raise LedgerError(f"line {number}: changed after it was written (its hash does not match)")
    try:
        body = json.loads(stored.decode(), object_pairs_hook=keys_once, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"line {number}: its body is not good JSON ({error})") from None
    fault = _field_fault(body, chain)
    if fault:
        raise LedgerError(f"line {number}: {fault}")
    return Line(body, sha256, number)


def check_place(line: Line, seq: int, prev: str) -> None:
    """Refuse a line that does not follow the one before it.

    Raises
    ------
    LedgerError
        If its ``seq`` or ``prev`` is another than the given one.
    """
    found = line.body["seq"]
    if found != seq:
        how = "dropped" if found > seq else "inserted"
        raise LedgerError(
            f"line {line.number}: a line before it was {how} or the order changed (seq {found} expected {seq})"
        )
    if line.body.get("prev") != prev:
        raise LedgerError(f"line {line.number}: follows another line than the one before it")


def keys_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object of a JSON text in which a key stands twice.

    Raises
    ------
    ValueError
    """
    once = dict(pairs)
    if len(once) != len(pairs):
        raise ValueError("a key stands twice")
    return once


def refuse_constant(name: str) -> None:
    """Refuse NaN and infinity in a JSON text.

    Raises
    ------
    ValueError
    """
    raise ValueError(f"{name} is no number")


def _field_fault(body: Any, chain: str) -> str | None:
    """Say what keeps a body from being a record of this chain, if anything."""
    if not isinstance(body, dict):
        return "its body is not a JSON object"
    if body.get("chain") != chain:
        return f"belongs to chain {body.get('chain')!r}"
    kinds = RESOLUTION_KINDS if chain == RESOLUTIONS else FORECAST_KINDS
    if body.get("kind") not in kinds:
        return f"kind {body.get('kind')!r} does not belong in chain {chain!r} (these do: {', '.join(kinds)})"
    if type(body.get("seq")) is not int or not _is_day(body.get("recorded_on")):
        return "has no whole-number seq or no recorded_on day"
    return None


def _is_day(value: Any) -> bool:
    with suppress(TypeError, ValueError):
        return bool(dt.date.fromisoformat(value).isoformat() == value)
    return False
