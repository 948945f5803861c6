"""Chains: what goes in comes out, what was tampered with is named, and no crash loses a line."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.records import append_by_forecaster

ROOT = Path(__file__).resolve().parents[2]
DAY = dt.date(2026, 1, 1)
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits and signals")

APPEND = """
import datetime as dt, sys
from pathlib import Path
from forecast.record import ledger
folder, name, count, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
for i in range(count):
    records = [{"kind": "note", "by": name, "i": i, "text": "x" * size}]
    (line,) = ledger.append(folder, "acme", records, recorded_on=dt.date(2026, 1, 1))
    print(line.sha256, flush=True)
"""


def note(text, **fields):
    return {"kind": "note", "text": text, **fields}


def verdict(folder, chain="acme"):
    (found,) = (v for v in ledger.verify(folder) if v.chain == chain)
    return found


def test_what_is_appended_is_read_back_line_by_line(tmp_path):
    folder = tmp_path / "new" / "ledger"
    first = ledger.append(folder, "acme", [note("a"), note("é", p=[0.1, None])], recorded_on=DAY)
    second = ledger.append(folder, "acme", [note("c")], recorded_on=DAY + dt.timedelta(days=1))
    lines = ledger.read(folder, "acme")
    assert lines == first + second
    assert [(x.body["text"], x.body["seq"], x.number, x.body["recorded_on"]) for x in lines] == [
        ("a", 0, 1, "2026-01-01"),
        ("é", 1, 2, "2026-01-01"),
        ("c", 2, 3, "2026-01-02"),
    ]
    assert verdict(folder) == ledger.Verdict("acme", 3, lines[-1].sha256, None, False)


def test_each_line_carries_the_hash_of_the_one_before_it(chain_of, tmp_path):
    prev = hashlib.sha256(b"forecast-ledger:acme").hexdigest()
    assert ledger.head(tmp_path, "other") == hashlib.sha256(b"forecast-ledger:other").hexdigest()
    for raw in chain_of(4).read_bytes().splitlines():
        body = json.loads(raw)["body"]
        stored = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
        assert body["prev"] == prev
        prev = hashlib.sha256(stored).hexdigest()
        assert json.loads(raw)["sha256"] == prev
    assert ledger.head(tmp_path, "acme") == prev


def test_only_values_new_to_the_chain_are_added_where_they_must_be_unique(tmp_path):
    def add(*ids):
        records = [note(f"{i}-{place}", id=i) for place, i in enumerate(ids)]
        return [x.body["text"] for x in ledger.append(tmp_path, "acme", records, recorded_on=DAY, unique="id")]

    assert add("a", "b", "a") == ["a-0", "b-1"]
    assert add("b", "c") == ["c-1"]
    before = (tmp_path / "acme.jsonl").read_bytes()
    assert add("a", "b", "c") == []
    assert (tmp_path / "acme.jsonl").read_bytes() == before
    assert len(ledger.append(tmp_path, "acme", [note("again", id="a")], recorded_on=DAY)) == 1


def test_nothing_to_append_leaves_no_trace(tmp_path):
    assert ledger.append(tmp_path / "none", "acme", [], recorded_on=DAY) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [{"kind": "rumour"}, {"kind": "note", "p": float("nan")}, {"kind": "note", "seq": 9}])
def test_one_bad_record_keeps_all_out(chain_of, tmp_path, bad):
    before = chain_of(2).read_bytes()
    with pytest.raises(LedgerError):
        ledger.append(tmp_path, "acme", [note("good"), bad], recorded_on=DAY)
    assert (tmp_path / "acme.jsonl").read_bytes() == before


def rehashed(seal, raw, **changes):
    return seal(json.loads(raw)["body"] | changes)


def doubled_key(seal, raw):
    stored = raw[len(b'{"body":') : raw.rindex(b',"sha256"')]
    return seal(stored[:-1] + b',"text":"another"}')


@pytest.mark.parametrize(
    ("tamper", "line", "fault"),
    [
        (lambda x, s: [*x[:2], x[2].replace(b"number 3", b"number 9"), *x[3:]], 3, "changed after it was written"),
        (lambda x, s: [*x[:2], rehashed(s, x[2], text="9"), *x[3:]], 4, "follows another line"),
        (lambda x, s: [rehashed(s, x[0], text="9"), *x[1:]], 2, "follows another line"),
        (lambda x, s: [rehashed(s, x[0], prev="0" * 64), *x[1:]], 1, "follows another line"),
        (lambda x, s: x[1:], 1, "dropped or the order changed (seq 1 expected 0)"),
        (lambda x, s: [*x[:2], *x[3:]], 3, "dropped or the order changed (seq 3 expected 2)"),
        (lambda x, s: [*x[:2], x[1], *x[2:]], 3, "inserted or the order changed (seq 1 expected 2)"),
        (lambda x, s: [*x[:2], rehashed(s, x[1], seq=2), *x[2:]], 3, "follows another line"),
        (lambda x, s: [x[0], x[2], x[1], *x[3:]], 2, "the order changed (seq 2 expected 1)"),
        (lambda x, s: [*x[:4], x[4], b"\n"], 6, "is not of the form"),
        (lambda x, s: [*x[:2], b"\n", *x[2:]], 3, "is not of the form"),
        (lambda x, s: [*x[:2], x[2][:-9] + b"\n", *x[3:]], 3, "is not of the form"),
        (lambda x, s: [y.replace(b"\n", b"\r\n") for y in x], 1, "is not of the form"),
        (lambda x, s: [*x[:3], doubled_key(s, x[3]), x[4]], 4, "a key stands twice"),
        (lambda x, s: [*x[:3], rehashed(s, x[3], kind="rumour"), x[4]], 4, "kind 'rumour' does not belong"),
        (lambda x, s: [*x[:3], rehashed(s, x[3], kind="resolved"), x[4]], 4, "kind 'resolved' does not belong"),
    ],
    ids=[
        "changed",
        "changed-and-rehashed",
        "first-changed-and-rehashed",
        "first-follows-another",
        "first-dropped",
        "dropped",
        "repeated",
        "inserted-and-rehashed",
        "reordered",
        "blank-at-the-end",
        "blank-between",
        "cut-short",
        "carriage-returns",
        "doubled-key",
        "unknown-kind",
        "kind-of-another-chain",
    ],
)
def test_verify_names_the_first_bad_line(chain_of, sealed, tmp_path, tamper, line, fault):
    path = chain_of(5)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(tamper(lines, sealed)))
    found = verdict(tmp_path)
    assert found.fault.startswith(f"line {line}: ")
    assert fault in found.fault
    assert found.lines == line - 1
    with pytest.raises(LedgerError, match=f"acme.jsonl: line {line}: .*; run 'forecast ledger verify'$"):
        ledger.read(tmp_path, "acme")


@pytest.mark.parametrize(
    ("where", "place", "line"), [("beta", 0, 1), ("beta", 3, 4), ("resolutions", 1, 2)], ids=["front", "end", "kinds"]
)
def test_verify_names_a_line_moved_from_another_file(chain_of, tmp_path, where, place, line):
    acme, other = chain_of(3), chain_of(3, where)
    lines = other.read_bytes().splitlines(keepends=True)
    lines.insert(place, acme.read_bytes().splitlines(keepends=True)[place % 3])
    other.write_bytes(b"".join(lines))
    assert verdict(tmp_path, where).fault == f"line {line}: belongs to chain 'acme'"
    assert verdict(tmp_path).fault is None


def test_a_renamed_chain_is_bad_from_its_first_line(chain_of, tmp_path):
    chain_of(2).rename(tmp_path / "beta.jsonl")
    assert verdict(tmp_path, "beta").fault == "line 1: belongs to chain 'acme'"


def test_lines_cut_off_at_the_end_show_in_the_head_alone(chain_of, tmp_path):
    path = chain_of(3)
    head = ledger.head(tmp_path, "acme")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    found = verdict(tmp_path)
    assert (found.lines, found.fault, found.torn) == (2, None, False)
    assert found.head_sha256 == ledger.head(tmp_path, "acme") != head


def test_nothing_is_appended_after_a_bad_last_line(chain_of, tmp_path):
    path = chain_of(4)
    path.write_bytes(path.read_bytes().replace(b"number 2", b"number 8").replace(b"number 4", b"number 8"))
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="line 2: changed after it was written"):
        ledger.append(tmp_path, "acme", [note("more")], recorded_on=DAY)
    assert path.read_bytes() == before


@pytest.mark.parametrize("cut", [0, 1, 40, -1], ids=["newline", "brace", "hash", "one-byte-left"])
@pytest.mark.parametrize("count", [1, 3])
def test_a_torn_tail_is_set_aside_and_the_chain_goes_on(chain_of, tmp_path, cut, count):
    path = chain_of(count)
    whole = path.read_bytes()
    *good, last = whole.splitlines(keepends=True)
    torn = last[: len(last) - 1 - cut] if cut >= 0 else last[:1]
    path.write_bytes(b"".join(good) + torn)

    found = verdict(tmp_path)
    assert (found.lines, found.fault, found.torn) == (count - 1, None, True)
    assert len(ledger.read(tmp_path, "acme")) == count - 1
    assert path.read_bytes() == b"".join(good) + torn, "looking changes nothing"

    (line,) = ledger.append(tmp_path, "acme", [note(f"number {count}")], recorded_on=DAY)
    assert (tmp_path / "acme.torn").read_bytes() == torn + b"\n"
    assert path.read_bytes() == whole, "the same record comes out at the same place"
    assert line.number == count
    assert verdict(tmp_path) == ledger.Verdict("acme", count, line.sha256, None, False)


def test_a_second_torn_tail_is_kept_beside_the_first(chain_of, tmp_path):
    path = chain_of(1, "gpt-4.1")
    for tail in (b"first", b"second"):
        path.write_bytes(path.read_bytes() + tail)
        ledger.append(tmp_path, "gpt-4.1", [note("x")], recorded_on=DAY)
    assert (tmp_path / "gpt-4.1.torn").read_bytes() == b"first\nsecond\n"
    assert (verdict(tmp_path, "gpt-4.1").lines, ledger.chains(tmp_path)) == (3, ["gpt-4.1"])


def test_an_empty_file_is_an_empty_chain(tmp_path):
    (tmp_path / "acme.jsonl").touch()
    start = hashlib.sha256(b"forecast-ledger:acme").hexdigest()
    assert verdict(tmp_path) == ledger.Verdict("acme", 0, start, None, False)
    assert ledger.read(tmp_path, "acme") == []
    assert ledger.append(tmp_path, "acme", [note("x")], recorded_on=DAY)[0].body["prev"] == start


def test_no_folder_is_no_chain(tmp_path):
    missing = tmp_path / "missing"
    assert (ledger.chains(missing), ledger.verify(missing), ledger.read(missing, "acme")) == ([], [], [])


BAD_NAMES = ["", ".", "..", "../acme", "a/b", "a..b", "Acme", "a b", "-a", ".a", "é", "a\n", "a\0", "x" * 65]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_chain_name_is_refused_everywhere(tmp_path, name):
    for use in (
        lambda: ledger.append(tmp_path, name, [note("x")], recorded_on=DAY),
        lambda: ledger.read(tmp_path, name),
        lambda: ledger.head(tmp_path, name),
    ):
        with pytest.raises(LedgerError, match="cannot name a chain"):
            use()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a", "0", "gpt-4.1_mini", "x" * 64])
def test_a_good_chain_name_is_taken(tmp_path, name):
    ledger.append(tmp_path, name, [note("x")], recorded_on=DAY)
    assert ledger.chains(tmp_path) == [name]


def test_verify_names_files_that_are_no_chains(chain_of, tmp_path):
    chain_of(1)
    (tmp_path / "Bad Name.jsonl").touch()
    (tmp_path / "folder.jsonl").mkdir()
    faults = {v.chain: v.fault for v in ledger.verify(tmp_path)}
    assert faults["acme"] is None
    assert "cannot name a chain" in faults["Bad Name"]
    assert "cannot read" in faults["folder"]


def test_a_ledger_that_is_a_file_is_refused_in_one_line(tmp_path):
    folder = tmp_path / "file"
    folder.touch()
    for use in (
        lambda: ledger.append(folder, "acme", [note("x")], recorded_on=DAY),
        lambda: ledger.chains(folder),
        lambda: ledger.read(folder, "acme"),
    ):
        with pytest.raises(LedgerError, match=r"^[^\n]*cannot (read|write to) [^\n]+$"):
            use()


def test_a_chain_held_by_another_process_is_given_up_after_a_while(chain_of, tmp_path, monkeypatch):
    before = chain_of(1).read_bytes()
    monkeypatch.setattr(ledger, "LOCK_SECONDS", 0.1)
    with (
        FileLock(tmp_path / ".acme.lock"),
        pytest.raises(LedgerError, match=r"another process has been writing for 0\.1 s; try again later"),
    ):
        ledger.append(tmp_path, "acme", [note("x")], recorded_on=DAY)
    assert (tmp_path / "acme.jsonl").read_bytes() == before


@posix
@pytest.mark.parametrize("room", [0, 1, 300], ids=["no-byte-more", "one-byte-more", "one-line-more"])
@pytest.mark.parametrize("count", [0, 3], ids=["new-chain", "old-chain"])
def test_a_full_disk_adds_nothing(chain_of, tmp_path, start, room, count):
    path = tmp_path / "acme.jsonl"
    before = chain_of(count).read_bytes() if count else b""
    script = """
