"""The page of a question: its tables laid out, its pictures drawn, its answer as a sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pandas as pd

from forecast.pages.edition import Leaf
from forecast.pages.html import Shown, percent, sentences, shown
from forecast.pages.picture import Picture, themed
from forecast.pages.plots import plot_curve, plot_history, svg_of
from forecast.pages.reasons import similar_table, steps_notes, steps_table
from forecast.record.changes import WORDS
from forecast.record.explanation import Explanation
from forecast.record.questions import word_of
from forecast.record.similar import DISTANCE
from forecast.release import ReleaseForecast

#: Days of the curve that a picture shows at least.
_SHOWN_DAYS = 1095


@dataclass(frozen=True, eq=False)
class LeafPage:
    """A leaf as its template needs it.

    Attributes
    ----------
    leaf : Leaf
    page : str
        Its file, under the site.
    answer : str
        In a sentence.
    words, intervals : dict
        Of each word, its probability; its 90 % interval, where there are draws.
    curve, steps, similar, compared, history : Shown
    pictures : dict of str to Picture
        By file.
    tables : dict of str to pandas.DataFrame
        By file.
    """

    leaf: Leaf
    page: str
    answer: str
    words: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    curve: Shown | None
    steps: Shown | None
    similar: Shown | None
    compared: Shown
    history: Shown
    shown_days: int = _SHOWN_DAYS
    steps_notes: tuple[str, ...] = ()
    distance: str = DISTANCE
    caption: str = ""
    alt: str = ""
    picture: str = ""
    csv: str = ""
    compared_csv: str = ""
    history_picture: str = ""
    history_alt: str = ""
    pictures: dict[str, Picture] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def marks(self) -> str:
        """Days that the curve marks, as JSON: day and name."""
        return json.dumps([[day.isoformat(), name] for name, day in self.leaf.marks.items()])

    @property
    def width(self) -> int:
        """Of its pictures, which are all alike."""
        return next(iter(self.pictures.values())).width

    @property
    def height(self) -> int:
        """Of its pictures."""
        return next(iter(self.pictures.values())).height


def leaf_page(leaf: Leaf, name: str) -> LeafPage:
    """Lay a leaf out.

    Parameters
    ----------
    leaf : Leaf
    name : str
        The question's, as a file's name.
    """
    forecast, found = leaf.forecast, leaf.explanation
    pictures, tables = {}, {}
    curve, shown_days = None, _SHOWN_DAYS
    if forecast:
        frame, shown_days = _curve_of(leaf, forecast)
        curve = _curve_shown(frame)
        tables[f"data/{name}-curve.csv"] = frame
        pictures[f"pictures/{name}.svg"] = themed(svg_of(plot_curve(frame[frame.days <= shown_days], leaf.marks)))
        tables[f"data/{name}-beside.csv"] = leaf.words
    if len(leaf.history) > 1:
        pictures[f"pictures/{name}-history.svg"] = themed(
            svg_of(plot_history(leaf.history.assign(day=pd.to_datetime(leaf.history.made_on))))
        )
    has_history = f"pictures/{name}-history.svg" in pictures
    return LeafPage(
        leaf=leaf,
        page=f"questions/{name}.html",
        answer=answer_in_words(leaf),
        words=leaf.own_words,
        intervals=forecast.word_intervals(leaf.question.asked_on) if forecast else {},
        curve=curve,
        steps=_steps_shown(found) if found else None,
        similar=_similar_shown(found) if found else None,
        compared=_said_shown(leaf.words, forecaster="forecaster", made_on="said on"),
        history=_said_shown(leaf.history, made_on="made on"),
        shown_days=shown_days,
        steps_notes=tuple(steps_notes(found)) if found else (),
        caption=_caption(leaf),
        alt=_alt(leaf),
        picture=f"pictures/{name}.svg" if forecast else "",
        csv=f"data/{name}-curve.csv",
        compared_csv=f"data/{name}-beside.csv",
        history_picture=f"pictures/{name}-history.svg" if has_history else "",
        history_alt=_history_alt(leaf) if has_history else "",
        pictures=pictures,
        tables=tables,
    )


def answer_in_words(leaf: Leaf) -> str:
    """The answer, or the forecast, as sentences."""
    words, forecast = leaf.own_words, leaf.forecast
    if leaf.happened:
        h = leaf.happened
        word, days = word_of(leaf.question, h.day), (h.day - leaf.question.asked_on).days
        happened = f"{word.capitalize()}: {h.what} was opened in {h.kind} on {h.day}, {days} days after the asking."
        if not forecast:
            return happened
        said = ", ".join(f"{name} {percent(p)}" for name, p in words.items())
        return sentences([happened, f"As of {forecast.made_on} the model gave {said} (a hindcast)."])
    if not forecast:
        return f"The model says nothing about it: {leaf.reason}."
    top = max(words, key=lambda name: words[name])
    answer = (
        f"Most likely {top}: {percent(words[top])}." if top != "never" else f"Probably never: {percent(words[top])}."
    )
    within = f"Within 90 days it is opened with {percent(float(forecast.prob_by(90)))}, "
    within += f"within a year with {percent(float(forecast.prob_by(365)))}."
    checked = ""
    if forecast.last_checked and forecast.last_checked < forecast.made_on:
        checked = f"Last checked on {forecast.last_checked}; open since then with {percent(forecast.p_already_open)}."
    return sentences([answer, within, checked])


def _curve_of(leaf: Leaf, forecast: ReleaseForecast) -> tuple[pd.DataFrame, int]:
    """The curve's table with days after the making, and how many days to show."""
    frame = leaf.curve.copy()
    frame.insert(1, "days", (frame.day - pd.Timestamp(forecast.made_on)).dt.days)
    ends = [(day - forecast.made_on).days + 90 for day in leaf.marks.values()]
    return frame, max(_SHOWN_DAYS, *ends)


