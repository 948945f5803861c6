"""The ledger: append-only text files in which every line carries the hash of the line before it.

One file, or chain, per forecaster, so that two people's additions never meet in a merge, and one
for what came true.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import Timeout

from forecast.errors import LedgerError
from forecast.record import tails
from forecast.record.heads import Kept
from forecast.record.lines import RESOLUTIONS, Line, check_name, check_place, genesis, hashes, parsed, written
from forecast.record.locks import held

#: How long to wait for another process that is writing to the same chain.
LOCK_SECONDS = 30.0

_SUFFIX = ".jsonl"
_LEDGER_FIELDS = ("heads", "merged", "same")

#: Records, each with its day of writing.
Dated = Sequence[tuple[Mapping[str, Any], dt.date]]


@dataclass(frozen=True)
class Verdict:
    """What a check of one chain found.

    Attributes
    ----------
    chain : str
    lines : int
        Good lines, up to the first fault.
    head_sha256 : str
        Hash of the last good line; of the chain's name where there is none.
    fault : str or None
        The first line that was changed, dropped, inserted, reordered, moved or cut off, in words.
    torn : bool
        Whether the file ends in a half-written line, as a crash leaves it; the next append sets it aside.
    """

    chain: str
    lines: int
    head_sha256: str
    fault: str | None
    torn: bool


def append(
    folder: Path,
    chain: str,
    records: Sequence[Mapping[str, Any]] | Callable[[], Sequence[Mapping[str, Any]]],
    *,
    recorded_on: dt.date,
    unique: str | None = None,
) -> list[Line]:
    """Write records at the end of a chain: all of them, or none; a crash may leave the first of them.

    A half-written last line, left by a crash, is first moved to ``<chain>.torn`` beside the chain.
    In the chain of resolutions the first record is given the ``heads`` of all other chains.

    Parameters
    ----------
    folder : pathlib.Path
        Holds the chains; made if missing.
    chain : str
        The forecaster, or ``resolutions``.
    records : sequence of mapping
        Each with a ``kind`` that belongs in this chain, and JSON values; no NaN, no infinity. Or a
        function that gives them, called while nobody else writes to the chain.
    recorded_on : datetime.date
        The day of writing.
    unique : str, optional
        A field of every record whose value must be new to the chain; other records are left out.

    Returns
    -------
    list of Line
        What was added, as a reader will see it.

    Raises
    ------
    LedgerError
        If a record cannot be written, the chain's last line is bad, another process holds the
        chain for longer than :data:`LOCK_SECONDS`, or the disk refuses. Then nothing was added.
    """

    def new() -> Dated:
        made = records() if callable(records) else records
        taken = [name for name in _LEDGER_FIELDS if any(name in record for record in made)]
        if taken:
            raise LedgerError(f"a record must not bring its own {', '.join(taken)}: the ledger sets it")
        added = list(_new(_path(folder, chain), made, unique))
        if chain == RESOLUTIONS and added:
            others = heads(folder, locked=True)
            added[0] = {**added[0], "heads": others} if others else added[0]
        return [(record, recorded_on) for record in added]

    if not callable(records) and not records:
        _path(folder, chain)
        return []
    return extend(folder, chain, new)


def extend(folder: Path, chain: str, new: Callable[[], Dated]) -> list[Line]:
    """Write what a function says at the end of a chain that stands still meanwhile; else as :func:`append`."""
    path = _path(folder, chain)
    with writing(folder, chain):
        return _append_locked(path, new())


def read(folder: Path, chain: str) -> list[Line]:
    """Read and verify a whole chain; a half-written last line is left out.

    Returns
    -------
    list of Line
        Empty if the chain does not exist.

    Raises
    ------
    LedgerError
        At the first bad line, by number.
    """
    return list(stream(folder, chain))


def stream(folder: Path, chain: str) -> Iterator[Line]:
    """Give the verified lines of a chain one by one, in constant memory; else as :func:`read`."""
    path = _path(folder, chain)
    try:
        yield from lines_of(path, chain)
    except LedgerError as error:
        raise LedgerError(f"{path}: {error}; run 'forecast ledger verify'") from None


def chains(folder: Path) -> list[str]:
    """Names of the chains in a folder, sorted; none if there is no folder."""
    try:
        return sorted(map(_chain, (p for p in folder.iterdir() if p.name.endswith(_SUFFIX))))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LedgerError(f"cannot read {folder}: {error.strerror or error}") from error


def verify(folder: Path, kept: Sequence[Kept] = ()) -> list[Verdict]:
    """Check every chain in a folder, line by line, in constant memory.

    Lines cut off at the very end leave a shorter chain that is good in itself: only heads that were
    kept show that. Those in the chain of resolutions are looked at always.

    Parameters
    ----------
    folder : pathlib.Path
    kept : sequence of Kept
        More heads, as published: each must still be a line of its chain.
    """
    wanted: dict[str, dict[str, str]] = {}
    for published in kept:
        _want(wanted, published)
    found = [_verdict(folder, RESOLUTIONS, wanted)] if RESOLUTIONS in {*chains(folder), *wanted} else []
    found += [_verdict(folder, chain, wanted) for chain in {*chains(folder), *wanted} - {RESOLUTIONS}]
    return sorted(found, key=lambda verdict: verdict.chain)


def heads(folder: Path, *, locked: bool = False) -> dict[str, str]:
    """Heads of all chains, by name; if locked of all but the resolutions', each while nobody writes to it."""
    if not locked:
        return {chain: head(folder, chain) for chain in chains(folder)}
    found = {}
    for chain in chains(folder):
        if chain != RESOLUTIONS:
            _path(folder, chain)
            with holding(folder, chain):
                found[chain] = head(folder, chain)
    return found


