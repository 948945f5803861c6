"""Trusted time: a real authority, made with openssl, signs the heads; nothing else is taken for that."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.record import ledger
from forecast.record.heads import combined

DAY = dt.date(2026, 1, 1)
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to play the authority")

CONFIG = """
[tsa]
serial = serial
digests = sha256, sha512
default_policy = 1.2.3.4.1
signer_digest = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
EXTENSIONS = {
    "stamps": "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n",
    "web": "extendedKeyUsage=critical,serverAuth\nkeyUsage=critical,digitalSignature\n",
}


class Authority:
    """A root and an authority of its own, in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "tsa.cnf").write_text(CONFIG)
        (folder / "serial").write_text("01")
        self("req", "-x509", *KEY, "-keyout", "root.key", "-out", "root.pem",
             "-days", "3650", "-subj", f"/CN={name} root")  # fmt: skip
        self("req", *KEY, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", f"/CN={name}")
        self.certificate("stamps", "-days", "365")

    def __call__(self, *words: str) -> None:
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def certificate(self, use: str, *days: str) -> None:
        (self.folder / "ext.cnf").write_text(EXTENSIONS[use])
        self("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
             "-extfile", "ext.cnf", "-out", "tsa.pem", *days)  # fmt: skip

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def reply(self, request: Path, name: str = "reply.tsr") -> Path:
        self("ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile", str(request),
             "-inkey", "tsa.key", "-signer", "tsa.pem", "-out", name)  # fmt: skip
        return self.folder / name


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority", "Good")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A home with two chains and no tables."""
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    (home / "data" / "episodes.csv").touch()
    for chain in ("acme", "beta"):
        ledger.append(home / "data" / "ledger", chain, [{"kind": "note", "text": "x"}], recorded_on=DAY)
    return home


@pytest.fixture
def asked(place: Path, tmp_path: Path, run: Callable[..., Any]) -> Path:
    """A request for the ledger's heads."""
    request = tmp_path / "heads.tsq"
    ran = run("ledger", "stamp", "--request", "--out", request, "--home", place)
    assert (ran.code, ran.err) == (0, "")
    return request


def attached(run: Callable[..., Any], place: Path, reply: Path) -> Any:
    return run("ledger", "stamp", "--attach", reply, "--home", place)


def checked(run: Callable[..., Any], place: Path, root: Path) -> Any:
    return run("ledger", "verify", "--ca", root, "--home", place)


@needs_openssl
def test_a_stamped_ledger_verifies_and_goes_on(
    place: Path, asked: Path, authority: Authority, run: Callable[..., Any]
) -> None:
    folder = place / "data" / "ledger"
    name = combined(ledger.heads(folder))
    text = subprocess.run(["openssl", "ts", "-query", "-in", asked, "-text"], capture_output=True, text=True).stdout
    assert "Hash Algorithm: sha256" in text
    dump = "".join(line.split(" - ")[1].split("   ")[0] for line in text.splitlines() if " - " in line)
    assert dump.replace(" ", "").replace("-", "") == name
    ran = attached(run, place, authority.reply(asked))
    assert (ran.code, ran.err) == (0, "")
    assert sorted(f.name for f in (folder / "stamps").iterdir()) == [f"{name}.json", f"{name}.tsr"]
    ledger.append(folder, "acme", [{"kind": "note", "text": "later"}], recorded_on=DAY)
    ran = checked(run, place, authority.root)
    assert (ran.code, ran.err) == (0, "")
    assert f"2 chains stood at {name[:16]}" in ran.out
    assert attached(run, place, authority.folder / "reply.tsr").code == 0, "twice the same"


@needs_openssl
def test_a_stamped_head_that_was_cut_off_is_named_even_without_roots(
    place: Path, asked: Path, authority: Authority, run: Callable[..., Any]
) -> None:
    assert attached(run, place, authority.reply(asked)).code == 0
    (place / "data" / "ledger" / "beta.jsonl").write_bytes(b"")
    ran = run("ledger", "verify", "--home", place)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "beta: line 1: cut off" in ran.err


@needs_openssl
def test_heads_that_were_asked_about_count_without_a_reply(place: Path, asked: Path, run: Callable[..., Any]) -> None:
    (place / "data" / "ledger" / "beta.jsonl").write_bytes(b"")
    ran = run("ledger", "verify", "--home", place)
    assert (ran.code, "beta: line 1: cut off" in ran.err) == (1, True)


@needs_openssl
def test_a_request_is_not_written_over_another_file(place: Path, asked: Path, run: Callable[..., Any]) -> None:
    assert run("ledger", "stamp", "--request", "--out", asked, "--home", place).code == 0, "the same again"
    asked.write_text("mine")
    ran = run("ledger", "stamp", "--request", "--out", asked, "--home", place)
    assert (ran.code, "is there already" in ran.err, asked.read_text()) == (1, True, "mine")


