"""The ledger in a database: all of it in one transaction, so that twice leaves the same rows and a failure the old.

The tables belong to the export: it empties and fills them. A table of the same name with other columns
is somebody else's, and refused. A password in the URL is never said again.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import batched
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.formats import sql_tables as tables
from forecast.record.formats.sql_url import Address
from forecast.record.lines import RESOLUTIONS, Line
from forecast.record.questions import Question
from forecast.record.score_table import score_table
from forecast.record.scores import score_names
from forecast.release import GRID_DAYS

#: Rows that are sent at once.
_AT_ONCE = 2000

_Row = dict[str, Any]


def write(
    folder: Path, url: str, questions: Mapping[str, Question], as_of: dt.date, searched_through: dt.date
) -> dict[str, int]:
    """Write questions, forecasts, their horizons, resolutions and scores into a database.

    Parameters
    ----------
    folder : pathlib.Path
        Of the ledger.
    url : str
        As SQLAlchemy takes it, such as ``sqlite:///record.db``.
    questions : mapping of str to Question
        By id.
    as_of, searched_through : datetime.date
        As in :func:`forecast.record.score_table.score_table`.

    Returns
    -------
    dict of str to int
        Table -> its rows.

    Raises
    ------
    LedgerError
        If the URL is none, the database cannot be reached or written, a table is somebody else's,
        or a chain is broken. Then the database is as it was.
    """
    address = Address.of(url)
    scored = score_table(folder, as_of, questions, searched_through)
    with address.transaction() as connection:
        _make_tables(connection, address)
        for table in reversed(tables.metadata.sorted_tables):
            connection.execute(table.delete())
        sent = {
            tables.questions: _questions(questions),
            tables.forecasts: (_forecast(line) for line in _forecasts(folder)),
            tables.horizons: (row for line in _forecasts(folder) for row in _horizons(line)),
            tables.resolutions: map(_resolution, ledger.stream(folder, RESOLUTIONS)),
            tables.scores: _scores(scored, as_of),
        }
        return {table.name: _send(connection, table, rows) for table, rows in sent.items()}


def _make_tables(connection: sa.Connection, address: Address) -> None:
    """Make what is missing; refuse what is somebody else's."""
    found = sa.inspect(connection)
    for table in tables.metadata.sorted_tables:
        if found.has_table(table.name):
            columns = {column["name"] for column in found.get_columns(table.name)}
            if columns != set(table.columns.keys()):
                raise LedgerError(
                    f"{address}: has a table {table.name!r} with other columns: nothing was written; "
                    "give a database or a schema of its own"
                )
    tables.metadata.create_all(connection)


def _send(connection: sa.Connection, table: sa.Table, rows: Iterable[_Row]) -> int:
    """Insert rows a bundle at a time."""
    count = 0
    for some in batched(rows, _AT_ONCE):
        connection.execute(table.insert(), list(some))
        count += len(some)
    return count


def _questions(questions: Mapping[str, Question]) -> Iterator[_Row]:
    for question in questions.values():
        yield {
            **{c: getattr(question, c) for c in tables.questions.columns.keys()},  # noqa: SIM118 - no mapping
            "members": json.dumps(question.members),
        }


def _forecasts(folder: Path) -> Iterator[Line]:
    for chain in ledger.chains(folder):
        if chain != RESOLUTIONS:
            yield from (line for line in ledger.stream(folder, chain) if line.body["kind"] == "forecast")


def _forecast(line: Line) -> _Row:
    body = line.body
    return _filled(tables.forecasts, body) | {
        "sha256": line.sha256,
        "p_left": body["left"],
        **{name: json.dumps(body[name], sort_keys=True) for name in ("hashes", "diagnostics", "reference")},
    }


def _horizons(line: Line) -> Iterator[_Row]:
    name = line.body["id"]
    for day, full, part in zip(GRID_DAYS, line.body["cdf_full"], line.body["cdf_part"], strict=True):
        yield {"forecast_id": name, "day": int(day), "cdf_full": full, "cdf_part": part, "cdf": full + part}


def _resolution(line: Line) -> _Row:
    why = {"why": line.body.get("why") or line.body.get("text")}
    return _filled(tables.resolutions, line.body) | {"sha256": line.sha256} | why


def _scores(scored: pd.DataFrame, as_of: dt.date) -> Iterator[_Row]:
    names = ["forecaster", "state", "reason", "due", "withdrawn", "day", "followed_days", *score_names()]
    for row in scored.to_dict("records"):
        said = {name: _plain(row[name]) for name in names}
        yield {"forecast_id": row["id"], "as_of": as_of, **said}


def _filled(table: sa.Table, body: Mapping[str, Any]) -> _Row:
    """The columns of a table that a line has, days as days; nothing where it has none."""
    return {
        column.name: dt.date.fromisoformat(value)
        if isinstance(column.type, sa.Date) and (value := body.get(column.name))
        else body.get(column.name)
        for column in table.columns
    }


def _plain(value: Any) -> Any:
    """A cell as the database takes it: nothing for what is no number."""
    return None if isinstance(value, float) and math.isnan(value) else value
