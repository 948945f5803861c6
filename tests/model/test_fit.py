"""The whole fit: known parameters come back, a bad fit is refused, the cache gives the same draws."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.errors import FitError
from forecast.model import fit as module
from forecast.model.arrivals import Arrivals, fit_arrivals
from forecast.model.design import Design, build_design
from forecast.model.ensemble import AVERAGE, Ensemble
from forecast.model.fit import SERIES, Settings, ensemble_for, fit, posterior_for, posteriors_for, weights_of
from forecast.model.latency import LATENCIES
from forecast.model.posterior import Posterior, load, save
from forecast.model.predict import model_forecasts
from forecast.model.priors import Priors, read_priors
from forecast.model.sampler import Metric
from forecast.model.terms import layout_of, named_parameters
from forecast.tables.episodes import read_episodes

ROOT = Path(__file__).resolve().parents[2]
AS_OF = dt.date(2026, 10, 31)
#: Settings for simulated tables: enough draws to judge by, not to publish.
SMALL = Settings("log_logistic", chains=2, tune=300, draws=500, min_ess=100, max_r_hat=1.03)
ALONE = Settings("log_logistic")
#: What the simulated world is made of: log odds of ever opening, log days, log-logistic spread.
ODDS, TIME, SPREAD = 0.5, 4.5, 0.7


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 models of 40 organisations without a promise, opened in full by a log-logistic law, or never."""
    import csv

    from forecast.tables.schema import Episode

    rng = np.random.default_rng(7)
    folder = tmp_path_factory.mktemp("simulated")
    plain = dict.fromkeys(Episode.model_fields, "") | {
        "org_country": "US", "org_type": "big_tech", "domain": "ai_model", "modality": "text", "flagship": "true",
        "closed_precision": "day", "closed_how": "app", "promise": "none", "safety_review": "false",
        "license_class": "none", "confidence": "high", "frame": "catalogue", "observed_through": str(AS_OF),
    }  # fmt: skip
    rows = []
    for n in range(500):
        closed = dt.date(2022, 7, 1) + dt.timedelta(days=int(rng.integers(0, 1400)))
        lag = np.exp(TIME + SPREAD * rng.logistic()) if rng.random() < 1 / (1 + np.exp(-ODDS)) else np.inf
        opened = closed + dt.timedelta(days=max(int(min(lag, 1e5)), 1))
        happened = {"outcome": "opened", "outcome_on": str(opened), "outcome_precision": "day"}
        names = {"episode_id": f"m-{n}", "model": f"M {n}", "family": f"m-{n}", "organization": f"Org {n % 40}"}
        rows.append(
            plain | names | {"closed_on": str(closed)} | (happened if opened < AS_OF else {"outcome": "still_closed"})
        )
    with (folder / "episodes.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(Episode.model_fields))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.mark.slow
def test_known_parameters_come_back(simulated: Path, tmp_path: Path) -> None:
    view, priors = read_episodes(simulated / "episodes.csv", AS_OF), read_priors(ROOT / "data" / "priors.toml")
    found = posterior_for(view, "any", priors, SMALL, tmp_path)
    drawn = named_parameters(found.raw, priors)
    for name, truth in {"odds.none": ODDS, "time.none": TIME, "spread.none": SPREAD}.items():
        assert abs(drawn[name].mean() - truth) < 3 * drawn[name].std(), name
        assert drawn[name].std() < 0.5, name
    again = posterior_for(view, "any", priors, SMALL, tmp_path)
    np.testing.assert_array_equal(again.raw, found.raw)
    assert again.diagnostics == found.diagnostics

    # what the fit has not seen counts as a weight: a row left out is forecast as one that was in
    closed = view[view.full_last.isna()].head(1)
    alone = Ensemble((found,), (1.0,))
    inside = next(model_forecasts(alone, view, "any", closed))
    outside = next(model_forecasts(alone, view, "any", closed.assign(episode_id="another")))
    assert inside.prob_by(365) == pytest.approx(float(outside.prob_by(365)), abs=0.05)


@pytest.mark.slow
def test_a_fit_that_does_not_converge_is_refused_with_the_reason(simulated: Path, tmp_path: Path) -> None:
    view, priors = read_episodes(simulated / "episodes.csv", AS_OF), read_priors(ROOT / "data" / "priors.toml")
    hopeless = replace(SMALL, tune=10, draws=10, min_ess=400, ladder=(0.8, 0.9))
    with pytest.raises(FitError, match=r"did not converge.*target_accept 0.8: .*; target_accept 0.9: ") as refused:
        fit(build_design(view, "any"), fit_arrivals(view, "any", priors.arrival), "any", priors, hopeless, tmp_path)
    assert "R-hat" in str(refused.value) or "effective sample size" in str(refused.value)


@pytest.fixture
def stored(tmp_path: Path, a_posterior: Posterior) -> Path:
    file = tmp_path / "posterior.npz"
    save(a_posterior, file)
    return file


def test_a_posterior_comes_back_from_its_file(stored: Path, a_posterior: Posterior) -> None:
    back = load(stored)
    np.testing.assert_array_equal(back.raw, a_posterior.raw)
    np.testing.assert_array_equal(back.arrivals.rate, a_posterior.arrivals.rate)
    assert (back.layout, back.diagnostics, back.organizations) == (
        a_posterior.layout,
        a_posterior.diagnostics,
        a_posterior.organizations,
    )
    assert [f.name for f in stored.parent.iterdir()] == [stored.name]


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[:200], lambda b: b"", lambda b: b[:-3000] + b"x" * 3000],
    ids=["cut", "empty", "overwritten"],
)
def test_a_damaged_file_is_no_posterior(stored: Path, damage: Callable[[bytes], bytes]) -> None:
    stored.write_bytes(damage(stored.read_bytes()))
    with pytest.raises(ValueError, match=r"damaged|allow_pickle"):
        load(stored)


