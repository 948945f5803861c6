"""Corrections: lines that mend what the ledger says. Nothing in it is ever changed or dropped."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from forecast.errors import LedgerError, QuestionError
from forecast.record import ledger
from forecast.record.lines import RESOLUTIONS, Line
from forecast.record.questions import read_questions
from forecast.record.records import status_record, withdrawal_record
from forecast.record.score_table import resolutions
from forecast.tables.paths import Home

Status = Literal["void", "ambiguous", "reopened"]


def mark(home: Home, kind: Status, question_id: str, why: str, today: dt.date) -> Line:
    """Close a question without an answer, or open it again after a mistake.

    Parameters
    ----------
    home : Home
    kind : {"void", "ambiguous", "reopened"}
    question_id, why : str
    today : datetime.date

    Returns
    -------
    Line
        What was added to the chain of resolutions.

    Raises
    ------
    QuestionError
        If there is no such question.
    LedgerError
        If it stands so already, or is open and was to be reopened; if no reason is given.
    """
    home.require_editable(f"ledger {kind}")
    if question_id not in read_questions(home.questions):
        raise QuestionError(f"{question_id!r} is no question of {home.questions}: 'forecast questions' lists them")
    _require_reason(why)

    def new() -> list[dict[str, Any]]:
        standing = resolutions(home.ledger, today, mending=kind == "reopened").get(question_id)
        if kind == "reopened" and standing is None:
            raise LedgerError(f"question {question_id} is open: there is nothing to reopen")
        if standing is not None and standing.state == kind:
            raise LedgerError(f"question {question_id} is {kind} already: nothing was added")
        if kind != "reopened" and standing is not None:
            raise LedgerError(f"question {question_id} is {standing.state}: reopen it first")
        return [status_record(kind, question_id, why)]

    [line] = ledger.append(home.ledger, RESOLUTIONS, new, recorded_on=today)
    return line


def withdraw(home: Home, forecast_id: str, why: str, today: dt.date) -> Line:
    """Take a forecast back: it stays in its chain, is still scored, and counts as withdrawn.

    A line of the resolutions keeps the heads, as they do for every other correction.

    Parameters
    ----------
    home : Home
    forecast_id : str
        The ``id`` of its line, or the first eight digits or more where no other begins so.
    why : str
    today : datetime.date

    Raises
    ------
    LedgerError
        If no forecast, or more than one, has that id; if it was taken back already; if no reason is given.
    """
    home.require_editable("ledger withdraw")
    _require_reason(why)
    lines = [(chain, line.body) for chain in ledger.chains(home.ledger) for line in ledger.read(home.ledger, chain)]
    exact = len(forecast_id) >= _SHORTEST
    found = {body["id"]: chain for chain, body in lines if exact and str(body.get("id", "")).startswith(forecast_id)}
    if len(found) != 1:
        how_many = f"{len(found)} forecasts begin with" if found else "no forecast has"
        raise LedgerError(
            f"{how_many} id {forecast_id!r}: give the id as the ledger has it, {_SHORTEST} digits or more"
        )
    [(name, chain)] = found.items()

    def new() -> list[dict[str, Any]]:
        told = (line.body for line in ledger.stream(home.ledger, chain))
        if any(body["kind"] == "withdrawal" and body["forecast_id"] == name for body in told):
            raise LedgerError(f"forecast {name} was taken back already: nothing was added")
        return [withdrawal_record(name, why)]

    [line] = ledger.append(home.ledger, chain, new, recorded_on=today)
    try:
        keep_heads(home, today)
    except LedgerError as error:
        raise LedgerError(
            f"forecast {name} is taken back, but the heads are not kept: {error}; 'forecast ledger head --keep' does it"
        ) from None
    return line


def keep_heads(home: Home, today: dt.date) -> Line:
    """Keep the heads of all other chains in the chain of resolutions: what is cut off later shows.

    Raises
    ------
    LedgerError
        If there is no other chain, or the resolutions hold these heads already.
    """
    home.require_editable("ledger head --keep")

    def new() -> list[dict[str, Any]]:
        heads = {name: sha256 for name, sha256 in ledger.heads(home.ledger).items() if name != RESOLUTIONS}
        if not heads:
            raise LedgerError(f"{home.ledger}: has no chain beside the resolutions: there is no head to keep")
        kept = [line.body["heads"] for line in ledger.stream(home.ledger, RESOLUTIONS) if "heads" in line.body]
        if kept and kept[-1] == heads:
            raise LedgerError("the resolutions keep these heads already: nothing was added")
        return [{"kind": "heads"}]

    [line] = ledger.append(home.ledger, RESOLUTIONS, new, recorded_on=today)
    return line


_SHORTEST = 8


def _require_reason(why: str) -> None:
    if not why.strip():
        raise LedgerError("--why: must say why: the line stays for ever")
    if not why.isprintable() or any("\ud800" <= letter <= "\udfff" for letter in why):
        raise LedgerError(f"--why: {why[:60]!a}: holds what is no text of one line")
