"""The parameters in words are those of the draws; sensitivity sees what depends on what."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast.model.design import build_design
from forecast.model.ensemble import Ensemble
from forecast.model.parameters import parameter_table
from forecast.model.posterior import Posterior
from forecast.model.priors import Priors
from forecast.model.sensitivity import power_scaling, reference_quantities
from forecast.model.terms import N_PARAMETERS, PLACES
from forecast.tables.episodes import read_episodes


def test_quantiles_are_those_of_the_draws_in_the_units_of_the_words(a_posterior: Posterior, priors: Priors) -> None:
    odd = replace(a_posterior, raw=a_posterior.raw[:59])  # no quantile falls between two draws
    table = parameter_table(Ensemble((odd,), (1.0,)), priors).set_index("parameter")
    place = priors.names.index("odds.api")
    drawn = np.exp(priors.location[place] + priors.scale[place] * odd.raw[:, place])
    row = table.loc["odds.api"]
    assert row["median"] == pytest.approx(np.quantile(drawn, 0.5, method="inverted_cdf"))
    assert (row["prior_low"], row["prior_median"]) == pytest.approx((np.exp(-1.645 * 0.7), 1), rel=1e-3)
    assert row["effect"] == "odds of ever opening, multiplied by"
    assert row["of"] == "first known by an API"
    tie = table.loc["tie.organization"]
    assert tie["prior_low"] == pytest.approx(-1.645 * 0.5, rel=1e-3)  # not a factor


def test_every_parameter_has_words_and_the_tail_only_where_a_family_has_one(
    a_posterior: Posterior, priors: Priors
) -> None:
    one = parameter_table(Ensemble((a_posterior,), (1.0,)), priors)
    assert list(one.parameter) == [name for name in priors.names if name != "tail.k"]
    burr = replace(a_posterior, latency="burr_xii", raw=a_posterior.raw[:59] + 1)
    both = parameter_table(Ensemble((a_posterior, burr), (0.5, 0.5)), priors).set_index("parameter")
    tail = np.exp(priors.location + priors.scale * burr.raw[:, :N_PARAMETERS])[:, priors.names.index("tail.k")]
    assert both.loc["tail.k", "high"] == pytest.approx(np.quantile(tail, 0.95, method="inverted_cdf"))
    assert both.effect.str.len().min() > 3


def test_draws_of_the_prior_have_learnt_nothing(a_posterior: Posterior, priors: Priors) -> None:
    many = replace(a_posterior, raw=np.random.default_rng(1).standard_normal((4000, a_posterior.layout.size)))
    table = parameter_table(Ensemble((many,), (1.0,)), priors)
    assert table.prior_removed.abs().max() < 0.12
    known = replace(many, raw=0.1 * many.raw)
    assert parameter_table(Ensemble((known,), (1.0,)), priors).prior_removed.min() > 0.98


def test_the_reference_row_is_written_by_hand(a_posterior: Posterior, priors: Priors) -> None:
    centre = replace(a_posterior, raw=np.zeros((1, a_posterior.layout.size)))
    found = reference_quantities(centre)
    weights = np.exp([-0.5, -0.5 - 1.5, 0.0])
    full, part, never = weights / weights.sum()
    opened = 1 - 1 / (1 + 365 / np.exp(4.5))  # log-logistic, spread 1, parts as full
    assert found["never fraction, none"] == pytest.approx(never)
    assert found["P(open within 365 days), none"] == pytest.approx((full + part) * opened)
    dated = np.exp([1.0, -0.5, 0.0])
    in_time = 1 - 1 / (1 + (365 / 90) ** 2)  # spread one half, due after 90 days
    assert found["P(open within 365 days), dated"] == pytest.approx((1 - dated[2] / dated.sum()) * in_time)


def test_what_only_a_prior_decides_is_sensitive_to_that_prior(
    a_posterior: Posterior, real_data: Path, priors: Priors
) -> None:
    design = build_design(read_episodes(real_data / "episodes.csv", dt.date(2026, 6, 1)), "any")
    rng = np.random.default_rng(4)
    raw = 1e-3 * rng.standard_normal((800, a_posterior.layout.size))
    place = PLACES["odds"].start
    raw[:, place] = rng.standard_normal(800)  # all else is known: only the log odds without a promise vary
    drawn = replace(a_posterior, raw=raw, diagnostics=replace(a_posterior.diagnostics, chains=2))
    few = design.only(design.row == design.row[design.state != 0][0])  # one row, of another state
    table = power_scaling(drawn, few).set_index("quantity")
    never = table.loc["never fraction, none"]
    assert never["odds"] > 0.05
    assert never[["time", "part", "spread", "scale", "tie"]].max() < 0.01
    assert never["likelihood"] < 0.05
    assert (table.loc["never fraction, dated"].drop("mean").fillna(0) < 0.01).all()
