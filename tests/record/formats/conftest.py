"""Homes, maps and files that the tests of every format use."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import zipfile
from copy import copy
from pathlib import Path
from types import SimpleNamespace

import pytest

from forecast.record import ledger
from forecast.record.answers import Desk
from forecast.record.imports import import_file
from forecast.record.records import release_forecast
from forecast.tables.paths import Home

ROOT = Path(__file__).resolve().parents[3]
#: The day of recording.
TODAY = dt.date(2026, 12, 20)

QUESTION_HEADER = """Question ID,Question URL,Question Title,Post ID,Post Curation Status,Post Published Time,
Default Project,Default Project ID,Categories,Leaderboard Tags,Label,Question Type,MC Options (Current),
MC Options (All),MC Options History,Lower Bound,Open Lower Bound,Upper Bound,Open Upper Bound,Continuous Range,
Open Time,CP Reveal Time,Scheduled Close Time,Actual Close Time,Resolution,Resolution Known Time,
Include Bots in Aggregates,Question Weight""".replace("\n", "").split(",")
FORECAST_HEADER = """Question ID,Forecaster ID,Forecaster Username,Is Bot,Start Time,End Time,Forecaster Count,
Probability Yes,Probability Yes Per Category,Continuous CDF,Probability Below Lower Bound,
Probability Above Upper Bound,5th Percentile,25th Percentile,Median,75th Percentile,95th Percentile,
Probability of Resolution,PDF at Resolution""".replace("\n", "").split(",")

BINARY = {
    "Question ID": "101",
    "Question Title": "Will Muse Wonder be open by the end of 2027?",
    "Question Type": "binary",
    "Post ID": "9",
    "Open Time": "2026-11-25 12:00:00+00:00",
}
DATE = BINARY | {
    "Question ID": "102",
    "Question Title": "When will Muse Wonder be open?",
    "Question Type": "date",
    "Lower Bound": "2026-12-01",
    "Open Lower Bound": "True",
    "Upper Bound": "2027-06-19",
    "Open Upper Bound": "True",
}
YES = {
    "Question ID": "101",
    "Forecaster ID": "7",
    "Forecaster Username": "ann",
    "Is Bot": "False",
    "Start Time": "2026-12-01 09:30:00.123456+00:00",
    "Probability Yes": "0.25",
}
WHEN = YES | {"Question ID": "102", "Probability Yes": ""}

MARKET = {
    "id": "abc123",
    "creatorUsername": "maker",
    "createdTime": 1764028800000,
    "closeTime": 1830297599000,
    "question": "Will Muse Wonder be open before 2028?",
    "url": "https://manifold.markets/maker/wonder",
    "outcomeType": "BINARY",
    "mechanism": "cpmm-1",
    "probability": 0.31,
    "pool": {"NO": 100.0, "YES": 222.5},
    "p": 0.5,
    "isResolved": False,
    "uniqueBettorCount": 12,
    "lastUpdatedTime": 1796169600000,
    "lastBetTime": 1796115600000,  # 2026-12-01 09:00 UTC
    "token": "MANA",
}


def table(header, rows, end="\r\n"):
    """A CSV text."""
    out = io.StringIO()
    writer = csv.DictWriter(out, header, restval="", lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def zipped(path, questions, forecasts, header=FORECAST_HEADER, **members):
    """A Metaculus download."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("question_data.csv", table(QUESTION_HEADER, questions))
        packed.writestr("forecast_data.csv", table(header, forecasts))
        packed.writestr("README.md", "how to read it")
        for name, text in members.items():
            packed.writestr(name, text)
    return path


class Imports:
    """Import files into one home."""

    def __init__(self, home: Path, folder: Path, desk: Desk) -> None:
        self.home, self.folder = home, folder
        self.desk = copy(desk)  # what it has read is the same in every home
        self.desk.home = Home(home / "data")

    def __call__(self, kind, file, mapped, today=TODAY):
        """File: a path, text, bytes, or what goes into JSON. Mapped: the map's TOML."""
        path = file if isinstance(file, Path) else self.folder / "foreign"
        if isinstance(file, bytes):
            path.write_bytes(file)
        elif isinstance(file, str):
            path.write_text(file, encoding="utf-8", newline="")
        elif not isinstance(file, Path):
            path.write_text(json.dumps(file), encoding="utf-8")
        (self.folder / "map.toml").write_text(mapped, encoding="utf-8")
        self.desk.today = today
        return import_file(self.desk, kind, path, self.folder / "map.toml")

    @property
    def chains(self):
        return ledger.chains(self.home / "data" / "ledger")

    def files(self):
        """All files beside what a test wrote itself."""
        return {p: p.read_bytes() for p in sorted(self.folder.rglob("*")) if p.is_file() and p.parent != self.folder}


@pytest.fixture(scope="session")
def shared_desk():
    return Desk(ROOT)


@pytest.fixture
def take(home, tmp_path, shared_desk):
    return Imports(home, tmp_path, shared_desk)


@pytest.fixture(scope="session")
def only():
    """The body of the only line that an import added."""

    def body(done):
        (line,) = done.added
        return line.body

    return body


@pytest.fixture(scope="session")
def by():
    """P(open by some days after the making)."""
    return lambda body, *days: release_forecast(body).prob_by(days).tolist()


@pytest.fixture(scope="session")
def shaped():
    """P(open by a day) of one probability, with the shape of the reference that stands in the line, by hand."""

    def curve(body, due_days, prob):
        rate, never = body["reference"]["rate_per_day"], body["reference"]["p_never"]

        def reference(u):
            return (1 - never) * (1 - math.exp(-rate * u))

        def said(u):
            if u <= due_days:
                return prob * reference(u) / reference(due_days)
            return 1 - (1 - prob) * (1 - reference(u)) / (1 - reference(due_days))

        return said

    return curve


@pytest.fixture(scope="session")
def foreign():
    """Rows, markets and files as others write them."""
    return SimpleNamespace(
        table=table,
        zipped=zipped,
        question_header=QUESTION_HEADER,
        forecast_header=FORECAST_HEADER,
        binary=BINARY,
        date=DATE,
        yes=YES,
        when=WHEN,
        market=MARKET,
    )
