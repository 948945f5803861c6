"""Imports go one way, heavy libraries stay where they are used, files stay short."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "forecast").rglob("*.py"))
#: What a part of the package may import, besides itself and the ground.
MAY_IMPORT = {
    "errors": set(),
    "release": set(),
    "tables": set(),
    "model": {"tables"},
    "record": {"tables", "model"},
    "pages": {"tables", "model", "record"},
    "cli": {"tables", "model", "record", "pages", "cli"},
}
GROUND = {"errors": set(), "release": {"errors"}}
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


def part_of(module: str) -> str:
    return module.split(".")[1]


@pytest.mark.parametrize(
    "file", [f for f in FILES if f.parent.name != "forecast" or f.name != "__init__.py"], ids=name_of
)
def test_a_module_imports_its_own_wing_and_lower_ones(file: Path) -> None:
    wing = name_of(file).split("/")[0].removesuffix(".py")
    allowed = GROUND.get(wing, {wing, *GROUND, *MAY_IMPORT[wing]})
    assert {part_of(module) for module in imports(file) if module.startswith("forecast.")} <= allowed


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
