"""``forecast report`` and ``forecast serve``: parse, call, print."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

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
)


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
    with desk_of(home, follow_up, latency, seed) as desk:
        desk.today = desk.day(parse_day(as_of))
        if out is None:
            desk.home.require_editable("report")
        with _bar("forecasting") as tell:
            edition = gather(desk, tell)
    with _bar("writing") as tell:
        if out is not None:
            place_site(out, lambda folder: write_site(edition, desk.home, folder, tell))
            folder, new = out, True
        else:
            shelf = desk.home.data.parent / "reports"
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

    place = folder or find_home(home).data.parent / "reports" / LATEST

    def ready(address: str) -> None:
        typer.echo(f"{address} shows {place}; Ctrl-C ends it")
        if show:
            typer.launch(address)

    with suppress(KeyboardInterrupt):
        serving(place, port, ready)


@contextmanager
def _bar(doing: str) -> Iterator[Callable[[str, float], None]]:
    """A progress bar, on a terminal only, without a thread of its own: the sampler forks."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, auto_refresh=False, transient=True) as bar:
        task = bar.add_task(doing, total=1.0)

        def tell(what: str, share: float) -> None:
            bar.update(task, completed=share, description=f"{doing} {what}")
            bar.refresh()

        yield tell
