"""The compiled sampler: one compilation for all tables, no memory of the last one, a metric that changes no answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from arviz_stats.base import array_stats

from forecast.model import sampler as module
from forecast.model.build import model_data
from forecast.model.design import Design, build_design
from forecast.model.priors import Priors
from forecast.model.sampler import Chains, Metric, Sampler, sampler_for
from forecast.model.terms import Layout, layout_of
from forecast.tables.episodes import read_episodes

Data = dict[str, np.ndarray]
OPENED = {"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"}
#: A handful of draws: they tell whether two runs are the same, and nothing else.
FEW: dict[str, Any] = {"chains": 2, "tune": 20, "draws": 20, "target_accept": 0.85, "seed": 20260406}
#: Places for two organisations and two modalities, and one to spare.
SMALL = Layout(organizations=3, modalities=3)


def metric_of(size: int, seed: int) -> Metric:
    """Strong correlations and standard deviations from a half to two, from nowhere; starts far from the middle."""
    rng = np.random.default_rng(seed)
    factor, sd = rng.normal(size=(size, size)), np.exp(rng.uniform(-np.log(2), np.log(2), size))
    covariance = factor @ factor.T / size + 0.2 * np.eye(size)
    return Metric(3 * rng.choice([-1.0, 1.0], size=(2, size)), covariance * sd[:, None] * sd)


# --- One sampler a family and a size -----------------------------------------------------------------------------


class Recorder:
    """In a sampler's place: what it was built with and given."""

    def __init__(self, latency: str, size: int, data: Any) -> None:
        self.built, self.given = (latency, size), []

    def load(self, data: Any) -> None:
        self.given.append(data)


def test_a_family_and_a_size_have_one_sampler_which_holds_the_last_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SAMPLERS", {})
    monkeypatch.setattr(module, "Sampler", Recorder)
    asked = [("log_logistic", 65), ("log_normal", 65), ("log_logistic", 97)]
    first = [sampler_for(*key, "a table") for key in asked]
    again = [sampler_for(*key, "another") for key in asked]
    assert [id(sampler) for sampler in again] == [id(sampler) for sampler in first]
    assert [sampler.built for sampler in first] == asked
    assert [sampler.given[-1] for sampler in first] == ["another"] * 3


# --- The same draws ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def days(real_data: Path) -> dict[str, Design]:
    """The real table on two days."""
    return {
        day: build_design(read_episodes(real_data / "episodes.csv", dt.date.fromisoformat(day)), "any")
        for day in ("2022-06-01", "2022-12-01")
    }


@pytest.fixture(scope="module")
def layout(days: dict[str, Design]) -> Layout:
    return layout_of(days["2022-12-01"])


@pytest.fixture(scope="module")
def tables(days: dict[str, Design], layout: Layout, priors: Priors) -> dict[str, Data]:
    return {day: model_data(design, priors, layout) for day, design in days.items()}


@pytest.fixture(scope="module")
def sampler(tables: dict[str, Data], layout: Layout) -> Sampler:
    return Sampler("log_logistic", layout.size, tables["2022-12-01"])


@pytest.fixture(params=[False, True], ids=["without a metric", "with one"])
def metric(request: pytest.FixtureRequest, layout: Layout) -> Metric | None:
    return metric_of(layout.size, seed=1) if request.param else None


@pytest.fixture(scope="module")
def fresh(tables: dict[str, Data], layout: Layout) -> Sampler:
    """A sampler that meets the first day's table and no other."""
    return Sampler("log_logistic", layout.size, tables["2022-06-01"])


def machine_codes(sampler: Sampler) -> int:
    """How many versions of the density Numba has made: another one for other types or orders of the data."""
    return len(sampler._density._pytensor_function.vm.jit_fn.signatures)


