"""What if a model were opened, promised, withdrawn, or came out closed? By importance weights, or by a new fit."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from forecast.errors import ForecastError, QuestionError, TableError
from forecast.model.arrivals import fit_arrivals
from forecast.model.design import Design
from forecast.model.ensemble import Ensemble
from forecast.model.posterior import Posterior
from forecast.model.predict import model_forecasts
from forecast.model.reweigh import change_between, reweighed, segments_in
from forecast.record.answers import Desk
from forecast.record.changes import Words
from forecast.record.questions import Question, word_of
from forecast.record.recorder import open_questions
from forecast.record.subjects import happened, members_of, subject_rows
from forecast.release import GRID_DAYS
from forecast.tables.book import Book, Change
from forecast.tables.check import check_tables
from forecast.tables.episodes import Target, Unit
from forecast.tables.paths import Home
from forecast.tables.replace import beyond, copy_tables, without_place

#: Where a supposed fact stands in the tables.
SOURCE = "https://example.org/supposed"


@dataclass(frozen=True)
class Supposed:
    """One thing to suppose: what happens to which model on which day."""

    text: str
    verb: str
    name: str
    on: dt.date
    rest: tuple[str, ...]


@dataclass(frozen=True)
class Moved:
    """A question under the supposition.

    Attributes
    ----------
    question : str
    without, supposed : dict of str to float
        Probability of each word on the day, without and with what is supposed.
    pareto_k : float or None
        Of the importance weights; None where it was fitted anew or nothing is left to forecast.
    how : {"weights", "fit", "answered"}
    """

    question: str
    without: Words
    supposed: Words
    pareto_k: float | None
    how: Literal["weights", "fit", "answered"]


@dataclass(frozen=True)
class WhatIf:
    """What ``forecast what-if`` says: the day it is said for, what is supposed, and every question."""

    day: dt.date
    supposed: tuple[str, ...]
    questions: tuple[Moved, ...]

    def as_json(self) -> dict[str, Any]:
        """JSON values, by name; a k of weights that are all alike is null."""
        rows = [asdict(moved) for moved in self.questions]
        for row in rows:
            k = row["pareto_k"]
            row["pareto_k"] = k if k is not None and k > float("-inf") else None
        return {"as_of": self.day.isoformat(), "supposed": list(self.supposed), "questions": rows}


def what_if(desk: Desk, texts: Sequence[str], names: Sequence[str] = (), refit: bool = False) -> WhatIf:
    """Forecast under suppositions, on the last of their days, or today if that is later.

    Parameters
    ----------
    desk : Desk
    texts : sequence of str
        As :data:`VERBS` reads them, in order: "open meta-muse-wonder-1.0 2026-12-20".
    names : sequence of str
        Questions; by default the open ones about the organisations of what is supposed, else all
        that are open.
    refit : bool
        Fit anew even where weights would do.

    Raises
    ------
    ForecastError
        If a supposition cannot be read, lies beyond the horizon of a forecast, or the tables could not hold it.
    QuestionError, FitError, CacheError
        As a forecast does.
    """
    supposed = [parse(text) for text in texts]
    _require_within_horizon(supposed, desk.today)
    day = max([desk.today, *(one.on for one in supposed)])
    unknown = [name for name in names if name not in desk.questions]
    if unknown:
        raise QuestionError(f"{unknown[0]!r} is no question of {desk.home.questions}: 'forecast questions' lists them")
    with tempfile.TemporaryDirectory() as folder:
        home = _supposed_home(desk.home, supposed, Path(folder))
        plain = desk if day == desk.today else desk.beside(desk.home, day)
        other = desk.beside(home, day)
        asked = [desk.questions[name] for name in names] or _concerned(desk, other, supposed)
        return WhatIf(day, tuple(texts), tuple(_Seer(desk, plain, other, refit).moved(asked)))


def _require_within_horizon(supposed: Sequence[Supposed], today: dt.date) -> None:
    last = today + dt.timedelta(days=int(GRID_DAYS[-1]))
    for one in supposed:
        if one.on > last:
            raise ForecastError(f"cannot suppose {one.text!r}: a forecast ends ten years from now, on {last}")


def parse(text: str) -> Supposed:
    """Read a supposition.

    Raises
    ------
    ForecastError
        With the forms that there are.
    """
    words = text.split()
    try:
        verb, name, on, *rest = words
        found = Supposed(text, verb, name, dt.date.fromisoformat(on), tuple(rest))
        form = VERBS[verb]
    except (ValueError, KeyError):
        forms = "; ".join(form.usage for form in VERBS.values())
        raise ForecastError(f"cannot suppose {text!r}: say {forms}") from None
    if not form.fits(found.rest):
        raise ForecastError(f"cannot suppose {text!r}: say {form.usage}")
    return found


@dataclass(frozen=True)
class Verb:
    """One thing that can be supposed: how it is said, what may follow the day, what it enters."""

    usage: str
    fits: Callable[[tuple[str, ...]], bool]
    enter: Callable[[Book, Supposed], Change]


def _promise(book: Book, one: Supposed) -> Change:
    cells = {"said_on": one.on.isoformat(), "known_on": one.on.isoformat(), "kind": "vague"}
    if one.rest:
        cells |= {"kind": "dated", "due_from": one.rest[1], "due_to": one.rest[1]}
    return book.promise(one.name, cells | {"words": "supposed", "source_url": SOURCE})


def _debut(book: Book, one: Supposed) -> Change:
    like = book.episodes.rows[book.position(one.rest[1])]
    kept = (
        "family",
        "organization",
        "org_country",
        "org_type",
        "domain",
        "modality",
        "flagship",
        "closed_how",
        "confidence",
    )
    cells = {column: like[column] for column in kept} | {"episode_id": one.name, "model": one.name}
    return book.debut(book.with_defaults(cells | {"closed_on": one.on.isoformat(), "closed_source_url": SOURCE}))


def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


#: What can be supposed, by its first word.
VERBS: dict[str, Verb] = {
    "open": Verb(
        "'open ID DAY [part]'",
        lambda rest: rest in ((), ("part",)),
        lambda book, s: book.open(s.name, s.on, SOURCE, part=bool(s.rest)),
    ),
    "close": Verb(
        "'close ID DAY' (its opening had not happened)",
        lambda rest: not rest,
        lambda book, s: book.close(s.name, s.on, SOURCE, "supposed"),
    ),
    "withdraw": Verb(
        "'withdraw ID DAY'", lambda rest: not rest, lambda book, s: book.end(s.name, "withdrawn", s.on, SOURCE)
    ),
    "leak": Verb("'leak ID DAY'", lambda rest: not rest, lambda book, s: book.end(s.name, "leaked", s.on, SOURCE)),
    "promise": Verb(
        "'promise ID DAY [by DAY]'",
        lambda rest: not rest or (len(rest) == 2 and rest[0] == "by" and _is_day(rest[1])),
        _promise,
    ),
    "add": Verb("'add NEW-ID DAY like ID' (a closed debut)", lambda rest: len(rest) == 2 and rest[0] == "like", _debut),
}


class _Seer:
    """Posteriors with and without what is supposed, made once a unit and target."""

    def __init__(self, desk: Desk, plain: Desk, other: Desk, refit: bool) -> None:
        self.desk, self.plain, self.other, self.refit = desk, plain, other, refit
        self._known: dict[tuple[Any, ...], tuple[Ensemble, float | None]] = {}
        self._read: dict[tuple[Any, ...], Mapping[str, Design]] = {}

    def moved(self, questions: Sequence[Question]) -> list[Moved]:
        without = self._words(questions, self.plain)
        outcomes = {q.id: happened(q, self.other.views, self.other.today) for q in questions}
        supposed = self._words([q for q in questions if outcomes[q.id] is None], self.other)
        found = []
        for question in questions:
            before, outcome = without[question.id], outcomes[question.id]
            if outcome is None:
                pareto_k = self._posterior(question, self.other)[1]
                how: Literal["weights", "fit"] = "fit" if pareto_k is None else "weights"
                found.append(Moved(question.id, before, supposed[question.id], pareto_k, how))
            else:
                true = dict.fromkeys(before, 0.0) | {word_of(question, outcome.day): 1.0}
                found.append(Moved(question.id, before, true, None, "answered"))
        return found

    def _words(self, questions: Sequence[Question], desk: Desk) -> dict[str, Words]:
        """Forecasts of all questions in words; those of one unit and target in one go."""
        found: dict[str, Words] = {}
        for key in dict.fromkeys((q.unit, q.target) for q in questions):
            mine = [q for q in questions if (q.unit, q.target) == key]
            view = desk.views.on(desk.today, key[0])
            rows = subject_rows(mine, desk.views, desk.today)
            forecasts = model_forecasts(self._posterior(mine[0], desk)[0], view, key[1], rows)
            found |= {q.id: f.words(q.asked_on) for q, f in zip(mine, forecasts, strict=True)}
        return found

    def _posterior(self, question: Question, desk: Desk) -> tuple[Ensemble, float | None]:
        """The desk's posterior: the cached one of today weighted, or, where weights fail, a fit."""
        key = (desk is self.other, question.unit, question.target)
        if key not in self._known:
            self._known[key] = self._weighted(question, desk)
        return self._known[key]

    def _weighted(self, question: Question, desk: Desk) -> tuple[Ensemble, float | None]:
        unit, target = question.unit, question.target
        if not (self.refit and desk is self.other):
            ensemble = self.desk.posterior(self.desk.today, unit, target)
            change = change_between(*(self._segments(d, ensemble.first, unit, target) for d in (self.desk, desk)))
            arrivals = fit_arrivals(desk.views.on(desk.today, unit), target, desk.priors.arrival)
            weighted, pareto_k, trusted = reweighed(ensemble, change, arrivals)
            if trusted:
                return weighted, pareto_k
        return desk.posterior(desk.today, unit, target), None

    def _segments(self, desk: Desk, posterior: Posterior, unit: Unit, target: Target) -> Mapping[str, Design]:
        key = (id(desk), unit, target)
        if key not in self._read:
            self._read[key] = segments_in(posterior, desk.views.on(desk.today, unit), target, desk.priors.programs)
        return self._read[key]


