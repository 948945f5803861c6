"""``forecast update`` and ``forecast what-if``: parse, call, print."""

from __future__ import annotations

from typing import Annotated

import typer

from forecast.commands.options import (
    DayOption,
    FollowUpChoice,
    FollowUpOption,
    HomeOption,
    JsonOption,
    LatencyChoice,
    LatencyOption,
    SeedOption,
    desk_of,
    parse_day,
    tell,
)


def update(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; write nothing.")] = False,
    no_record: Annotated[bool, typer.Option("--no-record", help="Write resolutions, and no forecasts.")] = False,
    latency: LatencyOption = LatencyChoice.average,
    seed: SeedOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Check, resolve, score, fit, record; say what changed, and why."""
    from forecast.pages.show_update import update_page
    from forecast.record.update import update as updated

    with desk_of(home, FollowUpChoice.silence, latency, seed) as desk:
        found = updated(desk, dry_run, record=not no_record)
    tell(found, update_page, as_json)


def what_if(
    supposed: Annotated[
        list[str], typer.Argument(metavar="WHAT...", help="'open ID DAY [part]', 'promise ID DAY [by DAY]', ...")
    ],
    questions: Annotated[list[str] | None, typer.Option("--question", help="A question; may be given again.")] = None,
    as_of: DayOption = None,
    refit: Annotated[bool, typer.Option("--refit", help="Fit anew instead of weighing draws.")] = False,
    follow_up: FollowUpOption = FollowUpChoice.silence,
    latency: LatencyOption = LatencyChoice.average,
    seed: SeedOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Say what forecasts would be if something happened: in seconds, from the cached posterior."""
    from forecast.pages.show_what_if import what_if_page
    from forecast.record.what_if import what_if as seen

    with desk_of(home, follow_up, latency, seed) as desk:
        desk.today = desk.day(parse_day(as_of))
        found = seen(desk, supposed, questions or (), refit)
    tell(found, what_if_page, as_json)
