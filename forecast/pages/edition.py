"""What an edition of the site says, as finished tables: gathered once, before anything is drawn or written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pandas as pd

from forecast.errors import FitError, QuestionError
from forecast.model.baselines import BASELINES
from forecast.pages.tables import curve_table, said_table
from forecast.record import ledger
from forecast.record.answers import Desk
from forecast.record.changes import WORDS
from forecast.record.explanation import Explanation, explained
from forecast.record.questions import Question, word_of
from forecast.record.records import release_forecast
from forecast.record.score_table import resolutions, score_table
from forecast.record.scoreboard import scoreboard
from forecast.record.subjects import Happened, happened, members_of, subject_rows
from forecast.record.update import FORECASTER
from forecast.release import HORIZON_DAYS, ReleaseForecast
from forecast.tables.episodes import Target, Unit, open_window
from forecast.tables.hashes import data_sha256

#: Told what is being worked on, and its share of all.
Tell = Callable[[str, float], None]

_WORD_COLUMNS = ["forecaster", "made_on", *WORDS, "prob"]


@dataclass(frozen=True, eq=False)
class Leaf:
    """All that the page of a question says.

    Attributes
    ----------
    question : Question
    organization : str
        Whose models it is about, as far as known.
    forecast : ReleaseForecast or None
        Of the edition's day; of the asking day, from the ledger, where the question is answered.
        None where the model says nothing, for a ``reason``.
    explanation : Explanation or None
    happened : Happened or None
    words : pandas.DataFrame
        ``forecaster``, ``made_on``, the words and ``prob``, P(open within 365 days of the making):
        the model, the baselines, other people's last word.
    history : pandas.DataFrame
        The model's forecasts: ``made_on``, the words, ``prob``.
    sources : list of tuple
        What a page is about, and its address.
    reason : str
    """

    question: Question
    organization: str
    forecast: ReleaseForecast | None
    explanation: Explanation | None
    happened: Happened | None
    words: pd.DataFrame
    history: pd.DataFrame
    sources: list[tuple[str, str]]
    reason: str = ""

    @property
    def status(self) -> str:
        """Answered with a word, or where its row stands."""
        if self.happened:
            return f"answered: {word_of(self.question, self.happened.day)}"
        return self.explanation.answer.status if self.explanation else "open"

    @property
    def hindcast(self) -> bool:
        """Whether its forecast was made after the day that it is about."""
        return self.happened is not None

    @property
    def own_words(self) -> dict[str, float]:
        """Probability of each word, counted from the asking day; empty without a forecast."""
        return self.forecast.words(self.question.asked_on) if self.forecast else {}

    @cached_property
    def curve(self) -> pd.DataFrame:
        """P(open by a day), with its band where there are draws."""
        return curve_table(self.forecast) if self.forecast else pd.DataFrame()

    @property
    def marks(self) -> dict[str, dt.date]:
        """Days to mark in the curve."""
        made = {"asked": self.question.asked_on}
        return made | ({f"opened in {self.happened.kind}": self.happened.day} if self.happened else {})


@dataclass(frozen=True, eq=False)
class Edition:
    """One edition: its day, a leaf a question, and the tables of the front page.

    Attributes
    ----------
    day : datetime.date
    leaves : list of Leaf
        In the order of the questions file.
    league : pandas.DataFrame
        Open questions, the likeliest to be answered within a year first.
    changed : pandas.DataFrame
        Open questions: the model's last live forecast of an earlier day, and that of the day.
    board : pandas.DataFrame
        The scoreboard of the ledger.
    about : dict
        Hashes, ledger heads, diagnostics: what a manifest says.
    """

    day: dt.date
    leaves: Sequence[Leaf]
    league: pd.DataFrame
    changed: pd.DataFrame
    board: pd.DataFrame
    about: dict[str, Any] = field(default_factory=dict)


def gather(desk: Desk, tell: Tell) -> Edition:
    """Forecast every open question, take the answered ones from the ledger, and lay the tables out.

    The file's first question is explained as of its asking even when it is answered.

    Raises
    ------
    TableError, LedgerError, CacheError
        If data or ledger cannot be read, or a fit not be kept.
    """
    questions = [q for q in desk.questions.values() if q.asked_on <= desk.today]
    said = said_table(desk.home.ledger, questions)
    lines = [line.body for line in ledger.read(desk.home.ledger, FORECASTER)]
    told = [b for b in lines if b["kind"] == "forecast" and b["made_on"] <= desk.today.isoformat()]
    recorded = _recorded(told)
    leaves = []
    for n, question in enumerate(questions):
        tell(question.id, n / len(questions))
        leaves.append(_leaf(desk, question, said[said.question_id == question.id], recorded, first=n == 0))
    leaves = _compared(desk, leaves, said)
    states = resolutions(desk.home.ledger, desk.today)
    scores = score_table(desk.home.ledger, desk.today, desk.questions, desk.views.searched_through(desk.today))
    live = [leaf for leaf in leaves if not leaf.happened and leaf.question.id not in states]
    return Edition(
        day=desk.today,
        leaves=leaves,
        league=_league(live),
        changed=_changed(told, live, desk.today),
        board=scoreboard(scores) if len(scores) else pd.DataFrame(),
        about=_about(desk, live),
    )


def _leaf(
    desk: Desk, question: Question, said: pd.DataFrame, recorded: Mapping[str, ReleaseForecast], first: bool
) -> Leaf:
    """Explained afresh where it is open or the first; else as it was recorded."""
    outcome = happened(question, desk.views, desk.today)
    rows = members_of(question, desk.views.on(desk.today))
    explanation, forecast, reason = None, recorded.get(question.id), ""
    if outcome is None or first or forecast is None:
        try:
            explanation = explained(desk, question.id)
            forecast = explanation.answer.forecast
        except (QuestionError, FitError) as error:
            reason = str(error)
    history = said[said.forecaster == FORECASTER].sort_values("made_on")
    stated = question.stub.organization.value if question.stub else ""
    return Leaf(
        question=question,
        organization=", ".join(dict.fromkeys(rows.organization)) or stated,
        forecast=forecast,
        explanation=explanation,
        happened=outcome,
        words=pd.DataFrame(columns=_WORD_COLUMNS),
        history=history.drop(columns=["question_id", "forecaster"]),
        sources=_sources(question, rows, outcome),
        reason=reason,
    )


def _recorded(told: Sequence[Mapping[str, Any]]) -> dict[str, ReleaseForecast]:
    """The model's forecast of each question that was made first, by what the ledger was told."""
    first: dict[str, Mapping[str, Any]] = {}
    for body in sorted(told, key=lambda body: body["made_on"]):  # stable: of one day the first recorded
        first.setdefault(body["question_id"], body)
    return {name: release_forecast(body) for name, body in first.items()}


