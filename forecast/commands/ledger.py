"""``forecast ledger``: parse, call, print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from forecast.commands import ledger_more
from forecast.commands.ledger_export import export
from forecast.commands.ledger_formats import FileArgument, FormatArgument, MapOption, imported
from forecast.commands.options import HomeOption

if TYPE_CHECKING:
    from pathlib import Path

    from forecast.record.corrections import Status

ledger_app = typer.Typer(help="The ledger of forecasts and of what came true.", no_args_is_help=True)
ledger_app.command()(export)
for _more in (ledger_more.verify, ledger_more.head, ledger_more.merge, ledger_more.stamp):
    ledger_app.command()(_more)

QuestionArgument = Annotated[str, typer.Argument(metavar="QUESTION", help="Its id.")]
WhyOption = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason: it stays in the ledger.")]


@ledger_app.command("import")
def import_(
    source: FormatArgument, file: FileArgument = None, map_file: MapOption = None, home: HomeOption = None
) -> None:
    """Take other people's forecasts over, one chain a voice, or an exported ledger; twice the same adds nothing."""
    for text in imported(source, file, map_file, home):
        typer.echo(text)


@ledger_app.command()
def reopen(question: QuestionArgument, why: WhyOption, home: HomeOption = None) -> None:
    """Open a question again whose answer in the ledger was a mistake."""
    _mark("reopened", question, why, home)


@ledger_app.command()
def void(question: QuestionArgument, why: WhyOption, home: HomeOption = None) -> None:
    """Close a question that cannot be answered: its forecasts are counted, and not scored."""
    _mark("void", question, why, home)


@ledger_app.command()
def ambiguous(question: QuestionArgument, why: WhyOption, home: HomeOption = None) -> None:
    """Close a question whose answer its rule does not decide."""
    _mark("ambiguous", question, why, home)


@ledger_app.command()
def withdraw(
    forecast: Annotated[str, typer.Argument(metavar="ID", help="Of the forecast, as its line has it.")],
    why: WhyOption,
    home: HomeOption = None,
) -> None:
    """Take a forecast back: it stays in its chain, is still scored, and counts as withdrawn."""
    from forecast.record import corrections
    from forecast.tables.paths import find_home, utc_today

    line = corrections.withdraw(find_home(home), forecast, why, utc_today())
    typer.echo(f"{line.body['chain']}: forecast {line.body['forecast_id']} taken back, line {line.number}")


def _mark(kind: Status, question: str, why: str, home: Path | None) -> None:
    from forecast.record import corrections
    from forecast.tables.paths import find_home, utc_today

    line = corrections.mark(find_home(home), kind, question, why, utc_today())
    typer.echo(f"{question}: {kind}, line {line.number} of the resolutions")