def test_a_file_of_another_version_is_no_posterior(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecast.model.posterior.FORMAT", 2)
    with pytest.raises(ValueError, match="of another version"):
        load(stored)


@dataclass(frozen=True)
class Fit:
    """A fit that was asked for."""

    latency: str
    settings: Settings
    design: Design
    metric: Metric | None


@pytest.fixture
def asked(a_posterior: Posterior, monkeypatch: pytest.MonkeyPatch) -> list[Fit]:
    """Fits that were asked for; the prior's draws are given instead."""
    fits: list[Fit] = []

    def no_fit(
        design: Design, arrivals: Arrivals, target: str, priors: Priors, settings: Settings, *_: Any, **more: Any
    ):
        fits.append(Fit(settings.latency, settings, design, more["metric"]))
        return replace(a_posterior, latency=settings.latency)

    monkeypatch.setattr(module, "fit", no_fit)
    return fits


@pytest.fixture(scope="module")
def view() -> pd.DataFrame:
    return read_episodes(ROOT / "data" / "episodes.csv", AS_OF)


def weighing(priors: Priors, programs: bool = False, **weights: float) -> Priors:
    """The priors with other weights of the families."""
    return Priors(priors.by_name, priors.arrival, dict.fromkeys(LATENCIES, 0.0) | weights, programs)


def test_a_damaged_cache_is_fitted_anew_with_a_word(
    tmp_path: Path,
    asked: list[Fit],
    view: pd.DataFrame,
    a_posterior: Posterior,
    priors: Priors,
    caplog: pytest.LogCaptureFixture,
) -> None:
    posterior_for(view, "any", priors, ALONE, tmp_path)
    [file] = (tmp_path / "posteriors").iterdir()
    file.write_bytes(b"nothing")
    with caplog.at_level(logging.WARNING, logger="forecast"):
        posterior_for(view, "any", priors, ALONE, tmp_path)
    assert "fitting it anew" in caplog.text
    np.testing.assert_array_equal(load(file).raw, a_posterior.raw)
    assert len(asked) == 2


@pytest.mark.parametrize("change", [{"seed": 1}, {"latency": "log_normal"}, {"tune": 400}])
def test_other_settings_have_a_cache_of_their_own(
    tmp_path: Path, asked: list[Fit], view: pd.DataFrame, priors: Priors, change: dict[str, Any]
) -> None:
    for settings in (ALONE, ALONE, replace(ALONE, **change)):
        posterior_for(view, "any", priors, settings, tmp_path)
    assert len(list((tmp_path / "posteriors").iterdir())) == len(asked) == 2


# --- Families ----------------------------------------------------------------------------------------------------


def test_the_average_is_of_the_families_that_weigh_something_and_a_named_one_stands_alone(priors: Priors) -> None:
    some = weights_of(AVERAGE, weighing(priors, log_logistic=0.25, burr_xii=0.75))
    assert list(some.items()) == [("burr_xii", 0.75), ("log_logistic", 0.25)]
    assert weights_of("weibull", weighing(priors, burr_xii=1.0)) == {"weibull": 1.0}
    assert Settings().latency == AVERAGE


def test_families_start_from_the_heaviest_ones_metric_and_are_fitted_once(
    tmp_path: Path, asked: list[Fit], view: pd.DataFrame, priors: Priors
) -> None:
    weights = {"burr_xii": 0.4, "log_normal": 0.3, "log_logistic": 0.2, "weibull": 0.1}
    for _ in range(2):
        ensemble = ensemble_for(view, "any", weighing(priors, **weights), Settings(seed=5), tmp_path)
        assert [member.latency for member in ensemble.members] == list(weights)
        assert ensemble.weights == pytest.approx(tuple(weights.values()))
    first, *others = asked
    assert (first.settings, first.metric) == (Settings("burr_xii", seed=5), None)
    assert [one.settings for one in others] == [replace(SERIES, latency=n, seed=5) for n in list(weights)[1:]]
    for one in others:
        assert one.metric is not None
        assert one.metric.starts.shape == (SERIES.chains, layout_of(one.design).size)


def test_a_family_without_weight_is_not_fitted_unless_it_is_named(
    tmp_path: Path, asked: list[Fit], view: pd.DataFrame, priors: Priors
) -> None:
    some = weighing(priors, log_logistic=0.75, weibull=0.25)
    assert ensemble_for(view, "any", some, cache=tmp_path).latency == "0.75 log_logistic + 0.25 weibull"
    assert [one.latency for one in asked] == ["log_logistic", "weibull"]
    assert ensemble_for(view, "any", some, Settings("burr_xii"), tmp_path).latency == "burr_xii"
    assert [(one.latency, one.metric) for one in asked[2:]] == [("burr_xii", None)]


def test_a_family_keeps_a_cache_of_its_own_for_every_pilot(
    tmp_path: Path, asked: list[Fit], view: pd.DataFrame, priors: Priors
) -> None:
    """Its draws depend on where it starts from."""
    for names in (["weibull"], ["log_logistic", "weibull"], ["burr_xii", "weibull"]):
        posteriors_for(view, "any", priors, names, Settings(), tmp_path)
    assert [one.latency for one in asked] == ["weibull", "log_logistic", "weibull", "burr_xii", "weibull"]


def test_programs_are_fitted_where_the_priors_say_so(
    tmp_path: Path, asked: list[Fit], view: pd.DataFrame, priors: Priors
) -> None:
    for programs in (False, True):
        posterior_for(view, "any", weighing(priors, programs), ALONE, tmp_path)
    assert [(one.design.with_share == 0).any() for one in asked] == [False, True]
