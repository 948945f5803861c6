"""Questions: the file, the row behind each on a day, and what answers it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from forecast.errors import QuestionError, TableError
from forecast.record.questions import Question, find_question, question_problems, read_questions
from forecast.record.subjects import Views, happened, notes_on, subject_row
from forecast.tables.read import read_rows
from forecast.tables.schema import Episode

TODAY = dt.date(2026, 11, 25)
FOUNDING = ("muse-any", "muse-frontier", "muse-frontier-strict")


@pytest.fixture(scope="module")
def questions(real_data: Path) -> dict[str, Question]:
    return read_questions(real_data / "questions.toml")


@pytest.fixture(scope="module")
def views(real_data: Path) -> Views:
    return Views(real_data / "episodes.csv")


def edited(path: Path, tmp_path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "questions.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('target = "any"', 'target = "some"', "question muse-any, target: 'some'"),
        ('id = "muse-any"', 'id = "Muse"', "question Muse, id: 'Muse'"),
        ('id = "muse-frontier"', 'id = "muse-any"', "question muse-any, id: stands in more than one question"),
        ("asked_on = 2026-04-06", 'asked_on = "soon"', "question muse-any, asked_on: 'soon'"),
        ('members = ["meta-muse"]', "members = []", "question muse-any, members: []"),
        ('value = "multimodal"', 'value = "smell"', "question muse-any, stub.modality: 'smell': must be one of"),
        ('value = "vague"', 'value = "dated"', "stub.promise: 'dated': a stub's promise names no day"),
        ('source = "https://axios.com/2026/04/06/meta-open-source-ai-models"', 'source = "axios"', "source: 'axios'"),
        ("\n[[question]]\n", "\n[question]\n", "not TOML"),
        ("\n[[question]]\n", "\nasked = 1\n[[question]]\n", "must hold [[question]] tables and nothing else"),
        ('text = "', 'words = "x"\ntext = "', "question muse-any, words"),
    ],
)
def test_a_faulty_question_is_named(real_data: Path, tmp_path: Path, old: str, new: str, fault: str) -> None:
    file = edited(real_data / "questions.toml", tmp_path, old, new)
    with pytest.raises(TableError) as refused:
        read_questions(file)
    assert fault in str(refused.value)
    assert str(refused.value).startswith(str(file))


def test_questions_about_nothing_are_named(real_data: Path, tmp_path: Path) -> None:
    file = edited(real_data / "questions.toml", tmp_path, '"meta-muse-spark-*"', '"meta-muse-spork-*"')
    problems = question_problems(file, read_questions(file), read_rows(real_data / "episodes.csv", Episode))
    assert problems == [f"{file}, question muse-frontier, members: 'meta-muse-spork-*': names nothing in episodes.csv"]


def test_a_question_of_unit_model_means_one_episode(real_data: Path, tmp_path: Path) -> None:
    file = edited(real_data / "questions.toml", tmp_path, '["xai-grok-3"]', '["xai-grok-*"]')
    [problem] = question_problems(file, read_questions(file), read_rows(real_data / "episodes.csv", Episode))
    assert "question xai-grok-3, members: unit model means one episode, not " in problem


def test_the_file_asks_the_founding_question_and_a_dozen_live_ones(
    questions: dict[str, Question], views: Views
) -> None:
    assert tuple(questions)[:3] == FOUNDING
    assert all(questions[name].stub for name in FOUNDING)
    open_now = [q for q in questions.values() if happened(q, views, TODAY) is None]
    assert len(open_now) >= 12
    assert {"xai-grok-3", "meta-llama-4-behemoth", "meta-muse-wonder-1.0"} <= {q.id for q in open_now}


def test_a_question_goes_before_an_episode_and_an_episode_before_a_family(
    questions: dict[str, Question], views: Views
) -> None:
    view = views.on(TODAY)
    assert find_question("xai-grok-3", questions, view) is questions["xai-grok-3"]
    assert find_question("xai-grok-4", questions, view).unit == "model"
    assert find_question("meta-muse", questions, view, "full").unit == "family"
    both = set(view.episode_id) & set(view.family)
    assert all(find_question(name, {}, view).unit == "model" for name in both)


@pytest.mark.parametrize(
    ("name", "near"), [("meta-muze-wonder-1.0", "meta-muse-wonder-1.0"), ("muse-frontir", "muse-frontier")]
)
def test_the_nearest_name_is_suggested(questions: dict[str, Question], views: Views, name: str, near: str) -> None:
    with pytest.raises(QuestionError, match=f"did you mean .*{near}"):
        find_question(name, questions, views.on(TODAY))


@pytest.mark.parametrize(
    ("name", "as_of", "day", "kind"),
    [
        ("muse-any", "2026-08-09", None, None),
        ("muse-any", "2026-08-10", "2026-08-10", "part"),
        ("muse-any", "2026-11-25", "2026-08-10", "part"),
        ("muse-frontier", "2026-10-14", None, None),
        ("muse-frontier", "2026-10-15", "2026-10-15", "full"),
        ("muse-frontier-strict", "2026-11-25", None, None),
    ],
)
def test_the_founding_question_resolves_on_the_earliest_opening_that_counts(
    questions: dict[str, Question], views: Views, name: str, as_of: str, day: str | None, kind: str | None
) -> None:
    found = happened(questions[name], views, dt.date.fromisoformat(as_of))
    assert (found and str(found.day), found and found.kind) == (day, kind)


def test_a_withdrawal_is_noted_and_answers_nothing(views: Views) -> None:
    question = find_question("xai-grok-4", {}, views.on(TODAY))
    assert happened(question, views, TODAY) is None
    [(episode, _, how)] = notes_on(question, views, TODAY)
    assert (episode, how) == ("xai-grok-4", "withdrawn")


@pytest.mark.parametrize("name", FOUNDING)
def test_the_stub_feeds_a_forecast_before_the_debut(questions: dict[str, Question], views: Views, name: str) -> None:
    row = subject_row(questions[name], views, dt.date(2026, 4, 6)).iloc[0]
    assert (row.episode_id, row.closed_how, row.organization) == (name, "announcement", "Meta")
    assert row.closed_on == row.closed_through == pd.Timestamp("2026-04-06")
    assert [s[1] for s in row.statements] == ["vague"]
    assert row[["full_last", "part_last"]].isna().all()


def test_a_whole_family_is_the_views_own_row_and_some_members_are_not(
    questions: dict[str, Question], views: Views
) -> None:
    day = dt.date(2026, 7, 20)
    assert subject_row(questions["muse-any"], views, day).episode_id.tolist() == ["meta-muse"]
    strict = subject_row(questions["muse-frontier-strict"], views, day)
    assert strict.episode_id.tolist() == ["muse-frontier-strict"]
    assert strict.columns.equals(views.on(day, "family").columns)
    assert subject_row(questions["muse-frontier"], views, dt.date(2026, 4, 20)).episode_id.tolist() == ["meta-muse"]


def test_nothing_is_forecast_before_it_was_asked_or_known(questions: dict[str, Question], views: Views) -> None:
    with pytest.raises(QuestionError, match="was asked on 2026-04-06"):
        subject_row(questions["muse-any"], views, dt.date(2026, 4, 5))
    question = find_question("openai-gpt-5", {}, views.on(TODAY)).model_copy(update={"asked_on": dt.date(2025, 1, 1)})
    with pytest.raises(QuestionError, match="none of its members was known on 2025-01-01, and it has no stub"):
        subject_row(question, views, dt.date(2025, 1, 1))


def test_a_stub_is_not_changed_by_what_came_later(
    questions: dict[str, Question], views: Views, real_data: Path, make_data: Callable[..., Path]
) -> None:
    """The same stub from a table that ends on the asking day."""
    import csv

    early = make_data(searched_through="2026-10-31")
    with (real_data / "episodes.csv").open(newline="") as file:
        known = [r for r in csv.DictReader(file) if r["closed_on"] < "2026-01-01"]
    with (early / "episodes.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(known[0]))
        writer.writeheader()
        writer.writerows(known)
    (early / "promises.csv").write_text((real_data / "promises.csv").read_text())
    day, columns = (
        dt.date(2026, 4, 6),
        ["episode_id", "closed_on", "statements", "closed_through", "promise", "modality"],
    )
    then, now = (subject_row(questions["muse-any"], v, day)[columns] for v in (Views(early / "episodes.csv"), views))
    pd.testing.assert_frame_equal(then, now)
