"""Weights of the families: which items count, and which way wins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.errors import FitError
from forecast.model.latency import LATENCIES
from forecast.record.weighing import decided, future_left_out


def items(folder: Path, forecasters: tuple[str, ...]) -> Path:
    days = ["2025-01-01", "2025-06-30", "2025-07-01"]
    rows = [
        about | {"origin": pd.Timestamp(day), "forecaster": name, "log": float(n + 10 * k)}
        for n, day in enumerate(days)
        for k, name in enumerate(forecasters)
        for about in ({"episode_id": "a", "organization": "Bolt"}, {"episode_id": "b", "organization": "Acme"})
    ]
    pd.DataFrame(rows).to_parquet(folder / "items.parquet")
    return folder / "items.parquet"


def test_only_origins_for_choices_weigh(tmp_path: Path) -> None:
    found = future_left_out(items(tmp_path, ("model", *LATENCIES)))
    assert list(found) == list(LATENCIES)
    one = found["log_logistic"]
    np.testing.assert_array_equal(one.elpd, [-10.0, -10.0, -11.0, -11.0])  # the origin of July is for claims
    np.testing.assert_array_equal(one.organization, [1, 0, 1, 0])


def test_a_run_without_each_family_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FitError, match="does not score weibull, burr_xii: run 'forecast backtest --each' first"):
        future_left_out(items(tmp_path, ("model", "log_logistic", "log_normal")))
    with pytest.raises(FitError, match=r"no .*items.parquet: run 'forecast backtest --each' first"):
        future_left_out(tmp_path / "no" / "items.parquet")


@pytest.mark.parametrize(
    ("loo", "lfo", "expected"),
    [
        pytest.param((0.7, 0.3), (0.6, 0.4), (0.7, 0.3), id="near: leave-episode-out"),
        pytest.param((0.9, 0.1), (0.6, 0.4), (0.6, 0.4), id="far apart: leave-future-out"),
        pytest.param((0.97, 0.03), (0.98, 0.02), (1.0, 0.0), id="a small weight is dropped"),
    ],
)
def test_leave_future_out_wins_where_the_two_differ_much(loo, lfo, expected) -> None:
    names = ("log_normal", "weibull")
    found = decided(dict(zip(names, loo, strict=True)), dict(zip(names, lfo, strict=True)))
    assert found == pytest.approx(dict(zip(names, expected, strict=True)))
