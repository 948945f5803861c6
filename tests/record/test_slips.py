"""By how much promised days slip, by hand on little tables."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.record.slips import as_json, slip_table, slips
from forecast.tables.paths import Home

SEARCHED = dt.date(2026, 10, 31)
COLUMNS = ["voice", "source", "made_on", "due_on", "late_days", "opened"]
MakeData = Callable[..., Path]


def said(due_on: str, outcome_on: str = "", voice: str = "insiders", **cells: str) -> dict[str, str]:
    """A dated forecast of an opening."""
    return {"made_on": "2026-01-01", "due_on": due_on, "outcome_on": outcome_on, "voice": voice} | cells


@pytest.fixture
def found(make_data: MakeData) -> Callable[..., pd.DataFrame]:
    def slips_of(*rows: dict[str, str], as_of: dt.date = SEARCHED, searched: dt.date = SEARCHED) -> pd.DataFrame:
        return slips(Home(make_data(episodes=[{}], third_party_forecasts=list(rows))), as_of, searched)

    return slips_of


@pytest.fixture
def little(found: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    """Two voices; the second has one that is censored between two openings."""
    return found(
        said("2026-01-10", "2026-01-10"),
        said("2026-01-10", "2026-01-05"),
        said("2026-01-10", "2026-01-30"),
        said("2026-10-01"),
        said("2026-02-01", "2026-02-11", "press"),
        said("2026-10-16", voice="press"),
        said("2026-02-01", "2026-02-21", "press"),
        said("2026-09-21", voice="press"),
    )


def test_a_date_is_kept_late_or_not_yet_come(little: pd.DataFrame) -> None:
    assert little.columns.tolist() == COLUMNS
    late = list(zip(little.voice, little.late_days, little.opened, strict=True))
    assert late == [
        ("insiders", 0, True),
        ("insiders", 0, True),
        ("insiders", 20, True),
        ("insiders", 30, False),
        ("press", 10, True),
        ("press", 15, False),
        ("press", 20, True),
        ("press", 40, False),
    ]


def test_the_slips_that_are_needed_are_kaplan_meier_levels(little: pd.DataFrame) -> None:
    insiders, press = slip_table(little).to_dict("records")
    # insiders: half are kept, a quarter is left after 20 days; press: 3/4 after 10, 3/4 * 1/2 after 20
    kept = {"voice": "insiders", "dates": 4, "kept": 2, "opened": 3, "late_days_50": 0.0, "late_days_75": 20.0}
    assert insiders == kept | {"late_days_90": pytest.approx(np.nan, nan_ok=True)}
    never = dict.fromkeys(["late_days_75", "late_days_90"], pytest.approx(np.nan, nan_ok=True))
    assert press == {"voice": "press", "dates": 4, "kept": 0, "opened": 2, "late_days_50": 20.0} | never


def test_a_slip_that_was_not_reached_is_null_in_json(little: pd.DataFrame) -> None:
    said_so = as_json(little)
    assert json.loads(json.dumps(said_so, allow_nan=False)) == said_so
    assert [row["late_days_90"] for row in said_so] == [None, None]
    assert said_so[0]["late_days_75"] == 20


@pytest.mark.parametrize(
    ("kept", "late", "needed"),
    [
        (1, 2, [10, 10, 10]),
        (1, 1, [0, 10, 10]),
        (3, 1, [0, 0, 10]),
        (8, 1, [0, 0, 10]),
        (9, 1, [0, 0, 0]),
        (3, 0, [0, 0, 0]),
    ],
)
def test_each_level_is_the_first_day_on_which_that_many_have_come(
    found: Callable[..., pd.DataFrame], kept: int, late: int, needed: list[float]
) -> None:
    rows = [said("2026-01-10", "2026-01-10")] * kept + [said("2026-01-10", "2026-01-20")] * late
    (row,) = slip_table(found(*rows)).to_dict("records")
    assert [row[f"late_days_{level}"] for level in (50, 75, 90)] == needed


def test_none_that_came_is_no_level(found: Callable[..., pd.DataFrame]) -> None:
    (row,) = slip_table(found(said("2026-01-10"))).to_dict("records")
    assert (row["dates"], row["kept"], row["opened"]) == (1, 0, 0)
    assert np.isnan([row["late_days_50"], row["late_days_75"], row["late_days_90"]]).all()


@pytest.mark.parametrize(("due_on", "late"), [("2026-10-30", [1]), ("2026-10-31", []), ("2026-11-30", [])])
def test_a_date_that_has_not_passed_is_left_out(
    found: Callable[..., pd.DataFrame], due_on: str, late: list[int]
) -> None:
    assert found(said(due_on)).late_days.tolist() == late


def test_an_early_opening_waits_for_its_date_like_a_silent_one(found: Callable[..., pd.DataFrame]) -> None:
    assert found(said("2026-11-30", "2026-10-01"), said("2026-11-30")).empty


def test_an_opening_after_the_search_ended_has_not_come(found: Callable[..., pd.DataFrame]) -> None:
    early = found(said("2026-01-10", "2026-03-01"), searched=dt.date(2026, 2, 9))
    assert early[["late_days", "opened"]].values.tolist() == [[30, False]]
    on_the_day = found(said("2026-01-10", "2026-03-01"), searched=dt.date(2026, 3, 1))
    assert on_the_day[["late_days", "opened"]].values.tolist() == [[50, True]]


@pytest.mark.parametrize(("made_on", "rows"), [("2026-05-01", 1), ("2026-05-02", 0)])
def test_a_forecast_made_after_the_day_does_not_count(
    found: Callable[..., pd.DataFrame], made_on: str, rows: int
) -> None:
    assert len(found(said("2026-06-01", "2026-06-01", made_on=made_on), as_of=dt.date(2026, 5, 1))) == rows


@pytest.mark.parametrize(
    "cells",
    [
        {"event": "debut"},
        {"event": "leak"},
        {"event": "code"},
        {"event": "other"},
        {"forecast_kind": "probability", "probability": "0.5"},
        {"forecast_kind": "words", "due_on": ""},
    ],
)
def test_only_dates_of_openings_slip(found: Callable[..., pd.DataFrame], cells: dict[str, str]) -> None:
    assert found(said("2026-01-10", "2026-01-30") | cells).empty


def test_without_forecasts_there_is_no_slip(found: Callable[..., pd.DataFrame], tmp_path: Path) -> None:
    for nothing in (found(), slips(Home(tmp_path), SEARCHED, SEARCHED)):
        assert nothing.columns.tolist() == COLUMNS
        assert slip_table(nothing).empty
        assert as_json(nothing) == []


def test_the_real_dates_of_every_voice_are_counted_once(real_data: Path) -> None:
    late = slips(Home(real_data), SEARCHED, SEARCHED)
    table = slip_table(late)
    assert table.voice.tolist() == sorted(set(late.voice))
    assert table.dates.sum() == len(late)
    assert (late.late_days >= 0).all()
    assert (late[~late.opened].late_days > 0).all()
