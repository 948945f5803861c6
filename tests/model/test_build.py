"""The compiled model: the same number as NumPy and as formulas written by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytest
from scipy import integrate, stats

from forecast.model.build import Grid, build_model, model_data, node_grid, points_of
from forecast.model.design import Design, build_design
from forecast.model.latency import LATENCIES
from forecast.model.likelihood import Points, average_nodes, point_loglik
from forecast.model.priors import Priors
from forecast.model.terms import Layout, layout_of, predictors, terms_of
from forecast.tables.episodes import read_episodes

TIMES = {
    "log_logistic": lambda mu, sigma: stats.fisk(1 / sigma, scale=np.exp(mu)),
    "log_normal": lambda mu, sigma: stats.lognorm(sigma, scale=np.exp(mu)),
}
Loglik = Callable[[np.ndarray], list[np.ndarray]]


def compiled(design: Design, priors: Priors, latency: str) -> Loglik:
    """Log-likelihood of the PyMC model and its gradient, without the standard normals' own density."""
    layout = layout_of(design)
    return loglik_of(build_model(model_data(design, priors, layout), latency, layout.size))


def loglik_of(model: pm.Model) -> Loglik:
    """Log-likelihood and gradient, compiled without optimisation."""
    [total] = model.replace_rvs_by_values(model.potentials)
    [raw] = model.value_vars
    return pytensor.function([raw], [total, pytensor.grad(total, raw)], mode="FAST_COMPILE")


def in_numpy(raw: np.ndarray, design: Design, priors: Priors, latency: str) -> np.ndarray:
    """Log-likelihood of every segment, whether its debut window is wide or narrow, with three nodes."""
    every = np.repeat(np.arange(len(design.row)), 3)
    grid = Grid(every, np.tile(np.arange(3), len(design.row)), (0, 0), (0, 0), every)
    p = predictors(raw, terms_of(design, every, layout_of(design)), priors.location, priors.scale)
    loglik = point_loglik(points_of(design, grid), p, LATENCIES[latency])
    return average_nodes(loglik.reshape(-1, 3)) * design.sign


def over_the_grid(raw: np.ndarray, design: Design, priors: Priors, latency: str) -> np.ndarray:
    """Log-likelihood of every segment in the order of the model's own grid, before its sign."""
    grid = node_grid(design)
    p = predictors(raw, terms_of(design, grid.segment, layout_of(design)), priors.location, priors.scale)
    loglik = point_loglik(points_of(design, grid), p, LATENCIES[latency])
    ends = np.cumsum([3 * grid.opened[0], grid.opened[1], 3 * grid.survived[0]])
    opened, opened_singles, survived, survived_singles = np.split(loglik, ends)
    opened, survived = (average_nodes(part.reshape(-1, 3)) for part in (opened, survived))
    return np.concatenate([opened, opened_singles, survived, survived_singles])


@pytest.fixture(scope="module", params=[(t, n) for t in ("any", "full") for n in LATENCIES], ids="-".join)
def real(request: pytest.FixtureRequest, real_view: pd.DataFrame, priors: Priors) -> tuple[Design, str, Loglik]:
    target, latency = request.param
    design = build_design(real_view, target)
    return design, latency, compiled(design, priors, latency)


@pytest.fixture
def vectors(real: tuple[Design, str, Loglik]) -> np.ndarray:
    """The prior's centre, draws from it, and draws three times as far out."""
    rng, size = np.random.default_rng(20260406), layout_of(real[0]).size
    return np.vstack([np.zeros(size), rng.normal(size=(3, size)), 3 * rng.normal(size=(2, size))])


def test_pytensor_and_numpy_give_the_same_log_likelihood(
    real: tuple[Design, str, Loglik], vectors: np.ndarray, priors: Priors
) -> None:
    design, latency, loglik = real
    sign = design.sign[node_grid(design).order]
    for raw in vectors:
        expected = over_the_grid(raw, design, priors, latency) @ sign
        assert loglik(raw)[0] == pytest.approx(expected, rel=1e-9)


def test_the_gradient_is_finite_and_that_of_the_likelihood(
    real: tuple[Design, str, Loglik], vectors: np.ndarray
) -> None:
    _, _, loglik = real
    for raw, direction in zip(vectors, vectors[[1, 2, 3, 1, 2, 3]], strict=True):
        gradient = loglik(raw)[1]
        step = 1e-6 * direction
        slope = (loglik(raw + step)[0] - loglik(raw - step)[0]) / 2e-6
        assert np.isfinite(gradient).all()
        assert gradient @ direction == pytest.approx(slope, rel=1e-4, abs=1e-3)


def test_places_of_no_member_do_not_move_the_likelihood(real: tuple[Design, str, Loglik], vectors: np.ndarray) -> None:
    design, _, loglik = real
    layout = layout_of(design)
    spare = [layout.start("organization_time") + len(design.organizations)]
    spare += [layout.start("modality_odds") + len(design.modalities), layout.size - 1]
    gradient = loglik(vectors[1])[1]
    assert (gradient[spare] == 0).all()
    assert np.count_nonzero(gradient) > len(design.organizations)


