"""``forecast validate``: parse, call, print."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.commands.options import (
    FollowUpChoice,
    FollowUpOption,
    HomeOption,
    JsonOption,
    LatencyChoice,
    LatencyOption,
    SeedOption,
    checked_seed,
    tell,
)

if TYPE_CHECKING:
    from forecast.model.sampler import Progress


class FitChoice(StrEnum):
    """Which table the model is fitted to."""

    now = "now"
    then = "then"


def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Episodes, with the columns of data/episodes.csv.")],
    fit: Annotated[
        FitChoice, typer.Option("--fit", help="The table as known today, or on the quarter day before each forecast.")
    ] = FitChoice.now,
    follow_up: FollowUpOption = FollowUpChoice.silence,
    latency: LatencyOption = LatencyChoice.average,
    seed: SeedOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Forecast episodes of your own from their debut on, and score what is due beside Kaplan-Meier."""
    from forecast.model.fit import Settings
    from forecast.pages.show_validate import validation_page
    from forecast.record import validate as work
    from forecast.tables.paths import find_home, utc_today

    settings = Settings(latency=latency.value, seed=checked_seed(seed))
    with _bar() as progress:
        found = work.validate(
            file, find_home(home), utc_today(), fit.value, follow_up.value, settings, progress=progress
        )
    tell(found, validation_page, as_json)


@contextmanager
def _bar() -> Iterator[Progress]:
    """A progress bar of the sampling, which shows on a terminal only; each fit begins it anew."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    # no thread of its own: the sampler forks
    with Progress(console=console, disable=not console.is_terminal, auto_refresh=False, transient=True) as bar:
        task = bar.add_task("sampling", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            bar.refresh()

        yield progress
