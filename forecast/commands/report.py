"""``forecast report`` and ``forecast serve``: parse, call, print."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.commands.options import (
    DayOption,
    FollowUpChoice,
    FollowUpOption,
    HomeOption,
    LatencyChoice,
    LatencyOption,
    SeedOption,
    desk_of,
    parse_day,
    progress_bar,
)

if TYPE_CHECKING:
    from rich.progress import Progress


def report(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="A new folder for the site; by default reports/<day>.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_of: DayOption = None,
    follow_up: FollowUpOption = FollowUpChoice.silence,
    latency: LatencyOption = LatencyChoice.average,
    seed: SeedOption = None,
    home: HomeOption = None,
) -> None:
    """Write a site: the answer, open questions, how it came about, the track record, notebooks, data."""
    from forecast.pages.edition import gather
    from forecast.pages.shelf import place_edition, place_site, require_room
    from forecast.pages.site import write_site

    if out is not None:
        require_room(out)
    with progress_bar() as bar, desk_of(home, follow_up, latency, seed, shown=bar) as desk:
        desk.today = desk.day(parse_day(as_of))
        if out is None:
            desk.home.require_editable("report")
        edition = gather(desk, _teller(bar, "forecasting"))
        tell = _teller(bar, "writing")
        if out is not None:
            place_site(out, lambda folder: write_site(edition, desk.home, folder, tell))
            folder, new = out, True
        else:
            shelf = desk.home.reports
            folder, new = place_edition(shelf, edition.day, lambda draft: write_site(edition, desk.home, draft, tell))
    pages = sum(1 for _ in folder.rglob("*.html"))
    typer.echo(f"{pages} pages in {folder}" if new else f"{folder} says the same already: nothing was written")
    if show:
        typer.launch((folder / "index.html").resolve().as_uri())


def serve(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="Of a site; reports/latest by default.")] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any that is free.")] = 8000,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    home: HomeOption = None,
) -> None:
    """Show a site on this machine only, until Ctrl-C."""
    from forecast.pages.serve import serve as serving
    from forecast.pages.shelf import LATEST
    from forecast.tables.paths import find_home

    place = folder or find_home(home).reports / LATEST

    def ready(address: str) -> None:
        typer.echo(f"{address} shows {place}; Ctrl-C ends it")
        if show:
            typer.launch(address)

    with suppress(KeyboardInterrupt):
        serving(place, port, ready)


def _teller(bar: Progress, doing: str) -> Callable[[str, float], None]:
    """A line of the bar: what is being worked on, and how far that is."""
    task = bar.add_task(doing, total=1.0)

    def tell(what: str, share: float) -> None:
        bar.update(task, completed=share, description=f"{doing} {what}")
        bar.refresh()

    return tell
