"""``forecast discover``: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forecast.commands.options import DayOption, HomeOption, JsonOption, parse_day, print_json, print_page
from forecast.errors import ForecastError

#: Where the catalogue is read from by default.
ADDRESS = "https://models.dev/api.json"


def discover(
    catalogue: Annotated[
        list[str] | None,
        typer.Option(
            "--catalogue",
            metavar="FILE|URL",
            help="api.json or models.json of models.dev, gzip too; again for an earlier copy, or the other shape. "
            f"Default: {ADDRESS}.",
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DAY", help="Debuts since; 180 days before --as-of by default.")
    ] = None,
    as_of: DayOption = None,
    weak: Annotated[bool, typer.Option("--weak", help="Show in full what little speaks for, too.")] = False,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Keep what was fetched; packed where it ends with .gz."),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Look in a model catalogue for openings and closed debuts that the tables lack; nothing is entered."""
    from forecast.tables.candidates import discover as look
    from forecast.tables.fetch import is_address, load_catalogue
    from forecast.tables.paths import find_home, utc_today

    today = utc_today()
    day, first = parse_day(as_of) or today, parse_day(since, "--since")
    for option, given in (("--as-of", day), ("--since", first)):
        if given and given > today:
            raise ForecastError(f"{option} {given}: is in the future: today is {today} (UTC)")
    places = catalogue or [ADDRESS]
    fetched = [place for place in places if is_address(place)]
    if save and len(fetched) != 1:
        raise ForecastError("--save keeps what is fetched: give one web address, and files besides")
    if save and save.exists():
        raise ForecastError(f"--save {save}: exists already: nothing was changed")
    data = find_home(home).data
    copies = [load_catalogue(place, today, save if place in fetched else None) for place in places]
    found = look(data, copies, day, first)
    if as_json:
        print_json(found.as_json())
        return
    from forecast.pages.show_discover import found_page

    print_page(found_page(found, weak), soft_wrap=True)  # a command must stay on one line
