"""Bytes of a file or an address: whole and within limits, or one clear line. The servers are real, on this machine."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from forecast.tables.catalogue import CatalogueError
from forecast.tables.fetch import MAX_BYTES, is_address, load_catalogue, read_bytes, save_bytes

TODAY = dt.date(2026, 11, 25)
ENTRY = {"id": "acme/one", "name": "Acme One", "open_weights": False, "release_date": "2026-05-01"}
CATALOGUE = json.dumps({"acme": {"id": "acme", "models": {"acme/one": ENTRY}}}).encode()
Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answer], str]]:
    """Start a server that gives one answer; its address."""
    monkeypatch.setenv("no_proxy", "*")
    with contextlib.ExitStack() as running:

        def start(answer: Answer) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    with contextlib.suppress(OSError):  # who has read enough hangs up
                        answer(self)

                def log_message(self, format: str, *args: object) -> None:
                    pass

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            running.callback(thread.join)
            running.callback(server.server_close)
            running.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_address[1]}/api.json"

        yield start


def says(content: bytes, length: int | None = None, code: int = 200, **headers: str) -> Answer:
    """An answer of so many bytes, or of what it says are so many."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def drips(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then, for a minute."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(600):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def endless(handler: BaseHTTPRequestHandler) -> None:
    """No length, no end."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(10_000):
        handler.wfile.write(b" " * 65536)


def broken_chunks(handler: BaseHTTPRequestHandler) -> None:
    """A chunk that is announced and does not come."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"5\r\nab")


def test_a_file_and_an_address_give_the_same_bytes(serve: Callable[[Answer], str], tmp_path: Path) -> None:
    plain, packed = tmp_path / "api.json", tmp_path / "packed-under-any-name"
    plain.write_bytes(CATALOGUE)
    packed.write_bytes(gzip.compress(CATALOGUE))
    assert read_bytes(str(plain)) == read_bytes(str(packed)) == CATALOGUE
    assert read_bytes(serve(says(CATALOGUE))) == CATALOGUE
    assert read_bytes(serve(says(gzip.compress(CATALOGUE), **{"Content-Encoding": "gzip"}))) == CATALOGUE


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (says(b"gone", code=500), "the server answered 500"),
        (says(b"", code=404), "the server answered 404"),
        (says(b"", code=503), "the server answered 503"),
        (says(CATALOGUE, length=len(CATALOGUE) + 50), "ends too early"),
        (says(gzip.compress(CATALOGUE)[:-20]), "gzip that ends too early"),
        (says(b"\x1f\x8b" + b"x" * 50), "broken gzip"),
        (broken_chunks, "broken answer"),
        (says(b"", code=302, Location="file:///etc/passwd"), "is not allowed"),
        (says(b"", code=302, Location="http://127.0.0.1:9/api.json"), "only https is fetched"),
        (says(b"", code=301, Location="ftp://example.org/api.json"), "ftp://example.org/api.json: redirect from"),
        (says(b"", code=302), "the server answered 302"),
    ],
)
def test_an_answer_that_is_not_whole_is_refused(serve: Callable[[Answer], str], answer: Answer, said: str) -> None:
    address = serve(answer)
    with pytest.raises(CatalogueError) as refused:
        read_bytes(address)
    assert said in str(refused.value)
    assert "127.0.0.1" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_redirect_to_https_is_followed(serve: Callable[[Answer], str]) -> None:
    secure = serve(says(CATALOGUE)).replace("http:", "https:")  # a port that speaks no TLS: reached, and no more
    with pytest.raises(CatalogueError, match="cannot be reached") as refused:
        read_bytes(serve(says(b"", code=302, Location=secure)))
    assert "SSL" in str(refused.value)


def test_silence_and_dripping_end(serve: Callable[[Answer], str]) -> None:
    began = time.monotonic()
    with pytest.raises(CatalogueError, match=r"no answer within|cannot be reached \(timed out\)"):
        read_bytes(serve(lambda handler: time.sleep(2)), timeout=0.3)
    with pytest.raises(CatalogueError, match="too slow"):
        read_bytes(serve(drips), deadline=0.5)
    assert time.monotonic() - began < 10


def test_too_much_is_refused_before_it_is_read_packed_or_not(serve: Callable[[Answer], str], tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="more than 64 MB"):
        read_bytes(serve(says(b"", length=MAX_BYTES + 1)))
    with pytest.raises(CatalogueError, match="more than 1 MB"):
        read_bytes(serve(endless), limit=2**20)
    bomb = gzip.compress(b" " * 2**22)
    assert len(bomb) < 2**13
    with pytest.raises(CatalogueError, match="more than 1 MB"):
        read_bytes(serve(says(bomb)), limit=2**20)
    large = tmp_path / "large.json"
    large.write_bytes(b" " * (2**20 + 1))
    with pytest.raises(CatalogueError, match="more than 1 MB"):
        read_bytes(str(large), limit=2**20)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("file:///etc/passwd", "only https"),
        ("ftp://example.org/api.json", "only https"),
        ("javascript:alert(1)", "only https"),
        ("data:application/json,{}", "only https"),
        ("http://example.org/api.json", "only https"),
        ("HTTP://example.org/api.json", "only https"),
        ("https:///api.json", "needs a host, and no user name"),
        ("https://user:secret@example.org/api.json", "needs a host, and no user name"),
        ("https://example.org/a b", "a space or a control character"),
        ("https://exa\nmple.org/", "a space or a control character"),
        ("https://[bad/api.json", "Invalid IPv6 URL"),
        ("https://example.org:port/", "Port could not be cast"),
    ],
)
def test_other_schemes_and_broken_addresses_are_refused(address: str, said: str) -> None:
    assert is_address(address)
    with pytest.raises(CatalogueError, match=said) as refused:
        read_bytes(address)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_drive_or_a_plain_path_is_no_address() -> None:
    assert not is_address("C:\\api.json")
    assert not is_address("data/api.json")


def test_nobody_there(serve: Callable[[Answer], str], unused_port: int) -> None:
    with pytest.raises(CatalogueError, match="cannot be reached"):
        read_bytes(f"http://127.0.0.1:{unused_port}/api.json")


@pytest.fixture
def unused_port() -> int:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return int(server.server_address[1])


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"nothing\.json: no such file"):
        read_bytes(str(tmp_path / "nothing.json"))
    with pytest.raises(CatalogueError, match="not a file"):
        read_bytes(str(tmp_path))
    with pytest.raises(CatalogueError, match="not a file"):
        read_bytes("/dev/null")


def test_what_is_fetched_is_saved_only_when_told_and_only_as_a_new_catalogue(
    serve: Callable[[Answer], str], tmp_path: Path
) -> None:
    address, bad = serve(says(CATALOGUE)), serve(says(b"{}"))
    load_catalogue(address, TODAY)
    assert list(tmp_path.iterdir()) == []
    file = tmp_path / "api-2026-11-25.json.gz"
    with pytest.raises(CatalogueError, match="another shape"):
        load_catalogue(bad, TODAY, file)
    assert not file.exists()
    found = load_catalogue(address, TODAY, file)
    assert gzip.decompress(file.read_bytes()) == CATALOGUE
    again = load_catalogue(str(file), TODAY)
    assert (again.day, again.sha256) == (found.day, found.sha256)
    before = file.read_bytes()
    with pytest.raises(CatalogueError, match="exists already: nothing was changed"):
        load_catalogue(address, TODAY, file)
    assert file.read_bytes() == before
    with pytest.raises(CatalogueError, match="cannot be written"):
        save_bytes(CATALOGUE, tmp_path / "no-such-folder" / "api.json")
