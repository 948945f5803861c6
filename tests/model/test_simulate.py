"""Outcomes drawn from the model: the shares and lags that scipy gives them, and the likelihood's own distribution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forecast.model.arrivals import fit_arrivals
from forecast.model.design import Design, build_design
from forecast.model.fit import Settings, fit
from forecast.model.latency import LATENCIES
from forecast.model.likelihood import NODES
from forecast.model.pointwise import episode_loglik
from forecast.model.posterior import Posterior
from forecast.model.priors import Priors
from forecast.model.simulate import World, simulate, template_of
from forecast.model.terms import layout_of, named_parameters
from forecast.tables.promises import STATES

OPENED = {"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"}
VAGUE = {"about": "row-0", "kind": "vague", "known_on": "2024-06-01"}
REFUSED = {"about": "row-0", "kind": "refused", "known_on": "2024-10-01"}
#: A row is drawn this often; a share is then known to within 0.005.
COPIES = 20_000
#: Days from the debut of a plain row to the end of its follow-up.
FOLLOWED = 975


def template_with(view_of: Callable[..., pd.DataFrame], row: dict[str, str], *promises: dict[str, str]) -> Design:
    """Segments of one row, copied; an opened one beside it, so that there is something to learn from."""
    view = view_of(row | {"episode_id": "row-0"}, OPENED | {"episode_id": "row-1"}, promises=promises)
    one = template_of(view, "any", programs=True).of_row(0)
    segments = len(one.row)
    copies = one.only(np.tile(np.arange(segments), COPIES))
    return replace(copies, row=np.repeat(np.arange(COPIES), segments))


def world_of(design: Design, priors: Priors, latency: str) -> World:
    """A world with a wide tail of its own."""
    layout = layout_of(design)
    raw = 0.7 * np.random.default_rng(11).normal(size=layout.size)
    return World(raw, priors, layout, latency)


def drawn(template: Design, world: World, seed: int = 3) -> Design:
    return simulate(template, world, np.random.default_rng(seed))


def law(world: World, design: Design, segment: int, times: Callable[..., Any]) -> tuple[np.ndarray, list[Any]]:
    """Chances of never, full and part of a segment, and scipy's law of the days of the latter two."""
    p = world.at(design)
    one = {name: float(np.broadcast_to(v, len(design.row))[segment]) for name, v in vars(p).items()}
    weights = np.exp([0.0, one["odds"], one["odds"] + one["part"]])
    full = times(world.latency, one["time"], 1 / one["shape"], one["tail"])
    sigma = 1 / (one["shape"] * one["part_shape"])
    return weights / weights.sum(), [full, times(world.latency, one["time"] + one["part_time"], sigma, one["tail"])]


def assert_share(found: np.ndarray, expected: float) -> None:
    """A share of the copies, within five standard errors."""
    error = np.sqrt(expected * (1 - expected) / len(found)) + 1e-9
    assert abs(found.mean() - expected) < 5 * error, (found.mean(), expected)


def over_debut(cdf: Callable[[Any], Any], day: float, window: int = 1) -> float:
    """Mean of a CDF so many days after a debut window's start, its day being uniform in it."""
    return float(np.mean(cdf(np.maximum(day - window * (np.arange(400) + 0.5) / 400, 0.0))))


# --- Shares and lags ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize(("precision", "window"), [("day", 1), ("month", 31)])
def test_a_rows_kinds_and_days_have_the_shares_that_scipy_gives_them(
    view_of: Callable[..., pd.DataFrame],
    times: Callable[..., Any],
    priors: Priors,
    latency: str,
    precision: str,
    window: int,
) -> None:
    template = template_with(view_of, {"closed_precision": precision})
    world = world_of(template, priors, latency)
    found = drawn(template, world)
    chances, laws = law(world, template, 0, times)
    # days from the start of the debut's window, which an opening may cut short
    width = np.round((found.end_days[:, 0] - found.end_days[:, 2]) / (NODES[2] - NODES[0]))
    last = np.round(found.end_days[:, 1] + width / 2)
    assert (width <= window).all()
    assert len(found.row) == COPIES
    for kind in (1, 2):
        for day in (10, 40, 120, 400, FOLLOWED):
            by_then = (found.kind == kind) & (last <= day)
            assert_share(by_then, chances[kind] * over_debut(laws[kind - 1].cdf, day, window))
    assert (last[found.kind == 0] == FOLLOWED).all()


