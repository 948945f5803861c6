"""Leave-future-out: who is at risk on a day, what became of them, and that forecasts know nothing later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.errors import FitError
from forecast.model.arrivals import fit_arrivals
from forecast.model.baselines import BASELINES
from forecast.model.design import build_design
from forecast.model.fit import SERIES
from forecast.model.latency import LATENCIES
from forecast.model.posterior import Diagnostics, Posterior
from forecast.model.priors import Priors, read_priors
from forecast.model.terms import Layout
from forecast.record import backtest
from forecast.record.backtest import Plan, Warm, at_risk, origin_days, origins_left, score_origin
from forecast.record.scores import Outcome, score_names

ORIGIN = dt.date(2024, 6, 15)
END = dt.date(2026, 10, 31)
TO_END = (END - ORIGIN).days
PLAN = Plan((ORIGIN,), END, horizons=(30, 365))


def opened(name: str, day: str, precision: str = "day", outcome: str = "opened", **cells: str) -> dict[str, str]:
    ending = {"outcome": outcome, "outcome_on": day, "outcome_precision": precision}
    return {"episode_id": name} | ending | cells


def closed(name: str, **cells: str) -> dict[str, str]:
    return {"episode_id": name} | cells


@pytest.fixture
def risks(make_data: Callable[..., Path]) -> Callable[..., dict[str, Outcome]]:
    """Rows at risk on the origin, by name, with what became of them."""

    def of(
        *rows: dict[str, str], target: str = "any", follow_up: str = "silence", unit: str = "model", **tables: Any
    ) -> dict[str, Outcome]:
        episodes = make_data(episodes=list(rows), **tables) / "episodes.csv"
        plan = Plan((ORIGIN,), END, unit=unit, target=target, follow_up=follow_up)
        subjects, seen = at_risk(plan.view(episodes, ORIGIN), plan.view(episodes, END), target)
        assert subjects.attrs["as_of"] == ORIGIN
        return dict(zip(subjects.episode_id, seen, strict=True))

    return of


# --- Days --------------------------------------------------------------------------------------------------------


def test_origins_are_a_step_apart_from_the_first_to_the_last() -> None:
    first, last = dt.date(2023, 1, 1), dt.date(2023, 12, 31)
    assert origin_days(first, last, "quarter") == tuple(dt.date(2023, month, 1) for month in (1, 4, 7, 10))
    assert len(origin_days(first, last, "month")) == 12
    assert origin_days(first, last, "half") == (first, dt.date(2023, 7, 1))
    assert origin_days(first, dt.date(2024, 1, 1), "year") == (first, dt.date(2024, 1, 1))
    assert origin_days(first, first, "year") == (first,)


def test_the_last_origin_is_done_first_and_none_twice() -> None:
    plan = Plan(origin_days(dt.date(2022, 1, 1), dt.date(2024, 1, 1), "half"), END)
    assert plan.pilot_day == dt.date(2023, 1, 1)
    assert list(origins_left(plan, [dt.date(2023, 7, 1)])) == [plan.origins[i] for i in (4, 2, 1, 0)]


def test_a_plan_is_told_in_json() -> None:
    assert PLAN.as_json() == {
        "origins": ["2024-06-15"],
        "as_of": "2026-10-31",
        "unit": "model",
        "target": "any",
        "follow_up": "silence",
        "latency": "average",
        "each": False,
        "seed": 20260406,
        "horizons": [30, 365],
    }


# --- At risk -----------------------------------------------------------------------------------------------------


def test_what_was_open_on_the_day_is_not_at_risk(risks: Callable[..., dict[str, Outcome]]) -> None:
    found = risks(opened("before", "2024-06-01"), opened("on-the-day", "2024-06-15"), opened("day-after", "2024-06-16"))
    assert found == {"day-after": Outcome(1, TO_END, "full", 1)}


def test_an_opening_known_to_a_month_is_at_risk_until_the_month_is_over(
    risks: Callable[..., dict[str, Outcome]],
) -> None:
    found = risks(
        opened("this-month", "2024-06-01", "month"),
        opened("last-month", "2024-05-01", "month"),
        opened("some-month", "2025-02-14", "month"),
    )
    february = (dt.date(2025, 2, 28) - ORIGIN).days
    assert found == {
        "this-month": Outcome(15, TO_END, "full", 30),
        "some-month": Outcome(february, TO_END, "full", 28),
    }


def test_leaked_and_withdrawn_rows_stay_at_risk_and_end_with_the_calendar(
    risks: Callable[..., dict[str, Outcome]],
) -> None:
    found = risks(
        opened("leaked-before", "2024-05-01", outcome="leaked"),
        opened("leaked-after", "2025-05-01", outcome="leaked"),
        opened("withdrawn-before", "2024-05-01", outcome="withdrawn"),
        opened("withdrawn-after", "2025-05-01", outcome="withdrawn"),
    )
    assert len(found) == 4
    assert set(found.values()) == {Outcome(None, TO_END)}


def test_programs_and_what_was_not_out_yet_are_never_at_risk(risks: Callable[..., dict[str, Outcome]]) -> None:
    found = risks(
        closed("program", domain="software"),
        opened("game", "2025-01-01", domain="game"),
        closed("later", closed_on="2024-06-16"),
        closed("month", closed_on="2024-06-01", closed_precision="month"),
        closed("new", closed_on="2024-06-15"),
    )
    assert list(found) == ["new"]


def test_a_row_is_scored_as_far_as_it_is_followed(risks: Callable[..., dict[str, Outcome]]) -> None:
    rows = [
        closed("silent", observed_through="2024-05-01"),
        closed("seen-on-the-day", observed_through="2024-06-15"),
        closed("seen-later", observed_through="2024-06-25"),
        closed("seen-after-the-search", observed_through="2026-11-20"),
    ]
    assert risks(*rows, follow_up="evidence") == {
        "seen-later": Outcome(None, 10),
        "seen-after-the-search": Outcome(None, TO_END),
    }
    assert risks(*rows, follow_up="silence") == dict.fromkeys(
        (row["episode_id"] for row in rows), Outcome(None, TO_END)
    )


def test_silence_follows_every_row_equally_far_whatever_came_of_it(risks: Callable[..., dict[str, Outcome]]) -> None:
    found = risks(
        closed("closed", observed_through="2024-03-02"),
        opened("opened", "2025-01-01", observed_through="2025-01-01"),
        opened("in-part", "2025-01-01", outcome="opened_partial", observed_through="2025-01-01"),
        opened("leaked", "2025-01-01", outcome="leaked", observed_through="2025-01-01"),
        opened("withdrawn", "2025-01-01", outcome="withdrawn", observed_through="2025-01-01"),
    )
    assert {outcome.censored_day for outcome in found.values()} == {TO_END}
    assert (found["opened"].kind, found["in-part"].kind) == ("full", "part")


def test_an_opening_after_the_search_is_not_seen(risks: Callable[..., dict[str, Outcome]]) -> None:
    found = risks(opened("too-late", "2026-11-02", observed_through="2026-11-02"))
    assert found == {"too-late": Outcome(None, TO_END)}


def test_an_opening_in_part_ends_the_risk_of_any_opening_only(risks: Callable[..., dict[str, Outcome]]) -> None:
    rows = [opened("twice", "2025-06-15"), opened("later-part", "2025-06-15", outcome="opened_partial")]
    small = [{"episode_id": "twice", "opened_on": "2024-05-01"}]
    year = Outcome(365, TO_END, "full", 1)
    assert risks(*rows, earlier_openings=small) == {"later-part": Outcome(365, TO_END, "part", 1)}
    assert risks(*rows, target="full", earlier_openings=small) == {"twice": year, "later-part": Outcome(None, TO_END)}


def test_a_family_with_an_open_member_that_became_known_later_is_not_scored(
    risks: Callable[..., dict[str, Outcome]],
) -> None:
    rows = [closed("acme-one"), closed("bit-one", family="bit", organization="Bit")]
    member = {"debut_on": "2024-02-01", "known_on": "2025-01-01"}
    assert list(risks(*rows, unit="family")) == ["acme", "bit"]
    assert list(risks(*rows, unit="family", family_members=[member])) == ["bit"]


# --- Leave-future-out --------------------------------------------------------------------------------------------

KNOWN = [
    opened("a", "2024-04-01", modality="text"),
    opened("b", "2024-03-20", outcome="opened_partial"),
    opened("c", "2024-05-10", organization="Bit", closed_on="2024-02-01"),
    closed("d", promise="vague", promised_on="2024-03-05"),
    closed("e", organization="Bit", promise="dated", promised_on="2024-03-05", promised_by="2024-08-01"),
    closed("f", organization="Core", modality="image"),
    closed("g", organization="Core", closed_on="2024-06-15"),
    opened("h", "2024-06-01", outcome="withdrawn", organization="Bit"),
]


@pytest.fixture
def scored(
    make_data: Callable[..., Path], real_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., backtest.Origin]:
    """What becomes of an origin on which no fit converges."""

    def no_fit(*_: Any, **__: Any) -> None:
        raise FitError("the sampler did not converge")

    monkeypatch.setattr(backtest, "fit", no_fit)
    monkeypatch.setattr(backtest, "metric_from", lambda *_: None)

    def of(rows: list[dict[str, str]], **tables: Any) -> backtest.Origin:
        episodes = make_data(episodes=rows, **tables) / "episodes.csv"
        warm: Any = Warm(pilot=None, layout=None)  # type: ignore[arg-type]
        return score_origin(episodes, PLAN, ORIGIN, read_priors(real_data / "priors.toml"), warm, tmp_path)

    return of


def said(origin: backtest.Origin) -> pd.DataFrame:
    """All that the forecasters said: probabilities, whatever came of it."""
    return origin.items.set_index(["forecaster", "episode_id"])[["prob_30", "prob_365"]].sort_index()


def future(rows: list[dict[str, str]]) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Another world from the day after the origin on: all that became known later is different."""
    by_name = {row["episode_id"]: dict(row) for row in rows}
    by_name["d"] |= opened("d", "2024-06-16") | {"observed_through": "2024-06-16"}
    by_name["e"] |= opened("e", "2025-01-01", "year", "leaked")
    by_name["f"] |= opened("f", "2024-06-01", "month") | {"observed_through": "2024-07-31"}
    by_name["g"] |= {"promise": "dated", "promised_on": "2024-07-01", "promised_by": "2024-09-01"}
    for row in by_name.values():
        row |= {"flagship": "false", "confidence": "low", "safety_review": "true", "notes": "judged", "params_b": "7"}
    later = [
        opened(f"later-{i}", "2024-07-02", organization="Newcomer", modality="video", closed_on="2024-06-16")
        for i in range(5)
    ]
    words = {"about": "f", "said_on": "2024-06-20", "known_on": "2024-06-20"}
    found_later = {"about": "d", "said_on": "2024-06-01", "known_on": "2024-06-16", "kind": "refused"}
    return [*by_name.values(), *later], {"promises": [words, words | {"about": "acme"}, found_later]}


