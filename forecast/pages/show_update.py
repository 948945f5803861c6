"""An update for the terminal: what was answered, what changed and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from forecast.pages.show import titled_table
from forecast.pages.show_fit import estimate
from forecast.record.changes import Change
from forecast.record.update import Update

_PARTS = {
    "new_code": "new code",
    "new_priors": "new priors",
    "new_data": "new data",
    "time_passed": "time passed",
    "not_split": "not split",
}


def update_page(found: Update) -> RenderableType:
    """Answers, one table a question, parameters that moved, what was written."""
    parts: list[RenderableType] = [Text(f"update of {found.as_of}", "bold")]
    for one in found.resolved:
        parts.append(Text(_answer(one)))
    parts += [_change(change) for change in found.changes]
    if len(found.parameters):
        parts.append(_parameters(found))
    parts += [Text(f"note: {note}", "dim") for note in found.notes]
    parts += [Text(text, "dim") for text in _ends(found)]
    return Group(*parts)


def _answer(one: Mapping[str, Any]) -> str:
    told = [f"{one['id']}: opened ({one['kind']}) on {one['day']}: {one['word']}. {one['what']}."]
    if one["log_score"]:
        scores = ", ".join(f"{name} {score:.2f}" for name, score in one["log_score"].items())
        told.append(f"Log scores of the last forecasts, nats: {scores}.")
    if one["not_yet_scored"]:
        told.append(f"{one['not_yet_scored']} forecasts are scored from {one['scored_from']} on: 'forecast score'.")
    if one["void"]:
        told.append(f"{one['void']} are void: made on or after the day.")
    return " ".join(told)


def _change(change: Change) -> RenderableType:
    since = f", since {change.recorded_on}" if change.recorded_on else ""
    table = titled_table(change.question_id + since, "", *change.after)
    if change.before is not None:
        table.add_row("before", *(f"{100 * p:.1f} %" for p in change.before.values()))
    for name, by_word in change.parts.items():
        table.add_row(_PARTS[name], *_signed(by_word.values()))
        if name == "new_data":
            for episode, own in change.movers:
                table.add_row(f"  {episode}", *_signed(own.values()), style="dim")
            if change.movers:
                table.add_row("  estimate error and the rest", *_signed(change.remainder.values()), style="dim")
    table.add_row("after", *(f"{100 * p:.1f} %" for p in change.after.values()), style="bold")
    return Group(table, Text(change.note, "dim")) if change.note else table


def _signed(values: Iterable[float]) -> Iterator[str]:
    return (f"{100 * p:+.1f}" for p in values)


def _parameters(found: Update) -> RenderableType:
    table = Table(title="parameters that moved: median (90 %)", title_justify="left", box=None, header_style="dim")
    for name in ("parameter", "of", "prior", "before", "after"):
        table.add_column(name)
    for r in found.parameters.to_dict("records"):
        shown = (estimate(r, "prior_"), estimate(r, suffix="_before"), estimate(r))
        table.add_row(r["effect"], r["of"], *(f"{median} ({interval})" for median, interval in shown))
    return table


def _ends(found: Update) -> Iterator[str]:
    yield (
        "parts add up to after - before, in percentage points; rows under new data are estimates by importance weights"
    )
    yield f"{len(found.lines)} lines added to the ledger" if found.written else "a dry run: nothing was written"
