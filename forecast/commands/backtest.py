"""``forecast backtest``: parse, call, print."""

from __future__ import annotations

import datetime as dt
import os
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
    TargetChoice,
    UnitChoice,
    checked_seed,
    parse_day,
    print_json,
    print_page,
)
from forecast.errors import BacktestError

if TYPE_CHECKING:
    from forecast.record.backtest import Plan
    from forecast.record.runner import Progress
    from forecast.tables.paths import Home


class StepChoice(StrEnum):
    """Time between two origins."""

    month = "month"
    quarter = "quarter"
    half = "half"
    year = "year"


def backtest(
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="First origin.")] = "2023-01-01",
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Last origin at most.")] = "2026-07-01",
    every: Annotated[StepChoice, typer.Option("--every", help="Time between origins.")] = StepChoice.quarter,
    horizons: Annotated[str, typer.Option("--horizons", help="Days after an origin.")] = "30,90,180,365,730",
    unit: Annotated[UnitChoice, typer.Option("--unit")] = UnitChoice.model,
    target: Annotated[TargetChoice, typer.Option("--target", help="What counts as an opening.")] = TargetChoice.any,
    follow_up: FollowUpOption = FollowUpChoice.silence,
    latency: LatencyOption = LatencyChoice.average,
    each: Annotated[bool, typer.Option("--each", help="Also score every family of the average by itself.")] = False,
    seed: SeedOption = None,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, help="Worker processes; one a core by default.")] = None,
    dask: Annotated[str | None, typer.Option("--dask", metavar="ADDRESS", help="Use a Dask cluster instead.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the same run was stopped.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the run; results/backtest-FOLLOW_UP by default.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Score what the model and the baselines would have said: leave-future-out, origin by origin."""
    from forecast.pages.show_backtest import backtest_page
    from forecast.record import evidence, runner
    from forecast.record.backtest import Plan
    from forecast.record.subjects import Views
    from forecast.record.summary import records_json
    from forecast.tables.paths import find_home, utc_today

    found = find_home(home)
    plan = Plan(
        origins=_origins(first, last, every),
        as_of=Views(found.episodes).searched_through(utc_today()),
        unit=unit.value,
        target=target.value,
        follow_up=follow_up.value,
        latency=latency.value,
        horizons=_horizons(horizons),
        seed=checked_seed(seed),
        each=each,
    )
    folder = out or _default_folder(found, plan)
    with _bar() as progress:
        items = runner.run(found, _checked(plan), folder, jobs or os.cpu_count() or 1, dask, resume, progress)
    summary, tables = evidence.write_tables(found, folder, plan, items)
    if as_json:
        print_json(summary | {name: records_json(tables[name]) for name in ("skill", "lines")})
    else:
        print_page(backtest_page(summary, tables, folder))


def _origins(first: str, last: str, every: StepChoice) -> tuple[dt.date, ...]:
    from forecast.record.backtest import origin_days

    start, end = parse_day(first, "--from"), parse_day(last, "--to")
    if start is None or end is None or start > end:
        raise BacktestError(f"--from {first} is after --to {last}: no origin lies between them")
    return origin_days(start, end, every.value)


def _horizons(text: str) -> tuple[int, ...]:
    days = [part.strip() for part in text.split(",")]
    if not all(day.isdigit() and 0 < int(day) <= 3650 for day in days):
        raise BacktestError(f"--horizons {text}: must be days from 1 to 3650 with commas between, like 30,90")
    return tuple(sorted({int(day) for day in days}))


def _checked(plan: Plan) -> Plan:
    """Refuse an origin after which nothing is known."""
    if plan.origins[-1] >= plan.as_of:
        raise BacktestError(
            f"origin {plan.origins[-1]} is not before {plan.as_of}, the day through which openings were searched for"
        )
    return plan


def _default_folder(home: Home, plan: Plan) -> Path:
    from forecast.record.backtest import Plan

    home.require_editable("backtest")
    usual = Plan(plan.origins, plan.as_of)
    unusual = [getattr(plan, x) for x in ("unit", "target", "latency") if getattr(plan, x) != getattr(usual, x)]
    unusual += ["each"] if plan.each else []
    return home.data.parent / "results" / "-".join(["backtest", plan.follow_up, *unusual])


@contextmanager
def _bar() -> Iterator[Progress]:
    """A progress bar of origins, which shows on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("origins"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("origins", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
