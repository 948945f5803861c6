"""The ledger as a hubverse hub: a folder of model outputs, what came true, and their configuration.

A model of the hub is a chain and a mode, as ``forecast-<chain>``, ``forecast-<chain>_hindcast`` or
``forecast-<chain>_imported``: modes are never added together. Of several forecasts of one question on
one day the first recorded counts.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pyarrow import parquet

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.formats import hub_config
from forecast.record.formats.hub_rows import Row, came_true, said
from forecast.record.formats.target import new_folder
from forecast.record.lines import RESOLUTIONS
from forecast.record.questions import Question
from forecast.record.records import release_forecast
from forecast.record.score_table import Resolution, resolutions
from forecast.record.transcripts import standing_forecasts

#: What the hub's models belong to.
TEAM = "forecast"

_OUTPUT = [*hub_config.TASK_IDS, "output_type", "output_type_id"]
_OPEN = Resolution("open")

#: Question and target rows of a file: one model, one day.
_Saying = tuple[str, Row]


@dataclass
class Hub:
    """What was written.

    Attributes
    ----------
    models : dict of str to str
        Model of the hub -> its chain.
    pairs : set of (datetime.date, str)
        Days of making and questions.
    forecasts, left_out : int
        Written; and those whose question is not in the questions file, or was asked on another day.
    """

    models: dict[str, str] = field(default_factory=dict)
    pairs: set[tuple[dt.date, str]] = field(default_factory=set)
    forecasts: int = 0
    left_out: int = 0


def write(
    folder: Path,
    out: Path,
    questions: Mapping[str, Question],
    as_of: dt.date,
    searched_through: dt.date,
    file_format: Literal["csv", "parquet"] = "csv",
) -> Hub:
    """Write a ledger as a hub.

    Parameters
    ----------
    folder : pathlib.Path
        Of the ledger.
    out : pathlib.Path
        The hub: nothing there yet, or an empty folder.
    questions : mapping of str to Question
        By id; forecasts for others are left out and counted.
    as_of, searched_through : datetime.date
        Outcomes known by the first; what is not known to have opened counts as closed until the
        earlier of the two.
    file_format : {"csv", "parquet"}
        Of the model outputs.

    Raises
    ------
    LedgerError
        If a chain is broken, two chains come to one name of a model, or ``out`` cannot be written.
    """
    hub = Hub()
    with new_folder(out) as new:
        (new / "model-output").mkdir()
        for chain in ledger.chains(folder):
            if chain != RESOLUTIONS:
                for (model, day), rows in _files(folder, chain, questions, hub).items():
                    _write_output(new / "model-output" / model, day, rows, file_format)
        _write_oracle(new / "target-data", hub, questions, resolutions(folder, as_of), min(as_of, searched_through))
        config = new / "hub-config"
        config.mkdir()
        _write_json(config / "tasks.json", hub_config.tasks((d for d, _ in hub.pairs), (q for _, q in hub.pairs)))
        _write_json(config / "admin.json", hub_config.admin(file_format))
        _write_json(config / "target-data.json", hub_config.target_data())
    return hub


def model_id(chain: str, mode: str) -> str:
    """Name of a chain's forecasts of one mode in the hub: ``<team>-<model>``, with one hyphen."""
    return f"{TEAM}-{re.sub('[^a-z0-9_]', '_', chain)}" + ("" if mode == "live" else f"_{mode}")


def _files(
    folder: Path, chain: str, questions: Mapping[str, Question], hub: Hub
) -> dict[tuple[str, dt.date], list[_Saying]]:
    """The rows of one chain by model and day."""
    files: dict[tuple[str, dt.date], dict[str, list[Row]]] = {}
    for body in standing_forecasts(folder, chain):
        forecast = release_forecast(body)
        question = questions.get(forecast.target_id)
        if question is None or question.asked_on.isoformat() != body["asked_on"]:
            hub.left_out += 1
            continue
        model = model_id(chain, str(body["mode"]))
        if hub.models.setdefault(model, chain) != chain:
            raise LedgerError(f"chains {hub.models[model]} and {chain} would both be {model} in a hub: rename one")
        file = files.setdefault((model, forecast.made_on), {})
        if question.id not in file:
            file[question.id] = list(said(forecast, question.asked_on))
            hub.pairs.add((forecast.made_on, question.id))
            hub.forecasts += 1
    return {key: [(name, row) for name, rows in file.items() for row in rows] for key, file in files.items()}


def _write_output(folder: Path, day: dt.date, rows: Iterable[_Saying], file_format: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{day}-{folder.name}.{file_format}"
    if file_format == "csv":
        _write_csv(path, [*_OUTPUT, "value"], ((day, name, *row) for name, row in rows))
        return
    columns = list(zip(*((day, name, *row) for name, row in rows), strict=True))
    types = [pa.date32(), *[pa.string()] * 4, pa.float64()]
    schema = pa.schema(list(zip([*_OUTPUT, "value"], types, strict=True)))
    parquet.write_table(pa.table([pa.array(c, t) for c, t in zip(columns, types, strict=True)], schema=schema), path)


def _write_oracle(
    folder: Path,
    hub: Hub,
    questions: Mapping[str, Question],
    standing: Mapping[str, Resolution],
    followed_to: dt.date,
) -> None:
    def rows() -> Iterator[tuple[Any, ...]]:
        for day, name in sorted(hub.pairs):
            for row in came_true(day, questions[name].asked_on, standing.get(name, _OPEN), followed_to):
                yield day, name, *row

    folder.mkdir()
    _write_csv(folder / "oracle-output.csv", [*_OUTPUT, "oracle_value"], rows())


def _write_csv(path: Path, header: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
