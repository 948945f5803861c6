"""``forecast episodes``: enter news into the tables, and look rows up."""

from __future__ import annotations

from typing import Annotated

import typer

from forecast.commands.add import add
from forecast.commands.episodes_options import (
    DryRunOption,
    EpisodeArgument,
    LicenseClassChoice,
    OnOption,
    PrecisionChoice,
    PrecisionOption,
    SourceOption,
    StatementChoice,
    day_of,
    editable_book,
    enter,
    page,
    past_day,
    text_of,
)
from forecast.commands.options import HomeOption, JsonOption, print_json
from forecast.errors import ForecastError

episodes_app = typer.Typer(help="Enter news into the tables, one line a fact; look rows up.", no_args_is_help=True)
episodes_app.command()(add)


@episodes_app.command("open")
def open_(
    episode: EpisodeArgument,
    on: OnOption,
    source: SourceOption,
    part: Annotated[bool, typer.Option("--part", help="Only a smaller, distilled, older or cut-down version.")] = False,
    what: Annotated[str, typer.Option("--what", metavar="TEXT", help="What was opened, in words.")] = "",
    license_name: Annotated[str, typer.Option("--license", metavar="NAME", help="Name of its licence.")] = "",
    license_class: Annotated[
        LicenseClassChoice | None, typer.Option("--license-class", help="Kind of licence; that of rows with the name.")
    ] = None,
    precision: PrecisionOption = PrecisionChoice.day,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
) -> None:
    """Enter an opening; of what was open in part, the part moves to earlier_openings.csv."""
    book = editable_book(home, "open")
    change = book.open(
        episode,
        past_day(on, "--on"),
        page(source),
        part=part,
        what=text_of(what, "--what"),
        license_name=text_of(license_name, "--license"),
        license_class=license_class.value if license_class else None,
        precision=precision.value,
    )
    enter(book, change, dry_run)


@episodes_app.command()
def leak(
    episode: EpisodeArgument,
    on: OnOption,
    source: SourceOption,
    what: Annotated[str, typer.Option("--what", metavar="TEXT", help="What leaked, in words.")] = "",
    precision: PrecisionOption = PrecisionChoice.day,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
) -> None:
    """Enter a leak: no opening, the model may still be opened."""
    book = editable_book(home, "leak")
    told = {"what": text_of(what, "--what"), "precision": precision.value}
    enter(book, book.end(episode, "leaked", past_day(on, "--on"), page(source), **told), dry_run)


@episodes_app.command()
def withdraw(
    episode: EpisodeArgument,
    on: OnOption,
    source: SourceOption,
    precision: PrecisionOption = PrecisionChoice.day,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
) -> None:
    """Enter that a closed model was withdrawn."""
    book = editable_book(home, "withdraw")
    change = book.end(episode, "withdrawn", past_day(on, "--on"), page(source), precision=precision.value)
    enter(book, change, dry_run)


@episodes_app.command()
def close(
    episode: EpisodeArgument,
    on: OnOption,
    source: SourceOption,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why the outcome was wrong; for the notes.")],
    dry_run: DryRunOption = False,
    home: HomeOption = None,
) -> None:
    """Take an outcome back that was entered in error; DAY and URL: a page that shows the model closed.

    Weights that were open and taken down later stay opened. An opening in part that came before stands.
    """
    book = editable_book(home, "close")
    words = text_of(reason, "--reason").rstrip(".")
    if not words:
        raise ForecastError("--reason: say why the outcome was wrong")
    enter(book, book.close(episode, past_day(on, "--on"), page(source), words), dry_run)


@episodes_app.command()
def seen(
    episode: EpisodeArgument,
    on: OnOption,
    source: SourceOption,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
) -> None:
    """Enter that a page showed the model closed on a day."""
    book = editable_book(home, "seen")
    enter(book, book.see(episode, past_day(on, "--on"), page(source)), dry_run)


@episodes_app.command()
def promise(
    about: Annotated[str, typer.Argument(metavar="ID", help="Episode, or family.")],
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="Day it was said, not in the future.")],
    kind: Annotated[StatementChoice, typer.Option("--kind", help="What was said.")],
    source: SourceOption,
    due: Annotated[str | None, typer.Option("--due", metavar="DAY", help="Last day named.")] = None,
    due_from: Annotated[str | None, typer.Option("--due-from", metavar="DAY", help="First day of a season.")] = None,
    known_on: Annotated[str | None, typer.Option("--known-on", metavar="DAY", help="Day a page said so.")] = None,
    words: Annotated[str, typer.Option("--words", metavar="TEXT", help="Its wording.")] = "",
    dry_run: DryRunOption = False,
    home: HomeOption = None,
) -> None:
    """Enter a promise, a delay or a refusal."""
    book = editable_book(home, "promise")
    said_on = past_day(on, "--on")
    cells = {
        "said_on": said_on,
        "known_on": past_day(known_on, "--known-on") if known_on else said_on,
        "kind": kind.value,
        "due_from": day_of(due_from, "--due-from") if due_from else "",
        "due_to": day_of(due, "--due") if due else "",
        "words": text_of(words, "--words"),
        "source_url": page(source),
    }
    enter(book, book.promise(about, {column: str(cell) for column, cell in cells.items()}), dry_run)


@episodes_app.command("list")
def list_(
    are_open: Annotated[bool | None, typer.Option("--open/--closed", help="Opened, in part too; or not.")] = None,
    org: Annotated[str, typer.Option("--org", metavar="TEXT", help="Organisation, or a part of its name.")] = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List episodes: id, model, organisation, debut, outcome."""
    from forecast.tables.book import Book
    from forecast.tables.paths import find_home

    rows = Book(find_home(home).data).listed(are_open, org)
    if as_json:
        print_json({"episodes": rows})
        return
    widths = {column: max((len(row[column]) for row in rows), default=0) for column in (rows[0] if rows else ())}
    for row in rows:
        typer.echo("  ".join(cell.ljust(widths[column]) for column, cell in row.items()).rstrip())
    if not rows:
        typer.echo("no such episode")


@episodes_app.command()
def show(episode: EpisodeArgument, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show a row with what its columns mean, its promises and its earlier opening."""
    from forecast.tables.book import Book
    from forecast.tables.paths import find_home
    from forecast.tables.schema import Episode

    found = Book(find_home(home).data).shown(episode)
    if as_json:
        print_json(found)
        return
    for column, cell in found["episode"].items():
        typer.echo(f"{column}: {cell}  ({Episode.model_fields[column].description})")
    for name, title in (("earlier_openings", "opened in part before"), ("promises", "said about opening")):
        for row in found[name]:
            typer.echo(f"{title}: " + "; ".join(f"{column} {cell}" for column, cell in row.items()))