def _supposed_home(home: Home, supposed: Sequence[Supposed], folder: Path) -> Home:
    """A copy of the home in which what is supposed has happened; refused where the tables could not hold it."""
    data = folder / "data"
    data.mkdir()
    copy_tables(home.data, data)
    for one in supposed:
        with _said_of(one, data, home.data):
            change = VERBS[one.verb].enter(Book(data), one)
            for edit in change.edits:
                edit.file.write_bytes(edit.after)
            _require_sound(data, home.data)
    return Home(data)


def _require_sound(copy: Path, data: Path) -> None:
    """Refuse, with the first of them, problems that the tables do not have already."""
    found = [line.replace(str(copy), str(data)) for line in check_tables(copy)[1]]
    new = beyond(check_tables(data)[1], found) if found else []
    if new:
        raise TableError([without_place(new[0])])


@contextmanager
def _said_of(one: Supposed, copy: Path, data: Path) -> Iterator[None]:
    """Name the supposition that the tables cannot hold, and the tables by their own name."""
    try:
        yield
    except ForecastError as error:
        raise ForecastError(f"cannot suppose {one.text!r}: {error}".replace(str(copy), str(data))) from None


def _concerned(desk: Desk, other: Desk, supposed: Sequence[Supposed]) -> list[Question]:
    """Open questions about the organisations that the suppositions are about; all that are open where there is none."""
    models = other.views.on(other.today)
    told = models[models.episode_id.isin([s.name for s in supposed]) | models.family.isin([s.name for s in supposed])]
    asked = open_questions(desk, desk.today)
    rows = {q.id: members_of(q, models) for q in asked}
    return [q for q in asked if rows[q.id].organization.isin(told.organization).any()] or asked
