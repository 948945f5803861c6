"""A validation for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from forecast.pages.show import titled_table
from forecast.record.brought import LeftOut
from forecast.record.validation import COMPARED, FORECASTERS, Validation

_NAMES = {name: name.replace("_", " ").replace("kaplan meier", "Kaplan-Meier") for name in FORECASTERS}


def validation_page(found: Validation) -> RenderableType:
    """Scores over all items and by horizon, the rows left out, and what to read them with."""
    parts: list[RenderableType] = [Text(_head(found), "bold"), _overall(found), _by_horizon(found)]
    if found.left_out:
        parts.append(_left_out(found.left_out))
    return Group(*parts, *map(Text, found.caveats))


def _head(found: Validation) -> str:
    n = found.counts
    table = "the table as of today" if found.fit == "now" else "the tables of the quarter days before"
    return (
        f"{n['n']} episodes ({n['opened']} opened) of {n['organizations']} organisations; {n['forecasts']} forecasts, "
        f"{n['items']} with their horizons; as of {found.as_of}, followed through {found.followed_through}, "
        f"follow-up {found.follow_up}; model {found.latency}, fitted to {table}"
    )


def _overall(found: Validation) -> Table:
    """One line a forecaster: its mean scores, and the model's skill against it."""
    table = titled_table("all forecasts and horizons: lower scores are better; skill above 0: the model is better")
    for column in ("forecaster", "Brier", "log", "skill of the model: Brier", "log, nats"):
        table.add_column(column, justify="left" if column == "forecaster" else "right")
    scores, skill = found.scores(), found.skill()
    for name in FORECASTERS:
        of = skill[name]
        gained = ["", ""] if name == "model" else [_with_ends(of, "brier"), _with_ends(of, "log")]
        table.add_row(_NAMES[name], *(_number(scores[name][rule]) for rule in ("brier", "log")), *gained)
    return table


def _by_horizon(found: Validation) -> Table:
    """One line a horizon: both scores of every forecaster, and the skill of the model."""
    table = titled_table("by horizon: Brier, then the skill of the model by Brier and in nats against each")
    scores, skill = found.scores(), found.skill()
    for column in ("horizon", "forecasts", "opened", *_NAMES.values(), *(f"against {_NAMES[n]}" for n in COMPARED)):
        table.add_column(column, justify="left" if column == "horizon" else "right")
    for horizon, own in scores["model"]["by_horizon"].items():
        brier = [_number(scores[name]["by_horizon"][horizon]["brier"]) for name in FORECASTERS]
        gained = [skill[name]["by_horizon"][horizon] for name in COMPARED]
        cells = [f"{_number(g['brier'], '+.3f')}  {_number(g['log'], '+.3f')}" for g in gained]
        table.add_row(f"{horizon} days", str(own["items"]), str(own["opened"]), *brier, *cells)
    return table


def _left_out(rows: Sequence[LeftOut]) -> Table:
    table = titled_table(f"left out: {len(rows)}")
    for column in ("episode", "model", "why"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, (row.episode_id, row.model, row.reason)))  # a name may hold [brackets]
    return table


def _with_ends(skill: dict[str, Any], rule: str) -> str:
    low, high = skill[f"{rule}_low"], skill[f"{rule}_high"]
    ends = "" if low is None or high is None else f" ({low:+.3f} to {high:+.3f})"
    return _number(skill[rule], "+.3f") + ends


def _number(value: float | None, form: str = ".4f") -> str:
    return "-" if value is None else format(value, form)
