"""What any bytes may do to the ledger: the oracles of the fuzzers, and of the tests with made-up input.

A file is either taken, and then the ledger verifies, or refused in one line, and then nothing was written. Nothing
beside the ledger's folder changes either way.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import shutil
import zipfile
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, LedgerError
from forecast.model.reference import Reference
from forecast.record import imports, ledger
from forecast.record.answers import Desk
from forecast.record.canonical import canonical
from forecast.record.formats import flat, flat_read
from forecast.record.formats.question_map import read_map
from forecast.record.formats.registry import FORMATS
from forecast.record.heads import read_heads
from forecast.record.lines import genesis
from forecast.record.merging import merge
from forecast.record.score_table import resolutions, score_table
from forecast.record.stamps import attach
from forecast.release import GRID_DAYS
from forecast.tables.paths import Home, find_home

DAY = dt.date(2026, 1, 1)
#: The day of an import.
TODAY = dt.date(2026, 12, 20)
#: Letters of the longest message: it must fit on a screen.
LONGEST = 600
MAPPED = b'[question.w]\nid = "meta-muse-wonder-1.0"\nby = 2027-12-31\n'


def mapped(kind: str) -> bytes:
    """A map of the foreign question ``w``; a plain file says by which day itself."""
    return b'[map]\nw = "meta-muse-wonder-1.0"\n' if kind == "plain" else MAPPED


def refused(work: Callable[[], Any]) -> bool:
    """Whether something was refused, in one line."""
    said = None
    try:
        work()
    except ForecastError as error:
        said = str(error)
    assert said is None or ("\n" not in said and 0 < len(said) < LONGEST), f"not one line that fits: {said!r}"
    return said is not None


def seal(stored: bytes) -> bytes:
    """A body with a hash that fits."""
    return b'{"body":' + stored + b',"sha256":"' + hashlib.sha256(stored).hexdigest().encode() + b'"}'


def ledger_takes(folder: Path, chain: str, text: bytes) -> bool:
    """Do with a chain's file all that can be done, and look at what is left; say whether it is a good one."""
    home = folder / "ledger"
    home.mkdir(exist_ok=True)
    for left in home.iterdir():
        left.unlink()
    beside = {"beside.jsonl": b"untouched", "x.jsonl": b"untouched"}
    for name, content in beside.items():
        (folder / name).write_bytes(content)
    path = home / f"{chain}.jsonl"
    path.write_bytes(text)
    [verdict] = [v for v in ledger.verify(home) if v.chain == chain]
    assert "\n" not in (verdict.fault or "")
    good = not refused(lambda: ledger.read(home, chain))
    assert good == (verdict.fault is None or "is no line" in verdict.fault)
    refused(lambda: resolutions(home, DAY))
    refused(lambda: score_table(home, DAY, {}, DAY))
    refused(lambda: flat.write(home, folder / "flat.csv"))
    (folder / "flat.csv").unlink(missing_ok=True)
    refused(lambda: merge(home, path))
    refused(lambda: read_heads(path))
    before = path.read_bytes()
    note = {"kind": "note", "question_id": "q"}
    added = not refused(lambda: ledger.append(home, chain, [note], recorded_on=DAY))
    assert path.read_bytes() == before or (added and path.read_bytes().startswith(before[: before.rfind(b"\n") + 1]))
    assert {f.name: f.read_bytes() for f in folder.iterdir() if f.is_file()} == beside
    assert {f.name for f in home.iterdir()} <= {path.name, f"{chain}.torn", ".resolutions.lock", f".{chain}.lock"}
    return good


def import_takes(desk: Desk, kind: str, file: Path, map_file: Path) -> bool:
    """Import something; then nothing stands but chains in the ledger that verify, and they are taken away again."""
    data = desk.home.data
    before = set(data.rglob("*"))
    done = None

    def work() -> None:
        nonlocal done
        done = imports.import_file(desk, kind, file, map_file)

    if refused(work) or done is None:
        assert not desk.home.ledger.exists()
        return False
    assert {path.parent for path in set(data.rglob("*")) - before} <= {data, desk.home.ledger}
    assert all(verdict.fault is None for verdict in ledger.verify(desk.home.ledger))
    assert all(line.body["made_on"] <= TODAY.isoformat() for line in done.added)
    shutil.rmtree(desk.home.ledger, ignore_errors=True)
    return True


def import_desk(folder: Path) -> Desk:
    """A home without a ledger, and with one reference for every day: to find that takes a second."""
    data, own = folder / "home" / "data", find_home()
    shutil.copytree(own.data, data, ignore=shutil.ignore_patterns("ledger", "inputs"))
    imports.reference_on = lambda *_: Reference(0.005, 0.5, 0.2)
    return Desk(Home(data), today=TODAY)


def _lines(folder: Path) -> Callable[[bytes], bool]:
    def take(given: bytes) -> bool:
        how, text = given[:1], given[1:]
        chain = "resolutions" if how > b"\x7f" else "acme"
        if how and how[0] % 3:
            placed = f'{{"chain":"{chain}","prev":"{genesis(chain)}",'.encode() + text if how[0] % 3 == 1 else text
            text = seal(placed) + b"\n"
        return ledger_takes(folder, chain, text)

    return take