def test_narrow_debut_windows_lose_little_by_their_middle(real: tuple[Design, str, Loglik], priors: Priors) -> None:
    design, latency, loglik = real
    centre, order = np.zeros(layout_of(design).size), node_grid(design).order
    found = over_the_grid(centre, design, priors, latency) * design.sign[order]
    in_full = in_numpy(centre, design, priors, latency)
    np.testing.assert_allclose(found, in_full[order], atol=0.01)
    assert loglik(centre)[0] == pytest.approx(in_full.sum(), abs=0.05)


# --- The grid ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["any", "full"])
def test_every_segment_stands_in_the_grid_once_with_the_nodes_it_needs(real_view: pd.DataFrame, target: str) -> None:
    design = build_design(real_view, target)
    grid = node_grid(design)
    assert sorted(grid.order) == list(range(len(design.row)))
    width = design.end_days.max(axis=1) - design.end_days.min(axis=1)
    wide = width > 0.1 * design.start_days.mean(axis=1)
    nodes = [(i, node) for i in grid.order for node in ((0, 1, 2) if wide[i] else (1,))]
    assert list(zip(grid.segment, grid.node, strict=True)) == nodes
    assert len(nodes) > len(design.row) > wide.sum() > 0


@pytest.mark.parametrize("target", ["any", "full"])
def test_openings_stand_before_survived_segments_and_wide_debut_windows_before_narrow_ones(
    real_view: pd.DataFrame, target: str
) -> None:
    design = build_design(real_view, target)
    grid = node_grid(design)
    wide = np.bincount(grid.segment)[grid.order] == 3
    sorts = list(zip(design.kind[grid.order] > 0, wide, strict=True))
    assert sorts == sorted(sorts, reverse=True)
    assert [sorts.count(s) for s in ((True, True), (True, False), (False, True), (False, False))] == [
        *grid.opened,
        *grid.survived,
    ]
    assert min(*grid.opened, *grid.survived) > 0


def test_the_model_is_told_where_each_sort_of_points_ends_and_every_sign(
    real_view: pd.DataFrame, priors: Priors
) -> None:
    design = build_design(real_view, "any")
    grid, data = node_grid(design), model_data(design, priors, layout_of(design))
    opened = design.kind[grid.segment] > 0
    three = np.bincount(grid.segment)[grid.segment] == 3
    counts = {"openings": opened, "opened_triples": opened & three, "survived_triples": ~opened & three}
    assert {name: int(data[name]) for name in counts} == {name: which.sum() for name, which in counts.items()}
    np.testing.assert_array_equal(data["sign"], design.sign[grid.order])
    by_segment = {"sign", "location", "scale", *counts}
    assert {len(value) for name, value in data.items() if name not in by_segment} == {len(grid.segment)}


# --- Another table -----------------------------------------------------------------------------------------------


OPENED = {"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"}
MONTH = {"closed_precision": "month"}


@pytest.fixture(scope="module")
def tables(real_data: Path, view_of: Callable[..., pd.DataFrame]) -> dict[str, Design]:
    """Two days' tables, and little ones in which some sort of segments is missing."""
    named = {
        day: read_episodes(real_data / "episodes.csv", dt.date.fromisoformat(day))
        for day in ("2023-07-01", "2026-07-01")
    }
    named["one opening"] = view_of(OPENED)
    named["openings in a month"] = view_of(*(OPENED | MONTH | {"episode_id": f"row-{i}"} for i in range(3)))
    return {name: build_design(view, "any") for name, view in named.items()}


@pytest.fixture(scope="module")
def layout(tables: dict[str, Design]) -> Layout:
    """One with places for the members of every table."""
    return max((layout_of(design) for design in tables.values()), key=lambda layout: layout.size)


@pytest.fixture(scope="module")
def built_on(tables: dict[str, Design], priors: Priors, layout: Layout) -> dict[str, list[np.ndarray]]:
    """Log-likelihood and gradient of a model built on each table."""
    raw = np.random.default_rng(20260406).normal(size=layout.size)
    return {
        name: loglik_of(build_model(model_data(design, priors, layout), "log_logistic", layout.size))(raw)
        for name, design in tables.items()
    }


