"""A flat table: its rows by the ledger's own lines, and the same ledger and scores when it is read back."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.formats import flat, flat_read
from forecast.record.questions import read_questions
from forecast.record.records import note_record
from forecast.record.score_table import score_table
from forecast.record.scores import score_names
from forecast.record.subjects import Views
from forecast.release import GRID_DAYS
from forecast.tables.paths import Home


def bodies(folder: Path) -> list[dict[str, Any]]:
    """Every line of a ledger, read without the project's code."""
    files = sorted(folder.glob("*.jsonl"), key=lambda file: file.stem)
    return [json.loads(line)["body"] for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.glob("*.jsonl")}


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def rewritten(file: Path, rows: list[dict[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, list(flat.COLUMNS))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def table(short_ledger: Path, tmp_path: Path) -> Path:
    flat.write(short_ledger, tmp_path / "flat.csv")
    return tmp_path / "flat.csv"


def test_the_same_scores_in_another_home(real_home: Home, short_ledger: Path, table: Path, tmp_path: Path) -> None:
    same_scores(scores_of(short_ledger, real_home), table, real_home, tmp_path / "data" / "ledger", at_least=100)


@pytest.mark.slow
def test_the_whole_ledger_keeps_its_scores_and_its_bytes(
    real_home: Home, real_scores: pd.DataFrame, tmp_path: Path
) -> None:
    flat.write(real_home.ledger, tmp_path / "flat.parquet")
    same_scores(real_scores, tmp_path / "flat.parquet", real_home, tmp_path / "data" / "ledger", at_least=1000)
    assert bytes_of(tmp_path / "data" / "ledger") == bytes_of(real_home.ledger)


def same_scores(expected: pd.DataFrame, table: Path, home: Home, other: Path, at_least: int) -> None:
    """Read a table into a new ledger, and score it by the same questions and days."""
    flat_read.read(table, other)
    found, names = scores_of(other, home), score_names()
    assert expected[names].notna().sum().sum() > at_least
    np.testing.assert_allclose(found[names].to_numpy(), expected[names].to_numpy(), rtol=0, atol=1e-9)
    pd.testing.assert_frame_equal(found, expected)


def scores_of(folder: Path, home: Home) -> pd.DataFrame:
    today = pd.Timestamp("2026-12-31").date()
    return score_table(folder, today, read_questions(home.questions), Views(home.episodes).searched_through(today))


def test_csv_comes_back_to_the_byte(table: Path, short_ledger: Path, tmp_path: Path) -> None:
    assert flat_read.read(table, tmp_path / "new").total() == len(bodies(short_ledger))
    assert bytes_of(tmp_path / "new") == bytes_of(short_ledger)
    left = {path.name for path in (tmp_path / "new").iterdir() if path.suffix != ".lock"}
    assert left == set(bytes_of(short_ledger))


def test_a_row_a_probability(table: Path, short_ledger: Path) -> None:
    said = [body for body in bodies(short_ledger) if body["kind"] == "forecast"]
    rows = [row for row in rows_of(table) if row["kind"] in ("full", "part")]
    assert len(rows) == 2 * len(GRID_DAYS) * len(said)
    keys = ("id", "question_id", "forecaster", "mode", "made_on", "recorded_on")
    expected = [
        (*(str(body[key]) for key in keys), kind, f"{day:g}", chance)
        for body in said
        for kind in ("full", "part")
        for day, chance in zip(GRID_DAYS, body[f"cdf_{kind}"], strict=True)
    ]
    assert [(*(row[key] for key in keys), row["kind"], row["day"], float(row["cdf"])) for row in rows] == expected


def test_other_lines_have_one_row_without_a_day(table: Path, short_ledger: Path) -> None:
    answers = [body for body in bodies(short_ledger) if body["kind"] != "forecast"]
    rows = [row for row in rows_of(table) if row["kind"] not in ("full", "part")]
    assert [(row["kind"], row["question_id"], row["day"]) for row in rows] == [
        (body["kind"], body.get("question_id", ""), "") for body in answers
    ]


def test_parquet_has_the_rows_of_the_csv_with_types(table: Path, short_ledger: Path, tmp_path: Path) -> None:
    count = flat.write(short_ledger, tmp_path / "flat.parquet")
    found = pq.ParquetFile(tmp_path / "flat.parquet").read()
    assert {field.name: field.type for field in found.schema} == flat.COLUMNS
    texts = [{name: "" if v is None else str(v) for name, v in row.items()} for row in found.to_pylist()]
    assert texts == rows_of(table)
    assert count == len(texts)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[3].update(cdf="0.99"), "it, or a line before it, was changed or is missing"),
        (lambda rows: rows[0].update(sha256="0" * 64), "was changed or is missing"),
        (lambda rows: rows.pop(5), "are not those of the standard grid"),
        (lambda rows: rows.__delitem__(slice(0, 558)), "was changed or is missing"),
        (lambda rows: rows[5].update(cdf="high"), "could not convert string to float"),
        (lambda rows: rows[0].update(record="{"), "cannot be read"),
        (lambda rows: rows[0].update(seq="one"), "is no flat table of a ledger"),
    ],
    ids=["chance", "hash", "row dropped", "forecast dropped", "word", "record", "place"],
)
def test_a_table_that_was_changed_is_refused_and_nothing_is_written(
    table: Path, tmp_path: Path, change: Callable[[list[dict[str, str]]], Any], message: str
) -> None:
    rows = rows_of(table)
    change(rows)
    rewritten(table, rows)
    with pytest.raises(LedgerError, match=message):
        flat_read.read(table, tmp_path / "new")
    assert list(tmp_path.iterdir()) == [table]


