"""Any bytes as a ledger give good lines or one error of one line, and nothing outside the folder is touched."""

from __future__ import annotations

import datetime as dt
import json
import math
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz_targets import ledger_takes, seal
from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.canonical import canonical, strict
from forecast.record.lines import genesis, written
from forecast.record.merging import merge

DAY = dt.date(2026, 1, 1)
CHAINS = st.sampled_from(["acme", "resolutions"])
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.dictionaries(
    st.sampled_from(
        ["kind", "question_id", "happened_on", "known_on", "opening", "heads", "merged", "same", "seq", "id"]
    ),
    VALUES | st.sampled_from(["resolved", "void", "note", "heads", "forecast", "0000-01-01", "10000-01-01", "../x"]),
)


def start(chain: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "note", "chain": chain, "seq": 0, "prev": genesis(chain), "recorded_on": "2026-01-01"} | fields


def as_doubles(value: Any) -> Any:
    """The value with every number as a double: from 2**53 on, JSON has one text for a fraction and a whole number."""
    return json.loads(json.dumps(value), parse_int=float)


@many
@given(chain=CHAINS, text=st.binary(max_size=300))
@example(chain="acme", text=b"\xef\xbb\xbf")
@example(chain="acme", text=b"\n")
def test_any_bytes_are_good_lines_or_one_error(tmp_path: Path, chain: str, text: bytes) -> None:
    ledger_takes(tmp_path, chain, text)


@many
@given(chain=CHAINS, stored=st.binary(max_size=200) | VALUES.map(rfc8785.dumps), more=st.binary(max_size=50))
def test_any_body_with_a_hash_that_fits(tmp_path: Path, chain: str, stored: bytes, more: bytes) -> None:
    ledger_takes(tmp_path, chain, seal(stored) + b"\n" + more)


@many
@given(chain=CHAINS, fields=FIELDS)
def test_any_fields_of_a_line_in_its_place(tmp_path: Path, chain: str, fields: dict[str, Any]) -> None:
    ledger_takes(tmp_path, chain, seal(rfc8785.dumps(start(chain, **fields))) + b"\n")


@many
@given(data=st.data(), chain=CHAINS)
def test_a_good_chain_with_bytes_changed_is_good_no_more(tmp_path: Path, data: st.DataObject, chain: str) -> None:
    folder = tmp_path / "good"
    for left in folder.glob("*"):
        left.unlink()
    ledger.append(folder, chain, [{"kind": "note", "question_id": str(i)} for i in range(3)], recorded_on=DAY)
    text = (folder / f"{chain}.jsonl").read_bytes()
    place = data.draw(st.integers(0, len(text) - 2))
    changed = text[:place] + data.draw(st.binary(max_size=3)) + text[place + data.draw(st.integers(0, 3)) :]
    (folder / f"{chain}.jsonl").write_bytes(changed)
    [verdict] = ledger.verify(folder)
    whole = text[: len(changed)] == changed  # cut off: torn, or shorter
    assert changed == text or verdict.fault or verdict.torn or whole


@many
@given(record=st.dictionaries(st.text(max_size=6), VALUES, max_size=5))
def test_what_is_appended_comes_back_or_is_refused_in_one_line(tmp_path: Path, record: dict[str, Any]) -> None:
    folder = tmp_path / "made"
    for left in folder.glob("*"):
        left.unlink()
    with suppress(LedgerError):
        [line] = ledger.append(folder, "acme", [{**record, "kind": "note"}], recorded_on=DAY)
        assert ledger.read(folder, "acme") == [line]
        brought = {k: v for k, v in record.items() if k != "kind"}
        assert as_doubles({k: line.body[k] for k in brought}) == as_doubles(brought)