def head(folder: Path, chain: str) -> str:
    """Hash of a chain's last line, which stands for all before it; of its name while it is empty."""
    path = _path(folder, chain)
    with _reading(path):
        return _next(path, tails.tail(path))[1]


@contextmanager
def writing(folder: Path, chain: str) -> Iterator[None]:
    """Keep all others from writing to a chain meanwhile; the folder is made if missing.

    Raises
    ------
    LedgerError
        If another process writes for too long, or the disk refuses.
    """
    path = _path(folder, chain)
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
        with holding(folder, chain):
            yield
    except Timeout:
        raise LedgerError(f"{path}: another process has been writing for {LOCK_SECONDS:g} s; try again later") from None
    except OSError as error:
        raise LedgerError(f"cannot write to {path}, nothing was added: {error.strerror or error}") from error


def holding(folder: Path, chain: str) -> AbstractContextManager[None]:
    """Keep all others from writing to a chain meanwhile.

    Raises
    ------
    filelock.Timeout, OSError
    """
    return held(folder / f".{chain}.lock", LOCK_SECONDS)


def _path(folder: Path, chain: str) -> Path:
    check_name(chain)
    return folder / f"{chain}{_SUFFIX}"


def _chain(path: Path) -> str:
    return path.name.removesuffix(_SUFFIX)


def _new(path: Path, records: Sequence[Mapping[str, Any]], unique: str | None) -> Sequence[Mapping[str, Any]]:
    """Keep the records whose unique field is in no line yet, nor in an earlier record."""
    if unique is None:
        return records
    known = {str(line.body.get(unique)) for line in read(path.parent, _chain(path))}
    first: dict[str, Mapping[str, Any]] = {}
    for record in records:
        first.setdefault(record[unique], record)
    return [record for key, record in first.items() if key not in known]


def _append_locked(path: Path, records: Dated) -> list[Line]:
    if not records:
        return []
    before = tails.tail(path)
    seq, prev = _next(path, before)
    lines, text = list[Line](), bytearray()
    for record, recorded_on in records:
        raw, line = written(record, _chain(path), seq, prev, recorded_on)
        seq, prev = seq + 1, line.sha256
        lines.append(line)
        text += raw + b"\n"
    tails.append(path, bytes(text), before)
    return lines


def _next(path: Path, found: tails.Tail) -> tuple[int, str]:
    """Seq and prev of the line after a tail."""
    if not found.end:
        return 0, genesis(_chain(path))
    try:
        last = parsed(found.last, _chain(path), 0)
    except LedgerError:
        read(path.parent, _chain(path))  # raises, with the number of the first bad line
        raise
    return last.body["seq"] + 1, last.sha256


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LedgerError(f"cannot read {path}: {error.strerror or error}") from error


def lines_of(path: Path, chain: str) -> Iterator[Line]:
    """Give the verified lines of a file in order, or the error at the first bad one; none if there is no file."""
    prev = genesis(chain)
    with _reading(path), suppress(FileNotFoundError), path.open("rb") as file:
        for seq, raw in enumerate(file):
            if raw.endswith(b"\n"):  # else torn, and the last
                line = parsed(raw[:-1], chain, seq + 1)
                check_place(line, seq, prev)
                prev = line.sha256
                yield line


def _verdict(folder: Path, chain: str, wanted: dict[str, dict[str, str]]) -> Verdict:
    """Check one chain; the heads that it records of others are wanted from now on."""
    count, last, torn, fault = 0, "", False, None
    try:
        path = _path(folder, chain)
        last, missing = genesis(chain), dict(wanted.get(chain, {}))
        missing.pop(last, None)
        with _reading(path):
            torn = tails.tail(path).torn
        for line in lines_of(path, chain):
            count, last = line.number, line.sha256
            for sha256 in hashes(line) if missing else ():
                missing.pop(sha256, None)
            if "heads" in line.body:
                _want(wanted, Kept(f"line {count} of {RESOLUTIONS}", line.body["heads"]))
        for sha256, where in missing.items():
            how = "cut off, or one before it replaced" if path.exists() else "cut off, for the file is missing"
            fault = f"line {count + 1}: {how}: head {sha256[:16]} in {where} is no line"
            break
    except LedgerError as error:
        fault = str(error)
    return Verdict(chain, count, last, fault, torn)


def _want(wanted: dict[str, dict[str, str]], kept: Kept) -> None:
    for chain, sha256 in kept.heads.items():
        wanted.setdefault(chain, {}).setdefault(sha256, kept.where)
