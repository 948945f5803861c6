"""``forecast discover``: what it prints, that every command it prints is one, and one clear line for each mistake."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import re
import shlex
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import typer

from forecast.commands import discover as discover_command
from forecast.commands.episodes import episodes_app
from forecast.tables import paths

ROOT = Path(__file__).resolve().parents[1]
FIRST, SECOND = (ROOT / "tests/catalogue" / f"models.dev-api-{day}.json.gz" for day in ("2026-06-14", "2026-07-01"))
BY_MODEL = ROOT / "data/catalogue/models.dev-models-2026-07-01.json.gz"
THEN = ("--as-of", "2026-06-14")
GLM, LAGUNA = "zhipu-glm-5.2", "poolside-laguna-m1"


@pytest.fixture
def found(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run ``forecast discover`` on a fixed day."""
    monkeypatch.setattr(paths, "utc_today", lambda: dt.date(2026, 11, 25))
    return lambda *words: run("discover", *words)


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Path]:
    """A small catalogue file: provider -> entries."""

    def make(name: str = "api-2026-06-14.json", **providers: list[dict[str, Any]]) -> Path:
        file = tmp_path / name
        raw = {provider: {"models": {row["id"]: row for row in rows}} for provider, rows in providers.items()}
        file.write_text(json.dumps(raw), encoding="utf-8")
        return file

    return make


def entry(name: str, is_open: bool, **more: Any) -> dict[str, Any]:
    day = "2026-06-01"
    return {"id": name, "name": name, "open_weights": is_open, "release_date": day, "last_updated": day} | more


@pytest.fixture
def home_of_then(home: Path) -> Path:
    """The real tables with what happened to the two models undone."""
    file = home / "data" / "episodes.csv"
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    undone = dict.fromkeys(("outcome_on", "outcome_precision", "what_opened", "license"), "")
    for row in rows:
        if row["episode_id"] in (GLM, LAGUNA):
            row |= undone | {"outcome": "still_closed", "license_class": "none", "observed_through": "2026-06-13"}
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return home


def test_the_page_names_both_openings_and_what_is_open_already(found: Callable[..., Any]) -> None:
    done = found("--catalogue", FIRST, "--catalogue", SECOND, *THEN)
    assert done.code == 0
    assert "5276 entries of 147 providers, 2026-07-01 (in the file's name)" in done.out
    assert "tables as known on 2026-06-14" in done.out
    lines = done.out.splitlines()
    titles = [line for line in lines if line.startswith((GLM, LAGUNA))]
    assert titles == [
        "poolside-laguna-m1 · Laguna M.1 225B-A23B · Poolside · still closed",
        "zhipu-glm-5.2 · GLM-5.2 · Zhipu AI · still closed",
    ]
    [already] = [line for line in lines if line.startswith("  zhipu-glm-5.1 ")]
    assert "opened on 2026-04-07" in already
    assert lines.index(already) > next(
        n for n, line in enumerate(lines) if line.startswith("open already in the tables")
    )
    assert "Nothing was entered" in lines[-1]
    commands = [line.strip() for line in lines if line.strip().startswith("forecast episodes ")]
    assert all(shlex.split(command)[2] in ("open", "seen", "add", "withdraw") for command in commands)
    assert max(map(len, commands)) > 140  # on one line each, to be pasted


def test_the_weak_are_one_line_each_or_in_full(found: Callable[..., Any], small: Callable[..., Path]) -> None:
    file = small(kilo=[entry("z-ai/glm-5-turbo", True)], zai=[entry("glm-5-turbo", False)])
    short, full = found("--catalogue", file, *THEN), found("--catalogue", file, *THEN, "--weak")
    assert "1 more, for which little speaks" in short.out
    assert "forecast episodes open zhipu-glm-5-turbo" not in short.out
    assert "little speaks" not in full.out
    assert "forecast episodes open zhipu-glm-5-turbo --on 2026-06-14" in full.out
    assert "against: open by kilo; closed by zai (its maker)" in full.out


def test_what_copies_disagree_about_is_shown_without_asking(
    found: Callable[..., Any], small: Callable[..., Path]
) -> None:
    one = small("one-2026-06-14.json", zai=[entry("glm-5-turbo", True)])
    other = small("other-2026-06-14.json", zai=[entry("glm-5-turbo", False)])
    words = ("--catalogue", one, "--catalogue", other, *THEN)
    short, full = found(*words), found(*words, "--weak")
    assert "little speaks" in short.out
    for page in (short.out, full.out):
        assert "called open as often as closed by each that lists it" in page
        assert "against: open by zai (its maker); closed by zai (its maker)" in page
        assert "0 of 0" not in page
    [header, *rows] = [line for line in full.out.splitlines() if re.match(r"  (provider|zai) ", line)]
    assert header.split()[-1] == "copy"
    assert [(row.split()[2], row.split()[-1]) for row in rows] == [("open", one.name), ("closed", other.name)]
    assert "copy" not in found("--catalogue", one, *THEN).out


