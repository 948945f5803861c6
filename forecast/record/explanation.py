"""An explanation: an answer step by step from the base rate, and the past episodes most like it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from forecast.errors import QuestionError
from forecast.model.explain import ORDER, Step, explain
from forecast.record.answers import Answer, Desk
from forecast.record.similar import Similar, similar_episodes
from forecast.record.subjects import subject_row
from forecast.release import GRID_DAYS
from forecast.tables.episodes import Target


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why an answer is what it is.

    Attributes
    ----------
    answer : Answer
    closed_on : datetime.date
        Debut of the row.
    debut_window : tuple of datetime.date
        First and last day on which it may have been.
    horizon_days : int
        The steps are about P(open within as many days of the making).
    steps : list of Step
        The last one's probability is the answer's.
    similar : list of Similar
        Most similar first, as known on the day of the making.
    """

    answer: Answer
    closed_on: dt.date
    debut_window: tuple[dt.date, dt.date]
    horizon_days: int
    steps: list[Step]
    similar: list[Similar]

    @property
    def prob(self) -> float:
        """P(open within the horizon)."""
        return self.steps[-1].prob

    def as_json(self) -> dict[str, Any]:
        """The object that ``forecast explain --json`` prints."""
        a = self.answer
        return {
            "episode": a.forecast.target_id,
            "as_of": a.forecast.made_on.isoformat(),
            "target": a.question.target,
            "status": a.status,
            "closed_on": self.closed_on.isoformat(),
            "horizon_days": self.horizon_days,
            "order": list(ORDER),
            "steps": [{"step": s.name, "value": s.value, "prob": s.prob, "change": s.change} for s in self.steps],
            "prob": self.prob,
            "similar": [s.as_json() for s in self.similar],
            "follow_up": a.follow_up,
            "model": a.posterior.latency,
            "seed": a.posterior.first.seed,
            "data_sha256": a.data_sha256,
        }


def explained(
    desk: Desk, name: str, as_of: dt.date | None = None, target: Target | None = None, horizon_days: int = 365
) -> Explanation:
    """Answer a question as :meth:`Desk.answer` does, and say why.

    Parameters
    ----------
    desk : Desk
    name : str
        Episode, family or question.
    as_of : datetime.date, optional
        Today by default; what is resolved by then is explained as of its debut, or its asking.
    target : {"any", "full"}, optional
    horizon_days : int
        From 1 to the end of the grid.

    Raises
    ------
    QuestionError
        If the horizon is out of range, or as :meth:`Desk.answer` does.
    """
    longest = int(GRID_DAYS[-1])
    if not 1 <= horizon_days <= longest:
        raise QuestionError(f"a horizon of {horizon_days} days: must be from 1 to {longest}")
    answer = desk.answer(name, as_of, target)
    question, made_on = answer.question, answer.forecast.made_on
    row = subject_row(question.model_copy(update={"asked_on": answer.asked_on}), desk.views, made_on)
    view = desk.views.on(made_on, question.unit)
    debut = row.iloc[0]
    return Explanation(
        answer=answer,
        closed_on=debut.closed_on.date(),
        debut_window=(debut.closed_first.date(), debut.closed_last.date()),
        horizon_days=horizon_days,
        steps=explain(answer.posterior, view, row, horizon_days),
        similar=similar_episodes(view, question.target, row),
    )
