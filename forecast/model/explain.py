"""Why a forecast is what it is: P(open within a horizon), one trait of the row after another.

The steps, in :data:`ORDER`; another order would share the same total out differently:

1. ``base``: the reference row (all covariates 0), by an organisation and of a modality never seen, so
   averaged over both groups; without a promise; on the day of its debut;
2. each covariate of the registry, in its order, from 0 to the row's own value;
3. ``modality``, 4. ``organization``: from one never seen to the row's own;
5. ``promise``: from none to the present state, with the wait before it and its due day, on the first
   day of that state;
6. ``survived``: given that it was still closed on the last day checked;
7. ``unchecked``: the horizon counted from the day of the forecast, with the days since that check.

Up to the promise every step is a model that nobody has watched yet: it has no history, so each draw
counts the same and each family by its weight. The row's own history comes in with ``survived``, all of
it at once and as in the forecast: where the fit has not seen it, it also weighs the draws and families.
What the fit has seen of the row is in the draws of all steps, such as those of its organisation's effect.
That a promise may still come is part of every step without one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.model.covariates import COVARIATES
from forecast.model.design import Design
from forecast.model.ensemble import Ensemble
from forecast.model.predict import DRAWS, Subject, of_subject, subjects_of
from forecast.tables.promises import STATES

Floats = NDArray[np.float64]

#: Steps, from the base rate to the forecast.
ORDER: tuple[str, ...] = ("base", *COVARIATES, "modality", "organization", "promise", "survived", "unchecked")

#: The row whose covariates are all 0.
REFERENCE = "an app by a big US company, July 2023"

#: Days survived by a model that has just begun: it has a logarithm, and nothing opens sooner.
_NO_TIME = 1e-300


@dataclass(frozen=True)
class Step:
    """One step from the base rate to the forecast.

    Attributes
    ----------
    name : str
        One of :data:`ORDER`.
    value : float or str
        What the row has: a covariate's value, a name, a promise in words, days.
    prob : float
        P(open within the horizon) after the step.
    change : float
        What the step adds to it; 0 for the base.
    """

    name: str
    value: float | str
    prob: float
    change: float


def explain(
    ensemble: Ensemble, view: pd.DataFrame, row: pd.DataFrame, horizon_days: float, draws: int = DRAWS
) -> list[Step]:
    """P(open within a horizon) step by step; the last one is the forecast's own.

    Parameters
    ----------
    ensemble : Ensemble
        Fitted to the view; its target is that of the forecast.
    view : pandas.DataFrame
        From :func:`forecast.tables.episodes.read_episodes`; its ``as_of`` is the making day.
    row : pandas.DataFrame
        The row to forecast, as in :func:`forecast.model.predict.model_forecasts`.
    horizon_days : float
        Days after the making.
    draws : int
        About how many draws to use: with the same number, those of the forecast.

    Raises
    ------
    QuestionError
        If the row is a program or a game.
    """
    drawn = ensemble.thinned(draws)
    [subject] = subjects_of(drawn.first, row, view, drawn.first.target)
    steps: list[Step] = []
    known: dict[tuple[str, pd.Timestamp], float] = {}  # most covariates are at their reference: nothing to work out
    for name, value, stage in _stages(subject):
        key = (stage.design.digest(), stage.made_on)
        if key not in known:
            known[key] = _prob(drawn, stage, horizon_days)
        change = known[key] - steps[-1].prob if steps else 0.0
        steps.append(Step(name, value, known[key], change))
    return steps


def _prob(ensemble: Ensemble, subject: Subject, horizon_days: float) -> float:
    return float(of_subject(ensemble, subject)[0].prob_by(horizon_days))


def _stages(subject: Subject) -> Iterator[tuple[str, float | str, Subject]]:
    """Each step's name, what the row has, and the row as it would be after the step."""
    own = subject.design
    last = len(own.row) - 1
    for name, value, design in _designs(own.only(np.arange(len(own.row)) == last)):
        yield name, value, replace(subject, made_on=subject.through, design=design, in_fit=False)
    days = round(float(own.end_days[last].mean()), 1)
    yield "survived", days, replace(subject, made_on=subject.through)
    yield "unchecked", float(subject.stale_days), subject


def _designs(own: Design) -> Iterator[tuple[str, float | str, Design]]:
    """The steps that change what the model knows of the row, before any of its history; own: its last segment."""
    design = _reference(own)
    yield "base", REFERENCE, design
    for column, name in enumerate(COVARIATES):
        design = _with_covariate(design, own, column)
        yield name, float(own.covariates[0, column]), design
    design = replace(design, modality=own.modality)
    yield "modality", _member(own.modality, own.modalities), design
    design = replace(design, organization=own.organization)
    yield "organization", _member(own.organization, own.organizations), design
    design = replace(_with_covariate(design, own, len(COVARIATES)), state=own.state, log_due=own.log_due)
    yield "promise", _promise(own), design


def _reference(own: Design) -> Design:
    """The reference row on its first day; the place after the last member of a group is one never seen."""
    one = np.ones(1)
    return replace(
        own,
        state=np.full(1, STATES.index("none")),
        sign=one,
        kind=np.zeros(1, np.int64),
        with_share=one,
        start_days=np.full((1, 3), _NO_TIME),
        end_days=np.full((1, 3), _NO_TIME),
        covariates=np.zeros_like(own.covariates),
        log_due=np.zeros(1),
        organization=np.full(1, len(own.organizations)),
        modality=np.full(1, len(own.modalities)),
    )


def _with_covariate(design: Design, own: Design, column: int) -> Design:
    covariates: Floats = design.covariates.copy()
    covariates[:, column] = own.covariates[:, column]
    return replace(design, covariates=covariates)


def _member(place: NDArray[np.int64], names: tuple[str, ...]) -> str:
    return names[place[0]] if place[0] < len(names) else "never seen"


def _promise(own: Design) -> str:
    """The promise as the model has it: its state, how long it was waited for, when it is due."""
    state, waited = STATES[own.state[0]], float(np.expm1(own.covariates[0, -1]))
    if state == "none":
        return state
    since = f"made {waited:.0f} days after the debut" if waited else "made by the debut"
    due = f", due {int(np.exp(own.log_due[0]))} days later" if state == "dated" else ""
    return f"{state}, {since}{due}"
