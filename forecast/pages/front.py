"""The front page's tables, and what they say in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from forecast.pages.edition import Edition
from forecast.pages.html import Shown, percent, points, shown
from forecast.pages.leaf_page import LeafPage
from forecast.record.changes import WORDS
from forecast.record.questions import word_of
from forecast.record.scoreboard import COUNTS

#: Scores that a scoreboard on a page has room for.
_SCORES = ("log", "cut_crps", "rps", "brier_90", "brier_365")

#: Smallest change, in probability, that is worth a sentence.
_MOVED = 0.05


def league_says(edition: Edition) -> str:
    """How many questions are open, and which is the likeliest to be answered within a year."""
    league = edition.league
    if league.empty:
        return ""
    top, count = league.iloc[0], len(league)
    few = int((league["never"] > 0.9).sum())
    return (
        f"{count} {'question is' if count == 1 else 'questions are'} open. Likeliest to be answered within a year: "
        f"{top.question}, {percent(top.p_365)}. For {few} of {count}, never has more than 90 %."
    )


def changed_says(edition: Edition) -> str:
    """How many forecasts moved, and which the most."""
    changed = edition.changed
    if changed.empty:
        return ""
    moves = changed[[f"{word}_change" for word in WORDS]].set_axis(WORDS, axis=1).abs()
    count = int((moves.max(axis=1) >= _MOVED).sum())
    start = f"Since the last live forecast {count} of {len(changed)} moved by five points or more"
    if not count:
        return f"{start}."
    most = moves.max(axis=1).idxmax()
    row, word = changed.loc[most], moves.loc[most].idxmax()
    moved = f"{word} went from {percent(row[f'{word}_before'])} to {percent(row[word])}"
    return f"{start}, most of all {row.question}: {moved}. 'forecast update' says which of it is code, data or time."


def changed_shown(edition: Edition) -> Shown:
    """Each open question: since when, never before and now, the change of every word in points."""
    titles = {"question": "question", "since": "since", "never_before": "never, before", "never": "never, now"}
    titles |= {f"{word}_change": f"{word} \u00b1" for word in WORDS}
    formats = {"never_before": percent, "never": percent} | {f"{word}_change": points for word in WORDS}
    return shown(edition.changed, titles, formats)


def board_shown(edition: Edition) -> Shown:
    """The scoreboard, one line a forecaster and mode."""
    board = edition.board
    if board.empty:
        return shown(board, {}, {})
    scores = [score for score in _SCORES if score in board]
    names = ["forecaster", "mode", *COUNTS, *scores]
    formats = dict.fromkeys(COUNTS, _count) | dict.fromkeys(scores, _score)
    return shown(board, dict(zip(names, names, strict=True)), formats)


def heads_shown(edition: Edition) -> Shown:
    """The ledger's chains and the hash of each one's last line."""
    heads = pd.DataFrame(sorted(edition.about["ledger_heads"].items()), columns=["chain", "head"])
    return shown(heads, {"chain": "chain", "head": "SHA-256 of its last line"}, {})


def answered_table(pages: Sequence[LeafPage]) -> list[dict[str, Any]]:
    """Answered questions: what happened, and what the model had given to it."""
    return [
        {
            "page": page.page,
            "text": page.leaf.question.text,
            "what": f"{page.leaf.happened.what} (in {page.leaf.happened.kind}) on {page.leaf.happened.day}",
            "p": percent(page.words[word_of(page.leaf.question, page.leaf.happened.day)]) if page.words else "-",
        }
        for page in pages
        if page.leaf.happened
    ]


def _count(n: float) -> str:
    return f"{n:.0f}"


def _score(score: float) -> str:
    return f"{score:.3f}"
