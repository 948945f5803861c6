"""The contract of the covariates: described, known by the debut, blind to what came after it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from forecast.model.covariates import COVARIATES, EFFECTS, FORBIDDEN, covariate_matrix, covariate_names
from forecast.tables.schema import Episode

#: Columns of a view that hold what may have become known after the debut.
KNOWN_LATER = (
    {c for c in Episode.model_fields if c.startswith(("promise", "outcome"))}
    | {f"{kind}_{end}" for kind in ("part", "full") for end in ("first", "last")}
    | {"leaked_on", "withdrawn_on", "statements", "family_statements", "closed_through"}
)


@pytest.fixture
def blind(real_view: pd.DataFrame) -> pd.DataFrame:
    """The real view without any column that a covariate must not read."""
    hidden = [c for c in real_view if c in FORBIDDEN | KNOWN_LATER or c.endswith("_url")]
    assert set(real_view) >= KNOWN_LATER
    return real_view.drop(columns=hidden)


@pytest.mark.parametrize("name", COVARIATES)
def test_a_covariate_reads_only_what_was_known_at_the_debut(
    name: str, blind: pd.DataFrame, real_view: pd.DataFrame
) -> None:
    value = COVARIATES[name].value
    altered = real_view.assign(**{c: real_view[c].to_numpy()[::-1] for c in real_view if c not in blind})
    for view in (blind, altered):
        np.testing.assert_array_equal(np.asarray(value(view), float), np.asarray(value(real_view), float))


@pytest.mark.parametrize("name", COVARIATES)
def test_a_covariate_is_known_by_the_day_of_the_view(name: str, real_view: pd.DataFrame) -> None:
    known_on = real_view[COVARIATES[name].known_on]
    assert known_on.le(pd.Timestamp(real_view.attrs["as_of"])).all()
    assert known_on.le(real_view.closed_last).all()


@pytest.mark.parametrize("name", COVARIATES)
def test_a_covariate_is_described_varies_and_moves_known_predictors(name: str, real_view: pd.DataFrame) -> None:
    covariate = COVARIATES[name]
    values = np.asarray(covariate.value(real_view), float)
    assert covariate.description.strip()
    assert np.isfinite(values).all()
    assert values.std() > 0
    assert covariate.moves
    assert set(covariate.moves) <= set(EFFECTS)
    assert ("odds" in covariate.moves) == ("part" in covariate.moves)


def test_the_forbidden_columns_are_those_of_the_schema_that_follow_the_outcome() -> None:
    later = {"params_b", "license", "license_class", "what_opened", "observed_through", "outcome", "outcome_on"}
    judged = {"confidence", "frame", "notes", "flagship", "safety_review"}
    pages = {c for c in Episode.model_fields if c.endswith("_url")}
    assert later | judged | pages <= FORBIDDEN <= set(Episode.model_fields)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param({"closed_how": "app", "org_country": "US", "org_type": "big_tech"}, set(), id="reference"),
        pytest.param({}, {"api", "elsewhere", "startup"}, id="plain"),
        pytest.param(
            {"closed_how": "paper", "org_country": "CN", "org_type": "academic"}, {"paper", "china", "public"}, id="CN"
        ),
        pytest.param(
            {"closed_how": "waitlist", "org_type": "nonprofit"}, {"restricted", "elsewhere", "public"}, id="list"
        ),
        pytest.param(
            {"closed_how": "research_access", "org_type": "state"}, {"restricted", "elsewhere", "public"}, id="state"
        ),
        pytest.param(
            {"closed_how": "announcement", "org_type": "big_tech"}, {"announcement", "elsewhere"}, id="announced"
        ),
        pytest.param({"domain": "software"}, {"api", "elsewhere", "startup", "software"}, id="software"),
        pytest.param({"domain": "game"}, {"api", "elsewhere", "startup", "game"}, id="game"),
    ],
)
def test_a_row_has_the_traits_its_cells_say(
    view_of: Callable[..., pd.DataFrame], cells: dict[str, str], expected: set[str]
) -> None:
    [row] = covariate_matrix(view_of(cells))
    assert {n for n, x in zip(COVARIATES, row, strict=True) if n != "year" and x == 1} == expected
    assert set(np.delete(row, list(COVARIATES).index("year"))) <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("closed_on", "precision", "expected"),
    [
        ("2023-07-01", "day", 0.0),
        ("2025-07-01", "day", 731 / 730.5),
        ("2023-07-20", "year", 1 / 730.5),
        ("1976-10-01", "year", -1642 / 730.5),
    ],
)
def test_the_year_counts_in_steps_of_two_from_july_2023_and_not_before_2019(
    view_of: Callable[..., pd.DataFrame], closed_on: str, precision: str, expected: float
) -> None:
    view = view_of({"closed_on": closed_on, "closed_precision": precision})
    assert covariate_matrix(view)[0, list(COVARIATES).index("year")] == pytest.approx(expected, abs=1e-3)


def test_a_value_that_is_not_finite_is_refused(real_view: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="not finite"):
        covariate_matrix(real_view.assign(closed_first=pd.NaT))


def test_covariates_of_each_effect_are_in_the_registrys_order() -> None:
    programs = ["software", "game"]
    assert covariate_names("time") == list(COVARIATES)
    assert covariate_names("odds") == covariate_names("part") == [n for n in COVARIATES if n not in programs]
    assert covariate_names("spread") == programs


def test_a_covariate_known_after_the_day_is_refused(real_view: pd.DataFrame) -> None:
    late = real_view.assign(closed_last=pd.Timestamp("2030-01-01"))
    late.attrs = real_view.attrs
    with pytest.raises(ValueError, match="covariate paper: a row's closed_last lies after"):
        covariate_matrix(late)
