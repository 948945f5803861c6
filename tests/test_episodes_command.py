"""``forecast episodes``: one line of one table a fact, a check that stays green, one clear line for each mistake."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from forecast.commands import add as add_command
from forecast.commands import episodes_options
from forecast.tables import paths, replace
from forecast.tables.paths import Home
from forecast.tables.schema import Episode, Promise

WONDER, EMBER, PART, OPENED, LEAKED = (
    "meta-muse-wonder-1.0",
    "meta-muse-ember-1.0",
    "meta-muse-spark-1.0",
    "meta-muse-spark-1.2",
    "google-gemini-nano",
)
URL = "https://example.org/news?id=1"
OPEN_WONDER = ["open", WONDER, "--on", "2026-11-20", "--source", URL]
ADD = {
    "--id": "acme-one",
    "--model": 'Acme "One", large',
    "--family": "acme",
    "--org": "Acme",
    "--org-country": "FR",
    "--org-type": "startup",
    "--modality": "text",
    "--closed-on": "2026-10-26",
    "--how": "api",
    "--source": URL,
    "--confidence": "high",
}

Files = dict[str, bytes]


@pytest.fixture
def project(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the real data, on a fixed day."""
    monkeypatch.setattr(paths, "utc_today", lambda: dt.date(2026, 11, 26))
    return home


@pytest.fixture
def enter(run: Callable[..., Any], project: Path) -> Callable[..., Any]:
    """Run ``forecast episodes`` on the project."""
    return lambda *words: run("episodes", *words, "--home", project)


def files(home: Path) -> Files:
    """Every file of the data folder."""
    return {file.name: file.read_bytes() for file in (home / "data").iterdir() if file.is_file()}


def changed(before: Files, after: Files) -> dict[str, tuple[list[bytes], list[bytes]]]:
    """Lines that went and lines that came, by file; all other bytes are the same."""
    assert before.keys() == after.keys()
    out = {}
    for name in before:
        old, new = before[name].split(b"\n"), after[name].split(b"\n")
        if old == new:
            continue
        head = next(n for n in range(len(old) + 1) if old[: n + 1] != new[: n + 1])
        tail = next(
            n for n in range(min(len(old), len(new)) - head + 1) if old[len(old) - n - 1 :] != new[len(new) - n - 1 :]
        )
        out[name] = (old[head : len(old) - tail], new[head : len(new) - tail])
    return out


def cells(home: Path, name: str, file: str = "episodes.csv", column: str = "episode_id") -> list[dict[str, str]]:
    """Rows of a table about something, as the csv module reads them."""
    text = (home / "data" / file).read_text(encoding="utf-8-sig", newline="")
    return [row for row in csv.DictReader(io.StringIO(text, newline="")) if row[column] == name]


def good(run: Callable[..., Any], home: Path, ran: Any) -> None:
    """A command that did its work, after which ``forecast check`` finds nothing."""
    assert ran.code == 0, ran.err
    assert run("check", "--home", home).out.endswith("no problems\n")


def refused(ran: Any, line: str) -> None:
    assert (ran.code, ran.out) == (1, ""), ran.out
    assert line in ran.err
    assert ran.err.count("\n") == 1


# --- What news changes -------------------------------------------------------------------------------------------


def test_an_opening_changes_one_line_and_no_other_byte(
    run: Callable[..., Any], enter: Callable[..., Any], project: Path
) -> None:
    before, [row] = files(project), cells(project, WONDER)
    ran = enter(*OPEN_WONDER)
    good(run, project, ran)
    [(old, new)] = changed(before, files(project)).values()
    assert (len(old), len(new)) == (1, 1)
    assert old[0].startswith(WONDER.encode())
    assert cells(project, WONDER) == [
        row
        | {"outcome": "opened", "outcome_on": "2026-11-20", "outcome_precision": "day", "license_class": "none"}
        | {"outcome_source_url": URL, "observed_through": "2026-11-20", "what_opened": row["model"]}
    ]
    assert ran.out.splitlines() == [
        f"one line changed in {project / 'data' / 'episodes.csv'}",
        "next: forecast codebook",
    ]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--license", "Apache-2.0"], {"license": "Apache-2.0", "license_class": "osi"}),
        (["--license", "osi"], {"license": "", "license_class": "osi"}),
        (
            ["--license", "Own, 1.0", "--license-class", "non_commercial"],
            {"license": "Own, 1.0", "license_class": "non_commercial"},
        ),
        (["--what", 'the "30B", cut'], {"what_opened": 'the "30B", cut', "license": "", "license_class": "none"}),
        (["--precision", "month"], {"outcome_precision": "month"}),
        (["--part"], {"outcome": "opened_partial", "what_opened": "an open version of Muse Wonder 1.0"}),
    ],
)
def test_an_opening_says_what_is_given(
    run: Callable[..., Any], enter: Callable[..., Any], project: Path, words: list[str], wanted: dict[str, str]
) -> None:
    before = files(project)
    good(run, project, enter(*OPEN_WONDER, *words))
    [(old, new)] = changed(before, files(project)).values()
    assert (len(old), len(new)) == (1, 1)
    [row] = cells(project, WONDER)
    assert row | wanted == row


