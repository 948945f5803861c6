"""The priors file: every parameter has one, every fault is named, and what they imply before any data."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.errors import TableError
from forecast.model.design import build_design
from forecast.model.latency import LATENCIES
from forecast.model.priors import Gamma, LogNormal, Normal, Priors, parameter_names, read_priors
from forecast.model.terms import layout_of, predictors, terms_of


@pytest.fixture(scope="session")
def real_text(real_data: Path) -> str:
    return (real_data / "priors.toml").read_text(encoding="utf-8")


def table(text: str, name: str) -> str:
    """One prior's lines of the file."""
    start = text.index(f"[{name}]")
    end = text.find("\n[", start)
    return text[start:] if end < 0 else text[start:end]


def read(folder: Path, text: str) -> Priors:
    (folder / "priors.toml").write_text(text, encoding="utf-8")
    return read_priors(folder / "priors.toml")


def test_every_parameter_has_a_prior_with_a_reason_and_a_source(priors: Priors) -> None:
    assert priors.names == parameter_names() == list(priors.by_name)
    assert len(set(priors.names)) == len(priors.names) == len(priors.location) == len(priors.scale)
    assert (priors.scale > 0).all()
    assert all(p.reason and p.source and p.changed_on for p in [*priors.by_name.values(), priors.arrival])


def test_priors_are_the_numbers_of_the_file(priors: Priors, real_text: str) -> None:
    groups = tomllib.loads(real_text)
    for name, location, scale in zip(priors.names, priors.location, priors.scale, strict=True):
        group, member = name.split(".")
        cells = groups[group][member]
        positive = group in ("spread", "part_spread", "tail", "scale")
        assert cells["distribution"] == ("lognormal" if positive else "normal")
        expected = (np.log(cells["median"]), cells["log_sd"]) if positive else (cells["mean"], cells["sd"])
        assert (location, scale) == pytest.approx(expected)


def test_a_positive_parameter_has_the_median_and_log_sd_stated() -> None:
    words = {"reason": "r", "source": "s", "changed_on": "2026-01-01"}
    prior = LogNormal(distribution="lognormal", median=0.5, log_sd=0.4, **words)
    draws = np.exp(prior.location + prior.scale * np.random.default_rng(1).normal(size=200_000))
    assert np.median(draws) == pytest.approx(0.5, rel=0.01)
    assert np.log(draws).std() == pytest.approx(0.4, rel=0.01)
    assert Normal(distribution="normal", mean=-1, sd=2, **words).location == -1


def test_the_prior_of_promises_is_worth_so_many_days_of_exposure() -> None:
    words = {"reason": "r", "source": "s", "changed_on": "2026-01-01"}
    prior = Gamma(distribution="gamma", shape=0.5, mean_per_year=2.0, **words)
    assert prior.shape / prior.rate_days * 365.25 == pytest.approx(2)
    assert prior.rate_days == pytest.approx(365.25 / 4)


