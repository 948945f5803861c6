"""``forecast explain``: parse, call, print."""

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
    TargetChoice,
    desk_of,
    parse_day,
    tell,
)


def explain(
    episode: Annotated[str, typer.Argument(metavar="EPISODE", help="Episode; or a family or question.")],
    as_of: DayOption = None,
    target: Annotated[TargetChoice | None, typer.Option("--target", help="For an episode or family.")] = None,
    horizon: Annotated[int, typer.Option("--horizon", metavar="DAYS", help="Explain P(open within so many).")] = 365,
    follow_up: FollowUpOption = FollowUpChoice.silence,
    latency: LatencyOption = LatencyChoice.average,
    as_json: JsonOption = False,
    seed: SeedOption = None,
    home: HomeOption = None,
) -> None:
    """Say why a forecast is what it is: step by step from the base rate, and the past episodes most like it."""
    from forecast.pages.show_explain import explanation_page
    from forecast.record.explanation import explained

    with desk_of(home, follow_up, latency, seed) as desk:
        found = explained(desk, episode, parse_day(as_of), target.value if target else None, horizon)
    tell(found, explanation_page, as_json)