def test_evidence_that_is_later_than_an_opening_stays(enter: Callable[..., Any], project: Path) -> None:
    enter("open", "openai-gpt-5", "--on", "2026-01-02", "--source", URL)
    before = csv.DictReader(io.StringIO((paths.packaged_data() / "episodes.csv").read_text(encoding="utf-8")))
    [seen] = [row["observed_through"] for row in before if row["episode_id"] == "openai-gpt-5"]
    [row] = cells(project, "openai-gpt-5")
    assert seen > "2026-01-02"
    assert (row["outcome_on"], row["observed_through"]) == ("2026-01-02", seen)


def test_an_opening_in_full_keeps_the_one_in_part_and_close_brings_it_back(
    run: Callable[..., Any], enter: Callable[..., Any], project: Path
) -> None:
    before, [part] = files(project), cells(project, PART)
    ran = enter("open", PART, "--on", "2026-11-20", "--source", URL)
    good(run, project, ran)
    assert "its opening in part of 2026-08-10 moves to earlier_openings.csv" in ran.out
    found = changed(before, files(project))
    assert {name: (len(old), len(new)) for name, (old, new) in found.items()} == {
        "earlier_openings.csv": (0, 1),
        "episodes.csv": (1, 1),
    }
    [kept], [row] = cells(project, PART, "earlier_openings.csv"), cells(project, PART)
    assert list(kept.values()) == [
        PART,
        *(part[column] for column in ("outcome_on", "outcome_precision", "what_opened", "outcome_source_url")),
    ]
    assert (row["outcome"], row["outcome_on"]) == ("opened", "2026-11-20")
    assert row["notes"] == part["notes"] + " Opened in part on 2026-08-10 under Apache-2.0 (osi)."

    middle = files(project)
    good(run, project, enter("close", PART, "--on", "2026-11-25", "--source", URL, "--reason", "of another model."))
    found = changed(middle, files(project))
    assert {name: (len(old), len(new)) for name, (old, new) in found.items()} == {
        "earlier_openings.csv": (1, 0),
        "episodes.csv": (1, 1),
    }
    assert files(project)["earlier_openings.csv"] == before["earlier_openings.csv"]
    [back] = cells(project, PART)
    for column in ("outcome", "outcome_on", "outcome_precision", "what_opened", "outcome_source_url"):
        assert back[column] == part[column]
    assert back["notes"] == row["notes"] + f" Was coded opened on 2026-11-20, wrongly: of another model ({URL})."


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (
            ["withdraw", WONDER, "--on", "2026-11-20"],
            {"outcome": "withdrawn", "outcome_on": "2026-11-20", "what_opened": "", "observed_through": "2026-11-20"},
        ),
        (
            ["leak", WONDER, "--on", "2026-11-20", "--what", "a torrent"],
            {"outcome": "leaked", "what_opened": "a torrent", "license_class": "none", "outcome_precision": "day"},
        ),
        (
            ["seen", WONDER, "--on", "2026-11-26"],
            {"outcome": "still_closed", "observed_through": "2026-11-26", "outcome_source_url": URL},
        ),
        (
            ["close", OPENED, "--on", "2026-10-15", "--reason", "it is another model"],
            {"outcome": "still_closed", "outcome_on": "", "license": "", "observed_through": "2026-10-15"},
        ),
        (["open", LEAKED, "--on", "2026-11-20"], {"outcome": "opened", "outcome_on": "2026-11-20"}),
    ],
    ids=["withdraw", "leak", "seen", "close", "open-leaked"],
)
def test_other_news_is_one_line_too(
    run: Callable[..., Any], enter: Callable[..., Any], project: Path, words: list[str], wanted: dict[str, str]
) -> None:
    before = files(project)
    good(run, project, enter(*words, "--source", URL))
    found = changed(before, files(project))
    assert {name: (len(old), len(new)) for name, (old, new) in found.items()} == {"episodes.csv": (1, 1)}
    [row] = cells(project, words[1])
    assert row | wanted == row
    assert URL in (row["outcome_source_url"], row["notes"])


