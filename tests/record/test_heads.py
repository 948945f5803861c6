"""Heads kept elsewhere show what was cut off at the end of a chain."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.heads import Kept, as_json, combined, read_heads
from forecast.record.lines import genesis

ROOT = Path(__file__).resolve().parents[2]
DAY = dt.date(2026, 1, 1)
VOID = {"kind": "void", "question_id": "q", "why": "w"}


def faults(folder: Path, *kept: Kept) -> dict[str, str]:
    return {v.chain: v.fault for v in ledger.verify(folder, kept) if v.fault}


def resolve(folder: Path, *records: dict[str, Any]) -> list[Any]:
    return ledger.append(folder, "resolutions", records or [VOID], recorded_on=DAY)


def cut(path: Path, lines: int) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))


def test_the_first_of_some_resolutions_keeps_the_heads_of_all_other_chains(
    chain_of: Callable[..., Path], tmp_path: Path
) -> None:
    chain_of(3), chain_of(2, "beta")
    before = {name: ledger.head(tmp_path, name) for name in ("acme", "beta")}
    first, second = resolve(tmp_path, VOID, VOID | {"question_id": "r"})
    assert first.body["heads"] == before
    assert "heads" not in second.body
    chain_of(1, "beta")
    [third] = resolve(tmp_path, {"kind": "heads"})
    assert third.body["heads"] == before | {"beta": ledger.head(tmp_path, "beta")}
    assert faults(tmp_path) == {}


def test_resolutions_alone_keep_no_heads_and_old_lines_without_them_are_good(tmp_path: Path) -> None:
    [line] = resolve(tmp_path)
    assert "heads" not in line.body
    assert faults(tmp_path) == {}


@pytest.mark.parametrize("left", [0, 1, 2])
def test_lines_cut_off_before_the_last_resolution_are_named(
    chain_of: Callable[..., Path], tmp_path: Path, left: int
) -> None:
    path = chain_of(3)
    head = ledger.head(tmp_path, "acme")
    resolve(tmp_path)
    chain_of(1)
    cut(path, 3)
    assert faults(tmp_path) == {}, "nobody kept the last head"
    cut(path, left)
    fault = f"line {left + 1}: cut off, or one before it replaced: head {head[:16]} in line 1 of resolutions is no line"
    assert faults(tmp_path) == {"acme": fault}
    ledger.append(tmp_path, "acme", [{"kind": "note", "text": f"other {i}"} for i in range(4)], recorded_on=DAY)
    assert "is no line" in faults(tmp_path)["acme"], "other lines in their place are no cure"


def test_a_chain_whose_file_is_gone_is_named(chain_of: Callable[..., Path], tmp_path: Path) -> None:
    path = chain_of(2)
    resolve(tmp_path)
    path.unlink()
    [found] = [v for v in ledger.verify(tmp_path) if v.chain == "acme"]
    assert (found.lines, found.torn) == (0, False)
    assert str(found.fault).startswith("line 1: cut off")


def test_an_empty_chain_has_the_head_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "acme.jsonl").touch()
    [line] = resolve(tmp_path)
    assert line.body["heads"] == {"acme": genesis("acme")}
    assert faults(tmp_path) == {}


def test_published_heads_show_resolutions_cut_off(chain_of: Callable[..., Path], tmp_path: Path, run: Any) -> None:
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    (home / "data" / "episodes.csv").touch()
    folder = home / "data" / "ledger"
    resolve(folder)
    resolve(folder, VOID | {"question_id": "r"})
    heads = ledger.heads(folder)
    text = run("ledger", "head", "--json", "--home", home).out
    assert json.loads(text) == {"ledger_heads": heads, "combined_sha256": combined(heads)}
    (tmp_path / "heads.json").write_text(text, encoding="utf-8")
    manifest = {"as_of": "2026-01-01", "ledger_heads": heads, "files": {}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    told = run("ledger", "head", "--home", home).out.splitlines()
    assert told == [f"resolutions {heads['resolutions']}", f"all 1 chains: {combined(heads)}"]
    for file in ("heads.json", "manifest.json"):
        assert run("ledger", "verify", "--heads", tmp_path / file, "--home", home).code == 0
    cut(folder / "resolutions.jsonl", 1)
    assert run("ledger", "verify", "--home", home).code == 0
    for file in ("heads.json", "manifest.json"):
        ran = run("ledger", "verify", "--heads", tmp_path / file, "--home", home)
        assert ran.code == 1
        assert ran.err.count("\n") == 1
        assert f"line 2: cut off, or one before it replaced: head {heads['resolutions'][:16]} in " in ran.err
        assert file in ran.err


def test_heads_in_the_reports_of_a_home_are_compared_always(tmp_path: Path, run: Any) -> None:
    home, folder = tmp_path / "home", tmp_path / "home" / "data" / "ledger"
    (home / "reports" / "2026-01-01").mkdir(parents=True)
    resolve(folder)
    resolve(folder, VOID | {"question_id": "r"})
    (home / "data" / "episodes.csv").touch()
    manifest = home / "reports" / "2026-01-01" / "manifest.json"
    manifest.write_text(json.dumps({"ledger_heads": ledger.heads(folder)}), encoding="utf-8")
    (home / "reports" / "latest").symlink_to("2026-01-01")
    ran = run("ledger", "verify", "--home", home)
    assert (ran.code, "1 of reports, 0 of time stamps, 0 given" in ran.out) == (0, True)
    cut(folder / "resolutions.jsonl", 1)
    ran = run("ledger", "verify", "--home", home)
    assert (ran.code, ran.err.count("\n"), str(manifest) in ran.err) == (1, 1, True)
    (folder / "resolutions.jsonl").unlink()
    assert run("ledger", "verify", "--home", home).code == 1


def test_heads_are_kept_on_demand_and_once(chain_of: Callable[..., Path], tmp_path: Path, run: Any) -> None:
    home, folder = tmp_path / "home", tmp_path / "home" / "data" / "ledger"
    (home / "data").mkdir(parents=True)
    (home / "data" / "episodes.csv").touch()
    ran = run("ledger", "head", "--keep", "--home", home)
    assert (ran.code, "there is no head to keep" in ran.err) == (1, True)
    ledger.append(folder, "acme", [{"kind": "note"}, {"kind": "note"}], recorded_on=DAY)
    assert run("ledger", "head", "--keep", "--home", home).out == (
        "heads of 1 chains kept, line 1 of the resolutions\n"
    )
    again = run("ledger", "head", "--keep", "--home", home)
    assert (again.code, "keep these heads already" in again.err) == (1, True)
    cut(folder / "acme.jsonl", 1)
    assert "acme: line 2: cut off" in run("ledger", "verify", "--home", home).err


def test_the_shipped_resolutions_keep_the_head_of_every_other_chain() -> None:
    folder = ROOT / "data" / "ledger"
    kept = [line.body["heads"] for line in ledger.read(folder, "resolutions") if "heads" in line.body]
    assert set(kept[-1]) == set(ledger.chains(folder)) - {"resolutions"}
    assert faults(folder) == {}


def test_the_combined_head_is_the_hash_of_the_heads_sorted(tmp_path: Path) -> None:
    heads = {"b": "1" * 64, "a": "0" * 64}
    text = f'{{"a":"{"0" * 64}","b":"{"1" * 64}"}}'
    assert combined(heads) == hashlib.sha256(text.encode()).hexdigest()
    assert json.loads(as_json(heads))["combined_sha256"] == combined(heads)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "cannot read"),
        ("", "is no JSON with heads"),
        ('{"ledger_heads":{"a":1,"a":2}}', "a key stands twice"),
        ("[]", "has no 'ledger_heads'"),
        ("{}", "has no 'ledger_heads'"),
        ('{"ledger_heads":[]}', "its heads are no JSON object"),
        (f'{{"ledger_heads":{{"a":"{"0" * 64}"}},"combined_sha256":"0"}}', "is not that of its heads"),
        ('{"ledger_heads":{"../x":"%s"}}' % ("0" * 64), "its head of '../x'"),
        ('{"ledger_heads":{"a":"0"}}', "its head of 'a' is not 64 hex digits"),
        ('{"ledger_heads":{"a":null}}', "its head of 'a' is not 64 hex digits"),
    ],
)
def test_a_file_without_heads_is_refused_in_one_line(tmp_path: Path, text: str | None, fault: str) -> None:
    file = tmp_path / "heads.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(LedgerError, match=r"^[^\n]+$") as error:
        read_heads(file)
    assert fault in str(error.value)


@pytest.mark.parametrize("field", ["heads", "merged", "same"])
def test_what_the_ledger_sets_must_not_be_brought(tmp_path: Path, field: str) -> None:
    with pytest.raises(LedgerError, match=f"its own {field}"):
        resolve(tmp_path, VOID | {field: {}})


@pytest.mark.parametrize(
    ("chain", "fields", "fault"),
    [
        ("resolutions", {"heads": 1}, "its heads are no JSON object"),
        ("resolutions", {"heads": {"../x": "0" * 64}}, "its head of '../x'"),
        ("acme", {"heads": {}}, "only resolutions carry heads"),
        ("acme", {"merged": 1}, "its note of a merge is not of the form"),
        ("acme", {"merged": {"prev": "", "seq": 0, "sha256": "0", "x": 1}}, "its note of a merge is not of the form"),
        ("acme", {"merged": {"prev": "", "seq": 0, "sha256": "0" * 64}}, "was changed when it was merged"),
        ("acme", {"same": 1}, "the line that it keeps is none of this chain"),
        ("acme", {"same": {"chain": "beta"}}, "the line that it keeps is none of this chain"),
    ],
)
def test_heads_and_notes_of_merges_that_do_not_fit_are_named(
    tmp_path: Path, sealed: Callable[[Any], bytes], chain: str, fields: dict[str, Any], fault: str
) -> None:
    body = {"kind": "note", "chain": chain, "seq": 0, "prev": genesis(chain), "recorded_on": "2026-01-01"}
    (tmp_path / f"{chain}.jsonl").write_bytes(sealed(body | fields))
    assert faults(tmp_path)[chain].startswith(f"line 1: {fault}")
