"""201 points that keep Metaculus' rules, whatever the forecast; near it wherever the rules let them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import interpolate

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.formats.exports import Wanted, export
from forecast.record.formats.metaculus_cdf import Scale, continuous_cdf
from forecast.record.lines import RESOLUTIONS
from forecast.record.records import release_forecast, withdrawal_record
from forecast.release import GRID_DAYS, ReleaseForecast
from forecast.tables.paths import Home

DAY = dt.date(2026, 1, 1)
YEAR = Scale(DAY, DAY + dt.timedelta(366))


def faults(cdf: list[float], scale: Scale) -> list[str]:
    """What Metaculus' own check would say, after its rounding to ten decimals."""
    said = np.round(cdf, 10)
    steps = np.round(np.diff(said), 10)
    found = {
        "201 values": len(said) == 201,
        "a step below 5e-5": steps.min() >= round(0.01 / 200, 10),
        "a step above 0.2": steps.max() <= 0.2,
        "lower bound": said[0] >= 0.001 if scale.open_lower else said[0] == 0,
        "upper bound": said[-1] <= 0.999 if scale.open_upper else said[-1] == 1,
    }
    return [name for name, good in found.items() if not good]


def one(cdf: Any, part: float = 0.0) -> ReleaseForecast:
    whole = np.asarray(cdf, float)
    return ReleaseForecast("q", "acme", DAY, (1 - part) * whole, part * whole)


@pytest.mark.parametrize("open_lower", [False, True])
@pytest.mark.parametrize("open_upper", [False, True])
def test_every_real_forecast_keeps_the_rules(real_home: Home, open_lower: bool, open_upper: bool) -> None:
    for chain in ledger.chains(real_home.ledger):
        for line in ledger.read(real_home.ledger, chain)[::25] if chain != RESOLUTIONS else []:
            forecast = release_forecast(line.body)
            for first, days in ((0, 3650), (40, 97)):
                start = forecast.made_on + dt.timedelta(first)
                scale = Scale(start, start + dt.timedelta(days), open_lower, open_upper)
                try:
                    assert faults(continuous_cdf(forecast, scale), scale) == [], (chain, line.number)
                except LedgerError as error:
                    assert "nothing lies between" in str(error)  # noqa: PT017 - where both bounds are closed
                    assert (open_lower, open_upper) == (False, False)


@settings(max_examples=60, deadline=None)
@given(
    jumps=st.lists(st.tuples(st.integers(1, len(GRID_DAYS) - 1), st.floats(0.001, 1)), min_size=1, max_size=5),
    left=st.floats(0, 0.99),
    first=st.integers(-400, 400),
    days=st.integers(1, 5000),
    bounds=st.tuples(st.booleans(), st.booleans()),
)
def test_any_forecast_on_any_scale_keeps_the_rules(
    jumps: list[tuple[int, float]], left: float, first: int, days: int, bounds: tuple[bool, bool]
) -> None:
    cdf = np.zeros(len(GRID_DAYS))
    for place, mass in jumps:
        cdf[place:] += mass
    start = DAY + dt.timedelta(first)
    scale = Scale(start, start + dt.timedelta(days), *bounds)
    try:
        assert faults(continuous_cdf(one(np.minimum(cdf / cdf[-1] * (1 - left), 1)), scale), scale) == []
    except LedgerError as error:
        assert "nothing lies between" in str(error)  # noqa: PT017
        assert bounds == (False, False)


def test_where_no_rule_binds_it_is_the_forecast_at_the_end_of_each_day() -> None:
    forecast = one(0.7 * (1 - np.exp(-GRID_DAYS / 200)))
    found = continuous_cdf(forecast, YEAR)
    moments = np.linspace(0, 366, 201)
    curve = interpolate.make_interp_spline(GRID_DAYS, forecast.cdf, k=1)
    expected = np.where(moments < 1, 0.0, curve(np.maximum(moments - 1, 0)))
    # the one step before the end of the first day has nothing: it gets 5e-5, all others a little less for it
    assert found == pytest.approx(expected, abs=6e-5)


def test_steps_without_a_bound_keep_their_proportions() -> None:
    """The conditions of Karush, Kuhn and Tucker for the nearest steps."""
    forecast = one(np.minimum(GRID_DAYS**2 / 60000, 0.9))
    raw = np.diff(
        interpolate.make_interp_spline(GRID_DAYS, forecast.cdf, k=1)(np.maximum(np.linspace(0, 366, 201) - 1, 0))
    )
    steps = np.diff(continuous_cdf(forecast, YEAR))
    free = (steps > 5.1e-5) & (steps < 0.2)
    factors = steps[free] / raw[free]
    assert np.ptp(factors) < 1e-5
    assert steps[~free & (raw * factors.mean() <= 5e-5)] == pytest.approx(5e-5, abs=1e-9)