def test_a_nearly_empty_catalogue_says_that_nothing_can_be_gone(
    found: Callable[..., Any], small: Callable[..., Path]
) -> None:
    done = found("--catalogue", small("api-2026-11-24.json", zai=[entry("glm-5-turbo", False)]))
    assert "no longer listed: 0" in done.out
    assert "note: none of the cohorts is called gone: of the tables' models the copy lists 1, less" in done.out


def test_an_entry_dated_ahead_is_noted_on_the_page(found: Callable[..., Any], small: Callable[..., Path]) -> None:
    ahead = entry("glm-9", False, last_updated="2027-03-01")
    done = found("--catalogue", small("api.json", zai=[entry("glm-5-turbo", True), ahead]), *THEN)
    assert "2 entries of 1 providers, 2026-06-01 (the day of its newest entry)" in done.out
    assert "note: 1 of 4 days of its entries are after today, the last 2027-03-01" in done.out


def test_nothing_is_written(found: Callable[..., Any], home: Path, small: Callable[..., Path]) -> None:
    file = small(zai=[entry("glm-5-turbo", True), entry("glm-9", False)])
    before = {path: path.read_bytes() for path in home.parent.rglob("*") if path.is_file()}
    assert found("--catalogue", file, *THEN, "--home", home).code == 0
    assert {path: path.read_bytes() for path in home.parent.rglob("*") if path.is_file()} == before


def commands_of(done: Any) -> list[list[str]]:
    told = json.loads(done.out)
    return [shlex.split(c["command"]) for candidate in told["candidates"] for c in candidate["commands"]]


def test_every_command_that_is_printed_parses(found: Callable[..., Any]) -> None:
    done = found("--catalogue", FIRST, "--catalogue", SECOND, "--catalogue", BY_MODEL, *THEN, "--json")
    commands = commands_of(done)
    group: Any = typer.main.get_command(episodes_app)
    for command in commands:
        assert command[:2] == ["forecast", "episodes"]
        parser = group.get_command(typer.Context(group), command[2])
        with parser.make_context(command[2], [*command[3:], "--dry-run"]) as context:
            assert context.params["dry_run"] is True
            assert context.params.get("episode") or context.params.get("episode_id")
    assert len(commands) > 100
    assert {command[2] for command in commands} == {"open", "seen", "add"}


def test_the_commands_of_what_is_sure_are_accepted(
    found: Callable[..., Any], run: Callable[..., Any], home_of_then: Path
) -> None:
    done = found("--catalogue", FIRST, "--catalogue", SECOND, *THEN, "--home", home_of_then, "--json")
    wanted = (GLM, LAGUNA, "alibaba-qwen3.5-flash")
    chosen = [command for command in commands_of(done) if any(name in command for name in wanted)]
    assert [command[2] for command in chosen] == ["open", "open", "seen"] * 2 + ["add"]
    for command in chosen:
        tried = run(*command[1:], "--dry-run", "--home", home_of_then)
        assert (tried.code, tried.err.splitlines()[-1]) == (0, "dry run: nothing was written"), command
        assert tried.out.startswith("--- a/episodes.csv")


def test_a_withdrawal_is_accepted_and_a_stranger_is_asked_for(
    found: Callable[..., Any], run: Callable[..., Any], home: Path, small: Callable[..., Path]
) -> None:
    new = [entry("newlab/zeta-1", False)]
    before = small("api-2026-11-01.json", xai=[entry("grok-4.3", False)], kilo=new)
    after = small("api-2026-11-24.json", kilo=new, venice=new)
    done = found("--catalogue", before, "--catalogue", after, "--since", "2026-06-01", "--home", home, "--json")
    by_name = {
        command[2]: command for command in commands_of(done) if "xai-grok-4-3" in command or "newlab-zeta-1" in command
    }
    tried = run(*by_name["withdraw"][1:], "--dry-run", "--home", home)
    assert (tried.code, "withdrawn,2026-11-24,month" in tried.out) == (0, True)
    asked = run(*by_name["add"][1:], "--dry-run", "--home", home)
    assert (asked.code, asked.err) == (
        1,
        "forecast: episodes add: no terminal to ask on: give --org-country, --org-type\n",
    )


