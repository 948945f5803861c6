"""Pictures show the numbers of their tables, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecast.pages.plots import new_axes, plot_pit, plot_reliability, plot_skill


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
