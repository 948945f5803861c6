"""``forecast backtest``: one clear line for each mistake, before anything is fitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.errors import BacktestError
from forecast.record import runner
from forecast.record.backtest import Plan
from forecast.tables import paths


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--from", "2024-01-01", "--to", "2023-12-31"], "--from 2024-01-01 is after --to 2023-12-31"),
        (["--from", "2024-02-30"], "--from 2024-02-30: must be a day, YYYY-MM-DD"),
        (["--to", "soon"], "--to soon: must be a day, YYYY-MM-DD"),
        (["--to", "20240101"], "--to 20240101: must be a day, YYYY-MM-DD"),
        (["--horizons", "x"], "--horizons x: must be days from 1 to 3650"),
        (["--horizons", "0"], "--horizons 0: must be days from 1 to 3650"),
        (["--horizons", ""], "--horizons : must be days from 1 to 3650"),
        (["--horizons", "30,"], "--horizons 30,: must be days from 1 to 3650"),
        (["--horizons", "-30"], "--horizons -30: must be days from 1 to 3650"),
        (["--horizons", "3651"], "--horizons 3651: must be days from 1 to 3650"),
        (["--from", "2026-10-31", "--to", "2026-10-31"], "origin 2026-10-31 is not before 2026-10-31, the day through"),
        (["--from", "2026-07-01", "--to", "2027-01-01"], "origin 2027-01-01 is not before 2026-10-31, the day through"),
        (["--from", "1950-01-01", "--to", "1950-01-01"], "no episode was known on 1950-01-01"),
        (["--from", "1990-01-01", "--to", "1990-01-01"], "no opened AI model was known on 1990-01-01"),
        (["--home", "/nowhere"], "no data/episodes.csv in /nowhere"),
    ],
)
def test_a_mistake_is_one_clear_line(
    run: Callable[..., Any], home: Path, tmp_path: Path, words: list[str], line: str
) -> None:
    if "--home" not in words:
        words = [*words, "--home", str(home)]
    ran = run("backtest", *words, "--out", tmp_path / "out")
    assert (ran.code, ran.out) == (1, "")
    assert line in ran.err
    assert ran.err.count("\n") == 1
    assert not list((tmp_path / "out").rglob("*.parquet"))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--jobs", "0"], "--jobs"),
        (["--every", "week"], "--every"),
        (["--unit", "tribe"], "--unit"),
        (["--horizon", "30"], "--horizons"),
    ],
)
def test_an_option_that_does_not_exist_is_a_usage_error(
    run: Callable[..., Any], home: Path, words: list[str], line: str
) -> None:
    ran = run("backtest", *words, "--home", home)
    assert (ran.code, ran.out) == (2, "")
    assert line in ran.err
    assert "Traceback" not in ran.err
    assert not (home / "results").exists()


def test_the_plan_is_of_the_average_unless_a_family_is_named(
    run: Callable[..., Any], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[Plan] = []

    def no_run(_home: Any, plan: Plan, *_: Any) -> None:
        plans.append(plan)
        raise BacktestError("enough")

    monkeypatch.setattr(runner, "run", no_run)
    for words in ([], ["--each"], ["--latency", "weibull"]):
        assert run("backtest", *words, "--home", home, "--out", tmp_path).code == 1
    assert [(plan.latency, plan.each) for plan in plans] == [("average", False), ("average", True), ("weibull", False)]


def test_an_installed_copy_is_not_written_to(
    run: Callable[..., Any], real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "find_home", lambda _home: paths.Home(real_data, editable=False))
    ran = run("backtest")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("forecast: 'forecast backtest' needs a folder of your own: run 'forecast init DIR'")
    assert ran.err.count("\n") == 1
