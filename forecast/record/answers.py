"""An answer: a question, the day it is answered for, the forecast, and what happened."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.errors import QuestionError
from forecast.model.ensemble import Ensemble
from forecast.model.fit import Settings, ensemble_for
from forecast.model.predict import model_forecasts
from forecast.model.priors import read_priors
from forecast.model.sampler import Progress
from forecast.record.questions import Question, find_question, read_questions
from forecast.record.subjects import Happened, Views, happened, members_of, subject_row
from forecast.release import HORIZON_DAYS, ReleaseForecast
from forecast.tables.episodes import FollowUp, Target, Unit, open_window
from forecast.tables.hashes import data_sha256, input_hashes
from forecast.tables.paths import Home, find_home, utc_today

#: Posteriors that a desk holds at once.
_KEPT = 8


@dataclass(frozen=True, eq=False)
class Answer:
    """What the model says about a question on a day.

    Attributes
    ----------
    question : Question
    forecast : ReleaseForecast
        Made on the day answered for; with draws.
    asked_on : datetime.date
        Where weeks, months and years are counted from.
    status : str
        "closed", "withdrawn", "leaked", "open in part" or "resolved"; with " (hindcast)" for
        a day in the past.
    days_gone : int
        From the debut to the making.
    prob_365_surely : float
        P(open within 365 days) if nothing were never opened: how much rests on the never fraction.
    happened : Happened or None
        What came of it, as known today.
    follow_up : str
    posterior : Ensemble
    data_sha256 : str
    """

    question: Question
    forecast: ReleaseForecast
    asked_on: dt.date
    status: str
    days_gone: int
    prob_365_surely: float
    happened: Happened | None
    follow_up: FollowUp
    posterior: Ensemble
    data_sha256: str

    @property
    def hindcast(self) -> bool:
        """Whether it is about the past."""
        return self.status.endswith("(hindcast)")

    def as_json(self) -> dict[str, Any]:
        """The object that ``forecast predict --json`` prints; days as YYYY-MM-DD."""
        f, words = self.forecast, self.forecast.words(self.asked_on)
        never = f.word_intervals(self.asked_on)["never"]
        return {
            "question": self.question.id,
            "as_of": f.made_on.isoformat(),
            "asked_on": self.asked_on.isoformat(),
            "unit": self.question.unit,
            "target": self.question.target,
            "status": self.status,
            "days_gone": self.days_gone,
            **{f"p_{word}": p for word, p in words.items()},
            "p_open_within": {str(h): float(f.prob_by(h)) for h in HORIZON_DAYS},
            "p_full": float(f.cdf_full[-1]),
            "p_part": float(f.cdf_part[-1]),
            "opens_on_median": f.opens_on(0.5).isoformat(),
            "opens_on_80": [f.opens_on(q).isoformat() for q in (0.1, 0.9)],
            "p_never_90": list(never),
            "p_never_structural": f.p_never_structural,
            "follow_up": self.follow_up,
            "diagnostics": self.posterior.diagnostics.as_json(),
            "model": self.posterior.latency,
            "seed": self.posterior.first.seed,
            "data_sha256": self.data_sha256,
            "happened": None if self.happened is None else _happened_json(self.happened),
        }


class Desk:
    """Where questions are answered: one home, one follow-up rule, one set of settings.

    Parameters
    ----------
    home : Home, str or pathlib.Path, optional
        As in :func:`forecast.tables.paths.find_home`.
    follow_up : {"silence", "evidence"}
    settings : Settings, optional
    today : datetime.date, optional
        The UTC day by default.
    cache : pathlib.Path, optional
    progress : callable, optional
        Told how far the sampling is.
    priors_file : pathlib.Path, optional
        The home's own by default.
    """

    def __init__(
        self,
        home: Home | str | Path | None = None,
        follow_up: FollowUp = "silence",
        settings: Settings | None = None,
        today: dt.date | None = None,
        cache: Path | None = None,
        progress: Progress | None = None,
        priors_file: Path | None = None,
    ) -> None:
        """Read priors and questions; the table is read when it is needed."""
        self.home = home if isinstance(home, Home) else find_home(home)
        self.settings = settings or Settings()
        self.today = today or utc_today()
        self.input_hashes = input_hashes(self.home)  # before anything is read: what is made from it bears them
        self.views = Views(self.home.episodes, follow_up)
        self.priors_file = priors_file or self.home.priors
        self.priors = read_priors(self.priors_file)
        self.questions = read_questions(self.home.questions)
        self.cache, self.progress = cache, progress
        self._posteriors: dict[tuple[dt.date, Unit, Target], Ensemble] = {}

    def beside(
        self,
        home: Home,
        today: dt.date,
        follow_up: FollowUp | None = None,
        seed: int | None = None,
        priors_file: Path | None = None,
    ) -> Desk:
        """A desk of other tables, on a day that may lie ahead; what is not given is as here."""
        settings = self.settings if seed is None else replace(self.settings, seed=seed)
        rule, priors = follow_up or self.views.follow_up, priors_file or self.priors_file
        return Desk(home, rule, settings, today, self.cache, self.progress, priors)

    def question(self, name: str | None = None, target: Target = "any") -> Question:
        """A question by its id, or by that of an episode or a family; the file's first one by default.

        Raises
        ------
        QuestionError
            If the name is none of these.
        """
        if name is None:
            if not self.questions:
                raise QuestionError(f"{self.home.questions} asks nothing: name an episode or a family")
            name = next(iter(self.questions))
        return find_question(name, self.questions, self.views.on(self.today), target)

    def day(self, as_of: dt.date | None = None) -> dt.date:
        """The day to answer for, today by default.

        Raises
        ------
        QuestionError
            If it lies in the future.
        """
        day = as_of or self.today
        if day > self.today:
            raise QuestionError(f"{day} is in the future (today is {self.today}, UTC): give a day up to today")
        return day

    def posterior(self, as_of: dt.date, unit: Unit = "model", target: Target = "any") -> Ensemble:
        """The posterior of the table as known on a day, one a family; priors and settings must not change any more."""
        key = (as_of, unit, target)
        if key not in self._posteriors:
            if len(self._posteriors) == _KEPT:  # each is some megabytes
                self._posteriors.pop(next(iter(self._posteriors)))
            view = self.views.on(as_of, unit)
            self._posteriors[key] = ensemble_for(view, target, self.priors, self.settings, self.cache, self.progress)
        return self._posteriors[key]

    def answer(self, name: str | None = None, as_of: dt.date | None = None, target: Target | None = None) -> Answer:
        """Answer a question as of a day; one that is resolved by then, as of its asking.

        Parameters
        ----------
        name : str, optional
            Question, episode or family; the file's first question by default.
        as_of : datetime.date, optional
            Today by default.
        target : {"any", "full"}, optional
            Another one than the question's own is asked of its episode.

        Raises
        ------
        QuestionError
            If the name is unknown, the day lies in the future, or nothing was closed on it.
        TableError, FitError, CacheError
            If the data cannot be read, the model not be fitted, the fit not be kept.
        """
        question, day = self.question(name, target or "any"), self.day(as_of)
        other_target = target is not None and target != question.target
        not_asked_yet = day < question.asked_on and question.stub is None
        if name in question.members and (other_target or not_asked_yet):  # then ask the episode of that name
            question = find_question(name, {}, self.views.on(self.today), target or "any")
        elif other_target:
            raise QuestionError(
                f"question {question.id} has target {question.target}: ask an episode or a family instead"
            )
        self.views.on(day)  # a day before the first row is an error whatever is asked
        outcome = happened(question, self.views, self.today)
        resolved = outcome is not None and outcome.known_on <= day
        asked = question.asked_on if question is self.questions.get(question.id) else None
        made_on = (asked or self._debut(question)) if resolved else day
        row = subject_row(question.model_copy(update={"asked_on": asked or made_on}), self.views, made_on)
        view = self.views.on(made_on, question.unit)
        posterior = self.posterior(made_on, question.unit, question.target)
        forecast, surely = (
            next(model_forecasts(posterior, view, question.target, row, surely=s)) for s in (False, True)
        )
        return Answer(
            question=question,
            forecast=forecast,
            asked_on=asked or made_on,
            status=_status(row.iloc[0], resolved, made_on < self.today),
            days_gone=max((pd.Timestamp(made_on) - row.iloc[0].closed_on).days, 0),
            prob_365_surely=float(surely.prob_by(365)),
            happened=outcome,
            follow_up=self.views.follow_up,
            posterior=posterior,
            data_sha256=data_sha256(self.home),
        )

    def ranking(self, as_of: dt.date | None = None, target: Target = "any") -> list[dict[str, Any]]:
        """Every AI episode that is still closed, the likeliest to open within a year first.

        Returns
        -------
        list of dict
            ``episode_id``, ``model``, ``organization``, ``closed_on``, ``promise``, ``status``,
            P(open) within 90 and 365 days, P(never) and the last day checked.
        """
        day = self.day(as_of)
        view = self.views.on(day)
        closed = view[(view.domain == "ai_model") & open_window(view, target).open_last.isna()]
        posterior = self.posterior(day, "model", target)
        forecasts = model_forecasts(posterior, view, target, closed)
        rows = [
            {
                "episode_id": row.episode_id,
                "model": row.model,
                "organization": row.organization,
                "closed_on": row.closed_on.date(),
                "promise": row.promise,
                "status": _status(row, resolved=False, past=False),
                "p_open_within_90": float(forecast.prob_by(90)),
                "p_open_within_365": float(forecast.prob_by(365)),
                "p_never": forecast.words(day)["never"],
                "last_checked": forecast.last_checked,
            }
            for (_, row), forecast in zip(closed.iterrows(), forecasts, strict=True)
        ]
        return sorted(rows, key=lambda r: -r["p_open_within_365"])

    def _debut(self, question: Question) -> dt.date:
        """Day on which the first member was known to be closed: a resolved episode is forecast from it."""
        rows = members_of(question, self.views.on(self.today))
        day: dt.date = rows.closed_last.min().date()
        return day


def _status(row: Any, resolved: bool, past: bool) -> str:
    ends = {"leaked": row.leaked_on, "withdrawn": row.withdrawn_on, "open in part": row.part_last}
    now = next((name for name, day in ends.items() if not pd.isna(day)), "closed")
    return ("resolved" if resolved else now) + (" (hindcast)" if past else "")


def _happened_json(outcome: Happened) -> dict[str, Any]:
    return {"day": outcome.day.isoformat(), "kind": outcome.kind, "what": outcome.what}
