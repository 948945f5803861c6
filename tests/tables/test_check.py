"""``forecast check``: every bad cell of every table at once, and what tables say about each other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from forecast.tables.check import check_tables

MakeData = Callable[..., Path]
Tables = dict[str, list[dict[str, str]]]

OPENED = {"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"}
VAGUE = {"promise": "vague", "promised_on": "2024-04-01"}
CLOSED_MEMBER = {"episode_id": "acme-one", "open_at_debut": "false", "opening": ""}
COHORT_EPISODE = {"episode_id": "bolt-one", "excluded": ""}


def good() -> Tables:
    """A small folder without a fault."""
    return {
        "episodes": [OPENED | VAGUE, {"episode_id": "bolt-one", "family": "bolt"}],
        "earlier_openings": [{"episode_id": "acme-one"}],
        "promises": [{}, {"about": "acme-one"}, {"about": "bolt-one", "kind": "refused"}],
        "family_members": [{}, dict(CLOSED_MEMBER)],
        "cohorts": [{}, dict(COHORT_EPISODE), {"entry": "acme/open", "listed": "open"}],
        "open_debuts": [{}],
        "meta_timeline": [{}],
        "third_party_forecasts": [{}, {"question_target": "acme-one"}, {"question_target": "bolt"}],
    }


def check(make_data: MakeData, tables: Tables) -> list[str]:
    """The problems, without the folder."""
    folder = make_data(**tables)
    return [problem.replace(f"{folder}/", "") for problem in check_tables(folder)[1]]


def test_the_projects_own_tables_have_no_problem(real_data: Path) -> None:
    counts, problems = check_tables(real_data)
    assert (problems, counts) == ([], {file.name: len(pd.read_csv(file)) for file in real_data.glob("*.csv")})


def test_good_tables_are_counted_and_have_no_problem(make_data: MakeData) -> None:
    assert check_tables(make_data(**good())) == (
        {
            "episodes.csv": 2,
            "earlier_openings.csv": 1,
            "promises.csv": 3,
            "family_members.csv": 2,
            "cohorts.csv": 3,
            "open_debuts.csv": 1,
            "meta_timeline.csv": 1,
            "third_party_forecasts.csv": 3,
        },
        [],
    )


@pytest.mark.parametrize(
    ("table", "row", "cells", "problem"),
    [
        ("episodes", 0, {"outcome_on": "2024-02-28"}, "outcome_on: '2024-02-28': outcome on or before the debut"),
        (
            "episodes",
            0,
            {"promised_on": "2024-09-11"},
            "promised_on: '2024-09-11': promise after the outcome",
        ),
        ("episodes", 0, {"observed_through": "2024-09-09"}, "observed_through: '2024-09-09': evidence ends before the"),
        (
            "episodes",
            1,
            {"observed_through": "2023-01-01"},
            "observed_through: '2023-01-01': evidence before the",
        ),
        (
            "episodes",
            1,
            {"outcome_on": "2024-09-10"},
            "outcome_on: '2024-09-10': a still_closed row has no",
        ),
        ("episodes", 1, {"closed_on": "2024-02-30"}, "closed_on: '2024-02-30': is no day of the calendar"),
        ("episodes", 1, {"closed_source_url": "www.a.org"}, "closed_source_url: 'www.a.org': must be a web address"),
        ("meta_timeline", 0, {"source_url": "http://a b.org"}, "source_url: 'http://a b.org': must be a web address"),
        ("promises", 0, {"about": "nobody"}, "about: 'nobody': names no episode and no family"),
        ("promises", 0, {"about": "bolt-one"}, "about: 'bolt-one': its episode says that there was no promise"),
        ("earlier_openings", 0, {"episode_id": "nobody"}, "episode_id: 'nobody': is no episode that was opened"),
        ("earlier_openings", 0, {"episode_id": "bolt-one"}, "episode_id: 'bolt-one': is no episode that was opened"),
        ("earlier_openings", 0, {"opened_on": "2024-09-11"}, "opened_on: '2024-09-11': not between its debut and its"),
        ("earlier_openings", 0, {"opened_on": "2024-02-28"}, "opened_on: '2024-02-28': not between its debut and its"),
        ("family_members", 0, {"family": "nobody"}, "family: 'nobody': names no family"),
        ("family_members", 1, {"episode_id": "nobody"}, "episode_id: 'nobody': is no episode of the family acme"),
        ("family_members", 1, {"episode_id": "bolt-one"}, "episode_id: 'bolt-one': is no episode of the family acme"),
        ("cohorts", 1, {"episode_id": "nobody"}, "episode_id: 'nobody': names no episode"),
        ("cohorts", 1, {"episode_id": ""}, "excluded: '': entries without an episode, and only they, say why"),
        ("cohorts", 1, {"excluded": "an alias"}, "excluded: 'an alias': entries without an episode, and only they"),
        ("cohorts", 0, {"entered_on": "June"}, "entered_on: 'June': must be a day, YYYY-MM-DD"),
        ("open_debuts", 0, {"opened_on": ""}, "opened_on: '': must be a day, YYYY-MM-DD"),
        ("third_party_forecasts", 0, {"voice": "crowd"}, "voice: 'crowd': Input should be 'insiders', 'press'"),
        (
            "third_party_forecasts",
            1,
            {"question_target": "nobody"},
            "question_target: 'nobody': names no episode",
        ),
        ("third_party_forecasts", 2, {"due_on": "2023-01-01"}, "due_on: '2023-01-01': due before it was made"),
    ],
)
def test_a_bad_cell_is_named_by_file_row_column_value_and_rule(
    make_data: MakeData, table: str, row: int, cells: dict[str, str], problem: str
) -> None:
    tables = good()
    tables[table][row] |= cells
    found = [
        line for line in check(make_data, tables) if line.startswith(f"{table}.csv, row {row + 2}, column {problem}")
    ]
    assert len(found) == 1


@pytest.mark.parametrize("domain", ["software", "game"])
def test_a_cohort_entry_that_is_no_ai_model_is_named(make_data: MakeData, domain: str) -> None:
    tables = good()
    tables["episodes"][1] |= {"domain": domain}
    assert check(make_data, tables) == [
        "cohorts.csv, row 3, column episode_id: 'bolt-one': is no AI model",
    ]


def test_several_entries_of_a_cohort_may_be_one_episode(make_data: MakeData) -> None:
    tables = good()
    tables["cohorts"].append(COHORT_EPISODE | {"entry": "acme/one-latest"})
    assert check(make_data, tables) == []


def test_a_member_missing_from_a_listed_family_is_named(make_data: MakeData) -> None:
    tables = good()
    tables["family_members"].pop()
    assert check(make_data, tables) == [
        "episodes.csv, row 2, column episode_id: 'acme-one': "
        "its family acme is listed in family_members.csv, but not this member"
    ]


def test_every_bad_cell_of_every_table_is_named_at_once(make_data: MakeData) -> None:
    tables = good()
    tables["episodes"] += [
        {"episode_id": "acme-one", "family": "cove"},
        {"episode_id": "cove-two", "closed_on": "soon", "modality": "smell"},
        {"episode_id": "cove-three", "outcome": "leaked"},
    ]
    tables["promises"][1] |= {"kind": "maybe"}
    tables["third_party_forecasts"][0] |= {"probability": "2"}
    assert [line.split(": ")[:2] for line in check(make_data, tables)] == [
        ["episodes.csv, row 5, column modality", "'smell'"],
        ["episodes.csv, row 5, column closed_on", "'soon'"],
        ["episodes.csv, row 6, column outcome_on", "''"],
        ["episodes.csv, row 6, column outcome_precision", "''"],
        ["episodes.csv, row 2, column episode_id", "'acme-one'"],
        ["episodes.csv, row 4, column episode_id", "'acme-one'"],
        ["promises.csv, row 3, column kind", "'maybe'"],
        ["third_party_forecasts.csv, row 2, column probability", "'2'"],
    ]


def test_every_row_about_nothing_is_named_at_once(make_data: MakeData) -> None:
    tables = good()
    tables["promises"][2] |= {"about": "ghost"}
    tables["family_members"].append({"family": "ghost"})
    tables["cohorts"][1] |= {"episode_id": "ghost"}
    tables["third_party_forecasts"][0] |= {"question_target": "ghost"}
    assert [line.split(": ")[:2] for line in check(make_data, tables)] == [
        ["promises.csv, row 4, column about", "'ghost'"],
        ["family_members.csv, row 4, column family", "'ghost'"],
        ["cohorts.csv, row 3, column episode_id", "'ghost'"],
        ["third_party_forecasts.csv, row 2, column question_target", "'ghost'"],
    ]


def test_a_bad_cell_hides_no_broken_rule_of_its_row(make_data: MakeData) -> None:
    cells = {"closed_source_url": "nowhere", "observed_through": "2023-01-01"}
    assert [line.split(": ")[1] for line in check(make_data, {"episodes": [cells]})] == ["'nowhere'", "'2023-01-01'"]


def test_a_bad_cell_hides_no_row_about_nothing(make_data: MakeData) -> None:
    tables: Tables = {"episodes": [{}], "promises": [{"about": "ghost"}], "meta_timeline": [{"kind": "rumour"}]}
    assert [line.split(": ")[1] for line in check(make_data, tables)] == ["'rumour'", "'ghost'"]


def test_blank_lines_do_not_shift_the_row_that_is_named(make_data: MakeData) -> None:
    folder = make_data(episodes=[{}], promises=[{"about": "ghost"}])
    file = folder / "promises.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("\nghost", "\n\nghost"), encoding="utf-8")
    assert check_tables(folder)[1][0].startswith(f"{file}, row 3, column about: 'ghost'")


@pytest.mark.parametrize(
    ("file", "edit", "problem"),
    [
        ("episodes.csv", lambda text: b"", "empty file: the first row must name the columns episode_id, model"),
        ("episodes.csv", lambda text: text.splitlines()[0], "no episodes: a table needs at least one row"),
        ("episodes.csv", lambda text: text.replace(b"Acme One", b"Acm\xe9"), "is not UTF-8: save the table as UTF-8"),
        ("episodes.csv", lambda text: text.replace(b"family,", b"", 1), "row 1: missing column(s) family"),
        (
            "episodes.csv",
            lambda text: text.replace(b"Acme One", b"Acme, One", 1),
            "32 cells, but the header has 31",
        ),
        ("promises.csv", lambda text: text + b"acme", "row 5: 1 cells, but the header has 8"),
        ("datapackage.json", lambda text: b"{", 'needs "searched_through": "YYYY-MM-DD"'),
        ("datapackage.json", lambda text: b"[]", 'needs "searched_through": "YYYY-MM-DD" (list'),
        ("datapackage.json", lambda text: text.replace(b"2026-10-31", b"October"), 'needs "searched_through"'),
        ("datapackage.json", lambda text: text.replace(b'"resources"', b'"tables"'), "no data package with resources"),
        ("datapackage.json", lambda text: text.replace(b"promises.csv", b"p.csv"), "does not list promises.csv"),
    ],
)
def test_a_broken_file_is_named_with_its_fault(
    make_data: MakeData, file: str, edit: Callable[[bytes], bytes], problem: str
) -> None:
    folder = make_data(**good())
    (folder / file).write_bytes(edit((folder / file).read_bytes()))
    [found] = check_tables(folder)[1]
    assert found.startswith(f"{folder / file}")
    assert problem in found


def test_missing_files_are_all_named(tmp_path: Path, make_data: MakeData) -> None:
    folder = make_data(**good())
    missing = ("promises.csv", "cohorts.csv", "open_debuts.csv", "meta_timeline.csv")
    for file in missing:
        (folder / file).unlink()
    _, problems = check_tables(folder)
    assert [p.split(": ")[:2] for p in problems] == [[str(folder / file), "no such file"] for file in missing]


def test_a_folder_without_a_data_package_is_told_what_it_is_for(make_data: MakeData) -> None:
    folder = make_data(**good())
    (folder / "datapackage.json").unlink()
    assert check_tables(folder)[1] == [
        f"{folder / 'datapackage.json'}: no such file: it says through which day openings were searched for"
    ]


def test_a_fault_put_into_the_real_tables_is_found(tmp_path: Path, real_data: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(real_data, folder, ignore=shutil.ignore_patterns("ledger"))
    text = (folder / "episodes.csv").read_text(encoding="utf-8")
    (folder / "episodes.csv").write_text(text.replace("meta-muse-spark-1.2,", "meta-muse-spark-2,"), encoding="utf-8")
    about = [line.split(": ")[1] for line in check_tables(folder)[1] if ": names no " in line or ": is no " in line]
    assert set(about) == {"'meta-muse-spark-1.2'"}
    assert json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))["searched_through"] == "2026-10-31"
