"""Episodes that a user brings: which can be scored, and each as it was known on the days of its forecasts."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.errors import TableError
from forecast.record.backtest import at_risk
from forecast.record.scores import Outcome
from forecast.tables.episodes import FollowUp, followed, open_window, read_episodes

#: Days after the debut on which a forecast is made, as long as the model is still closed.
MADE_AFTER_DAYS = (0, 90, 365)

#: Days after a making at which a forecast is scored.
SCORED_DAYS = (30, 90, 180, 365)

#: What two spellings of a name may differ in; a dot in a number and a plus make another model.
_NO_PART_OF_A_NAME = re.compile(r"(?<!\d)\.|\.(?!\d)|[^\w.+]|_")


@dataclass(frozen=True)
class LeftOut:
    """A row without a scored forecast, and why."""

    episode_id: str
    model: str
    reason: str


@dataclass(frozen=True, eq=False)
class MadeDay:
    """Forecasts to make on one day.

    Attributes
    ----------
    day : datetime.date
    subjects : pandas.DataFrame
        Rows as known on the day, still closed then; ``attrs`` as those of a view.
    outcomes : tuple of Outcome
        What became of each, as far as it is followed: at least to the first scored day.
    """

    day: dt.date
    subjects: pd.DataFrame
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, eq=False)
class Brought:
    """A user's table, sorted into what is scored and what is not.

    Attributes
    ----------
    made_days : tuple of MadeDay
        In the order of the calendar.
    left_out : tuple of LeftOut
        In the order of the file.
    followed_through : datetime.date
        Last day whose openings count.
    """

    made_days: tuple[MadeDay, ...]
    left_out: tuple[LeftOut, ...]
    followed_through: dt.date


def read_brought(file: Path, episodes: Path, today: dt.date, follow_up: FollowUp) -> Brought:
    """Read a user's episodes and say what can be scored.

    Openings count through today, or the day through which they were searched for where that is
    earlier: the day of the ``datapackage.json`` beside the file, else of the project's own.

    Parameters
    ----------
    file : pathlib.Path
        With the columns of ``episodes.csv``; ``promises.csv`` and ``earlier_openings.csv`` beside
        it are read where they exist.
    episodes : pathlib.Path
        The project's table: what is in it is not new.
    today : datetime.date
    follow_up : {"silence", "evidence"}

    Raises
    ------
    TableError
        If there is no such file, or with one line per bad cell.
    """
    if not file.exists():
        raise TableError([f"{file}: no such file: give a table with the columns of data/episodes.csv"])
    everything, own = read_episodes(file), read_episodes(episodes)
    packaged = (file.parent / "datapackage.json").is_file()
    searched: dt.date = (everything if packaged else own).attrs["searched_through"]
    table, end = _Table(file, follow_up, searched), min(today, searched)
    reasons = _not_new(everything, own)
    new = everything[~everything.episode_id.isin(reasons)]
    in_time = new[new.closed_last < pd.Timestamp(end)]
    ended = table.on(end) if len(in_time) else new
    made_days = _made_days(in_time, table, ended)
    reached = {name for made in made_days for name in made.subjects.episode_id}
    reasons |= _unscored(new[~new.episode_id.isin(reached)], ended, end)
    left_out = [
        LeftOut(i, model, reasons[i])
        for i, model in zip(everything.episode_id, everything.model, strict=True)
        if i in reasons
    ]
    return Brought(tuple(made_days), tuple(left_out), end)


def plain_name(name: str) -> str:
    """A name without what two spellings of it may differ in: case, spaces, punctuation.

    Examples
    --------
    >>> plain_name(" GPT-3.5 Turbo "), plain_name("Command R+")
    ('gpt3.5turbo', 'commandr+')
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return _NO_PART_OF_A_NAME.sub("", folded) or folded.strip()


@dataclass(frozen=True)
class _Table:
    """The user's table, followed to a day that its folder need not know."""

    file: Path
    follow_up: FollowUp
    searched_through: dt.date

    def on(self, day: dt.date) -> pd.DataFrame:
        """The table as known on a day."""
        view = read_episodes(self.file, day, "model", self.follow_up)
        attrs = view.attrs | {"searched_through": self.searched_through}
        view = followed(view, pd.Timestamp(day), pd.Timestamp(self.searched_through), self.follow_up)
        view.attrs = attrs
        return view


def _not_new(brought: pd.DataFrame, own: pd.DataFrame) -> dict[str, str]:
    """Why rows are no test whatever their days: the fit has seen them, or they are no models."""
    names = dict(zip(own.model.map(plain_name), own.episode_id, strict=True))
    ids, reasons = set(own.episode_id), {}
    for row in brought.itertuples():
        same = names.get(plain_name(row.model))
        if row.episode_id in ids:
            reasons[row.episode_id] = "its id is in the project's table"
        elif same:
            reasons[row.episode_id] = f"its name is that of {same} in the project's table"
        elif row.domain != "ai_model":
            reasons[row.episode_id] = f"no AI model but {row.domain}"
    return reasons


def _made_days(rows: pd.DataFrame, table: _Table, ended: pd.DataFrame) -> list[MadeDay]:
    """Days on which at least one row is forecast, with its rows; ``ended``: the table at the end of the follow-up."""
    names = defaultdict(list)
    for name, debut in zip(rows.episode_id, rows.closed_last, strict=True):
        for after in MADE_AFTER_DAYS:
            day = debut.date() + dt.timedelta(days=after)
            if day < ended.attrs["as_of"]:
                names[day].append(name)
    found = [_made_day(table.on(day), names[day], ended) for day in sorted(names)]
    return [made for made in found if made.outcomes]


def _made_day(view: pd.DataFrame, names: Iterable[str], ended: pd.DataFrame) -> MadeDay:
    """Rows of a view that are still closed on its day and followed to the first scored day."""
    mine = view[view.episode_id.isin(names)]
    mine.attrs = view.attrs
    subjects, outcomes = at_risk(mine, ended, "any")
    due = [outcome.followed >= min(SCORED_DAYS) for outcome in outcomes]
    kept = subjects[due]
    kept.attrs = view.attrs
    return MadeDay(view.attrs["as_of"], kept, tuple(o for o, is_due in zip(outcomes, due, strict=True) if is_due))


def _unscored(rows: pd.DataFrame, ended: pd.DataFrame, end: dt.date) -> dict[str, str]:
    """Why new models have no scored forecast, not even one of their debut."""
    now = ended.assign(**open_window(ended, "any")).set_index("episode_id")
    return {
        row.episode_id: f"its debut, known on {row.closed_last.date()}, is not before {end}, the last day followed"
        if row.closed_last >= pd.Timestamp(end)
        else _why_unscored(now.loc[row.episode_id], row.closed_last, end)
        for row in rows.itertuples()
    }


def _why_unscored(now: Any, debut: pd.Timestamp, end: dt.date) -> str:
    if now.open_last <= debut:
        return f"open by {debut.date()}, the day on which its debut is known"
    last = end if not pd.isna(now.open_last) else min(now.closed_through.date(), end)
    return f"followed through {last}, less than {min(SCORED_DAYS)} days from its debut on {debut.date()}"
