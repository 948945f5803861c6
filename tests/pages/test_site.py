"""What pages say: every word escaped, every number that of its table, every state laid out."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import re
import shutil
import warnings
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.errors import ForecastError
from forecast.pages.edition import Edition, gather
from forecast.pages.front import changed_says, league_says
from forecast.pages.html import file_name, is_web, percent, points, shown
from forecast.pages.leaf_page import answer_in_words
from forecast.pages.notebooks import read_notebook
from forecast.pages.picture import COLOURS, themed
from forecast.pages.plots import new_axes, plot_history, spread, svg_of
from forecast.pages.shelf import editions, faults, place_edition, place_site
from forecast.pages.site import skill_of, write_site
from forecast.record import ledger
from forecast.record.answers import Desk
from forecast.record.recorder import record_forecasts
from forecast.tables.paths import Home

ROOT = Path(__file__).resolve().parents[2]
DAY = dt.date(2026, 11, 26)
VOID = {"meta", "link", "img", "input", "br", "rect"}


def quiet(what: str, share: float) -> None:
    pass


class Reader(HTMLParser):
    """Tags of a page, and whether they close as they open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def pages(hostile_site: Path) -> dict[str, Reader]:
    return {
        file.relative_to(hostile_site).as_posix(): Reader(file.read_text(encoding="utf-8"))
        for file in hostile_site.rglob("*.html")
    }


def test_hostile_words_stay_words(pages: dict[str, Reader]) -> None:
    for name, page in pages.items():
        assert page.open == [], name
        scripts = [attributes for tag, attributes in page.tags if tag == "script"]
        assert [re.sub(r"^(\.\./)*assets/", "", s["src"] or "") for s in scripts] == ["uPlot.iife.min.js", "site.js"]
        attributes = [(key, value or "") for _, attributes in page.tags for key, value in attributes.items()]
        assert not [key for key, _ in attributes if key.startswith("on") or key == "style"]
        assert not [value for key, value in attributes if key in ("href", "src") and re.match(r"\w+:(?!//)", value)]


