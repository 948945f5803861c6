"""The command line: parse, call, print. Heavy imports stand inside the commands."""

from __future__ import annotations

import datetime as dt
import logging
import os
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast.commands.backtest import backtest
from forecast.commands.discover import discover
from forecast.commands.episodes import episodes_app
from forecast.commands.explain import explain
from forecast.commands.fit import fit, weigh
from forecast.commands.ledger import ledger_app
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
    desk_of,
    parse_day,
    print_json,
    print_page,
    tell,
)
from forecast.commands.priors import priors_app
from forecast.commands.report import report, serve
from forecast.commands.update import update, what_if
from forecast.commands.validate import validate
from forecast.errors import ForecastError, HomeError

if TYPE_CHECKING:
    from forecast.record.answers import Desk


#: Exit code after Ctrl-C, as shells have it: 128 + SIGINT.
INTERRUPTED = 130


class SplitChoice(StrEnum):
    """What a scoreboard has one line each of."""

    forecaster = "forecaster"
    question = "question"
    horizon = "horizon"
    month = "month"


app = typer.Typer(
    help="When will a closed AI model be opened - in weeks, months, years or never?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(ledger_app, name="ledger")
app.add_typer(priors_app, name="priors")
app.add_typer(episodes_app, name="episodes")
app.command()(backtest)
app.command()(fit)
app.command()(weigh)
app.command()(explain)
app.command()(discover)
app.command()(validate)
app.command()(update)
app.command()(report)
app.command()(serve)
app.command("what-if")(what_if)


@app.command()
def predict(
    what: Annotated[str | None, typer.Argument(help="Question, episode or family; else the founding question.")] = None,
    as_of: DayOption = None,
    as_json: JsonOption = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write the curve to a .png or .svg file.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Rank every still-closed episode.")] = False,
    target: Annotated[TargetChoice | None, typer.Option("--target", help="For an episode or family.")] = None,
    follow_up: FollowUpOption = FollowUpChoice.silence,
    latency: LatencyOption = LatencyChoice.average,
    priors: PriorsOption = None,
    seed: SeedOption = None,
    home: HomeOption = None,
) -> None:
    """Say when a model is opened, if ever."""
    if plot:
        from forecast.pages import plots

        plots.require_name(plot)
    with desk_of(home, follow_up, latency, seed, priors) as desk:
        if everything:
            if what or plot:
                raise ForecastError("--all ranks every episode: it takes no name and draws no curve")
            _print_ranking(desk, parse_day(as_of), target or TargetChoice.any, as_json)
            return
        answer = desk.answer(what, parse_day(as_of), target.value if target else None)
    from forecast.pages import show

    if plot:
        _save_curve(answer, plot, desk.today)
    tell(answer, show.answer_page, as_json)


@app.command()
def record(
    questions: Annotated[list[str] | None, typer.Argument(help="Questions; all open ones by default.")] = None,
    as_of: DayOption = None,
    beside_others: Annotated[
        bool, typer.Option("--beside-others", help="Hindcasts for the days of imported forecasts.")
    ] = False,
    latency: LatencyOption = LatencyChoice.average,
    seed: SeedOption = None,
    home: HomeOption = None,
) -> None:
    """Append forecasts of the open questions to the ledger; one about the past is a hindcast."""
    from forecast.record.recorder import record_beside, record_forecasts

    if beside_others and (questions or as_of):
        raise ForecastError("--beside-others takes questions and days from the imported forecasts: name none")
    with desk_of(home, FollowUpChoice.silence, latency, seed) as desk:
        if beside_others:
            lines, without = record_beside(desk, _imported_pairs(desk))
            for text in without:
                typer.echo(f"no hindcast: {text}", err=True)
        else:
            lines = record_forecasts(desk, questions or (), parse_day(as_of))
    for line in lines:
        b = line.body
        typer.echo(f"{b['forecaster']}: {b['question_id']} as of {b['made_on']} ({b['mode']}), line {line.number}")
    typer.echo(f"{len(lines)} forecasts added to {desk.home.ledger}" if lines else "nothing new to record")


@app.command()
def resolve(home: HomeOption = None) -> None:
    """Record what the episodes table says happened."""
    from forecast.record.recorder import resolve_questions

    with desk_of(home) as desk:
        found = resolve_questions(desk)
    for line in found.added:
        b = line.body
        if b["kind"] == "resolved":
            typer.echo(f"{b['question_id']}: {b['what']} ({b['opening']}) on {b['happened_on']}")
    for note in found.notes:
        typer.echo(f"note: {note}")
    typer.echo(f"{len(found.added)} lines added" if found.added else "nothing new to resolve")


@app.command()
def score(
    as_of: DayOption = None,
    by: Annotated[SplitChoice, typer.Option("--by", help="One line each of what.")] = SplitChoice.forecaster,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Score the ledger's forecasts against what happened."""
    from forecast.pages import show
    from forecast.record import score_table, scoreboard, slips
    from forecast.record.answers import Desk

    if as_json and (as_csv or by is not SplitChoice.forecaster):
        raise ForecastError("--json says all of it: give it without --by and --csv")
    desk = Desk(home)
    day, searched = desk.day(parse_day(as_of)), desk.views.searched_through(desk.today)
    table = score_table.score_table(desk.home.ledger, day, desk.questions, searched)
    board = scoreboard.scoreboard(table, by.value)
    late = slips.slips(desk.home, day, min(day, searched))
    if as_json:
        print_json(scoreboard.as_json(day, table, board) | {"slips": slips.as_json(late)})
    elif as_csv:
        typer.echo(board.to_csv(index=False), nl=False)
    else:
        skills = scoreboard.with_uncertainty(table, board) if by is SplitChoice.forecaster else []
        print_page(show.board_page(board, skills, slips.slip_table(late)))


@app.command()
def check(home: HomeOption = None) -> None:
    """Check every table, the priors, the questions and the ledger, and name every bad cell."""
    from forecast.errors import TableError
    from forecast.record.check import check_home
    from forecast.tables.paths import find_home

    counts, problems = check_home(find_home(home))
    if problems:
        raise TableError(problems)
    for name, rows in counts.items():
        typer.echo(f"{name}: {rows}")
    typer.echo("no problems")


@app.command()
def codebook(home: HomeOption = None) -> None:
    """Write CODEBOOK.md and the data package from the schema and the tables."""
    from forecast.tables.codebook import write_codebook
    from forecast.tables.paths import find_home

    place = find_home(home)
    place.require_editable("codebook")
    changed = write_codebook(place.data)
    typer.echo("\n".join(f"wrote {file}" for file in changed) or "up to date")


@app.command()
def questions(home: HomeOption = None) -> None:
    """List the questions."""
    from forecast.record.questions import read_questions
    from forecast.tables.paths import find_home

    for question in read_questions(find_home(home).questions).values():
        typer.echo(f"{question.id}: {question.text}")


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder to make.")]) -> None:
    """Lay the data out in a folder of your own, for editing and recording."""
    from forecast.tables.paths import packaged_data

    target = folder / "data"
    if target.exists():
        raise HomeError(f"{target} exists already: nothing was changed")
    try:
        shutil.copytree(packaged_data(), target)
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise HomeError(f"cannot lay the data out in {folder}: {error}") from None
    typer.echo(f"wrote {target}; now: export FORECAST_HOME={folder.resolve()}")


def main() -> None:
    """Run the command line: a user's mistake is one line on stderr and exit code 1, Ctrl-C one and 130."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        app()
    except ForecastError as error:
        typer.echo(f"forecast: {error}" if "\n" not in str(error) else str(error), err=True)
        sys.exit(1)
    except SystemExit as ended:  # typer's own way out, also of a KeyboardInterrupt
        if ended.code == INTERRUPTED:
            typer.echo("forecast: interrupted", err=True)
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        typer.echo(f"forecast: {error.filename or 'file'}: {error.strerror or error}", err=True)
        sys.exit(1)


def _imported_pairs(desk: Desk) -> list[tuple[str, dt.date]]:
    """Questions and days on which others made their forecasts."""
    from forecast.record.others import imported_pairs
    from forecast.record.score_table import score_table

    return imported_pairs(
        score_table(desk.home.ledger, desk.today, desk.questions, desk.views.searched_through(desk.today))
    )


def _save_curve(answer: Any, file: Path, today: dt.date) -> None:
    from forecast.pages import plots
    from forecast.pages.tables import curve_table

    curve = curve_table(answer.forecast)
    marks = {"asked": answer.asked_on, "today": today}
    if answer.happened:
        marks["opened"] = answer.happened.day
    last = max([*marks.values(), answer.forecast.made_on + dt.timedelta(days=730)])
    ax = plots.plot_curve(curve[curve.day <= str(last)], marks)
    ax.set_title(answer.question.text + (" (hindcast)" if answer.hindcast else ""), loc="left", fontsize=9, wrap=True)
    plots.save(ax, file)


def _print_ranking(desk: Desk, day: dt.date | None, target: TargetChoice, as_json: bool) -> None:
    from forecast.pages import show

    rows = desk.ranking(day, target.value)
    if as_json:
        print_json({"as_of": str(day or desk.today), "target": target.value, "episodes": rows})
    else:
        print_page(show.ranking_page(rows, day or desk.today))


if __name__ == "__main__":
    main()
