"""Two copies of the ledger become one: with git where they wrote to other chains, by command where to the same."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.heads import Kept
from forecast.record.merging import merge
from forecast.record.score_table import resolutions

DAY = dt.date(2026, 1, 1)
LATER = dt.date(2026, 1, 5)


def answer(question: str, day: str = "2026-01-01") -> dict[str, Any]:
    return {"kind": "resolved", "question_id": question, "happened_on": day, "known_on": day, "opening": "full"}


def status(kind: str, question: str) -> dict[str, Any]:
    return {"kind": kind, "question_id": question, "why": "w"}


def put(folder: Path, *records: dict[str, Any], chain: str = "resolutions", on: dt.date = DAY) -> None:
    ledger.append(folder, chain, records, recorded_on=on)


def faults(folder: Path, *kept: Kept) -> list[str]:
    return [f"{v.chain}: {v.fault}" for v in ledger.verify(folder, kept) if v.fault]


def said(folder: Path, chain: str = "resolutions") -> list[tuple[str, str | None]]:
    return [(x.body["kind"], x.body.get("question_id")) for x in ledger.read(folder, chain)]


@pytest.fixture
def copies(tmp_path: Path) -> tuple[Path, Path]:
    """Two copies that begin alike."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    put(ours, {"kind": "note", "text": "x"}, chain="acme")
    put(ours, answer("first"))
    shutil.copytree(ours, theirs)
    return ours, theirs


def test_what_another_copy_answered_is_added_behind_with_its_old_hash(copies: tuple[Path, Path]) -> None:
    ours, theirs = copies
    put(ours, answer("a"))
    put(theirs, answer("b"), status("void", "c"), on=LATER)
    before, published = (ours / "resolutions.jsonl").read_bytes(), Kept("theirs", ledger.heads(theirs))
    done = merge(ours, theirs / "resolutions.jsonl")
    assert (done.chain, done.common, len(done.added), done.alike, done.known) == ("resolutions", 1, 2, [], 0)
    assert done.disputed == []
    assert (ours / "resolutions.jsonl").read_bytes().startswith(before)
    assert said(ours) == [("resolved", "first"), ("resolved", "a"), ("resolved", "b"), ("void", "c")]
    old = ledger.read(theirs, "resolutions")[1:]
    assert [x.body["merged"]["sha256"] for x in done.added] == [x.sha256 for x in old]
    assert [x.body["recorded_on"] for x in done.added] == ["2026-01-05"] * 2
    assert faults(ours, published) == []


def test_the_same_answer_stands_once_and_its_published_head_is_found(copies: tuple[Path, Path]) -> None:
    ours, theirs = copies
    put(ours, answer("a"))
    put(theirs, answer("a"), on=LATER)
    published = Kept("theirs", ledger.heads(theirs))
    assert faults(ours, published) != []
    done = merge(ours, theirs / "resolutions.jsonl")
    assert (len(done.added), len(done.alike), done.disputed) == (0, 1, [])
    assert said(ours) == [("resolved", "first"), ("resolved", "a"), ("note", "a")]
    assert faults(ours, published) == []


@pytest.mark.parametrize("turns", [2, 3])
def test_merging_again_adds_nothing_either_way(copies: tuple[Path, Path], turns: int) -> None:
    ours, theirs = copies
    put(ours, answer("a"), answer("same"))
    put(theirs, answer("b"), answer("same"), status("reopened", "same"), answer("same"))
    copy = theirs / "before.txt"
    shutil.copy(theirs / "resolutions.jsonl", copy)
    assert merge(ours, copy).added
    assert [k for k, q in said(ours) if q == "same"] == ["resolved", "note", "reopened", "resolved"]
    assert merge(theirs, ours / "resolutions.jsonl").added
    for _ in range(turns):
        for folder, other in ((ours, copy), (ours, theirs / "resolutions.jsonl"), (theirs, ours / "resolutions.jsonl")):
            before = (folder / "resolutions.jsonl").read_bytes()
            done = merge(folder, other)
            assert (done.added, done.alike) == ([], [])
            assert (folder / "resolutions.jsonl").read_bytes() == before
    assert faults(ours) == faults(theirs) == []
    assert resolutions(ours, LATER) == resolutions(theirs, LATER)


