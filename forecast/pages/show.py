"""Answers and tables for the terminal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from forecast.record.answers import Answer
from forecast.record.scoreboard import COUNTS
from forecast.release import HORIZON_DAYS, word_after

#: What each word means, in days from the asking.
_WORDS = {
    "weeks": "within 60 days",
    "months": "day 61 to 730",
    "years": "day 731 to 3650",
    "never": "not within ten years",
}


def percent(p: float) -> str:
    """A probability as a whole percentage, without claiming certainty."""
    return "< 1 %" if 0 < p < 0.01 else "> 99 %" if 0.99 < p < 1 else f"{100 * p:.0f} %"


def answer_page(answer: Answer) -> RenderableType:
    """The answer, how sure it is, and what happened."""
    f, q = answer.forecast, answer.question
    mark = "HINDCAST: what the model says from the table as known on that day" if answer.hindcast else "forecast"
    fitted = answer.posterior.first
    head = Text.assemble((q.text, "bold"), f"\n{q.id} · unit {q.unit} · target {q.target} · {answer.status}")
    lines = [
        f"as of {f.made_on} ({mark}), asked on {answer.asked_on}, {answer.days_gone} days after the debut",
        f"given that it opens: median {f.opens_on(0.5)}, 80 % interval {f.opens_on(0.1)} to {f.opens_on(0.9)}",
        f"in full {percent(f.cdf_full[-1])}, in part {percent(f.cdf_part[-1])} (first opening, within ten years)",
        f"never fraction of the model {percent(f.p_never_structural or 0.0)}; "
        f"if nothing stayed closed for ever, P(within 365 days) would be {percent(answer.prob_365_surely)}",
        _checked(answer),
        f"model {answer.posterior.latency}, {fitted.rows} segments, {fitted.opened} openings; "
        f"follow-up {answer.follow_up}; seed {fitted.seed}",
        answer.posterior.diagnostics.line(),
        f"data {answer.data_sha256[:16]}",
    ]
    return Group(head, "", _words(answer), _horizons(answer), *map(Text, lines), _outcome(answer))


def _words(answer: Answer) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("", "from the asking day", "P", "90 % interval"):
        table.add_column(title, justify="right" if title in ("P", "90 % interval") else "left")
    intervals = answer.forecast.word_intervals(answer.asked_on)
    for word, p in answer.forecast.words(answer.asked_on).items():
        low, high = intervals[word]
        table.add_row(word, _WORDS[word], Text(percent(p), "bold"), f"{percent(low)} to {percent(high)}")
    return table


def _horizons(answer: Answer) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("open within")
    for h in HORIZON_DAYS:
        table.add_column(f"{h} days", justify="right")
    cuts = [answer.forecast.prob_by(h) for h in HORIZON_DAYS]
    table.add_row("P", *(percent(float(p)) for p in cuts))
    ends = [answer.forecast.prob_interval(h) for h in HORIZON_DAYS]
    table.add_row("90 %", *(f"{percent(low)} to {percent(high)}" for low, high in ends))
    return table


def _checked(answer: Answer) -> str:
    f = answer.forecast
    looked = f"last checked {f.last_checked}"
    return looked + (f"; P(opened since then) {percent(f.p_already_open)}" if f.p_already_open > 0 else "")


def titled_table(title: str, *columns: str) -> Table:
    """A table in the house style: names on the left, numbers on the right."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for n, column in enumerate(columns):
        table.add_column(column, justify="left" if n == 0 else "right")
    return table


def _outcome(answer: Answer) -> Text:
    if answer.happened is None:
        return Text("not opened, as far as the table knows", "dim") if answer.hindcast else Text("")
    h, f = answer.happened, answer.forecast
    day = (h.day - answer.asked_on).days
    word = word_after(day)
    by = float(f.prob_by((h.day - f.made_on).days))
    return Text.assemble(
        ("what happened: ", "bold"),
        f"{h.what} (in {h.kind}) on {h.day}, {day} days after the asking: {word}. "
        f"The model gave {word} {percent(f.words(answer.asked_on)[word])}, and {percent(by)} to that day or earlier.",
    )


