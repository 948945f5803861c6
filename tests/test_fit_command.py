"""``forecast fit``: the page and the JSON say the same, and what a fit is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.slow
def test_fit_says_parameters_families_diagnostics_sensitivity_and_promises(
    run: Callable[..., Any], cache: Path
) -> None:
    words = ("fit", "--latency", "weibull", "--as-of", "2024-07-01")
    told = run(*words, "--json")
    found = json.loads(told.out)
    assert told.code == 0
    assert {"families", "parameters", "sensitivity", "promises", "segments", "openings"} <= set(found)
    [family] = found["families"]
    assert family["family"] == "weibull"
    assert (family["weight"], family["stacking"]) == pytest.approx((1.0, 1.0))
    assert family["episodes"] > 100
    assert family["r_hat"] <= 1.01
    assert family["refitted"] == 0 or family["pareto_k_max"] > family["pareto_k_limit"]
    assert -5 < family["elpd_loo"] < 0
    by_name = {row["parameter"]: row for row in found["parameters"]}
    assert by_name["odds.vague"]["median"] > by_name["odds.none"]["median"]
    assert all(row["low"] <= row["median"] <= row["high"] for row in found["parameters"])
    effects = {row["effect"] for row in found["parameters"]}
    assert {"odds of ever opening, multiplied by", "time to opening, multiplied by"} <= effects
    assert {"P(open within 365 days), none", "never fraction, dated"} <= {r["quantity"] for r in found["sensitivity"]}
    assert found["promises"][0]["promises"] > 3


def test_a_run_that_cannot_weigh_is_one_line(run: Callable[..., Any], tmp_path: Path) -> None:
    told = run("weigh", tmp_path)
    assert told.code == 1
    assert told.err.count("\n") == 1
    assert "run 'forecast backtest --each' first" in told.err