@needs_openssl
def test_a_reply_with_a_chain_of_certificates_is_good_in_any_order(
    place: Path, asked: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    authority = Authority(tmp_path / "chained", "Chained")
    authority("req", "-x509", *KEY, "-keyout", "other.key", "-out", "other.pem", "-subj", "/CN=A", "-days", "9")
    texts = [(authority.folder / name).read_text() for name in ("root.pem", "other.pem")]
    for order, certificates in enumerate((texts, texts[::-1])):
        (authority.folder / "chain.pem").write_text("".join(certificates))
        (authority.folder / "tsa.cnf").write_text(CONFIG + "certs = chain.pem\n")
        for kept in (place / "data" / "ledger" / "stamps").glob("*.tsr"):
            kept.unlink()
        reply = authority.reply(asked, f"{order}.tsr")
        ran = run("ledger", "stamp", "--attach", reply, "--ca", authority.root, "--home", place)
        assert (ran.code, ran.err) == (0, "")
        assert (authority.folder / f"{order}.tsr").read_bytes() == reply.read_bytes()
        assert checked(run, place, authority.root).code == 0


@needs_openssl
def test_with_roots_a_forged_reply_is_not_kept_and_gives_way_to_a_good_one(
    place: Path, asked: Path, authority: Authority, run: Callable[..., Any]
) -> None:
    good = authority.reply(asked)
    text = bytearray(good.read_bytes())
    text[-1] ^= 1
    forged = authority.folder / "forged.tsr"
    forged.write_bytes(text)
    folder = place / "data" / "ledger" / "stamps"
    ran = run("ledger", "stamp", "--attach", forged, "--ca", authority.root, "--home", place)
    assert (ran.code, "cannot be trusted" in ran.err, list(folder.glob("*.tsr"))) == (1, True, [])
    assert attached(run, place, forged).code == 0
    ran = attached(run, place, good)
    assert (ran.code, "another reply is kept" in ran.err) == (1, True)
    assert run("ledger", "stamp", "--attach", good, "--ca", authority.root, "--home", place).code == 0
    assert checked(run, place, authority.root).code == 0
    ran = run("ledger", "stamp", "--attach", forged, "--ca", authority.root, "--home", place)
    assert (ran.code, checked(run, place, authority.root).code) == (1, 0)


@needs_openssl
def test_a_reply_for_another_hash_is_refused(
    place: Path, asked: Path, authority: Authority, tmp_path: Path, run: Callable[..., Any]
) -> None:
    (tmp_path / "x").write_text("x")
    authority("ts", "-query", "-data", str(tmp_path / "x"), "-sha256", "-cert", "-out", "other.tsq")
    ran = attached(run, place, authority.reply(authority.folder / "other.tsq"))
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "is for another hash" in ran.err
    assert list((place / "data" / "ledger" / "stamps").glob("*.tsr")) == []
    name = combined(ledger.heads(place / "data" / "ledger"))
    shutil.copy(authority.folder / "reply.tsr", place / "data" / "ledger" / "stamps" / f"{name}.tsr")
    ran = checked(run, place, authority.root)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "Mismatch between messages" in ran.err


@needs_openssl
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("wrong root", "SELF_SIGNED|issuer|root"),
        ("expired", "expired"),
        ("not yet valid", "not yet valid"),
        ("no time stamps", "timeStamping|purpose"),
        ("changed", "signature|digest"),
    ],
)
def test_a_reply_that_no_root_vouches_for_is_refused_in_one_line(
    place: Path, asked: Path, authority: Authority, tmp_path: Path, run: Callable[..., Any], how: str, reason: str
) -> None:
    root = authority.root
    if how == "wrong root":
        root = Authority(tmp_path / "other", "Other").root
    reply = authority.reply(asked)
    if how in ("expired", "not yet valid"):
        reply = elsewhen(authority, asked, how)
    if how == "no time stamps":
        reply = signed_by_a_web_server(authority, asked)
    if how == "changed":
        text = bytearray(reply.read_bytes())
        text[-1] ^= 1
        reply.write_bytes(text)
    assert attached(run, place, reply).code == 0, "who signed is looked at with roots alone"
    ran = checked(run, place, root)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert re.search(f"cannot be trusted with the roots in .*: .*({reason})", ran.err)


