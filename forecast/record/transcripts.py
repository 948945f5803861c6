"""Transcripts: what somebody else said, as we wrote it down; a slip of ours in it is mended by a second one.

A forecast of one's own stands as it was made. What a paper or a market said stands too, but how it became a
distribution is our doing: a line may say that it ``replaces`` an earlier transcript of the very same words. Both
stay in the chain; the later one is scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from forecast.errors import LedgerError
from forecast.record import ledger

#: The model of a forecast that was read off words or prices.
TRANSCRIBED = "third-party"

_SAYING = ("mode", "model", "forecaster", "question_id", "made_on")
_WORDS = ("said_by", "words")
_CURVES = ("cdf_full", "cdf_part")


def replaced(bodies: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Transcripts of a chain that were replaced: id of each, and of the one that counts instead.

    Parameters
    ----------
    bodies : iterable of mapping
        Lines of one chain, in order.

    Raises
    ------
    LedgerError
        If a line replaces what is no earlier transcript of the same words, or was replaced already:
        else a bad forecast could be dropped.
    """
    sayings: dict[str, tuple[Any, ...]] = {}
    found: dict[str, str] = {}
    for body in bodies:
        if body["kind"] != "forecast":
            continue
        name, old = str(body.get("id")), body.get("replaces")
        if old is not None:
            if not is_transcript(body) or sayings.get(old) != _saying(body):
                raise LedgerError(f"forecast {name} replaces {old!r}, which is no transcript of the same words")
            if old in found:
                raise LedgerError(f"forecast {name} replaces {old!r}, which {found[old]} replaced already")
            found[old] = name
        if is_transcript(body):
            sayings[name] = _saying(body)
    return found


def new_transcripts(records: Iterable[dict[str, Any]], bodies: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give those transcripts that say something new, with what they replace.

    The same words read in the same way say nothing new, whatever the table knows now that shapes the curve between
    its days; nor does another reading with the same curves.

    Parameters
    ----------
    records : iterable of dict
    bodies : iterable of mapping
        What stands in their chains.
    """
    told = [body for body in bodies if body["kind"] == "forecast" and is_transcript(body)]
    gone = replaced(told)
    standing = {_saying(body): body for body in told if body["id"] not in gone}
    for record in records:
        old = standing.get(_saying(record))
        if old is None:
            yield record
        elif old["hashes"] != record["hashes"] and any(old[name] != record[name] for name in _CURVES):
            yield {**record, "replaces": old["id"]}


def standing_forecasts(folder: Path, chain: str) -> Iterator[dict[str, Any]]:
    """Give the forecasts of a chain that no later transcript replaced, in order and in little memory.

    Raises
    ------
    LedgerError
        If the chain is broken; else as :func:`replaced`.
    """
    gone = replaced(line.body for line in ledger.stream(folder, chain))
    for line in ledger.stream(folder, chain):
        if line.body["kind"] == "forecast" and str(line.body.get("id")) not in gone:
            yield line.body


def is_transcript(body: Mapping[str, Any]) -> bool:
    """Whether a forecast was read off what somebody else said."""
    return body.get("mode") == "imported" and body.get("model") == TRANSCRIBED


def _saying(body: Mapping[str, Any]) -> tuple[Any, ...]:
    told = body.get("diagnostics") or {}
    return (*(body.get(name) for name in _SAYING), *(told.get(name) for name in _WORDS))
