"""``forecast validate``: what it prints, and one clear line for each mistake, before anything is fitted."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.record import validate as work
from forecast.record.brought import SCORED_DAYS
from forecast.release import GRID_DAYS, ReleaseForecast
from forecast.tables import paths

ROWS = [
    {"episode_id": "mine-1", "model": "Mine 1 [pro]", "closed_on": "2024-01-01"},
    {"episode_id": "mine-2", "model": "Mine 2", "organization": "Bit", "outcome": "opened", "outcome_on": "2024-06-01"},
    {"episode_id": "play", "model": "Play", "domain": "game"},
]


@pytest.fixture
def project(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the real data on a fixed day, with a model that says the same of everything."""

    def say(_: Any, view: pd.DataFrame, target: str, subjects: pd.DataFrame) -> Iterator[ReleaseForecast]:
        cdf = -np.expm1(-GRID_DAYS / 200)
        yield from (ReleaseForecast(i, "model", view.attrs["as_of"], cdf, 0 * cdf) for i in subjects.episode_id)

    monkeypatch.setattr(work, "ensemble_for", lambda *_: None)
    monkeypatch.setattr(work, "model_forecasts", say)
    monkeypatch.setattr(paths, "utc_today", lambda: dt.date(2026, 11, 26))
    return home


@pytest.fixture
def mine(make_data: Callable[..., Path]) -> Path:
    precise = [row | ({"outcome_precision": "day"} if "outcome" in row else {}) for row in ROWS]
    return make_data(episodes=precise) / "episodes.csv"


def test_json_is_one_object_without_nan(run: Callable[..., Any], project: Path, mine: Path) -> None:
    ran = run("validate", mine, "--json", "--home", project)
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out, parse_constant=lambda name: pytest.fail(name))
    assert (found["n"], found["forecasts"], found["items"], found["opened"]) == (2, 5, 20, 1)
    assert (found["fit"], found["fitted_as_of"], found["follow_up"]) == ("now", ["2026-11-26"], "silence")
    assert (found["as_of"], found["followed_through"]) == ("2026-11-26", "2026-10-31")
    assert found["left_out"] == [{"episode_id": "play", "model": "Play", "reason": "no AI model but game"}]
    forecasters = ["model", "kaplan_meier", "kaplan_meier_by_promise"]
    assert list(found["scores"]) == list(found["skill"]) == forecasters
    for name in forecasters:
        assert set(found["scores"][name]) == {"brier", "log", "by_horizon"}
        ends = {f"{rule}_{end}" for rule in ("brier", "log") for end in ("low", "high")}
        assert set(found["skill"][name]) == {"brier", "log", "by_horizon"} | ends
        assert list(found["scores"][name]["by_horizon"]) == [str(h) for h in SCORED_DAYS]
        assert set(found["scores"][name]["by_horizon"]["30"]) == {"brier", "log", "items", "opened"}
        assert set(found["skill"][name]["by_horizon"]["30"]) == {"brier", "log"}
    assert [found["scores"]["model"]["by_horizon"][str(h)]["opened"] for h in SCORED_DAYS] == [
        1,
        1,
        2,
        2,
    ]  # day 92, and 2


def test_the_page_has_the_table_the_counts_the_rows_left_out_and_the_caveats(
    run: Callable[..., Any], project: Path, mine: Path
) -> None:
    ran = run("validate", mine, "--fit", "then", "--home", project)
    assert (ran.code, ran.err) == (0, "")
    text = " ".join(ran.out.split())
    for words in (
        "2 episodes (1 opened) of 2 organisations; 5 forecasts, 20 with their horizons",
        "followed through 2026-10-31",
        "Kaplan-Meier by promise",
        "365 days",
        "left out: 1",
        "no AI model but game",
        "as known on the last quarter day before it",
        "too few to claim anything",
    ):
        assert words in text


HEADER = "episode_id,model"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "mine.csv: no such file: give a table with the columns of data/episodes.csv"),
        ("", "mine.csv: empty file: the first row must name the columns episode_id, model"),
        (HEADER, "mine.csv, row 1: missing column(s) family, organization"),
        ("\xff", "mine.csv, row 1: missing column(s)"),
    ],
)
def test_a_file_that_is_no_table_is_one_clear_line(
    run: Callable[..., Any], project: Path, tmp_path: Path, text: str | None, line: str
) -> None:
    if text is not None:
        (tmp_path / "mine.csv").write_text(text, encoding="utf-8")
    refused(run("validate", tmp_path / "mine.csv", "--home", project), line)


def refused(ran: Any, line: str) -> None:
    assert (ran.code, ran.out) == (1, "")
    assert line in ran.err
    assert ran.err.count("\n") == 1


def test_a_folder_is_no_file(run: Callable[..., Any], project: Path, tmp_path: Path) -> None:
    refused(run("validate", tmp_path, "--home", project), "Is a directory")


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([], "no episodes: a table needs at least one row under its header"),
        ([ROWS[0] | {"closed_on": "soon"}], "row 2, column closed_on: 'soon': must be a day, YYYY-MM-DD"),
        ([ROWS[2]], "no row is left to score: play (no AI model but game)"),
        ([ROWS[0] | {"episode_id": "openai-gpt-4"}], "(its id is in the project's table)"),
        ([ROWS[0] | {"model": "gpt 4"}], "(its name is that of openai-gpt-4 in the project's table)"),
        (
            [ROWS[0] | {"closed_on": "2027-01-01", "observed_through": "2027-01-01"}],
            "(its debut, known on 2027-01-01, is not before 2026-10-31, the last day followed)",
        ),
    ],
)
def test_nothing_to_score_is_one_clear_line(
    run: Callable[..., Any], project: Path, make_data: Callable[..., Path], rows: list[dict[str, str]], line: str
) -> None:
    refused(run("validate", make_data(episodes=rows) / "episodes.csv", "--home", project), line)


def test_every_bad_cell_is_named(run: Callable[..., Any], project: Path, make_data: Callable[..., Path]) -> None:
    folder = make_data(episodes=[ROWS[0] | {"domain": "film"}, ROWS[2] | {"outcome": "gone"}])
    ran = run("validate", folder / "episodes.csv", "--home", project)
    assert (ran.code, ran.out) == (1, "")
    assert ["row 2, column domain: 'film'" in ran.err, "row 3, column outcome: 'gone'" in ran.err] == [True, True]
    assert "Traceback" not in ran.err


def test_options_that_are_wrong_are_refused(run: Callable[..., Any], project: Path, mine: Path) -> None:
    refused(run("validate", mine, "--seed", "-1", "--home", project), "--seed -1: must be 0 or more")
    refused(run("validate", mine, "--home", "/nowhere"), "no data/episodes.csv in /nowhere")
    ran = run("validate", mine, "--fit", "soon", "--home", project)
    assert (ran.code, ran.out) == (2, "")
    assert run("validate").code == 2


def test_the_file_may_lie_in_the_projects_own_folder(run: Callable[..., Any], project: Path, mine: Path) -> None:
    shutil.copy(mine, project / "data" / "mine.csv")
    found = json.loads(run("validate", project / "data" / "mine.csv", "--json", "--home", project).out)
    assert (found["n"], found["followed_through"]) == (2, "2026-10-31")