@pytest.mark.parametrize(
    ("words", "files_changed", "wanted"),
    [
        (
            [WONDER, "--kind", "dated", "--due", "2027-03-31", "--due-from", "2027-01-01", "--words", 'in "Q1", 2027'],
            {"promises.csv": (0, 1), "episodes.csv": (1, 1)},
            {"promise": "dated", "promised_on": "2026-11-12", "promised_by": "2027-03-31"},
        ),
        (
            [WONDER, "--kind", "refused", "--known-on", "2026-11-14"],
            {"promises.csv": (0, 1)},
            {"promise": "none", "promised_on": ""},
        ),
        (["meta-llama-4-behemoth", "--kind", "vague"], {"promises.csv": (0, 1)}, {"promised_on": "2025-04-05"}),
        (["meta-llama-4-behemoth", "--kind", "delayed", "--due", "2027-01-01"], {"promises.csv": (0, 1)}, {}),
        (["meta-muse", "--kind", "vague"], {"promises.csv": (0, 1)}, {}),
    ],
    ids=["dated", "refused", "vague-again", "delayed", "family"],
)
def test_a_promise_is_one_line_and_one_more_where_the_row_would_deny_it(
    run: Callable[..., Any],
    enter: Callable[..., Any],
    project: Path,
    words: list[str],
    files_changed: dict[str, tuple[int, int]],
    wanted: dict[str, str],
) -> None:
    before = files(project)
    good(run, project, enter("promise", *words, "--on", "2026-11-12", "--source", URL))
    found = changed(before, files(project))
    assert {name: (len(old), len(new)) for name, (old, new) in found.items()} == files_changed
    said = cells(project, words[0], "promises.csv", "about")[-1]  # behind all others about it
    given = dict(zip(words[1::2], words[2::2], strict=True))
    assert said == {
        "about": words[0],
        "said_on": "2026-11-12",
        "known_on": given.get("--known-on", "2026-11-12"),
        "kind": given["--kind"],
        "due_from": given.get("--due-from", ""),
        "due_to": given.get("--due", ""),
        "words": given.get("--words", ""),
        "source_url": URL,
    }
    for row in cells(project, words[0]):
        assert row | wanted == row


# --- New rows ----------------------------------------------------------------------------------------------------


def add_words(**other: str | None) -> list[str]:
    """Options of a new row, some of them other or left out."""
    given = ADD | {f"--{name.replace('_', '-')}": value for name, value in other.items()}
    return ["add", "--flagship", *(word for pair in given.items() if pair[1] is not None for word in pair)]


def test_a_new_row_stands_behind_the_debuts_before_it(
    run: Callable[..., Any], enter: Callable[..., Any], project: Path
) -> None:
    before = files(project)
    ran = enter(*add_words())
    good(run, project, ran)
    [(name, (old, new))] = changed(before, files(project)).items()
    assert (name, old, len(new)) == ("episodes.csv", [], 1)
    text = (project / "data" / name).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    days = [row["closed_on"] for row in rows]
    assert days == sorted(days)
    at = [row["episode_id"] for row in rows].index("acme-one")
    assert rows[at + 1]["closed_on"] > "2026-10-26" == rows[at - 1]["closed_on"]
    assert {column: cell for column, cell in rows[at].items() if cell} == {
        "episode_id": "acme-one",
        "model": 'Acme "One", large',
        "family": "acme",
        "organization": "Acme",
        "org_country": "FR",
        "org_type": "startup",
        "domain": "ai_model",
        "modality": "text",
        "flagship": "true",
        "closed_on": "2026-10-26",
        "closed_precision": "day",
        "closed_how": "api",
        "promise": "none",
        "safety_review": "false",
        "outcome": "still_closed",
        "license_class": "none",
        "observed_through": "2026-10-26",
        "closed_source_url": URL,
        "confidence": "high",
        "frame": "curated",
    }
    assert "family acme is new" in ran.out


