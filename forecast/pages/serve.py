"""A site on this machine only."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError
from forecast.pages.html import POLICY

HOST = "127.0.0.1"


class _Handler(SimpleHTTPRequestHandler):
    """Files of one folder, with the policy in the headers too, and nothing kept by the browser."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def list_directory(self, path: Any) -> None:  # noqa: ARG002 - the library's name
        """No listings."""
        self.send_error(404, "No such page")

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def serve(folder: Path, port: int, ready: Callable[[str], None]) -> None:
    """Serve a folder until interrupted.

    Parameters
    ----------
    folder : pathlib.Path
        With an ``index.html``.
    port : int
        0 for any that is free.
    ready : callable
        Told the address once it answers.

    Raises
    ------
    ForecastError
        If there is no site in the folder, or the port is taken.
    """
    if not (folder / "index.html").is_file():
        raise ForecastError(f"{folder}: holds no site: 'forecast report' makes one")
    try:
        server = ThreadingHTTPServer((HOST, port), partial(_Handler, directory=str(folder)))
    except (OSError, OverflowError) as error:
        raise ForecastError(f"--port {port}: cannot be used ({error}): choose another") from None
    with server:
        ready(f"http://{HOST}:{server.server_address[1]}/index.html")
        server.serve_forever()