def _compared(desk: Desk, leaves: Sequence[Leaf], said: pd.DataFrame) -> list[Leaf]:
    """Each leaf's model beside the baselines of the same day, and the last word of everybody else."""
    fresh = [leaf for leaf in leaves if leaf.explanation]
    beside = _baselines(desk, fresh)
    out = []
    for leaf in leaves:
        mine = said[said.question_id == leaf.question.id]
        if leaf.forecast is None:
            out.append(leaf)
            continue
        rows = [_in_words(f, leaf.question) for f in (leaf.forecast, *beside.get(leaf.question.id, []))]
        told = {row["forecaster"] for row in rows} | {FORECASTER}
        same_day = mine[mine.forecaster.isin(BASELINES) & (mine.made_on == leaf.forecast.made_on.isoformat())]
        others = mine[~mine.forecaster.isin(BASELINES)].sort_values("made_on")
        last = pd.concat([same_day, others]).drop_duplicates("forecaster", keep="last")
        rows += last[~last.forecaster.isin(told)].to_dict("records")
        out.append(replace(leaf, words=pd.DataFrame(rows, columns=_WORD_COLUMNS)))
    return out


def _baselines(desk: Desk, leaves: Sequence[Leaf]) -> dict[str, list[ReleaseForecast]]:
    """Forecasts of all baselines, those of one day, unit and target in one go."""
    found: dict[str, list[ReleaseForecast]] = {leaf.question.id: [] for leaf in leaves}
    keys = {leaf.question.id: _key(leaf) for leaf in leaves}
    for key in dict.fromkeys(keys.values()):
        mine = [leaf.question for leaf in leaves if keys[leaf.question.id] == key]
        day, unit, target = key
        view = desk.views.on(day, unit)
        rows = subject_rows(mine, desk.views, day)
        for make in BASELINES.values():
            for question, forecast in zip(mine, make(view, target, rows), strict=True):
                found[question.id].append(forecast)
    return found


