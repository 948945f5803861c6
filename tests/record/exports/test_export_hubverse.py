"""A hub: its configuration against the schema's rules, its rows against hand-made ones, read by ``hubdata``."""

from __future__ import annotations

import csv
import datetime as dt
import importlib.util
import json
import logging
import os
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import hubdata
import jsonschema
import pyarrow.parquet as pq
import pytest
import structlog
from hubdata.create_target_data_schema import TargetType

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.formats import hubverse
from forecast.record.formats.exports import Wanted, export
from forecast.record.formats.hub_rows import came_true, said
from forecast.record.score_table import Resolution
from forecast.release import HORIZON_DAYS, ReleaseForecast
from forecast.tables.paths import Home

DAY = dt.date(2026, 1, 1)
#: A copy of the hubverse's schemas of version 6.0.0; here stands only what they ask of a hub of ours, restated.
SCHEMAS = os.environ.get("FORECAST_HUBVERSE_SCHEMAS")


def rules() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hubverse_rules", Path(__file__).with_name("hubverse_rules.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def quiet() -> None:
    """Without its remark that the hub has no schema of model metadata, which is no part of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


@pytest.fixture(scope="module")
def hub(real_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hubs") / "hub"
    export("hubverse", Wanted(real_home, dt.date(2026, 12, 31), out=out))
    return out


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


@pytest.mark.parametrize(
    ("name", "rule"), [("tasks", "TASKS"), ("admin", "ADMIN"), ("target-data", "TARGET_DATA")], ids=str
)
def test_the_configuration_keeps_the_rules_of_the_schema(hub: Path, name: str, rule: str) -> None:
    config = json.loads((hub / "hub-config" / f"{name}.json").read_text(encoding="utf-8"))
    schema = getattr(rules(), rule)
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.FormatChecker(["date", "email"])
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(config)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(config | {"more": 1}, schema)


@pytest.mark.skipif(
    SCHEMAS is None, reason="FORECAST_HUBVERSE_SCHEMAS names no folder v6.0.0 of github.com/hubverse-org/schemas"
)
@pytest.mark.parametrize("name", ["tasks", "admin", "target-data"])
def test_the_configuration_is_valid_by_the_hubverse_s_own_schema(hub: Path, name: str) -> None:
    schema = json.loads((Path(str(SCHEMAS)) / f"{name}-schema.json").read_text(encoding="utf-8"))
    config = json.loads((hub / "hub-config" / f"{name}.json").read_text(encoding="utf-8"))
    assert config["schema_version"] == schema["$id"]
    checker = jsonschema.FormatChecker(["date", "email"])
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(config)


def test_hubdata_reads_every_row_of_the_model_output(hub: Path) -> None:
    table = hubdata.connect_hub(hub).get_dataset().to_table()
    files = sorted((hub / "model-output").rglob("*.csv"))
    assert table.num_rows == sum(len(rows_of(file)) for file in files)
    assert set(table["model_id"].to_pylist()) == {file.parent.name for file in files}
    assert all(file.name == f"{file.name[:10]}-{file.parent.name}.csv" for file in files)
    assert all(file.parent.name.count("-") == 1 for file in files)
    assert {
        row["origin_date"] for file in files for row in rows_of(file) if not file.name.startswith(row["origin_date"])
    } == set()
    assert table["value"].null_count == 0


def test_hubdata_reads_the_oracle_output_and_each_row_belongs_to_a_task(hub: Path) -> None:
    oracle = hubdata.connect_target_data(hub, TargetType.ORACLE_OUTPUT).to_table().to_pylist()
    keys = Counter(tuple(row[k] for k in row if k != "oracle_value") for row in oracle)
    assert oracle
    assert max(keys.values()) == 1
    said_of = hubdata.connect_hub(hub).get_dataset().to_table().to_pylist()
    tasks = {(row["origin_date"], row["question_id"], row["target"]) for row in said_of}
    assert {(row["origin_date"], row["question_id"], row["target"]) for row in oracle} <= tasks


def test_parquet_holds_the_same_rows(real_home: Home, hub: Path, tmp_path: Path) -> None:
    export("hubverse", Wanted(real_home, dt.date(2026, 12, 31), out=tmp_path / "hub", parquet=True))
    files = sorted((tmp_path / "hub" / "model-output").rglob("*.parquet"))
    assert len(files) == len(sorted((hub / "model-output").rglob("*.csv")))
    for file in files[::20]:
        same = rows_of(hub / "model-output" / file.parent.name / f"{file.stem}.csv")
        found = pq.ParquetFile(file).read().to_pylist()
        assert [{k: str(v) for k, v in row.items()} for row in found] == same
    columns = hubdata.connect_hub(tmp_path / "hub").get_dataset().to_table().num_rows
    assert columns == hubdata.connect_hub(hub).get_dataset().to_table().num_rows


def test_probabilities_of_words_add_up_and_cdfs_rise(hub: Path) -> None:
    words: defaultdict[tuple[Any, ...], float] = defaultdict(float)
    for file in sorted((hub / "model-output").rglob("*.csv")):
        before = (("", ""), 0.0)
        for row in rows_of(file):
            key = (row["question_id"], row["target"])
            if row["output_type"] == "pmf":
                words[(file.name, *key)] += float(row["value"])
            else:
                assert before[0] != key or before[1] <= float(row["value"])
                before = (key, float(row["value"]))
    assert list(words.values()) == pytest.approx([1.0] * len(words), abs=1e-12)


def test_rows_of_a_forecast_by_hand(make_forecast: Callable[..., ReleaseForecast]) -> None:
    even = make_forecast(lambda u: u / 3650 * 0.5)  # a half never, the rest evenly over ten years
    rows = list(said(even, DAY))
    assert [(kind, name) for _, kind, name, _ in rows[:5]] == [("cdf", str(h)) for h in HORIZON_DAYS]
    assert [value for *_, value in rows[:5]] == pytest.approx([h / 7300 for h in HORIZON_DAYS])
    assert [(name, value) for _, _, name, value in rows[5:9]] == [
        ("weeks", pytest.approx(60 / 7300)),
        ("months", pytest.approx(670 / 7300)),
        ("years", pytest.approx(2920 / 7300)),
        ("never", pytest.approx(0.5)),
    ]
    assert [(name, value) for _, _, name, value in rows[9:]] == [("0.1", 365.0), ("0.5", 1825.0), ("0.9", 3285.0)]


def test_what_may_be_open_already_is_taken_out(make_forecast: Callable[..., ReleaseForecast]) -> None:
    seen = make_forecast(lambda u: 0.2 + 0.4 * (u >= 30), last_checked=DAY - dt.timedelta(20))
    by_30 = next(value for _, kind, name, value in said(seen, DAY) if (kind, name) == ("cdf", "30"))
    assert by_30 == pytest.approx(0.4 / 0.8)


def test_a_forecast_of_never_has_no_quantiles(make_forecast: Callable[..., ReleaseForecast]) -> None:
    assert not [row for row in said(make_forecast(lambda u: 0 * u), DAY) if row[1] == "quantile"]


def test_a_horizon_is_answered_when_it_has_passed_opened_or_not() -> None:
    opened = Resolution("resolved", DAY + dt.timedelta(40), "full")
    rows = list(came_true(DAY, DAY, opened, DAY + dt.timedelta(100)))
    assert [(name, value) for _, kind, name, value in rows if kind == "cdf"] == [("30", 0.0), ("90", 1.0)]
    assert [(name, value) for _, kind, name, value in rows if kind == "pmf"] == [
        ("weeks", 1.0),
        ("months", 0.0),
        ("years", 0.0),
        ("never", 0.0),
    ]
    assert [(name, value) for _, kind, name, value in rows if kind == "quantile"] == [("NA", 40.0)]
    still = list(came_true(DAY, DAY, Resolution("open"), DAY + dt.timedelta(100)))
    assert [(name, value) for _, _, name, value in still] == [("30", 0.0), ("90", 0.0)]


def test_an_opening_after_the_last_search_is_not_known() -> None:
    opened = Resolution("resolved", DAY + dt.timedelta(40), "full")
    rows = list(came_true(DAY, DAY, opened, DAY + dt.timedelta(35)))
    assert [(name, value) for _, _, name, value in rows] == [("30", 0.0)]


@pytest.mark.parametrize(
    "known", [Resolution("void"), Resolution("ambiguous"), Resolution("resolved", DAY, "full")], ids=str
)
def test_what_is_never_scored_has_no_answer(known: Resolution) -> None:
    assert not list(came_true(DAY, DAY, known, DAY + dt.timedelta(100)))


def test_after_ten_years_the_word_is_never() -> None:
    rows = list(came_true(DAY, DAY, Resolution("open"), DAY + dt.timedelta(3650)))
    assert ("word of the opening", "pmf", "never", 1.0) in rows


def test_brier_from_the_hub_is_the_score_table_s(hub: Path, real_scores: Any) -> None:
    oracle = {
        (r["origin_date"], r["question_id"], r["output_type_id"]): float(r["oracle_value"])
        for r in rows_of(hub / "target-data" / "oracle-output.csv")
        if r["output_type"] == "cdf"
    }
    once = real_scores[real_scores.state == "scored"].sort_values("recorded_on", kind="stable")
    once = once.drop_duplicates(["forecaster", "mode", "question_id", "made_on"])
    compared = 0
    for _, row in once[once.forecaster != "last-live-forecast"].iterrows():
        model, day = hubverse.model_id(row.forecaster, row["mode"]), str(row.made_on.date())
        for said_row in rows_of(hub / "model-output" / model / f"{day}-{model}.csv"):
            horizon = said_row["output_type_id"]
            key = (day, said_row["question_id"], horizon)
            if said_row["output_type"] == "cdf" and said_row["question_id"] == row.question_id and key in oracle:
                assert (float(said_row["value"]) - oracle[key]) ** 2 == pytest.approx(row[f"brier_{horizon}"], abs=1e-9)
                compared += 1
    assert compared == once[once.forecaster != "last-live-forecast"].filter(like="brier_").notna().sum().sum() > 50


def test_the_first_recorded_of_a_day_counts_and_strangers_are_left_out(
    wanted: Wanted,
    tmp_path: Path,
    make_forecast: Callable[..., ReleaseForecast],
    make_record: Callable[..., dict[str, Any]],
) -> None:
    question = next(iter(wanted.questions.values()))
    day = dt.date(2026, 5, 1)
    for rate in (0.1, 0.3):
        forecast = make_forecast(lambda u, r=rate: r * (u > 0), target_id=question.id, made_on=day)
        record = make_record(forecast, asked_on=question.asked_on)
        ledger.append(tmp_path / "data" / "ledger", "acme", [record], recorded_on=day)
    ledger.append(tmp_path / "data" / "ledger", "acme", [make_record(make_forecast(lambda u: 0 * u))], recorded_on=day)
    hub = hubverse.write(tmp_path / "data" / "ledger", tmp_path / "hub", wanted.questions, day, day)
    assert (hub.forecasts, hub.left_out) == (1, 1)
    [file] = (tmp_path / "hub" / "model-output").rglob("*.csv")
    assert float(rows_of(file)[0]["value"]) == pytest.approx(0.1)


def test_two_chains_of_one_name_are_refused_and_nothing_is_left(
    wanted: Wanted,
    tmp_path: Path,
    make_forecast: Callable[..., ReleaseForecast],
    make_record: Callable[..., dict[str, Any]],
) -> None:
    question = next(iter(wanted.questions.values()))
    record = make_record(
        make_forecast(lambda u: 0 * u, target_id=question.id, made_on=question.asked_on), asked_on=question.asked_on
    )
    for chain in ("a-b", "a.b"):
        ledger.append(tmp_path / "ledger", chain, [record], recorded_on=question.asked_on)
    with pytest.raises(LedgerError, match=r"chains a-b and a\.b would both be forecast-a_b"):
        hubverse.write(tmp_path / "ledger", tmp_path / "hub", wanted.questions, DAY, DAY)
    assert [path.name for path in tmp_path.iterdir()] == ["ledger"]


def test_a_folder_that_holds_something_is_refused_and_an_empty_one_is_filled(wanted: Wanted, tmp_path: Path) -> None:
    out = tmp_path / "hub"
    out.mkdir()
    (out / "mine").write_text("mine", encoding="utf-8")
    with pytest.raises(LedgerError, match=r"hub: is there already and not empty: nothing was written"):
        export("hubverse", replace(wanted, out=out))
    assert [path.name for path in out.iterdir()] == ["mine"]
    (out / "mine").unlink()
    hubverse.write(tmp_path / "none", out, {}, DAY, DAY)
    assert sorted(path.name for path in out.iterdir()) == ["hub-config", "model-output", "target-data"]
    assert [path.name for path in tmp_path.iterdir()] == ["hub"]
