"""``forecast ledger import``: what can be imported, and from where."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.errors import ForecastError

if TYPE_CHECKING:
    from forecast.record.others import Imported


class ImportChoice(StrEnum):
    """What can be imported."""

    third_party = "third-party"
    metaculus = "metaculus"
    manifold = "manifold"
    fatebook = "fatebook"
    forecastbench = "forecastbench"
    plain = "plain"


FormatArgument = Annotated[
    ImportChoice,
    typer.Argument(metavar="FORMAT", help=f"One of {', '.join(ImportChoice)}; third-party is a table in data/."),
]
FileArgument = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="The foreign file; none for third-party.", show_default=False)
]
MapOption = Annotated[
    Path | None, typer.Option("--map", metavar="FILE", help="TOML: which foreign question is which of ours.")
]


def imported(source: ImportChoice, file: Path | None, map_file: Path | None, home: Path | None) -> Imported:
    """Import a table of the home, or a foreign file by its map."""
    from forecast.record.answers import Desk
    from forecast.record.others import IMPORTS

    if source.value in IMPORTS:
        if file or map_file:
            raise ForecastError(f"{source.value} is a table of the data folder: give no file and no --map")
        return IMPORTS[source.value](Desk(home))
    if not (file and map_file):
        raise ForecastError(
            f"{source.value} needs a file and --map QUESTIONS.toml: foreign questions are never guessed"
        )
    from forecast.record.imports import import_file

    return import_file(Desk(home), source.value, file, map_file)