def signed_by_a_web_server(authority: Authority, request: Path) -> Path:
    """A reply signed with a certificate that is not for time stamps: ``openssl ts`` would not, so it is faked."""
    authority.certificate("web", "-days", "365")
    good = (authority.folder / "reply.tsr").read_bytes()
    authority("ts", "-reply", "-in", "reply.tsr", "-token_out", "-out", "token.der")
    authority("cms", "-verify", "-noverify", "-inform", "DER", "-in", "token.der", "-out", "tst.der")
    authority("cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.4",
              "-in", "tst.der", "-signer", "tsa.pem", "-inkey", "tsa.key", "-outform", "DER", "-out", "web.der"
    )  # fmt: skip
    token = (authority.folder / "web.der").read_bytes()
    status = bytes.fromhex("3003020100")
    body = status + token
    size = len(body).to_bytes(2, "big")
    assert good[:2] == b"\x30\x82"
    made = authority.folder / "web.tsr"
    made.write_bytes(b"\x30\x82" + size + body)
    return made


def elsewhen(authority: Authority, request: Path, how: str) -> Path:
    """A reply by an authority whose certificate was not valid at the time."""
    start, end = ("20200101000000Z", "20210101000000Z") if how == "expired" else ("20900101000000Z", "20910101000000Z")
    (authority.folder / "ext.cnf").write_text(EXTENSIONS["stamps"])
    (authority.folder / "index.txt").write_text("")
    (authority.folder / "ca.cnf").write_text(
        "[ca]\ndatabase=index.txt\nserial=ca.srl\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
    )
    (authority.folder / "ca.srl").write_text("77")
    authority("ca", "-batch", "-config", "ca.cnf", "-name", "ca", "-in", "tsa.csr", "-cert", "root.pem", "-keyfile",
              "root.key", "-extfile", "ext.cnf", "-startdate", start, "-enddate", end, "-out", "tsa.pem", "-notext"
    )  # fmt: skip
    return authority.reply(request, "late.tsr")


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("stamp",), "give either --request or --attach"),
        (("stamp", "--request", "--attach", "x"), "give either --request or --attach"),
        (("stamp", "--attach", "{tmp}/none.tsr"), "cannot read"),
        (("stamp", "--attach", "{tmp}/noise"), "is no reply of a time-stamping authority"),
        (("stamp", "--attach", "{tmp}/long"), "is no reply of a time-stamping authority"),
        (("stamp", "--attach", "{tmp}/empty"), "is no reply of a time-stamping authority (Missing SignedData)"),
        (("stamp", "--attach", "{tmp}/noise", "--out", "x"), "--out: goes with --request"),
        (("stamp", "--request", "--out", "{tmp}/no/folder/x"), "there is no folder"),
        (("stamp", "--request", "--ca", "x.pem"), "--ca: goes with --attach"),
        (("verify", "--ca", "{tmp}/none.pem"), "cannot read"),
        (("verify", "--ca", "{tmp}/noise"), "is no certificate in PEM"),
    ],
)
def test_a_mistake_is_one_line(
    place: Path, tmp_path: Path, run: Callable[..., Any], words: tuple[str, ...], fault: str
) -> None:
    (tmp_path / "noise").write_bytes(b"noise")
    (tmp_path / "long").write_bytes(bytes.fromhex("3005300302") + b"\x88" * 137)  # a length of 136 bytes
    (tmp_path / "empty").write_bytes(bytes.fromhex("30053003020100"))  # granted, and nothing else
    ran = run("ledger", *(word.format(tmp=tmp_path) for word in words), "--home", place)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert fault in ran.err


@needs_openssl
def test_no_stamp_and_an_empty_or_broken_ledger_are_told(
    place: Path, authority: Authority, run: Callable[..., Any], tmp_path: Path
) -> None:
    assert "no time stamp is kept" in checked(run, place, authority.root).err
    path = place / "data" / "ledger" / "acme.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"x"', b'"y"'))
    ran = run("ledger", "stamp", "--request", "--out", tmp_path / "x", "--home", place)
    assert "nothing to stamp" in ran.err
    assert "acme: line 1: changed" in ran.err
    shutil.rmtree(place / "data" / "ledger")
    assert "it is empty" in run("ledger", "stamp", "--request", "--out", tmp_path / "x", "--home", place).err


def test_heads_that_were_changed_after_they_were_stamped_are_named(
    place: Path, asked: Path, run: Callable[..., Any]
) -> None:
    folder = place / "data" / "ledger" / "stamps"
    [file] = folder.glob("*.json")
    file.with_suffix(".tsr").write_bytes(b"")
    heads = json.loads(file.read_text())
    del heads["ledger_heads"]["beta"], heads["combined_sha256"]
    file.write_text(json.dumps(heads))
    ran = run("ledger", "verify", "--home", place)
    assert (ran.code, "its heads are not those that were stamped" in ran.err) == (1, True)


def test_without_the_library_one_line_says_how_to_install_it(
    place: Path, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    for words in (("stamp", "--request"), ("verify", "--ca", tmp_path / "root.pem")):
        ran = run("ledger", *words, "--home", place)
        assert (ran.code, ran.err.count("\n")) == (1, 1)
        assert "pip install 'forecast-release-lag[timestamp]'" in ran.err
    assert run("ledger", "verify", "--home", place).code == 0
