"""Pictures show the numbers of their tables, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.pages.plots import (
    add_note,
    new_axes,
    plot_pit,
    plot_reliability,
    plot_skill,
    plot_survival,
    plot_survivals,
)
from forecast.pages.tables import said_table
from forecast.record.questions import read_questions
from forecast.release import GRID_DAYS


def test_skill_is_drawn_from_top_to_bottom_with_its_intervals() -> None:
    rows = pd.DataFrame({"label": ["a", "b"], "skill": [0.1, -0.2], "low": [0.0, -0.3], "high": [0.3, 0.1]})
    ax = plot_skill(rows)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]
    [points, zero] = ax.lines
    np.testing.assert_allclose(points.get_xydata(), [[0.1, 1], [-0.2, 0]])
    assert set(zero.get_xdata()) == {0}
    segments = ax.collections[0].get_segments()
    np.testing.assert_allclose([s[:, 0] for s in segments], [[0.0, 0.3], [-0.3, 0.1]])


def test_reliability_shows_what_came_against_what_was_said_and_keeps_zero_in_sight() -> None:
    rows = pd.DataFrame({"said": [0.02, 0.3], "came": [0.0, 0.4], "low": [0.0, 0.2], "high": [0.01, 0.6]})
    ax = plot_reliability(rows, label="90 days")
    np.testing.assert_allclose(ax.lines[1].get_xydata(), [[0.02, 0.001], [0.3, 0.4]])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert "90 days" in [text.get_text() for text in ax.texts]


def test_a_pit_histogram_has_a_bar_a_bin_and_the_band_behind() -> None:
    rows = pd.DataFrame({"bin": range(4), "share": [0.1, 0.4, 0.3, 0.2], "low": [0.2] * 4, "high": [0.3] * 4})
    ax = plot_pit(rows, new_axes())
    heights = [bar.get_height() for bar in ax.patches]
    assert heights == pytest.approx([0.1, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1, 0.1])
    assert [bar.get_x() for bar in ax.patches[:4]] == pytest.approx([0, 0.25, 0.5, 0.75])


def test_survival_falls_in_steps_and_its_label_stands_above() -> None:
    rows = pd.DataFrame({"day": [0, 10, 50], "closed": [1, 0.8, 0.8], "low": [0.9, 0.6, 0.6], "high": [1, 0.9, 0.9]})
    ax = plot_survival(rows, label="text")
    [line] = ax.lines
    np.testing.assert_allclose(line.get_xydata(), [[0, 1], [10, 0.8], [50, 0.8]])
    assert line.get_drawstyle() == "steps-post"
    corners = ax.collections[0].get_paths()[0].vertices
    assert {(10, 0.6), (10, 0.9), (50, 0.6), (50, 0.9)} <= set(map(tuple, corners.round(6)))
    assert ax.get_title(loc="left") == "text"
    assert ax.get_xlabel() == "days since the closed debut"


def test_small_pictures_share_scales_and_the_pooled_curve_and_name_axes_once() -> None:
    one = pd.DataFrame({"day": [0, 9], "closed": [1, 0.8], "low": [0.9, 0.6], "high": [1, 0.9]})
    curves = pd.concat([one.assign(group=name) for name in ("b", "a", "c")])
    axes = plot_survivals(curves, pd.DataFrame({"day": [0, 9], "closed": [1, 0.5]}), columns=2).figure.axes
    assert [ax.get_title(loc="left") for ax in axes] == ["b", "a", "c"]
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in axes}) == 1
    assert all(ax.lines[0].get_ydata()[-1] == 0.5 for ax in axes)
    assert [bool(ax.get_ylabel()) for ax in axes] == [True, False, True]
    assert [bool(ax.get_xlabel()) for ax in axes] == [False, True, True]


def test_a_note_stands_below_the_picture() -> None:
    ax = add_note(new_axes(), "read it with care")
    assert ax.figure.get_supxlabel() == "read it with care"


def test_what_was_said_is_read_from_the_ledger_once_a_day(real_data: Path) -> None:
    questions = read_questions(real_data / "questions.toml")
    said = said_table(real_data / "ledger", [questions["muse-any"]])
    assert set(said.question_id) == {"muse-any"}
    assert not said.duplicated(["question_id", "forecaster", "made_on"]).any()
    np.testing.assert_allclose(said[["weeks", "months", "years", "never"]].sum(axis=1), 1, atol=1e-6)
    [model] = said[(said.forecaster == "model") & (said.made_on == "2026-04-06")].to_dict("records")
    bodies = [json.loads(line)["body"] for line in (real_data / "ledger" / "model.jsonl").read_text().splitlines()]
    first = next(b for b in bodies if b["question_id"] == "muse-any" and b["made_on"] == "2026-04-06")
    by_day = np.add(first["cdf_full"], first["cdf_part"])
    assert model["prob"] == pytest.approx(np.interp(365, GRID_DAYS, by_day))
    assert model["weeks"] == pytest.approx(np.interp(60, GRID_DAYS, by_day))
