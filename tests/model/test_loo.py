"""Left out: PSIS against a conjugate model's closed form, refits where it cannot be trusted, stacking by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forecast.model import loo
from forecast.model.design import Design, build_design
from forecast.model.fit import SERIES
from forecast.model.loo import good_k, leave_episode_out, leave_organization_out, refit_like, stacking
from forecast.model.posterior import Posterior
from forecast.model.priors import Priors
from forecast.model.terms import layout_of

# --- A model whose answers are known -----------------------------------------------------------------------------

#: Standard deviation of the prior of a mean; the data have 1.
WIDE = 3.0


@dataclass(frozen=True)
class Numbers:
    """In a design's place: a number an episode, two segments each; its organisations."""

    value: np.ndarray
    row: np.ndarray
    organization: np.ndarray
    with_share: np.ndarray

    @classmethod
    def of(cls, value: np.ndarray, organization: np.ndarray | None = None) -> Numbers:
        rows = np.repeat(3 * np.arange(len(value)), 2)  # their places have gaps
        group = np.zeros(len(value), int) if organization is None else organization
        return cls(np.repeat(value, 2), rows, np.repeat(group, 2), np.ones(2 * len(value)))

    def only(self, some: np.ndarray) -> Numbers:
        return Numbers(*(each[some] for each in vars(self).values()))

    @property
    def values(self) -> np.ndarray:
        return self.value[::2]

    @property
    def mean(self) -> Any:
        """Posterior of the mean."""
        precision = len(self.values) + WIDE**-2
        return stats.norm(self.values.sum() / precision, precision**-0.5)

    def predictive(self, value: float) -> float:
        """Log density of another number."""
        return float(stats.norm(self.mean.mean(), np.hypot(self.mean.std(), 1.0)).logpdf(value))


@pytest.fixture
def fitted(a_posterior: Posterior, monkeypatch: pytest.MonkeyPatch) -> Callable[[Numbers], Posterior]:
    """Draws of the mean of some numbers, in the form of a posterior; likelihoods are those of the numbers."""

    def of_each(posterior: Posterior, numbers: Numbers) -> tuple[np.ndarray, np.ndarray]:
        return np.unique(numbers.row), stats.norm(posterior.raw, 1.0).logpdf(numbers.values)

    def fit(numbers: Numbers) -> Posterior:
        evenly = (np.arange(4000) + 0.5) / 4000
        return replace(a_posterior, raw=numbers.mean.ppf(evenly)[:, None])

    monkeypatch.setattr(loo, "episode_loglik", of_each)
    return fit


@pytest.fixture
def refits() -> list[Numbers]:
    return []


def test_episodes_left_out_have_the_density_of_the_closed_form(
    fitted: Callable[[Numbers], Posterior], refits: list[Numbers]
) -> None:
    numbers = Numbers.of(np.random.default_rng(5).normal(size=30), np.arange(30) % 7)
    found = leave_episode_out(fitted(numbers), numbers, refits.append)
    expected = [numbers.only(numbers.row != row).predictive(numbers.values[n]) for n, row in enumerate(range(0, 90, 3))]
    np.testing.assert_allclose(found.elpd, expected, atol=0.02)
    seen = [numbers.predictive(value) for value in numbers.values]
    assert np.sum(seen) - found.elpd.sum() > 0.5  # what has been seen is no forecast
    np.testing.assert_array_equal(found.organization, np.arange(30) % 7)
    assert found.pareto_k.shape == (30,)
    assert (found.pareto_k <= good_k(4000)).all()
    assert (refits, found.refitted) == ([], 0)


def test_an_episode_whose_weights_cannot_be_trusted_is_fitted_anew_without_it(
    fitted: Callable[[Numbers], Posterior], refits: list[Numbers]
) -> None:
    numbers = Numbers.of(np.array([0.3, -0.5, 6.0, 0.1]))

    def refit(rest: Numbers) -> Posterior:
        refits.append(rest)
        return fitted(rest)

    found = leave_episode_out(fitted(numbers), numbers, refit)
    assert np.flatnonzero(~(found.pareto_k <= good_k(4000))).tolist() == [2]
    assert found.refitted == 1
    [rest] = refits
    assert rest.row.tolist() == [0, 0, 3, 3, 9, 9]
    assert found.elpd[2] == pytest.approx(rest.predictive(6.0), abs=0.1)
    assert found.elpd[0] == pytest.approx(numbers.only(numbers.row != 0).predictive(0.3), abs=0.1)


def test_organizations_are_left_out_in_folds_and_scored_as_a_whole(
    fitted: Callable[[Numbers], Posterior], refits: list[Numbers]
) -> None:
    organization = np.array([0, 1, 1, 2, 2, 2, 3, 4])
    numbers = Numbers.of(np.random.default_rng(6).normal(size=8), organization)
    timing_only = replace(numbers, with_share=np.where(numbers.organization == 3, 0.0, 1.0))

    def refit(rest: Numbers) -> Posterior:
        refits.append(rest)
        return fitted(rest)

    found = leave_organization_out(timing_only, refit, np.random.default_rng(1), folds=2)
    assert found.refitted == len(found.elpd) == len(found.pareto_k) == 4
    assert np.isnan(found.pareto_k).all()
    left_out = [set(range(5)) - set(rest.organization) for rest in refits]
    assert len(refits) == 2
    assert sorted(n for fold in left_out for n in fold) == [0, 1, 2, 4]
    for elpd, one in zip(found.elpd, found.organization, strict=True):
        [rest] = [rest for rest, fold in zip(refits, left_out, strict=True) if one in fold]
        held = numbers.only(numbers.organization == one).values
        together = stats.multivariate_normal(np.full(len(held), rest.mean.mean()), rest.mean.var() + np.eye(len(held)))
        assert elpd == pytest.approx(together.logpdf(held), abs=0.02), one