def test_what_became_known_later_changes_no_forecast_but_its_score(scored: Callable[..., backtest.Origin]) -> None:
    before, (rows, tables) = scored(KNOWN), future(KNOWN)
    after = scored(rows, **tables)
    assert set(said(before).index.get_level_values("episode_id")) == {"d", "e", "f", "g", "h"}
    pd.testing.assert_frame_equal(said(after), said(before), check_exact=True)
    now, then = (o.items.set_index(["forecaster", "episode_id"]).log for o in (after, before))
    assert (now != then).loc[:, ["d", "f"]].all()


def test_what_became_known_later_changes_nothing_that_is_fitted(
    make_data: Callable[..., Path], real_data: Path
) -> None:
    rows, tables = future(KNOWN)
    views = [PLAN.view(make_data(episodes=r, **t) / "episodes.csv", ORIGIN) for r, t in ((KNOWN, {}), (rows, tables))]
    one, other = (build_design(view, "any").digest() for view in views)
    assert one == other
    prior = read_priors(real_data / "priors.toml").arrival
    one_arrival, other_arrival = (fit_arrivals(view, "any", prior) for view in views)
    for name, value in vars(one_arrival).items():
        np.testing.assert_array_equal(value, getattr(other_arrival, name))


def test_what_was_known_by_the_day_does_change_forecasts(scored: Callable[..., backtest.Origin]) -> None:
    before = said(scored(KNOWN))
    day = {"said_on": "2024-06-15", "known_on": "2024-06-15", "due_to": "2024-07-01"}
    promise = {"about": "f", "kind": "dated"} | day
    assert not said(scored(KNOWN, promises=[promise])).equals(before)
    assert not said(scored([opened("a", "2024-04-02"), *KNOWN[1:]])).equals(before)


