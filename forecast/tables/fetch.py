"""Bytes of a file or of a web address, within limits: of size, of time, of where a redirect may lead."""

from __future__ import annotations

import datetime as dt
import gzip
import http.client
import re
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from forecast.tables.catalogue import Catalogue, CatalogueError, read_catalogue

#: Most bytes that are read, packed or unpacked.
MAX_BYTES = 64 * 2**20
#: Seconds to wait for a server to say something, and for all of it.
TIMEOUT, DEADLINE = 30.0, 180.0
MAX_REDIRECTS = 5
_CHUNK = 1 << 16
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_address(where: str) -> bool:
    """Whether it is a web address (or pretends to be one), not a file."""
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", where))  # one letter and a colon is a drive


def load_catalogue(where: str, today: dt.date, save: Path | None = None) -> Catalogue:
    """Read a catalogue from a file or an address; save what was fetched once it has proved to be one."""
    content = read_bytes(where)
    found = read_catalogue(content, where, today, fetched=is_address(where))
    if save:
        save_bytes(content, save)
    return found


def read_bytes(where: str, *, timeout: float = TIMEOUT, deadline: float = DEADLINE, limit: int = MAX_BYTES) -> bytes:
    """Read a file, or what an https address answers; gzip is unpacked.

    Parameters
    ----------
    where : str
        Path or https address; http only for this machine.
    timeout, deadline : float
        Seconds for each answer, and for all of it.
    limit : int
        Most bytes, packed or unpacked.

    Raises
    ------
    CatalogueError
        If it cannot be had whole and within the limits.
    """
    packed = _fetch(where, timeout, deadline, limit) if is_address(where) else _read(Path(where).expanduser(), limit)
    return _unpack(packed, where, limit)


def save_bytes(content: bytes, file: Path) -> None:
    """Write what was fetched to a new file, packed where its name ends with .gz."""
    if file.exists():
        raise CatalogueError(f"--save {file}: exists already: nothing was changed")
    packed = gzip.compress(content, mtime=0) if file.suffix == ".gz" else content
    try:
        with file.open("xb") as out:
            out.write(packed)
    except OSError as error:
        raise CatalogueError(f"--save {file}: cannot be written: {error.strerror}") from None


def _read(file: Path, limit: int) -> bytes:
    if not file.exists():
        raise CatalogueError(f"{file}: no such file: save https://models.dev/api.json there, or give an https address")
    if not file.is_file():
        raise CatalogueError(f"{file}: not a file")
    try:
        with file.open("rb") as opened:
            content = opened.read(limit + 1)
    except OSError as error:
        raise CatalogueError(f"{file}: cannot be read: {error.strerror}") from None
    return _within(content, str(file), limit)


def _too_big(where: str, limit: int) -> CatalogueError:
    return CatalogueError(f"{where}: more than {limit / 2**20:.0f} MB: no catalogue of models is that large")


def _within(content: bytes, where: str, limit: int) -> bytes:
    if len(content) > limit:
        raise _too_big(where, limit)
    return content


def _unpack(content: bytes, where: str, limit: int) -> bytes:
    """Unpack gzip, told by its first bytes, up to the limit: a small file may hold a huge one."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = _within(stream.decompress(content, limit + 1), where, limit)
    except zlib.error as error:
        raise CatalogueError(f"{where}: broken gzip: {error}") from None
    if not stream.eof:
        raise CatalogueError(f"{where}: gzip that ends too early: fetch it again")
    return plain


def _checked(url: str, what: str) -> str:
    """Refuse all but https, and http to this machine."""
    if re.search(r"[\x00-\x20\x7f]", url):
        raise CatalogueError(f"{url!r}: {what} refused: it holds a space or a control character")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise CatalogueError(f"{url}: {what} refused: {error}") from None
    local = parts.scheme == "http" and host in _LOOPBACK and what == "address"
    if parts.scheme != "https" and not local:
        raise CatalogueError(f"{url}: {what} refused: only https is fetched")
    if not host or parts.username is not None:
        raise CatalogueError(
            f"{parts.scheme}://...{parts.path}: {what} refused: needs a host, and no user name before it"
        )
    return url


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects, and only to https."""

    max_redirections = MAX_REDIRECTS

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        try:
            _checked(newurl, f"redirect from {req.full_url}")
        except CatalogueError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """An opener that knows http(s) and nothing else: no files, no ftp, no data addresses."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        _Redirects(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _fetch(url: str, timeout: float, deadline: float, limit: int) -> bytes:
    ends = time.monotonic() + deadline
    try:
        request = urllib.request.Request(_checked(url, "address"), headers={"User-Agent": "forecast-release-lag"})
        with _opener().open(request, timeout=timeout) as answer:
            return _body(answer, url, ends, limit)
    except urllib.error.HTTPError as error:
        error.close()
        raise CatalogueError(
            f"{url}: the server answered {error.code} {error.reason}: try again later, or save it"
        ) from None
    except urllib.error.URLError as error:
        raise CatalogueError(f"{url}: cannot be reached ({error.reason}): give a saved file instead") from None
    except TimeoutError:
        raise CatalogueError(f"{url}: no answer within {timeout:.0f} seconds: give a saved file instead") from None
    except (http.client.HTTPException, ValueError, OSError) as error:
        raise CatalogueError(f"{url}: broken answer ({type(error).__name__} {error}): try again") from None


def _body(answer: Any, url: str, ends: float, limit: int) -> bytes:
    """The whole body; too much, too slow and too little are told apart."""
    stated = answer.headers.get("Content-Length", "")
    if stated.isdigit() and int(stated) > limit:
        raise _too_big(url, limit)
    body = bytearray()
    while chunk := answer.read1(_CHUNK):
        body += chunk
        if len(body) > limit:
            raise _too_big(url, limit)
        if time.monotonic() > ends:
            raise CatalogueError(f"{url}: too slow: not whole in time; give a saved file instead")
    if stated.isdigit() and len(body) < int(stated):
        raise CatalogueError(f"{url}: the answer ends too early: {len(body)} of {stated} bytes")
    return bytes(body)
