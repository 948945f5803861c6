"""The compiled model: the same number as NumPy and as formulas written by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytest
from scipy import integrate, special

from forecast.model.blocks import SORTS, Block, block_of, point_loglik, readings
from forecast.model.build import build_model, model_data
from forecast.model.design import Design, build_design
from forecast.model.latency import LATENCIES
from forecast.model.likelihood import NODE_WEIGHTS
from forecast.model.pointwise import episode_loglik
from forecast.model.posterior import Posterior
from forecast.model.priors import Priors, parameter_names
from forecast.model.terms import Layout, layout_of, predictors, terms_of
from forecast.tables.episodes import read_episodes

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


def in_numpy(raw: np.ndarray, design: Design, priors: Priors, latency: str, blocks: dict[str, Block]) -> np.ndarray:
    """Log-likelihood of every row, read at the points of some blocks: the nodes of its debut day are summed last."""
    alone = np.zeros(design.row.max() + 1)
    at_nodes = np.zeros((len(alone), 3))
    for sort, block in blocks.items():
        p = predictors(raw, terms_of(design, block.segment, layout_of(design)), priors.location, priors.scale)
        loglik = point_loglik(readings(design, block, sort), p, LATENCIES[latency], sort) * design.sign[block.segment]
        row, wide = design.row[block.segment], slice(3 * len(block.first))
        np.add.at(alone, row[block.narrow], loglik[block.narrow])
        np.add.at(at_nodes, (row[wide], block.node[wide]), loglik[wide])
    return alone + special.logsumexp(at_nodes, axis=1, b=NODE_WEIGHTS)


def its_blocks(design: Design) -> dict[str, Block]:
    return {sort: block_of(design, sort) for sort in SORTS}


def three_nodes(design: Design) -> dict[str, Block]:
    """Blocks with three nodes for every segment, whether its debut window is wide or narrow."""
    sorts = {"opened": np.flatnonzero(design.kind > 0), "survived": np.flatnonzero(design.kind == 0)}
    return {
        sort: Block(np.repeat(mine, 3), np.tile(np.arange(3), len(mine)), 3 * np.arange(len(mine)))
        for sort, mine in sorts.items()
    }


@pytest.fixture(scope="module", params=[(t, n) for t in ("any", "full") for n in LATENCIES], ids="-".join)
def real(request: pytest.FixtureRequest, real_view: pd.DataFrame, priors: Priors) -> tuple[Design, str, Loglik]:
    target, latency = request.param
    design = build_design(real_view, target, programs=True)
    return design, latency, compiled(design, priors, latency)


@pytest.fixture
def vectors(real: tuple[Design, str, Loglik]) -> np.ndarray:
    """The prior's centre, draws from it, and draws twice as far out (none so far that a chance is 0)."""
    rng, size = np.random.default_rng(8), layout_of(real[0]).size
    return np.vstack([np.zeros(size), rng.normal(size=(3, size)), 2 * rng.normal(size=(2, size))])


def test_pytensor_and_numpy_give_the_same_log_likelihood(
    real: tuple[Design, str, Loglik], vectors: np.ndarray, priors: Priors
) -> None:
    design, latency, loglik = real
    for raw in vectors:
        expected = in_numpy(raw, design, priors, latency, its_blocks(design)).sum()
        assert loglik(raw)[0] == pytest.approx(expected, rel=1e-9)


def test_the_episodes_log_likelihoods_add_up_to_the_models(
    real: tuple[Design, str, Loglik], vectors: np.ndarray, priors: Priors, a_posterior: Posterior
) -> None:
    design, latency, loglik = real
    drawn = replace(a_posterior, raw=vectors, layout=layout_of(design), latency=latency)
    rows, found = episode_loglik(drawn, design)
    assert found.shape == (len(vectors), len(rows))
    np.testing.assert_allclose(found.sum(axis=1), [loglik(raw)[0] for raw in vectors], rtol=1e-9)
    for raw, by_episode in zip(vectors, found, strict=True):
        by_row = in_numpy(raw, design, priors, latency, its_blocks(design))
        np.testing.assert_allclose(by_episode, by_row[rows], rtol=1e-9, atol=1e-9)


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
    centre = np.zeros(layout_of(design).size)
    found, in_full = (in_numpy(centre, design, priors, latency, of(design)) for of in (its_blocks, three_nodes))
    # some rows lie far out in the lightest tail, where chances change fast over a debut's window
    of_a_row, of_all = (0.04, 0.5) if latency == "weibull" else (0.01, 0.05)
    np.testing.assert_allclose(found, in_full, atol=of_a_row)
    assert loglik(centre)[0] == pytest.approx(in_full.sum(), abs=of_all)