def test_every_page_forbids_what_is_not_its_own(pages: dict[str, Reader]) -> None:
    for page in pages.values():
        [policy] = [a["content"] or "" for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "data:" not in policy


def test_an_opened_question_and_one_without_end_have_pages(hostile_site: Path, hostile_edition: Edition) -> None:
    assert len(list((hostile_site / "questions").iterdir())) == 4
    text = (hostile_site / "questions" / "q-acme-open.html").read_text(encoding="utf-8")
    assert "answered: months" in text
    assert "x" * 300 in (hostile_site / "questions" / "q-acme-long.html").read_text(encoding="utf-8")


def test_a_hostile_scheme_is_refused_by_the_table_and_never_a_link(
    hostile_home: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    shutil.copytree(hostile_home, tmp_path / "home")
    file = tmp_path / "home" / "data" / "episodes.csv"
    file.write_text(file.read_text("utf-8").replace("https://example.org/o", "javascript:alert(1)"), "utf-8")
    ran = run("report", "--out", tmp_path / "site", "--home", tmp_path / "home")
    assert ran.code == 1
    assert "must be a web address" in ran.err
    assert not (tmp_path / "site").exists()
    assert [is_web(u) for u in ("https://a.b/c", "HTTP://a.b", "javascript:x", "data:,x", "//a.b", "", None)] == [
        *(True, True),
        *[False] * 5,
    ]


def test_the_league_has_open_questions_the_likeliest_first(edition: Edition) -> None:
    assert list(edition.league.p_365) == sorted(edition.league.p_365, reverse=True)
    assert "muse-any" not in set(edition.league.question)
    assert "meta-muse-wonder-1.0" in set(edition.league.question)
    words = edition.league[["weeks", "months", "years", "never"]].sum(axis=1)
    assert words.to_numpy() == pytest.approx(1.0)
    top = edition.league.iloc[0]
    assert f"{top.question}, {percent(top.p_365)}" in league_says(edition)


def test_what_changed_is_the_difference_to_the_last_earlier_line(edition: Edition, real_home: Path) -> None:
    row = edition.changed.set_index("question").loc["meta-muse-wonder-1.0"]
    lines = [
        json.loads(line)["body"] for line in (real_home / "data/ledger/model.jsonl").read_text("utf-8").splitlines()
    ]
    mine = [
        b
        for b in lines
        if b.get("question_id") == "meta-muse-wonder-1.0" and b["mode"] == "live" and b["made_on"] < DAY.isoformat()
    ]
    assert row.since == max(b["made_on"] for b in mine)
    last = mine[-1]
    assert row.never_before == pytest.approx(1 - last["cdf_full"][-1] - last["cdf_part"][-1], abs=1e-6)
    assert row.never - row.never_before == pytest.approx(row.never_change)
    assert "moved by five points or more" in changed_says(edition)


def test_an_answered_question_is_taken_from_the_ledger_as_it_was_said(edition: Edition) -> None:
    leaf = next(leaf for leaf in edition.leaves if leaf.question.id == "muse-frontier")
    assert (leaf.explanation, leaf.forecast.made_on) == (None, dt.date(2026, 4, 6))
    assert answer_in_words(leaf).startswith("Months: ")
    assert "(a hindcast)" in answer_in_words(leaf)
    assert {"kaplan-meier", "constant-hazard", "promised-day-slip"} <= set(leaf.words.forecaster)


def test_the_data_under_a_picture_are_its_numbers(edition: Edition, site: Path) -> None:
    leaf = next(leaf for leaf in edition.leaves if leaf.question.id == "meta-muse-wonder-1.0")
    frame = pd.read_csv(site / "data" / "meta-muse-wonder-1.0-curve.csv")
    at = frame.set_index("days").p
    for days in (30, 90, 730):
        assert at[days] == pytest.approx(float(leaf.forecast.prob_by(days)), abs=1e-12)
    page = (site / "questions" / "meta-muse-wonder-1.0.html").read_text("utf-8")
    values = [float(v) for v in re.findall(r'data-v="([\d.e-]+)" class="number" dir="auto">[^<]*%', page)]
    assert any(v == pytest.approx(at[90], abs=1e-15) for v in values)


def test_the_site_carries_data_and_notebooks_as_they_are(site: Path, real_home: Path) -> None:
    for name in ("episodes.csv", "promises.csv", "questions.toml", "CODEBOOK.md"):
        assert (site / "data" / name).read_bytes() == (real_home / "data" / name).read_bytes()
    names = {file.stem for file in (real_home / "notebooks").glob("*.ipynb")}
    assert names == {file.stem for file in (site / "notebooks").glob("*.html")}
    told = json.loads((site / "manifest.json").read_text("utf-8"))
    for name, stated in told["files"].items():
        assert hashlib.sha256((site / name).read_bytes()).hexdigest() == stated
    for chain, head in told["ledger_heads"].items():
        assert head == ledger.read(real_home / "data" / "ledger", chain)[-1].sha256
    assert faults(site) == []


def test_nothing_in_the_site_is_asked_from_elsewhere(site: Path) -> None:
    for file in [*site.rglob("*.html"), *site.rglob("*.css")]:
        text = file.read_text(encoding="utf-8")
        assert not re.findall(r'(?:src|<link[^>]*href)="?(?:https?:)?//', text), file
        assert "url(" not in text, file


def test_a_home_that_asks_nothing_has_a_site(make_data: Callable[..., Path], tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    make_data(episodes=[{"episode_id": "acme-one"}]).rename(home / "data")
    shutil.copyfile(ROOT / "data" / "priors.toml", home / "data" / "priors.toml")
    (home / "data" / "questions.toml").write_text("", encoding="utf-8")
    edition = gather(Desk(home, today=DAY), quiet)
    place_site(tmp_path / "site", lambda folder: write_site(edition, Home(home / "data"), folder, quiet))
    assert "Nothing is asked yet" in (tmp_path / "site" / "index.html").read_text("utf-8")


def test_one_episode_alone_is_laid_out_with_the_reason(make_data: Callable[..., Path], tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    make_data(episodes=[{"episode_id": "acme-one"}]).rename(home / "data")
    shutil.copyfile(ROOT / "data" / "priors.toml", home / "data" / "priors.toml")
    question = "[[question]]\nid = 'q'\ntext = 'When?'\nunit = 'model'\ntarget = 'any'\nmembers = ['acme-one']\n"
    question += "asked_on = 2024-03-05\nresolution = 'r'\nsource = 'https://example.org/q'\n"
    (home / "data" / "questions.toml").write_text(question, encoding="utf-8")
    edition = gather(Desk(home, today=DAY, cache=tmp_path), quiet)
    place_site(tmp_path / "site", lambda folder: write_site(edition, Home(home / "data"), folder, quiet))
    assert "no opened AI model was known" in (tmp_path / "site" / "questions" / "q.html").read_text("utf-8")
    assert "No question is open" in (tmp_path / "site" / "index.html").read_text("utf-8")


# editions


def filled(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "index.html").write_text(text, encoding="utf-8")
        sha = hashlib.sha256(text.encode()).hexdigest()
        (folder / "manifest.json").write_text(json.dumps({"files": {"index.html": sha}}), encoding="utf-8")

    return write


def test_an_edition_is_never_rewritten_and_latest_points_to_the_newest(tmp_path: Path) -> None:
    first, new = place_edition(tmp_path, DAY, filled("a"))
    assert (first.name, new) == ("2026-11-26", True)
    assert place_edition(tmp_path, DAY, filled("a")) == (first, False)
    second, _ = place_edition(tmp_path, DAY, filled("b"))
    assert second.name == "2026-11-26-2"
    third, _ = place_edition(tmp_path, DAY + dt.timedelta(days=1), filled("b"))
    assert (first / "index.html").read_text("utf-8") == "a"
    assert (tmp_path / "latest").resolve() == third
    assert [e.name for e in editions(tmp_path)] == ["2026-11-26", "2026-11-26-2", "2026-11-27"]
    for n in range(3, 12):
        place_edition(tmp_path, DAY, filled(str(n)))
    assert editions(tmp_path)[-2].name == "2026-11-26-11"


def test_an_edition_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fails(folder: Path) -> None:
        (folder / "index.html").write_text("half", encoding="utf-8")
        raise ForecastError("no")

    with pytest.raises(ForecastError, match="no"):
        place_edition(tmp_path / "reports", DAY, fails)
    assert list((tmp_path / "reports").iterdir()) == []
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    with pytest.raises(ForecastError, match="is not empty"):
        place_site(tmp_path / "full", filled("a"))
    with pytest.raises(ForecastError, match="cannot write"):
        place_site(Path("/proc/site"), filled("a"))


def test_a_changed_file_of_an_edition_is_named(tmp_path: Path) -> None:
    folder, _ = place_edition(tmp_path, DAY, filled("a"))
    (folder / "index.html").write_text("b", encoding="utf-8")
    (folder / "more.html").write_text("b", encoding="utf-8")
    assert [fault.split(": ")[1] for fault in faults(folder)] == ["was changed", "is new"]
    (folder / "index.html").unlink()
    assert "is missing" in faults(folder)[0]


def test_editions_that_were_published_are_as_their_manifests_say() -> None:
    published = editions(ROOT / "reports")
    assert published
    assert [fault for folder in published for fault in faults(folder)] == []
    assert (ROOT / "reports" / "latest").resolve() == published[-1]


# pieces


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0, "0.0 %"), (0.0004, "< 0.1 %"), (0.0834, "8.3 %"), (0.9999, "> 99.9 %"), (1.0, "100.0 %")],
)
def test_a_probability_never_claims_more_than_it_says(p: float, text: str) -> None:
    assert percent(p) == text
    assert points(-0.0345) == "-3.5"


def test_a_table_keeps_full_numbers_under_rounded_ones() -> None:
    frame = pd.DataFrame({"name": ["a", None], "p": [1 / 3, float("nan")], "day": pd.to_datetime(["2026-01-02", None])})
    laid = shown(frame, {"name": "who", "p": "P", "day": "day"}, {"p": percent})
    assert laid.columns == ["who", "P", "day"]
    assert [(c.text, c.value) for c in laid.cells[0]] == [
        ("a", "a"),
        ("33.3 %", repr(1 / 3)),
        ("2026-01-02", "2026-01-02"),
    ]
    assert [(c.text, c.value) for c in laid.cells[1]] == [("", None), ("-", None), ("", None)]


def test_a_file_name_is_plain_short_and_its_own() -> None:
    assert file_name("meta-muse-wonder-1.0") == "meta-muse-wonder-1.0"
    long, other = file_name("x" * 300), file_name("x" * 299)
    assert len(long) < 80
    assert long != other
    assert "/" not in file_name("../../etc/passwd")
    assert not file_name("../x").startswith(".")


def test_a_notebook_becomes_text_tables_and_pictures() -> None:
    notebook = read_notebook(ROOT / "notebooks" / "01_meta.ipynb")
    assert (notebook.title, notebook.as_of) == ('Meta\'s "eventually"', "2026-11-25")
    kinds = [piece.kind for piece in notebook.pieces]
    assert kinds.count("picture") == 2
    assert kinds.count("table") >= 5
    assert all(piece.about for piece in notebook.pieces if piece.kind == "picture")


def test_what_is_no_notebook_is_one_clear_line(tmp_path: Path) -> None:
    for text in ("", "[]", '{"nbformat": 4, "cells": 3}', "\x00"):
        (tmp_path / "x.ipynb").write_text(text, encoding="utf-8")
        with pytest.raises(ForecastError, match=r"x.ipynb: cannot be read as a notebook"):
            read_notebook(tmp_path / "x.ipynb")


def test_a_picture_follows_the_scheme_and_is_the_same_each_time() -> None:
    rows = pd.DataFrame({"day": pd.to_datetime(["2026-01-01", "2026-02-01"])})
    rows = rows.assign(weeks=[0.1, 0.0], months=[0.2, 0.2], years=[0.1, 0.1], never=[0.6, 0.7])
    one, two = (themed(svg_of(plot_history(rows, new_axes(5.0, 3.0)))) for _ in range(2))
    assert one == two
    assert (one.width, one.height) == (480, 288)
    assert not [day for day, _ in COLOURS.values() if day in one.svg.split("</style>", 1)[1].lower()]
    assert "prefers-color-scheme:dark" in one.svg
    assert "var(--blue)" in one.svg


def test_labels_are_moved_apart() -> None:
    assert spread([0.5, 0.51, 0.0], 0.1) == pytest.approx([0.5, 0.6, 0.0])


def test_colours_are_told_apart_by_everybody() -> None:
    with warnings.catch_warnings():
        # its docstrings hold escapes that Python no longer knows: said once, when it is compiled
        warnings.simplefilter("ignore", SyntaxWarning)
        from colorspacious import cspace_convert, deltaE

    def rgb(code: str) -> Any:
        return np.array([int(code[k : k + 2], 16) / 255 for k in (1, 3, 5)])

    kinds = [None, "deuteranomaly", "protanomaly", "tritanomaly"]
    for night in (0, 1):
        words = [COLOURS[name][night] for name in ("weeks", "blue", "years", "never")]
        for kind in kinds:
            space = {"name": "sRGB1+CVD", "cvd_type": kind, "severity": 100} if kind else "sRGB1"
            seen = [np.clip(cspace_convert(rgb(w), space, "sRGB1"), 0, 1) for w in words]
            apart = [deltaE(a, b, input_space="sRGB1") for n, a in enumerate(seen) for b in seen[:n]]
            assert min(apart) > 15, (night, kind, apart)


def test_the_stylesheet_has_the_colours_of_the_pictures() -> None:
    text = (ROOT / "forecast" / "pages" / "assets" / "site.css").read_text(encoding="utf-8")
    day, night = re.findall(r":root \{([^}]*--paper[^}]*)\}", text)
    for name, codes in COLOURS.items():
        if name in ("paper", "blue", "weeks", "years", "never"):
            assert f"--{name}: {codes[0]}" in day
            assert f"--{name}: {codes[1]}" in night


def test_the_backtest_is_shown_as_it_stands(site: Path) -> None:
    skill = skill_of(Home(ROOT / "data"))
    assert list(skill.score_name) == ["brier_30", "brier_90", "brier_180", "brier_365"]
    with (site / "data" / "backtest-skill.csv").open(encoding="utf-8") as file:
        assert [float(row["skill"]) for row in csv.DictReader(file)] == pytest.approx(list(skill.skill))


def test_a_question_has_a_history_once_it_was_recorded_twice(unfitted: None, real_home: Path, tmp_path: Path) -> None:
    shutil.copytree(real_home, tmp_path / "home", ignore=shutil.ignore_patterns("ledger", "notebooks"))
    for day in (DAY - dt.timedelta(days=1), DAY):
        record_forecasts(Desk(tmp_path / "home", today=day), ["meta-muse-wonder-1.0"], day)
    edition = gather(Desk(tmp_path / "home", today=DAY), quiet)
    leaf = next(leaf for leaf in edition.leaves if leaf.question.id == "meta-muse-wonder-1.0")
    assert list(leaf.history.made_on) == ["2026-11-25", "2026-11-26"]
    assert list(edition.changed.question) == ["meta-muse-wonder-1.0"]