def test_a_line_merged_twice_keeps_all_its_hashes(copies: tuple[Path, Path], tmp_path: Path) -> None:
    ours, theirs = copies
    third = tmp_path / "third"
    shutil.copytree(ours, third)
    put(ours, answer("a"))
    put(theirs, answer("b"))
    put(third, answer("c"))
    published = [Kept("third", ledger.heads(third))]
    merge(theirs, third / "resolutions.jsonl")
    published.append(Kept("theirs", ledger.heads(theirs)))
    merge(ours, theirs / "resolutions.jsonl")
    assert said(ours)[1:] == [("resolved", "a"), ("resolved", "b"), ("resolved", "c")]
    assert faults(ours, *published) == []
    assert merge(ours, third / "resolutions.jsonl").added == []
    last = ledger.read(ours, "resolutions")[-1].body
    assert set(last["merged"]["merged"]) == {"prev", "seq", "sha256"}


def test_different_answers_are_told_and_can_be_mended(copies: tuple[Path, Path]) -> None:
    ours, theirs = copies
    put(ours, answer("a", "2026-01-01"))
    put(theirs, answer("a", "2026-01-02"))
    assert merge(ours, theirs / "resolutions.jsonl").disputed == ["a"]
    assert faults(ours) == []
    with pytest.raises(LedgerError, match=r"question a is resolved twice, .*: reopen it, then resolve it anew"):
        resolutions(ours, LATER)
    assert resolutions(ours, LATER, mending=True)["a"].state == "resolved"
    put(ours, status("reopened", "a"))
    put(ours, answer("a", "2026-01-02"))
    assert str(resolutions(ours, LATER)["a"].happened_on) == "2026-01-02"


def test_a_forecast_with_a_known_id_stands_once(copies: tuple[Path, Path], make_record: Callable[..., Any]) -> None:
    ours, theirs = copies
    record = make_record(target_id="q")
    put(ours, record, chain="beta")
    shutil.copy(ours / "beta.jsonl", theirs / "beta.jsonl")
    put(ours, make_record(target_id="r"), {"kind": "withdrawal", "forecast_id": record["id"], "why": "x"}, chain="beta")
    other = make_record(target_id="r") | {"diagnostics": {"other": "machine"}}
    put(theirs, other, {"kind": "withdrawal", "forecast_id": record["id"], "why": "y"}, chain="beta")
    put(theirs, make_record(target_id="s"), chain="beta")
    done = merge(ours, theirs / "beta.jsonl")
    assert ([x.body["question_id"] for x in done.added], len(done.alike)) == (["s"], 2)
    assert faults(ours, Kept("theirs", {"beta": ledger.head(theirs, "beta")})) == []


def other_start(ours: Path, theirs: Path) -> None:
    (theirs / "resolutions.jsonl").unlink()
    put(theirs, answer("another"))


def tampered(ours: Path, theirs: Path) -> None:
    path = theirs / "resolutions.jsonl"
    put(theirs, answer("b"))
    path.write_bytes(path.read_bytes().replace(b'"b"', b'"c"'))


def conflict(ours: Path, theirs: Path) -> None:
    path = theirs / "resolutions.jsonl"
    path.write_bytes(b"<<<<<<< HEAD\n" + path.read_bytes())


