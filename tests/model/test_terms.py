"""Linear predictors: the vector of standard normals against formulas in the parameters' names."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytensor
import pytensor.tensor as pt
import pytest

from forecast.model.covariates import COVARIATES, covariate_names
from forecast.model.design import Design, build_design
from forecast.model.priors import POOLED, Priors, parameter_names
from forecast.model.tensors import TENSORS
from forecast.model.terms import (
    N_PARAMETERS,
    PLACES,
    Layout,
    layout_of,
    make_terms,
    named_parameters,
    predictors,
    round_up,
    terms_of,
)
from forecast.tables.promises import STATES

FIELDS = ("odds", "part", "time", "shape", "part_time", "part_shape", "tail")


@pytest.fixture(scope="module", params=["any", "full"])
def design(request: pytest.FixtureRequest, real_view: pd.DataFrame) -> Design:
    return build_design(real_view, request.param, programs=True)


@pytest.fixture(scope="module")
def draws(design: Design) -> np.ndarray:
    return np.random.default_rng(20260406).normal(size=(4, layout_of(design).size))


def effect(raw: np.ndarray, layout: Layout, name: str, member: int) -> float:
    """Standard normal of a group's member: parameters come first, then one block for each pooled effect."""
    place = N_PARAMETERS
    for other in POOLED:
        size = layout.organizations if other.startswith("organization") else layout.modalities
        if other == name:
            assert member < size
            return raw[place + member]
        place += size
    raise KeyError(name)


def by_hand(raw: np.ndarray, design: Design, i: int, priors: Priors) -> dict[str, float]:
    """Predictors of one segment, one parameter at a time."""
    theta = {n: p.location + p.scale * raw[j] for j, (n, p) in enumerate(priors.by_name.items())}
    layout, state = layout_of(design), STATES[design.state[i]]
    traits = dict(zip(COVARIATES, design.covariates[i], strict=False)) | {"wait": design.covariates[i, -1]}

    def linear(group: str) -> float:
        return sum(theta[f"{group}.{n}"] * x for n, x in traits.items() if f"{group}.{n}" in theta)

    def pooled(name: str) -> float:
        member = (design.organization if name.startswith("organization") else design.modality)[i]
        return np.exp(theta[f"scale.{name}"]) * effect(raw, layout, name, member)

    tied = theta["tie.organization"] * np.exp(theta["scale.organization_time"])
    tied *= effect(raw, layout, "organization_odds", design.organization[i])
    odds = theta[f"odds.{state}"] + linear("odds") + pooled("organization_odds") + pooled("modality_odds")
    time = theta[f"time.{state}"] + linear("time") + pooled("organization_time") + pooled("modality_time") + tied
    return {
        "odds": odds,
        "part": theta["part.share"] + linear("part") + pooled("organization_part") + design.no_part[i],
        "time": time + design.log_due[i],
        "shape": np.exp(-theta[f"spread.{state}"] - linear("spread")),
        "part_time": theta["part_time.shift"],
        "part_shape": np.exp(-theta["part_spread.ratio"]),
        "tail": np.exp(theta["tail.k"]),
    }


