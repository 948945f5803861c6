"""Simulation-based calibration: right draws have uniform ranks, wrong ones are caught, failed fits are told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.calibration import LOGLIK, Fit, Simulation, Study, run_one, summarise, verdict
from benchmarks.ranks import RANKED, uniformity
from forecast.errors import FitError
from forecast.model.fit import SERIES
from forecast.model.latency import LATENCIES
from forecast.model.posterior import Posterior
from forecast.model.priors import Priors
from forecast.model.simulate import World, template_of
from forecast.model.terms import layout_of

ROOT = Path(__file__).resolve().parents[2]
OPENED = {"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"}
PROMISES = (
    {"about": "row-1", "kind": "vague", "known_on": "2024-06-01"},
    {"about": "row-2", "kind": "dated", "known_on": "2024-06-01", "due_to": "2024-12-31"},
)
SIMULATIONS = 80
#: Of the answers that other tests ask for, so that the pilot is in the cache already.
AS_OF = "2026-11-25"


def rows(count: int) -> list[dict[str, str]]:
    """Models of three organisations, every other one opened."""
    return [
        (OPENED if n % 2 == 0 else {}) | {"episode_id": f"row-{n}", "organization": ("Acme", "Beta", "Cargo")[n % 3]}
        for n in range(count)
    ]


# --- The test of ranks -------------------------------------------------------------------------------------------


def test_uniform_ranks_leave_the_bands_as_often_as_they_should() -> None:
    p_value, rng = uniformity(100, sets=4000), np.random.default_rng(1)
    found = np.array([p_value(rng.integers(0, RANKED + 1, 100)) for _ in range(400)])
    for level in (0.05, 0.2, 0.5):
        assert (found <= level).mean() == pytest.approx(level, abs=0.08)


@pytest.mark.parametrize(("a", "b"), [(2.0, 1.0), (1.0, 2.0), (0.5, 0.5), (3.0, 3.0)])
def test_ranks_of_a_shifted_too_narrow_or_too_wide_posterior_are_caught(a: float, b: float) -> None:
    ranks = (np.random.default_rng(2).beta(a, b, 100) * (RANKED + 1)).astype(int)
    assert uniformity(100, sets=4000)(ranks) < 0.01


# --- Fits in whose place draws stand ------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["log_logistic", "burr_xii"])
def study(request: pytest.FixtureRequest, view_of: Callable[..., pd.DataFrame], priors: Priors) -> Study:
    template = template_of(view_of(*rows(12), promises=PROMISES), "any")
    layout = layout_of(template)
    world = World(np.zeros(layout.size), priors, layout, request.param)
    nothing: Any = None
    return Study(template, world, nothing, nothing, replace(SERIES, latency=request.param), Path())


@pytest.fixture(scope="module")
def of_prior(a_posterior: Posterior) -> Callable[..., Fit]:
    """A fit that ignores the outcomes: draws from the prior, shifted and stretched."""

    def fit_of(shift: float = 0.0, stretch: float = 1.0) -> Fit:
        def fit_to(study: Study, _: Any, seed: int) -> Posterior:
            raw = np.random.default_rng(seed + 10**6).normal(shift, stretch, (400, study.world.layout.size))
            return replace(a_posterior, raw=raw, layout=study.world.layout, latency=study.world.latency)

        return fit_to

    return fit_of


def done(study: Study, fit_to: Fit) -> list[Simulation]:
    return [run_one(study, number, fit_to) for number in range(SIMULATIONS)]


def test_draws_of_the_prior_are_right_for_parameters_and_wrong_for_the_data(
    study: Study, of_prior: Callable[..., Fit]
) -> None:
    table = summarise(done(study, of_prior()), uniform_sets=2000).set_index("quantity")
    of_data = table.loc[LOGLIK]
    parameters = table.drop(index=LOGLIK)
    assert of_data.p_value < 0.001
    assert (parameters.p_value < 0.05).mean() < 0.15
    assert (parameters.p_value * len(parameters)).min() > 0.01
    assert parameters.z.abs().max() < 4
    # their variance is that of the prior: nothing was learnt
    named = parameters[~parameters.index.str.contains(r"^p365|spread|scale|tail")]
    assert named.contraction.abs().max() < 0.6
    assert (table.simulations == SIMULATIONS).all()
    assert not table.failed.any()
    assert ("tail.k" in table.index) == (study.world.latency == "burr_xii")
    assert {"p365.none", "p365.vague", "p365.dated"} < set(table.index)


@pytest.mark.parametrize(("shift", "stretch"), [(0.8, 1.0), (0.0, 0.4), (0.0, 2.0)])
def test_shifted_or_stretched_draws_are_caught_in_every_parameter(
    study: Study, of_prior: Callable[..., Fit], shift: float, stretch: float
) -> None:
    table = summarise(done(study, of_prior(shift, stretch)), uniform_sets=2000)
    parameters = table[~table.quantity.str.contains("p365|log_likelihood")]
    assert parameters.p_value.max() < 0.01
    if shift:
        assert parameters.z.max() < -3


def test_a_failed_fit_is_listed_and_counted(study: Study, of_prior: Callable[..., Fit]) -> None:
    def sometimes(study: Study, design: Any, seed: int) -> Posterior:
        if seed % 4 == 0:
            raise FitError("did not converge")
        return of_prior()(study, design, seed)

    all_ = done(study, sometimes)
    table = summarise(all_, uniform_sets=500)
    told = verdict(all_, table)
    assert set(table.failed) == {SIMULATIONS // 4}
    assert set(table.simulations) == {SIMULATIONS - SIMULATIONS // 4}
    assert len(told["failed_fits"]) == SIMULATIONS // 4
    assert set(told["failed_fits"].values()) == {"did not converge"}
    none = [Simulation(n, {}, {}, {}, "did not converge") for n in range(3)]
    assert verdict(none, summarise(none))["failed_fits"] == dict.fromkeys("012", "did not converge")


def test_a_simulation_is_the_same_each_time_and_unlike_the_next(study: Study, of_prior: Callable[..., Fit]) -> None:
    one, again, other = (run_one(study, number, of_prior()) for number in (0, 0, 1))
    assert one == again
    assert one.truths != other.truths


# --- The command -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_leaves_a_table_and_what_it_was_made_from(tmp_path: Path, cache: Path) -> None:
    out = tmp_path / "results" / "calibration.csv"
    command = [sys.executable, "-m", "benchmarks.calibration", "--simulations", "2", "--as-of", AS_OF]
    environment = os.environ | {"FORECAST_CACHE": str(cache)}
    ran = subprocess.run(
        [*command, "--out", str(out)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    table, told = pd.read_csv(out), json.loads(out.with_suffix(".json").read_text())
    assert (table.simulations + table.failed == 2).all()
    assert len(told["failed_fits"]) == table.failed.iloc[0] < 2
    ranks = table.ranks_by_tenth.str.split().map(lambda counts: [int(n) for n in counts])
    assert {(len(counts), sum(counts)) for counts in ranks} == {(10, table.simulations.iloc[0])}
    assert table.p_value.between(0, 1).all()
    assert told["settings"]["latency"] in LATENCIES
    assert told["quantities"] == len(table) > 40
    assert {len(told["inputs"][name]) for name in ("data", "priors", "code", "benchmark")} == {64}
