"""Why a forecast differs from the last one: the difference, split by replacing one input after the other."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from forecast.model.ensemble import AVERAGE, Ensemble
from forecast.model.latency import LATENCIES
from forecast.model.predict import DRAWS, family_forecasts, model_forecasts
from forecast.model.reweigh import change_between, log_ratios, segments_in
from forecast.record.answers import Desk
from forecast.record.inputs import missing_inputs, restore_inputs
from forecast.record.questions import Question
from forecast.record.records import release_forecast
from forecast.record.subjects import subject_row
from forecast.release import WORD_CUT_DAYS, ReleaseForecast
from forecast.tables.hashes import code_sha256, files_sha256
from forecast.tables.paths import Home

Floats = NDArray[np.float64]

#: The parts of a difference, in the order in which inputs are replaced.
PARTS = ("new_code", "new_priors", "new_data", "time_passed")

WORDS = (*WORD_CUT_DAYS, "never")

#: Rows named under new data.
MOVERS = 5

#: A ledger line keeps seven decimals: a smaller difference under the same code is no difference.
ROUNDING = 1e-6

#: Probability of each word, counted from the day a question was asked.
Words = dict[str, float]


@dataclass(frozen=True)
class Change:
    """What moved the forecast of a question.

    Attributes
    ----------
    question_id : str
    recorded_on : datetime.date or None
        Day of the last forecast; None where there is none.
    before, after : dict of str to float or None
        Probability of each word. Before: None for the first forecast.
    parts : dict of str to dict
        By the names of :data:`PARTS`, or one part ``not_split``; they add up to after - before.
    movers : list of tuple
        Episode and what it did to each word, by importance weights: an estimate.
    remainder : dict of str to float
        New data less the movers.
    note : str
        Why the difference was not split, where it was not.
    """

    question_id: str
    recorded_on: dt.date | None
    before: Words | None
    after: Words
    parts: dict[str, Words]
    movers: list[tuple[str, Words]]
    remainder: Words
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The object of ``forecast update --json``."""
        return {
            "id": self.question_id,
            "recorded_on": self.recorded_on and self.recorded_on.isoformat(),
            "before": self.before,
            "after": self.after,
            "parts": self.parts,
            "movers": [{"episode": name, "change": change} for name, change in self.movers],
            "remainder": self.remainder,
            "note": self.note,
        }


def first_forecast(question: Question, desk: Desk) -> Change:
    """The change of a question that was never forecast."""
    after = _Stage(desk, question, desk.today, desk.today).words()
    return Change(question.id, None, None, after, {}, [], {}, "the first forecast of this question")


def answered(question: Question, body: Mapping[str, Any], word: str) -> Change:
    """The change of a question that was answered since its last forecast: all of it is new data."""
    after = dict.fromkeys(WORDS, 0.0) | {word: 1.0}
    before = _recorded(body)
    news = _less(after, before)
    parts = {name: dict.fromkeys(WORDS, 0.0) for name in PARTS} | {"new_data": news}
    return Change(question.id, _made_on(body), before, after, parts, [], news, "answered")