def test_a_new_row_of_a_listed_family_is_entered_as_a_member(
    run: Callable[..., Any], enter: Callable[..., Any], project: Path
) -> None:
    before = files(project)
    ran = enter(*add_words(family="meta-muse", org="Meta", org_country=None, org_type=None))
    good(run, project, ran)
    found = changed(before, files(project))
    assert {name: (len(old), len(new)) for name, (old, new) in found.items()} == {
        "episodes.csv": (0, 1),
        "family_members.csv": (0, 1),
    }
    assert [(row["org_country"], row["org_type"]) for row in cells(project, "acme-one")] == [("US", "big_tech")]
    [member] = cells(project, "acme-one", "family_members.csv")
    assert (member["family"], member["debut_on"], member["open_at_debut"]) == ("meta-muse", "2026-10-26", "false")


def test_without_a_terminal_the_missing_options_are_named(enter: Callable[..., Any], project: Path) -> None:
    before = files(project)
    refused(enter(*add_words(model=None, org_type=None, how=None)), "give --model, --org-type, --how")
    refused(
        enter("add"), "--id, --model, --family, --org, --org-country, --org-type, --modality, --flagship, --closed-on"
    )
    assert files(project) == before


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_what_is_missing_is_asked_for_again_until_it_is_good(
    run: Callable[..., Any], enter: Callable[..., Any], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = {
        "episode_id": ["Acme One", WONDER, "acme-one"],
        "model": ["Acme One"],
        "family": ["acme"],
        "organization": ["Meta"],
        "org_country": [""],
        "org_type": [""],
        "domain": [""],
        "modality": ["smell", "text"],
        "flagship": ["yes", "false"],
        "closed_on": ["2026-11-27", "2026-13-01", "2026-11-02"],
        "closed_precision": ["month"],
        "closed_source_url": ["example.org", URL],
        "safety_review": [""],
        "observed_through": ["2026-11-20"],
        "confidence": ["low"],
        "frame": [""],
    }
    monkeypatch.setattr(sys, "stdin", Terminal("".join(f"{answer}\n" for a in typed.values() for answer in a)))
    ran = enter("add", "--how", "paper")
    good(run, project, ran)
    assert ran.err.count("Error: ") == 7
    assert "is in the future" in ran.err
    [row] = cells(project, "acme-one")
    good_answers = {column: answers[-1] for column, answers in typed.items() if answers[-1]}
    kept = {"org_country": "US", "org_type": "big_tech", "domain": "ai_model", "safety_review": "false"}
    assert {column: cell for column, cell in row.items() if cell} == good_answers | kept | {
        "closed_how": "paper",
        "frame": "curated",
        "promise": "none",
        "outcome": "still_closed",
        "license_class": "none",
    }


def test_a_terminal_that_closes_writes_nothing(
    enter: Callable[..., Any], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(project)
    monkeypatch.setattr(sys, "stdin", Terminal("acme-one\nAcme"))
    assert enter("add").code == 1
    assert files(project) == before


# --- Mistakes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["open", "meta-muse-wander-1.0"], "did you mean meta-muse-wonder-1.0"),
        (["open", "Meta-Muse-Wonder-1.0"], "did you mean meta-muse-wonder-1.0"),
        (["seen", "zzzz"], "'forecast episodes list' lists them"),
        (["promise", "meta-mus", "--kind", "vague"], "did you mean meta-muse"),
        (["open", OPENED], "was opened on 2026-10-15 already: a row has one opening"),
        (["open", PART, "--part"], "was opened in part on 2026-08-10 already"),
        (["withdraw", PART], "a row has one outcome"),
        (["leak", LEAKED], "a row has one outcome"),
        (["close", WONDER, "--reason", "no"], "is still closed: 'forecast episodes seen'"),
        (["close", OPENED, "--reason", " "], "--reason: say why the outcome was wrong"),
        (["close", OPENED, "--reason", "no", "--on", "2026-10-14"], "a page of 2026-10-14 says nothing"),
        (["seen", OPENED], "nothing is left to see closed"),
        (["seen", WONDER, "--on", "2026-11-09"], "there is evidence through 2026-11-09 already"),
        (
            ["open", "openai-gpt-5", "--on", "2025-08-06"],
            "column outcome_on: '2025-08-06': outcome on or before the debut",
        ),
        (["open", "openai-gpt-5", "--on", "2025-08-07"], "open on its debut day is no episode; nothing was written"),
        (["leak", "openai-gpt-5", "--on", "2025-08-06"], "outcome on or before the debut (2025-08-07)"),
        (["open", "xai-grok-3", "--on", "2025-07-01"], "promise after the outcome (2025-07-01)"),
        (["open", PART, "--on", "2026-08-09"], f"{PART}: 2026-08-09 is before its opening in part of 2026-08-10"),
        (["open", WONDER, "--on", "2026-11-27"], "--on 2026-11-27: is in the future: today is 2026-11-26 (UTC)"),
        (["open", WONDER, "--on", "2026-11-31"], "--on 2026-11-31: must be a day, YYYY-MM-DD"),
        (["open", WONDER, "--on", "20 Nov"], "must be a day, YYYY-MM-DD"),
        (["open", WONDER, "--on", "2026-11\n-20"], "--on '2026-11\\n-20': must be one line of text"),
        (["open", WONDER, "--source", "ftp://a.org/x"], "--source 'ftp://a.org/x': must be a web address"),
        (["open", WONDER, "--source", "javascript:alert(1)"], "must be a web address"),
        (["open", WONDER, "--source", ""], "must be a web address"),
        (["open", WONDER, "--source", "https://a.org/ b"], "must be a web address"),
        (["open", WONDER, "--source", "https://a.org/\x1b[2J"], "must be one line of text"),
        (["open", WONDER, "--what", "a\nb"], "--what 'a\\nb': must be one line of text"),
        (["open", WONDER, "--license", "a\x00b"], "must be one line of text"),
        (["open", WONDER, "--license", "Apache-2.1"], "give --license-class osi|open_weight_commercial|non_commercial"),
        (["promise", WONDER, "--kind", "dated"], "a dated promise names the day promised"),
        (["promise", WONDER, "--kind", "vague", "--due", "2027-01-01"], "a vague statement names no day"),
        (["promise", "meta-muse", "--kind", "dated", "--due", "2026-11-01"], "due before it was said (2026-11-20)"),
        (["promise", WONDER, "--kind", "dated", "--due", "soon"], "--due soon: must be a day"),
        (
            ["promise", WONDER, "--kind", "refused", "--known-on", "2026-12-01"],
            "--known-on 2026-12-01: is in the future",
        ),
        (["promise", WONDER, "--kind", "refused", "--known-on", "2026-11-01"], "known before it was said (2026-11-20)"),
    ],
    ids=range(36),
)
def test_a_mistake_is_one_clear_line_and_writes_nothing(
    enter: Callable[..., Any], project: Path, words: list[str], line: str
) -> None:
    before = files(project)
    defaults = {"--on": "2026-11-20", "--source": URL}
    more = [word for pair in defaults.items() if pair[0] not in words for word in pair]
    refused(enter(*words, *more), line)
    assert files(project) == before


