"""The same against a PostgreSQL server of the test's own, in a folder of its own, on a socket alone."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from forecast.errors import LedgerError
from forecast.record.formats import sql
from forecast.record.questions import Question, read_questions
from forecast.tables.paths import Home

pytestmark = pytest.mark.slow

DAY = dt.date(2026, 12, 31)
PASSWORD = "hunter two"
TABLES = ("questions", "forecasts", "horizons", "resolutions", "scores")


def binaries() -> Path | None:
    """Where Debian keeps the newest server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


def as_server(*words: object) -> list[str]:
    """A command as a user that may run a server: root may not."""
    return [*(["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []), *map(str, words)]


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    programs = binaries()
    if programs is None:
        pytest.skip("no PostgreSQL server: apt-get install --no-install-recommends postgresql")
    folder = Path(tempfile.mkdtemp(prefix="forecast-pg-", dir="/tmp"))
    try:
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
            shutil.chown(folder / "password", "postgres", "postgres")
        data, control = folder / "data", programs / "pg_ctl"
        quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
        secret = ("-U", "postgres", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}")
        subprocess.run(as_server(programs / "initdb", "-D", data, "--no-sync", "-E", "UTF8", *secret), **quiet)
        options = f"-c listen_addresses='' -c fsync=off -k {folder}"
        start = as_server(control, "-D", data, "-l", folder / "log", "-o", options, "-w", "start")
        subprocess.run(start, **quiet)
        try:
            yield folder
        finally:
            subprocess.run(as_server(control, "-D", data, "-m", "immediate", "-w", "stop"), **quiet)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def url(server: Path) -> str:
    return f"postgresql+psycopg://postgres:{PASSWORD.replace(' ', '%20')}@/postgres?host={server}"


@pytest.fixture(scope="module")
def questions(real_home: Home) -> dict[str, Question]:
    return read_questions(real_home.questions)


def everything(server: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows, read by the driver alone."""
    with psycopg.connect(host=str(server), user="postgres", password=PASSWORD, dbname="postgres") as connection:
        return {name: sorted(connection.execute(f"select * from {name}"), key=repr) for name in TABLES}


def test_twice_leaves_the_same_rows_and_a_failure_the_old_ones(
    server: Path, url: str, short_ledger: Path, questions: dict[str, Question], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = sql.write(short_ledger, url, questions, DAY, DAY)
    before = everything(server)
    assert {name: len(rows) for name, rows in before.items()} == counts
    assert min(counts.values()) > 0
    sql.write(short_ledger, url, questions, DAY, DAY)
    assert everything(server) == before
    rows = sql._scores

    def broken(*args: Any) -> Any:
        first = next(rows(*args))
        return iter([first, first])

    monkeypatch.setattr(sql, "_scores", broken)
    with pytest.raises(LedgerError, match=r"duplicate key value.*: nothing was written") as refused:
        sql.write(short_ledger, url, dict(list(questions.items())[:2]), DAY, DAY)
    assert "hunter" not in str(refused.value)
    assert everything(server) == before


def test_the_curve_is_the_ledger_s(server: Path, url: str, short_ledger: Path, questions: dict[str, Question]) -> None:
    sql.write(short_ledger, url, questions, DAY, DAY)
    with psycopg.connect(host=str(server), user="postgres", password=PASSWORD, dbname="postgres") as connection:
        rows = connection.execute(
            "select f.chain, f.seq, array_agg(h.cdf_full order by h.day) from forecasts f "
            "join horizons h on h.forecast_id = f.id group by f.id"
        ).fetchall()
    for chain, seq, curve in rows:
        line = (short_ledger / f"{chain}.jsonl").read_text(encoding="utf-8").splitlines()[seq]
        assert curve == json.loads(line)["body"]["cdf_full"]


def test_a_wrong_password_is_refused_in_one_line_and_not_said(
    run: Callable[..., Any], url: str, real_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "score_table", lambda *_: None)
    done = run("ledger", "export", "--to", url.replace("two", "three"), "--home", real_home.data.parent)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert "password authentication failed" in done.err
    assert "hunter" not in done.err
