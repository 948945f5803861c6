"""Executed notebooks as pieces of a page: text, code, tables, pictures. Nothing in them runs or loads anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from forecast.errors import ForecastError

_TABLE_TAGS = {"table", "thead", "tbody", "tr", "th", "td", "caption", "b", "i", "em", "strong", "br"}
_AS_OF = re.compile(r"^\w+ = dt\.date\((\d+), (\d+), (\d+)\)", re.M)


@dataclass(frozen=True)
class Piece:
    """A piece of a notebook's page.

    Attributes
    ----------
    kind : {"text", "code", "print", "table", "picture"}
    text : str
        Of code and prints; the SVG of a picture.
    html : Markup
        Of text and tables, with nothing in it but marks of text.
    about : str
        The heading above it: a picture's alternative text.
    file : str
        Where a picture lies, under the site.
    """

    kind: str
    text: str = ""
    html: Markup = field(default_factory=Markup)
    about: str = ""
    file: str = ""


@dataclass(frozen=True)
class Notebook:
    """A notebook: its name, title, day and pieces."""

    name: str
    title: str
    as_of: str
    pieces: list[Piece] = field(default_factory=list)


def read_notebook(file: Path) -> Notebook:
    """Read an executed notebook.

    Raises
    ------
    ForecastError
        If it is none.
    """
    try:
        text = file.read_text(encoding="utf-8")
        nbformat.validate(json.loads(text))
        cells = nbformat.reads(text, 4).cells  # type: ignore[no-untyped-call]
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:  # what is no object has no cells
        raise ForecastError(f"{file}: cannot be read as a notebook: {str(error).splitlines()[0]}") from None
    pieces = list(_pieces(cells, file.stem))
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    day = _AS_OF.search(code)
    as_of = "{:04d}-{:02d}-{:02d}".format(*map(int, day.groups())) if day else ""
    title = next((_heading(c.source) for c in cells if c.cell_type == "markdown" and _heading(c.source)), file.stem)
    return Notebook(file.stem, title, as_of, pieces)


def _pieces(cells: list[Any], name: str) -> Iterator[Piece]:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    about = name
    for number, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            about = _heading(cell.source) or about
            yield Piece("text", html=Markup(markdown.render(cell.source)))
        elif cell.cell_type == "code":
            yield Piece("code", text=cell.source)
            for place, output in enumerate(cell.outputs):
                yield from _output(output, about, f"pictures/{name}-{number}-{place}.svg")


def _output(output: Any, about: str, file: str) -> Iterator[Piece]:
    if output.output_type == "stream":
        yield Piece("print", text=output.text)
    data = output.get("data", {})
    if "image/svg+xml" in data:
        yield Piece("picture", text=data["image/svg+xml"], about=about, file=file)
    elif "text/html" in data:
        clean = nh3.clean(
            data["text/html"],
            tags=_TABLE_TAGS,
            attributes={"th": {"colspan", "rowspan", "scope"}, "td": {"colspan", "rowspan"}},
            clean_content_tags={"style", "script"},
        )
        yield Piece("table", html=Markup(clean), about=about)
    elif "text/plain" in data and output.output_type == "execute_result" and not data["text/plain"].startswith("<"):
        yield Piece("print", text=data["text/plain"])


def _heading(source: str) -> str:
    found = re.search(r"^#+ (.+)$", source, re.M)
    return found.group(1).strip() if found else ""
