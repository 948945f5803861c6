"""Statements about opening -> the promise state on a day -> the segments of a row.

A promise is a state that begins on the day it becomes known, never a trait that a model had
all along. States: ``none``, ``vague``, ``dated`` (with the day promised).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from forecast.tables.read import read_rows, to_frame
from forecast.tables.schema import Promise

STATES: tuple[str, ...] = ("none", "vague", "dated")


@dataclass(frozen=True)
class State:
    """A promise state, in force from a day (``None``: from the debut) until the next one."""

    name: str
    since: pd.Timestamp | None = None
    due_on: pd.Timestamp | None = None


def statements_of(path: Path, episodes: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """All statements known on a day, in the order in which they became known.

    Those of ``promises.csv``, and the promise columns of episodes about which it has none by then.

    Parameters
    ----------
    path : pathlib.Path
        The episodes table; ``promises.csv`` lies beside it, or there is none.
    episodes : pandas.DataFrame
        Rows with the schema's promise columns.
    as_of : datetime.date
    """
    file, day = path.parent / Promise.file, pd.Timestamp(as_of)
    stated = to_frame(read_rows(file, Promise) if file.is_file() else [], Promise)
    stated = stated[stated.known_on <= day]
    own = episodes[(episodes.promised_on <= day) & ~episodes.episode_id.isin(stated.about)]
    from_columns = pd.DataFrame(
        {
            "about": own.episode_id,
            "said_on": own.promised_on,
            "known_on": own.promised_on,
            "kind": own.promise,
            "due_to": own.promised_by,
            "words": own.promise_words,
            "source_url": own.promise_source_url,
        }
    )
    both = pd.concat([stated, from_columns], ignore_index=True) if len(own) else stated
    return both.sort_values("known_on", kind="stable").reset_index(drop=True)


def summarise_promises(view: pd.DataFrame, statements: pd.DataFrame) -> pd.DataFrame:
    """Rewrite the promise columns of a view from the statements known by then.

    ``promise`` is the strongest kind so far, ``promised_on`` the first day, ``promised_by`` the
    last day named; ``statements`` is the list of (known_on, kind, due_on) that the state comes
    from.
    """
    view = view.copy()
    promised = statements[statements.kind.isin(["vague", "dated"])]
    first = promised.groupby("about").known_on.min()
    due = statements.groupby("about").due_to.max()
    dated = set(promised.about[promised.kind == "dated"])
    view["promised_on"] = _days(view.episode_id, first)
    view["promise"] = [
        "none" if pd.isna(on) else "dated" if i in dated else "vague"
        for i, on in zip(view.episode_id, view.promised_on, strict=True)
    ]
    view["promised_by"] = _days(view.episode_id, due).where(view.promise == "dated")
    said_last = promised.groupby("about").words.last().to_dict()
    view["promise_words"] = [said_last.get(i, "") for i in view.episode_id]
    view["promise_source_url"] = view.episode_id.map(promised.groupby("about").source_url.last())
    said = {
        about: list(zip(rows.known_on, rows.kind, rows.due_to, strict=True))
        for about, rows in statements.groupby("about")
    }
    view["statements"] = [said.get(i, []) for i in view.episode_id]
    view["family_statements"] = [said.get(f, []) for f in view.family]
    return view


def _days(ids: pd.Series, by_id: pd.Series) -> pd.Series:
    """Days by id, NaT where there is none: a map of nothing would be a column of numbers."""
    return pd.Series(by_id.reindex(ids).to_numpy("datetime64[s]"), index=ids.index)


def states(statements: Iterable[tuple[pd.Timestamp, str, pd.Timestamp]]) -> list[State]:
    """The promise states that a list of statements, in the order they became known, runs through.

    A vague word after a dated promise changes nothing; a delay moves the due day, or without
    a new one leaves a vague promise; a refusal ends the promise.
    """
    path = [State("none")]
    for known_on, kind, due_on in statements:
        now = path[-1]
        if kind in ("dated", "delayed") and not pd.isna(due_on):
            new = State("dated", known_on, due_on)
        elif kind == "refused":
            new = State("none", known_on)
        elif kind == "delayed" or now.name != "dated":
            new = State("vague", known_on)
        else:
            continue
        if (new.name, new.due_on) != (now.name, now.due_on):
            path.append(new)
    return path


def segments(view: pd.DataFrame, open_last: pd.Series) -> pd.DataFrame:
    """Split every row at the days on which its promise state changes.

    A statement known by the end of the debut's window is in force at entry; one on the day
    of the opening, or later, is none.

    Parameters
    ----------
    view : pandas.DataFrame
        From :func:`forecast.tables.episodes.read_episodes`.
    open_last : pandas.Series
        Last day of the window of the opening that ends the row; NaT where there is none.

    Returns
    -------
    pandas.DataFrame
        ``row`` (position in the view), ``state``, ``since`` (NaT: from the debut), ``until``
        (NaT: the last segment), ``due_on`` (NaT unless dated).
    """
    out: list[tuple[int, str, pd.Timestamp | None, pd.Timestamp | None, pd.Timestamp | None]] = []
    rows = zip(view.statements, view.closed_last, open_last, strict=True)
    for row, (said, debut, opened) in enumerate(rows):
        before_opening = [s for s in said if pd.isna(opened) or s[0] < opened]
        path = states(before_opening)
        at_entry = [s for s in path if s.since is None or s.since <= debut][-1]
        chain = [State(at_entry.name, None, at_entry.due_on)]
        chain += [s for s in path if s.since is not None and s.since > debut]
        for state, follower in zip(chain, [*chain[1:], None], strict=True):
            out.append((row, state.name, state.since, follower.since if follower else None, state.due_on))
    frame = pd.DataFrame(out, columns=["row", "state", "since", "until", "due_on"])
    for column in ("since", "until", "due_on"):
        frame[column] = pd.to_datetime(frame[column]).astype("datetime64[s]")
    return frame
