"""Brier scores and the mass behind D-calibration are those of SurvivalEVAL, as it was recorded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from forecast.record.calibration import _spread, pit
from forecast.record.scores import Outcome, brier
from forecast.release import GRID_DAYS

RECORDED = json.loads((Path(__file__).parents[1] / "golden" / "survival_eval.json").read_text(encoding="utf-8"))
SCALE, DAY, FOLLOWED = (np.array(RECORDED[name]) for name in ("scale", "day", "followed"))
OPENED = DAY <= FOLLOWED
CUT = -np.expm1(-FOLLOWED / SCALE)
BY = -np.expm1(-DAY / SCALE)
BEFORE = -np.expm1(-(DAY - 1) / SCALE)


@pytest.mark.parametrize("horizon", [30, 90, 181, 730])
def test_the_squared_error_of_complete_data_is_their_brier_score(make_forecast, horizon):
    assert horizon in GRID_DAYS
    ours = [
        brier(make_forecast(lambda u, s=scale: -np.expm1(-u / s)), Outcome(int(day), 3650), horizon)
        for scale, day in zip(SCALE, DAY, strict=True)
    ]
    assert np.mean(ours) == pytest.approx(RECORDED["brier"][str(horizon)], abs=1e-12)


def test_a_censored_row_spreads_its_mass_as_theirs_does():
    theirs = np.array(RECORDED["d_calibration"])
    ours = _spread(np.where(OPENED, BY, CUT), np.where(OPENED, BY, 1.0))
    assert 0.2 < OPENED.mean() < 0.8
    np.testing.assert_allclose(ours.sum(axis=0), theirs, atol=1e-9)


def test_an_opening_spreads_its_mass_over_its_day_as_theirs_does():
    theirs = np.array(RECORDED["d_calibration_of_windows"])
    low, high = np.where(OPENED, BEFORE, CUT), np.where(OPENED, BY, 1.0)
    np.testing.assert_allclose(_spread(low, high).sum(axis=0), theirs, atol=1e-9)
    found = pit(low, high, CUT, seed=1)
    np.testing.assert_allclose(found.share * len(DAY), theirs, atol=1e-9)
    assert found.p_value > 0.01, "the days were drawn from the forecasts"


def test_a_row_censored_within_a_bin_leaves_it_the_rest_of_the_bin():
    s = 0.73
    [mass] = _spread(np.array([1 - s]), np.array([1.0]))
    np.testing.assert_allclose(mass, [0, 0, (s - 0.7) / s, *[0.1 / s] * 7], atol=1e-12)
