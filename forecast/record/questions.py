"""Questions: what is asked about which models, and what would answer it."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import translate
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from forecast.errors import QuestionError, TableError
from forecast.release import word_after
from forecast.tables.episodes import Target, Unit
from forecast.tables.read import read_toml
from forecast.tables.schema import Episode, Url

#: The rule for a question that states none of its own.
RESOLUTION = "its weights can be downloaded by anybody, released by whoever controls them"

_STRICT = ConfigDict(frozen=True, extra="forbid")


class Stated(BaseModel):
    """A trait of a model that has no row yet, and the page that stated it."""

    model_config = _STRICT
    value: str = Field(min_length=1)
    source: Url


class Stub(BaseModel):
    """What pages of the asking day said of a model that had not appeared: it feeds the hindcast, no later row does."""

    model_config = _STRICT
    family: Stated
    organization: Stated
    org_country: Stated
    org_type: Stated
    modality: Stated
    promise: Stated

    def problems(self) -> Iterator[str]:
        """Values that the episodes' schema would refuse."""
        for name in type(self).model_fields:
            value, allowed = getattr(self, name).value, get_args(Episode.model_fields[name].annotation)
            if get_origin(Episode.model_fields[name].annotation) is Literal and value not in allowed:
                yield f"stub.{name}: {value!r}: must be one of {', '.join(allowed)}"
        if self.promise.value == "dated":
            yield "stub.promise: 'dated': a stub's promise names no day: use 'none' or 'vague'"


class Question(BaseModel):
    """One question, as it stands in ``questions.toml``.

    Attributes
    ----------
    id, text : str
    unit : {"model", "family"}
        One episode, or several as one.
    target : {"any", "full"}
        Does an opening in part answer it?
    members : tuple of str
        Episode ids, families (members that were open from their debut included), or patterns
        of episode ids with ``*``.
    asked_on : datetime.date
        Where weeks, months and years are counted from.
    resolution : str
        The rule in words.
    source : str or None
        The page behind the question; every question in the file has one.
    stub : Stub or None
        For a question asked before its model appeared.
    """

    model_config = _STRICT
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    text: str = Field(min_length=1)
    unit: Literal["model", "family"]
    target: Literal["any", "full"]
    members: tuple[str, ...] = Field(min_length=1)
    asked_on: dt.date
    resolution: str = Field(min_length=1)
    source: Url | None = None
    stub: Stub | None = None

    def matches(self, episode_id: str, family: str) -> bool:
        """Whether an episode is one of its members."""
        by_family = self.unit == "family" and family in self.members
        return by_family or _any_of(self.members).match(episode_id) is not None


@cache
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns))


def word_of(question: Question, day: dt.date) -> str:
    """The word that an opening on a day makes true: weeks, months, years or never."""
    return word_after((day - question.asked_on).days)


def read_questions(path: Path) -> dict[str, Question]:
    """Read and validate ``questions.toml``.

    Returns
    -------
    dict of str to Question
        By id, in the file's order.

    Raises
    ------
    TableError
        With one line per fault: file, question, field, rule.
    """
    given = read_toml(path)
    entries = given.get("question", [])
    if set(given) - {"question"} or not isinstance(entries, list):
        raise TableError([f"{path}: must hold [[question]] tables and nothing else"])
    problems: list[str] = []
    questions: dict[str, Question] = {}
    for number, entry in enumerate(entries, start=1):
        question, found = _question(entry)
        name = entry.get("id", f"number {number}") if isinstance(entry, dict) else f"number {number}"
        problems += [f"{path}, question {name}, {fault}" for fault in found]
        if question and question.id in questions:
            problems.append(f"{path}, question {name}, id: stands in more than one question")
        elif question:
            questions[question.id] = question
    if problems:
        raise TableError(problems)
    return questions


def question_problems(path: Path, questions: Mapping[str, Question], episodes: Iterable[Episode]) -> list[str]:
    """Questions about nothing in the episodes table, one line each."""
    known = [(e.episode_id, e.family) for e in episodes]
    problems = []
    for question in questions.values():
        for member in question.members:
            one = question.model_copy(update={"members": (member,)})
            if not any(one.matches(*names) for names in known):
                problems.append(f"{path}, question {question.id}, members: {member!r}: names nothing in {Episode.file}")
        found = [names for names in known if question.matches(*names)]
        if question.unit == "model" and len(found) > 1:
            problems.append(f"{path}, question {question.id}, members: unit model means one episode, not {len(found)}")
    return problems


def find_question(name: str, questions: Mapping[str, Question], view: pd.DataFrame, target: Target = "any") -> Question:
    """The question of an id; for an episode's or a family's, one asked on the view's own day.

    Raises
    ------
    QuestionError
        If the name is none of these; the nearest ones are suggested.
    """
    if name in questions:
        return questions[name]
    unit: Unit | None = "model" if name in set(view.episode_id) else "family" if name in set(view.family) else None
    if unit is None:
        names = [*questions, *view.episode_id, *view.family.unique()]
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f": did you mean {' or '.join(near)}?" if near else ": 'forecast questions' lists them"
        raise QuestionError(f"no question, episode or family is called {name!r}{hint}")
    row = view[view.episode_id == name] if unit == "model" else view[view.family == name]
    return Question(
        id=name,
        text=f"When will the weights of {row.iloc[0].model if unit == 'model' else f'any {name} model'} be open?",
        unit=unit,
        target=target,
        members=(name,),
        asked_on=view.attrs["as_of"],
        resolution=RESOLUTION,
    )


def _question(entry: Any) -> tuple[Question | None, list[str]]:
    try:
        question = Question.model_validate(entry)
    except ValidationError as error:
        return None, [
            f"{'.'.join(map(str, e['loc'])) or 'entry'}: {e.get('input')!r}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        ]
    problems = list(question.stub.problems()) if question.stub else []
    return question, problems + ([] if question.source else ["source: needs the page behind the question"])
