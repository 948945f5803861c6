"""A question on a day: the row to forecast, as known then, and what has happened, if anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from forecast.errors import QuestionError
from forecast.record.questions import Question
from forecast.tables.episodes import FollowUp, Target, followed, open_members, open_window, read_episodes, read_members
from forecast.tables.families import merge_members
from forecast.tables.promises import statements_of


@dataclass(frozen=True)
class Happened:
    """An opening that answers a question.

    Attributes
    ----------
    day, known_on : datetime.date
        Last day of its window; day on which a page said so.
    kind : {"full", "part"}
    what : str
        What was opened, in words.
    episode_id : str
        The row that says so; the family for a member that was open from its debut.
    source_url : str or None
    """

    day: dt.date
    known_on: dt.date
    kind: Literal["full", "part"]
    what: str
    episode_id: str
    source_url: str | None


class Views:
    """Views of one table under one follow-up rule, each read once."""

    def __init__(self, episodes: Path, follow_up: FollowUp = "silence") -> None:
        """Name the table; nothing is read yet."""
        self.path = episodes
        self.follow_up = follow_up
        self._views: dict[tuple[dt.date, str], pd.DataFrame] = {}
        self._windows: dict[tuple[dt.date, Target], pd.DataFrame] = {}
        self._members: pd.DataFrame | None = None

    def on(self, as_of: dt.date, unit: Literal["model", "family"] = "model") -> pd.DataFrame:
        """The table as known on a day."""
        if (as_of, unit) not in self._views:
            self._views[as_of, unit] = read_episodes(self.path, as_of, unit, self.follow_up)
        return self._views[as_of, unit]

    def openings(self, as_of: dt.date, target: Target) -> pd.DataFrame:
        """The first opening of each episode that counts for a target, as known on a day."""
        if (as_of, target) not in self._windows:
            self._windows[as_of, target] = open_window(self.on(as_of), target)
        return self._windows[as_of, target]

    def searched_through(self, as_of: dt.date) -> dt.date:
        """Last day through which openings were searched for: what came later is not known."""
        searched: dt.date = self.on(as_of).attrs["searched_through"]
        return searched

    def open_members(self, as_of: dt.date) -> pd.DataFrame:
        """Family members known on a day that were open from their debut."""
        if self._members is None:
            self._members = read_members(self.path)
        return open_members(self._members, as_of)


def subject_row(question: Question, views: Views, as_of: dt.date) -> pd.DataFrame:
    """The row to forecast, with the columns of the view of the question's unit.

    A question about one whole episode or family gets the view's own row; one about some
    members gets their merged row under the question's id; one whose members are not known
    yet gets its stub.

    Raises
    ------
    QuestionError
        If no member is known on the day and the question has no stub, a member was open from
        the start, or one is a program or a game.
    """
    if as_of < question.asked_on:
        raise QuestionError(f"question {question.id} was asked on {question.asked_on}: {as_of} is before that")
    models = views.on(as_of)
    rows = members_of(question, models)
    if rows.empty:
        return _from_stub(question, views, as_of)
    if (rows.domain != "ai_model").any():
        raise QuestionError(f"{question.id} is no AI model: programs and games only inform how long openings take")
    if question.unit == "model":
        return rows
    families = views.on(as_of, "family")
    same = families[families.episode_id.isin(rows.family)]
    if len(same) == 1 and len(rows) == models.family.isin(rows.family).sum():
        return same
    named = views.open_members(as_of)
    named = named[named.family.isin(question.members)]
    merged = merge_members(rows.to_dict("records"), named.to_dict("records"))
    if merged is None:
        raise QuestionError(
            f"question {question.id}: a member was open by the first closed debut, so nothing is closed"
        )
    return _finish({**merged, "episode_id": question.id}, models)


def subject_rows(questions: Sequence[Question], views: Views, as_of: dt.date) -> pd.DataFrame:
    """The rows of questions of one unit, in their order, as :func:`subject_row` gives each."""
    rows = pd.concat([subject_row(question, views, as_of) for question in questions], ignore_index=True)
    rows.attrs = views.on(as_of, questions[0].unit).attrs
    return rows


def members_of(question: Question, models: pd.DataFrame) -> pd.DataFrame:
    """The episodes of a view that a question is about."""
    names = zip(models.episode_id.tolist(), models.family.tolist(), strict=True)
    rows = models[[question.matches(*name) for name in names]]
    rows.attrs = models.attrs
    return rows


def happened(question: Question, views: Views, as_of: dt.date) -> Happened | None:
    """The first opening that answers a question, as known on a day; leaks and withdrawals do not."""
    rows = members_of(question, views.on(as_of))
    candidates = _openings(rows, views.openings(as_of, question.target).loc[rows.index])
    if question.unit == "family":
        candidates += _open_debuts(question, views.open_members(as_of))
    return min(candidates, key=lambda h: (h.known_on, h.kind), default=None)


def notes_on(question: Question, views: Views, as_of: dt.date) -> list[tuple[str, dt.date, str]]:
    """Leaks and withdrawals of members: episode, day, which of the two. They leave a question open."""
    rows = members_of(question, views.on(as_of))
    return [
        (row.episode_id, getattr(row, column).date(), name)
        for row in rows.itertuples()
        for column, name in (("leaked_on", "leaked"), ("withdrawn_on", "withdrawn"))
        if not pd.isna(getattr(row, column))
    ]


def _openings(rows: pd.DataFrame, windows: pd.DataFrame) -> list[Happened]:
    return [
        Happened(
            w.open_last.date(), w.open_last.date(), w.open_kind, _what(row, w), row.episode_id, row.outcome_source_url
        )
        for row, w in zip(rows.itertuples(), windows.itertuples(), strict=True)
        if not pd.isna(w.open_last)
    ]


def _what(row: Any, window: Any) -> str:
    """The row's words, unless they are of a later opening than the one meant."""
    what: str = row.part_what if window.open_kind == "part" else row.what_opened
    return what or f"an open version of {row.model}"