def _file(folder: Path, work: Callable[[Path], Any]) -> Callable[[bytes], bool]:
    path = folder / "foreign"

    def take(given: bytes) -> bool:
        path.write_bytes(given)
        return not refused(lambda: work(path))

    return take


def _flat(folder: Path) -> Callable[[bytes], bool]:
    new = folder / "new"

    def work(path: Path) -> None:
        try:
            flat_read.read(path, new)
            assert all(verdict.fault is None for verdict in ledger.verify(new))
        except LedgerError:
            assert ledger.chains(new) == []
            raise
        finally:
            shutil.rmtree(new, ignore_errors=True)

    return _file(folder, work)


def _stamp(folder: Path) -> Callable[[bytes], bool]:
    return _file(folder, lambda path: attach(folder / "ledger", path))


def _import(kind: str) -> Callable[[Path], Callable[[bytes], bool]]:
    def target(folder: Path) -> Callable[[bytes], bool]:
        desk, path, map_file = import_desk(folder), folder / "foreign", folder / "map.toml"
        map_file.write_bytes(mapped(kind))

        def take(given: bytes) -> bool:
            path.write_bytes(zipped(given) if kind == "metaculus" else given)
            return import_takes(desk, kind, path, map_file)

        return take

    return target


def zipped(given: bytes) -> bytes:
    """Bytes as they are, or, where they begin with ``Q``, two tables apart at a null byte, in a zip."""
    if not given.startswith(b"Q"):
        return given
    out = io.BytesIO()
    questions, _, forecasts = given.partition(b"\0")
    with zipfile.ZipFile(out, "w") as packed, suppress(ValueError):
        packed.writestr("question_data.csv", questions)
        packed.writestr("forecast_data.csv", forecasts)
    return out.getvalue()


#: Target -> a function that, given an empty folder, gives one that takes any bytes and says whether they were good.
TARGETS: dict[str, Callable[[Path], Callable[[bytes], bool]]] = {
    "lines": _lines,
    "heads": lambda folder: _file(folder, read_heads),
    "map": lambda folder: _file(folder, lambda path: read_map(path, ["meta-muse-wonder-1.0"])),
    "flat": _flat,
    "stamp": _stamp,
    **{kind: _import(kind) for kind in FORMATS},
}

_FATEBOOK = b"""Question title,Forecast created by,Forecast (scale = 0-1),Forecast created at,Question resolve by
w,ann,0.2,2026-12-01 10:11:05,2027-01-30 00:00:00
"""
_QUESTIONS = b"""Question ID,Question URL,Question Title,Question Type,Post ID,Open Time,Lower Bound,Open Lower Bound,\
Upper Bound,Open Upper Bound,Continuous Range,MC Options (Current)
w,,Will it?,binary,9,2026-11-25 12:00:00+00:00,,,,,,
"""
_DATES = _QUESTIONS.replace(b"binary", b"date").replace(b",,,,,,\n", b",2026-12-01,True,2027-06-19,True,,\n")
_FORECASTS = b"""Question ID,Forecaster ID,Forecaster Username,Is Bot,Start Time,Probability Yes,Continuous CDF,\
Probability Yes Per Category
w,7,ann,False,2026-12-01 09:30:00.123456+00:00,0.25,,
"""
_CDFS = _FORECASTS.replace(b"0.25,,", b',"[0.1, 0.5, 0.9]",')
_MARKET = b"""{"id": "w", "creatorUsername": "m", "createdTime": 1764028800000, "closeTime": 1830297599000,
"question": "?", "outcomeType": "BINARY", "mechanism": "cpmm-1", "probability": 0.31, "isResolved": false,
"lastUpdatedTime": 1796169600000, "lastBetTime": 1796115600000}"""
_ANSWERS = _MARKET.replace(
    b'"BINARY"',
    b"""
"DATE", "shouldAnswersSumToOne": true, "answers":
[{"id": "a", "text": "2026", "probability": 0.2}, {"id": "b", "text": "Later", "probability": 0.8}]""",
)
_BETS = b'[{"contractId": "w", "userId": "u", "createdTime": 1796115600000, "probBefore": 0.3, "probAfter": 0.4}]'
_SET = b"""{"organization": "A", "model": "B", "question_set": "2026-12-01-llm.json", "forecasts":
[{"id": "w", "source": "s", "forecast": 0.3, "resolution_date": "2027-01-30", "reasoning": null}]}"""
_FORECAST = canonical(
    {
        "asked_on": "2026-01-01",
        "cdf_full": [0] * len(GRID_DAYS),
        "cdf_part": [0] * len(GRID_DAYS),
        "design_seen": False,
        "diagnostics": {"said_by": "a", "words": "b"},
        "follow_up": "silence",
        "forecaster": "acme",
        "hashes": {"said": "0"},
        "id": "0",
        "kind": "forecast",
        "last_checked": None,
        "left": 1,
        "made_on": "2026-01-01",
        "mode": "imported",
        "model": "third-party",
        "p_never_structural": None,
        "question_id": "q",
        "recorded_on": "2026-01-01",
        "reference": {"p_never": 0.5, "part_share": 0, "rate_per_day": 0.01},
        "seq": 0,
        "target": "any",
        "unit": "model",
    }
).removeprefix(b"{")
_PLACED = b'"kind":"note","question_id":"q","recorded_on":"2026-01-01","seq":0}'