def elsewhere(ours: Path, theirs: Path) -> None:
    path = theirs / "resolutions.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"chain":"resolutions"', b'"chain":"../../x"'))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (other_start, "shares no line with chain 'resolutions'"),
        (tampered, "line 2: changed after it was written"),
        (conflict, "line 1: is no line of a ledger"),
        (elsewhere, "line 1: changed after it was written"),
        (lambda ours, theirs: (theirs / "resolutions.jsonl").unlink(), "cannot read"),
        (lambda ours, theirs: (theirs / "resolutions.jsonl").write_bytes(b""), "line 1: is no line of a ledger"),
        (lambda ours, theirs: (ours / "resolutions.jsonl").unlink(), "has no chain 'resolutions' yet: copy"),
    ],
)
def test_what_cannot_be_merged_is_refused_in_one_line(copies: tuple[Path, Path], change: Any, fault: str) -> None:
    ours, theirs = copies
    change(ours, theirs)
    before = {f.name: f.read_bytes() for f in ours.glob("*.jsonl")}
    with pytest.raises(LedgerError, match=r"^[^\n]+$") as error:
        merge(ours, theirs / "resolutions.jsonl")
    assert fault in str(error.value)
    assert {f.name: f.read_bytes() for f in ours.glob("*.jsonl")} == before


def git(folder: Path, *words: str, fails: bool = False) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True)
    assert (done.returncode != 0) == fails, done.stderr + done.stdout
    return done.stdout


@pytest.fixture
def clones(home: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two git clones of a home with a ledger."""
    put(home / "data" / "ledger", {"kind": "note", "text": "x"}, chain="acme")
    put(home / "data" / "ledger", status("void", "muse-any"))
    (home / ".gitignore").write_text("data/ledger/.*.lock\n", encoding="utf-8")
    git(home, "init", "-q", "-b", "main")
    git(home, "add", "-A")
    git(home, "commit", "-qm", "start")
    git(tmp_path, "clone", "-q", str(home), "other")
    return home, tmp_path / "other"


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "more")


def test_git_merges_chains_of_two_forecasters_without_a_conflict(clones: tuple[Path, Path], run: Any) -> None:
    ours, theirs = clones
    put(ours / "data" / "ledger", {"kind": "note", "text": "ours"}, chain="acme")
    put(theirs / "data" / "ledger", {"kind": "note", "text": "theirs"}, chain="beta")
    commit(ours)
    commit(theirs)
    git(ours, "pull", "-q", "--no-rebase", "--no-edit", str(theirs), "main")
    ran = run("ledger", "verify", "--home", ours)
    assert (ran.code, ran.out.splitlines()[-1].startswith("3 chains verified")) == (0, True)
    assert len(ledger.read(ours / "data" / "ledger", "beta")) == 1
    assert len(ledger.read(ours / "data" / "ledger", "acme")) == 2


def test_a_conflict_in_one_chain_is_mended_as_the_help_says(clones: tuple[Path, Path], run: Any) -> None:
    ours, theirs = clones
    put(ours / "data" / "ledger", answer("muse-frontier"))
    put(theirs / "data" / "ledger", {"kind": "note", "text": "theirs"}, chain="beta")
    put(theirs / "data" / "ledger", status("reopened", "muse-any"))
    commit(ours)
    commit(theirs)
    git(ours, "pull", "-q", "--no-rebase", "--no-edit", str(theirs), "main", fails=True)
    assert run("ledger", "verify", "--home", ours).code == 1
    chain = "data/ledger/resolutions.jsonl"
    (ours / "theirs.jsonl").write_text(git(ours, "show", f"MERGE_HEAD:{chain}"), encoding="utf-8", newline="")
    git(ours, "checkout", "--ours", chain)
    ran = run("ledger", "merge", ours / "theirs.jsonl", "--home", ours)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("resolutions: 1 lines added behind 1 that both copies begin with")
    git(ours, "add", chain)
    git(ours, "commit", "-qm", "merged")
    assert run("ledger", "verify", "--home", ours).code == 0
    assert said(ours / "data" / "ledger")[1:] == [("resolved", "muse-frontier"), ("reopened", "muse-any")]
    last = json.loads((ours / chain).read_text(encoding="utf-8").splitlines()[-1])["body"]
    assert set(last["heads"]) == {"acme", "beta"}
    ran = run("ledger", "merge", ours / "theirs.jsonl", "--home", ours)
    assert ran.out.startswith("resolutions: 0 lines added")
