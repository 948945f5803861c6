"""The site in a real browser: what a reader sees, clicks, hovers, prints."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from forecast.pages.html import percent
from forecast.record.answers import Desk

ROOT = Path(__file__).resolve().parents[2]
DAY = dt.date(2026, 11, 26)
KINDS = ["index.html", "questions/muse-any.html", "questions/meta-muse-wonder-1.0.html", "data.html"]
KINDS += ["notebooks/02_model.html", "notebooks/04_update.html"]
pytestmark = pytest.mark.slow
PHONE = {"viewport": {"width": 360, "height": 740}}


def all_pages(site: Path) -> list[str]:
    return sorted(file.relative_to(site).as_posix() for file in site.rglob("*.html"))


def test_every_page_loads_without_complaint_or_outside_request(site: Path, page_at: Callable[..., Any]) -> None:
    pages = all_pages(site)
    assert len(pages) >= 10
    page = page_at("index.html")
    for name in pages:
        assert page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + "/" + name).ok
        assert page.locator("h1").count() == 1, name
    assert page.complaints == []


@pytest.mark.parametrize("name", KINDS)
def test_a_page_opens_from_disk(name: str, site: Path, page_at: Callable[..., Any]) -> None:
    page = page_at(name, at=site.as_uri())
    assert page.complaints == []
    assert page.locator("figure[data-table] .chart canvas").count() == page.locator("figure[data-table]").count()


def test_every_link_inside_the_site_leads_somewhere(site: Path, page_at: Callable[..., Any]) -> None:
    page = page_at("index.html")
    broken = []
    for name in all_pages(site):
        text = (site / name).read_text(encoding="utf-8")
        for target in re.findall(r'(?:href|src)="([^"#]+)', text):
            if not target.startswith("http") and not ((site / name).parent / target).is_file():
                broken.append((name, target))
    assert broken == []
    page.get_by_role("link", name="How this answer came about").click()
    assert page.url.endswith("/questions/muse-any.html")


def column(page: Any, number: int) -> list[float]:
    cells = page.locator(f"#league tbody tr:visible td:nth-child({number})")
    return [float(cell.get_attribute("data-v")) for cell in cells.all()]


def test_the_table_sorts_by_mouse_and_by_keyboard(page_at: Callable[..., Any]) -> None:
    page = page_at("index.html")
    head = page.locator("#league thead th").nth(5)
    page.locator("#league thead th").nth(0).get_by_role("button").click()
    head.get_by_role("button").click()
    assert column(page, 6) == sorted(column(page, 6))
    assert head.get_attribute("aria-sort") == "ascending"
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert column(page, 6) == sorted(column(page, 6), reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert column(page, 5) == sorted(column(page, 5))
    assert head.get_attribute("aria-sort") is None


def test_the_table_is_searched(page_at: Callable[..., Any]) -> None:
    page = page_at("index.html")
    rows = page.locator("#league tbody tr")
    all_rows = rows.count()
    page.get_by_label("Search").fill("muse META")
    shown = [row.inner_text().lower() for row in rows.all() if row.is_visible()]
    assert 0 < len(shown) < all_rows
    assert all("muse" in text and "meta" in text for text in shown)
    assert page.locator(".find output").inner_text() == f"{len(shown)} of {all_rows} shown"
    page.get_by_label("Search").fill("no such thing")
    assert page.locator("#league tbody tr:visible").count() == 0
    page.get_by_label("Search").fill("")
    assert page.locator("#league tbody tr:visible").count() == all_rows


def test_hover_reads_what_predict_says(
    unfitted: None, run: Callable[..., Any], real_home: Path, page_at: Callable[..., Any]
) -> None:
    name = "meta-muse-wonder-1.0"
    ran = run("predict", name, "--as-of", DAY, "--home", real_home, "--json")
    within = json.loads(ran.out)["p_open_within"]
    page = page_at(f"questions/{name}.html")
    said, chart = page.locator("figure[data-table] output"), page.locator(".u-over")
    box = chart.bounding_box()
    for x in range(int(box["width"])):  # every pixel is somebody's day
        page.mouse.move(box["x"] + x, box["y"] + 20)
        if said.get_attribute("data-day") == "730":
            break
    assert said.inner_text().startswith(f"2028-11-25, day 730: P(open) {100 * within['730']:.1f} %")
    page.locator(".chart").focus()
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("PageDown")
    assert said.get_attribute("data-day") == "90"
    assert float(said.get_attribute("data-p")) == pytest.approx(within["90"], abs=1e-12)
    assert f"P(open) {100 * within['90']:.1f} %" in said.inner_text()
    page.keyboard.press("ArrowRight")
    assert said.get_attribute("data-day") == "97"


def test_the_page_says_what_predict_says(unfitted: None, real_home: Path, page_at: Callable[..., Any]) -> None:
    forecast = Desk(real_home, today=DAY).answer("meta-muse-ember-1.0").forecast
    lead = page_at("questions/meta-muse-ember-1.0.html").locator(".lead").inner_text()
    assert f"Within 90 days it is opened with {percent(float(forecast.prob_by(90)))}" in lead


def test_night_and_day_look_different(page_at: Callable[..., Any]) -> None:
    colours = {}
    for scheme in ("light", "dark"):
        page = page_at("index.html", color_scheme=scheme)
        colours[scheme] = page.evaluate(
            "[document.body, document.querySelector('a')].map(e => getComputedStyle(e))"
            ".map((s, n) => n ? s.color : s.backgroundColor)"
        )
    assert colours["light"] == ["rgb(255, 255, 255)", "rgb(0, 91, 143)"]
    assert colours["dark"] == ["rgb(20, 22, 26)", "rgb(124, 196, 238)"]


def test_a_phone_needs_no_sideways_scroll(site: Path, page_at: Callable[..., Any]) -> None:
    page = page_at("index.html", **PHONE)
    base = page.url.removesuffix("index.html")
    wide = {}
    for name in all_pages(site):
        page.goto(base + name)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 360:
            wide[name] = width
    assert wide == {}


def test_print_shows_the_picture_and_no_controls(page_at: Callable[..., Any]) -> None:
    page = page_at("questions/muse-any.html")
    picture, chart = page.locator("figure[data-table] img"), page.locator(".chart")
    assert (picture.is_visible(), chart.is_visible()) == (False, True)
    page.emulate_media(media="print")
    assert (picture.is_visible(), chart.is_visible()) == (True, False)
    assert not page.locator("nav").is_visible()
    assert page.pdf().startswith(b"%PDF")


def test_without_scripts_the_picture_and_the_table_are_there(page_at: Callable[..., Any]) -> None:
    page = page_at("index.html", java_script_enabled=False)
    assert page.locator("figure[data-table] img").is_visible()
    assert page.locator("#league tbody tr:visible").count() > 3
    assert not page.locator(".find").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", KINDS)
def test_nothing_serious_stands_in_the_way_of_a_screen_reader(
    name: str, scheme: str, page_at: Callable[..., Any]
) -> None:
    page = page_at(name, color_scheme=scheme)
    found = Axe().run(page).response["violations"]
    serious = [f"{v['id']}: {v['nodes'][0]['html'][:150]}" for v in found if v["impact"] in ("serious", "critical")]
    assert serious == []


def test_pictures_have_words_and_a_message(site: Path, page_at: Callable[..., Any]) -> None:
    page = page_at("index.html")
    base = page.url.removesuffix("index.html")
    for name in KINDS:
        page.goto(base + name)
        for figure in page.locator("figure").all():
            assert figure.locator("img").get_attribute("alt")
            assert len(figure.locator("figcaption").inner_text()) > 10


def test_the_policy_stops_a_script_in_the_page(page_at: Callable[..., Any]) -> None:
    page = page_at("index.html")
    inline = "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
    page.evaluate(f"() => {{ {inline} }}")
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for text in page.complaints)


def test_screenshots_are_kept_to_look_at(page_at: Callable[..., Any]) -> None:
    folder = ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    for scheme, settings in (("light", {"viewport": {"width": 1200, "height": 900}}), ("dark", PHONE)):
        for name in KINDS:
            page = page_at(name, color_scheme=scheme, **settings)
            file = folder / f"{name.replace('/', '-').removesuffix('.html')}-{scheme}.png"
            page.screenshot(path=file, full_page=True)
            assert file.stat().st_size > 10_000


def test_a_page_of_hostile_words_runs_nothing(
    hostile_site: Path, served: Callable[[Path], str], page_at: Callable[..., Any]
) -> None:
    at = served(hostile_site)
    for width in (1200, 360):
        page = page_at("index.html", at=at, viewport={"width": width, "height": 800})
        for name in all_pages(hostile_site):
            page.goto(f"{at}/{name}")
            assert page.evaluate("window.hurt") is None
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.complaints == []
