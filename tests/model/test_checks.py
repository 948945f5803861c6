"""Observed curves are Kaplan-Meier's, the model's are means of survival functions; follow-up by hand."""

from __future__ import annotations

from collections.abc import Callable

import lifelines
import numpy as np
import pandas as pd
import pytest

from forecast.model.checks import follow_up_adequacy, predictive_survival, state_lags
from forecast.model.design import build_design
from forecast.model.ensemble import Ensemble
from forecast.model.posterior import Posterior
from forecast.model.terms import layout_of

DAYS = np.array([10.0, 100.0, 365.0])


def test_the_observed_curve_is_lifelines_with_delayed_entry(real_view: pd.DataFrame) -> None:
    design = build_design(real_view, "any")
    entry, end, opened = state_lags(design, 0)
    assert (entry > 0).any()
    fitted = lifelines.KaplanMeierFitter().fit(end, opened, entry=entry)
    ensemble = Ensemble((_at_the_centre(real_view, design),), (1.0,))
    table = predictive_survival(ensemble, design, DAYS)
    none = table[table.state == "none"]
    np.testing.assert_allclose(none.observed, fitted.predict(DAYS), atol=1e-9)
    assert set(table.state) == {"none", "vague", "dated"}
    assert ((table.low <= table["mean"] + 1e-12) & (table["mean"] <= table.high + 1e-12)).all()


def test_one_rows_curve_is_its_survival_function(view_of: Callable[..., pd.DataFrame]) -> None:
    view = view_of({"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"})
    design = build_design(view, "any")
    table = predictive_survival(Ensemble((_at_the_centre(view, design),), (1.0,)), design, DAYS)
    weights = np.exp([-0.5, -2.0, 0.0])
    ever = 1 - weights[2] / weights.sum()
    expected = 1 - ever * (1 - 1 / (1 + DAYS / np.exp(4.5)))
    np.testing.assert_allclose(table[table.state == "none"]["mean"], expected, rtol=1e-9)


def test_follow_up_is_long_enough_where_nothing_opens_late() -> None:
    end, opened = np.array([1.0, 2, 3, 4, 100, 100, 100, 100]), np.array([True] * 4 + [False] * 4)
    assert follow_up_adequacy(end, opened) == pytest.approx((1 - 4 / 8) ** 8)  # all openings lie in (4 - 96, 4]
    end, opened = np.array([1.0, 50, 99, 100]), np.array([True, True, True, False])
    assert follow_up_adequacy(end, opened) == pytest.approx((1 - 1 / 4) ** 4)  # only 99 lies in (98, 99]


def _at_the_centre(view: pd.DataFrame, design) -> Posterior:
    from forecast.model.arrivals import Arrivals
    from forecast.model.posterior import Diagnostics
    from forecast.model.priors import read_priors
    from forecast.tables.paths import packaged_data

    priors, layout = read_priors(packaged_data() / "priors.toml"), layout_of(design)
    nothing = Arrivals(np.full(6, 1e-9), np.full(6, 1e9), np.empty(0))
    return Posterior(
        raw=np.zeros((3, layout.size)),
        location=priors.location,
        scale=priors.scale,
        layout=layout,
        organizations=design.organizations,
        modalities=design.modalities,
        arrivals=nothing,
        latency="log_logistic",
        target="any",
        sampler="none",
        seed=1,
        diagnostics=Diagnostics(1.0, 1e3, 1e3, 0, 1, 3, 0.8),
        rows=len(design.row),
        opened=design.n_opened,
    )
