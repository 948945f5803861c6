"""``forecast priors``: parse, call, print."""

from __future__ import annotations

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
    print_json,
    print_page,
)

priors_app = typer.Typer(help="Priors: beside their posteriors, checked, and made from a posterior.")


@priors_app.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    as_of: DayOption = None,
    unit: UnitOption = UnitChoice.model,
    target: TargetOption = TargetChoice.any,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw them to a .png or .svg file.")] = None,
    follow_up: FollowUpOption = FollowUpChoice.silence,
    latency: LatencyOption = LatencyChoice.average,
    priors: PriorsOption = None,
    seed: SeedOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show each prior beside its posterior."""
    if context.invoked_subcommand:
        return
    from forecast.model.parameters import parameter_table
    from forecast.pages.show_priors import priors_page
    from forecast.record.summary import records_json

    if plot:
        from forecast.pages import plots

        plots.require_name(plot)
    with desk_of(home, follow_up, latency, seed, priors) as desk:
        day = desk.day(parse_day(as_of))
        ensemble = desk.posterior(day, unit.value, target.value)
        table = parameter_table(ensemble, desk.priors)
    if plot:
        rows = table[table.prior_low > 0].assign(label=lambda t: t.parameter)
        plots.save(plots.plot_priors(rows), plot)
    if as_json:
        print_json({"as_of": day.isoformat(), "model": ensemble.latency, "priors": records_json(table)})
    else:
        print_page(priors_page(table, f"fitted to the table as known on {day}; {ensemble.latency}"))


@priors_app.command("check")
def check(
    latency: LatencyOption = LatencyChoice.average,
    priors: PriorsOption = None,
    seed: SeedOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Say what the priors imply before any data."""
    from forecast.model.fit import weights_of
    from forecast.model.prior_predictive import draws_of, prior_predictive
    from forecast.pages.show_priors import check_page
    from forecast.record.summary import records_json

    with desk_of(home, FollowUpChoice.silence, latency, seed, priors) as desk:
        family = next(iter(weights_of(desk.settings.latency, desk.priors)))
        found = prior_predictive(draws_of(desk.priors, desk.views.on(desk.today), family, desk.settings.seed))
    if as_json:
        print_json({"model": family, "answers": records_json(found)})
    else:
        print_page(check_page(found))


@priors_app.command("from-posterior")
def from_posterior(
    out: Annotated[Path, typer.Option("--out", help="The priors file to write; it must not exist.")],
    as_of: DayOption = None,
    unit: UnitOption = UnitChoice.model,
    target: TargetOption = TargetChoice.any,
    follow_up: FollowUpOption = FollowUpChoice.silence,
    latency: LatencyOption = LatencyChoice.average,
    seed: SeedOption = None,
    home: HomeOption = None,
) -> None:
    """Write a posterior as priors: a fit with them uses only what came later."""
    from forecast.pages.show_priors import absorbed_line
    from forecast.record.priors_file import write_from_posterior

    with desk_of(home, follow_up, latency, seed) as desk:
        found = write_from_posterior(desk, out, parse_day(as_of), unit.value, target.value)
    typer.echo(absorbed_line(found, out))
