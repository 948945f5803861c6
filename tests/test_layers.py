"""Imports go one way, heavy libraries stay where they are used, files stay short."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from forecast import cli
from forecast.commands import backtest, ledger_formats, options
from forecast.model.ensemble import AVERAGE
from forecast.model.latency import LATENCIES
from forecast.record.backtest import STEPS
from forecast.record.formats.registry import FORMATS
from forecast.record.others import IMPORTS
from forecast.record.scoreboard import SPLITS

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "forecast").rglob("*.py"))
GROUND = {"errors", "release"}
#: What a part of the package may import.
MAY_IMPORT = {
    "errors": set(),
    "release": {"errors"},
    "tables": {*GROUND, "tables"},
    "model": {*GROUND, "tables", "model"},
    "record": {*GROUND, "tables", "model", "record"},
    "pages": {*GROUND, "tables", "model", "record", "pages"},
    "commands": {*GROUND, "tables", "model", "record", "pages", "commands"},
    "cli": {*GROUND, "tables", "model", "record", "pages", "commands"},
}
SAMPLER = ("pymc", "pytensor", "arviz")
HEAVY = ["pymc", "pytensor", "arviz_stats", "pandas", "scipy", "matplotlib"]


def name_of(file: Path) -> str:
    return file.relative_to(ROOT / "forecast").as_posix()


def imports(file: Path) -> set[str]:
    """Modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(file)}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def part_of(name: str) -> str:
    """Wing, or file at the ground."""
    return name.split("/")[0].removesuffix(".py")


@pytest.mark.parametrize("file", [f for f in FILES if part_of(name_of(f)) in MAY_IMPORT], ids=name_of)
def test_a_module_imports_its_own_wing_and_lower_ones(file: Path) -> None:
    own = {module for module in imports(file) if module.split(".")[0] == "forecast"}
    assert {module.split(".")[1] for module in own} <= MAY_IMPORT[part_of(name_of(file))]


def test_every_file_is_in_a_known_part() -> None:
    assert {part_of(name_of(file)) for file in FILES} == {*MAY_IMPORT, "__init__"}


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_heavy_libraries_stay_where_they_are_used(file: Path) -> None:
    roots = {module.split(".")[0] for module in imports(file)}
    if not name_of(file).startswith("model/"):
        assert not {root for root in roots if root.startswith(SAMPLER)}
    if name_of(file) != "pages/plots.py":
        assert "matplotlib" not in roots
    if name_of(file).startswith("tables/"):
        assert "scipy" not in roots


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_file_has_at_most_400_lines(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400


def loaded_by(module: str) -> set[str]:
    """Heavy libraries that a fresh interpreter has loaded after an import."""
    code = f"import json, sys, {module}; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("module", ["forecast", "forecast.cli", "forecast.errors"])
def test_the_package_and_its_command_line_load_nothing_heavy(module: str) -> None:
    assert loaded_by(module) == set()


@pytest.mark.parametrize(
    ("module", "light"),
    [("forecast.tables.check", {"pandas"}), ("forecast.record.recorder", {"pandas", "scipy"})],
)
def test_tables_and_record_are_loaded_without_the_sampler(module: str, light: set[str]) -> None:
    assert loaded_by(module) <= light


def test_the_choices_of_the_command_line_are_the_registries() -> None:
    pairs = [
        (cli.SplitChoice, SPLITS),
        (ledger_formats.ImportChoice, [*IMPORTS, *FORMATS, "flat"]),
        (backtest.StepChoice, STEPS),
        (options.LatencyChoice, [AVERAGE, *LATENCIES]),
    ]
    assert [[choice.value for choice in choices] for choices, _ in pairs] == [list(registry) for _, registry in pairs]