def test_an_opening_is_recorded_as_its_day(view_of: Callable[..., pd.DataFrame], priors: Priors) -> None:
    template = template_with(view_of, {"closed_precision": "month"})
    found = drawn(template, world_of(template, priors, "log_logistic"))
    opened = found.only(found.kind > 0)
    late = opened.start_days[:, 2] > 31
    np.testing.assert_allclose((opened.end_days - opened.start_days)[late], 1.0)
    assert (opened.start_days >= 0).all()
    assert (opened.end_days > opened.start_days).all()
    closed = found.only(found.kind == 0)
    np.testing.assert_array_equal(closed.start_days, closed.end_days)


@pytest.mark.parametrize("latency", LATENCIES)
def test_a_promise_comes_to_whoever_is_still_closed_and_starts_a_clock(
    view_of: Callable[..., pd.DataFrame], times: Callable[..., Any], priors: Priors, latency: str
) -> None:
    template = template_with(view_of, {}, VAGUE)
    assert [STATES[s] for s in template.state[:2]] == ["none", "vague"]
    world = world_of(template, priors, latency)
    found = drawn(template, world)
    before, after = found.only(found.state == 0), found.only(found.state == 1)
    chances, laws = law(world, template, 0, times)
    for kind in (1, 2):
        assert_share(before.kind == kind, chances[kind] * over_debut(laws[kind - 1].cdf, 92.5))
    assert sorted(after.row) == sorted(before.row[before.kind == 0])
    assert (before.end_days <= before.only(before.kind == 0).end_days[0] + 1e-9).all()
    chances, laws = law(world, template, 1, times)
    for kind in (1, 2):
        for day in (30.5, 200.5):
            by_then = (after.kind == kind) & (after.end_days[:, 1] <= day + 0.1)
            assert_share(by_then, chances[kind] * float(laws[kind - 1].cdf(day)))


def test_after_a_refusal_the_first_clock_goes_on(
    view_of: Callable[..., pd.DataFrame], times: Callable[..., Any], priors: Priors
) -> None:
    template = template_with(view_of, {}, VAGUE | {"known_on": "2024-02-01"}, REFUSED)
    assert list(template.sign[:3]) == [1, -1, 1]
    world = world_of(template, priors, "burr_xii")
    found = drawn(template, world)
    normaliser = found.only(found.sign < 0)
    last = found.only((found.sign > 0) & (found.state == 0))
    assert list(normaliser.row) == list(last.row)
    chances, laws = law(world, template, 2, times)
    entered, day = 214.0, 400.0  # from the middle of the debut's day to the refusal's noon, and to a later day's end
    alive = chances[0] + sum(c * a_law.sf(entered) for c, a_law in zip(chances[1:], laws, strict=True))
    for kind in (1, 2):
        expected = chances[kind] * (laws[kind - 1].cdf(day) - laws[kind - 1].cdf(entered)) / alive
        assert_share((last.kind == kind) & (last.end_days[:, 1] <= day), float(expected))


@pytest.mark.parametrize("latency", LATENCIES)
def test_a_program_opens_in_its_own_kind_by_the_compile_day(
    view_of: Callable[..., pd.DataFrame], times: Callable[..., Any], priors: Priors, latency: str
) -> None:
    template = template_with(view_of, OPENED | {"domain": "software", "outcome": "opened_partial"})
    assert list(template.sign[:2]) == [1, -1]
    world = world_of(template, priors, latency)
    found = drawn(template, world)
    opened, compiled = found.only(found.sign > 0), found.only(found.sign < 0)
    assert len(opened.row) == len(compiled.row) == COPIES
    assert (found.kind == 2).all()
    _, (_, in_part) = law(world, template, 0, times)
    last = np.round(opened.end_days[:, 1] + 0.5)
    for day in (30, 100, 300, 700):
        assert_share(last <= day, over_debut(in_part.cdf, day) / over_debut(in_part.cdf, FOLLOWED))