@pytest.mark.parametrize("first", ["2023-07-01", "2026-07-01", "one opening"])
def test_a_compiled_model_that_is_given_another_table_is_the_one_built_on_it(
    tables: dict[str, Design],
    built_on: dict[str, list[np.ndarray]],
    layout: Layout,
    priors: Priors,
    first: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = np.random.default_rng(20260406).normal(size=layout.size)
    model = build_model(model_data(tables[first], priors, layout), "log_logistic", layout.size)
    loglik = loglik_of(model)
    monkeypatch.setattr(pytensor, "function", None)  # from here on nothing can be compiled
    for name in [first, *tables, first]:
        pm.set_data(model_data(tables[name], priors, layout), model=model)
        total, gradient = loglik(raw)
        assert total == pytest.approx(built_on[name][0], rel=1e-12)
        np.testing.assert_allclose(gradient, built_on[name][1], rtol=1e-9, atol=1e-12)


def test_no_two_of_these_tables_have_the_same_log_likelihood(built_on: dict[str, list[np.ndarray]]) -> None:
    assert len({float(total) for total, _ in built_on.values()}) == len(built_on)


# --- Written by hand ---------------------------------------------------------------------------------------------

#: The priors' centres, as the file states them; a plain row is the reference but for its traits, which weigh 0.
ODDS = {"none": -0.5, "vague": 0.5, "dated": 1.0}
TIME = {"none": 4.5, "vague": 4.0, "dated": 0.0}
SPREAD = {"none": 1.0, "vague": 1.0, "dated": 0.5}
PART = -1.5
ROWS: tuple[dict[str, str], ...] = (
    OPENED,
    {},
    OPENED | {"outcome": "opened_partial"},
    OPENED | MONTH,
    MONTH,
    OPENED | {"domain": "software"},
    {},  # promised for a day
    {},  # a promise in force at the debut, refused later
)
PROMISES = (
    {"about": "row-6", "kind": "dated", "known_on": "2024-04-10", "due_to": "2024-08-31"},
    {"about": "row-7", "known_on": "2024-02-01"},
    {"about": "row-7", "kind": "refused", "known_on": "2024-06-10"},
)


def written_by_hand(latency: str) -> float:
    """Log-likelihood of the rows above at the priors' centres: days counted from the first possible debut."""

    def times(state: str, due: float = 1.0, more: float = 0.0) -> Any:
        return TIMES[latency](TIME[state] + np.log(due) + more, SPREAD[state])

    def chances(state: str) -> np.ndarray:
        weights = np.exp([ODDS[state], ODDS[state] + PART, 0])
        return weights / weights.sum()

    def alive(t: float, state: str = "none", due: float = 1.0) -> float:
        *ever, never = chances(state)
        return never + sum(ever) * times(state, due).sf(t)

    def over(window: float, chance: Callable[[float], float]) -> float:
        return np.log(integrate.quad(chance, 0, window, epsabs=0, epsrel=1e-9)[0] / window)

    full, part, _ = chances("none")
    t, program = times("none"), times("none", more=1.5)
    return sum(
        [
            over(1, lambda p: full * (t.cdf(194 - p) - t.cdf(193 - p))),
            over(1, lambda p: alive(975 - p)),
            over(1, lambda p: part * (t.cdf(194 - p) - t.cdf(193 - p))),
            over(31, lambda p: full * (t.cdf(194 - p) - t.cdf(193 - p))),
            over(31, lambda p: alive(975 - p)),
            over(1, lambda p: program.cdf(194 - p) - program.cdf(193 - p)) - over(1, lambda p: program.cdf(975 - p)),
            over(1, lambda p: alive(40.5 - p)) + np.log(alive(934.5, "dated", due=143.5)),
            over(1, lambda p: alive(101.5 - p, "vague") * alive(975 - p) / alive(101.5 - p)),
        ]
    )


@pytest.mark.parametrize("latency", LATENCIES)
def test_the_log_likelihood_of_a_little_table_is_that_written_by_hand(
    view_of: Callable[..., pd.DataFrame], priors: Priors, latency: str
) -> None:
    view = view_of(*(row | {"episode_id": f"row-{i}"} for i, row in enumerate(ROWS)), promises=PROMISES)
    stated = {group: {s: priors.by_name[f"{group}.{s}"].location for s in ODDS} for group in ("odds", "time")}
    assert stated == {"odds": ODDS, "time": TIME}
    design = build_design(view, "any")
    found = compiled(design, priors, latency)(np.zeros(layout_of(design).size))[0]
    assert found == pytest.approx(written_by_hand(latency), abs=2e-3)


def test_points_read_survival_where_the_segment_starts_and_ends(view_of: Callable[..., pd.DataFrame]) -> None:
    rows = (OPENED, OPENED | {"outcome": "opened_partial", "episode_id": "part"}, {"episode_id": "closed"})
    design = build_design(view_of(*rows), "any")
    points = points_of(design, Grid(np.arange(3), np.ones(3, int), (0, 2), (0, 1), np.arange(3)))
    expected = Points(
        log_start=np.log([192.5, 192.5, 974.5]),
        log_end=np.log([193.5, 193.5, 974.5]),
        start_part=[0, 1, 0],
        end_part=[0, 1, 1],
        opened=[1, 1, 0],
        with_share=[1, 1, 1],
    )
    for name, value in vars(expected).items():
        np.testing.assert_allclose(getattr(points, name), value, err_msg=name)