def _curve_shown(frame: pd.DataFrame) -> Shown:
    titles = {"day": "day", "days": "days after", "p": "P(open)", "low": "90 %: from", "high": "to"}
    return shown(frame, titles, {"days": lambda n: f"{n:.0f}", **dict.fromkeys(("p", "low", "high"), percent)})


def _steps_shown(found: Explanation) -> Shown:
    titles = {"step": "step", "value": "this row", "prob": "P after it", "points": "change, points", "word": "effect"}
    return shown(steps_table(found), titles, {"prob": percent, "points": str})


def _similar_shown(found: Explanation) -> Shown:
    titles = {"model": "model", "debut": "debut", "promise": "promise at this age", "became": "what became of it"}
    return shown(similar_table(found), titles | {"distance": "distance"}, {"distance": lambda d: f"{d:.2f}"})


def _said_shown(frame: pd.DataFrame, **titles: str) -> Shown:
    names = titles | {word: word for word in WORDS} | {"prob": "P within 365 days"}
    return shown(frame, names, dict.fromkeys([*WORDS, "prob"], percent))


def _caption(leaf: Leaf) -> str:
    """What the picture says."""
    f = leaf.forecast
    if f is None:
        return ""
    band = " The band holds 90 % of the posterior." if f.draws else ""
    if leaf.happened:
        by = float(f.prob_by((leaf.happened.day - f.made_on).days))
        return (
            f"As of {f.made_on} (a hindcast) the model gave {percent(by)} to an opening by {leaf.happened.day}, "
            f"the day it came.{band}"
        )
    end = f.opens_on(0.5) if f.cdf[-1] > 0 else None
    half = f" If it opens within ten years, then with even odds by {end}." if end else ""
    return f"P(open) rises to {percent(float(f.prob_by(730)))} within two years.{half}{band}"


def _alt(leaf: Leaf) -> str:
    f = leaf.forecast
    if f is None:
        return ""
    told = ", ".join(f"{percent(float(f.prob_by(h)))} by day {h}" for h in (30, 90, 365, 730))
    return f"Curve of P(open by a day) from {f.made_on}: {told}."


def _history_alt(leaf: Leaf) -> str:
    first, last = leaf.history.iloc[0], leaf.history.iloc[-1]
    return (
        f"The model's words over {len(leaf.history)} forecasts: never went from {percent(first.never)} on "
        f"{first.made_on} to {percent(last.never)} on {last.made_on}."
    )