@pytest.mark.parametrize(
    ("other", "line"),
    [
        ({"id": WONDER}, f"--id '{WONDER}': "),
        ({"id": "Acme One"}, "--id 'Acme One': String should match pattern"),
        ({"id": "a\nb"}, "--id 'a\\nb': "),
        ({"model": " "}, "--model '': String should have at least 1 character"),
        ({"model": "a\tb"}, "must be one line of text"),
        ({"how": "rumour"}, "--how 'rumour': Input should be 'api', 'app'"),
        ({"org_country": "France"}, "--org-country 'France': String should match pattern"),
        ({"domain": "film"}, "--domain 'film': Input should be 'ai_model'"),
        ({"params_b": "-1"}, "--params-b '-1': Input should be greater than 0"),
        ({"closed_on": "2026-11-27"}, "--closed-on '2026-11-27': is in the future"),
        ({"closed_on": "yesterday"}, "--closed-on 'yesterday': must be a day, YYYY-MM-DD"),
        ({"observed_through": "2026-10-01"}, "evidence before the debut (2026-10-26); nothing was written"),
        ({"source": "acme.org"}, "--source 'acme.org': must be a web address"),
    ],
    ids=range(13),
)
def test_a_bad_cell_of_a_new_row_is_one_clear_line(
    enter: Callable[..., Any], project: Path, other: dict[str, str], line: str
) -> None:
    before = files(project)
    refused(enter(*add_words(**other)), line)
    assert files(project) == before


