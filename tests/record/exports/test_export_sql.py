"""The ledger in a database, read by SQLite's own module from the standard library."""

from __future__ import annotations

import datetime as dt
import json
import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast.errors import LedgerError
from forecast.record.formats import sql
from forecast.record.formats.sql_url import Address
from forecast.record.questions import Question, read_questions
from forecast.record.score_table import score_table
from forecast.record.scores import score_names
from forecast.tables.paths import Home

DAY = dt.date(2026, 12, 31)
TABLES = ("questions", "forecasts", "horizons", "resolutions", "scores")


@pytest.fixture(scope="session")
def questions(real_home: Home) -> dict[str, Question]:
    return read_questions(real_home.questions)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "record.db"


def asked(base: Path, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(base)) as connection:
        return connection.execute(question).fetchall()


def everything(base: Path) -> dict[str, list[tuple[Any, ...]]]:
    return {name: sorted(asked(base, f"select * from {name}"), key=repr) for name in TABLES}


def bodies(folder: Path) -> list[dict[str, Any]]:
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_text(encoding="utf-8").splitlines()]
    return [json.loads(line)["body"] for line in lines]


def test_every_line_of_the_ledger_is_there(base: Path, short_ledger: Path, questions: dict[str, Question]) -> None:
    counts = sql.write(short_ledger, f"sqlite:///{base}", questions, DAY, DAY)
    said = {body["id"]: body for body in bodies(short_ledger) if body["kind"] == "forecast"}
    assert counts == {name: len(rows) for name, rows in everything(base).items()}
    found = asked(base, "select id, question_id, forecaster, mode, made_on, recorded_on, seed, p_left from forecasts")
    names = ("id", "question_id", "forecaster", "mode", "made_on", "recorded_on", "seed", "left")
    assert sorted(found, key=repr) == sorted((tuple(b[name] for name in names) for b in said.values()), key=repr)
    for name, body in said.items():
        curve = asked(base, f"select cdf_full, cdf_part, cdf from horizons where forecast_id = '{name}' order by day")
        assert [(full, part) for full, part, _ in curve] == list(zip(body["cdf_full"], body["cdf_part"], strict=True))
        assert all(full + part == both for full, part, both in curve)
    answers = [body for body in bodies(short_ledger) if body["chain"] == "resolutions"]
    there = asked(base, "select question_id, happened_on, known_on, opening, what from resolutions order by seq")
    assert there == [
        tuple(a.get(n) for n in ("question_id", "happened_on", "known_on", "opening", "what")) for a in answers
    ]
    assert {name for (name,) in asked(base, "select id from questions")} == set(questions)


def test_scores_are_those_of_the_score_table(base: Path, short_ledger: Path, questions: dict[str, Question]) -> None:
    sql.write(short_ledger, f"sqlite:///{base}", questions, DAY, DAY)
    table: pd.DataFrame = score_table(short_ledger, DAY, questions, DAY)
    names = score_names()
    found = {row[:2]: row[2:] for row in asked(base, f"select forecast_id, forecaster, {', '.join(names)} from scores")}
    assert len(found) == len(table)
    for row in table.to_dict("records"):
        expected = [None if math.isnan(row[name]) else row[name] for name in names]
        assert list(found[row["id"], row["forecaster"]]) == expected
    assert sum(value is not None for values in found.values() for value in values) > 50


def test_twice_leaves_the_same_rows(base: Path, short_ledger: Path, questions: dict[str, Question]) -> None:
    sql.write(short_ledger, f"sqlite:///{base}", questions, DAY, DAY)
    before = everything(base)
    sql.write(short_ledger, f"sqlite:///{base}", questions, DAY, DAY)
    assert everything(base) == before


def twice_the_first(rows: Callable[..., Any]) -> Callable[..., Any]:
    """Rows that break the last table's key after all others were written."""

    def broken(*args: Any) -> Any:
        first = next(rows(*args))
        return iter([first, first])

    return broken


def test_a_failure_in_the_middle_leaves_the_old_state(
    base: Path, short_ledger: Path, questions: dict[str, Question], monkeypatch: pytest.MonkeyPatch
) -> None:
    some = dict(list(questions.items())[:3])
    sql.write(short_ledger, f"sqlite:///{base}", some, DAY, DAY)
    before = everything(base)
    monkeypatch.setattr(sql, "_scores", twice_the_first(sql._scores))
    with pytest.raises(LedgerError, match=r"UNIQUE constraint failed: scores.*: nothing was written"):
        sql.write(short_ledger, f"sqlite:///{base}", questions, DAY, DAY)
    assert everything(base) == before


def test_a_first_failure_leaves_no_table(
    base: Path, short_ledger: Path, questions: dict[str, Question], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "_scores", twice_the_first(sql._scores))
    with pytest.raises(LedgerError, match="UNIQUE constraint failed"):
        sql.write(short_ledger, f"sqlite:///{base}", questions, DAY, DAY)
    assert asked(base, "select name from sqlite_master") == []


def test_a_table_of_somebody_else_is_left_alone(base: Path, short_ledger: Path, questions: dict[str, Question]) -> None:
    with closing(sqlite3.connect(base)) as connection:
        connection.execute("create table questions (mine)")
        connection.execute("insert into questions values ('mine')")
        connection.commit()
    with pytest.raises(LedgerError, match="has a table 'questions' with other columns: nothing was written"):
        sql.write(short_ledger, f"sqlite:///{base}", questions, DAY, DAY)
    assert asked(base, "select name from sqlite_master") == [("questions",)]
    assert asked(base, "select * from questions") == [("mine",)]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://me:hunter%202@127.0.0.1:1/none",
        "postgresql+psycopg://me@127.0.0.1:1/none?password=hunter%202",
        "postgresql+psycopg://me:hunter%202@127.0.0.1:port/none",
        "hunter 2",
        "nothing://me:hunter%202@host/none",
        "mysql+pymysql://me:hunter%202@host/none",
        "postgresql+psycopg://me:hunter%202@127.0.0.1:1/none?hunter%202=1&connect_timeout=hunter%202",
        "sqlite:////no/such/folder/record.db",
    ],
)
def test_a_password_is_never_said(run: Callable[..., Any], real_home: Home, url: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(sql, "score_table", lambda *_: pd.DataFrame())
    done = run("ledger", "export", "--to", url, "--home", real_home.data.parent)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert "hunter" not in done.err
    assert "Traceback" not in done.err


def test_an_address_says_where_without_who() -> None:
    address = Address.of("postgresql+psycopg://me:hunter2@host:5433/record?password=hunter2")
    assert str(address) == "postgresql+psycopg://host:5433/record"


def test_the_command_says_what_it_wrote(
    run: Callable[..., Any], real_home: Home, base: Path, short_ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Home, "ledger", short_ledger)
    done = run("ledger", "export", "sql", "--to", f"sqlite:///{base}", "--home", real_home.data.parent)
    assert (done.code, done.err) == (0, "")
    said = ", ".join(f"{len(rows)} {name}" for name, rows in everything(base).items())
    assert done.out == f"sqlite:///{base}: {said}\n"
    refused = run("ledger", "export", "sql", "--out", base, "--home", real_home.data.parent)
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "export sql needs --to" in refused.err
