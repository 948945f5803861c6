"""``forecast ledger export``: parse, call, print."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from forecast.commands.options import HomeOption, parse_day
from forecast.errors import ForecastError


class ExportChoice(StrEnum):
    """What the ledger can be exported as."""

    hubverse = "hubverse"
    metaculus = "metaculus"
    flat = "flat"
    sql = "sql"


FormatArgument = Annotated[
    ExportChoice | None,
    typer.Argument(
        metavar="[FORMAT]",
        help="hubverse: a hub, in a folder; metaculus: one forecast as a CDF of 201 points; "
        "flat: one row a probability, .csv or .parquet; sql: a database (with --to, the default).",
    ),
]


def export(
    kind: FormatArgument = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="PATH", help="A new file or folder.")] = None,
    question: Annotated[str | None, typer.Option("--question", metavar="ID", help="metaculus: which one.")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="URL", help="sql: such as sqlite:///record.db")] = None,
    made_on: Annotated[
        str | None, typer.Option("--made-on", metavar="DAY", help="metaculus: made on that day; the last by default.")
    ] = None,
    forecaster: Annotated[
        str | None, typer.Option("--forecaster", metavar="NAME", help="metaculus: whose; the model's by default.")
    ] = None,
    lower: Annotated[
        str | None, typer.Option("--lower", metavar="DAY", help="metaculus: lower bound; the day of the making.")
    ] = None,
    upper: Annotated[
        str | None, typer.Option("--upper", metavar="DAY", help="metaculus: upper bound; ten years later.")
    ] = None,
    open_lower: Annotated[
        bool, typer.Option("--open-lower", help="metaculus: the answer may lie before the lower bound.")
    ] = False,
    closed_upper: Annotated[
        bool, typer.Option("--closed-upper", help="metaculus: it opens by the upper bound for certain.")
    ] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="hubverse: model outputs as Parquet.")] = False,
    home: HomeOption = None,
) -> None:
    """Write the ledger in a format that other programs read; nothing is ever written over."""
    from forecast.record.formats import exports
    from forecast.tables.paths import find_home, utc_today

    chosen = kind or (ExportChoice.sql if to is not None else None)
    if chosen is None:
        raise ForecastError(f"export: name a format: {', '.join(exports.EXPORTS)}")
    wanted = exports.Wanted(
        home=find_home(home),
        today=utc_today(),
        out=out,
        to=to,
        question=question,
        forecaster=forecaster,
        made_on=parse_day(made_on, "--made-on"),
        lower=parse_day(lower, "--lower"),
        upper=parse_day(upper, "--upper"),
        open_lower=open_lower,
        closed_upper=closed_upper,
        parquet=parquet,
    )
    typer.echo(exports.export(chosen.value, wanted))
