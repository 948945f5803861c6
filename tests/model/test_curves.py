"""Curves from predictors, against hand formulas and a simulated world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from forecast.model.arrivals import BIN_EDGES, cumulative_hazard
from forecast.model.curves import Curves, given_survival, shares, survival, with_promises
from forecast.model.latency import LATENCIES
from forecast.model.likelihood import Predictors

LOG_LOGISTIC = LATENCIES["log_logistic"]


def predictors(odds: float = 0.4, part: float = -1.0, time: float = 4.0, spread: float = 0.8) -> Predictors:
    one = Predictors(odds, part, time, shape=1 / spread, part_time=0.3, part_shape=np.exp(-0.2), tail=0.6)
    return Predictors(**{name: np.array([[value]]) for name, value in vars(one).items()})


def test_shares_are_a_softmax() -> None:
    weights = np.exp([0.4, 0.4 - 1.0, 0.0])
    np.testing.assert_allclose(np.ravel(shares(predictors())), weights / weights.sum())


@pytest.mark.parametrize("name", LATENCIES)
@pytest.mark.parametrize("start", [0.5, 40.0, 4000.0])
def test_curves_given_survival_are_the_textbook_ones(times: Callable[..., Any], start: float, name: str) -> None:
    days, latency = np.array([0.0, 1, 30, 900]), LATENCIES[name]
    p_full, p_part, p_never = np.ravel(shares(predictors()))
    full, part = times(name, 4.0, 0.8, 0.6), times(name, 4.3, 0.8 * np.exp(0.2), 0.6)
    closed = p_never + p_full * full.sf(start) + p_part * part.sf(start)
    found = given_survival(np.array([start]), days, predictors(), latency)
    np.testing.assert_allclose(found.full[0], p_full * (full.cdf(start + days) - full.cdf(start)) / closed, atol=1e-12)
    np.testing.assert_allclose(found.part[0], p_part * (part.cdf(start + days) - part.cdf(start)) / closed, atol=1e-12)
    left = survival(start + days, predictors(), latency)[2] / closed
    np.testing.assert_allclose(found.any, 1 - left, atol=1e-12)


def test_two_exits_are_those_of_a_simulated_world() -> None:
    """An opening without a promise, a promise, and an opening after it, drawn one by one."""
    rng, n = np.random.default_rng(1), 400_000
    hazard = np.array([[0.0, 0.004, 0.004, 0.002, 0.001, 0.0005]])
    days = np.concatenate([np.arange(0, 60, 1.0), np.arange(60, 800, 5.0)])
    before, after = predictors(odds=-1.0), predictors(odds=1.0, time=3.0)
    direct = given_survival(np.array([1e-9]), days, before, LOG_LOGISTIC)
    waiting = np.exp(-cumulative_hazard(hazard, days))
    middle = (days[1:] + days[:-1]) / 2
    lag = np.maximum(days - middle[:, None], 0.0)
    one = Predictors(**{k: v[:, :, None] for k, v in vars(after).items()})
    promised = given_survival(np.array([1e-9]), lag, one, LOG_LOGISTIC)
    found = with_promises(direct, waiting, np.arange(len(days) - 1), promised)

    def opening(p: Predictors) -> tuple[np.ndarray, np.ndarray]:
        kind = rng.choice(3, size=n, p=np.ravel(shares(p)))
        t = np.exp(p.time[0, 0] + 0.8 * rng.logistic(size=n))
        late = np.exp(p.time[0, 0] + 0.3 + 0.8 * np.exp(0.2) * rng.logistic(size=n))
        return np.where(kind == 0, t, np.where(kind == 1, late, np.inf)), kind

    first, kind = opening(before)
    edges, total = BIN_EDGES[:-1], cumulative_hazard(hazard, BIN_EDGES[:-1])[0]
    drawn = rng.exponential(size=n)
    place = np.searchsorted(total, drawn, side="right") - 1
    told = edges[place] + (drawn - total[place]) / np.maximum(hazard[0][place], 1e-12)
    second, kind_after = opening(after)
    t = np.where(told < first, told + second, first)
    kind = np.where(told < first, kind_after, kind)
    for day in (20.0, 60.0, 300.0, 795.0):
        at = np.searchsorted(days, day)
        assert found.full[0, at] == pytest.approx(((t <= day) & (kind == 0)).mean(), abs=0.004)
        assert found.part[0, at] == pytest.approx(((t <= day) & (kind == 1)).mean(), abs=0.004)


def test_two_exits_lose_and_add_no_probability() -> None:
    """With openings certain right after a promise, everybody has left by one exit or the other."""
    days = np.arange(0.0, 400)
    direct = given_survival(np.array([1.0]), days, predictors(), LOG_LOGISTIC)
    waiting = np.exp(-0.01 * days)[None]
    at_once = Curves(np.ones((1, 1, len(days))), np.zeros((1, 1, len(days))))
    found = with_promises(direct, waiting, np.zeros(len(days) - 1, int), at_once)
    np.testing.assert_allclose(found.any[0], 1 - (1 - direct.any[0]) * waiting[0], atol=1e-12)
