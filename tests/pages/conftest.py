"""A site of the real data with draws of the prior where a fit would be, and a browser to look at it."""

from __future__ import annotations

import datetime as dt
import json
import queue
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from forecast.model.ensemble import Ensemble
from forecast.model.prior_predictive import draws_of
from forecast.pages.edition import Edition, gather
from forecast.pages.serve import serve
from forecast.pages.site import write_site
from forecast.record.answers import Desk

ROOT = Path(__file__).resolve().parents[2]
DAY = dt.date(2026, 11, 26)
CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
QUESTIONS = ("muse-any", "muse-frontier", "muse-frontier-strict", "meta-muse-wonder-1.0", "meta-muse-ember-1.0")
QUESTIONS += ("meta-llama-4-behemoth", "xai-grok-2-others")
HURT = "<script>window.hurt=1</script><img src=x onerror='window.hurt=1'> & \"'</h1>"
HURTING_NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": f"# {HURT}\n\n[x](javascript:window.hurt=1)"},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {},
            "execution_count": 1,
            "source": HURT,
            "outputs": [
                {
                    "output_type": "execute_result",
                    "execution_count": 1,
                    "metadata": {},
                    "data": {"text/html": f"<table><tr><td onclick='window.hurt=1'>1.5{HURT}</td></tr></table>"},
                },
                {"output_type": "stream", "name": "stdout", "text": HURT},
            ],
        },
    ],
}
#: Without these a browser in a closed network, or run by root, asks for what it cannot have.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def quiet(what: str, share: float) -> None:
    """No bar."""


def prior(desk: Desk, as_of: Any, unit: Any = "model", target: Any = "any") -> Ensemble:
    """Draws of the prior in a posterior's place."""
    view = desk.views.on(as_of, unit)
    return Ensemble((draws_of(desk.priors, view, "weibull", 1, target, 60),), (1.0,))


class PriorDesk(Desk):
    """A desk that fits nothing."""

    posterior = prior


@pytest.fixture
def unfitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for a command, in one test."""
    monkeypatch.setattr(Desk, "posterior", prior)


@pytest.fixture(scope="session")
def real_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a report reads, with a question of each kind."""
    home = tmp_path_factory.mktemp("real")
    for part in ("data", "notebooks", "results"):
        shutil.copytree(ROOT / part, home / part)
    file = home / "data" / "questions.toml"
    head, *parts = re.split(r"^\[\[question\]\]", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    chosen = [part for part in parts if any(f'id = "{name}"\n' in part for name in QUESTIONS)]
    assert len(chosen) == len(QUESTIONS)
    file.write_text("[[question]]".join([head, *chosen]), encoding="utf-8")
    return home


@pytest.fixture(scope="session")
def edition(real_home: Path) -> Edition:
    return gather(PriorDesk(real_home, today=DAY), quiet)


@pytest.fixture(scope="session")
def site(edition: Edition, real_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the real data."""
    folder = tmp_path_factory.mktemp("site")
    write_site(edition, Desk(real_home, today=DAY).home, folder, quiet)
    return folder


@pytest.fixture(scope="session")
def served() -> Callable[[Path], str]:
    """Serve a folder from a thread of this process: gives the address, without its file."""

    def start(folder: Path) -> str:
        told: queue.Queue[str] = queue.Queue()
        threading.Thread(target=serve, args=(folder, 0, told.put), daemon=True).start()
        return told.get(timeout=10).removesuffix("/index.html")

    return start


@pytest.fixture(scope="session")
def address(site: Path, served: Callable[[Path], str]) -> str:
    """Where the site is served."""
    return served(site)


@pytest.fixture(scope="session")
def hostile_home(make_data: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words that want to be markup, a name without end, a script that runs from right to left."""
    home = tmp_path_factory.mktemp("hostile")
    opened = {"outcome": "opened", "outcome_on": "2024-09-01", "outcome_precision": "day", "license_class": "osi"}
    opened |= {"license": "MIT", "outcome_source_url": "https://example.org/o", "what_opened": HURT}
    rows = [
        {"episode_id": "acme-open", "family": "acme-open", "model": "Acme Open"} | opened,
        {"episode_id": "acme-long", "family": "acme-long", "model": "x" * 300, "organization": "Y" * 300},
        {"episode_id": "acme-rtl", "family": "acme-rtl", "model": "נמלה", "organization": "חברה"},
        {"episode_id": "acme-hurt", "family": "acme-hurt", "model": HURT, "organization": HURT},
    ]
    make_data(episodes=rows).rename(home / "data")
    shutil.copyfile(ROOT / "data" / "priors.toml", home / "data" / "priors.toml")
    asked = [
        (HURT, "acme-hurt"),
        ("x" * 300, "acme-long"),
        ("מתי ייפתח המודל?", "acme-rtl"),
        ("And this?", "acme-open"),
    ]
    (home / "data" / "questions.toml").write_text(
        "\n".join(
            f"[[question]]\nid = 'q-{name}'\ntext = {json.dumps(text, ensure_ascii=False)}\nunit = 'model'\n"
            f"target = 'any'\nmembers = ['{name}']\nasked_on = 2024-03-05\n"
            f"resolution = {json.dumps(HURT)}\nsource = 'https://example.org/q'\n"
            for text, name in asked
        ),
        encoding="utf-8",
    )
    return home


@pytest.fixture(scope="session")
def hostile_edition(hostile_home: Path) -> Edition:
    edition = gather(PriorDesk(hostile_home, today=DAY), quiet)
    bad = [(HURT, "javascript:window.hurt=1"), ("data", "data:text/html,<script>window.hurt=1</script>")]
    leaves = [replace(leaf, sources=[*leaf.sources, *bad]) for leaf in edition.leaves]
    return replace(edition, leaves=leaves)


@pytest.fixture(scope="session")
def hostile_site(hostile_edition: Edition, hostile_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile-site")
    (hostile_home / "notebooks").mkdir()
    (hostile_home / "notebooks" / "01_hurt.ipynb").write_text(json.dumps(HURTING_NOTEBOOK), encoding="utf-8")
    write_site(hostile_edition, Desk(hostile_home, today=DAY).home, folder, quiet)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no browser: install Debian's with 'apt-get install chromium'")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page_at(browser: Browser, address: str) -> Iterator[Callable[..., Any]]:
    """Open a page of the site in a context of its own; what its console and its requests say is kept."""
    contexts = []

    def opened(name: str, at: str = address, **settings: Any) -> Any:
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda m: page.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(at) else page.complaints.append(f"asked {r.url}"))
        page.goto(f"{at}/{name}")
        return page

    yield opened
    for context in contexts:
        context.close()
