"""Whatever stands in a file: the right result, or one line. Never a traceback, never a file elsewhere."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz_targets import TODAY, import_takes, mapped
from forecast.model.reference import Reference
from forecast.record import imports
from forecast.record.formats.registry import FORMATS

QUICK = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
ODD = st.sampled_from(
    ["", "w", "0.5", "1", "nan", "-inf", "1e999", "9" * 5000, "2026-12-01", "2026-12-01 10:00:00+00:00", "0000-01-01",
     "10000-01-01", "9999-12-31 23:59:59-23:00", "../x", "\0", "\ufeff", "\x85", "\r\n", '"', "[0.1, 0.2]", "[1, 0]",
     "[,]", "binary", "date", "True", "False", "ann"]
)  # fmt: skip
CELL = ODD | st.text(max_size=12)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | CELL,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(CELL, inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture
def throw(take, tmp_path, monkeypatch):
    """Import something; then nothing stands but chains in the ledger that verify."""
    monkeypatch.setattr(imports, "reference_on", lambda *_: Reference(0.005, 0.5, 0.2))
    take.desk.today = TODAY
    file, map_file = tmp_path / "foreign", tmp_path / "map.toml"

    def attempt(kind, content):
        map_file.write_bytes(mapped(kind))
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        import_takes(take.desk, kind, file, map_file)

    return attempt


@pytest.mark.parametrize("kind", FORMATS)
def test_any_bytes(throw, kind):
    @QUICK
    @given(st.binary(max_size=200))
    def run(content):
        throw(kind, content)

    run()


@pytest.mark.parametrize("kind", ["manifold", "forecastbench"])
def test_any_json(throw, foreign, kind):
    whole = (
        foreign.market | {"id": "w", "bets": [], "answers": []}
        if kind == "manifold"
        else {"organization": "A", "model": "B", "question_set": "2026-12-01-llm.json", "forecasts": []}
    )
    part = {"id": "w", "text": "2027", "probability": 0.5, "forecast": 0.3, "createdTime": 1796115600000,
            "probAfter": 0.4, "resolution_date": "2027-01-30"}  # fmt: skip
    bent = st.dictionaries(st.sampled_from(sorted(part)), VALUE, max_size=1).map(lambda cells: part | cells)
    listed = st.lists(bent, max_size=3) | st.lists(bent | VALUE, max_size=3)
    outer = st.just({}) | st.just({}) | st.dictionaries(st.sampled_from(sorted(whole)), VALUE, max_size=2)
    kinds = st.sampled_from(["BINARY", "DATE", "MULTIPLE_CHOICE", "NUMBER"])

    @QUICK
    @given(outer, listed, kinds, st.booleans(), VALUE, st.integers(0, 9))
    def run(cells, entries, outcome, sums, anything, which):
        market = {"answers": entries, "bets": entries, "outcomeType": outcome, "shouldAnswersSumToOne": sums}
        made = whole | (market if kind == "manifold" else {"forecasts": entries}) | cells
        throw(kind, json.dumps(anything if which == 0 else [made] if kind == "manifold" and which < 5 else made))

    run()


@pytest.mark.parametrize("kind", ["plain", "fatebook"])
def test_any_csv(throw, foreign, kind):
    row = {
        "plain": {"question_id": "w", "forecaster": "ann", "made_on": "2026-12-01", "by": "2027-01-30", "prob": "0.2"},
        "fatebook": {"Question title": "w", "Forecast created by": "ann", "Forecast (scale = 0-1)": "0.2",
                     "Forecast created at": "2026-12-01 10:11:05", "Question resolve by": "2027-01-30 00:00:00"},
    }[kind]  # fmt: skip
    bent = st.dictionaries(st.sampled_from(list(row)), CELL, max_size=2).map(lambda cells: row | cells)

    @QUICK
    @given(st.lists(bent, max_size=4), st.text(max_size=20), st.sampled_from(["\n", "\r\n", "\r"]))
    def run(rows, rest, end):
        text = foreign.table(list(row), rows, end) + rest
        throw(kind, text.encode("utf-8", "surrogatepass"))

    run()


def test_any_tables_in_a_zip(throw, foreign):
    questions = foreign.date | {"Question ID": "w"}, foreign.binary | {"Question ID": "w"}
    forecast = foreign.yes | {"Question ID": "w", "Continuous CDF": "[0.1, 0.5, 0.9]"}
    names = sorted({*foreign.date, "Continuous Range"})
    bend = st.dictionaries(st.sampled_from(names), CELL, max_size=2)
    bent = st.dictionaries(st.sampled_from(sorted(forecast)), CELL, max_size=2)

    @QUICK
    @given(st.sampled_from(questions), bend, st.lists(bent, max_size=3), CELL, st.integers(0, 400), st.integers(1, 255))
    def run(question, cells, rows, name, place, byte):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            tables = (
                ("question_data.csv", foreign.question_header, [question | cells]),
                ("forecast_data.csv", foreign.forecast_header, [forecast | row for row in rows]),
            )
            for member, header, listed in tables:
                packed.writestr(member, foreign.table(header, listed).encode("utf-8", "surrogatepass"))
            packed.writestr(f"x{name}", "x")
        content = bytearray(out.getvalue())
        if byte < 64:
            content[place] ^= byte  # a flipped bit somewhere in the head
        throw("metaculus", bytes(content))

    run()


@pytest.mark.parametrize("kind", ["manifold", "forecastbench"])
@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000, "1" * 100_000, "NaN", '{"id": 1, "id": 2}',
     '{"id": "\\ud800"}', "\ufeff[]", "1e999", '"' + "x" * 10**6, "", "null"],
    ids=range(12),
)  # fmt: skip
def test_json_that_means_harm(throw, kind, text):
    throw(kind, text)