def test_options_that_are_missing_or_unknown_are_refused(enter: Callable[..., Any], project: Path) -> None:
    before = files(project)
    for words in (
        ["open", WONDER, "--on", "2026-11-20"],
        ["open", WONDER, "--source", URL],
        [*OPEN_WONDER, "--license-class", "free"],
        [*OPEN_WONDER, "--precision", "week"],
        ["promise", WONDER, "--on", "2026-11-20", "--source", URL, "--kind", "maybe"],
        ["close", OPENED, "--on", "2026-11-20", "--source", URL],
        ["reopen", WONDER],
    ):
        ran = enter(*words)
        assert (ran.code, ran.out) == (2, "")
    assert files(project) == before


def test_a_second_opening_of_the_same_row_is_refused(enter: Callable[..., Any], project: Path) -> None:
    assert enter(*OPEN_WONDER).code == 0
    before = files(project)
    refused(enter(*OPEN_WONDER), "was opened on 2026-11-20 already")
    refused(enter(*OPEN_WONDER, "--part"), "was opened on 2026-11-20 already")
    assert files(project) == before


def test_the_same_statement_twice_is_refused(enter: Callable[..., Any], project: Path) -> None:
    words = ["promise", WONDER, "--on", "2026-11-20", "--kind", "vague", "--source", URL]
    assert enter(*words).code == 0
    before = files(project)
    refused(enter(*words), f"the same statement about {WONDER} stands there already")
    assert files(project) == before
    assert enter(*words, "--words", "soon").code == 0


def test_a_question_that_a_new_row_would_break_is_seen_before_it_is_written(
    enter: Callable[..., Any], project: Path
) -> None:
    file = project / "data" / "questions.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(f'members = ["{WONDER}"]', 'members = ["meta-muse-wonder-*"]'), encoding="utf-8")
    before = files(project)
    refused(
        enter(*add_words(id="meta-muse-wonder-2", family="meta-muse")),
        f"{file}, question {WONDER}, members: unit model means one episode, not 2; nothing was written",
    )
    assert files(project) == before


# --- The files themselves ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [OPEN_WONDER, ["open", PART, "--on", "2026-11-20", "--source", URL], add_words()])
def test_a_dry_run_shows_the_diff_and_writes_nothing(
    enter: Callable[..., Any], project: Path, words: list[str]
) -> None:
    before = files(project)
    ran = enter(*words, "--dry-run")
    assert ran.code == 0
    assert files(project) == before
    assert ran.err.splitlines()[-1] == "dry run: nothing was written"
    assert enter(*words).code == 0
    wanted = []
    for name, (old, new) in sorted(changed(before, files(project)).items()):
        wanted += [f"--- a/{name}", f"+++ b/{name}", *(f"-{x.decode()}" for x in old), *(f"+{x.decode()}" for x in new)]
    assert [line for line in ran.out.splitlines() if not line.startswith("@@")] == wanted


