"""Families averaged: weights, worst diagnostics, draws shared out, and the mixture counted by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

from forecast.model.design import design_rows
from forecast.model.ensemble import Ensemble, combined
from forecast.model.latency import LATENCIES
from forecast.model.pointwise import episode_loglik
from forecast.model.posterior import Diagnostics, Posterior
from forecast.model.predict import family_forecasts, model_forecasts
from forecast.release import GRID_DAYS, Draws, ReleaseForecast
from forecast.tables.episodes import read_episodes

DAY = dt.date(2026, 6, 1)
RISING = GRID_DAYS / GRID_DAYS[-1]


def of_family(posterior: Posterior, name: str, draws: int) -> Posterior:
    return replace(posterior, latency=name, raw=np.zeros((draws, posterior.layout.size)))


@pytest.fixture
def two(a_posterior: Posterior) -> Ensemble:
    """Two families with four thousand draws each."""
    members = [of_family(a_posterior, name, 4000) for name in ("log_logistic", "weibull")]
    return Ensemble.of(members, {"weibull": 0.2, "log_logistic": 0.6, "log_normal": 0.2})


# --- Members -----------------------------------------------------------------------------------------------------


def test_the_weights_of_the_members_are_scaled_to_one(two: Ensemble) -> None:
    assert two.weights == pytest.approx((0.75, 0.25))
    assert two.latency == "0.75 log_logistic + 0.25 weibull"
    assert two.first is two.members[0]


def test_a_family_alone_has_all_the_weight_and_its_own_name(a_posterior: Posterior) -> None:
    alone = Ensemble.of([a_posterior], {"log_logistic": 0.25, "weibull": 0.75})
    assert (alone.members, alone.weights, alone.latency) == ((a_posterior,), (1.0,), "log_logistic")
    assert alone.diagnostics == a_posterior.diagnostics


def test_the_diagnostics_are_the_worst_of_all_members(a_posterior: Posterior) -> None:
    told = [Diagnostics(1.001, 900, 450, 0, 4, 700, 0.95, 3.0), Diagnostics(1.009, 500, 800, 2, 2, 900, 0.7, 4.5)]
    members = tuple(replace(a_posterior, diagnostics=one) for one in told)
    worst = Diagnostics(1.009, 500, 450, 2, 2, 700, 0.95, 7.5)
    assert Ensemble(members, (0.5, 0.5)).diagnostics == Ensemble(members[::-1], (0.5, 0.5)).diagnostics == worst


@pytest.mark.parametrize(
    ("weights", "draws", "left"),
    [
        ((0.75, 0.25), 800, [667, 200]),  # every 6th, every 20th
        ((0.5, 0.5), 800, [400, 400]),
        ((0.99, 0.01), 1000, [1000, 100]),  # not fewer than its own Monte-Carlo error bears
        ((0.5, 0.5), 40, [40, 40]),
        ((0.5, 0.5), 100_000, [4000, 4000]),
    ],
)
def test_draws_are_shared_out_by_weight(
    two: Ensemble, weights: tuple[float, float], draws: int, left: list[int]
) -> None:
    thinned = replace(two, weights=weights).thinned(draws)
    assert [len(member.raw) for member in thinned.members] == left
    assert thinned.weights == weights


# --- The mixture -------------------------------------------------------------------------------------------------


def part(full: list[float], of_part: list[float], mass: list[float], never: float) -> ReleaseForecast:
    """A forecast from draws that rise in a straight line to some shares."""
    draws = Draws(np.outer(full, RISING), np.outer(of_part, RISING), np.array(mass))
    return ReleaseForecast(
        "acme-one", "model", DAY, mass @ draws.full, mass @ draws.part, p_never_structural=never, draws=draws
    )


def test_a_mixture_counts_a_family_by_its_weight_and_by_what_it_said_of_the_rows_history() -> None:
    one, other = part([0.2, 0.6], [0.1, 0.0], [0.5, 0.5], 0.5), part([0.1], [0.3], [1.0], 0.25)
    found = combined([one, other], np.log([0.02, 0.01]), [0.25, 0.75])
    # 0.25 * 0.02 against 0.75 * 0.01: two to three
    np.testing.assert_allclose(found.cdf_full, (0.4 * 0.4 + 0.6 * 0.1) * RISING)
    np.testing.assert_allclose(found.cdf_part, (0.4 * 0.05 + 0.6 * 0.3) * RISING)
    assert found.p_never_structural == pytest.approx(0.4 * 0.5 + 0.6 * 0.25)
    np.testing.assert_allclose(found.draws.weights, [0.2, 0.2, 0.6])
    np.testing.assert_allclose(found.draws.weights @ found.draws.full, found.cdf_full)
    np.testing.assert_allclose(found.draws.weights @ found.draws.part, found.cdf_part)
    assert (found.target_id, found.forecaster, found.made_on) == ("acme-one", "model", DAY)


@pytest.mark.parametrize("level", [-5000.0, 0.0, 5000.0])
def test_the_same_evidence_for_all_leaves_the_weights_as_they_are(level: float) -> None:
    found = combined([part([0.4], [0.0], [1.0], 0.6), part([0.2], [0.0], [1.0], 0.8)], [level, level], [0.3, 0.7])
    np.testing.assert_allclose(found.draws.weights, [0.3, 0.7])


def test_a_family_alone_keeps_its_forecast_whatever_the_evidence() -> None:
    alone = part([0.4], [0.1], [1.0], 0.5)
    assert combined([alone], [-3.0], [1.0]) is alone


# --- Forecasts ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def view(real_data: Path) -> pd.DataFrame:
    return read_episodes(real_data / "episodes.csv", DAY)


@pytest.fixture(scope="module")
def rows(view: pd.DataFrame) -> pd.DataFrame:
    """One row in each promise state, known to the fit, and the same ones under other names."""
    closed = view[(view.domain == "ai_model") & view.full_last.isna() & view.part_last.isna()]
    some = pd.concat([closed[closed.promise == kind].head(1) for kind in ("none", "vague", "dated")])
    return pd.concat([some, some.assign(episode_id=[f"new-{n}" for n in range(3)])])


def shares(whole: ReleaseForecast, sizes: list[int]) -> np.ndarray:
    """What the families count for in a forecast of all."""
    return np.array([mass.sum() for mass in np.split(whole.draws.weights, np.cumsum(sizes)[:-1])])


def test_the_forecast_is_the_mixture_of_those_of_its_families(
    an_ensemble: Ensemble, view: pd.DataFrame, rows: pd.DataFrame
) -> None:
    sizes = [len(member.raw) for member in an_ensemble.members]
    found = list(family_forecasts(an_ensemble, view, "any", rows))
    for (whole, parts), again in zip(found, model_forecasts(an_ensemble, view, "any", rows), strict=True):
        counted = shares(whole, sizes)
        assert counted.sum() == pytest.approx(1)
        for kind in ("full", "part"):
            curve = getattr(whole, f"cdf_{kind}")
            np.testing.assert_allclose(whole.draws.weights @ getattr(whole.draws, kind), curve, atol=1e-12)
            np.testing.assert_allclose(counted @ [getattr(p, f"cdf_{kind}") for p in parts], curve, atol=1e-12)
            np.testing.assert_array_equal(getattr(again, f"cdf_{kind}"), curve)
        assert whole.p_never_structural == pytest.approx(counted @ [p.p_never_structural for p in parts])
    alone = [list(model_forecasts(Ensemble((m,), (1.0,)), view, "any", rows)) for m in an_ensemble.members]
    for n, (_, parts) in enumerate(found):
        for one, single in zip(parts, alone, strict=True):
            np.testing.assert_array_equal(one.cdf_full, single[n].cdf_full)


def test_a_row_that_the_fit_has_seen_is_forecast_with_the_weights_of_the_families(
    an_ensemble: Ensemble, view: pd.DataFrame, rows: pd.DataFrame
) -> None:
    sizes = [len(member.raw) for member in an_ensemble.members]
    for whole, _ in family_forecasts(an_ensemble, view, "any", rows.head(3)):
        np.testing.assert_allclose(shares(whole, sizes), an_ensemble.weights, rtol=1e-9)


def test_another_row_is_forecast_with_weights_that_its_history_has_moved(
    an_ensemble: Ensemble, view: pd.DataFrame, rows: pd.DataFrame
) -> None:
    """By the mean likelihood of its history under each family; apart from each other, so that it tells."""
    members = tuple(replace(member, raw=member.raw + n / 2) for n, member in enumerate(an_ensemble.members))
    an_ensemble = replace(an_ensemble, members=members)
    new, sizes = rows.tail(3), [len(member.raw) for member in members]
    new.attrs = view.attrs
    design = design_rows(new, "any", an_ensemble.first.organizations, an_ensemble.first.modalities)
    logs = np.stack([logsumexp(episode_loglik(m, design)[1], axis=0) for m in an_ensemble.members])
    expected = np.array(an_ensemble.weights)[:, None] * np.exp(logs - logs.max(axis=0))
    expected /= expected.sum(axis=0)
    for n, (whole, _) in enumerate(family_forecasts(an_ensemble, view, "any", new)):
        np.testing.assert_allclose(shares(whole, sizes), expected[:, n], atol=1e-4)
        assert np.abs(expected[:, n] - an_ensemble.weights).max() > 0.05


def test_all_families_may_be_averaged(an_ensemble: Ensemble) -> None:
    assert [member.latency for member in an_ensemble.members] == list(LATENCIES)
    assert sum(an_ensemble.weights) == pytest.approx(1)
