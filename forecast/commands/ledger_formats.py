"""``forecast ledger import``: what can be imported, and from where."""

from __future__ import annotations

from collections.abc import Iterator
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
    flat = "flat"


FormatArgument = Annotated[
    ImportChoice,
    typer.Argument(
        metavar="FORMAT",
        help=f"One of {', '.join(ImportChoice)}. third-party is a table in data/; flat is what 'export flat' wrote.",
    ),
]
FileArgument = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="The foreign file; none for third-party.", show_default=False)
]
MapOption = Annotated[
    Path | None, typer.Option("--map", metavar="FILE", help="TOML: which foreign question is which of ours.")
]


def imported(source: ImportChoice, file: Path | None, map_file: Path | None, home: Path | None) -> Iterator[str]:
    """Import a table of the home, an export of a ledger, or a foreign file by its map; say what was done."""
    from forecast.record.answers import Desk
    from forecast.record.others import IMPORTS

    if source.value in IMPORTS:
        if file or map_file:
            raise ForecastError(f"{source.value} is a table of the data folder: give no file and no --map")
        yield from _foreign(IMPORTS[source.value](Desk(home)), "no question asks about it")
    elif source is ImportChoice.flat:
        if not file or map_file:
            raise ForecastError("flat needs the file that 'forecast ledger export flat' wrote, and no --map")
        yield from _flat(file, home)
    else:
        if not (file and map_file):
            raise ForecastError(
                f"{source.value} needs a file and --map QUESTIONS.toml: foreign questions are never guessed"
            )
        from forecast.record.imports import import_file

        yield from _foreign(import_file(Desk(home), source.value, file, map_file), "not in the map")


def _flat(file: Path, home: Path | None) -> Iterator[str]:
    from forecast.record.formats import flat_read
    from forecast.tables.paths import find_home

    place = find_home(home)
    place.require_editable("ledger import")
    added = flat_read.read(file, place.ledger)
    for chain, count in (+added).items():
        yield f"{chain}: {count} lines added"
    yield f"{added.total()} lines added to {len(+added)} chains"


def _foreign(done: Imported, unknown: str) -> Iterator[str]:
    for line in done.added:
        b = line.body
        instead = f", instead of {b['replaces']}, which is void now" if "replaces" in b else ""
        yield f"{b['forecaster']}: {b['question_id']} as of {b['made_on']}: {b['diagnostics']['words']}{instead}"
    for text in done.unmatched:
        yield f"{unknown}: {text}"
    for text in done.left_out:
        yield f"left out: {text}"
    yield f"{len(done.added)} forecasts added, {len(done.unmatched)} without a question"
