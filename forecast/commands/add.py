"""``forecast episodes add``: options, or questions on a terminal, to a new row."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast.commands.episodes_options import DryRunOption, PrecisionChoice, editable_book, enter, future_fault
from forecast.commands.options import HomeOption
from forecast.errors import ForecastError, TableError

if TYPE_CHECKING:
    from forecast.tables.book import Book

#: Columns with a choice, as the help shows it; the schema decides.
CHOICES = {
    "org_type": "big_tech, startup, academic, nonprofit, state",
    "domain": "ai_model, software, game",
    "modality": "text, multimodal, image, video, audio, code, science, robotics, embedding, game_ai, other",
    "closed_how": "api, app, paper, announcement, research_access, waitlist",
    "confidence": "high, medium, low",
    "frame": "catalogue, curated",
}
#: Columns that ``add`` needs, in the order in which it asks for them.
ASKED = (
    *("episode_id", "model", "family", "organization", "org_country", "org_type", "domain", "modality", "flagship"),
    *("closed_on", "closed_precision", "closed_how", "closed_source_url", "safety_review", "observed_through"),
    *("confidence", "frame"),
)
#: Options of ``add`` whose name is not that of their column.
_OPTIONS = {"episode_id": "--id", "organization": "--org", "closed_source_url": "--source", "closed_how": "--how"}


def add(
    episode_id: Annotated[str | None, typer.Option("--id", help="Slug; unique.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Name.")] = None,
    family: Annotated[str | None, typer.Option("--family", help="Slug of its product line.")] = None,
    organization: Annotated[str | None, typer.Option("--org", help="Who controls the release.")] = None,
    org_country: Annotated[
        str | None,
        typer.Option("--org-country", metavar="CC", help="Code of its country; default: that of its other rows."),
    ] = None,
    org_type: Annotated[
        str | None,
        typer.Option("--org-type", metavar="WORD", help=f"{CHOICES['org_type']}; default: that of its other rows."),
    ] = None,
    domain: Annotated[
        str | None, typer.Option("--domain", metavar="WORD", help=f"{CHOICES['domain']}; default: ai_model.")
    ] = None,
    modality: Annotated[str | None, typer.Option("--modality", metavar="WORD", help=CHOICES["modality"] + ".")] = None,
    flagship: Annotated[
        bool | None, typer.Option("--flagship/--no-flagship", help="The organisation's most capable of that modality.")
    ] = None,
    params_b: Annotated[str | None, typer.Option("--params-b", metavar="N", help="Billions of parameters.")] = None,
    closed_on: Annotated[str | None, typer.Option("--closed-on", metavar="DAY", help="Debut.")] = None,
    closed_precision: Annotated[
        PrecisionChoice | None, typer.Option("--closed-precision", help="Width of the debut's window; default: day.")
    ] = None,
    closed_how: Annotated[
        str | None, typer.Option("--how", metavar="WORD", help=f"How it was first known: {CHOICES['closed_how']}.")
    ] = None,
    source: Annotated[str | None, typer.Option("--source", metavar="URL", help="Page that states the debut.")] = None,
    safety_review: Annotated[
        bool | None,
        typer.Option("--safety-review/--no-safety-review", help="Safety was named as a reason; default: no."),
    ] = None,
    observed_through: Annotated[
        str | None, typer.Option("--observed-through", metavar="DAY", help="Last day seen closed; default: the debut.")
    ] = None,
    confidence: Annotated[
        str | None, typer.Option("--confidence", metavar="WORD", help=CHOICES["confidence"] + ".")
    ] = None,
    frame: Annotated[
        str | None, typer.Option("--frame", metavar="WORD", help=f"{CHOICES['frame']}; default: curated.")
    ] = None,
    notes: Annotated[str | None, typer.Option("--notes", metavar="TEXT", help="Remarks.")] = None,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
) -> None:
    """Enter a closed debut; what is missing is asked for on a terminal. Then: open, promise, ..."""
    book = editable_book(home, "add")
    given = {
        "episode_id": episode_id,
        "model": model,
        "family": family,
        "organization": organization,
        "org_country": org_country,
        "org_type": org_type,
        "domain": domain,
        "modality": modality,
        "flagship": flagship,
        "params_b": params_b,
        "closed_on": closed_on,
        "closed_precision": closed_precision,
        "closed_how": closed_how,
        "closed_source_url": source,
        "safety_review": safety_review,
        "observed_through": observed_through,
        "confidence": confidence,
        "frame": frame,
        "notes": notes,
    }
    texts = {c: str(v).lower() if isinstance(v, bool) else str(v).strip() for c, v in given.items() if v is not None}
    for column, text in texts.items():
        fault = _fault(book, column, text)
        if fault:
            raise ForecastError(f"{_option(column)} {text!r}: {fault}")
    enter(book, book.debut(_asked(book, texts)), dry_run)


def _asked(book: Book, given: dict[str, str]) -> dict[str, str]:
    """Cells of a new row: as given, asked for on a terminal, or going without saying."""
    if not sys.stdin.isatty():
        cells = book.with_defaults(given)
        # the last day seen follows from the debut
        missing = [_option(column) for column in ASKED if column not in cells and column != "observed_through"]
        if missing:
            raise ForecastError(f"episodes add: no terminal to ask on: give {', '.join(missing)}")
        return cells
    for column in ASKED:
        if column not in given:
            given[column] = _ask(book, column, book.with_defaults(given).get(column))
    return book.with_defaults(given)


def _ask(book: Book, column: str, default: str | None) -> str:
    from forecast.tables.schema import Episode

    def answer(text: str) -> str:
        fault = _fault(book, column, text.strip())
        if fault:
            raise typer.BadParameter(fault)
        return text.strip()

    choices = f" ({CHOICES[column]})" if column in CHOICES else ""
    question = f"{column}, {Episode.model_fields[column].description}{choices}"
    answered: Any = typer.prompt(question, default=default, value_proc=answer, err=True)
    return str(answered)


def _fault(book: Book, column: str, text: str) -> str | None:
    """What is wrong with a cell of a new row."""
    from forecast.tables.edit import cell_fault
    from forecast.tables.schema import Episode

    fault = cell_fault(Episode, column, text)
    if fault:
        return fault
    if column == "episode_id":
        try:
            book.require_new(text)
        except TableError as error:
            return str(error)
    if column in ("closed_on", "observed_through"):
        return future_fault(dt.date.fromisoformat(text))
    return None


def _option(column: str) -> str:
    return _OPTIONS.get(column, f"--{column.replace('_', '-')}")