def test_predictors_are_those_written_by_hand(design: Design, draws: np.ndarray, priors: Priors) -> None:
    dated = np.flatnonzero(design.state == STATES.index("dated"))[:8]
    some = np.concatenate([np.arange(0, len(design.row), 23), dated])
    assert set(design.state[some]) == {0, 1, 2}
    programs = [list(COVARIATES).index(name) for name in covariate_names("spread")]
    assert design.covariates[some][:, programs].any(axis=0).all()
    found = predictors(draws, terms_of(design, some, layout_of(design)), priors.location, priors.scale)
    for d, raw in enumerate(draws):
        for j, i in enumerate(some):
            expected = by_hand(raw, design, i, priors)
            values = {f: np.broadcast_to(getattr(found, f), (len(draws), len(some)))[d, j] for f in FIELDS}
            assert values == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_one_draw_and_many_and_both_namespaces_agree(design: Design, draws: np.ndarray, priors: Priors) -> None:
    terms = terms_of(design, np.arange(40), layout_of(design))
    many = predictors(draws, terms, priors.location, priors.scale)
    raw = pt.vector("raw")
    tensors = predictors(raw, terms, priors.location, priors.scale, TENSORS)
    tensors = pytensor.function([raw], [getattr(tensors, f) for f in FIELDS], mode="FAST_COMPILE")
    for i, draw in enumerate(draws):
        one = predictors(draw, terms, priors.location, priors.scale)
        for field, tensor in zip(FIELDS, tensors(draw), strict=True):
            np.testing.assert_allclose(getattr(many, field)[i], getattr(one, field), rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(tensor, getattr(one, field), rtol=1e-12, atol=1e-12)


def test_openings_in_part_cannot_happen_for_openings_in_full(design: Design, draws: np.ndarray, priors: Priors) -> None:
    terms = terms_of(design, np.arange(len(design.row)), layout_of(design))
    share = np.exp(predictors(draws, terms, priors.location, priors.scale).part)
    assert (share.max() < 1e-12) == (set(design.no_part) != {0.0})


def test_the_vector_is_cut_into_parameters_and_groups_without_gap_or_overlap() -> None:
    names, layout = parameter_names(), Layout(organizations=5, modalities=3)
    assert [i for place in PLACES.values() for i in range(place.start, place.stop)] == list(range(len(names)))
    assert {names[i].split(".")[0] for i in range(*PLACES["scale"].indices(len(names)))} == {"scale"}
    places = [N_PARAMETERS, *(layout.start(e) + (5 if "organization" in e else 3) for e in POOLED)]
    assert places == [*(layout.start(e) for e in POOLED), layout.size]
    assert layout.size == len(names) + 3 * 5 + 2 * 3


@pytest.mark.parametrize(
    ("organizations", "modalities", "expected"),
    [(1, 1, (32, 16)), (31, 15, (32, 16)), (32, 16, (64, 32)), (114, 11, (128, 16))],
)
def test_groups_are_padded_with_a_place_to_spare(
    organizations: int, modalities: int, expected: tuple[int, int]
) -> None:
    names = {"organizations": ("a",) * organizations, "modalities": ("b",) * modalities}
    layout = layout_of(SimpleNamespace(**names))
    assert (layout.organizations, layout.modalities) == expected


@pytest.mark.parametrize(("n", "expected"), [(0, 32), (1, 32), (32, 32), (33, 64)])
def test_sizes_are_rounded_up_to_whole_blocks(n: int, expected: int) -> None:
    assert round_up(n, 32) == expected


@pytest.mark.parametrize("name", parameter_names())
def test_a_parameter_moves_its_own_predictors_and_no_other(name: str, priors: Priors) -> None:
    group, member = name.split(".")
    state = STATES.index(member) if member in STATES else 0
    layout = Layout(organizations=2, modalities=2)
    terms = make_terms(
        np.array([state]), np.ones((1, len(COVARIATES) + 1)), np.zeros(1), np.zeros(1), *np.zeros((2, 1), int), layout
    )
    raw = np.ones((2, layout.size))
    raw[1, parameter_names().index(name)] += 1
    found = predictors(raw, terms, priors.location, priors.scale)
    moved = {f for f in FIELDS if not np.array_equal(*getattr(found, f))}
    others = {"spread": {"shape"}, "part_spread": {"part_shape"}, "tie": {"time"}, "scale": {member.split("_")[-1]}}
    expected = others.get(group, {group})
    # organisations with a wider spread of pace also carry a wider tie
    assert moved == expected


def test_named_parameters_are_on_their_own_scale(priors: Priors) -> None:
    at_centre = named_parameters(np.zeros((1, N_PARAMETERS)), priors)
    above = named_parameters(np.ones((1, N_PARAMETERS)), priors)
    assert list(at_centre) == parameter_names()
    for name, prior in priors.by_name.items():
        if prior.distribution == "normal":
            assert (at_centre[name][0], above[name][0]) == pytest.approx((prior.mean, prior.mean + prior.sd))
        else:
            expected = (prior.median, prior.median * np.exp(prior.log_sd))
            assert (at_centre[name][0], above[name][0]) == pytest.approx(expected)


def test_covariates_of_a_term_are_those_of_its_effect(design: Design) -> None:
    terms = terms_of(design, np.arange(5), layout_of(design))
    assert terms.x_odds.shape == (5, len(STATES) + len(covariate_names("odds")) + 1)
    assert terms.x_time.shape == (5, len(STATES) + len(covariate_names("time")) + 1)
    assert terms.x_part.shape == (5, 1 + len(covariate_names("part")))
    assert terms.x_spread.shape == (5, len(STATES) + len(covariate_names("spread")))
