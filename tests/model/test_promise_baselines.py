"""Baselines that know of promises: clocks, slips and due days, counted by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.model.baselines import BASELINES, lindy, never
from forecast.model.lags import product_limit, shrunk
from forecast.model.promise_baselines import AT_RISK, POOLED_WEIGHT, by_promise, promised_day, promised_day_slip
from forecast.release import GRID_DAYS, ReleaseForecast

ViewOf = Callable[..., pd.DataFrame]
Said = dict[str, str]

AS_OF = dt.date(2026, 10, 31)


def ago(days: int) -> str:
    return (AS_OF - dt.timedelta(days)).isoformat()


class Little:
    """A table by days before the making; statements and openings as they are added."""

    def __init__(self) -> None:
        self.episodes: list[dict[str, str]] = []
        self.said: list[Said] = []

    def add(self, name: str, debut: int, opened: int | None = None, said: Sequence[tuple[Any, ...]] = ()) -> Little:
        """A row; a statement is (days ago, kind) or (days ago, kind, days ago of the day promised)."""
        cells = {"episode_id": name, "closed_on": ago(debut)}
        if opened is not None:
            cells |= {"outcome": "opened", "outcome_on": ago(opened), "outcome_precision": "day"}
        self.episodes.append(cells)
        for known, kind, *due in said:
            self.said.append(
                {"about": name, "known_on": ago(known), "kind": kind} | ({"due_to": ago(due[0])} if due else {})
            )
        return self

    def view(self, view_of: ViewOf) -> pd.DataFrame:
        return view_of(*self.episodes, promises=tuple(self.said))


#: Days from a vague promise, made 500 days ago, to its opening; three more are still closed.
VAGUE_LAGS = (4, 8, 12, 20, 30, 45)
#: Days from the debut, 1000 days ago, to an opening of which nothing was said; one more is still closed.
PLAIN_LAGS = (15, 60, 100, 200, 300)


def table() -> Little:
    """Rows promised 100 days after their debut, and others; ``acme-one`` is promised 10 days ago."""
    made = Little().add("acme-one", 400, said=[(10, "vague")])
    for lag in VAGUE_LAGS:
        made.add(f"vague-{lag}", 600, 500 - lag, [(500, "vague")])
    for n in range(3):
        made.add(f"vague-{n}-closed", 600, said=[(500, "vague")])
    for lag in PLAIN_LAGS:
        made.add(f"plain-{lag}", 1000, 1000 - lag)
    return made.add("plain-closed", 1000)


def subject(view: pd.DataFrame, name: str = "acme-one") -> pd.DataFrame:
    return view[view.episode_id == name]


def curves(*more: tuple[str, float, float, bool]) -> dict[str, Any]:
    """The curves of the table above, from its segments as written down here: state, entry, end, opened."""
    spells = [("none", 0, 390, False), ("vague", 0, 10.5, False), ("none", 0, 1000.5, False), *more]
    spells += [("none", 0, 100, False)] * 9
    spells += [("vague", 0, lag, True) for lag in VAGUE_LAGS] + [("vague", 0, 500.5, False)] * 3
    spells += [("none", 0, lag, True) for lag in PLAIN_LAGS]
    state, entry, ended, opened = (np.array(column) for column in zip(*spells, strict=True))
    pooled = product_limit(entry, ended, opened, AT_RISK)
    return {
        name: shrunk(entry[state == name], ended[state == name], opened[state == name], pooled, POOLED_WEIGHT)
        for name in ("none", "vague", "dated")
    }


def assert_from(found: ReleaseForecast, curve: Any, clock: float) -> None:
    left = curve(np.concatenate([[clock], clock + GRID_DAYS]))
    np.testing.assert_allclose(found.cdf, 1 - left[1:] / left[0], atol=1e-12)


# --- By promise --------------------------------------------------------------------------------------------------


def test_a_promise_restarts_the_clock(view_of: ViewOf) -> None:
    view = table().view(view_of)
    [found] = by_promise(view, "any", subject(view))
    assert found.forecaster == "kaplan-meier-promise"
    assert_from(found, curves()["vague"], 10.5)
    # 12 days after a promise one of 7 was opened, and one of 23 in all
    assert found.prob_by(1) == 0
    assert found.prob_by(2) == pytest.approx((1 + 10 / 23) / (7 + 10), rel=1e-12)


def test_a_row_of_which_nothing_was_said_runs_from_its_debut(view_of: ViewOf) -> None:
    view = table().add("quiet", 50).view(view_of)
    [found] = by_promise(view, "any", subject(view, "quiet"))
    assert_from(found, curves(("none", 0, 50.5, False))["none"], 50.5)


def test_a_refusal_ends_the_promise_and_the_clock_of_the_debut_goes_on(view_of: ViewOf) -> None:
    view = table().add("refused", 80, said=[(60, "vague"), (40, "refused")]).view(view_of)
    more = [("none", 0, 20, False), ("vague", 0, 20, False), ("none", 40, 80.5, False)]
    [found] = by_promise(view, "any", subject(view, "refused"))
    assert_from(found, curves(*more)["none"], 80.5)


def test_a_promise_known_at_the_debut_runs_from_the_debut(view_of: ViewOf) -> None:
    view = table().add("early", 11, said=[(90, "vague")]).view(view_of)
    [found] = by_promise(view, "any", subject(view, "early"))
    assert_from(found, curves(("vague", 0, 11.5, False))["vague"], 11.5)


# --- The promised day --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [1, 40, 90])
def test_all_is_opened_on_the_day_promised(view_of: ViewOf, days: int) -> None:
    view = table().add("dated", 30, said=[(5, "dated", -days)]).view(view_of)
    [found] = promised_day(view, "any", subject(view, "dated"))
    assert found.forecaster == "promised-day"
    np.testing.assert_array_equal(found.prob_by([0, days - 1, days, 3650]), [0, 0, 1, 1])
    np.testing.assert_array_equal(found.cdf_part, 0)


def test_a_day_between_two_of_the_grid_is_taken_as_the_later_one(view_of: ViewOf) -> None:
    view = table().add("dated", 30, said=[(5, "dated", -100)]).view(view_of)
    [found] = promised_day(view, "any", subject(view, "dated"))
    np.testing.assert_array_equal(found.prob_by([97, 104]), [0, 1])


@pytest.mark.parametrize("name", ["promised-day", "promised-day-slip"])
@pytest.mark.parametrize(
    "said",
    [
        pytest.param([], id="nothing said"),
        pytest.param([(20, "vague")], id="no day named"),
        pytest.param([(20, "dated", -60), (10, "refused")], id="taken back"),
        pytest.param([(20, "dated", -60), (10, "delayed")], id="put off"),
        pytest.param([(20, "dated", 1)], id="overdue"),
        pytest.param([(20, "dated", 0)], id="due on the day of the making, and closed through it"),
    ],
)
def test_without_a_day_ahead_it_is_the_forecast_by_promise(
    view_of: ViewOf, name: str, said: list[tuple[Any, ...]]
) -> None:
    view = table().add("row", 30, said=said).view(view_of)
    [found], [other] = (f(view, "any", subject(view, "row")) for f in (BASELINES[name], by_promise))
    np.testing.assert_array_equal(found.cdf_full, other.cdf_full)
    np.testing.assert_array_equal(found.cdf_part, other.cdf_part)
    assert found.forecaster == name


# --- Its slip ----------------------------------------------------------------------------------------------------


def slipping(lags: Sequence[int], closed: int) -> Little:
    """Dated promises of 19.5 days, made at noon 500 days ago; ``dated`` is promised for 40.5 days, 5 days ago."""
    made = table().add("dated", 30, said=[(5, "dated", -35)])
    for lag in lags:
        made.add(f"dated-{lag}", 600, 500 - lag, [(500, "dated", 481)])
    for n in range(closed):
        made.add(f"dated-{n}-closed", 600, said=[(500, "dated", 481)])
    return made


def test_the_chance_of_a_slip_is_that_of_the_dated_promises_so_far(view_of: ViewOf) -> None:
    view = slipping((10, 19, 30, 38, 50), closed=3).view(view_of)
    [found] = promised_day_slip(view, "any", subject(view, "dated"))
    assert found.forecaster == "promised-day-slip"
    # 8, 7, 6 and 5 of them at risk at 0.51, 0.97, 1.54 and 1.95 times what was promised; 4 at 2.56 are too few
    ends = {np.floor(days / 19.5 * 40.5 - 5.5): left / 8 for days, left in ((10, 7), (19, 6), (30, 5), (38, 4))}
    for before, left in ends.items():
        assert 1 - found.prob_by(before) == pytest.approx(left + 1 / 8, rel=1e-12)
        assert 1 - found.prob_by(before + 1) == pytest.approx(left, rel=1e-12)
    assert found.prob_by(2 * 40.5 - 5.5) == pytest.approx(0.5, rel=1e-12)
    assert found.prob_by(3650) == pytest.approx(0.5, rel=1e-12)


def test_a_promise_broken_for_long_is_not_expected_to_be_kept(view_of: ViewOf) -> None:
    view = slipping((10, 19, 30, 38, 50), closed=3).view(view_of)
    [found] = promised_day_slip(view, "any", subject(view, "dated-0-closed"))
    np.testing.assert_array_equal(found.cdf, 0)


def test_a_promise_that_is_a_little_late_is_forecast_given_that_it_is(view_of: ViewOf) -> None:
    late = slipping((10, 19, 30, 38, 50), closed=4).add("late", 60, said=[(29, "dated", 10)])
    view = late.view(view_of)  # 29.5 days of 19.5: one more at risk at 0.51 and 0.97
    [found] = promised_day_slip(view, "any", subject(view, "late"))
    assert 1 - found.prob_by(0) == 1
    assert 1 - found.prob_by(1) == pytest.approx(1 - 1 / 7, rel=1e-12)  # 30.5 of 19.5
    assert 1 - found.prob_by(9) == pytest.approx((1 - 1 / 7) * (1 - 1 / 6), rel=1e-12)


def test_few_dated_promises_have_no_slip(view_of: ViewOf) -> None:
    view = slipping((10, 19, 30), closed=1).view(view_of)
    [found], [other] = (f(view, "any", subject(view, "dated")) for f in (promised_day_slip, by_promise))
    np.testing.assert_array_equal(found.cdf, other.cdf)
    assert (found.forecaster, other.forecaster) == ("promised-day-slip", "kaplan-meier-promise")


# --- Lindy and never ---------------------------------------------------------------------------------------------


def test_lindy_is_laplace_s_rule(view_of: ViewOf) -> None:
    view = table().view(view_of)
    [found] = lindy(view, "any", subject(view))
    gone = 400.5
    np.testing.assert_allclose(1 - found.cdf, (gone + 1) / (gone + 1 + GRID_DAYS), atol=1e-12)
    assert found.prob_by(gone + 1) == pytest.approx(0.5, abs=1e-4), "as long again as it has been closed"


def test_never_is_never(view_of: ViewOf) -> None:
    view = table().view(view_of)
    for found in never(view, "any", view[view.full_last.isna()]):
        np.testing.assert_array_equal(found.cdf, 0)
        assert found.words(AS_OF) == {"weeks": 0, "months": 0, "years": 0, "never": 1}