def _key(leaf: Leaf) -> tuple[dt.date, Unit, Target]:
    assert leaf.forecast is not None
    return leaf.forecast.made_on, leaf.question.unit, leaf.question.target


def _in_words(forecast: ReleaseForecast, question: Question) -> dict[str, Any]:
    told = {"forecaster": forecast.forecaster, "made_on": forecast.made_on.isoformat()}
    return told | forecast.words(question.asked_on) | {"prob": float(forecast.prob_by(365))}


def _league(live: Sequence[Leaf]) -> pd.DataFrame:
    rows = [
        {
            "question": leaf.question.id,
            "text": leaf.question.text,
            "organization": leaf.organization,
            "asked_on": leaf.question.asked_on,
            "status": leaf.status,
            **{f"p_{h}": float(leaf.forecast.prob_by(h)) for h in HORIZON_DAYS},
            **leaf.own_words,
        }
        for leaf in live
        if leaf.forecast
    ]
    columns = ["question", "text", "organization", "asked_on", "status", *(f"p_{h}" for h in HORIZON_DAYS), *WORDS]
    return pd.DataFrame(rows, columns=columns).sort_values("p_365", ascending=False, ignore_index=True)


def _changed(told: Sequence[Mapping[str, Any]], live: Sequence[Leaf], day: dt.date) -> pd.DataFrame:
    """Of each question the last live forecast of an earlier day beside that of today."""
    last = {b["question_id"]: b for b in told if b["mode"] == "live" and b["made_on"] < day.isoformat()}
    rows = []
    for leaf in live:
        if leaf.forecast and leaf.question.id in last:
            body = last[leaf.question.id]
            before, now = release_forecast(body).words(leaf.question.asked_on), leaf.own_words
            moves = {f"{word}_change": now[word] - before[word] for word in WORDS}
            befores = {f"{word}_before": before[word] for word in WORDS}
            rows.append({"question": leaf.question.id, "since": body["made_on"]} | befores | now | moves)
    names = [f"{word}{end}" for end in ("_before", "", "_change") for word in WORDS]
    return pd.DataFrame(rows, columns=["question", "since", *names])


def _sources(question: Question, rows: pd.DataFrame, outcome: Happened | None) -> list[tuple[str, str]]:
    """Pages behind the question, the debuts and promises of its models, and its answer."""
    found = [("the question", question.source)]
    for row in rows.itertuples():
        found += [
            (f"debut of {row.model}", row.closed_source_url),
            (f"promise about {row.model}", row.promise_source_url),
        ]
    if outcome:
        found.append((outcome.what, outcome.source_url))
    return list({url: (what, url) for what, url in found if isinstance(url, str) and url}.values())


def _about(desk: Desk, live: Sequence[Leaf]) -> dict[str, Any]:
    view = desk.views.on(desk.today)
    models = view.domain == "ai_model"
    fits = {id(a.posterior): a for a in (leaf.explanation.answer for leaf in live if leaf.explanation)}
    return {
        "as_of": desk.today.isoformat(),
        "searched_through": desk.views.searched_through(desk.today).isoformat(),
        "follow_up": desk.views.follow_up,
        "data_sha256": data_sha256(desk.home),
        "ledger_heads": {name: ledger.head(desk.home.ledger, name) for name in ledger.chains(desk.home.ledger)},
        "rows": len(view),
        "ai_models": int(models.sum()),
        "openings": int((open_window(view, "any").open_last.notna() & models).sum()),
        "fits": [a.posterior.diagnostics.as_json() | {"unit": a.question.unit} for a in fits.values()],
    }
