"""Corrections add lines and change none; what they close or open again is so at once."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from forecast.errors import LedgerError, QuestionError
from forecast.record import ledger
from forecast.record.answers import Desk
from forecast.record.corrections import mark, withdraw
from forecast.record.recorder import open_questions, record_forecasts, resolution_records, resolve_questions
from forecast.record.score_table import resolutions, score_table
from forecast.record.update import last_forecasts
from forecast.tables.paths import Home

ROOT = Path(__file__).resolve().parents[2]
DAY = dt.date(2026, 11, 26)
WONDER = "meta-muse-wonder-1.0"
OPEN = ("episodes", "open", WONDER, "--on", "2026-11-20", "--source", "https://example.org/o")
CLOSE = ("episodes", "close", WONDER, "--on", "2026-11-25", "--source", "https://example.org/c", "--reason", "a hoax")


@pytest.fixture
def recorded(home: Path, no_fits: Callable[..., None]) -> Path:
    """A home with a live forecast of one question."""
    no_fits(40)
    record_forecasts(Desk(home, today=DAY), [WONDER], DAY)
    return home


def test_a_hoax_is_told_and_the_question_opened_again(recorded: Path, run: Callable[..., Any]) -> None:
    assert run(*OPEN, "--home", recorded).code == 0
    assert len(resolve_questions(Desk(recorded, today=DAY)).added) >= 1
    assert run(*CLOSE, "--home", recorded).code == 0
    desk = Desk(recorded, today=DAY)
    records, notes = resolution_records(desk)
    assert [r for r in records if r["question_id"] == WONDER] == []
    [note] = [note for note in notes if note.startswith(WONDER)]
    assert f"forecast ledger reopen {WONDER} --why TEXT" in note
    assert WONDER not in [q.id for q in open_questions(desk, DAY)]
    ran = run("ledger", "reopen", WONDER, "--why", "a hoax", "--home", recorded)
    assert (ran.code, ran.out.startswith(f"{WONDER}: reopened, line ")) == (0, True)
    assert WONDER in [q.id for q in open_questions(Desk(recorded, today=DAY), DAY)]
    assert not [v.fault for v in ledger.verify(recorded / "data" / "ledger") if v.fault]


@pytest.mark.parametrize("kind", ["void", "ambiguous"])
def test_a_question_without_an_answer_is_closed_once_and_not_scored(recorded: Path, kind: Any) -> None:
    home = Home(recorded / "data")
    mark(home, kind, WONDER, "withdrawn by its asker", DAY)
    assert resolutions(home.ledger, DAY)[WONDER].state == kind
    with pytest.raises(LedgerError, match=f"is {kind} already"):
        mark(home, kind, WONDER, "again", DAY)
    with pytest.raises(LedgerError, match="reopen it first"):
        mark(home, "void" if kind == "ambiguous" else "ambiguous", WONDER, "other", DAY)
    desk = Desk(home, today=DAY)
    table = score_table(home.ledger, DAY, desk.questions, DAY)
    assert set(table.state[table.question_id == WONDER]) == {"void"}
    mark(home, "reopened", WONDER, "asked again", DAY)
    assert WONDER not in resolutions(home.ledger, DAY)


def test_a_forecast_taken_back_stays_and_counts_as_withdrawn(recorded: Path, run: Callable[..., Any]) -> None:
    home = Home(recorded / "data")
    name = str(last_forecasts(Desk(home, today=DAY))[WONDER]["id"])
    before = (home.ledger / "model.jsonl").read_bytes()
    ran = run("ledger", "withdraw", name[:10], "--why", "a wrong table", "--home", recorded)
    assert (ran.code, "taken back" in ran.out) == (0, True)
    assert (home.ledger / "model.jsonl").read_bytes().startswith(before)
    table = score_table(home.ledger, DAY, Desk(home, today=DAY).questions, DAY)
    assert list(table.withdrawn[table.id == name]) == [True]
    kept = ledger.read(home.ledger, "resolutions")[-1].body
    assert (kept["kind"], kept["heads"]["model"]) == ("heads", ledger.head(home.ledger, "model"))
    assert run("check", "--home", recorded).out.endswith("no problems\n")
    with pytest.raises(LedgerError, match="taken back already"):
        withdraw(home, name, "again", DAY)


def test_a_withdrawal_without_kept_heads_says_so_and_they_are_kept_later(
    recorded: Path, run: Callable[..., Any]
) -> None:
    home = Home(recorded / "data")
    name = str(last_forecasts(Desk(home, today=DAY))[WONDER]["id"])
    (home.ledger / "resolutions.jsonl").symlink_to(recorded / "elsewhere")
    ran = run("ledger", "withdraw", name, "--why", "a wrong table", "--home", recorded)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert f"forecast {name} is taken back, but the heads are not kept" in ran.err
    assert "'forecast ledger head --keep' does it" in ran.err
    (home.ledger / "resolutions.jsonl").unlink()
    assert not (recorded / "elsewhere").exists()
    assert run("ledger", "head", "--keep", "--home", recorded).code == 0
    assert [line.body["forecast_id"] for line in ledger.read(home.ledger, "model") if "forecast_id" in line.body] == [
        name
    ]


def test_of_two_corrections_at_once_one_is_refused(recorded: Path) -> None:
    home = Home(recorded / "data")
    started = Barrier(3)

    def close(kind: Any) -> str:
        started.wait()
        try:
            return str(mark(home, kind, WONDER, "at once", DAY).body["kind"])
        except LedgerError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        with ledger.holding(home.ledger, "resolutions"):
            both = [pool.submit(close, kind) for kind in ("void", "ambiguous")]
            started.wait()
            time.sleep(0.3)  # both wait for the lock, having looked at nothing yet
        told = {one.result() for one in both}
    [refused] = told - {"ambiguous", "void"}
    assert refused.endswith("reopen it first")
    assert len(ledger.read(home.ledger, "resolutions")) == 1


def test_scores_follow_the_log_and_keep_nothing_of_their_own(recorded: Path) -> None:
    home = Home(recorded / "data")
    later, questions = DAY + dt.timedelta(days=400), Desk(home, today=DAY).questions

    def scored() -> Any:
        table = score_table(home.ledger, later, questions, later)
        return table[table.question_id == WONDER].drop(columns="withdrawn")

    before = scored()
    assert set(before.state) == {"scored"}
    mark(home, "void", WONDER, "withdrawn by its asker", DAY)
    assert set(scored().state) == {"void"}
    mark(home, "reopened", WONDER, "asked again", DAY)
    assert scored().equals(before)
    withdraw(home, str(before.id.iloc[0]), "a wrong table", DAY)
    assert scored().equals(before)


def test_a_mistake_is_one_line_and_adds_nothing(recorded: Path) -> None:
    home = Home(recorded / "data")
    before = {f.name: f.read_bytes() for f in home.ledger.glob("*.jsonl")}
    with pytest.raises(QuestionError, match="is no question"):
        mark(home, "void", "nobody", "why", DAY)
    with pytest.raises(LedgerError, match="is open: there is nothing to reopen"):
        mark(home, "reopened", WONDER, "why", DAY)
    with pytest.raises(LedgerError, match="--why: must say why"):
        mark(home, "void", WONDER, " ", DAY)
    for why in ("two\nlines", "half \udcff a letter", "\x1b[2J"):
        with pytest.raises(LedgerError, match=r"--why: .* holds what is no text of one line"):
            mark(home, "void", WONDER, why, DAY)
    for name in ("", "0" * 16, "12"):
        with pytest.raises(LedgerError, match="no forecast has id"):
            withdraw(home, name, "why", DAY)
    assert {f.name: f.read_bytes() for f in home.ledger.glob("*.jsonl")} == before


def test_forecasts_of_a_table_that_changed_meanwhile_are_refused(recorded: Path, run: Callable[..., Any]) -> None:
    desk = Desk(recorded, today=DAY)
    desk.views.on(DAY)
    assert run(*OPEN, "--home", recorded).code == 0
    before = {f.name: f.read_bytes() for f in desk.home.ledger.glob("*.jsonl")}
    with pytest.raises(LedgerError, match=r"data in .* changed while forecasts were being made: nothing was added"):
        record_forecasts(desk, ["meta-muse-ember-1.0"], DAY)
    assert {f.name: f.read_bytes() for f in desk.home.ledger.glob("*.jsonl")} == before


def test_an_update_without_room_for_its_inputs_answers_nothing(recorded: Path, run: Callable[..., Any]) -> None:
    assert run(*OPEN, "--home", recorded).code == 0
    folder = recorded / "data" / "ledger"
    shutil.rmtree(folder / "inputs")
    (folder / "inputs").touch()
    file = recorded / "data" / "questions.toml"
    text = file.read_text(encoding="utf-8")
    head, *parts = re.split(r"^\[\[question\]\]", text, flags=re.MULTILINE)
    kept = [p for p in parts if f'id = "{WONDER}"' in p or 'id = "meta-muse-ember-1.0"' in p]
    file.write_text("[[question]]".join([head, *kept]), encoding="utf-8")
    before = {f.name: f.read_bytes() for f in folder.glob("*.jsonl")}
    ran = run("update", "--home", recorded)
    assert ran.code == 1
    assert "nothing was added" in ran.err
    assert {f.name: f.read_bytes() for f in folder.glob("*.jsonl")} == before


def test_an_opening_in_the_month_of_an_imprecise_debut_can_be_entered(home: Path, run: Callable[..., Any]) -> None:
    where = ("--source", "https://example.org/o", "--home", home)
    assert run("episodes", "open", "meta-muse-ember-1.0", "--on", "2026-11-25", *where).code == 0
    assert run("check", "--home", home).out.endswith("no problems\n")
    view = Desk(home, today=DAY).views.on(DAY).set_index("episode_id")
    assert str(view.loc["meta-muse-ember-1.0"].closed_last.date()) == "2026-11-25"
    ran = run("episodes", "open", "meta-muse-spark-1.3", "--on", "2026-09-02", *where)
    assert "open on its debut day is no episode" in ran.err
