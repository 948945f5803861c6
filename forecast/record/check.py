"""Check a whole home: tables, priors, questions and ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forecast.errors import LedgerError, TableError
from forecast.model.priors import read_priors
from forecast.record import ledger
from forecast.record.lines import RESOLUTION_KINDS, RESOLUTIONS
from forecast.record.questions import Question, question_problems, read_questions
from forecast.tables.check import check_tables
from forecast.tables.paths import Home
from forecast.tables.read import scan_rows
from forecast.tables.schema import Episode


def check_home(home: Home) -> tuple[dict[str, int], list[str]]:
    """Validate everything that users edit, and the ledger.

    Returns
    -------
    tuple
        Rows, questions and lines read, by file; and one line per problem.
    """
    counts, problems = check_tables(home.data)
    priors = _tried(lambda: read_priors(home.priors), problems)
    questions: dict[str, Question] = _tried(lambda: read_questions(home.questions), problems) or {}
    if (home.data / Episode.file).is_file():
        episodes = _tried(lambda: list(scan_rows(home.episodes, Episode)[0].values()), [])
        problems += question_problems(home.questions, questions, episodes or [])
    counts |= {"priors.toml": len(priors.names) if priors else 0, "questions.toml": len(questions)}
    for verdict in ledger.verify(home.ledger):
        counts[f"ledger/{verdict.chain}.jsonl"] = verdict.lines
        if verdict.fault:
            problems.append(f"{home.ledger / verdict.chain}.jsonl: {verdict.fault}")
        else:
            problems += _unknown_questions(home, verdict.chain, questions)
    return counts, problems


def _unknown_questions(home: Home, chain: str, questions: dict[str, Question]) -> list[str]:
    asked = {"forecast"} if chain != RESOLUTIONS else {*RESOLUTION_KINDS} - {"heads"}
    lines = [x for x in ledger.read(home.ledger, chain) if x.body["kind"] in asked]
    return [
        f"{home.ledger / chain}.jsonl, line {x.number}, question_id: {x.body.get('question_id')!r}: no such question"
        for x in lines
        if x.body.get("question_id") not in questions
    ]


def _tried(read: Callable[[], Any], problems: list[str]) -> Any:
    try:
        return read()
    except TableError as error:
        problems += error.problems
    except LedgerError as error:
        problems.append(str(error))
    return None