def _open_debuts(question: Question, members: pd.DataFrame) -> list[Happened]:
    counts = ("full",) if question.target == "full" else ("full", "part")
    mine = members[members.family.isin(question.members) & members.opening.isin(counts)]
    return [
        Happened(m.debut_last.date(), max(m.debut_last, m.known_on).date(), m.opening, m.member, m.family, m.source_url)
        for m in mine.itertuples()
    ]


def _from_stub(question: Question, views: Views, as_of: dt.date) -> pd.DataFrame:
    """A row made of what pages of the asking day said."""
    if question.stub is None:
        raise QuestionError(f"question {question.id}: none of its members was known on {as_of}, and it has no stub")
    models, asked = views.on(as_of), pd.Timestamp(question.asked_on)
    traits = {name: stated.value for name, stated in question.stub}
    row: dict[str, Any] = dict.fromkeys(models.columns, None)
    row |= traits | {
        "episode_id": question.id,
        "model": question.id,
        "domain": "ai_model",
        "closed_how": "announcement",
    }
    row |= {"closed_on": asked, "closed_first": asked, "closed_last": asked, "closed_precision": "day"}
    row |= {"outcome": "still_closed", "observed_through": pd.Timestamp(as_of), "license_class": "none"}
    said = statements_of(views.path, models, as_of)
    said = said[said.about == traits["family"]]
    statements = list(zip(said.known_on, said.kind, said.due_to, strict=True))
    if traits["promise"] != "none" and not any(kind in ("vague", "dated") for _, kind, _ in statements):
        statements = sorted([*statements, (asked, traits["promise"], pd.NaT)], key=lambda s: s[0])
    return _finish(row | {"statements": statements, "family_statements": []}, models)


def _finish(row: dict[str, Any], models: pd.DataFrame) -> pd.DataFrame:
    """A row of the view's form, with its follow-up."""
    frame = pd.DataFrame([row], columns=models.columns).astype(models.dtypes.to_dict())
    a = models.attrs
    frame = followed(frame, pd.Timestamp(a["as_of"]), pd.Timestamp(a["searched_through"]), a["follow_up"])
    frame.attrs = a
    return frame
