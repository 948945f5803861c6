"""Past episodes most like one that is forecast, and what became of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.model.subjects import seen_through, survived_through
from forecast.tables.episodes import Target, open_window
from forecast.tables.promises import states

Floats = NDArray[np.float64]

#: Columns in which two episodes are alike or not.
TRAITS: tuple[str, ...] = ("organization", "modality", "closed_how", "org_country", "org_type")

#: Debuts this many years apart, or more, differ in full.
DEBUT_YEARS = 4.0

#: What a distance is, in words.
DISTANCE = (
    "share of eight traits in which it differs: promised or not and kind of promise, both at the same age; "
    "organisation, modality, how first known, country, kind of organisation; "
    f"debut (years apart, {DEBUT_YEARS:.0f} or more count in full)"
)


@dataclass(frozen=True)
class Similar:
    """An episode like the one that is forecast.

    Attributes
    ----------
    episode_id, model : str
    closed_on : datetime.date
    promise : str
        Its state at the age of the one that is forecast, or at its own end where that came sooner.
    outcome : str
        "opened in full", "opened in part", or "closed", with how in brackets where not plainly so.
    days : int
        From the debut to the opening, or to the last day known closed.
    distance : float
        From 0, alike, to 1.
    """

    episode_id: str
    model: str
    closed_on: dt.date
    promise: str
    outcome: str
    days: int
    distance: float

    def as_json(self) -> dict[str, Any]:
        """All of it; days as YYYY-MM-DD."""
        return asdict(self) | {"closed_on": self.closed_on.isoformat()}


def similar_episodes(view: pd.DataFrame, target: Target, row: pd.DataFrame, count: int = 5) -> list[Similar]:
    """The AI episodes of a view that are most like a row; of equally distant ones the nearest debuts, then by id.

    Parameters
    ----------
    view : pandas.DataFrame
        As known on the day of the forecast: nothing later is used.
    target : {"any", "full"}
        What counts as an opening.
    row : pandas.DataFrame
        The row that is forecast; with the view's columns. It is left out, and in a view of
        families its whole family.
    count : int
        How many, where there are as many.
    """
    mine, made_on = next(row.itertuples()), pd.Timestamp(view.attrs["as_of"])
    same = view.family == mine.family if view.attrs["unit"] == "family" else view.episode_id == mine.episode_id
    others = view[(view.domain == "ai_model") & ~same]
    opened = open_window(others, target)
    age = survived_through(mine, made_on) - mine.closed_on
    pairs = list(zip(others.itertuples(), opened.itertuples(), strict=True))
    promises = np.array([_promise(other, age, window.open_last) for other, window in pairs], dtype=object)
    apart = (others.closed_on - mine.closed_on).abs().dt.days.to_numpy(float)
    distance = _distance(others, mine, promises, states(mine.statements)[-1].name, apart)
    frame = pd.DataFrame({"distance": distance.round(12), "apart": apart, "id": others.episode_id.to_numpy()})
    nearest = frame.sort_values(["distance", "apart", "id"]).index[:count]
    return [_similar(pairs[n], promises[n], float(distance[n])) for n in nearest]


def _promise(row: Any, age: pd.Timedelta, opened: pd.Timestamp) -> str:
    """Its state at an age, from what was said by then and before the day of its opening."""
    day = max(row.closed_on + age, row.closed_last)
    return states(s for s in row.statements if s[0] <= day and not s[0] >= opened)[-1].name


def _distance(others: pd.DataFrame, mine: Any, promises: NDArray[Any], promise: str, apart: Floats) -> Floats:
    """Mean difference over all traits; a promise counts twice, as it moves forecasts most."""
    differences = [others[trait].to_numpy() != getattr(mine, trait) for trait in TRAITS]
    differences += [promises != promise, (promises != "none") != (promise != "none")]
    differences += [np.minimum(apart / (365.25 * DEBUT_YEARS), 1.0)]
    return np.mean([np.asarray(d, float) for d in differences], axis=0)


def _similar(pair: tuple[Any, Any], promise: str, distance: float) -> Similar:
    row, window = pair
    is_open = not pd.isna(window.open_last)
    end = window.open_last if is_open else seen_through(row)
    return Similar(
        episode_id=row.episode_id,
        model=row.model,
        closed_on=row.closed_on.date(),
        promise=promise,
        outcome=f"opened in {window.open_kind}" if is_open else _closed(row),
        days=max((end - row.closed_on).days, 0),
        distance=distance,
    )


def _closed(row: Any) -> str:
    ends = {"leaked": row.leaked_on, "withdrawn": row.withdrawn_on, "open in part": row.part_last}
    how = next((name for name, day in ends.items() if not pd.isna(day)), None)
    return f"closed ({how})" if how else "closed"
