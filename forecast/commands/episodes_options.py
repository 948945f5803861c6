"""What the commands of ``forecast episodes`` share: options, their checks, and how a change is written."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.commands.options import parse_day
from forecast.errors import ForecastError, TableError

if TYPE_CHECKING:
    from forecast.tables.book import Book, Change


class PrecisionChoice(StrEnum):
    """Width of a day's window."""

    day = "day"
    month = "month"
    quarter = "quarter"
    year = "year"


class LicenseClassChoice(StrEnum):
    """Kind of licence."""

    osi = "osi"
    open_weight_commercial = "open_weight_commercial"
    non_commercial = "non_commercial"
    none = "none"


class StatementChoice(StrEnum):
    """Kind of statement about opening."""

    vague = "vague"
    dated = "dated"
    delayed = "delayed"
    refused = "refused"


EpisodeArgument = Annotated[str, typer.Argument(metavar="ID", help="Episode.")]
OnOption = Annotated[str, typer.Option("--on", metavar="DAY", help="YYYY-MM-DD, not in the future.")]
SourceOption = Annotated[str, typer.Option("--source", metavar="URL", help="Page that states it.")]
PrecisionOption = Annotated[PrecisionChoice, typer.Option("--precision", help="How well the day is known.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the diff and write nothing.")]


def editable_book(home: Path | None, command: str) -> Book:
    """The tables of a home that may be written to."""
    from forecast.tables.book import Book
    from forecast.tables.paths import find_home

    place = find_home(home)
    place.require_editable(f"episodes {command}")
    return Book(place.data)


def enter(book: Book, change: Change, dry_run: bool) -> None:
    """Check the home as it would be, then write; or show the diff."""
    from forecast.record.check import check_home
    from forecast.tables.paths import Home
    from forecast.tables.replace import new_problems, write

    problems = new_problems(book.data, change.edits, lambda data: check_home(Home(data))[1])
    if problems:
        raise TableError([f"{line}; nothing was written" for line in problems])
    if dry_run:
        for edit in change.edits:
            typer.echo(edit.diff())
    else:
        write(change.edits)
        for edit in change.edits:
            more = edit.after.count(b"\n") - edit.before.count(b"\n")
            did = "one line added to" if more > 0 else "one line taken from" if more < 0 else "one line changed in"
            typer.echo(f"{did} {edit.file}")
    for note in change.notes:
        typer.echo(f"note: {note}", err=dry_run)
    typer.echo("dry run: nothing was written" if dry_run else "next: forecast codebook", err=dry_run)


def day_of(text: str, option: str) -> dt.date:
    """A day as it was typed."""
    day = parse_day(text_of(text, option), option)
    assert day  # a text was given
    return day


def past_day(text: str, option: str) -> dt.date:
    """A day as it was typed, which is not in the future."""
    day = day_of(text, option)
    fault = future_fault(day)
    if fault:
        raise ForecastError(f"{option} {day}: {fault}")
    return day


def future_fault(day: dt.date) -> str | None:
    """What is wrong with a day that must have come."""
    from forecast.tables.paths import utc_today

    today = utc_today()
    return f"is in the future: today is {today} (UTC)" if day > today else None


def page(source: str) -> str:
    """A web address as it was typed."""
    from forecast.tables.edit import cell_fault
    from forecast.tables.schema import Promise

    fault = cell_fault(Promise, "source_url", source) if source else "must be a web address, http(s)://host/..."
    if fault:
        raise ForecastError(f"--source {source!r}: {fault}")
    return source


def text_of(text: str, option: str) -> str:
    """One line of text as it was typed."""
    from forecast.tables.edit import text_fault

    text = text.strip()
    fault = text_fault(text)
    if fault:
        raise ForecastError(f"{option} {text!r}: {fault}")
    return text