# --- The families ------------------------------------------------------------------------------------------------

#: Families that are fitted, the heaviest first; the others weigh nothing.
WEIGHTS = {"log_logistic": 0.5, "burr_xii": 0.3, "weibull": 0.2}


@pytest.fixture
def averaged(
    make_data: Callable[..., Path], real_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., pd.DataFrame]:
    """Items of an origin by the families' prior draws; the fits that were asked for are in its ``attrs``."""
    found = read_priors(real_data / "priors.toml")
    priors = Priors(found.by_name, found.arrival, dict.fromkeys(LATENCIES, 0.0) | WEIGHTS)
    fitted: list[str] = []

    def prior(design: Any, arrivals: Any, target: Any, priors: Priors, settings: Any, *_: Any, **more: Any) -> Any:
        fitted.append(settings.latency)
        assert (settings, more["metric"]) == (replace(SERIES, latency=settings.latency), "a metric")
        size, rng = more["layout"].size, np.random.default_rng(list(LATENCIES).index(settings.latency))
        return Posterior(
            raw=rng.standard_normal((40, size)),
            location=priors.location,
            scale=priors.scale,
            layout=more["layout"],
            organizations=design.organizations,
            modalities=design.modalities,
            arrivals=arrivals,
            latency=settings.latency,
            target=target,
            sampler="prior",
            seed=1,
            diagnostics=Diagnostics(1.0, 1e3, 1e3, 0, 1, 40, 0.8),
            rows=len(design.row),
            opened=design.n_opened,
        )

    monkeypatch.setattr(backtest, "fit", prior)
    monkeypatch.setattr(backtest, "metric_from", lambda *_: "a metric")

    def items(**plan: Any) -> pd.DataFrame:
        fitted.clear()
        warm: Any = Warm(pilot=None, layout=Layout(organizations=32, modalities=16))  # type: ignore[arg-type]
        episodes = make_data(episodes=KNOWN) / "episodes.csv"
        origin = score_origin(episodes, replace(PLAN, **plan), ORIGIN, priors, warm, tmp_path)
        assert origin.report["fault"] is None
        assert origin.report["diagnostics"]["draws"] == 40
        origin.items.attrs["fitted"] = list(fitted)
        return origin.items

    return items