@pytest.mark.parametrize(
    "name",
    [
        "odds.none",
        "scale.modality_time",
        "tie.organization",
        "spread.game",
        "tail.k",
        "arrival.hazard",
        "family.weibull",
        "rows.programs",
    ],
)
def test_a_missing_prior_is_named(tmp_path: Path, real_text: str, name: str) -> None:
    with pytest.raises(TableError) as error:
        read(tmp_path, real_text.replace(table(real_text, name), ""))
    assert str(error.value) == f"{tmp_path / 'priors.toml'}: no prior for {name}"


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("odds.none", "sd = 1.0", "sd = -1.0", "[odds.none] sd: -1.0: Input should be greater than 0"),
        ("odds.none", "sd = 1.0", "sd = 0.0", "[odds.none] sd: 0.0: Input should be greater than 0"),
        ("odds.none", "sd = 1.0", "sd = inf", "[odds.none] sd: inf: Input should be a finite number"),
        ("odds.none", "mean = -0.5", "mean = nan", "[odds.none] mean: nan: Input should be a finite number"),
        ("odds.none", "mean = -0.5", 'mean = "low"', "[odds.none] mean: 'low': Input should be a valid number"),
        ("odds.none", "sd = 1.0\n", "", "[odds.none] sd: '': Field required"),
        ("odds.none", "sd = 1.0", "sd = 1.0\nscale = 2.0", "[odds.none] scale: 2.0: Extra inputs are not permitted"),
        ("odds.none", '"normal"', '"cauchy"', "[odds.none] distribution: 'cauchy': Input should be 'normal'"),
        ("odds.none", '"normal"', '"lognormal"', "[odds.none] distribution: 'lognormal': Input should be 'normal'"),
        ("spread.none", "median = 1.0", "median = -1.0", "[spread.none] median: -1.0: Input should be greater than 0"),
        ("spread.none", '"lognormal"', '"normal"', "[spread.none] distribution: 'normal': Input should be 'lognormal'"),
        ("arrival.hazard", "shape = 0.5", "shape = 0", "[arrival.hazard] shape: 0: Input should be greater than 0"),
        ("tie.organization", "changed_on = 2026-11-25", "changed_on = 'soon'", "[tie.organization] changed_on: 'soon'"),
        ("tie.organization", "[tie.organization]", "[tie.organisation]", "no prior for tie.organization"),
        ("tie.organization", "[tie.organization]", "[tie.organisation]", "[tie.organisation]: names no parameter"),
        ("tail.k", "median = 1.0", "median = 0.0", "[tail.k] median: 0.0: Input should be greater than 0"),
        ("rows.programs", "use = ", "use = 'no' # ", "[rows.programs] use: 'no': Input should be a valid boolean"),
        ("rows.programs", "use = ", "use = 1 # ", "[rows.programs] use: 1: Input should be a valid boolean"),
        (
            "family.weibull",
            "weight = ",
            "weight = -1 # ",
            "[family.weibull] weight: -1: Input should be greater than or",
        ),
        (
            "family.weibull",
            "weight = ",
            "weight = 1.5 # ",
            "[family.weibull] weight: 1.5: Input should be less than or",
        ),
        ("family.weibull", "weight = ", "weight = nan # ", "[family.weibull] weight: nan: Input should be a finite"),
        ("family.weibull", "weight = ", "weight = '1' # ", "[family.weibull] weight: '1': Input should be a valid"),
        ("family.weibull", "[family.weibull]", "[family.gamma]", "[family.gamma]: names no parameter"),
    ],
)
def test_a_bad_prior_is_refused_with_its_file_and_parameter(
    tmp_path: Path, real_text: str, name: str, old: str, new: str, fault: str
) -> None:
    good = table(real_text, name)
    assert old in good
    with pytest.raises(TableError) as error:
        read(tmp_path, real_text.replace(good, good.replace(old, new)))
    assert f"{tmp_path / 'priors.toml'}: {fault}" in str(error.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[odds.none\n", "not TOML"),
        ("odds = 3\n", "odds: must be a table of priors, such as [odds.name]"),
        ("[odds]\nnone = 3\n", "[odds.none]: 3: must be a table"),
        ("", "no prior for odds.none"),
    ],
)
def test_a_file_that_holds_no_priors_says_so(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(TableError) as error:
        read(tmp_path, text)
    assert f"{tmp_path / 'priors.toml'}: {fault}" in str(error.value)


def test_all_faults_are_named_at_once(tmp_path: Path, real_text: str) -> None:
    with pytest.raises(TableError) as error:
        read(tmp_path, real_text.replace("log_sd = 0.4", "log_sd = -0.4"))
    assert str(error.value).count("log_sd: -0.4") == 3


def weighed(text: str, *weights: float) -> str:
    """The file with other weights of the families."""
    for name, weight in zip(LATENCIES, weights, strict=True):
        old = table(text, f"family.{name}")
        text = text.replace(old, re.sub(r"weight = .*", f"weight = {weight}", old))
    return text


@pytest.mark.parametrize("weights", [(0.7, 0.1, 0.2, 0.0), (0.0, 0.0, 0.0, 1.0), (0.33, 0.33, 0.34, 0.0)])
def test_the_families_have_the_weights_of_the_file(tmp_path: Path, real_text: str, weights: tuple[float, ...]) -> None:
    assert read(tmp_path, weighed(real_text, *weights)).families == dict(zip(LATENCIES, weights, strict=True))


@pytest.mark.parametrize(
    ("weights", "total"), [((0.5, 0.5, 0.25, 0.0), "1.25"), ((0.3, 0.3, 0.3, 0.05), "0.95"), ((0.0,) * 4, "0")]
)
def test_weights_that_do_not_add_up_to_one_are_refused_in_one_line(
    tmp_path: Path, real_text: str, weights: tuple[float, ...], total: str
) -> None:
    with pytest.raises(TableError) as error:
        read(tmp_path, weighed(real_text, *weights))
    fault = f"[family]: the weights add up to {total}: they must add up to 1"
    assert str(error.value) == f"{tmp_path / 'priors.toml'}: {fault}"


@pytest.mark.parametrize("use", [True, False])
def test_the_file_says_whether_programs_inform_the_timing(tmp_path: Path, real_text: str, use: bool) -> None:
    text = re.sub(r"\nuse = \w+", f"\nuse = {str(use).lower()}", real_text)
    assert read(tmp_path, text).programs is use


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        read_priors(tmp_path / "priors.toml")


# --- What the priors imply ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prior_predictive(real_view: pd.DataFrame, priors: Priors) -> dict[str, np.ndarray]:
    """Per prior draw, over the real AI rows as they entered: share that never opens, median lag given opening."""
    design = build_design(real_view, "any")
    entries = np.flatnonzero(np.diff(design.row, prepend=-1) != 0)
    entries = entries[real_view.domain.to_numpy()[design.row[entries]] == "ai_model"]
    layout = layout_of(design)
    raw = np.random.default_rng(20260406).normal(size=(2000, layout.size))
    p = predictors(raw, terms_of(design, entries, layout), priors.location, priors.scale)
    never = 1 / (1 + np.exp(p.odds) + np.exp(p.odds + p.part))
    return {"never": never.mean(axis=1), "lag": np.median(np.exp(p.time), axis=1)}


def test_before_any_data_the_never_fraction_may_be_nearly_anything(prior_predictive: dict[str, np.ndarray]) -> None:
    never = prior_predictive["never"]
    low, high = np.quantile(never, [0.05, 0.95])
    assert np.mean((never > 0.1) & (never < 0.9)) >= 0.9
    assert low < 0.3
    assert high > 0.7


def test_before_any_data_the_median_lag_is_between_a_week_and_ten_years(
    prior_predictive: dict[str, np.ndarray],
) -> None:
    lag = prior_predictive["lag"]
    low, high = np.quantile(lag, [0.025, 0.975])
    assert np.mean((lag > 7) & (lag < 3652.5)) >= 0.95
    assert low < 30
    assert high > 365
