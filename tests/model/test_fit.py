"""The whole fit: known parameters come back, a bad fit is refused, the cache gives the same draws."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast.errors import FitError
from forecast.model.arrivals import fit_arrivals
from forecast.model.design import build_design
from forecast.model.fit import Settings, fit, posterior_for
from forecast.model.posterior import Posterior, load, save
from forecast.model.predict import model_forecasts
from forecast.model.priors import read_priors
from forecast.model.terms import named_parameters
from forecast.tables.episodes import read_episodes

ROOT = Path(__file__).resolve().parents[2]
AS_OF = dt.date(2026, 10, 31)
#: Settings for simulated tables: enough draws to judge by, not to publish.
SMALL = Settings(chains=2, tune=300, draws=500, min_ess=100, max_r_hat=1.03)
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
    inside = next(model_forecasts(found, view, "any", closed))
    outside = next(model_forecasts(found, view, "any", closed.assign(episode_id="another")))
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


def test_a_damaged_cache_is_fitted_anew_with_a_word(
    tmp_path: Path, a_posterior: Posterior, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from forecast.model import fit as module

    monkeypatch.setattr(module, "fit", lambda *_: a_posterior)
    view, priors = read_episodes(ROOT / "data" / "episodes.csv", AS_OF), read_priors(ROOT / "data" / "priors.toml")
    posterior_for(view, "any", priors, cache=tmp_path)
    [file] = (tmp_path / "posteriors").iterdir()
    file.write_bytes(b"nothing")
    with caplog.at_level(logging.WARNING, logger="forecast"):
        posterior_for(view, "any", priors, cache=tmp_path)
    assert "fitting it anew" in caplog.text
    np.testing.assert_array_equal(load(file).raw, a_posterior.raw)


@pytest.mark.parametrize("change", [{"seed": 1}, {"latency": "log_normal"}, {"tune": 400}])
def test_other_settings_have_a_cache_of_their_own(
    tmp_path: Path, a_posterior: Posterior, monkeypatch: pytest.MonkeyPatch, change: dict[str, int]
) -> None:
    from forecast.model import fit as module

    monkeypatch.setattr(module, "fit", lambda *_: a_posterior)
    view, priors = read_episodes(ROOT / "data" / "episodes.csv", AS_OF), read_priors(ROOT / "data" / "priors.toml")
    for settings in (Settings(), Settings(), replace(Settings(), **change)):
        posterior_for(view, "any", priors, settings, tmp_path)
    assert len(list((tmp_path / "posteriors").iterdir())) == 2
