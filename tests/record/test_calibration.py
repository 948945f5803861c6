"""Calibration: bins and splits by hand, the line by another optimiser, PIT by simulation under censoring."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special

from forecast.record.calibration import EDGES, PIT_BINS, Pit, calibration_line, pit, reliability


def each(count: int) -> np.ndarray:
    """Every item its own organisation."""
    return np.arange(count)


# --- Reliability -------------------------------------------------------------------------------------------------


def test_bins_by_hand() -> None:
    p = np.array([0.0, 0.005, 0.01, 0.3, 0.2, 0.39, 1.0])
    happened = np.array([False, True, False, True, False, True, True])
    table = reliability(p, happened, each(7), seed=1).set_index("low_edge")
    assert table.index.tolist() == [0.0, 0.01, 0.2, 0.6]
    assert table.high_edge.tolist() == [0.01, 0.02, 0.4, 1.0]
    assert table["items"].tolist() == [2, 1, 3, 1]
    assert table.opened.tolist() == [1, 0, 2, 1]
    np.testing.assert_allclose(table.said, [0.0025, 0.01, 0.89 / 3, 1.0])
    np.testing.assert_allclose(table.came, [0.5, 0, 2 / 3, 1])
    assert (table.low <= table.came).all()
    assert (table.came <= table.high).all()
    assert (EDGES[0], EDGES[-1]) == (0, 1)


def test_what_came_is_uncertain_by_organisation() -> None:
    p, happened = np.full(40, 0.5), np.repeat([True, False], 20)
    by_item = reliability(p, happened, each(40), seed=1).iloc[0]
    by_two = reliability(p, happened, np.repeat([0, 1], 20), seed=1).iloc[0]
    assert (by_two.low, by_two.high) == (0, 1)
    assert 0.3 < by_item.low < by_item.high < 0.7


# --- Line --------------------------------------------------------------------------------------------------------


def line_by_optimiser(p: np.ndarray, happened: np.ndarray) -> np.ndarray:
    odds = special.logit(p)

    def loss(theta: np.ndarray) -> float:
        eta = theta[0] + theta[1] * odds
        return float(np.logaddexp(0, eta).sum() - eta[happened].sum())

    return optimize.minimize(loss, [0.0, 0.5], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x


@pytest.mark.parametrize("seed", range(5))
def test_the_line_is_the_logistic_regression(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.beta(0.5, 3, 300).clip(1e-3, 0.999)
    happened = rng.random(300) < special.expit(-0.7 + 1.6 * special.logit(p))
    found = calibration_line(p, happened, each(300), seed)
    np.testing.assert_allclose([found["intercept"], found["slope"]], line_by_optimiser(p, happened), atol=1e-5)


def test_a_known_line_is_found_and_covered() -> None:
    rng = np.random.default_rng(3)
    p = special.expit(rng.normal(-1, 1.5, 4000))
    for intercept, slope in ((0.0, 1.0), (0.5, 0.6), (-0.4, 1.5)):
        happened = rng.random(4000) < special.expit(intercept + slope * special.logit(p))
        found = calibration_line(p, happened, rng.integers(0, 200, 4000), 1)
        assert found["intercept"] == pytest.approx(intercept, abs=0.15)
        assert found["slope"] == pytest.approx(slope, abs=0.15)
        assert found["intercept_low"] < intercept < found["intercept_high"]
        assert found["slope_low"] < slope < found["slope_high"]
        assert found["slope_high"] - found["slope_low"] < 0.4


def test_the_line_bears_forecasts_of_nought_and_one() -> None:
    p = np.array([0.0, 1.0, 0.0, 1.0, 0.5, 0.5])
    found = calibration_line(p, np.array([False, True, True, False, True, False]), each(6), 1)
    assert np.isfinite(list(found.values())).all()
    assert found["slope"] == pytest.approx(0, abs=1e-6)


# --- PIT ---------------------------------------------------------------------------------------------------------


def questions(seed: int, hazard_said: float = 1.0, count: int = 400) -> Pit:
    """Days from constant hazards, censored at other days; the forecaster is off by a factor."""
    rng = np.random.default_rng(seed)
    rate, cut = rng.uniform(0.0005, 0.01, count), rng.uniform(20, 700, count)
    day = np.ceil(rng.exponential(1 / rate))
    cdf_cut, before, by = (-np.expm1(-hazard_said * rate * t) for t in (cut, day - 1, day))
    seen = day <= cut
    found = pit(np.where(seen, before, cdf_cut), np.where(seen, by, 1.0), cdf_cut, seed)
    assert found is not None
    return found


def test_a_calibrated_forecaster_is_uniform_within_its_bands() -> None:
    runs = [questions(seed) for seed in range(20)]
    inside = np.mean([(run.low <= run.share) & (run.share <= run.high) for run in runs])
    assert 0.82 < inside < 0.97
    assert sum(run.p_value > 0.05 for run in runs) >= 17
    np.testing.assert_allclose(np.mean([run.share for run in runs], axis=0), 1 / PIT_BINS, atol=0.01)


def test_who_says_half_the_hazard_is_found_out() -> None:
    assert max(questions(seed, hazard_said=0.5).p_value for seed in range(5)) < 0.01
    assert max(questions(seed, hazard_said=2.0).p_value for seed in range(5)) < 0.01


def test_shares_add_up_to_one() -> None:
    found = questions(1)
    assert found.questions == 400
    assert found.share.sum() == pytest.approx(1)
    assert found.share.shape == found.low.shape == found.high.shape == (PIT_BINS,)


def test_the_mass_of_a_censored_question_is_spread_over_what_is_left() -> None:
    at = 0.73
    found = pit(np.full(50, at), np.ones(50), np.full(50, at), seed=1)
    assert found is not None
    np.testing.assert_allclose(found.share, [0] * 7 + [0.07 / 0.27, 0.1 / 0.27, 0.1 / 0.27], atol=1e-12)


def test_the_mass_of_an_opening_is_spread_over_its_day() -> None:
    found = pit(np.full(50, 0.15), np.full(50, 0.4), np.full(50, 0.9), seed=1)
    assert found is not None
    np.testing.assert_allclose(found.share, [0, 0.2, 0.4, 0.4] + [0] * 6, atol=1e-12)
    for at, place in ((0.0, 0), (0.35, 3), (1.0, 9)):
        points = pit(np.full(50, at), np.full(50, at), np.full(50, 1.0), seed=1)
        assert points is not None
        assert points.share[place] == 1


def test_fewer_than_fifty_questions_are_not_judged() -> None:
    few = np.linspace(0.1, 0.9, 49)
    assert pit(few, np.ones(49), few, seed=1) is None
    more = np.linspace(0.1, 0.9, 50)
    assert pit(more, np.ones(50), more, seed=1) is not None
