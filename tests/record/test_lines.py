"""One line of the ledger: its bytes, its hash, and what is refused."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math

import pytest

from forecast.errors import LedgerError
from forecast.record.canonical import canonical
from forecast.record.lines import check_place, genesis, parsed, written

DAY = dt.date(2026, 1, 2)
NOTE = {"kind": "note", "chain": "acme", "seq": 0, "prev": genesis("acme"), "recorded_on": "2026-01-02"}


def test_a_line_is_the_sorted_body_and_the_hash_of_its_bytes():
    prev = hashlib.sha256(b"forecast-ledger:acme").hexdigest()
    record = {"text": 'é "quoted"\n', "kind": "note", "p": [0.25, 1, None, True]}
    body = record | {"chain": "acme", "seq": 0, "prev": prev, "recorded_on": "2026-01-02"}
    stored = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    sha256 = hashlib.sha256(stored).hexdigest()

    raw, line = written(record, "acme", 0, prev, DAY)

    assert raw == b'{"body":' + stored + b',"sha256":"' + sha256.encode() + b'"}'
    assert (line.body, line.sha256, line.number) == (body, sha256, 1)
    assert json.loads(raw) == {"body": body, "sha256": sha256}
    assert genesis("acme") == prev


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1e-7, 1e-6, 1e21, 1.0, 0.1 + 0.2, -0.0], "[1e-7,0.000001,1e+21,1,0.30000000000000004,0]"),
        ({"b": {"z": 1, "y": 2}, "a": []}, '{"a":[],"b":{"y":2,"z":1}}'),
        (
            dict.fromkeys(["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\xf6"], 0),
            '{"\\r":0,"1":0,"\x80":0,"\xf6":0,"\u20ac":0,"\U0001f600":0,"\ufb33":0}',
        ),
        ('\u20ac$\x0f\nA\'B"\\"/', '"\u20ac$\\u000f\\nA\'B\\"\\\\\\"/"'),
    ],
    ids=["numbers", "nested", "keys-by-utf16", "escapes"],
)
def test_canonical_json_is_that_of_the_rfc(value, text):
    assert canonical(value) == text.encode()


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, DAY, {1, 2}, {1: "x"}, {None: 1}, 2**60, b"x", "\ud800", nested(100_000)],
    ids=["nan", "inf", "day", "set", "int-key", "none-key", "big-int", "bytes", "lone-surrogate", "too-deep"],
)
def test_what_json_cannot_say_is_refused_in_one_line(value):
    with pytest.raises(LedgerError, match=r"^a record cannot be written as JSON: .+$"):
        canonical({"kind": "note", "value": value})


@pytest.mark.parametrize("field", ["chain", "seq", "prev", "recorded_on"])
def test_a_record_must_not_bring_what_the_ledger_sets(field):
    with pytest.raises(LedgerError, match=f"its own {field}: the ledger sets it"):
        written({"kind": "note", field: "x"}, "acme", 0, genesis("acme"), DAY)


@pytest.mark.parametrize(
    ("kind", "chain", "belongs"),
    [
        *((kind, "acme", True) for kind in ("forecast", "withdrawal", "note")),
        *((kind, "resolutions", True) for kind in ("resolved", "void", "ambiguous", "reopened", "note")),
        *((kind, "acme", False) for kind in ("resolved", "void", "ambiguous", "reopened", "Note", "", None)),
        *((kind, "resolutions", False) for kind in ("forecast", "withdrawal", "other")),
    ],
)
def test_a_kind_is_written_only_to_the_chain_it_belongs_in(kind, chain, belongs, make_record):
    whole = make_record() | {"forecast_id": "x", "happened_on": "2026-01-01", "opening": "full", "why": "so"}
    if belongs:
        assert written(whole | {"kind": kind}, chain, 0, genesis(chain), DAY)[1].body["kind"] == kind
    else:
        with pytest.raises(LedgerError, match=f"kind {kind!r} does not belong in chain '{chain}'"):
            written({"kind": kind}, chain, 0, genesis(chain), DAY)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b'{"kind":"note","kind":"forecast"}', "a key stands twice"),
        (b'{"a":{"x":1,"x":1}}', "a key stands twice"),
        (b'{"p":NaN}', "NaN is no number"),
        (b'{"p":-Infinity}', "-Infinity is no number"),
        (b"{", "is not good JSON"),
        (b"\xff", "is not good JSON"),
        (b"[" * 100_000, "is not good JSON"),
        (b"[]", "is not a JSON object"),
        (NOTE | {"chain": "other"}, "belongs to chain 'other'"),
        (NOTE | {"kind": "rumour"}, "kind 'rumour' does not belong in chain 'acme'"),
        ({k: v for k, v in NOTE.items() if k != "kind"}, "kind None does not belong"),
        (NOTE | {"seq": "0"}, "no whole-number seq"),
        (NOTE | {"seq": True}, "no whole-number seq"),
        (NOTE | {"seq": 0.5}, "no whole-number seq"),
        (NOTE | {"recorded_on": "2026-13-01"}, "no recorded_on day"),
        (NOTE | {"recorded_on": "20260102"}, "no recorded_on day"),
        (NOTE | {"recorded_on": None}, "no recorded_on day"),
    ],
)
def test_a_body_that_is_no_record_is_refused_though_its_hash_fits(sealed, body, fault):
    with pytest.raises(LedgerError, match=r"^line 7: .+$") as error:
        parsed(sealed(body)[:-1], "acme", 7)
    assert fault in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"",
        lambda raw: b" " + raw,
        lambda raw: raw + b"\r",
        lambda raw: raw[:-1],
        lambda raw: raw[1:],
        lambda raw: raw.replace(b"sha256", b"sha512"),
        lambda raw: raw.replace(b'{"body":', b'{"Body":'),
        lambda raw: raw[:-66] + raw[-66:].upper(),
    ],
    ids=["empty", "space-first", "carriage-return", "cut-behind", "cut-in-front", "other-hash", "other-body", "upper"],
)
def test_bytes_of_another_form_are_refused(sealed, change):
    with pytest.raises(LedgerError, match="line 1: is not of the form"):
        parsed(change(sealed(NOTE)[:-1]), "acme", 1)


def test_every_changed_byte_of_a_line_shows(sealed):
    raw = sealed(NOTE)[:-1]
    assert parsed(raw, "acme", 1).body == NOTE
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(LedgerError, match=r"line 1: (is not of the form|changed after it was written)"):
            parsed(changed, "acme", 1)


@pytest.mark.parametrize(
    ("seq", "prev", "fault"),
    [
        (1, "p", r"inserted or the order changed \(seq 0 expected 1\)"),
        (-1, "p", "dropped or the order changed"),
        (0, "q", "follows another line than the one before it"),
    ],
)
def test_a_line_out_of_place_is_named(sealed, seq, prev, fault):
    line = parsed(sealed(NOTE | {"prev": "p"})[:-1], "acme", 3)
    check_place(line, 0, "p")
    with pytest.raises(LedgerError, match=f"line 3: .*{fault}"):
        check_place(line, seq, prev)


@pytest.mark.parametrize(
    ("raw", "hint"),
    [
        (b"<<<<<<< HEAD", "git left a conflict here; 'forecast ledger merge --help'"),
        (b"=======", "git left a conflict here"),
        (b">>>>>>> theirs", "git left a conflict here"),
        (b"\xef\xbb\xbf{}", "a byte order mark"),
        (b'{"body":{}}\r', "the ends of lines"),
    ],
)
def test_what_stands_instead_of_a_line_is_called_by_its_name(raw, hint):
    with pytest.raises(LedgerError, match=f"^line 3: is not of the form .*: .*{hint}"):
        parsed(raw, "acme", 3)