@pytest.mark.parametrize("name", ["none.csv", "none.parquet"])
def test_a_missing_table_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(LedgerError, match=r"cannot read .*none"):
        flat_read.read(tmp_path / name, tmp_path / "new")


@pytest.mark.parametrize("name", ["odd.csv", "odd.parquet"])
def test_another_table_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(LedgerError, match="is no flat table of a ledger"):
        flat_read.read(tmp_path / name, tmp_path / "new")


def test_a_ledger_that_has_it_all_stays(table: Path, short_ledger: Path) -> None:
    before = bytes_of(short_ledger)
    assert flat_read.read(table, short_ledger).total() == 0
    assert bytes_of(short_ledger) == before


def test_chains_get_what_the_table_has_more_and_keep_what_they_have_more(
    table: Path, short_ledger: Path, tmp_path: Path
) -> None:
    whole, new = bytes_of(short_ledger), tmp_path / "new"
    new.mkdir()
    (new / "press.jsonl").write_bytes(b"".join(whole["press.jsonl"].splitlines(keepends=True)[:1]))
    (new / "markets.jsonl").write_bytes(whole["markets.jsonl"])
    ledger.append(new, "markets", [note_record("q", "more")], recorded_on=dt.date(2026, 11, 26))
    more = (new / "markets.jsonl").read_bytes()
    added = flat_read.read(table, new)
    assert (added["markets"], added["press"]) == (0, whole["press.jsonl"].count(b"\n") - 1)
    assert bytes_of(new) == whole | {"markets.jsonl": more}