def test_no_more_folds_than_organizations(fitted: Callable[[Numbers], Posterior], refits: list[Numbers]) -> None:
    numbers = Numbers.of(np.array([0.1, 0.2, 0.3]), np.array([0, 1, 2]))
    found = leave_organization_out(numbers, lambda rest: refits.append(rest) or fitted(rest), np.random.default_rng(1))
    assert (len(refits), len(found.elpd)) == (3, 3)


@pytest.mark.parametrize(("draws", "expected"), [(100, 0.5), (1000, 2 / 3), (2800, 0.7), (100_000, 0.7)])
def test_the_largest_shape_that_is_trusted_grows_with_the_draws_up_to_a_limit(draws: int, expected: float) -> None:
    assert good_k(draws) == pytest.approx(expected, abs=0.011)


# --- Fits anew ---------------------------------------------------------------------------------------------------


def test_a_refit_is_made_as_the_fit_was_from_its_own_metric(
    view_of: Callable[..., pd.DataFrame],
    a_posterior: Posterior,
    priors: Priors,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {}

    def no_fit(design: Design, arrivals: Any, target: str, _priors: Any, settings: Any, *rest: Any) -> str:
        given.update(design=design, arrivals=arrivals, target=target, settings=settings, layout=rest[2], metric=rest[3])
        return "a posterior"

    monkeypatch.setattr(loo, "fit", no_fit)
    design = build_design(view_of({"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"}), "any")
    posterior = replace(a_posterior, latency="weibull", seed=17)
    assert layout_of(design) != posterior.layout
    assert refit_like(posterior, priors, tmp_path)(design) == "a posterior"
    assert given["settings"] == replace(SERIES, latency="weibull", seed=17)
    assert (given["target"], given["layout"], given["design"]) == ("any", posterior.layout, design)
    assert given["arrivals"] is posterior.arrivals
    assert given["metric"].starts.shape == (SERIES.chains, posterior.layout.size)


# --- Stacking ----------------------------------------------------------------------------------------------------


def test_a_family_that_is_always_better_gets_all_the_weight() -> None:
    worse = np.random.default_rng(1).normal(-900.0, 1.0, 40)
    assert stacking({"better": worse + 0.3, "worse": worse}) == pytest.approx({"better": 1.0, "worse": 0.0}, abs=1e-6)


def test_two_families_and_two_episodes_have_the_weights_counted_by_hand() -> None:
    # log(1 + w) + log(4 - 3 w) is largest at w = 1/6
    found = stacking({"one": np.log([2.0, 1.0]), "other": np.log([1.0, 4.0])})
    assert found == pytest.approx({"one": 1 / 6, "other": 5 / 6}, abs=1e-6)


def test_families_that_say_the_same_share_the_weight() -> None:
    same = np.array([-1.0, -20.0])
    assert stacking({"one": same, "other": same, "third": same}) == pytest.approx(
        dict.fromkeys(("one", "other", "third"), 1 / 3)
    )


@pytest.mark.parametrize("seed", range(4))
def test_stacked_weights_are_the_best_of_a_grid(seed: int) -> None:
    elpd = dict(zip("abc", np.random.default_rng(seed).normal(-5.0, 1.0, (3, 25)), strict=True))
    elpd["b"] += 0.3

    def score(weights: np.ndarray) -> float:
        return float(np.log(weights @ np.exp(list(elpd.values()))).sum())

    def grid() -> Iterator[np.ndarray]:
        for first, second in product(range(101), repeat=2):
            if first + second <= 100:
                yield np.array([first, second, 100 - first - second]) / 100

    found, best = np.array(list(stacking(elpd).values())), max(grid(), key=score)
    assert found.sum() == pytest.approx(1)
    assert score(found) >= score(best) - 1e-9
    np.testing.assert_allclose(found, best, atol=0.02)


def test_weights_over_organizations_are_means_over_resamples_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loo, "RESAMPLES", 400)
    monkeypatch.setattr(loo, "STEPS", 200)
    elpd = {"one": np.log([2.0, 1.0]), "other": np.log([1.0, 4.0])}
    # a quarter each hold one organisation twice, half of them both: (1 + 0 + 2 / 6) / 4
    found = stacking(elpd, np.array([0, 1]), np.random.default_rng(2))
    assert found["one"] == pytest.approx(1 / 3, abs=0.06)
    assert sum(found.values()) == pytest.approx(1)
    alone = stacking(elpd, np.array([0, 0]), np.random.default_rng(2))
    assert alone == pytest.approx(stacking(elpd))
