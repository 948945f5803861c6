"""An explanation for the terminal."""

from __future__ import annotations

import datetime as dt

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from forecast.model.covariates import COVARIATES
from forecast.model.explain import Step
from forecast.record.explanation import Explanation
from forecast.record.similar import DISTANCE, Similar

_LABELS = {
    "base": "base rate",
    "modality": "modality",
    "organization": "organisation",
    "promise": "promise",
    "survived": "closed so far",
    "unchecked": "since the last check",
}

#: How to read the steps.
_NOTES = (
    "base rate: a model by an organisation and of a modality never seen, without a promise, on the day of its debut",
    "that a promise may still come is part of every step without one",
    "a change is in points of P, a mean over the posterior; below one point it may be chance",
    "each step comes on top of those above it: another order would share the same total out differently",
)


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
    notes = [*_NOTES, *_at_reference(found), model]
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
    """One line a step; covariates at their reference change nothing and are left to a note."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("step", "this row", "P after it", "change", ""):
        table.add_column(column, justify="right" if column in ("P after it", "change") else "left")
    for step in found.steps:
        if step.name not in COVARIATES or step.value:
            change, word = ("", "") if step.name == "base" else _change(step.change)
            table.add_row(_label(step), _value(step, found), _percent(step.prob), change, word)
    table.add_row(*(Text(cell, "bold") for cell in ("forecast", "", _percent(found.prob), "", "")))
    return table


def _label(step: Step) -> str:
    return COVARIATES[step.name].description if step.name in COVARIATES else _LABELS[step.name]


def _value(step: Step, found: Explanation) -> str:
    if step.name == "survived":
        return f"about {step.value:.0f} days, to {_survived_to(found)}"
    if step.name == "unchecked":
        return f"{step.value:.0f} days"
    if isinstance(step.value, str):
        return step.value
    if step.name == "year":
        return f"{found.closed_on} ({step.value:.2f})"
    return "yes" if step.value == 1 else f"{step.value:.2f}"


def _survived_to(found: Explanation) -> dt.date:
    """The day of the forecast, but for the days that count as unchecked."""
    return found.answer.forecast.made_on - dt.timedelta(days=float(found.steps[-1].value))


def _change(change: float) -> tuple[str, str]:
    """Points of probability, and in a word."""
    points = f"{100 * change:+.1f}"
    if float(points) == 0:
        return "0.0", "no change" if change == 0 else "hardly any change"
    return points, "raises" if change > 0 else "lowers"


def _at_reference(found: Explanation) -> list[str]:
    same = [COVARIATES[s.name].description for s in found.steps if s.name in COVARIATES and not s.value]
    return [f"not so here, so without effect: {'; '.join(same)}"] if same else []


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
    for one in found.similar:
        table.add_row(one.episode_id, one.model, str(one.closed_on), one.promise, _became(one), f"{one.distance:.2f}")
    return table


def _became(one: Similar) -> str:
    return f"{one.outcome} {'after' if one.outcome.startswith('opened') else 'for'} {one.days} days"