@pytest.mark.slow
def test_the_density_is_compiled_once_for_all_tables_and_runs(
    sampler: Sampler, tables: dict[str, Data], layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine_codes(sampler) == 1  # before any chain is forked
    monkeypatch.setattr(pm.Model, "logp_dlogp_function", None)  # from here on no density can be compiled
    learnt = metric_of(layout.size, seed=1)
    for day, metric in [("2022-06-01", None), ("2022-12-01", learnt), ("2022-06-01", learnt)]:
        sampler.load(tables[day])
        sampler.run(**FEW, metric=metric, cores=1)
        assert sampler.compilations == machine_codes(sampler) == 1


@pytest.mark.slow
def test_draws_do_not_depend_on_the_number_of_processes(
    sampler: Sampler, tables: dict[str, Data], metric: Metric | None
) -> None:
    sampler.load(tables["2022-06-01"])
    one, two = (sampler.run(**FEW, metric=metric, cores=cores) for cores in (1, 2))
    np.testing.assert_array_equal(one.raw, two.raw)
    assert one.divergences == two.divergences


@pytest.mark.slow
@pytest.mark.parametrize("cores", [1, 2])
def test_draws_do_not_depend_on_tables_and_metrics_met_before(
    sampler: Sampler, fresh: Sampler, tables: dict[str, Data], layout: Layout, metric: Metric | None, cores: int
) -> None:
    other = None if metric else metric_of(layout.size, seed=2)
    expected = fresh.run(**FEW, metric=metric, cores=cores)
    sampler.load(tables["2022-12-01"])
    between = [sampler.run(**FEW, metric=m, cores=cores) for m in (metric, other)]
    sampler.load(tables["2022-06-01"])
    found = [sampler.run(**FEW, metric=metric, cores=cores) for _ in range(2)]
    for chains in found:
        np.testing.assert_array_equal(chains.raw, expected.raw)
    for chains in between:
        assert not np.array_equal(chains.raw, expected.raw)


@pytest.mark.slow
def test_chains_seeds_and_metrics_differ_and_progress_is_told_up_to_the_end(
    sampler: Sampler, tables: dict[str, Data], layout: Layout, metric: Metric | None
) -> None:
    sampler.load(tables["2022-06-01"])
    told: list[tuple[int, int]] = []
    one = sampler.run(**FEW, metric=metric, progress=lambda *done: told.append(done))
    assert told == [(50, 80), (80, 80)]
    assert one.raw.shape == (2, 20, layout.size)
    assert (one.raw[0] != one.raw[1]).all()
    starts = np.zeros((2, layout.size)) if metric is None else metric.starts
    stretched = Metric(starts, metric_of(layout.size, seed=2).covariance)
    others = [sampler.run(**FEW | {"seed": 1}, metric=metric), sampler.run(**FEW, metric=stretched)]
    for other in others:
        assert (other.raw[:, -1] != one.raw[:, -1]).all()


# --- The same answers --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def little(view_of: Callable[..., pd.DataFrame], priors: Priors) -> Sampler:
    """A sampler on sixteen models of two organisations, opened in full, in part or not."""
    kinds = [OPENED, OPENED | {"outcome": "opened_partial"}, {}, {"closed_precision": "month"}]
    rows = [
        kinds[i % 4] | {"episode_id": f"row-{i}", "organization": ("Acme", "Beta")[i // 8], "closed_on": closed}
        for i, closed in enumerate(f"2024-0{1 + i % 8}-0{1 + i // 8}" for i in range(16))
    ]
    design = build_design(view_of(*rows), "any")
    assert (len(design.organizations), design.n_opened) == (2, 8)
    return Sampler("log_logistic", SMALL.size, model_data(design, priors, SMALL))


@pytest.mark.slow
def test_chains_start_where_the_metric_says_and_move_as_far_as_it_says(little: Sampler) -> None:
    starts = np.random.default_rng(1).normal(size=(2, SMALL.size))
    still = np.full(SMALL.size, 1e-12)
    still[3] = 1.0
    chains = little.run(**FEW | {"tune": 0, "draws": 2}, metric=Metric(starts, np.diag(still)))
    moved = np.abs(chains.raw[:, 0] - starts)
    assert np.delete(moved, 3, axis=1).max() < 1e-3
    assert moved[:, 3].min() > 1e-2


@pytest.fixture(scope="module")
def long(little: Sampler) -> dict[str, Chains]:
    """Enough draws to compare posteriors: without a metric, and with two that have nothing to do with the table."""
    uneven = np.random.default_rng(5).permutation(np.geomspace(0.2, 5, SMALL.size))
    metrics = {
        "none": None,
        "correlated": metric_of(SMALL.size, seed=4),
        "uneven": Metric(np.zeros((2, SMALL.size)), np.diag(uneven)),
    }
    how = FEW | {"tune": 300, "draws": 600}
    return {name: little.run(**how, metric=metric) for name, metric in metrics.items()}


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Mean over chains and draws, and its Monte Carlo error."""
    return values.mean(), array_stats.mcse(values, chain_axis=0, draw_axis=1, method="mean")


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["correlated", "uneven"])
@pytest.mark.parametrize("power", [1, 2])
def test_a_wrong_metric_changes_no_posterior(long: dict[str, Chains], priors: Priors, wrong: str, power: int) -> None:
    for name in ("odds.none", "time.none", "spread.none", "part.share", "scale.organization_odds", "tie.organization"):
        place = priors.names.index(name)
        expected, found = (mean_and_error(long[how].raw[..., place] ** power) for how in ("none", wrong))
        assert abs(expected[0] - found[0]) < 4 * np.hypot(expected[1], found[1]), name


@pytest.mark.slow
def test_these_posteriors_are_not_the_prior_and_their_spare_places_are(long: dict[str, Chains], priors: Priors) -> None:
    spare = SMALL.start("organization_odds") + 2
    for chains in long.values():
        spread, error = mean_and_error(chains.raw[..., priors.names.index("spread.none")])
        assert abs(spread) > 10 * error
        for power, expected in ((1, 0.0), (2, 1.0)):
            mean, error = mean_and_error(chains.raw[..., spare] ** power)
            assert abs(mean - expected) < 4 * error