# --- The likelihood's own distribution ---------------------------------------------------------------------------


def test_the_mean_likelihood_ratio_of_what_is_drawn_is_one(
    real_view: pd.DataFrame, a_posterior: Posterior, priors: Priors
) -> None:
    """E[L(y; another world) / L(y; this one)] = 1 for y drawn from this one: every row, promise and window."""
    day = real_view.closed_precision != "year"  # three nodes of a year-wide window are no integral
    view = real_view[day].reset_index(drop=True)
    view.attrs = real_view.attrs
    template = template_of(view, "any", programs=True)
    layout, rng = layout_of(template), np.random.default_rng(20260406)
    this = World(0.5 * rng.normal(size=layout.size), priors, layout, "burr_xii")
    another = this.raw + 0.2 * rng.normal(size=layout.size)
    both = replace(a_posterior, raw=np.stack([this.raw, another]), layout=layout, latency=this.latency)
    logs = [episode_loglik(both, simulate(template, this, rng))[1] for _ in range(300)]
    ratios = np.exp([second - first for first, second in logs])
    z = (ratios.mean(axis=0) - 1) / (ratios.std(axis=0) / np.sqrt(len(ratios)) + 1e-9)
    assert abs(ratios.mean() - 1) < 4 * ratios.mean(axis=1).std() / np.sqrt(len(ratios))
    assert np.std(z) == pytest.approx(1, abs=0.25)
    assert ratios.std(axis=0).max() > 0.3  # these worlds are not the same


# --- The template ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("programs", [False, True])
@pytest.mark.parametrize("target", ["any", "full"])
def test_the_template_has_the_segments_of_the_real_design_and_no_opening_of_a_model(
    real_view: pd.DataFrame, target: Any, programs: bool
) -> None:
    real, template = (make(real_view, target, programs) for make in (build_design, template_of))
    for name in ("row", "state", "sign", "with_share", "organization", "no_part"):
        np.testing.assert_array_equal(getattr(template, name), getattr(real, name))
    assert (template.organizations, template.modalities) == (real.organizations, real.modalities)
    assert not template.kind[template.with_share > 0].any()
    models = real.with_share > 0
    assert (template.end_days[models] >= real.end_days[models] - 1e-9).all()
    assert real.kind[models].any()


def test_the_same_seed_draws_the_same(real_view: pd.DataFrame, priors: Priors) -> None:
    template = template_of(real_view, "any")
    world = world_of(template, priors, "weibull")
    one, again, other = (drawn(template, world, seed) for seed in (1, 1, 2))
    assert one.digest() == again.digest() != other.digest()


# --- Recovery at the real size -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_fit_of_the_real_rows_finds_the_world_that_their_outcomes_were_drawn_from(
    real_view: pd.DataFrame, priors: Priors, cache: Path
) -> None:
    template = template_of(real_view, "any")
    layout = layout_of(template)
    world = World(np.random.default_rng(20260406).normal(size=layout.size), priors, layout, "log_logistic")
    design = drawn(template, world)
    arrivals = fit_arrivals(real_view, "any", priors.arrival)
    found = fit(design, arrivals, "any", priors, Settings(latency=world.latency), cache)
    after = replace(world, raw=found.raw)

    truth, posterior = (named_parameters(w.raw, priors) for w in (world, after))
    inside = [np.abs(stats.percentileofscore(posterior[n], truth[n]) - 50) < 45 for n in priors.names]
    assert np.mean(inside) > 0.7, dict(zip(priors.names, inside, strict=True))
    chances = after.opens_by(365.0, template)
    assert np.corrcoef(chances.mean(axis=0), world.opens_by(365.0, template))[0, 1] > 0.8
    assert chances.std(axis=0).mean() < 0.15  # it has learnt something: a draw of the prior is less certain
