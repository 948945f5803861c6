"""Merging: what another copy of the ledger has in the same chain is added behind what this copy has.

Two copies of one chain part where both went on alone. This copy's lines stay as they are; the other's
are chained anew behind them, each with a note, ``merged``, of the ``prev``, ``seq`` and ``sha256`` that
it had: from these its old bytes follow, so that a check sees that nothing else was changed. What both
said alike stands once; a note keeps the other's line whole, under ``same``, for heads that were published.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.canonical import canonical
from forecast.record.lines import PLACE, Line, check_name, hashes

#: What else is not said by a line that answers: what the ledger and a merge add to it.
_ADDED = ("heads", "merged")
#: What two lines of a kind have in common that may stand once only.
_ONCE = {"forecast": "id", "withdrawal": "forecast_id"}


@dataclass(frozen=True)
class Merged:
    """What a merge did.

    Attributes
    ----------
    chain : str
    common : int
        Lines that both copies begin with.
    added : list of Line
    alike : list of Line
        Notes on lines of the other copy that say what this one says.
    known : int
        Lines of the other copy that this one had already.
    disputed : list of str
        Questions that both copies said something about after they parted, and not the same.
    """

    chain: str
    common: int
    added: list[Line]
    alike: list[Line]
    known: int
    disputed: list[str]


def merge(folder: Path, theirs: Path) -> Merged:
    """Add the lines of another copy of a chain; twice the same adds nothing.

    Parameters
    ----------
    folder : pathlib.Path
        Of the ledger.
    theirs : pathlib.Path
        The other copy; which chain it is, its first line says.

    Raises
    ------
    LedgerError
        If the other copy is empty or does not verify, or does not begin as this one.
    """
    chain, lines = _other(theirs)
    check_name(chain)
    if chain not in ledger.chains(folder):
        raise LedgerError(f"{folder}: has no chain {chain!r} yet: copy {theirs} to {folder / f'{chain}.jsonl'}")
    found: list[int] = []
    disputed: list[str] = []

    def new() -> ledger.Dated:
        ours = ledger.read(folder, chain)
        common = sum(
            1 for _ in takewhile(lambda pair: pair[0].sha256 == pair[1].sha256, zip(ours, lines, strict=False))
        )
        if not common:
            raise LedgerError(
                f"{theirs}: shares no line with chain {chain!r} in {folder}, from the first on: "
                "these are two ledgers, not two copies of one"
            )
        records, said = _unknown(ours, common, lines[common:], theirs)
        found.append(common)
        disputed.extend(sorted(_asked(line.body for line in ours[common:]) & said))
        return records

    added = ledger.extend(folder, chain, new)
    alike = [line for line in added if "same" in line.body]
    fresh = [line for line in added if "same" not in line.body]
    return Merged(chain, found[0], fresh, alike, len(lines) - found[0] - len(added), disputed)


def _other(theirs: Path) -> tuple[str, list[Line]]:
    """The chain of a file and its lines, verified."""
    try:
        with theirs.open("rb") as file:
            chain = str(json.loads(file.readline())["body"]["chain"])
    except OSError as error:
        raise LedgerError(f"cannot read {theirs}: {error.strerror or error}") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise LedgerError(f"{theirs}: line 1: is no line of a ledger: nothing was merged") from None
    try:
        lines = list(ledger.lines_of(theirs, chain))
    except LedgerError as error:
        raise LedgerError(f"{theirs}: {error}: nothing was merged") from None
    if not lines:
        raise LedgerError(f"{theirs}: line 1: is torn, and there is no other: nothing was merged")
    return chain, lines


def _unknown(
    ours: Sequence[Line], common: int, theirs: Sequence[Line], where: Path
) -> tuple[list[tuple[dict[str, Any], dt.date]], set[str]]:
    """Records of what ours do not say, or did not say in these bytes; and the questions they answer."""
    stood = {sha256 for line in ours for sha256 in hashes(line)}
    once = {_once(line) for line in ours} - {None}
    said = Counter(_words(line) for line in ours[common:])
    records, asked = [], set()
    for line in theirs:
        words, day = _words(line), dt.date.fromisoformat(line.body["recorded_on"])
        if hashlib.sha256(canonical(line.body)).hexdigest() != line.sha256:
            raise LedgerError(f"{where}: line {line.number}: is not in canonical JSON: nothing was merged")
        if not stood.isdisjoint(hashes(line)):
            said[words] -= 1
        elif said[words] > 0 or _once(line) in once:
            said[words] -= 1
            records.append((_alike(line), day))
        else:
            records.append((_anew(line), day))
            asked |= _asked([line.body])
    return records, asked


def _words(line: Line) -> bytes:
    """What a line says, wherever and whenever it stands."""
    place = PLACE if line.body["kind"] == "heads" else (*PLACE, *_ADDED)
    return canonical({name: value for name, value in line.body.items() if name not in place})


def _once(line: Line) -> tuple[str, str] | None:
    kind = line.body["kind"]
    return (kind, str(line.body.get(_ONCE[kind]))) if kind in _ONCE else None


def _anew(line: Line) -> dict[str, Any]:
    """The line as a record to chain anew, with the note that keeps its old hash."""
    note = {"prev": line.body["prev"], "seq": line.body["seq"], "sha256": line.sha256}
    if "merged" in line.body:
        note["merged"] = line.body["merged"]
    return {name: value for name, value in line.body.items() if name not in PLACE} | {"merged": note}


def _alike(line: Line) -> dict[str, Any]:
    about = {name: line.body[name] for name in ("question_id",) if name in line.body}
    return {"kind": "note", "text": "another copy of this chain says the same", "same": line.body, **about}


def _asked(bodies: Iterable[Mapping[str, Any]]) -> set[str]:
    """Questions that lines answer, close or open again."""
    return {str(b["question_id"]) for b in bodies if b["kind"] not in ("note", "forecast") and "question_id" in b}
