"""A home of the real data and the real ledger, read once."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pandas as pd
import pytest

from forecast.record.formats.exports import Wanted
from forecast.record.questions import read_questions
from forecast.record.score_table import score_table
from forecast.record.subjects import Views
from forecast.tables.paths import Home

ROOT = Path(__file__).resolve().parents[3]
#: After the last line of the shipped ledger.
TODAY = dt.date(2026, 12, 31)


@pytest.fixture(scope="session")
def real_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A copy of the project's data, with the ledger."""
    folder = tmp_path_factory.mktemp("real") / "data"
    shutil.copytree(ROOT / "data", folder, ignore=shutil.ignore_patterns("inputs", "catalogue"))
    return Home(folder)


@pytest.fixture(scope="session")
def real_scores(real_home: Home) -> pd.DataFrame:
    """The score table of the real ledger."""
    return scores_of(real_home.ledger, real_home)


def scores_of(ledger: Path, home: Home) -> pd.DataFrame:
    searched = Views(home.episodes).searched_through(TODAY)
    return score_table(ledger, TODAY, read_questions(home.questions), searched)


@pytest.fixture(scope="session")
def short_ledger(real_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The resolutions and the first lines of each other chain."""
    folder = tmp_path_factory.mktemp("short") / "ledger"
    folder.mkdir()
    for chain in real_home.ledger.glob("*.jsonl"):
        lines = chain.read_bytes().splitlines(keepends=True)
        (folder / chain.name).write_bytes(b"".join(lines if chain.stem == "resolutions" else lines[:3]))
    return folder


@pytest.fixture
def wanted(real_home: Home) -> Wanted:
    return Wanted(real_home, TODAY)
