"""Promises to come: events over exposure by age, counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from forecast.model.arrivals import BIN_EDGES, Arrivals, cumulative_hazard, fit_arrivals

ViewOf = Callable[..., pd.DataFrame]
PRIOR = SimpleNamespace(shape=0.5, rate_days=180.0)
OPENED = {"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"}
ONE, TWO = {}, {"episode_id": "acme-two"}
VAGUE = {"known_on": "2024-04-10"}  # 40 days after the debut
DATED = VAGUE | {"kind": "dated", "due_to": "2024-08-31"}  # 143 days ahead
EARLY = {"known_on": "2024-02-01"}
REFUSED = {"kind": "refused", "known_on": "2024-06-10"}
AGAIN = {"known_on": "2024-07-10"}

CLOSED = [7, 23, 60, 275, 609.5, 0]  # 974.5 days: to the end of the last day searched
FOR_40 = [7, 23, 10, 0, 0, 0]
FOR_193 = [7, 23, 60, 103, 0, 0]
NOTHING = [0] * 6
IN_THIRD = [0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("cells", "promises", "exposure", "events", "due_days"),
    [
        pytest.param({}, [], CLOSED, NOTHING, [], id="closed throughout"),
        pytest.param(OPENED, [], FOR_193, NOTHING, [], id="opened"),
        pytest.param({}, [VAGUE], FOR_40, IN_THIRD, [0], id="promised"),
        pytest.param({}, [DATED], FOR_40, IN_THIRD, [143.5], id="promised for a day"),
        pytest.param(OPENED, [VAGUE], FOR_40, IN_THIRD, [0], id="promised, then opened"),
        pytest.param(OPENED, [{"known_on": "2024-10-01"}], FOR_193, NOTHING, [], id="promised after the opening"),
        pytest.param({}, [EARLY], NOTHING, NOTHING, [], id="promised before the debut"),
        pytest.param({}, [{"known_on": "2024-03-01"}], NOTHING, NOTHING, [], id="promised on the debut day"),
        pytest.param({}, [EARLY, REFUSED, AGAIN], NOTHING, NOTHING, [], id="refused, promised again"),
        pytest.param({}, [VAGUE, REFUSED, AGAIN], FOR_40, IN_THIRD, [0], id="only the first promise counts"),
        pytest.param({}, [REFUSED], CLOSED, NOTHING, [], id="refused"),
        pytest.param(
            {}, [{"known_on": "2024-03-08"}], [7, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [0], id="on a bin's edge"
        ),
        pytest.param({"domain": "software"}, [VAGUE], NOTHING, NOTHING, [], id="a program"),
        pytest.param({"domain": "game"}, [], NOTHING, NOTHING, [], id="a game"),
        pytest.param({"closed_precision": "month"}, [], [7, 23, 60, 275, 594.5, 0], NOTHING, [], id="debut in a month"),
        pytest.param(
            OPENED | {"outcome": "leaked"},
            [],
            [7, 23, 60, 103.5, 0, 0],
            NOTHING,
            [],
            id="leaked",
        ),
        pytest.param(
            OPENED | {"outcome": "leaked"},
            [{"known_on": "2024-12-01"}],
            FOR_193,
            NOTHING,
            [],
            id="promised after a leak",
        ),
        pytest.param(OPENED | {"outcome": "withdrawn"}, [], CLOSED, NOTHING, [], id="withdrawn"),
    ],
)
def test_promises_and_exposure_are_counted_by_age(
    view_of: ViewOf,
    cells: dict[str, str],
    promises: list[dict[str, str]],
    exposure: list[float],
    events: list[float],
    due_days: list[float],
) -> None:
    found = fit_arrivals(view_of(cells, promises=tuple(promises)), "any", PRIOR)
    # whether the last day of a row still closed counts in half or in whole is left open
    np.testing.assert_allclose(found.rate - 180, exposure, atol=0.51)
    assert (found.rate - 180).sum() == pytest.approx(sum(exposure), abs=0.51)
    np.testing.assert_array_equal(found.shape - 0.5, events)
    np.testing.assert_array_equal(found.due_days, due_days)


def test_rows_add_up(view_of: ViewOf) -> None:
    about_two = {"about": "acme-two", "kind": "dated", "due_to": "2024-03-31", "known_on": "2024-03-11"}
    view = view_of(ONE, TWO, OPENED | {"episode_id": "acme-three"}, promises=(VAGUE, about_two))
    found = fit_arrivals(view, "any", PRIOR)
    np.testing.assert_allclose(found.rate - 180, [21, 23 + 3 + 23, 10 + 60, 103, 0, 0])
    np.testing.assert_array_equal(found.shape - 0.5, [0, 1, 1, 0, 0, 0])
    assert sorted(found.due_days) == [0, 20.5]


def test_an_opening_in_part_ends_the_exposure_for_one_target_only(view_of: ViewOf) -> None:
    view = view_of(OPENED | {"outcome": "opened_partial"})
    exposure = {target: (fit_arrivals(view, target, PRIOR).rate - 180).sum() for target in ("any", "full")}
    assert exposure == pytest.approx({"any": 193, "full": 974.5}, abs=0.51)


def test_the_real_table_has_as_many_arrivals_as_due_days(real_view: pd.DataFrame) -> None:
    found = fit_arrivals(real_view, "any", PRIOR)
    assert (found.shape - 0.5).sum() == len(found.due_days) > 10
    assert (found.due_days >= 0).all()


@pytest.mark.parametrize("age", [0.0, 3.0, 7.0, 29.5, 200.0, 1095.0, 4000.0])
def test_the_cumulative_hazard_is_the_integral_of_the_bins(age: float) -> None:
    hazard = np.array([[0.02, 0.01, 0.03, 0.0, 0.002, 0.0005], [0.5, 0.4, 0.3, 0.2, 0.1, 0.05]])
    for draw in hazard:
        inner = [edge for edge in BIN_EDGES[1:-1] if edge < age]
        pieces = zip([0.0, *inner], [*inner, age], strict=True)
        rate = lambda t, draw=draw: draw[sum(t >= e for e in (7, 30, 90, 365, 1095))]  # noqa: E731
        expected = sum(integrate.quad(rate, a, b)[0] for a, b in pieces)
        assert cumulative_hazard(draw[None], np.array([age]))[0, 0] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert cumulative_hazard(hazard, np.array([age, 2 * age])).shape == (2, 2)


def test_hazards_are_drawn_from_the_gamma_posterior() -> None:
    arrivals = Arrivals(np.array([0.5, 12.0]), np.array([200.0, 3000.0]), np.array([]))
    draws = arrivals.hazard(np.random.default_rng(1), 4000)
    assert draws.shape == (4000, 2)
    for column, shape, rate in zip(draws.T, arrivals.shape, arrivals.rate, strict=True):
        assert stats.kstest(column, stats.gamma(shape, scale=1 / rate).cdf).pvalue > 0.001


@pytest.mark.parametrize(("seen", "expected"), [([], {0.0}), ([0.0, 30.5, 30.5, 90.5], {0.0, 30.5, 90.5})])
def test_a_promise_to_come_is_one_of_those_seen_or_a_vague_one(seen: list[float], expected: set[float]) -> None:
    promise = Arrivals(np.ones(6), np.ones(6), np.array(seen)).promise(np.random.default_rng(1), 2000)
    assert promise.shape == (2000,)
    assert set(promise) == expected
    assert not seen or np.mean(promise == 30.5) == pytest.approx(0.5, abs=0.05)