@many
@given(value=VALUES)
@example(value=[0.0, -0.0, 1e-5, 1e-6, 1e15, 1e16, 1e21, 5e-324, 1.7976931348623157e308, 1, 2**53 - 1])
@example(value={"\ue000": 1, "\U0001f600": 2, "a": [1.0, 0.25]})
def test_the_canonical_text_is_the_librarys(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@many
@given(bits=st.lists(st.binary(min_size=8, max_size=8), max_size=6))
def test_numbers_are_written_as_the_library_writes_them(bits: list[bytes]) -> None:
    numbers = [x for (x,) in (struct.unpack("d", b) for b in bits) if math.isfinite(x)]
    for value in (
        numbers,
        [abs(x) for x in numbers],
        [x % 1 for x in numbers],
        [round(abs(x) % 1, 7) for x in numbers],
    ):
        assert canonical(value) == rfc8785.dumps(value)


@many
@given(value=VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert as_doubles(strict(canonical(value))) == as_doubles(value)


@many
@given(text=st.text(max_size=60) | st.binary(max_size=60).map(lambda b: b.decode("latin-1")))
def test_strict_reading_never_takes_what_the_standard_reader_refuses(text: str) -> None:
    with suppress(ValueError, RecursionError):
        found = strict(text.encode())
        assert found == json.loads(text)


BODY = rfc8785.dumps(start("acme"))
BAD_VALUES = [
    *(b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"9" * 400, b"9" * 5000, b"01", b"\xff", b"[" * 5000),
    *(b'"\\ud800"', b'"\\udc00x"', b'{"\\ud800":1}', b'"\xed\xa0\x80"'),
    *(b'{"a":1,"a":2}', b'{"a":1,"a" :2}', b'[{"a":1,"a":2}]', b'{"a":1,"\\u0061":2}'),
]
BAD_DAYS = ["0000-01-01", "10000-01-01", "-001-01-01", "2026-1-1", "2026-W01-1", "2026-02-30", "\u0662026-01-01"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        *((seal(BODY[:-1] + b',"z":' + text + b"}"), "is not good JSON") for text in BAD_VALUES),
        (seal(BODY) + b"\r", "is not of the form"),
        (b"\xef\xbb\xbf" + seal(BODY), "is not of the form"),
        (seal(b"\xef\xbb\xbf" + BODY), "is not good JSON"),
        *((seal(rfc8785.dumps(start("acme", recorded_on=day))), "no recorded_on day") for day in BAD_DAYS),
        (seal(rfc8785.dumps(start("../x"))), "belongs to chain '../x'"),
    ],
)
def test_what_the_rules_refuse_is_refledger_takes(tmp_path: Path, line: bytes, fault: str) -> None:
    (tmp_path / "acme.jsonl").write_bytes(line + b"\n")
    [verdict] = ledger.verify(tmp_path)
    assert str(verdict.fault).startswith("line 1: ")
    assert fault in str(verdict.fault)
    assert len(str(verdict.fault)) < 300


def test_a_good_body_as_these_are_made_is_good(tmp_path: Path) -> None:
    (tmp_path / "acme.jsonl").write_bytes(seal(BODY) + b"\n")
    assert ledger.verify(tmp_path)[0].fault is None


@pytest.mark.parametrize("chain", ["../x", "/x", "..", "a/../../x", "a\\..\\x", "x\0"])
def test_a_chain_cannot_be_named_out_of_the_folder(tmp_path: Path, chain: str) -> None:
    folder = tmp_path / "ledger"
    ledger.append(folder, "acme", [{"kind": "note"}], recorded_on=DAY)
    raw, _ = written({"kind": "note"}, chain, 0, genesis(chain), DAY)
    (tmp_path / "theirs").write_bytes(raw + b"\n")
    before = {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()}
    for work in (
        lambda: ledger.append(folder, chain, [{"kind": "note"}], recorded_on=DAY),
        lambda: ledger.read(folder, chain),
        lambda: merge(folder, tmp_path / "theirs"),
    ):
        with pytest.raises(LedgerError, match="cannot name a chain"):
            work()
    assert {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()} == before
