"""Transcripts: what somebody else said, as we wrote it down; a slip of ours in reading it is mended by a second one.

A forecast of one's own stands as it was made. What a paper or a market said stands too, but how it became a
distribution is our doing: a line may say that it ``replaces`` an earlier transcript of the very same saying: source,
words, day and number. Both stay in the chain; the later one is scored, and the earlier one counted as void.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from forecast.record import ledger

#: The model of a forecast that was read off words or prices.
TRANSCRIBED = "third-party"

_SAYING = ("mode", "model", "forecaster", "question_id", "made_on")
_CURVES = ("cdf_full", "cdf_part")


def replaced(bodies: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Transcripts of a chain that do not count: id of each, and of the one that counts instead.

    A line replaces nothing, and stands beside it, unless what it names is an earlier transcript of the same
    saying: no other forecast can be dropped. Of two that replace the same one, as a merge may leave them, the
    first counts.

    Parameters
    ----------
    bodies : iterable of mapping
        Lines of one chain, in order.
    """
    sayings: dict[str, tuple[Any, ...]] = {}
    found: dict[str, str] = {}
    for body in bodies:
        if body["kind"] != "forecast" or not is_transcript(body):
            continue
        name, old = body["id"], body.get("replaces")
        sayings[name] = _saying(body)
        if old in sayings and old != name and sayings[old] == sayings[name]:
            if old in found:
                found[name] = found[old]
            else:
                found[old] = name
    return found


def new_transcripts(records: Iterable[dict[str, Any]], bodies: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give those transcripts that say something new, with what they replace.

    The same saying read in the same way says nothing new, whatever the table knows now that shapes the curve
    between its days; nor does another reading with the same curves.

    Parameters
    ----------
    records : iterable of dict
    bodies : iterable of mapping
        What stands in their chain.
    """
    told = [body for body in bodies if body["kind"] == "forecast" and is_transcript(body)]
    gone = replaced(told)
    standing = {_saying(body): body for body in told if body["id"] not in gone}
    for record in records:
        old = standing.get(_saying(record))
        if old is None:
            yield record
        elif old["hashes"] != record["hashes"] and any(old[name] != record[name] for name in _CURVES):
            name = hashlib.sha256(f"{record['id']} replaces {old['id']}".encode()).hexdigest()[:16]
            yield {**record, "replaces": old["id"], "id": name}


def withdrawn(bodies: Iterable[Mapping[str, Any]]) -> set[str]:
    """Ids of the forecasts of a chain that were taken back, with the transcripts that replace one of these."""
    taken: set[str] = set()
    later: list[tuple[str, str]] = []
    for body in bodies:
        if body["kind"] == "withdrawal":
            taken.add(body["forecast_id"])
        elif body["kind"] == "forecast" and "replaces" in body:
            later.append((body["replaces"], body["id"]))
    for old, new in later:  # in order: what replaces stands behind what it replaces
        if old in taken:
            taken.add(new)
    return taken


def standing_forecasts(folder: Path, chain: str) -> Iterator[dict[str, Any]]:
    """Give the forecasts of a chain that no later transcript replaced, in order and in little memory.

    Raises
    ------
    LedgerError
        If the chain is broken.
    """
    gone = replaced(line.body for line in ledger.stream(folder, chain))
    for line in ledger.stream(folder, chain):
        if line.body["kind"] == "forecast" and line.body["id"] not in gone:
            yield line.body


def is_transcript(body: Mapping[str, Any]) -> bool:
    """Whether a forecast was read off what somebody else said."""
    return body.get("mode") == "imported" and body.get("model") == TRANSCRIBED


def _saying(body: Mapping[str, Any]) -> tuple[Any, ...]:
    """Who said what about what, to the day and the number: ``hashes.said`` is over these."""
    return (*(body.get(name) for name in _SAYING), (body.get("hashes") or {}).get("said"))