def test_a_day_named_for_certain_spreads_to_the_steps_beside_it() -> None:
    """5e-5 a step leaves 0.989 for five steps of at most 0.2: the day's and two on either side."""
    certain = one(np.clip(GRID_DAYS - 59, 0, 1))
    scale = Scale(DAY, DAY + dt.timedelta(200))
    steps = np.diff(continuous_cdf(certain, scale))
    full = np.flatnonzero(steps > 0.1)
    assert list(full) == [58, 59, 60, 61, 62]
    assert steps[60] == pytest.approx(0.2, abs=1e-9)
    assert steps[full].sum() == pytest.approx(1 - 195 * 5e-5 - 0.001, abs=1e-3)


def test_never_lies_beyond_an_open_bound_and_is_refused_between_closed_ones() -> None:
    never = one(np.zeros(len(GRID_DAYS)))
    assert continuous_cdf(never, YEAR)[-1] == pytest.approx(0.01)
    with pytest.raises(LedgerError, match="nothing lies between 2026-01-01 and 2027-01-02: take wider bounds"):
        continuous_cdf(never, replace(YEAR, open_upper=False))


def test_a_closed_upper_bound_shares_out_what_lies_beyond() -> None:
    half = one(np.minimum(GRID_DAYS / 363, 1) * 0.5)
    assert continuous_cdf(half, replace(YEAR, open_upper=False)) == pytest.approx(
        np.clip((np.linspace(0, 366, 201) - 1) / 363, 0, 1), abs=2e-4
    )


def test_bounds_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(LedgerError, match="must come before"):
        Scale(DAY, DAY)


def chosen(wanted: Wanted, **more: Any) -> dict[str, Any]:
    return json.loads(export("metaculus", replace(wanted, **more)))


def test_the_last_forecast_counts_and_of_its_day_the_first_recorded(
    wanted: Wanted, make_record: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    home = Home(tmp_path)
    days = [DAY, DAY, DAY + dt.timedelta(1), DAY + dt.timedelta(2)]
    records = [make_record(made_on=day, forecaster="model", seed=seed) for seed, day in enumerate(days)]
    for record, day in zip(records, days, strict=True):
        ledger.append(home.ledger, "model", [record], recorded_on=day)
    ledger.append(home.ledger, "model", [withdrawal_record(records[3]["id"], "a slip")], recorded_on=days[3])
    mine = replace(wanted, home=home, question="q")
    assert chosen(mine)["forecast_id"] == records[2]["id"]
    assert chosen(mine, made_on=DAY)["forecast_id"] == records[0]["id"]
    with pytest.raises(LedgerError, match=r"made on 2026-01-03; it made some on 2026-01-01, 2026-01-02"):
        chosen(mine, made_on=days[3])


def test_the_command_prints_json_or_writes_it(run: Callable[..., Any], real_home: Home, tmp_path: Path) -> None:
    words = ["ledger", "export", "metaculus", "--question", "muse-any", "--home", real_home.data.parent]
    done = run(*words, "--made-on", "2026-04-06", "--upper", "2027-04-06")
    assert (done.code, done.err) == (0, "")
    said = json.loads(done.out)
    assert (said["made_on"], said["range_max"], said["open_upper_bound"]) == ("2026-04-06", "2027-04-06", True)
    assert faults(said["continuous_cdf"], Scale(DAY, DAY + dt.timedelta(1))) == []
    again = run(*words, "--made-on", "2026-04-06", "--upper", "2027-04-06", "--out", tmp_path / "cdf.json")
    assert again.code == 0
    assert json.loads((tmp_path / "cdf.json").read_text(encoding="utf-8")) == said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "export: name a format: "),
        (["metaculus"], "export metaculus needs --question"),
        (["metaculus", "--question", "none"], "no forecast by model for 'none': 'forecast questions' lists"),
        (["metaculus", "--question", "muse-any", "--parquet"], "export metaculus does not take --parquet"),
        (["hubverse"], "export hubverse needs --out"),
        (["hubverse", "--out", "no/such/hub"], "no/such/hub: there is no folder no/such: make it first"),
        (["metaculus", "--question", "muse-any", "--forecaster", "../x"], "'../x' cannot name a chain"),
        (["metaculus", "--question", "muse-any", "--upper", "soon"], "--upper soon: must be a day"),
        (["metaculus", "--question", "muse-any", "--lower", "9999-01-01"], "--lower 9999-01-01: the forecast of "),
        (["--to", ""], "export sql needs --to"),
        (["--to", "sqlite://"], "--to: names no file: its rows would be gone at once"),
        (["sql", "--to", "sqlite:///:memory:"], "--to: names no file"),
    ],
)
def test_errors_are_one_line(run: Callable[..., Any], real_home: Home, words: list[str], message: str) -> None:
    done = run("ledger", "export", *words, "--home", real_home.data.parent)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert message in done.err
