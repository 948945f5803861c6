"""``forecast report`` and ``serve`` as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from forecast.pages.html import POLICY
from forecast.pages.shelf import faults
from forecast.tables.paths import utc_today


@pytest.fixture
def serving(site: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, and where it says that it serves."""
    words = [sys.executable, "-u", "-m", "forecast.cli", "serve", str(site), "--port", "0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "200"})
    assert process.stdout is not None
    yield process, process.stdout.readline().split()[0]
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_site_is_served_on_this_machine_only(serving: tuple[subprocess.Popen[str], str], site: Path) -> None:
    process, address = serving
    assert address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == (site / "index.html").read_bytes()
        assert answer.headers["Content-Security-Policy"] == POLICY
    base = address.removesuffix("index.html")
    for path in ("questions/", "no-such-page.html", "../../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(base + path)
        assert refused.value.code == 404
        refused.value.close()
    port = int(address.split(":")[2].split("/")[0])
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", port))  # free on every other address of this machine
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0


def test_what_cannot_be_served_is_one_line(run: Callable[..., Any], tmp_path: Path, site: Path) -> None:
    assert "holds no site: 'forecast report' makes one" in run("serve", tmp_path).err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = run("serve", site, "--port", taken.getsockname()[1])
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "cannot be used" in ran.err


def test_a_report_stands_on_the_shelf_and_the_same_again_writes_nothing(
    unfitted: None, real_home: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    for file in (real_home / "data").iterdir():
        if file.is_file():
            (home / "data" / file.name).write_bytes(file.read_bytes())
    ran = run("report", "--home", home)
    day = home / "reports" / utc_today().isoformat()
    assert (ran.code, f"pages in {day}" in ran.out.replace("\n", "")) == (0, True)
    assert (home / "reports" / "latest").resolve() == day
    assert faults(day) == []
    told = json.loads((day / "manifest.json").read_text(encoding="utf-8"))
    assert told["as_of"] == utc_today().isoformat()
    before = {f: f.stat().st_mtime_ns for f in day.rglob("*")}
    again = run("report", "--home", home)
    assert "says the same already: nothing was written" in again.out.replace("\n", "")
    assert {f: f.stat().st_mtime_ns for f in day.rglob("*")} == before
    assert sorted(f.name for f in (home / "reports").iterdir()) == [day.name, "latest"]


def test_a_report_of_a_day_ahead_or_into_a_full_folder_is_refused(
    real_home: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    assert "is in the future" in run("report", "--home", real_home, "--as-of", "2999-01-01").err
    (tmp_path / "a").touch()
    ran = run("report", "--home", real_home, "--out", tmp_path)
    assert (ran.code, "is not empty" in ran.err) == (1, True)
    assert [f.name for f in tmp_path.iterdir()] == ["a"]
