"""One line of the ledger: how a record becomes bytes, and how bytes are trusted again.

A line is ``{"body":{...},"sha256":"..."}`` in canonical JSON. The hash is over the body's bytes as
they stand in the file, so a check slices and hashes; it never writes the JSON anew.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from forecast.errors import LedgerError
from forecast.record.canonical import canonical, strict
from forecast.record.shapes import is_day, shape_fault

#: The chain that says what came true; every other chain is a forecaster's.
RESOLUTIONS = "resolutions"
RESOLUTION_KINDS = ("resolved", "void", "ambiguous", "reopened", "note", "heads")
FORECAST_KINDS = ("forecast", "withdrawal", "note")

_HEAD = b'{"body":'
_TAIL = re.compile(rb',"sha256":"([0-9a-f]{64})"\}')
_TAIL_BYTES = len(b',"sha256":""}') + 64
#: What stands there instead of a line -> what it is.
_NO_LINE = {
    rb"<<<<<<<|=======|>>>>>>>": "git left a conflict here; 'forecast ledger merge --help' says how to join the copies",
    rb"\xef\xbb\xbf": "a program put a byte order mark before it; take the file from git again",
    rb".*\r$": "a program changed the ends of lines; take the file from git again",
}
#: Fields that the ledger sets: where and when a line stands.
PLACE = ("chain", "seq", "prev", "recorded_on")
_CHAIN_NAME = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9_.-]{0,63}")
_MERGED_FIELDS = {"prev", "seq", "sha256", "merged"}
#: Letters of a value in a message.
_SHOWN = 80
_SHA256 = re.compile(r"[0-9a-f]{64}")


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
    taken = [name for name in PLACE if name in record]
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
        hint = next((f": {why}" for begins, why in _NO_LINE.items() if re.match(begins, raw)), "")
        raise LedgerError(f'line {number}: is not of the form {{"body":...,"sha256":"..."}}{hint}')
    stored = raw[len(_HEAD) : -_TAIL_BYTES]
    sha256 = hashlib.sha256(stored).hexdigest()
    if sha256.encode() != tail[1]:
        raise LedgerError(f"line {number}: changed after it was written (its hash does not match)")
    try:
        body = strict(stored)
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


def check_name(chain: str) -> None:
    """Refuse what cannot name a chain, and so no file outside the ledger's folder either.

    Raises
    ------
    LedgerError
    """
    if not _CHAIN_NAME.fullmatch(chain):
        raise LedgerError(
            f"{_short(chain)} cannot name a chain: take up to 64 of a-z 0-9 _ . - "
            "with a letter or digit first and no two dots in a row"
        )


def heads_fault(heads: Any) -> str | None:
    """Say what keeps a value from being heads by chain, if anything."""
    if not isinstance(heads, dict):
        return "its heads are no JSON object"
    for chain, sha256 in heads.items():
        if not _CHAIN_NAME.fullmatch(chain) or not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            return f"its head of {_short(chain)} is not 64 hex digits of a chain"
    return None


def original(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a line as it stood in the chain that it was merged from; its own if it was not."""
    merged = body.get("merged")
    if merged is None:
        return dict(body)
    rest = {name: value for name, value in body.items() if name != "merged"}
    return rest | {name: value for name, value in merged.items() if name != "sha256"}


def hashes(line: Line) -> Iterator[str]:
    """The hash of a line, then those of what it stands for: the same line in chains that were merged."""
    yield line.sha256
    same = line.body.get("same")
    if same is not None:
        yield hashlib.sha256(canonical(same)).hexdigest()
    for body in (line.body, same or {}):
        merged = body.get("merged")
        while merged is not None:
            yield merged["sha256"]
            merged = merged.get("merged")


def _field_fault(body: Any, chain: str) -> str | None:
    """Say what keeps a body from being a record of this chain, if anything."""
    if not isinstance(body, dict):
        return "its body is not a JSON object"
    if body.get("chain") != chain:
        return f"belongs to chain {_short(body.get('chain'))}"
    kinds = RESOLUTION_KINDS if chain == RESOLUTIONS else FORECAST_KINDS
    if body.get("kind") not in kinds:
        return f"kind {_short(body.get('kind'))} does not belong in chain {chain!r} (these do: {', '.join(kinds)})"
    if type(body.get("seq")) is not int or not is_day(body.get("recorded_on")):
        return "has no whole-number seq or no recorded_on day"
    if "heads" in body:
        fault = heads_fault(body["heads"]) if chain == RESOLUTIONS else "only resolutions carry heads"
        if fault:
            return fault
    if "same" in body:
        fault = _same_fault(body["same"], chain)
        if fault:
            return fault
    return shape_fault(body) or _merged_fault(body)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _same_fault(same: Any, chain: str) -> str | None:
    """Say what keeps a value from being a body of the same chain, if anything."""
    if not isinstance(same, dict) or same.get("chain") != chain:
        return "the line that it keeps is none of this chain"
    try:
        canonical(same)
    except LedgerError as error:
        return str(error)
    return _merged_fault(same)


def _merged_fault(body: dict[str, Any]) -> str | None:
    """Say whether the note on where a line was merged from does not fit the line, all the way back."""
    while "merged" in body:
        merged = body["merged"]
        if not isinstance(merged, dict) or not {"prev", "seq", "sha256"} <= merged.keys() <= _MERGED_FIELDS:
            return "its note of a merge is not of the form prev, seq, sha256"
        body = original(body)
        try:
            stored = canonical(body)
        except LedgerError as error:
            return str(error)
        if hashlib.sha256(stored).hexdigest() != merged["sha256"]:
            return "was changed when it was merged (its note keeps another hash)"
    return None
