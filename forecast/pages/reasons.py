"""An explanation as finished tables, for terminal and site."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from forecast.model.covariates import COVARIATES
from forecast.model.explain import Step
from forecast.record.explanation import Explanation
from forecast.record.similar import Similar

_LABELS = {
    "base": "base rate",
    "modality": "modality",
    "organization": "organisation",
    "promise": "promise",
    "survived": "closed so far",
    "unchecked": "since the last check",
}

#: How to read the steps.
NOTES = (
    "base rate: a model by an organisation and of a modality never seen, without a promise, on the day of its debut",
    "that a promise may still come is part of every step without one",
    "a change is in points of P, a mean over the posterior; below one point it may be chance",
    "each step comes on top of those above it: another order would share the same total out differently",
)


def steps_table(found: Explanation) -> pd.DataFrame:
    """The steps from the base rate to the forecast; covariates at their reference change nothing and are left out.

    Returns
    -------
    pandas.DataFrame
        ``step``, ``value`` (of this row), ``prob`` after the step, ``points`` that it adds
        ("" for the base) and what it does in a ``word``.
    """
    rows = [
        (_label(step), _value(step, found), step.prob, *(("", "") if step.name == "base" else _change(step.change)))
        for step in found.steps
        if step.name not in COVARIATES or step.value
    ]
    return pd.DataFrame(rows, columns=["step", "value", "prob", "points", "word"])


def steps_notes(found: Explanation) -> list[str]:
    """How to read the steps, and what was left out of them."""
    same = [COVARIATES[s.name].description for s in found.steps if s.name in COVARIATES and not s.value]
    return [*NOTES, *([f"not so here, so without effect: {'; '.join(same)}"] if same else [])]


def similar_table(found: Explanation) -> pd.DataFrame:
    """The most similar episodes: ``episode``, ``model``, ``debut``, ``promise``, ``became`` (of it), ``distance``."""
    rows = [(s.episode_id, s.model, s.closed_on, s.promise, _became(s), s.distance) for s in found.similar]
    return pd.DataFrame(rows, columns=["episode", "model", "debut", "promise", "became", "distance"])


def _label(step: Step) -> str:
    return COVARIATES[step.name].description if step.name in COVARIATES else _LABELS[step.name]


def _value(step: Step, found: Explanation) -> str:
    if step.name == "survived":
        return f"about {step.value:.0f} days, to {_survived_to(found)}"
    if step.name == "unchecked":
        return f"{step.value:.0f} days"
    if isinstance(step.value, str):
        return step.value
    if step.name == "year":
        return f"{found.closed_on} ({step.value:.2f})"
    return "yes" if step.value == 1 else f"{step.value:.2f}"


def _survived_to(found: Explanation) -> dt.date:
    """The day of the forecast, but for the days that count as unchecked."""
    return found.answer.forecast.made_on - dt.timedelta(days=float(found.steps[-1].value))


def _change(change: float) -> tuple[str, str]:
    """Points of probability, and in a word."""
    points = f"{100 * change:+.1f}"
    if float(points) == 0:
        return "0.0", "no change" if change == 0 else "hardly any change"
    return points, "raises" if change > 0 else "lowers"


def _became(one: Similar) -> str:
    return f"{one.outcome} {'after' if one.outcome.startswith('opened') else 'for'} {one.days} days"