class Splitter:
    """Splits differences; inputs of the past are laid out, and compared with the present ones, once each.

    Parameters
    ----------
    desk : Desk
        Of the present inputs; its ``today`` is the day to forecast for.
    """

    def __init__(self, desk: Desk) -> None:
        """Begin with nothing laid out."""
        self.desk = desk
        self._priors_sha256 = files_sha256([desk.priors_file])
        self._code_sha256 = code_sha256()
        self._open = ExitStack()
        self._homes: dict[str, Home] = {}
        self._desks: dict[str, Desk] = {}
        self._news: dict[tuple[Any, ...], list[News]] = {}

    def __enter__(self) -> Splitter:
        """Ready."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was laid out."""
        self._open.close()

    def split(self, question: Question, body: Mapping[str, Any]) -> Change:
        r"""Split the difference between a recorded forecast and today's.

        .. math:: F_0 \to F_1 \text{ (code)} \to F_2 \text{ (priors)} \to F_3 \text{ (data)} \to F_4 \text{ (time)}

        F0 is the recorded forecast; F1 the same inputs under the present code; F2 with the present
        priors; F3 with the posterior of the present table as known today, for the row as known and
        on the day of the record; F4 today's. What became known about the row itself counts as new
        data: time is the row of the record, still closed today. What a ledger line rounds off counts
        as new data, too, where the code is the same: a part of unchanged code is exactly 0.

        Parameters
        ----------
        question : Question
        body : mapping
            The ledger line of the last forecast.

        Returns
        -------
        Change
            With one part ``not_split`` where the inputs of the record were not kept.

        Raises
        ------
        LedgerError
            If a copy of the inputs was changed.
        """
        before, day, desk = _recorded(body), _made_on(body), self.desk
        now = _Stage(desk, question, desk.today, desk.today)
        after = now.words()
        missing = missing_inputs(desk.home.ledger, body["hashes"])
        if missing:
            note = f"the {', '.join(missing)} of that forecast were not kept"
            return Change(question.id, day, before, after, {"not_split": _less(after, before)}, [], {}, note)
        old, replaced = self.former(body), self.former(body, present_priors=True)
        asked = old.questions.get(question.id, question)
        same_code = _Stage(old, asked, day, day)
        same_data = same_code if replaced is old else _Stage(replaced, asked, day, day)
        fitted = _Stage(desk, question, day, desk.today)
        learnt, waited = fitted.words(), now.words(_still_closed(fitted.row, now.row))
        code = _less(same_code.words(), before)
        rounded = self._rounded_off(body, code)
        parts = {
            "new_code": _less(code, rounded),
            "new_priors": _less(same_data.words(), same_code.words()),
            "new_data": _plus(rounded, _plus(_less(learnt, same_data.words()), _less(after, waited))),
            "time_passed": _less(waited, learnt),
        }
        movers, left = self._movers(same_data, now), parts["new_data"]
        for _, change in movers:
            left = _less(left, change)
        return Change(question.id, day, before, after, parts, movers, left)

    def _rounded_off(self, body: Mapping[str, Any], code: Words) -> Words:
        """What a part of new code owes to the decimals of the record: all of it where the code is the same."""
        same = body["hashes"].get("code") == self._code_sha256
        small = max(map(abs, code.values())) < ROUNDING
        return code if same and small else dict.fromkeys(code, 0.0)

    def former(self, body: Mapping[str, Any], present_priors: bool = False) -> Desk:
        """A desk of a recorded forecast's inputs, day, seed and family; with its priors and family or the present ones.

        Raises
        ------
        LedgerError
            If they were not kept, or a copy was changed.
        """
        latency = body["model"] if body["model"] in LATENCIES else AVERAGE
        same = body["hashes"]["priors"] == self._priors_sha256 and latency == self.desk.settings.latency
        replaced = present_priors and not same
        key = json.dumps([body["hashes"], body["made_on"], body["follow_up"], body["seed"], latency, replaced])
        if key not in self._desks:
            home = self._laid_out(body["hashes"])
            priors = self.desk.priors_file if replaced else home.priors
            desk = self.desk.beside(home, _made_on(body), body["follow_up"], body["seed"], priors)
            if not replaced:
                desk.settings = replace(desk.settings, latency=latency)
            self._desks[key] = desk
        return self._desks[key]

    def _laid_out(self, hashes: Mapping[str, str]) -> Home:
        key = json.dumps(hashes)
        if key not in self._homes:
            folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
            self._homes[key] = restore_inputs(self.desk.home.ledger, hashes, folder)
        return self._homes[key]

    def _movers(self, before: _Stage, after: _Stage) -> list[tuple[str, Words]]:
        """The rows whose news move the forecast of the record most."""
        key = (id(before.desk), before.question.unit, before.question.target)
        if key not in self._news:
            self._news[key] = news_between(
                before.posterior.thinned(DRAWS), before.view, after.view, before.desk.priors.programs
            )
        found: dict[str, Floats] = {}
        for news, drawn in zip(self._news[key], before.drawn(), strict=True):
            moved = news.weight * (news.shares.T @ drawn - drawn.mean(axis=0))
            for name, by_word in zip(news.episode_ids, moved, strict=True):
                found[name] = found.get(name, np.zeros(len(WORDS))) + by_word
        most = sorted(found, key=lambda name: -np.abs(found[name]).max())[:MOVERS]
        return [(name, dict(zip(WORDS, found[name].tolist(), strict=True))) for name in most]


@dataclass(frozen=True)
class News:
    """What a changed table says about each episode, to one family.

    Attributes
    ----------
    weight : float
        Of the family.
    episode_ids : tuple of str
    shares : array of shape (draws, episodes)
        Importance of each draw if the news of that episode alone were known; columns add up to 1.
    """

    weight: float
    episode_ids: tuple[str, ...]
    shares: Floats


def news_between(ensemble: Ensemble, before: pd.DataFrame, after: pd.DataFrame, programs: bool) -> list[News]:
    """News of every episode that two views tell differently, one entry a family."""
    first = ensemble.first
    change = change_between(*(segments_in(first, view, first.target, programs) for view in (before, after)))
    found = []
    for member, weight in zip(ensemble.members, ensemble.weights, strict=True):
        shares = softmax(log_ratios(member, change), axis=0)
        found.append(News(weight, change.episode_ids, shares))
    return found


class _Stage:
    """One state of the inputs: a row as known on a day, seen by the posterior of a table as known on another."""

    def __init__(self, desk: Desk, question: Question, day: dt.date, fitted_on: dt.date) -> None:
        self.desk, self.question = desk, question
        self.posterior = desk.posterior(fitted_on, question.unit, question.target)
        view = desk.views.on(fitted_on, question.unit)
        self.view = view.copy(deep=False)
        self.view.attrs = view.attrs | {"as_of": day}
        self.row = self._mine(subject_row(question, desk.views, day))

    @cached_property
    def _own(self) -> tuple[ReleaseForecast, list[ReleaseForecast]]:
        """Forecast of its row by all families, and by each."""
        return next(family_forecasts(self.posterior, self.view, self.question.target, self.row))

    def words(self, row: pd.DataFrame | None = None) -> Words:
        """Forecast of its row, or of another one."""
        if row is None:
            return self._own[0].words(self.question.asked_on)
        forecast = next(model_forecasts(self.posterior, self.view, self.question.target, self._mine(row)))
        return forecast.words(self.question.asked_on)

    def drawn(self) -> list[Floats]:
        """Words under each draw, one entry a family."""
        return [part.word_draws(self.question.asked_on) for part in self._own[1]]

    def _mine(self, row: pd.DataFrame) -> pd.DataFrame:
        row = row.copy(deep=False)
        row.attrs = self.view.attrs
        return row


def _still_closed(then: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """The row of the record, closed for as long as today's is."""
    return then.assign(closed_through=max(now.iloc[0].closed_through, then.iloc[0].closed_through))


def _made_on(body: Mapping[str, Any]) -> dt.date:
    return dt.date.fromisoformat(body["made_on"])


def _recorded(body: Mapping[str, Any]) -> Words:
    return release_forecast(body).words(dt.date.fromisoformat(body["asked_on"]))


def _less(one: Words, other: Words) -> Words:
    return {name: one[name] - other[name] for name in one}


def _plus(one: Words, other: Words) -> Words:
    return {name: one[name] + other[name] for name in one}
