"""Builders that more than one wing's tests use."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from forecast.cli import main
from forecast.tables.schema import TABLES

ROOT = Path(__file__).resolve().parents[1]

#: A plain row of every table; a test names only the cells that differ.
PLAIN: dict[str, dict[str, str]] = {
    "episodes": {
        "episode_id": "acme-one",
        "model": "Acme One",
        "family": "acme",
        "organization": "Acme",
        "org_country": "FR",
        "org_type": "startup",
        "domain": "ai_model",
        "modality": "text",
        "flagship": "true",
        "closed_on": "2024-03-01",
        "closed_precision": "day",
        "closed_how": "api",
        "promise": "none",
        "safety_review": "false",
        "outcome": "still_closed",
        "license_class": "none",
        "observed_through": "2026-10-31",
        "confidence": "high",
        "frame": "curated",
    },
    "earlier_openings": {"opened_on": "2024-06-01", "opened_precision": "day", "what_opened": "a small sibling"},
    "promises": {"about": "acme", "said_on": "2024-04-01", "known_on": "2024-04-01", "kind": "vague"},
    "family_members": {
        "family": "acme",
        "member": "Acme Open",
        "debut_on": "2024-06-01",
        "debut_precision": "day",
        "known_on": "2024-06-01",
        "open_at_debut": "true",
        "opening": "part",
    },
    "cohorts": {
        "cohort": "catalogue-2026-06",
        "entry": "acme/one",
        "organization": "Acme",
        "listed": "closed",
        "excluded": "an alias",
    },
    "open_debuts": {
        "organization": "Acme",
        "model": "Acme Open",
        "opened_on": "2024-06-01",
        "opened_precision": "day",
        "catalogue": "catalogue-2026-06",
        "entry": "acme/open",
    },
    "meta_timeline": {
        "date": "2025-07-30",
        "precision": "day",
        "event": "a letter",
        "kind": "statement",
        "confidence": "high",
    },
    "third_party_forecasts": {
        "made_on": "2024-01-01",
        "source": "A paper",
        "voice": "press",
        "question": "When?",
        "forecast": "in June",
        "event": "opening",
        "forecast_kind": "date",
        "due_on": "2024-06-30",
        "outcome": "missed",
        "happened": "false",
        "confidence": "low",
    },
}


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The project's own data folder."""
    return ROOT / "data"


@pytest.fixture(scope="session")
def make_data(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a data folder: per table a list of rows, each the cells that differ from a plain one."""

    def make(searched_through: str = "2026-10-31", **rows: list[dict[str, str]]) -> Path:
        folder = tmp_path_factory.mktemp("data")
        for table in TABLES:
            name = table.file.removesuffix(".csv")
            with (folder / table.file).open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(table.model_fields), restval="")
                writer.writeheader()
                writer.writerows(PLAIN[name] | row for row in rows.pop(name, []))
        assert not rows, f"no such table: {rows}"
        package = {"searched_through": searched_through, "resources": [{"path": table.file} for table in TABLES]}
        (folder / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
        return folder

    return make


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run the command line in this process."""

    def command(*words: object) -> Ran:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["forecast", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else 0, *capsys.readouterr())

    return command


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache folder for all tests, so that each fit is made once; ``FORECAST_CACHE`` where it is set."""
    return Path(os.environ.setdefault("FORECAST_CACHE", str(tmp_path_factory.mktemp("cache"))))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a copy of the real data and an empty ledger."""
    shutil.copytree(ROOT / "data", tmp_path / "home" / "data", ignore=shutil.ignore_patterns("ledger"))
    return tmp_path / "home"


@pytest.fixture
def no_fits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put so many draws of the prior where a fit would be."""
    from forecast.model.ensemble import Ensemble
    from forecast.model.prior_predictive import draws_of
    from forecast.record.answers import Desk

    def replaced(draws: int, latency: str = "weibull") -> None:
        def prior(desk: Desk, as_of: Any, unit: Any = "model", target: Any = "any") -> Ensemble:
            view = desk.views.on(as_of, unit)
            return Ensemble((draws_of(desk.priors, view, latency, 1, target, draws),), (1.0,))

        monkeypatch.setattr(Desk, "posterior", prior)

    return replaced
