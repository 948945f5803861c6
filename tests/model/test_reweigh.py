"""Importance weights for a changed table: which rows they see, what they weigh, when they are not to be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

from forecast.model.arrivals import fit_arrivals
from forecast.model.design import build_design
from forecast.model.ensemble import Ensemble
from forecast.model.pointwise import episode_loglik
from forecast.model.posterior import Posterior, save
from forecast.model.predict import model_forecasts
from forecast.model.reweigh import Change, change_between, log_ratios, reweighed, segments_in, smoothed
from forecast.model.terms import layout_of

CLOSED = [{"episode_id": f"row-{n}", "organization": ("Acme", "Beta")[n % 2]} for n in range(8)]
OPENED = {"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"}
BEFORE = [OPENED | CLOSED[0], *CLOSED[1:]]
AFTER = [OPENED | CLOSED[0], OPENED | CLOSED[1], *CLOSED[2:], {"episode_id": "new", "organization": "Cargo"}]


@pytest.fixture(scope="module")
def views(view_of: Callable[..., pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    return view_of(*BEFORE), view_of(*AFTER)


@pytest.fixture(scope="module")
def drawn(a_posterior: Posterior, views: Any) -> Posterior:
    """Draws of the prior, in the groups of the first view."""
    design = build_design(views[0], "any")
    layout = layout_of(design)
    raw = np.random.default_rng(3).normal(size=(400, layout.size))
    groups = {"organizations": design.organizations, "modalities": design.modalities}
    return replace(a_posterior, raw=raw, layout=layout, **groups)


def _between(posterior: Posterior, *views: Any) -> Change:
    return change_between(*(segments_in(posterior, view, "any") for view in views))


def test_rows_that_are_told_otherwise_are_found(drawn: Posterior, views: Any) -> None:
    assert _between(drawn, *views).episode_ids == ("row-1", "new")
    assert _between(drawn, views[0], views[0]).episode_ids == ()
    assert _between(drawn, *reversed(views)).episode_ids == ("row-1", "new")


def test_a_ratio_is_the_difference_of_the_rows_likelihoods(drawn: Posterior, views: Any) -> None:
    ratios = log_ratios(drawn, _between(drawn, *views))
    before = episode_loglik(drawn, build_design(views[0], "any"))[1]
    own = build_design(views[1], "any")
    # the fit's groups know no Cargo: its row is that of a newcomer, the place after the last
    own = replace(own, organizations=drawn.organizations, organization=np.minimum(own.organization, 2))
    now = episode_loglik(drawn, own)[1]
    np.testing.assert_allclose(ratios[:, 0], now[:, 1] - before[:, 1], atol=1e-10)
    np.testing.assert_allclose(ratios[:, 1], now[:, 8], atol=1e-10)


def test_weights_have_mean_one_and_move_the_mean_as_their_ratio_says() -> None:
    rng = np.random.default_rng(5)
    theta = rng.normal(size=20000)
    log_weights, pareto_k = smoothed(-0.5 * (theta - 1) ** 2)  # a measurement of 1 with error 1: mean 1/2, variance 1/2
    weights = np.exp(log_weights) / len(theta)
    assert weights.sum() == pytest.approx(1)
    assert weights @ theta == pytest.approx(0.5, abs=0.02)
    assert weights @ (theta - weights @ theta) ** 2 == pytest.approx(0.5, abs=0.02)
    assert pareto_k < 0.5


def test_a_far_away_measurement_is_not_trusted(drawn: Posterior) -> None:
    theta = np.random.default_rng(5).normal(size=1000)
    assert not smoothed(-0.5 * ((theta - 8) / 0.1) ** 2)[1] <= 0.7  # NaN where nothing is left of the tail
    log_weights, pareto_k = smoothed(np.full(1000, -3.0))
    assert (log_weights == 0).all()
    assert pareto_k == -np.inf


def test_an_opening_raises_the_odds_of_the_same_organisation(drawn: Posterior, views: Any) -> None:
    before, after = views
    ensemble = Ensemble((drawn,), (1.0,))
    change = _between(drawn, before, after)
    weighted, pareto_k, trusted = reweighed(ensemble, change, fit_arrivals(after, "any", _gamma(drawn)))
    assert trusted == (pareto_k <= 0.6157)  # 1 - 1 / log10(400)
    subject = after[after.episode_id == "row-3"]
    subject.attrs = after.attrs
    plain, moved = (next(model_forecasts(e, after, "any", subject)) for e in (ensemble, weighted))
    assert moved.prob_by(365) > plain.prob_by(365)


def test_a_weighted_forecast_is_the_weighted_mean_of_its_draws(drawn: Posterior, views: Any) -> None:
    rng, view = np.random.default_rng(8), views[0]
    log_weights = rng.normal(size=len(drawn.raw))
    log_weights -= logsumexp(log_weights) - np.log(len(log_weights))
    subject = view[view.episode_id == "row-3"]
    subject.attrs = view.attrs
    plain, weighted = (
        next(model_forecasts(Ensemble((posterior,), (1.0,)), view, "any", subject))
        for posterior in (drawn, replace(drawn, log_weights=log_weights))
    )
    # a stale check gives each draw a weight of its own besides
    own = plain.draws.weights * np.exp(log_weights)
    np.testing.assert_allclose(weighted.cdf, own @ plain.draws.cdf / own.sum(), atol=1e-12)


def test_thinning_keeps_the_mean_of_the_weights(drawn: Posterior) -> None:
    log_weights = np.random.default_rng(9).normal(size=len(drawn.raw))
    thinned = replace(drawn, log_weights=log_weights).thinned(100)
    assert len(thinned.raw) == 100
    assert np.exp(thinned.log_weights).mean() == pytest.approx(1)
    np.testing.assert_allclose(np.diff(thinned.log_weights), np.diff(log_weights[::4]))


def test_a_weighted_posterior_is_never_kept(drawn: Posterior, tmp_path: Any) -> None:
    with pytest.raises(ValueError, match="no fit of its own"):
        save(replace(drawn, log_weights=np.zeros(len(drawn.raw))), tmp_path / "posterior.npz")


def _gamma(posterior: Posterior) -> Any:
    from forecast.model.priors import Gamma

    return Gamma(
        distribution="gamma", shape=1.0, mean_per_year=0.1, reason="a test", source="a test", changed_on="2026-01-01"
    )
