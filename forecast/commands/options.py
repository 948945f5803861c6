"""What commands share: options, days, printing."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast.errors import ForecastError

if TYPE_CHECKING:
    from rich.progress import Progress

    from forecast.record.answers import Desk


class FollowUpChoice(StrEnum):
    """Until when a model without an opening counts as closed."""

    silence = "silence"
    evidence = "evidence"


class TargetChoice(StrEnum):
    """What counts as an opening of an episode or a family."""

    any = "any"
    full = "full"


class UnitChoice(StrEnum):
    """What is forecast: one model, or a family as one."""

    model = "model"
    family = "family"


class LatencyChoice(StrEnum):
    """Distribution of the time to an opening."""

    average = "average"
    log_logistic = "log_logistic"
    log_normal = "log_normal"
    weibull = "weibull"
    burr_xii = "burr_xii"


HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder that holds data/; else FORECAST_HOME, else the checkout.")
]
DayOption = Annotated[str | None, typer.Option("--as-of", metavar="DAY", help="YYYY-MM-DD; today (UTC) by default.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
FollowUpOption = Annotated[
    FollowUpChoice, typer.Option("--follow-up", help="Is a model that nobody writes about still closed?")
]
LatencyOption = Annotated[LatencyChoice, typer.Option("--latency", help="Distribution of the time to an opening.")]
PriorsOption = Annotated[
    Path | None, typer.Option("--priors", help="Another priors file, such as one made from a posterior.")
]
UnitOption = Annotated[UnitChoice, typer.Option("--unit")]
TargetOption = Annotated[TargetChoice, typer.Option("--target", help="What counts as an opening.")]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed of the sampler.")]


def parse_day(text: str | None, option: str = "--as-of") -> dt.date | None:
    """A day as it was typed, None where it was not."""
    if text is None:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise ForecastError(f"{option} {text}: must be a day, YYYY-MM-DD")
    return day


def checked_seed(seed: int | None) -> int:
    """The seed as given, the project's own by default."""
    from forecast.tables.paths import SEED

    if seed is not None and seed < 0:
        raise ForecastError(f"--seed {seed}: must be 0 or more")
    return SEED if seed is None else seed


def print_json(value: Any) -> None:
    """Print one JSON object and nothing else."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str))


def print_page(page: Any, soft_wrap: bool = False) -> None:
    """Print a page, wide enough for a table where it is not a terminal; soft_wrap: keep long lines whole."""
    from rich.console import Console

    Console(highlight=False, width=None if sys.stdout.isatty() else 140).print(page, soft_wrap=soft_wrap)


def tell(found: Any, page: Callable[[Any], Any], as_json: bool) -> None:
    """Print what was found: as its JSON, or as its page."""
    if as_json:
        print_json(found.as_json())
    else:
        print_page(page(found))


def progress_bar() -> Progress:
    """A progress bar, on a terminal only, without a thread of its own: the sampler forks."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, disable=not console.is_terminal, auto_refresh=False, transient=True)


@contextmanager
def desk_of(
    home: Path | None,
    follow_up: FollowUpChoice = FollowUpChoice.silence,
    latency: LatencyChoice = LatencyChoice.average,
    seed: int | None = None,
    priors_file: Path | None = None,
    shown: Progress | None = None,
) -> Iterator[Desk]:
    """A desk that shows its sampling in a bar of its own, or in one that is shown already."""
    from forecast.model.fit import Settings
    from forecast.record.answers import Desk

    settings = Settings(latency=latency.value, seed=checked_seed(seed))
    with nullcontext(shown) if shown else progress_bar() as bar:
        task = None

        def progress(done: int, total: int) -> None:
            nonlocal task
            task = bar.add_task("sampling", total=total) if task is None else task
            bar.update(task, completed=done, total=total)
            bar.refresh()

        yield Desk(home, follow_up.value, settings, progress=progress, priors_file=priors_file)
