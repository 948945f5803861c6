"""The codebook and the data package say what the schema and the tables say today."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from forecast.tables.codebook import codebook, resources, write_codebook
from forecast.tables.schema import TABLES

MakeData = Callable[..., Path]

OPENED = {"outcome": "opened", "outcome_on": "2024-03-11", "outcome_precision": "day"}
VAGUE = {"promise": "vague", "promised_on": "2024-03-05"}
#: Seven rows whose counts can be told by looking at them.
ROWS = [
    OPENED | VAGUE | {"episode_id": "a-1", "closed_how": "paper", "params_b": "7"},
    {"episode_id": "a-2", "closed_how": "paper", "closed_precision": "month", "observed_through": "2025-12-31"},
    OPENED | {"episode_id": "a-3", "outcome": "opened_partial", "outcome_on": "2024-03-21"},
    VAGUE | {"episode_id": "b-1", "organization": "Bolt", "flagship": "false", "promised_on": "2024-02-01"},
    {"episode_id": "c-1", "organization": "Cove", "confidence": "low"},
    {"episode_id": "d-1", "organization": "Dune", "domain": "game"},
    OPENED | {"episode_id": "d-2", "organization": "Dune", "domain": "software", "closed_how": "app"},
]


@pytest.fixture
def copy(tmp_path: Path, real_data: Path) -> Path:
    folder = tmp_path / "data"
    shutil.copytree(real_data, folder, ignore=shutil.ignore_patterns("ledger"))
    return folder


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_projects_codebook_is_not_stale(real_data: Path) -> None:
    assert (real_data / "CODEBOOK.md").read_text(encoding="utf-8") == codebook(real_data)


def test_the_projects_data_package_is_not_stale(real_data: Path) -> None:
    package = json.loads((real_data / "datapackage.json").read_text(encoding="utf-8"))
    assert package["resources"] == resources()


def test_a_changed_count_makes_the_codebook_stale_until_it_is_written_again(copy: Path) -> None:
    stored = (copy / "CODEBOOK.md").read_text(encoding="utf-8")
    edit(copy / "episodes.csv", ",low,curated,", ",medium,curated,")
    assert codebook(copy) != stored
    assert write_codebook(copy) == [copy / "CODEBOOK.md"]
    assert (copy / "CODEBOOK.md").read_text(encoding="utf-8") == codebook(copy)
    assert write_codebook(copy) == []


def test_a_data_package_is_mended_without_losing_what_people_wrote_into_it(copy: Path) -> None:
    edit(copy / "datapackage.json", '"path": "episodes.csv"', '"path": "old.csv"')
    assert write_codebook(copy) == [copy / "datapackage.json"]
    package = json.loads((copy / "datapackage.json").read_text(encoding="utf-8"))
    assert (package["searched_through"], package["resources"]) == ("2026-10-31", resources())


@pytest.mark.parametrize(
    "line",
    [
        "Release-lag episodes: one closed debut each, opened or not. 7 rows.",
        "| params_b | number | 6 | billions of parameters; known mostly for what was opened, so never a covariate |",
        "domain | choice |  | software and games inform timing, never rates: ai_model (5), software (1), game (1) |",
        "true (6), false (1) |",
        "(1 of 2 did): they inform timing, never rates.",
        "1 of 2 AI openings have a promise, 1 of 3 still-closed AI rows: a kept-rate is an upper bound.",
        "- **Silence.** 1 of 4 still-closed rows have no evidence after 2025.",
        "- **Openings in part**: 1 rows.",
        "4 organisations; the three largest hold 6 of 7 rows.",
        "- **Dates**: 1 debuts are known to a month or less well; 1 rows rest on general knowledge.",
        "- **`flagship`** is true for 6 of 7 rows and was judged afterwards; `params_b` is blank in 6.",
        "- **Promises come late**: after the debut in 1 of 2 promised rows.",
        "- **Paper debuts** (50 % opened, median 10 days) and **API debuts** (33 %, median 20 days) are different",
    ],
)
def test_the_counts_are_those_of_the_rows(make_data: MakeData, line: str) -> None:
    assert line in codebook(make_data(episodes=ROWS))


def test_a_codebook_needs_no_paper_debut(make_data: MakeData) -> None:
    assert "1 rows." in codebook(make_data(episodes=[{}]))


def test_every_column_stands_in_the_codebook_under_its_table(real_data: Path) -> None:
    chapters = codebook(real_data).split("\n## ")[1:]
    for table, chapter in zip(TABLES, chapters, strict=False):
        assert chapter.startswith(table.file)
        assert [line.split(" | ")[0] for line in chapter.splitlines() if line.startswith("| ")][1:] == [
            f"| {name}" for name in table.model_fields
        ]


def test_resources_describe_types_keys_and_what_may_be_blank() -> None:
    by_name = {resource["name"]: resource["schema"] for resource in resources()}
    fields = {field["name"]: field for field in by_name["episodes"]["fields"]}
    types = [fields[name]["type"] for name in ("model", "params_b", "closed_on", "flagship", "outcome")]
    assert types == ["string", "number", "date", "boolean", "string"]
    assert fields["promise"]["constraints"] == {"enum": ["none", "vague", "dated"], "required": True}
    assert [name for name, field in fields.items() if not field.get("constraints", {}).get("required")] == [
        "params_b",
        *("promised_on", "promised_by", "promise_words", "outcome_on", "outcome_precision", "what_opened", "license"),
        *("closed_source_url", "promise_source_url", "outcome_source_url", "notes"),
    ]
    assert {name: schema.get("primaryKey") for name, schema in by_name.items()} == {
        "episodes": "episode_id",
        "earlier-openings": "episode_id",
        "promises": None,
        "family-members": None,
        "cohorts": None,
        "open-debuts": None,
        "meta-timeline": None,
        "third-party-forecasts": None,
    }


def faults(folder: Path) -> list[tuple[str, str]]:
    from frictionless import Package  # slow to load

    report = Package(str(folder / "datapackage.json")).validate()
    return [(task.name, error.type) for task in report.tasks for error in task.errors] + [
        ("package", error.type) for error in report.errors
    ]


def test_the_data_package_is_valid_for_frictionless(real_data: Path) -> None:
    assert faults(real_data) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("episodes.csv", ",opened,", ",opend,", ("episodes", "constraint-error")),
        ("promises.csv", "2000-07-19", "19 July 2000", ("promises", "type-error")),
        ("earlier_openings.csv", "episode_id", "id", ("earlier-openings", "incorrect-label")),
    ],
)
def test_frictionless_finds_what_breaks_the_data_package(
    copy: Path, file: str, old: str, new: str, fault: tuple[str, str]
) -> None:
    edit(copy / file, old, new)
    assert fault in faults(copy)
