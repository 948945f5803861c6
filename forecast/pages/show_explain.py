"""An explanation for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from forecast.pages.reasons import similar_table, steps_notes, steps_table
from forecast.record.explanation import Explanation
from forecast.record.similar import DISTANCE


def explanation_page(found: Explanation) -> RenderableType:
    """The steps from the base rate to the forecast, and the most similar past episodes."""
    answer, question = found.answer, found.answer.question
    f = answer.forecast
    mark = "HINDCAST: what the model says from the table as known on that day" if answer.hindcast else "forecast"
    facts = [f.target_id, f"unit {question.unit}", f"target {question.target}", answer.status]
    head = Text.assemble((question.text, "bold"), "\n", " · ".join([*facts, _debut(found)]))
    what = Text.assemble(
        f"as of {f.made_on} ({mark}): ",
        (f"P(open within {found.horizon_days} days) {_percent(found.prob)}", "bold"),
        ", and why:",
    )
    model = f"model {answer.posterior.latency}; follow-up {answer.follow_up}; seed {answer.posterior.first.seed}"
    notes = [*steps_notes(found), model]
    parts: list[RenderableType] = [head, what, "", _steps(found), *(Text(note, "dim") for note in notes)]
    return Group(*parts, "", _similar(found), Text(f"distance: {DISTANCE}", "dim"))


def _debut(found: Explanation) -> str:
    """With its window, from whose middle the days closed are counted on average."""
    first, last = found.debut_window
    return f"debut {found.closed_on}" + ("" if first == last else f" (some day from {first} to {last})")


def _percent(p: float) -> str:
    """With the digit that small steps need."""
    return f"{100 * p:.1f} %"


def _steps(found: Explanation) -> Table:
    """One line a step."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("step", "this row", "P after it", "change", ""):
        table.add_column(column, justify="right" if column in ("P after it", "change") else "left")
    for row in steps_table(found).itertuples():
        table.add_row(row.step, row.value, _percent(row.prob), row.points, row.word)
    table.add_row(*(Text(cell, "bold") for cell in ("forecast", "", _percent(found.prob), "", "")))
    return table


def _similar(found: Explanation) -> Table:
    table = Table(
        title=f"most similar episodes, as known on {found.answer.forecast.made_on}",
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    for column in ("episode", "model", "debut", "promise at this age", "what became of it", "distance"):
        table.add_column(column, justify="right" if column == "distance" else "left")
    for one in similar_table(found).itertuples():
        table.add_row(one.episode, one.model, str(one.debut), one.promise, one.became, f"{one.distance:.2f}")
    return table
