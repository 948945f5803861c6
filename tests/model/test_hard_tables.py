"""Tables that break maximum likelihood: they fit with the prior's help, or are refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.errors import FitError, TableError
from forecast.model.design import build_design
from forecast.model.fit import Settings, ensemble_for
from forecast.model.predict import model_forecasts
from forecast.model.priors import Priors

FAST = Settings(latency="weibull", chains=2, tune=200, draws=300, min_ess=50.0, max_r_hat=1.1)

OPENED = {"outcome": "opened", "outcome_on": "2024-07-01", "outcome_precision": "day", "license_class": "osi"}


def table(count: int, opened: Callable[[int], dict[str, str]], **every: Any) -> list[dict[str, str]]:
    """Rows of two organisations with debuts a few days apart; ``every``: what else the n-th row has."""
    return [
        {
            "episode_id": f"row-{n}",
            "model": f"Row {n}",
            "family": f"family-{n}",
            "organization": ("Acme", "Zenith")[n % 2],
            "closed_on": f"2024-{1 + n % 3:02d}-{1 + n % 27:02d}",
            **opened(n),
            **{name: value(n) for name, value in every.items()},
        }
        for n in range(count)
    ]


def full(n: int) -> dict[str, str]:
    return OPENED | {"outcome_on": f"2024-{5 + n % 7:02d}-11"}


def some(n: int) -> dict[str, str]:
    return full(n) if n % 3 == 0 else {}


TABLES: dict[str, list[dict[str, str]]] = {
    "separation: every model of one organisation opened, none of the other": table(
        30, lambda n: full(n) if n % 2 else {}
    ),
    "covariates without variation, no opening in part": table(30, some),
    "one organisation": table(30, some, organization=lambda n: "Acme"),
    "ten rows": table(10, some),
    "one opening": table(10, lambda n: full(n) if n == 0 else {}),
    "everything opened": table(20, full),
}


@pytest.mark.slow
@pytest.mark.parametrize("rows", TABLES.values(), ids=list(TABLES))
def test_a_hard_table_is_fitted_with_the_priors_help(
    view_of: Callable[..., pd.DataFrame], priors: Priors, cache: Path, rows: list[dict[str, str]]
) -> None:
    view = view_of(*rows)
    ensemble = ensemble_for(view, "any", priors, FAST, cache)
    assert np.isfinite(ensemble.first.raw).all()
    closed = view[view.full_last.isna()]
    for forecast in model_forecasts(ensemble, view, "any", closed if len(closed) else view.iloc[:0]):
        assert np.isfinite(forecast.cdf).all()
        assert 0 <= forecast.prob_by(30) <= forecast.prob_by(3650) <= 1


@pytest.mark.slow
def test_separation_leaves_the_organisations_apart_but_not_certain(
    view_of: Callable[..., pd.DataFrame], priors: Priors, cache: Path
) -> None:
    rows = TABLES["separation: every model of one organisation opened, none of the other"]
    newcomers = [
        {"episode_id": f"new-{o.lower()}", "family": f"new-{o.lower()}", "organization": o, "closed_on": "2026-10-01"}
        for o in ("Acme", "Zenith")
    ]
    view = view_of(*rows, *newcomers)
    ensemble = ensemble_for(view, "any", priors, FAST, cache)
    new = view[view.episode_id.str.startswith("new")]
    acme, zenith = (float(f.prob_by(3650)) for f in model_forecasts(ensemble, view, "any", new))
    assert 0.0 < acme < 0.3 < zenith < 1.0


def test_no_opening_at_all_is_refused_with_the_reason(view_of: Callable[..., pd.DataFrame]) -> None:
    with pytest.raises(FitError, match="no opened AI model was known on 2026-10-31: a fit needs at least one"):
        build_design(view_of(*table(10, lambda n: {})), "any")


def test_a_lag_of_zero_is_no_episode(view_of: Callable[..., pd.DataFrame]) -> None:
    with pytest.raises(TableError, match="outcome_on"):
        view_of(*table(3, lambda n: OPENED | {"outcome_on": f"2024-{1 + n % 3:02d}-{1 + n % 27:02d}"}))


def test_a_promise_after_the_opening_has_no_segment(view_of: Callable[..., pd.DataFrame]) -> None:
    late = ({"about": "row-0", "known_on": "2025-05-01"},)
    rows = table(6, some)
    with_it, without = (build_design(view_of(*rows, promises=p), "any") for p in (late, ()))
    assert with_it.digest() == without.digest()
