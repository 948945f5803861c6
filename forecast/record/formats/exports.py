"""Formats that the ledger goes out in: ``EXPORTS``, one entry each."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from forecast.errors import LedgerError
from forecast.record.formats.target import new_file
from forecast.record.questions import Question, read_questions
from forecast.record.subjects import Views
from forecast.tables.paths import Home


@dataclass(frozen=True)
class Wanted:
    """What is to be exported, and where to.

    Attributes
    ----------
    home : Home
    today : datetime.date
        What is known by this day counts.
    out : pathlib.Path or None
        A new file or folder.
    to : str or None
        URL of a database.
    question, forecaster : str or None
    made_on : datetime.date or None
        Day of the making.
    lower, upper : datetime.date or None
        Bounds of a scale.
    open_lower, closed_upper : bool
        Whether the answer may lie below the lower bound; whether it may not above the upper one.
    parquet : bool
        Parquet instead of CSV.
    """

    home: Home
    today: dt.date
    out: Path | None = None
    to: str | None = None
    question: str | None = None
    forecaster: str | None = None
    made_on: dt.date | None = None
    lower: dt.date | None = None
    upper: dt.date | None = None
    open_lower: bool = False
    closed_upper: bool = False
    parquet: bool = False

    @property
    def questions(self) -> Mapping[str, Question]:
        """By id, as the questions file has them."""
        return read_questions(self.home.questions)

    @property
    def searched_through(self) -> dt.date:
        """Last day through which openings were looked for."""
        return Views(self.home.episodes).searched_through(self.today)


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes
    ----------
    what : str
        In a few words.
    needs, may : frozenset of str
        Options that have to, and that may be given.
    run : callable
        Writes it; gives a line that says what was written.
    """

    what: str
    needs: frozenset[str]
    may: frozenset[str]
    run: Callable[[Wanted], str]


def export(name: str, wanted: Wanted) -> str:
    """Export the ledger in a format.

    Parameters
    ----------
    name : str
        A key of :data:`EXPORTS`.
    wanted : Wanted

    Returns
    -------
    str
        What was written, in a line; the export itself where it goes to no file.

    Raises
    ------
    LedgerError
        If an option is missing or does not belong to the format, the ledger is broken, or the
        target cannot be written.
    """
    chosen = EXPORTS[name]
    given = {option for option in _OPTIONS if getattr(wanted, option)}
    missing, strange = chosen.needs - given, given - chosen.needs - chosen.may
    if missing:
        raise LedgerError(f"export {name} needs {_named(missing)}: {chosen.what}")
    if strange:
        takes = _named(chosen.needs | chosen.may)
        raise LedgerError(f"export {name} does not take {_named(strange)}: it takes {takes}")
    return chosen.run(wanted)


def _hubverse(wanted: Wanted) -> str:
    from forecast.record.formats import hubverse

    out = _present(wanted.out)
    kind: Literal["csv", "parquet"] = "parquet" if wanted.parquet else "csv"
    hub = hubverse.write(wanted.home.ledger, out, wanted.questions, wanted.today, wanted.searched_through, kind)
    left = f"; {hub.left_out} left out: their question is not in {wanted.home.questions}" if hub.left_out else ""
    pairs = f"{len(hub.pairs)} pairs of a question and a day"
    return f"{out}: {hub.forecasts} forecasts of {len(hub.models)} models for {pairs}{left}"


def _metaculus(wanted: Wanted) -> str:
    from forecast.record.formats import metaculus_cdf

    question, whose = _present(wanted.question), wanted.forecaster or "model"
    made_on = wanted.made_on or dt.date.fromisoformat(
        metaculus_cdf.find(wanted.home.ledger, question, whose, None)["made_on"]
    )
    lower, last = wanted.lower or made_on, made_on + dt.timedelta(3650)
    if lower >= last:
        raise LedgerError(f"--lower {lower}: the forecast of {made_on} ends on {last}: nothing is said of later days")
    scale = metaculus_cdf.Scale(
        lower, wanted.upper or lower + dt.timedelta(3650), wanted.open_lower, not wanted.closed_upper
    )
    value = metaculus_cdf.as_json(wanted.home.ledger, question, whose, made_on, scale)
    if wanted.out is None:
        return json.dumps(value, indent=2)
    with new_file(wanted.out) as new:
        metaculus_cdf.write(new, value)
    return f"{wanted.out}: {question} by {whose} of {made_on}, {metaculus_cdf.STEPS + 1} points to {scale.upper}"


def _flat(wanted: Wanted) -> str:
    from forecast.record.formats import flat

    out = _present(wanted.out)
    return f"{out}: {flat.write(wanted.home.ledger, out)} rows"


def _sql(wanted: Wanted) -> str:
    try:
        from forecast.record.formats import sql, sql_url
    except ModuleNotFoundError as error:
        if error.name != "sqlalchemy":
            raise
        raise LedgerError("export sql needs SQLAlchemy: pip install 'forecast-release-lag[sql]'") from None

    url = _present(wanted.to)
    rows = sql.write(wanted.home.ledger, url, wanted.questions, wanted.today, wanted.searched_through)
    return f"{sql_url.Address.of(url)}: {', '.join(f'{count} {name}' for name, count in rows.items())}"


def _present[T](value: T | None) -> T:
    """A value that :func:`export` has made sure of."""
    assert value is not None
    return value


def _named(options: set[str] | frozenset[str]) -> str:
    return ", ".join(f"--{option.replace('_', '-')}" for option in sorted(options))


_OPTIONS = ("out", "to", "question", "forecaster", "made_on", "lower", "upper", "open_lower", "closed_upper", "parquet")

EXPORTS: dict[str, Format] = {
    "hubverse": Format("a hub in a new folder", frozenset({"out"}), frozenset({"parquet"}), _hubverse),
    "metaculus": Format(
        "the 201 values of one forecast's CDF",
        frozenset({"question"}),
        frozenset({"out", "forecaster", "made_on", "lower", "upper", "open_lower", "closed_upper"}),
        _metaculus,
    ),
    "flat": Format("one row a probability, in a new .csv or .parquet", frozenset({"out"}), frozenset(), _flat),
    "sql": Format("tables in a database", frozenset({"to"}), frozenset(), _sql),
}