@pytest.mark.parametrize(
    ("line_end", "bom", "last"),
    [(b"\r\n", b"", True), (b"\n", b"\xef\xbb\xbf", True), (b"\n", b"", False), (b"\r\n", b"\xef\xbb\xbf", False)],
)
def test_line_ends_a_byte_order_mark_and_a_missing_last_line_end_are_kept(
    run: Callable[..., Any], enter: Callable[..., Any], project: Path, line_end: bytes, bom: bytes, last: bool
) -> None:
    for name in ("episodes.csv", "promises.csv"):
        file = project / "data" / name
        raw = bom + file.read_bytes().replace(b"\n", line_end)
        file.write_bytes(raw if last else raw.removesuffix(line_end))
    before = files(project)
    words = ["promise", EMBER, "--on", "2026-11-12", "--kind", "vague", "--source", URL]  # the last row of both
    good(run, project, enter(*words))
    after = files(project)
    assert after["promises.csv"].startswith(before["promises.csv"])
    said = f"{EMBER},2026-11-12,2026-11-12,vague,,,,{URL}".encode()
    added = after["promises.csv"].removeprefix(before["promises.csv"])
    assert added == (said + line_end if last else line_end + said)
    [row] = [line for line in before["episodes.csv"].split(line_end) if line.startswith(EMBER.encode())]
    old, new = b",api,none,,,,false,", b",api,vague,2026-11-12,,,false,"
    page = f"?hl=fr,{URL},,low,".encode()
    assert row.count(old) == row.count(b"?hl=fr,,,low,") == 1
    wanted = row.replace(old, new).replace(b"?hl=fr,,,low,", page)
    assert after["episodes.csv"] == before["episodes.csv"].replace(row, wanted)


def test_cells_with_commas_quotes_and_line_breaks_in_other_rows_keep_their_bytes(
    run: Callable[..., Any], enter: Callable[..., Any], project: Path
) -> None:
    file = project / "data" / "episodes.csv"
    raw = file.read_bytes()
    for name, cell in (
        (b"openai-gpt-5,", b'"GPT-5,\r\n""the\n\none"""'),
        (WONDER.encode() + b",", b'"Muse Wonder 1.0"'),
    ):
        start = raw.index(b"\n" + name) + 1 + len(name)
        raw = raw[:start] + cell + raw[raw.index(b",", start) :]
    file.write_bytes(raw)
    good(run, project, enter(*OPEN_WONDER, "--what", 'a, "b"'))
    old = next(line for line in raw.split(b"\n") if line.startswith(WONDER.encode()))
    new = old.replace(
        b",false,still_closed,,,,,none,2026-11-09,", b',false,opened,2026-11-20,day,"a, ""b""",,none,2026-11-20,'
    )
    pages = cells(project, "openai-gpt-5")
    assert pages[0]["model"] == 'GPT-5,\r\n"the\n\none"'
    at = old.index(b",https://documentation.")
    page = old[at + 1 : old.index(b",", at + 1)]
    assert file.read_bytes() == raw.replace(old, new.replace(page, URL.encode()))
    assert b',"Muse Wonder 1.0",' in file.read_bytes()


def test_a_table_that_changes_meanwhile_is_left_alone(
    enter: Callable[..., Any], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project / "data" / "episodes.csv"
    real = replace.new_problems

    def check(*arguments: Any) -> list[str]:
        found = real(*arguments)
        file.write_bytes(file.read_bytes() + b"\n")
        return found

    monkeypatch.setattr(replace, "new_problems", check)
    raw = file.read_bytes()
    refused(enter(*OPEN_WONDER), "another process changed it: nothing was changed; run the command again")
    assert file.read_bytes() == raw + b"\n"
    assert sorted(f.name for f in file.parent.iterdir() if f.name.startswith(".")) == []


def test_old_problems_of_other_rows_do_not_stand_in_the_way(enter: Callable[..., Any], project: Path) -> None:
    file = project / "data" / "episodes.csv"
    file.write_bytes(file.read_bytes().replace(b"openai-gpt-5,GPT-5,", b"openai-gpt-5,,", 1))
    assert enter(*OPEN_WONDER).code == 0
    refused(
        enter("seen", "openai-gpt-5", "--on", "2026-11-20", "--source", URL),
        f"{file}: mend the row of openai-gpt-5 first: model '': ",
    )


def test_packaged_data_are_not_written_to(
    run: Callable[..., Any], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "find_home", lambda _: Home(project / "data", editable=False))
    before = files(project)
    rest = ["--on", "2026-11-20", "--source", URL]
    for words in (
        OPEN_WONDER,
        [*OPEN_WONDER, "--dry-run"],
        ["close", OPENED, *rest, "--reason", "no"],
        ["withdraw", WONDER, *rest],
        ["leak", WONDER, *rest],
        ["seen", WONDER, *rest],
        ["promise", WONDER, *rest, "--kind", "vague"],
        add_words(),
    ):
        refused(run("episodes", *words), f"'forecast episodes {words[0]}' needs a folder of your own")
    assert files(project) == before
    assert run("episodes", "show", WONDER).code == run("episodes", "list").code == 0


# --- Looking rows up ---------------------------------------------------------------------------------------------


def test_list_has_a_line_an_episode(enter: Callable[..., Any], project: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((project / "data" / "episodes.csv").read_text(encoding="utf-8"))))
    columns = ("episode_id", "model", "organization", "closed_on", "outcome")
    lines = enter("list").out.splitlines()
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        assert line.split()[0] == row["episode_id"]
        assert line.split()[-2:] == [row["closed_on"], row["outcome"]]
    assert json.loads(enter("list", "--json").out) == {"episodes": [{c: row[c] for c in columns} for row in rows]}