#: A reply that a made-up authority gave to the heads of no chain, in base64.
_REPLY = b64decode(
    """
MIIDbDADAgEAMIIDYwYJKoZIhvcNAQcCoIIDVDCCA1ACAQMxDzANBglghkgBZQMEAgEFADBoBgsqhkiG9w0BCRABBKBZBFcwVQIBAQYEKgMEATAx
MA0GCWCGSAFlAwQCAQUABCBEE2+jVbNnihFGrRb36GSelPtPwh/nfoMQwGD2HKr/igIBAhgPMjAyNjExMjYxNTIxNDZaMAMCAQGgggGNMIIBiTCC
AS+gAwIBAgIUfXxJbYx/7ajTffVFTtHGEdDmde0wCgYIKoZIzj0EAwIwETEPMA0GA1UEAwwGRyByb290MB4XDTI2MTEyNjE1MjE0NloXDTI3MTEy
NjE1MjE0NlowDDEKMAgGA1UEAwwBRzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJ2lODPG/Knp+9XxA7EjlV0QNAXcsj5BjOjM2kyXPxbEemm4
WVPxYtf2Z0lQYiHtEs+tyJTY0+2uZuv6xerHfOWjajBoMBYGA1UdJQEB/wQMMAoGCCsGAQUFBwMIMA4GA1UdDwEB/wQEAwIHgDAdBgNVHQ4EFgQU
fEmytup63ywsiKDZ7bWzxgUb4gAwHwYDVR0jBBgwFoAUp5ne4H+T0YjMaPPqc2tY+NNAW0MwCgYIKoZIzj0EAwIDSAAwRQIgeSLnKbHrCKC1UusA
3Oe4QR+UTRCs5IgiC1PSYKlzjU4CIQDMMm2YHPTVu/wxOV+MZsym+poIehKejB3AUEFMir3E1zGCAT0wggE5AgEBMCkwETEPMA0GA1UEAwwGRyBy
b290AhR9fEltjH/tqNN99UVO0cYR0OZ17TANBglghkgBZQMEAgEFAKCBpDAaBgkqhkiG9w0BCQMxDQYLKoZIhvcNAQkQAQQwHAYJKoZIhvcNAQkF
MQ8XDTI2MTEyNjE1MjE0NlowLwYJKoZIhvcNAQkEMSIEIMLGJrPN4fmVfhGzBhKdINre7g3Pe/nMkhxbR/ub8F29MDcGCyqGSIb3DQEJEAIvMSgw
JjAkMCIEID+ufFfxuya0Tw4vBYDRtlioVIeXHgOXYyqGskVdmRbHMAoGCCqGSM49BAMCBEcwRQIhAOejQhmYvwNO3JCbUnsRQlNMMuvfCD9cfRPz
bEn2HoslAiA4EIua9XniCY/YB3vm1cR8GSi0cAjRGkv4SMxyqKkkdA==
"""
)

#: Target -> good beginnings.
SEEDS: dict[str, list[bytes]] = {
    "lines": [
        b"\x01" + _PLACED,
        b"\x82" + _PLACED.replace(b"note", b"resolved"),
        b"\x01" + _FORECAST,
        b"\x82" + _PLACED.replace(b"note", b'heads","heads":{}, "a":"b'),
        b"\x00" + seal(b'{"chain":"acme"}'),
    ],
    "heads": [b'{"ledger_heads": {"acme": "' + b"0" * 64 + b'"}}'],
    "map": [
        MAPPED,
        b'[map]\nw = "meta-muse-wonder-1.0"\n',
        MAPPED + b'answers = { "a" = "later", "b" = 2026-12-31 }\n',
    ],
    "flat": [
        b"chain,seq,id,question_id,forecaster,mode,asked_on,made_on,recorded_on,kind,day,cdf,record,sha256\n"
        b'acme,0,,q,,,,,2026-01-01,note,,,"{""kind"":""note""}",' + b"0" * 64 + b"\n"
    ],
    "stamp": [_REPLY, bytes.fromhex("30053003020100")],
    "metaculus": [_QUESTIONS + b"\0" + _FORECASTS, _DATES + b"\0" + _CDFS, zipped(_QUESTIONS + b"\0" + _FORECASTS)],
    "manifold": [_MARKET, _ANSWERS, b"[" + _MARKET + b"]", _BETS],
    "fatebook": [_FATEBOOK],
    "forecastbench": [_SET],
    "plain": [
        b"question_id,forecaster,made_on,by,prob\nw,ann,2026-12-01,2027-01-30,0.2\nw,ann,2026-12-01,2027-02-28,0.3\n"
    ],
}
