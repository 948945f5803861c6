"""``forecast fit`` and ``forecast weigh``: parse, call, print."""

from __future__ import annotations

import json
from pathlib import Path
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
    PriorsOption,
    SeedOption,
    TargetChoice,
    TargetOption,
    UnitChoice,
    UnitOption,
    desk_of,
    parse_day,
    tell,
)


def fit(
    as_of: DayOption = None,
    unit: UnitOption = UnitChoice.model,
    target: TargetOption = TargetChoice.any,
    follow_up: FollowUpOption = FollowUpChoice.silence,
    latency: LatencyOption = LatencyChoice.average,
    priors: PriorsOption = None,
    seed: SeedOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Fit the model and say what came out: parameters in words, weights, diagnostics, sensitivity."""
    from forecast.pages.show_fit import fit_page
    from forecast.record.fitting import fit_report

    with desk_of(home, follow_up, latency, seed, priors) as desk:
        report = fit_report(desk, parse_day(as_of), unit.value, target.value)
    tell(report, fit_page, as_json)


def weigh(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a backtest made with --each.")],
    as_of: DayOption = None,
    follow_up: FollowUpOption = FollowUpChoice.silence,
    seed: SeedOption = None,
    home: HomeOption = None,
) -> None:
    """Weigh the latency families: episodes, organisations and the future left out; write RUN/weights.csv."""
    from forecast.record.weighing import weigh as weighed
    from forecast.tables.hashes import input_hashes

    with desk_of(home, follow_up, LatencyChoice.average, seed) as desk:
        day = desk.day(parse_day(as_of))
        table = weighed(desk, day, run)
    table.round(6).to_csv(run / "weights.csv", index=False, lineterminator="\n")
    stamp = {"as_of": day.isoformat(), "inputs": input_hashes(desk.home)}
    (run / "weights.json").write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
    typer.echo(table.round(3).to_string(index=False))
    for row in table.itertuples():
        typer.echo(f"priors.toml: [family.{row.family}] weight = {row.decided:.3f}")
