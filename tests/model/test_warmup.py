"""What one posterior teaches the sampler of another table: member by member, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast.model.design import Design, build_design
from forecast.model.posterior import Posterior
from forecast.model.priors import POOLED
from forecast.model.terms import N_PARAMETERS, Layout, layout_of
from forecast.model.warmup import metric_from

OPENED = {"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"}
#: Members met before, and those of another table: one of each group is left out, others are new and come in between.
MET = {"organization": ("Acme", "Cargo", "Delta"), "modality": ("audio", "image", "text")}
ANOTHER = {"organization": ("Acme", "Beta", "Cargo", "Echo"), "modality": ("code", "image", "text")}
BEFORE, HERE = Layout(organizations=5, modalities=4), Layout(organizations=9, modalities=6)

Name = tuple[str, str] | int


def places(members: dict[str, tuple[str, ...]], layout: Layout) -> dict[Name, int]:
    """Every parameter and member, and its place in the raw vector."""
    named: dict[Name, int] = {i: i for i in range(N_PARAMETERS)}
    for effect in POOLED:
        for i, member in enumerate(members[effect.split("_")[0]]):
            named[effect, member] = layout.start(effect) + i
    return named


@pytest.fixture(scope="module")
def another(view_of: Callable[..., pd.DataFrame]) -> Design:
    """The other table's design."""
    pairs = [("Acme", "text"), ("Echo", "code"), ("Beta", "image"), ("Cargo", "text")]
    rows = [
        OPENED | {"episode_id": f"row-{i}", "organization": organization, "modality": modality}
        for i, (organization, modality) in enumerate(pairs)
    ]
    design = build_design(view_of(*rows), "any")
    assert {"organization": design.organizations, "modality": design.modalities} == ANOTHER
    return design


@pytest.fixture(scope="module")
def posterior(a_posterior: Posterior) -> Posterior:
    """Four chains of fifty draws, each place with a middle and a spread of its own, all of them correlated."""
    rng = np.random.default_rng(20260406)
    raw = rng.normal(size=(200, BEFORE.size)) @ rng.normal(size=(BEFORE.size, BEFORE.size)) + np.arange(BEFORE.size)
    return replace(a_posterior, raw=raw, layout=BEFORE, organizations=MET["organization"], modalities=MET["modality"])


@pytest.fixture(scope="module")
def pairs() -> np.ndarray:
    """Places in the other table's vector and in the posterior's of all that both know."""
    met, here = places(MET, BEFORE), places(ANOTHER, HERE)
    return np.array([(here[name], met[name]) for name in here if name in met])


@pytest.fixture(scope="module")
def unknown(pairs: np.ndarray) -> np.ndarray:
    """Places of the other table's vector that the posterior knows nothing about: new members and spare places."""
    return np.setdiff1d(np.arange(HERE.size), pairs[:, 0])


def test_both_tables_share_parameters_and_some_members_at_other_places(pairs: np.ndarray, unknown: np.ndarray) -> None:
    assert len(pairs) == N_PARAMETERS + 3 * len({"Acme", "Cargo"}) + 2 * len({"image", "text"})
    assert (pairs[N_PARAMETERS:, 0] != pairs[N_PARAMETERS:, 1]).sum() > 6
    new = [place for name, place in places(ANOTHER, HERE).items() if not isinstance(name, int) and name[1] == "Beta"]
    assert set(new) < set(unknown)


def test_what_both_know_keeps_its_variance_and_most_of_its_covariances(
    posterior: Posterior, another: Design, pairs: np.ndarray
) -> None:
    covariance = metric_from(posterior, another, HERE, chains=4).covariance
    deviations = posterior.raw - posterior.raw.mean(axis=0)
    for here, met in pairs:
        for also_here, also_met in pairs:
            expected = deviations[:, met] @ deviations[:, also_met] / (len(deviations) - 1)
            share = 1.0 if here == also_here else 0.9
            assert covariance[here, also_here] == pytest.approx(share * expected, rel=1e-9, abs=1e-9)


def test_what_the_posterior_has_not_met_is_a_standard_normal_apart_and_starts_at_its_middle(
    posterior: Posterior, another: Design, unknown: np.ndarray
) -> None:
    metric = metric_from(posterior, another, HERE, chains=4)
    np.testing.assert_array_equal(metric.covariance[unknown], np.eye(HERE.size)[unknown])
    np.testing.assert_array_equal(metric.covariance[:, unknown], np.eye(HERE.size)[:, unknown])
    assert (metric.starts[:, unknown] == 0).all()


@pytest.mark.parametrize("chains", [1, 2, 3, 4, 8])
def test_chains_start_at_draws_of_their_own_spread_over_the_posterior(
    posterior: Posterior, another: Design, pairs: np.ndarray, chains: int
) -> None:
    starts = metric_from(posterior, another, HERE, chains).starts
    assert starts.shape == (chains, HERE.size)
    here, met = pairs.T
    drawn = [np.flatnonzero((posterior.raw[:, met] == start[here]).all(axis=1)) for start in starts]
    assert [len(found) for found in drawn] == [1] * chains
    parts = np.concatenate(drawn) * chains // len(posterior.raw)
    assert parts.tolist() == list(range(chains))  # each in its part of the draws


def test_a_table_of_the_same_members_and_layout_takes_all_over(posterior: Posterior, another: Design) -> None:
    same = replace(another, organizations=MET["organization"], modalities=MET["modality"])
    metric = metric_from(posterior, same, BEFORE, chains=4)
    known = np.array(list(places(MET, BEFORE).values()))
    np.testing.assert_allclose(np.diag(metric.covariance)[known], posterior.raw[:, known].var(axis=0, ddof=1))
    np.testing.assert_array_equal(metric.starts[:, known], posterior.raw[[25, 75, 125, 175]][:, known])


def test_fewer_draws_than_places_still_give_a_covariance(a_posterior: Posterior, real_view: pd.DataFrame) -> None:
    design = build_design(real_view, "any")
    layout = layout_of(design)
    assert len(a_posterior.raw) < N_PARAMETERS + len(a_posterior.organizations)
    covariance = metric_from(a_posterior, design, layout, chains=2).covariance
    np.testing.assert_array_equal(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0.01


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_covariance_is_symmetric_and_positive_definite(posterior: Posterior, another: Design, scale: float) -> None:
    covariance = metric_from(replace(posterior, raw=scale * posterior.raw), another, HERE, chains=4).covariance
    np.testing.assert_array_equal(covariance, covariance.T)
    np.linalg.cholesky(covariance)