import datetime as dt, resource, signal, sys
from pathlib import Path
from forecast.errors import LedgerError
from forecast.record import ledger
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    records = [{"kind": "note", "text": "more"}] * 9
    ledger.append(Path(sys.argv[1]), "acme", records, recorded_on=dt.date(2026, 1, 1))
except LedgerError as error:
    print(error)
"""
    out, err = start(script, tmp_path, str(len(before) + room)).communicate(timeout=60)
    assert err == ""
    assert out == f"cannot write to {path}, nothing was added: File too large\n"
    assert (path.read_bytes() if path.exists() else b"") == before
    assert path.exists() == bool(count)
    assert len(ledger.append(tmp_path, "acme", [note("later")], recorded_on=DAY)) == 1
    assert verdict(tmp_path).lines == count + 1


@posix
def test_a_read_only_folder_can_be_read_and_verified_but_not_written(chain_of, tmp_path, start):
    script = """
import datetime as dt, os, sys
from pathlib import Path
from forecast.errors import LedgerError
from forecast.record import ledger
os.chdir(sys.argv[1])
if os.geteuid() == 0:
    os.setuid(65534)
print(len(ledger.read(Path("."), "acme")), ledger.verify(Path("."))[0].fault)
for chain in ("acme", "beta"):
    try:
        ledger.append(Path("."), chain, [{"kind": "note"}], recorded_on=dt.date(2026, 1, 1))
    except LedgerError as error:
        print(error)