# --- The blocks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("programs", [True, False])
@pytest.mark.parametrize("target", ["any", "full"])
def test_every_segment_stands_in_one_block_with_the_nodes_it_needs(
    real_view: pd.DataFrame, target: str, programs: bool
) -> None:
    design = build_design(real_view, target, programs)
    blocks = its_blocks(design)
    once = [np.concatenate([block.segment[block.first], block.segment[block.narrow]]) for block in blocks.values()]
    assert sorted(np.concatenate(once)) == list(range(len(design.row)))
    width = design.end_days.max(axis=1) - design.end_days.min(axis=1)
    wide = width > 0.1 * design.start_days.mean(axis=1)
    for sort, block in blocks.items():
        assert set(design.kind[block.segment] > 0) == {sort == "opened"}
        three, one = block.segment[block.first], block.segment[block.narrow]
        assert len(three) > 0
        assert len(one) > 0
        nodes = [(i, node) for i in (*three, *one) for node in ((0, 1, 2) if wide[i] else (1,))]
        assert list(zip(block.segment, block.node, strict=True)) == nodes
        assert wide[three].all()


def test_the_model_is_told_every_sign_once_and_the_row_of_every_wide_debut_window(
    real_view: pd.DataFrame, priors: Priors
) -> None:
    design = build_design(real_view, "any", programs=True)
    data, blocks = model_data(design, priors, layout_of(design)), its_blocks(design)
    wide = {sort: block.segment[block.first] for sort, block in blocks.items()}
    rows = np.unique(design.row[np.concatenate(list(wide.values()))])
    np.testing.assert_array_equal(data["wide"], np.zeros(len(rows)))
    for sort, block in blocks.items():
        mine = {name.removeprefix(f"{sort}_"): value for name, value in data.items() if name.startswith(sort)}
        points = 3 * len(block.first)
        assert not mine["alone"][:points].any()
        np.testing.assert_array_equal(mine["alone"][points:], design.sign[block.segment[points:]])
        np.testing.assert_array_equal(mine["first"], np.arange(0, points, 3))
        np.testing.assert_array_equal(mine["sign"], design.sign[wide[sort]])
        np.testing.assert_array_equal(rows[mine["place"]], design.row[wide[sort]])
        by_point = {len(value) for name, value in mine.items() if name not in ("first", "sign", "place")}
        assert by_point == {len(block.segment)}
        assert -1 in mine["alone"]


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
    named["a program, too"] = view_of(OPENED, OPENED | {"episode_id": "program", "domain": "software"})
    return {name: build_design(view, "any", programs=True) for name, view in named.items()}


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


def written_by_hand(family: Callable[..., Any], latency: str, tail: float) -> float:
    """Log-likelihood of the rows above at the priors' centres: days counted from the first possible debut."""

    def times(state: str, due: float = 1.0, more: float = 0.0) -> Any:
        return family(latency, TIME[state] + np.log(due) + more, SPREAD[state], tail)

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
    view_of: Callable[..., pd.DataFrame], times: Callable[..., Any], priors: Priors, latency: str
) -> None:
    """At the priors' centres, but for the tail: one standard deviation above, where no two families are the same."""
    view = view_of(*(row | {"episode_id": f"row-{i}"} for i, row in enumerate(ROWS)), promises=PROMISES)
    stated = {group: {s: priors.by_name[f"{group}.{s}"].location for s in ODDS} for group in ("odds", "time")}
    assert stated == {"odds": ODDS, "time": TIME}
    design = build_design(view, "any", programs=True)
    raw = np.zeros(layout_of(design).size)
    raw[parameter_names().index("tail.k")] = 1.0
    found = compiled(design, priors, latency)(raw)[0]
    assert found == pytest.approx(written_by_hand(times, latency, np.exp(0.7)), abs=2e-3)


def test_blocks_read_the_days_at_which_the_segment_starts_and_ends(view_of: Callable[..., pd.DataFrame]) -> None:
    rows = (OPENED, OPENED | {"outcome": "opened_partial", "episode_id": "part"}, {"episode_id": "closed"})
    design = build_design(view_of(*rows), "any")
    opened, survived = (readings(design, block, sort) for sort, block in its_blocks(design).items())
    expected = {"log_start": np.log([192.5] * 2), "log_end": np.log([193.5] * 2), "part": [0, 1], "with_share": [1, 1]}
    assert opened.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(opened[name], value, err_msg=name)
    assert survived.keys() == {"log_end"}
    np.testing.assert_allclose(survived["log_end"], np.log([974.5]))