def ranking_page(rows: Sequence[dict[str, Any]], as_of: dt.date) -> RenderableType:
    """Still-closed episodes in the order given; withdrawn and leaked ones apart."""
    parts: list[RenderableType] = []
    for title, apart in (("still closed", False), ("withdrawn or leaked", True)):
        table = Table(title=f"{title}, as of {as_of}", box=None, pad_edge=False, title_justify="left")
        for column in ("episode", "organisation", "closed on", "promise", "90 days", "365 days", "never", "checked"):
            table.add_column(column, justify="right" if column[0].isdigit() or column == "never" else "left")
        for r in rows:
            if (r["status"] != "closed" and r["status"] != "open in part") == apart:
                odds = [percent(r[k]) for k in ("p_open_within_90", "p_open_within_365", "p_never")]
                day, checked = str(r["closed_on"]), str(r["last_checked"])
                table.add_row(r["episode_id"], r["organization"], day, r["promise"], *odds, checked)
        parts.append(table)
    return Group(*parts)


def board_page(board: pd.DataFrame, skills: Sequence[dict[str, Any]], slips: pd.DataFrame) -> RenderableType:
    """The scoreboard: counts first, then the scores, the skill on equal pairs, and how late named days were."""
    keys = [c for c in ("forecaster", "mode", "question_id", "month", "horizon_days") if c in board]
    scores = [s for s in _BOARD_SCORES if s in board]
    table = Table(box=None, pad_edge=False)
    for column in (*keys, *COUNTS, *scores):
        table.add_column(column, justify="left" if column in keys else "right")
    for row in board.to_dict("records"):
        shown = ["-" if pd.isna(row[s]) else f"{row[s]:.3f}" for s in scores]
        table.add_row(*(str(row[c]) for c in (*keys, *COUNTS)), *shown)
    parts: list[RenderableType] = [
        table,
        Text("lower is better; what is left after the last cut (never) is not scored", "dim"),
    ]
    if skills:
        parts += ["", _skills(skills)]
    if len(slips):
        parts += ["", _slips(slips)]
    return Group(*parts)


#: Scores that a scoreboard has room for.
_BOARD_SCORES = ("log", "cut_crps", "rps", "kind", "brier_90", "brier_365", "brier", "log_at")


def _skills(entries: Sequence[dict[str, Any]]) -> Table:
    """Who beats whom on forecasts of the same questions on the same days."""
    table = Table(
        title="skill on equal (question, day) pairs: above 0 is better; log in nats",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for column in ("forecaster", "mode", "against", "pairs", "log", "cut_crps", "rps"):
        table.add_column(column, justify="left" if column in ("forecaster", "mode", "against") else "right")
    for entry in entries:
        for other, found in entry["skill"].items():
            if "log" in found:
                cells = [_skill_cell(found.get(name)) for name in ("log", "cut_crps", "rps")]
                table.add_row(entry["name"], entry["mode"], other, str(found["log"]["pairs"]), *cells)
    return table


def _skill_cell(found: dict[str, Any] | None) -> str:
    if found is None or found["value"] is None:
        return "-"
    ends = "" if found["low"] is None else f" ({found['low']:+.2f} to {found['high']:+.2f})"
    return f"{found['value']:+.3f}{ends}"


def _slips(slips: pd.DataFrame) -> Table:
    """How late openings came after the day that was named."""
    table = Table(title="days named for an opening, and days late", title_justify="left", box=None, pad_edge=False)
    for column in ("voice", "dates", "kept", "half by", "3 in 4 by", "9 in 10 by"):
        table.add_column(column, justify="left" if column == "voice" else "right")
    for row in slips.to_dict("records"):
        ends = [
            "not yet" if pd.isna(row[f"late_days_{q}"]) else f"{row[f'late_days_{q}']:.0f} days" for q in (50, 75, 90)
        ]
        table.add_row(row["voice"], str(row["dates"]), str(row["kept"]), *ends)
    return table