"""
    path = chain_of(2)
    before = path.read_bytes()
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        out, err = start(script, tmp_path).communicate(timeout=60)
    finally:
        tmp_path.chmod(0o755)
    assert err == ""
    assert out.splitlines() == [
        "2 None",
        *(f"cannot write to {c}.jsonl, nothing was added: Permission denied" for c in ("acme", "beta")),
    ]
    assert path.read_bytes() == before
    assert not (tmp_path / "beta.jsonl").exists()


def test_processes_that_append_at_once_lose_nothing(tmp_path, start):
    with FileLock(tmp_path / ".acme.lock"):
        writers = [start(APPEND, tmp_path, name, "40", "100") for name in "abc"]
        time.sleep(0.5)  # until all are waiting
    said = [w.communicate(timeout=120) for w in writers]
    assert [err for _, err in said] == [""] * 3
    lines = ledger.read(tmp_path, "acme")
    assert {x.sha256 for x in lines} == {sha for out, _ in said for sha in out.split()}
    assert [x.body["seq"] for x in lines] == list(range(120))
    for name in "abc":
        assert [x.body["i"] for x in lines if x.body["by"] == name] == list(range(40))
    assert verdict(tmp_path).fault is None


@posix
@pytest.mark.slow
def test_no_acknowledged_line_is_lost_to_a_kill(tmp_path, start):
    wait, acknowledged = random.Random(1), []
    for _ in range(10):
        writer = start(APPEND, tmp_path, "a", "100000", "400000")
        acknowledged.append(writer.stdout.readline().strip())
        time.sleep(wait.uniform(0, 0.05))
        writer.send_signal(signal.SIGKILL)
        out, err = writer.communicate(timeout=60)
        acknowledged += out.split()
        assert (writer.returncode, err) == (-signal.SIGKILL, "")
        assert verdict(tmp_path).fault is None
    (last,) = ledger.append(tmp_path, "acme", [note("after the kills")], recorded_on=DAY)
    lines = ledger.read(tmp_path, "acme")
    assert len(acknowledged) >= 10
    assert set(acknowledged) <= {x.sha256 for x in lines}
    assert len(lines) <= len(acknowledged) + 11, "at most one line a kill was written and not acknowledged"
    assert verdict(tmp_path) == ledger.Verdict("acme", len(lines), last.sha256, None, False)


@posix
@pytest.mark.slow
def test_the_benchmark_of_faults_finds_nothing_lost(tmp_path):
    out = tmp_path / "faults.csv"
    words = [sys.executable, "-W", "error", "-m", "benchmarks.ledger_faults", "--small", "--out", str(out)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert (done.returncode, done.stderr) == (0, "")
    with out.open(encoding="utf-8", newline="") as file:
        rows = {row["fault"]: row for row in csv.DictReader(file)}
    assert {"eight processes at once", "killed amid a write (SIGKILL)", "full disk (limit of a file)"} <= rows.keys()
    for row in rows.values():
        assert (row["lost"], row["chains_good"]) == ("0", row["tries"])
        assert int(row["most_torn_at_once"]) <= 1
        assert int(row["acknowledged"]) > 0
    assert json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))["good"]


def test_a_link_is_not_written_through(chain_of, tmp_path):
    outside = chain_of(2).rename(tmp_path / "outside")
    before = outside.read_bytes()
    (tmp_path / "acme.jsonl").symlink_to(outside)
    with pytest.raises(LedgerError, match=r"acme\.jsonl, nothing was added: it is a link"):
        ledger.append(tmp_path, "acme", [{"kind": "note"}], recorded_on=DAY)
    assert outside.read_bytes() == before


def test_what_went_in_before_a_chain_refused_is_told_and_the_same_again_adds_the_rest(make_record, tmp_path):
    records = [make_record(forecaster=name) for name in ("acme", "bell")]
    link = tmp_path / "bell.jsonl"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(LedgerError, match=r"nothing was added: .*; 1 forecasts of other chains were added before"):
        append_by_forecaster(tmp_path, records, DAY)
    link.unlink()
    added = append_by_forecaster(tmp_path, records, DAY)
    assert [line.body["chain"] for line in added] == ["bell"]
    assert [(v.chain, v.lines, v.fault) for v in ledger.verify(tmp_path)] == [("acme", 1, None), ("bell", 1, None)]