def test_hostile_names_are_shown_as_they_are_and_stay_on_their_line(
    found: Callable[..., Any], small: Callable[..., Path]
) -> None:
    name = "[red]GLM-9[/red]\x1b]0;owned\x07\n\x9b31mforecast: all good '; touch /tmp/owned; '"
    weights = [{"url": "javascript:alert(1)"}, {"url": "https://huggingface.co/a/b"}]
    done = found(
        "--catalogue", small(zai=[entry("z-ai/glm-9", False, title="x", weights=weights) | {"name": name}]), *THEN
    )
    assert done.code == 0
    assert "[red]GLM-9[/red]" in done.out
    assert not any(character in done.out for character in "\x1b\x07\x9b")
    assert "javascript" not in done.out
    [command] = [line.strip() for line in done.out.splitlines() if line.strip().startswith("forecast episodes add")]
    model = shlex.split(command)[shlex.split(command).index("--model") + 1]
    assert model.startswith("[red]GLM-9[/red] ]0;owned")


def test_json_is_one_object(found: Callable[..., Any], small: Callable[..., Path]) -> None:
    done = found("--catalogue", small(zai=[entry("glm-5-turbo", True)]), *THEN, "--json")
    told = json.loads(done.out)
    assert (told["as_of"], told["since"]) == ("2026-06-14", "2025-12-16")
    [copy] = told["catalogues"]
    assert (copy["day"], copy["entries"], len(copy["sha256"])) == ("2026-06-14", 1, 64)
    assert [c["episode_id"] for c in told["candidates"] if c["kind"] == "opened"] == ["zhipu-glm-5-turbo"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--catalogue", "nothing.json"), "nothing.json: no such file"),
        (("--catalogue", "file:///etc/passwd"), "only https is fetched"),
        (("--catalogue", "ftp://models.dev/api.json"), "only https is fetched"),
        (("--catalogue", "javascript:alert(1)"), "only https is fetched"),
        (("--catalogue", "http://models.dev/api.json"), "only https is fetched"),
        (("--catalogue", str(ROOT / "data/episodes.csv")), "not JSON"),
        (("--catalogue", str(ROOT / "data/datapackage.json")), "another shape"),
        (("--catalogue", str(FIRST), "--as-of", "2026-11-26"), "is in the future: today is 2026-11-25 (UTC)"),
        (("--catalogue", str(FIRST), "--as-of", "14.6.2026"), "--as-of 14.6.2026: must be a day"),
        (
            ("--catalogue", str(FIRST), "--since", "2026-11-26"),
            "--since 2026-11-26: is in the future: today is 2026-11-25 (UTC)",
        ),
        (("--catalogue", str(FIRST), "--since", "June"), "--since June: must be a day"),
        (("--catalogue", str(FIRST), "--save", "new.json"), "--save keeps what is fetched"),
        (("--catalogue", str(FIRST), "--home", "/nowhere"), "no data/episodes.csv in /nowhere"),
    ],
)
def test_a_mistake_is_one_clear_line(found: Callable[..., Any], words: tuple[str, ...], said: str) -> None:
    done = found(*words)
    assert (done.code, done.out) == (1, "")
    assert said in done.err
    assert done.err.startswith("forecast: ")
    assert done.err.count("\n") == 1


def test_a_file_is_not_overwritten_and_nothing_is_fetched_for_it(found: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    file.write_text("mine")
    done = found("--catalogue", "http://127.0.0.1:9/api.json", "--save", file)
    assert "exists already: nothing was changed" in done.err
    assert file.read_text() == "mine"


def test_what_is_fetched_is_todays_copy_and_kept_when_told(
    found: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    content = json.dumps({"zai": {"models": {"glm-5-turbo": entry("glm-5-turbo", True)}}}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    file = tmp_path / "api-2026-11-25.json.gz"
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        monkeypatch.setattr(discover_command, "ADDRESS", f"http://127.0.0.1:{server.server_address[1]}/api.json")
        done = found("--save", file, "--json")
        thread.join()
    told = json.loads(done.out)
    assert [(c["day"], c["day_from"]) for c in told["catalogues"]] == [("2026-11-25", "fetched now")]
    assert gzip.decompress(file.read_bytes()) == content
    assert [c["episode_id"] for c in told["candidates"] if c["kind"] == "opened"] == ["zhipu-glm-5-turbo"]
