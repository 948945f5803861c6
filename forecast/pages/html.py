"""HTML: finished tables as cells, and the one environment that all templates are filled in by."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import pandas as pd

#: What a page may load: its own files, and nothing that stands in the page itself.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; object-src 'none'"
)

_LONG = 24


@dataclass(frozen=True)
class Cell:
    """A cell: its text, the value that it is sorted and read by, how it is set."""

    text: str
    value: str | None
    number: bool
    long: bool


@dataclass(frozen=True)
class Shown:
    """A table ready for a template.

    Attributes
    ----------
    columns : list of str
        Titles.
    number : dict of str to bool
        Titles of columns of numbers.
    cells : list of list of Cell
    """

    columns: list[str]
    number: dict[str, bool]
    cells: list[list[Cell]]


def shown(frame: pd.DataFrame, titles: Mapping[str, str], formats: Mapping[str, Callable[[Any], str]]) -> Shown:
    """Lay a frame out.

    Parameters
    ----------
    frame : pandas.DataFrame
    titles : mapping of str to str
        Columns to show, in order, and their titles.
    formats : mapping of str to callable
        How the numbers of a column are written; missing ones become "-".
    """
    rows = frame.to_dict("records")
    cells = [[_cell(row[column], formats.get(column)) for column in titles] for row in rows]
    return Shown(list(titles.values()), {title: column in formats for column, title in titles.items()}, cells)


def _cell(value: Any, write: Callable[[Any], str] | None) -> Cell:
    missing = value is None or value is pd.NaT or value != value or value == ""
    if isinstance(value, pd.Timestamp):
        value = value.date()
    if write is None:
        text = "" if missing else str(value)
        return Cell(text, None if missing else text, False, len(text) > _LONG)
    return Cell("-" if missing else write(value), None if missing else repr(float(value)), True, False)


def percent(p: float) -> str:
    """A probability with the digit that small ones need, never as a certainty."""
    return "< 0.1 %" if 0 < p < 0.0005 else "> 99.9 %" if 0.9995 < p < 1 else f"{100 * p:.1f} %"


def points(change: float) -> str:
    """A change in percentage points."""
    return f"{100 * change:+.1f}"


def is_web(url: Any) -> bool:
    """Whether an address may become a link: http and https only."""
    return isinstance(url, str) and re.match(r"https?://[^\s/]", url, re.I) is not None


def file_name(name: str) -> str:
    """A name as a file's: what is long, or no plain name, ends in a piece of its hash."""
    plain = re.sub(r"[^a-zA-Z0-9._-]", "-", name).strip(".")[:60] or "-"
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def sentences(parts: Sequence[str]) -> str:
    """Sentences one after the other; empty ones left out."""
    return " ".join(part for part in parts if part)


def environment() -> jinja2.Environment:
    """Templates that escape everything and refuse names that nobody gave."""
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("forecast.pages", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["percent"] = percent
    env.tests["web"] = is_web
    env.globals["policy"] = POLICY
    return env
