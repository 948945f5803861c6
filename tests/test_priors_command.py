"""``forecast priors``: beside the posterior, before any data, and made from a posterior."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats


@pytest.fixture
def unfitted(no_fits: Callable[..., None]) -> None:
    """Draws from the prior where a fit would be."""
    no_fits(4000)


@pytest.mark.usefixtures("unfitted")
def test_where_nothing_was_learnt_the_posterior_is_the_prior(
    home: Path, run: Callable[..., Any], tmp_path: Path
) -> None:
    picture = tmp_path / "priors.svg"
    told = run("priors", "--home", str(home), "--json", "--plot", str(picture))
    rows = json.loads(told.out)["priors"]
    assert len(rows) > 40
    assert np.abs([row["prior_removed"] for row in rows]).max() < 0.1
    assert picture.read_text(encoding="utf-8").count("odds.none") >= 1
    assert "odds.none" in run("priors", "--home", str(home)).out


def test_before_any_data_the_answers_are_those_of_the_prior(home: Path, run: Callable[..., Any]) -> None:
    found = json.loads(run("priors", "check", "--home", str(home), "--json").out)
    assert found["model"] == "weibull"
    by_name = {row["quantity"]: row for row in found["answers"]}
    # median days: log-normal, as priors.toml has it
    time = by_name["median days from the debut, none"]
    from forecast.model.priors import read_priors

    prior = read_priors(home / "data" / "priors.toml").by_name["time.none"]
    expected = np.exp(stats.norm.ppf([0.05, 0.5, 0.95], prior.location, prior.scale))
    assert [time[n] for n in ("low", "median", "high")] == pytest.approx(expected, rel=0.1)
    assert {row["verdict"] for row in found["answers"]} == {""}


def test_a_prior_that_insists_is_named(home: Path, run: Callable[..., Any]) -> None:
    file = home / "data" / "priors.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("mean = -0.5\nsd = 1.0", "mean = -4.0\nsd = 0.2", 1), encoding="utf-8")
    told = run("priors", "check", "--home", str(home))
    assert told.code == 0
    assert "hardly ever below 0.3: is that known?" in told.out


@pytest.mark.usefixtures("unfitted")
def test_a_posterior_is_written_once_and_used_by_name(home: Path, run: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "absorbed.toml"
    words = ("priors", "from-posterior", "--home", str(home), "--out", str(out), "--as-of", "2025-07-01")
    told = run(*words)
    assert told.code == 0
    assert f"'forecast fit --priors {out}'" in told.out
    again = run(*words)
    assert (again.code, again.err.count("\n")) == (1, 1)
    assert "exists already" in again.err
    checked = run("priors", "check", "--home", str(home), "--priors", str(out))
    assert checked.code == 0
    nowhere = run("priors", "from-posterior", "--home", str(home), "--out", str(tmp_path / "no" / "x.toml"))
    assert "there is no folder" in nowhere.err


def test_absorbed_days_are_refused_in_one_line(
    home: Path,
    run: Callable[..., Any],
    tmp_path: Path,
    no_fits: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "absorbed.toml"
    no_fits(4000)
    run("priors", "from-posterior", "--home", str(home), "--out", str(out), "--as-of", "2025-07-01")
    monkeypatch.undo()
    for day, fault in (("2025-07-01", "absorbed all days through 2025-07-01"), ("2025-01-01", "would count twice")):
        told = run(
            "predict", "openai-gpt-4", "--as-of", day, "--home", str(home), "--priors", str(out), "--latency", "weibull"
        )
        assert (told.code, told.err.count("\n")) == (1, 1)
        assert fault in told.err
    told = run("predict", "xai-grok-3", "--home", str(home), "--priors", str(out), "--latency", "log_normal")
    assert "know nothing of log_normal: give --latency weibull" in told.err
