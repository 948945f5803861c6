"""A what-if for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from forecast.record.what_if import Moved, WhatIf


def what_if_page(found: WhatIf) -> RenderableType:
    """Every question without and with what is supposed, and how it was worked out."""
    table = Table(box=None, header_style="dim")
    for column in ("question", "weeks", "months", "years", "never", "worked out by"):
        table.add_column(column, justify="left" if column in ("question", "worked out by") else "right")
    for moved in found.questions:
        pairs = zip(moved.without.values(), moved.supposed.values(), strict=True)
        table.add_row(moved.question, *(f"{100 * a:.1f} -> {100 * b:.1f} %" for a, b in pairs), _how(moved))
    head = Text(f"supposed, as of {found.day}: " + "; ".join(found.supposed), "bold")
    foot = (
        "each word without and with what is supposed, on the same day; k: Pareto k-hat of the importance weights of "
        "the cached posterior; where it is too large the model is fitted anew"
    )
    return Group(head, table, Text(foot, "dim"))


def _how(moved: Moved) -> str:
    if moved.how == "answered":
        return "answers the question"
    if moved.pareto_k is None:
        return "fit anew: weights not to be trusted"
    return "nothing changes" if moved.pareto_k == float("-inf") else f"weights, k {moved.pareto_k:.2f}"