def test_every_family_of_the_average_is_also_scored_by_itself_where_it_is_asked_for(
    averaged: Callable[..., pd.DataFrame],
) -> None:
    plain, each = averaged(), averaged(each=True)
    families = list(WEIGHTS)
    assert plain.attrs["fitted"] == each.attrs["fitted"] == families
    assert set(plain.forecaster) == {*BASELINES, "model"}
    assert set(each.forecaster) == {*BASELINES, "model", *families}
    pd.testing.assert_frame_equal(each[each.forecaster.isin(plain.forecaster)].reset_index(drop=True), plain)
    chances = each.pivot_table("prob_365", "episode_id", "forecaster")
    expected = sum(weight * chances[name] for name, weight in WEIGHTS.items())  # the fit has seen these rows
    np.testing.assert_allclose(chances["model"], expected, atol=1e-6)
    assert (chances[families].std(axis=1) > 0).all()


def test_a_family_that_is_named_is_the_model(averaged: Callable[..., pd.DataFrame]) -> None:
    alone = averaged(latency="log_normal")
    assert alone.attrs["fitted"] == ["log_normal"]
    assert set(alone.forecaster) == {*BASELINES, "model"}


# --- Scores ------------------------------------------------------------------------------------------------------


def test_a_failed_fit_is_reported_and_the_baselines_are_scored(scored: Callable[..., backtest.Origin]) -> None:
    origin = scored(KNOWN)
    assert origin.report == {"fault": "the sampler did not converge", "rows_at_risk": 5}
    assert origin.day == ORIGIN
    counts = origin.items.groupby("forecaster").size()
    assert dict(counts) == dict.fromkeys(BASELINES, 5)
    assert set(score_names(PLAN.horizons)) <= set(origin.items)
    assert origin.items.drop(columns=["day", "opening"]).notna().all(axis=None)


def test_items_carry_what_strata_need(scored: Callable[..., backtest.Origin]) -> None:
    items = scored([*KNOWN[:-1], opened("h", "2024-06-16", organization="Bit", org_country="DE")]).items
    row = items[(items.forecaster == "never") & (items.episode_id == "h")].iloc[0]
    told = ["organization", "country", "modality", "promise", "age_days", "day", "followed_days"]
    assert row[told].tolist() == ["Bit", "DE", "text", "none", 106, 1, TO_END]
    assert row.origin == pd.Timestamp(ORIGIN)
    assert (row.prob_365, row.brier_30, row.pit_low, row.pit_high, row.pit_cut) == (0, 1, 0, 0, 0)
    assert items[items.episode_id == "e"].promise.unique().tolist() == ["dated"]


def test_the_pit_of_a_closed_row_reaches_from_what_was_said_to_one(scored: Callable[..., backtest.Origin]) -> None:
    items = scored(KNOWN).items
    assert items.day.isna().all()
    assert (items.pit_low == items.pit_cut).all()
    assert (items.pit_high == 1).all()
    lindy = items[items.forecaster == "lindy"].set_index("episode_id")
    age = lindy.age_days["d"]
    assert lindy.pit_cut["d"] == pytest.approx(TO_END / (TO_END + age + 1), rel=0.01)


def test_the_pit_of_an_opening_known_to_a_month_reaches_over_the_month(scored: Callable[..., backtest.Origin]) -> None:
    rows = [
        *KNOWN[:-2],
        opened("g", "2024-06-01", "month", closed_on="2024-05-01"),
        opened("h", "2025-02-14", "month", closed_on="2024-05-01"),
    ]
    items = scored(rows).items
    lindy = items[items.forecaster == "lindy"].set_index("episode_id")
    assert (lindy.pit_low["g"], lindy.day["g"]) == (0, 15)
    age, day = 46, lindy.day["h"]
    assert day == (dt.date(2025, 2, 28) - ORIGIN).days
    ends = [days / (days + age) for days in (day - 28, day)]
    np.testing.assert_allclose(lindy.loc["h", ["pit_low", "pit_high"]].astype(float), ends, atol=0.01)
