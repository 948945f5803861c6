"""``forecast update`` and ``what-if``: what changed adds up, what is written, and one line for a mistake."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast.errors import ForecastError
from forecast.model.fit import Settings
from forecast.record import ledger
from forecast.record.answers import Desk
from forecast.record.changes import Change
from forecast.record.recorder import record_forecasts
from forecast.record.records import release_forecast
from forecast.record.update import Update, update
from forecast.record.what_if import what_if

WONDER, EMBER = "meta-muse-wonder-1.0", "meta-muse-ember-1.0"
#: One question of each kind that is open: a model like Wonder, a family, a promise that has passed.
QUESTIONS = (WONDER, EMBER, "muse-frontier-strict", "meta-llama-4-behemoth")
THEN, NOW = dt.date(2026, 11, 20), dt.date(2026, 11, 25)
WORDS = ["weeks", "months", "years", "never"]


@pytest.fixture
def unfitted(no_fits: Callable[..., None]) -> None:
    """Draws from the prior where a fit would be."""
    no_fits(120)


@pytest.fixture
def asked(home: Path) -> Path:
    """A home with four questions, asked some days earlier, the rows of three organisations, and no ledger."""
    file = home / "data" / "questions.toml"
    head, *parts = re.split(r"^\[\[question\]\]", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    chosen = [part for part in parts if any(f'id = "{name}"\n' in part for name in QUESTIONS)]
    assert len(chosen) == len(QUESTIONS)
    text = "[[question]]".join([head, *chosen]).replace("asked_on = 2026-11-25", "asked_on = 2026-11-20")
    file.write_text(text, encoding="utf-8")
    mine = narrowed(home, "episodes", lambda row: row["organization"] in ("Meta", "xAI", "Mistral AI"))
    known = {row["episode_id"] for row in mine} | {row["family"] for row in mine}
    narrowed(home, "promises", lambda row: row["about"] in known)
    narrowed(home, "earlier_openings", lambda row: row["episode_id"] in known)
    narrowed(home, "family_members", lambda row: row["family"] in known)
    for table in ("cohorts", "third_party_forecasts"):
        narrowed(home, table, lambda _: False)
    return home


def narrowed(home: Path, table: str, keep: Callable[[dict[str, str]], bool]) -> list[dict[str, str]]:
    """Keep some rows of a table."""
    file = home / "data" / f"{table}.csv"
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"), newline="")))
    kept = [row for row in rows if keep(row)]
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    return kept


def desk_on(home: Path, day: dt.date) -> Desk:
    return Desk(home, settings=Settings(latency="weibull"), today=day)


def edit(home: Path, name: str, **cells: str) -> None:
    """Change cells of an episode."""
    [*rows] = narrowed(home, "episodes", lambda row: row.update(cells if row["episode_id"] == name else {}) is None)
    assert name in {row["episode_id"] for row in rows}


def open_wonder(home: Path, day: str = "2026-11-24") -> None:
    page = {"outcome_source_url": "https://example.org/a", "what_opened": "weights", "license_class": "osi"}
    day_cells = {"outcome_on": day, "outcome_precision": "day", "observed_through": day}
    edit(home, WONDER, outcome="opened", **day_cells, **page)


def bytes_of(home: Path) -> dict[str, bytes]:
    return {str(f.relative_to(home)): f.read_bytes() for f in sorted(home.rglob("*")) if f.is_file()}


def sums(found: Update) -> dict[str, float]:
    """By question the largest difference between the sum of the parts and after - before."""
    return {
        c.question_id: max(abs(sum(p[w] for p in c.parts.values()) - (c.after[w] - c.before[w])) for w in WORDS)
        for c in found.changes
        if c.before
    }


# --- Update ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unfitted")
def test_a_landing_resolves_its_question_and_the_parts_add_up(asked: Path) -> None:
    record_forecasts(desk_on(asked, THEN))
    open_wonder(asked)
    found = update(desk_on(asked, NOW))
    assert [(one["id"], one["day"], one["word"]) for one in found.resolved] == [(WONDER, "2026-11-24", "weeks")]
    assert {c.question_id for c in found.changes} == set(QUESTIONS)
    assert max(sums(found).values()) < 1e-9
    by_id = {c.question_id: c for c in found.changes}
    assert by_id[WONDER].after == {"weeks": 1.0, "months": 0.0, "years": 0.0, "never": 0.0}
    ember = by_id[EMBER]
    assert (ember.recorded_on, ember.note) == (THEN, "")
    assert ember.movers[0][0] == WONDER
    assert ember.movers[0][1]["never"] < 0
    rest = {w: sum(change[w] for _, change in ember.movers) + ember.remainder[w] for w in WORDS}
    assert rest == pytest.approx(ember.parts["new_data"])
    # the draws stand for a fit that learns nothing, so that the code and the priors change nothing
    assert ember.parts["new_code"] == dict.fromkeys(WORDS, 0.0)
    assert max(abs(p) for p in ember.parts["new_priors"].values()) < 1e-6


@pytest.mark.usefixtures("unfitted")
def test_an_update_records_and_a_second_one_adds_nothing(asked: Path) -> None:
    record_forecasts(desk_on(asked, THEN))
    open_wonder(asked)
    found = update(desk_on(asked, NOW))
    assert found.written
    assert {line.body.get("question_id") for line in found.lines if line.body["kind"] == "forecast"} == {*QUESTIONS[1:]}
    assert [v.fault for v in ledger.verify(asked / "data" / "ledger")] == [None] * len(
        ledger.chains(asked / "data/ledger")
    )
    before = bytes_of(asked)
    again = update(desk_on(asked, NOW))
    assert again.resolved == []
    assert again.lines == []
    assert bytes_of(asked) == before
    for change in again.changes:
        assert max(abs(change.after[w] - change.before[w]) for w in WORDS) < 1e-6


@pytest.mark.usefixtures("unfitted")
def test_a_dry_run_and_no_record_write_what_they_say(asked: Path) -> None:
    record_forecasts(desk_on(asked, THEN))
    open_wonder(asked)
    before = bytes_of(asked)
    dry = update(desk_on(asked, NOW), dry_run=True)
    assert bytes_of(asked) == before
    assert [one["id"] for one in dry.resolved] == [WONDER]
    update(desk_on(asked, NOW), record=False)
    changed = {name for name, content in bytes_of(asked).items() if before.get(name) != content and "/." not in name}
    assert changed == {"data/ledger/resolutions.jsonl"}


@pytest.mark.usefixtures("unfitted")
def test_new_priors_are_told_apart(asked: Path) -> None:
    record_forecasts(desk_on(asked, THEN))
    file = asked / "data" / "priors.toml"
    text = file.read_text(encoding="utf-8")
    assert '[odds.none]\ndistribution = "normal"\nmean = -0.5' in text
    file.write_text(text.replace("mean = -0.5", "mean = -3.0", 1), encoding="utf-8")
    found = update(desk_on(asked, NOW), dry_run=True)
    assert max(sums(found).values()) < 1e-9
    ember = next(c for c in found.changes if c.question_id == EMBER)
    assert ember.parts["new_priors"]["never"] > 0.05
    assert set(ember.parts["new_code"].values()) == {0.0}


@pytest.mark.usefixtures("unfitted")
def test_what_a_record_rounds_off_is_new_code_only_where_the_code_is_new(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [line] = [x for x in record_forecasts(desk_on(asked, THEN), [EMBER]) if x.body["forecaster"] == "model"]
    exact = desk_on(asked, THEN).answer(EMBER).forecast.words(THEN)
    kept = {w: exact[w] - before for w, before in release_forecast(line.body).words(THEN).items()}
    assert 0 < max(map(abs, kept.values())) < 1e-6  # seven decimals are kept

    def split() -> Change:
        [found] = [c for c in update(desk_on(asked, NOW), dry_run=True).changes if c.question_id == EMBER]
        assert sum(found.parts[p][w] for p in found.parts for w in WORDS) == pytest.approx(0, abs=1e-12)
        assert {w: sum(p[w] for p in found.parts.values()) for w in WORDS} == pytest.approx(
            {w: found.after[w] - found.before[w] for w in WORDS}, abs=1e-12
        )
        return found

    same = split()
    monkeypatch.setattr("forecast.record.changes.code_sha256", lambda: "0" * 64)
    other = split()
    assert set(same.parts["new_code"].values()) == {0.0}
    assert other.parts["new_code"] == pytest.approx(kept, abs=1e-12)
    moved = {w: same.parts["new_data"][w] - other.parts["new_data"][w] for w in WORDS}
    assert moved == pytest.approx(kept, abs=1e-12)
    assert {name: same.remainder[name] - other.remainder[name] for name in WORDS} == pytest.approx(kept, abs=1e-12)


@pytest.mark.usefixtures("unfitted")
def test_a_difference_that_is_none_of_rounding_stays_with_the_code(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_forecasts(desk_on(asked, THEN), [EMBER])
    monkeypatch.setattr("forecast.record.changes.ROUNDING", 0.0)  # as if nothing were small enough
    [ember] = [c for c in update(desk_on(asked, NOW), dry_run=True).changes if c.question_id == EMBER]
    assert any(ember.parts["new_code"].values())


@pytest.mark.usefixtures("unfitted")
def test_time_alone_is_time(asked: Path) -> None:
    record_forecasts(desk_on(asked, THEN))
    found = update(desk_on(asked, dt.date(2027, 1, 20)), dry_run=True)
    assert max(sums(found).values()) < 1e-9
    ember = next(c for c in found.changes if c.question_id == EMBER)
    assert ember.parts["time_passed"]["weeks"] < -1e-4  # two months on, no weeks are left
    assert abs(ember.parts["new_data"]["weeks"]) < 1e-6
    assert ember.after["weeks"] == 0


@pytest.mark.usefixtures("unfitted")
def test_news_of_the_row_itself_are_new_data(asked: Path) -> None:
    record_forecasts(desk_on(asked, THEN))
    said = "said_on,known_on,kind"
    file = asked / "data" / "promises.csv"
    columns = file.read_text(encoding="utf-8").splitlines()[0].split(",")
    cells = {"about": EMBER, "kind": "dated", "due_from": "2026-12-31", "due_to": "2026-12-31", "words": "by then"}
    cells |= dict.fromkeys(said.split(",")[:2], "2026-11-22") | {"source_url": "https://example.org/said"}
    with file.open("a", encoding="utf-8", newline="") as out:
        csv.DictWriter(out, columns, restval="", lineterminator="\n").writerow(cells)
    edit(asked, EMBER, promise="dated", promised_on="2026-11-22", promised_by="2026-12-31", promise_words="by then",
         promise_source_url="https://example.org/said")  # fmt: skip
    found = update(desk_on(asked, NOW), dry_run=True)
    ember = next(c for c in found.changes if c.question_id == EMBER)
    assert max(sums(found).values()) < 1e-9
    assert ember.parts["new_data"]["never"] < -0.05
    assert abs(ember.parts["time_passed"]["never"]) < 0.02


@pytest.mark.usefixtures("unfitted")
def test_inputs_that_were_not_kept_are_said_not_guessed(asked: Path) -> None:
    import shutil

    record_forecasts(desk_on(asked, THEN))
    shutil.rmtree(asked / "data" / "ledger" / "inputs")
    found = update(desk_on(asked, NOW), dry_run=True)
    assert {tuple(c.parts) for c in found.changes} == {("not_split",)}
    assert {c.note for c in found.changes} == {"the data, priors, questions of that forecast were not kept"}
    assert max(sums(found).values()) < 1e-9
    fresh = Desk(asked, settings=Settings(latency="weibull"), today=NOW)
    shutil.rmtree(asked / "data" / "ledger")
    first = update(fresh, dry_run=True)
    assert {c.note for c in first.changes} == {"the first forecast of this question"}


@pytest.mark.usefixtures("unfitted")
def test_the_page_and_the_json_say_the_same(asked: Path, run: Callable[..., Any]) -> None:
    words = ("update", "--dry-run", "--home", str(asked), "--latency", "weibull")
    told = run(*words, "--json")
    assert told.code == 0
    found = json.loads(told.out)
    assert [q["id"] for q in found["questions"]] == list(QUESTIONS) or {q["id"] for q in found["questions"]} <= {
        *QUESTIONS
    }
    assert not found["written"]
    page = run(*words).out
    for one in found["questions"]:
        assert one["id"] in page
        assert f"{100 * one['after']['never']:.1f} %" in page


@pytest.mark.usefixtures("unfitted")
def test_the_page_says_that_the_rest_is_partly_error(asked: Path, run: Callable[..., Any]) -> None:
    record_forecasts(desk_on(asked, THEN), [EMBER])
    open_wonder(asked)
    page = run("update", "--dry-run", "--home", str(asked), "--latency", "weibull").out
    rows = [line.split("  ")[0].strip() or line.strip().split("  ")[0] for line in page.splitlines()]
    assert rows.index(WONDER) < rows.index("estimate error and the rest") < rows.index("time passed")


def test_a_table_that_is_not_right_stops_an_update(home: Path, run: Callable[..., Any]) -> None:
    edit(home, WONDER, closed_on="soon")
    before = bytes_of(home)
    told = run("update", "--home", str(home))
    assert told.code == 1
    assert "closed_on" in told.err
    assert "Traceback" not in told.err
    assert bytes_of(home) == before


# --- What if -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unfitted")
def test_an_opening_answers_its_own_question_and_moves_its_kin(asked: Path) -> None:
    before = bytes_of(asked)
    found = what_if(desk_on(asked, NOW), [f"open {WONDER} 2026-12-20"])
    assert bytes_of(asked) == before
    by_id = {moved.question: moved for moved in found.questions}
    assert found.day == dt.date(2026, 12, 20)
    assert by_id[WONDER].supposed == {"weeks": 1.0, "months": 0.0, "years": 0.0, "never": 0.0}
    assert by_id[WONDER].how == "answered"
    assert by_id[EMBER].how == "weights"
    assert by_id[EMBER].supposed["never"] < by_id[EMBER].without["never"]
    assert np.isfinite(by_id[EMBER].pareto_k)


@pytest.mark.usefixtures("unfitted")
def test_several_suppositions_at_once(asked: Path) -> None:
    texts = [f"promise {EMBER} 2026-11-26 by 2027-01-31", f"withdraw {WONDER} 2026-11-26"]
    found = what_if(desk_on(asked, NOW), texts, [EMBER])
    [ember] = found.questions
    assert ember.supposed["never"] < ember.without["never"] - 0.05
    added = what_if(
        desk_on(asked, NOW), [f"add meta-next 2026-11-26 like {WONDER}", "open meta-next 2026-12-01"], [EMBER]
    )
    assert added.questions[0].supposed["never"] < added.questions[0].without["never"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("open", "say 'open ID DAY [part]'; 'close"),
        ("open meta-muse-wonder-1.0 soon", "say 'open ID DAY [part]'; 'close"),
        ("open meta-muse-wonder-1.0 2026-12-20 whole", "say 'open ID DAY [part]'"),
        ("open meta-muse-wonder 2026-12-20", "did you mean meta-muse-wonder-1.0"),
        ("open meta-muse-wonder-1.0 2020-01-01", "cannot suppose"),
        ("promise meta-muse-ember-1.0 2026-12-20 by then", "say 'promise ID DAY [by DAY]'"),
        ("add meta-muse-wonder-1.0 2026-12-20 like meta-muse-ember-1.0", "is there already"),
        ("open meta-muse-wonder-1.0 9999-12-31", ": a forecast ends ten years from now, on 20"),
        ("add meta-next 9999-12-31 like meta-muse-wonder-1.0", ": a forecast ends ten years from now, on 20"),
        ("add Bad,Id 2026-12-01 like meta-muse-wonder-1.0", ": episode_id: 'Bad,Id': String should match pattern"),
        ("open meta-muse-spark-1.0 2026-08-01", ": 2026-08-01 is before its opening in part of 2026-08-10"),
        ("destroy meta-muse-wonder-1.0 2026-12-20", "say 'open ID DAY [part]'; 'close"),
    ],
)
def test_what_cannot_be_supposed_is_one_line(home: Path, run: Callable[..., Any], text: str, fault: str) -> None:
    told = run("what-if", text, "--home", str(home))
    assert told.code == 1
    assert fault in told.err
    assert told.err.startswith(f"forecast: cannot suppose {text!r}: ")
    assert told.err.count("\n") == 1
    assert not re.search(r"Traceback|, row \d", told.err)


def test_the_supposition_that_is_wrong_is_the_one_named(home: Path, run: Callable[..., Any]) -> None:
    texts = [f"{what} 2026-12-20 like {WONDER}" for what in ("add meta-next", "add Meta", "add meta-later")]
    told = run("what-if", *texts, "--home", str(home))
    assert (told.code, told.err.count("\n")) == (1, 1)
    assert told.err.startswith(f"forecast: cannot suppose {texts[1]!r}: episode_id: 'Meta': ")


@pytest.mark.usefixtures("unfitted")
def test_the_last_day_of_a_forecast_can_be_supposed_and_the_next_cannot(asked: Path) -> None:
    last = NOW + dt.timedelta(days=3650)
    assert what_if(desk_on(asked, NOW), [f"open {WONDER} {last}"], [WONDER]).day == last
    with pytest.raises(ForecastError, match=f"ten years from now, on {last}"):
        what_if(desk_on(asked, NOW), [f"open {WONDER} {last + dt.timedelta(days=1)}"], [WONDER])


def test_an_unknown_question_is_one_line(home: Path, run: Callable[..., Any]) -> None:
    told = run("what-if", f"open {WONDER} 2026-12-20", "--question", "who", "--home", str(home))
    assert (told.code, told.err.count("\n")) == (1, 1)
    assert "'who' is no question" in told.err


@pytest.mark.slow
def test_weights_and_a_fit_agree(real_data: Path, cache: Path) -> None:
    desk = desk_on(real_data.parent, NOW)
    text = [f"open {WONDER} 2026-12-20"]
    names = [EMBER, "meta-muse-spark-1.3", "meta-llama-4-behemoth"]
    by_weights, by_fit = (what_if(desk, text, names, refit=refit) for refit in (False, True))
    assert {m.how for m in by_weights.questions} == {"weights"}
    assert {m.how for m in by_fit.questions} == {"fit"}
    for one, other in zip(by_weights.questions, by_fit.questions, strict=True):
        assert one.pareto_k < 0.7
        for word in WORDS:
            assert one.supposed[word] == pytest.approx(other.supposed[word], abs=0.015)
        assert one.supposed["never"] < one.without["never"]