@pytest.mark.parametrize(
    ("words", "outcomes", "organizations"),
    [
        (["--open"], {"opened", "opened_partial"}, None),
        (["--closed"], {"still_closed", "withdrawn", "leaked"}, None),
        (["--closed", "--org", "meta"], {"still_closed", "withdrawn", "leaked"}, {"Meta"}),
        (["--org", "XAI"], {"opened", "still_closed", "withdrawn"}, {"xAI"}),
    ],
    ids=["open", "closed", "both", "org"],
)
def test_list_can_be_narrowed(
    enter: Callable[..., Any], project: Path, words: list[str], outcomes: set[str], organizations: set[str] | None
) -> None:
    text = (project / "data" / "episodes.csv").read_text(encoding="utf-8")
    wanted = [
        row["episode_id"]
        for row in csv.DictReader(io.StringIO(text))
        if row["outcome"] in outcomes and (organizations is None or row["organization"] in organizations)
    ]
    found = json.loads(enter("list", *words, "--json").out)["episodes"]
    assert [row["episode_id"] for row in found] == wanted
    assert wanted


def test_an_organisation_that_is_none_suggests_the_nearest(enter: Callable[..., Any]) -> None:
    refused(enter("list", "--org", "Mistrl AI"), "did you mean Mistral AI")


def test_show_has_every_cell_with_its_meaning_and_what_was_said(enter: Callable[..., Any], project: Path) -> None:
    [row] = cells(project, PART)
    said = cells(project, PART, "promises.csv", "about") + cells(project, "meta-muse", "promises.csv", "about")
    out = enter("show", PART).out
    for column, cell in row.items():
        assert (f"{column}: {cell}  ({Episode.model_fields[column].description})" in out) == bool(cell)
    assert said
    for statement in said:
        assert statement["source_url"] in out
    assert "opened in part before: " not in out
    [early] = cells(project, "google-switch-c-2048", "earlier_openings.csv")
    assert (
        f"opened in part before: episode_id {early['episode_id']}; opened_on 2022-11-04"
        in enter("show", "google-switch-c-2048").out
    )
    found = json.loads(enter("show", PART, "--json").out)
    assert found["episode"] == {column: cell for column, cell in row.items() if cell}
    assert found["earlier_openings"] == []
    key = [[row[c] for c in ("about", "said_on", "source_url")] for row in found["promises"]]
    assert sorted(key) == sorted([row[c] for c in ("about", "said_on", "source_url")] for row in said)
    refused(enter("show", "meta-muse-wander-1.0"), "did you mean meta-muse-wonder-1.0")


def test_a_home_laid_out_anew_can_be_edited(run: Callable[..., Any], tmp_path: Path) -> None:
    assert run("init", tmp_path / "mine").code == 0
    good(run, tmp_path / "mine", run("episodes", *OPEN_WONDER, "--home", tmp_path / "mine"))


def test_the_choices_are_those_of_the_schema() -> None:
    fields = Episode.model_fields
    for column, choices in add_command.CHOICES.items():
        assert choices.split(", ") == list(get_args(fields[column].annotation))
    for choice, annotation in (
        (episodes_options.PrecisionChoice, fields["closed_precision"].annotation),
        (episodes_options.LicenseClassChoice, fields["license_class"].annotation),
        (episodes_options.StatementChoice, Promise.model_fields["kind"].annotation),
    ):
        assert [one.value for one in choice] == list(get_args(annotation))