def test_a_chain_that_stands_otherwise_lets_nothing_in(table: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    ledger.append(new, "press", [note_record("q", "mine")], recorded_on=dt.date(2026, 11, 26))
    before = bytes_of(new)
    with pytest.raises(LedgerError, match=r"chain press seq 0: another line stands there in .*; two copies of a chain"):
        flat_read.read(table, new)
    assert bytes_of(new) == before
    assert set(tmp_path.iterdir()) == {table, new}


def test_a_broken_chain_leaves_no_file(short_ledger: Path, tmp_path: Path) -> None:
    for name, text in bytes_of(short_ledger).items():
        (tmp_path / name).write_bytes(text)
    (tmp_path / "press.jsonl").write_bytes(bytes_of(short_ledger)["press.jsonl"].replace(b"Axios", b"axios"))
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(LedgerError, match="changed after it was written"):
        flat.write(tmp_path, out / "flat.csv")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("name", ["flat.csv", "flat.parquet"])
def test_an_empty_ledger_has_no_rows_and_an_empty_file_is_filled(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert flat.write(tmp_path / "none", tmp_path / name) == 0
    assert flat_read.read(tmp_path / name, tmp_path / "new").total() == 0


def test_a_file_that_holds_something_is_kept(short_ledger: Path, tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(LedgerError, match=r"flat\.csv: is there already and not empty: nothing was written"):
        flat.write(short_ledger, tmp_path / "flat.csv")
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [("flat.csv", "mine")]


def test_words_of_any_language_and_line_breaks_come_back(tmp_path: Path) -> None:
    text = 'une « fuite », "dit-on"\r\nß;\n\t漏洩'
    ledger.append(tmp_path / "a", "acme", [note_record("q", text)], recorded_on=pd.Timestamp("2026-01-01").date())
    for name in ("flat.csv", "flat.parquet"):
        flat.write(tmp_path / "a", tmp_path / name)
        flat_read.read(tmp_path / name, tmp_path / name[5:])
        assert bytes_of(tmp_path / name[5:]) == bytes_of(tmp_path / "a")


def test_memory_does_not_grow_with_the_ledger(short_ledger: Path, tmp_path: Path) -> None:
    """Four times the lines of one chain, the same peak: a group of lines is held, never a chain."""
    note = note_record("q", "x" * 20_000)
    peaks = []
    for count in (100, 400):
        ledger.append(tmp_path / str(count), "acme", [note] * count, recorded_on=pd.Timestamp("2026-01-01").date())
        tracemalloc.start()
        flat.write(tmp_path / str(count), tmp_path / f"{count}.csv")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_the_command_touches_nothing_but_its_target(
    run: Callable[..., Any], short_ledger: Path, real_home: Home, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    for file in real_home.data.glob("*.*"):
        os.link(file, home / "data" / file.name)
    (home / "data" / "ledger").mkdir()
    for name, text in bytes_of(short_ledger).items():
        (home / "data" / "ledger" / name).write_bytes(text)
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    done = run("ledger", "export", "flat", "--out", tmp_path / "flat.csv", "--home", home)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{tmp_path / 'flat.csv'}: {len(rows_of(tmp_path / 'flat.csv'))} rows\n"
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flat.csv", "home"]
    again = run("ledger", "export", "flat", "--out", tmp_path / "flat.csv", "--home", home)
    assert (again.code, again.out, again.err.count("\n")) == (1, "", 1)


def test_what_was_added_before_a_chain_refused_is_told(table: Path, short_ledger: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    (new / "press.jsonl").symlink_to(tmp_path / "nowhere")
    with pytest.raises(LedgerError, match=r"lines of other chains were added before: do the same again for the rest$"):
        flat_read.read(table, new)
    (new / "press.jsonl").unlink()
    assert flat_read.read(table, new)["press"] > 0
    assert bytes_of(new) == bytes_of(short_ledger)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_long_line_comes_back(tmp_path: Path, suffix: str) -> None:
    note = note_record("q", "x" * 300_000) | {"id": 5, "made_on": "never"}
    ledger.append(tmp_path / "old", "acme", [note], recorded_on=dt.date(2026, 1, 1))
    flat.write(tmp_path / "old", tmp_path / f"flat{suffix}")
    flat_read.read(tmp_path / f"flat{suffix}", tmp_path / "new")
    assert bytes_of(tmp_path / "new") == bytes_of(tmp_path / "old")


HEADER = ",".join(flat.COLUMNS)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no column chain"),
        ("a,b\n", "no column chain"),
        (f"{HEADER}\nacme,0,,,,,,,2026-01-01,note,,,{'[' * 60_000},0\n", "cannot be read"),
        (f"{HEADER}\n../x,0,,,,,,,2026-01-01,note,,,{{}},0\n", "cannot name a chain"),
        (f'{HEADER}\nacme,0,,,,,,,{"2" * 900},note,,,"{{""kind"":""note""}}",0\n', "cannot be read"),
        (f'{HEADER}\nacme,0,,,,,,,2026-01-01,forecst,,,"{{""kind"":""forecst""}}",0\n', "chain acme seq 0 and on: "),
    ],
    ids=["empty", "other", "deep", "path", "day", "kind"],
)
def test_a_file_that_is_no_flat_table_is_one_short_line(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "flat.csv").write_text(text, encoding="utf-8")
    with pytest.raises(LedgerError) as caught:
        flat_read.read(tmp_path / "flat.csv", tmp_path / "new")
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    assert ledger.chains(tmp_path / "new") == []


def test_a_table_without_a_chain_is_refused(table: Path, tmp_path: Path) -> None:
    rows = pa.table({name: pa.array([None], kind) for name, kind in flat.COLUMNS.items()})
    pq.write_table(rows, tmp_path / "null.parquet")
    with pytest.raises(LedgerError, match="is no flat table of a ledger"):
        flat_read.read(tmp_path / "null.parquet", tmp_path / "new")


def test_a_byte_order_mark_before_the_header_is_taken(table: Path, short_ledger: Path, tmp_path: Path) -> None:
    table.write_text("\ufeff" + table.read_text(encoding="utf-8"), encoding="utf-8")
    flat_read.read(table, tmp_path / "new")
    assert bytes_of(tmp_path / "new") == bytes_of(short_ledger)
