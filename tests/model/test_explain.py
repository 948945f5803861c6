"""A forecast step by step: the steps add up, end at the forecast, and are those written by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.errors import QuestionError
from forecast.model.arrivals import Arrivals, fit_arrivals
from forecast.model.covariates import COVARIATES, covariate_matrix
from forecast.model.design import build_design
from forecast.model.ensemble import Ensemble
from forecast.model.explain import ORDER, Step, explain
from forecast.model.fit import Settings, ensemble_for
from forecast.model.posterior import Posterior
from forecast.model.predict import model_forecasts
from forecast.model.priors import Priors
from forecast.model.terms import layout_of, named_parameters
from forecast.tables.episodes import Target, read_episodes

DAY = dt.date(2026, 6, 1)
#: One row of each promise that is closed on that day, and what it is of.
CLOSED = ("openai-gpt-5", "meta-llama-4-behemoth", "alibaba-qwen2.5-max")
NO_PROMISES = Arrivals(np.full(6, 1e-9), np.full(6, 1e9), np.empty(0))


@pytest.fixture(scope="module")
def view(real_data: Path) -> pd.DataFrame:
    return read_episodes(real_data / "episodes.csv", DAY)


def rows_of(view: pd.DataFrame, *names: str) -> pd.DataFrame:
    return view[view.episode_id.isin(names)]


def by_name(steps: list[Step]) -> dict[str, Step]:
    return {step.name: step for step in steps}


def only(posterior: Posterior) -> Ensemble:
    return Ensemble((posterior,), (1.0,))


def mixed(posterior: Posterior) -> Ensemble:
    return Ensemble((posterior, replace(posterior, latency="burr_xii", seed=2)), (0.3, 0.7))


def posterior_of(view: pd.DataFrame, priors: Priors, like: Posterior, **given: Any) -> Posterior:
    """Draws from the prior in the form of a posterior of a little table."""
    design = build_design(view, "any")
    layout = layout_of(design)
    raw = np.random.default_rng(3).standard_normal((40, layout.size))
    groups = {"organizations": design.organizations, "modalities": design.modalities}
    found = {"arrivals": fit_arrivals(view, "any", priors.arrival), "raw": raw, "layout": layout}
    return replace(like, **(found | groups | given))


# --- Adding up ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("target", ["any", "full"])
def test_the_steps_add_up_to_the_forecast(
    a_posterior: Posterior, view: pd.DataFrame, name: str, seen: bool, target: Target
) -> None:
    row = rows_of(view, name)
    if not seen:
        row = row.assign(episode_id="nobody")
    ensemble = mixed(replace(a_posterior, target=target))
    [forecast] = model_forecasts(ensemble, view, target, row)
    for horizon in (30, 365, 1000):
        steps = explain(ensemble, view, row, horizon)
        assert tuple(step.name for step in steps) == ORDER
        assert steps[-1].prob == float(forecast.prob_by(horizon))
        assert steps[0].change == 0
        assert steps[0].prob + sum(s.change for s in steps) == pytest.approx(steps[-1].prob, abs=1e-12)
        assert all(0 <= step.prob <= 1 for step in steps)


def test_covariates_come_in_the_order_of_the_registry(a_posterior: Posterior, view: pd.DataFrame) -> None:
    row = rows_of(view, "alibaba-qwen2.5-max")
    steps = explain(only(a_posterior), view, row, 365)[1 : 1 + len(COVARIATES)]
    assert [step.name for step in steps] == list(COVARIATES)
    assert [step.value for step in steps] == list(covariate_matrix(row)[0])


def test_days_that_nobody_looked_at_are_a_step_of_their_own(a_posterior: Posterior, real_data: Path) -> None:
    later = read_episodes(real_data / "episodes.csv", dt.date(2026, 12, 31))
    steps = by_name(explain(only(a_posterior), later, rows_of(later, "meta-muse-wonder-1.0"), 90))
    assert steps["unchecked"].value == 52
    assert steps["survived"].value == 24.5  # from the middle of October to the end of 9 November
    assert steps["unchecked"].change > 0


def test_a_program_is_refused_as_by_the_forecast(a_posterior: Posterior, view: pd.DataFrame) -> None:
    with pytest.raises(QuestionError, match="sun-staroffice is no AI model"):
        explain(only(a_posterior), view, rows_of(view, "sun-staroffice"), 365)


# --- What each step is -------------------------------------------------------------------------------------------


def test_a_row_like_the_reference_has_no_covariate_to_change(
    a_posterior: Posterior, view_of: Callable[..., pd.DataFrame], priors: Priors
) -> None:
    plain = {"closed_how": "app", "org_country": "US", "org_type": "big_tech", "closed_on": "2023-07-01"}
    opened = {"outcome": "opened", "outcome_on": "2024-03-01", "outcome_precision": "day"}
    view = view_of(plain, opened | {"episode_id": "open", "closed_on": "2023-09-01", "organization": "Bolt"})
    posterior = posterior_of(view, priors, a_posterior)
    steps = by_name(explain(only(posterior), view, rows_of(view, "acme-one"), 365))
    assert {name: (steps[name].value, steps[name].change) for name in COVARIATES} == dict.fromkeys(COVARIATES, (0, 0))
    assert (steps["promise"].value, steps["promise"].change) == ("none", 0)
    assert (steps["modality"].value, steps["organization"].value) == ("text", "Acme")
    assert steps["modality"].change * steps["organization"].change != 0
    stranger = rows_of(view, "acme-one").assign(episode_id="new", organization="Newco", modality="audio")
    new = by_name(explain(only(posterior), view, stranger, 365))
    for name in ("modality", "organization"):
        assert (new[name].value, new[name].change) == ("never seen", 0)


@pytest.mark.parametrize("name", CLOSED)
def test_before_its_history_a_row_is_one_that_nobody_has_watched(
    a_posterior: Posterior, view: pd.DataFrame, name: str
) -> None:
    """Whether the fit has seen it, for how long it was closed and by which family makes no difference."""
    row, ensemble = rows_of(view, name), mixed(a_posterior)
    seen = explain(ensemble, view, row, 365)
    unseen = explain(ensemble, view, row.assign(episode_id="nobody"), 365)
    parts = [explain(only(member), view, row, 365, draws=10**6) for member in ensemble.members]
    end = ORDER.index("survived")
    assert seen[:end] == unseen[:end]
    assert seen[end].prob != unseen[end].prob
    for step, first, second in list(zip(seen, *parts, strict=True))[:end]:
        assert step.prob == pytest.approx(0.3 * first.prob + 0.7 * second.prob, abs=1e-12)


DATED = (
    {
        "closed_how": "paper",
        "org_country": "CN",
        "closed_on": "2025-07-01",
        "promise": "dated",
        "promised_on": "2025-08-01",
        "promised_by": "2025-12-31",
    },
    {
        "episode_id": "open",
        "organization": "Bolt",
        "outcome": "opened",
        "outcome_on": "2024-09-01",
        "outcome_precision": "day",
    },
)


def test_the_base_rate_and_the_promise_are_those_written_by_hand(
    a_posterior: Posterior, view_of: Callable[..., pd.DataFrame], times: Callable[..., Any], priors: Priors
) -> None:
    """Day 90 is on the grid; without promises to come there is nothing but two kinds of opening, from day 1e-9 on."""
    view = view_of(*DATED, as_of="2025-10-01")
    posterior = posterior_of(view, priors, a_posterior, arrivals=NO_PROMISES)
    draws = named_parameters(posterior.raw, priors)

    def raw(effect: str, place: int) -> np.ndarray:
        return posterior.raw[:, posterior.layout.start(effect) + place]

    def chance(state: str, org: int, modality: int, more: dict[str, float], due: float) -> float:
        """Of an opening by day 90."""
        effect = {name: draws[f"scale.organization_{name}"] * raw(f"organization_{name}", org) for name in GROUP}
        tie = draws["tie.organization"] * draws["scale.organization_time"] * raw("organization_odds", org)
        mean = {
            name: draws[f"{name}.{'share' if name == 'part' else state}"]
            + effect[name]
            + sum(x * draws.get(f"{name}.{covariate}", 0.0) for covariate, x in more.items())
            + (0 if name == "part" else draws[f"scale.modality_{name}"] * raw(f"modality_{name}", modality))
            for name in GROUP
        }
        mu, sigma = mean["time"] + tie + np.log(due), draws[f"spread.{state}"]
        weights = np.exp([mean["odds"], mean["odds"] + mean["part"], np.zeros(len(mu))])
        full, part, _ = weights / weights.sum(axis=0)
        by_then = full * times("log_logistic", mu, sigma, 1).cdf(90)
        shift, ratio = draws["part_time.shift"], draws["part_spread.ratio"]
        return float((by_then + part * times("log_logistic", mu + shift, sigma * ratio, 1).cdf(90)).mean())

    steps = by_name(explain(only(posterior), view, rows_of(view, "acme-one"), 90))
    spare = {"org": 2, "modality": 1}  # after Acme and Bolt, and after text
    traits = {"paper": 1.0, "china": 1.0, "startup": 1.0, "year": 731 / 730.5}
    assert steps["base"].prob == pytest.approx(chance("none", **spare, more={}, due=1.0), abs=1e-5)
    assert steps["game"].prob == pytest.approx(chance("none", **spare, more=traits, due=1.0), abs=1e-5)
    assert steps["organization"].prob == pytest.approx(chance("none", 0, 0, more=traits, due=1.0), abs=1e-5)
    waited = traits | {"wait": np.log1p(31)}
    assert steps["promise"].prob == pytest.approx(chance("dated", 0, 0, more=waited, due=152.5), abs=1e-5)
    assert steps["promise"].value == "dated, made 31 days after the debut, due 152 days later"
    assert steps["survived"].value == 61.5  # on the promise's clock


GROUP = ("odds", "time", "part")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"promise": "vague", "promised_on": "2025-07-01"}, "vague, made by the debut"),
        ({"promise": "vague", "promised_on": "2025-07-11"}, "vague, made 10 days after the debut"),
        ({"promise": "dated", "promised_on": "2025-07-01", "promised_by": "2025-07-31"}, "dated, made by the debut, "),
    ],
)
def test_a_promise_is_told_in_words(
    a_posterior: Posterior, view_of: Callable[..., pd.DataFrame], priors: Priors, said: dict[str, str], words: str
) -> None:
    plain = {key: value for key, value in DATED[0].items() if not key.startswith("promise")}
    view = view_of(plain | said, DATED[1], as_of="2025-10-01")
    row = rows_of(view, "acme-one")
    steps = by_name(explain(only(posterior_of(view, priors, a_posterior)), view, row, 365))
    assert str(steps["promise"].value).startswith(words)


def test_promises_to_come_are_part_of_every_step_without_one(a_posterior: Posterior, view: pd.DataFrame) -> None:
    """Soon promised, and promises nearly certain to be kept: every step before the promise knows."""
    soon = replace(a_posterior, arrivals=Arrivals(np.full(6, 1e3), np.full(6, 1e4), np.zeros(1)))
    none = replace(a_posterior, arrivals=NO_PROMISES)
    free, promised = CLOSED[0], CLOSED[2]
    for name, last in ((free, "unchecked"), (promised, "organization")):
        with_, without = (by_name(explain(only(p), view, rows_of(view, name), 365)) for p in (soon, none))
        before = ORDER[: ORDER.index(last) + 1]
        assert all(with_[step].prob > without[step].prob for step in before)
        assert [with_[s].prob for s in ORDER if s not in before] == [without[s].prob for s in ORDER if s not in before]


@pytest.mark.slow
def test_the_steps_of_a_real_fit_end_at_its_forecast(cache: Path, real_data: Path, priors: Priors) -> None:
    view = read_episodes(real_data / "episodes.csv", dt.date(2026, 11, 25))
    ensemble = ensemble_for(view, "any", priors, Settings(latency="weibull"))
    rows = rows_of(view, "meta-muse-wonder-1.0", "meta-llama-4-behemoth", "xai-grok-3")
    for forecast, name in zip(model_forecasts(ensemble, view, "any", rows), rows.episode_id, strict=True):
        steps = explain(ensemble, view, rows_of(view, name), 365)
        assert steps[0].prob + sum(s.change for s in steps) == pytest.approx(float(forecast.prob_by(365)), abs=1e-9)
        promised = by_name(steps)["promise"]
        assert promised.change == 0 if promised.value == "none" else promised.change > 0.1
