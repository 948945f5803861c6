"""What became of the days that were promised: kept, late, broken, overdue or pending.

A record of dated promises, and counts of it beside how the promises came to be known: many
were noticed because they were kept, so a kept share is an upper bound.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecast.tables.episodes import open_window
from forecast.tables.promises import statements_of

FATES: tuple[str, ...] = ("kept", "late", "broken", "overdue", "pending")

#: A promise more than this past its day, and still closed, is broken.
OVERDUE_DAYS_MAX = 365

_WINDOWS = ["part_first", "part_last", "full_first", "full_last"]
_OF_EPISODE = ["episode_id", "organization", "frame", "withdrawn_on", *_WINDOWS]
_OF_PROMISE = ["episode_id", "kind", "said_on", "known_on", "due_on", "named_last", "refused_on", "has_page"]
_COLUMNS = [
    *("episode_id", "organization", "kind", "said_on", "known_on", "due_on", "promised_days", "opened_on"),
    *("days_late", "fate", "is_due", "has_page", "known_before_outcome", "frame"),
]


def promise_record(view: pd.DataFrame) -> pd.DataFrame:
    """What became, by the day of a view, of every day promised for an AI model in it.

    A delay to a new day is a promise of its own; the day it replaces is judged as it was
    named. A day named again is the same promise. The opening is the first in part or in
    full; one in part that was out by the day of the promise does not settle it.

    Parameters
    ----------
    view : pandas.DataFrame
        From :func:`forecast.tables.episodes.read_episodes` with ``unit="model"``, whole.
        Promises for a family, or for a model before its debut is known, have no row in it.

    Returns
    -------
    pandas.DataFrame
        One row a promise, in the order in which they became known, on plain days:

        - ``kind`` ("dated", "delayed"); ``promised_days`` from ``said_on`` to ``due_on``;
        - ``opened_on``, last day of the opening's window (NaT: not open), and ``days_late``
          from ``due_on`` to it (negative: early; NaN: not open);
        - ``fate``: *kept* (opened by the due day), *late* (opened after it, however late); not
          open: *broken* (refused or withdrawn since it was last named, or more than 365 days
          past its day), *overdue* (past its day), *pending*;
        - ``is_due``: the due day is before ``attrs["searched_on"]``, the earlier of the view's
          day and ``searched_through``: until then it can be seen kept, but not missed;
        - ``has_page``: a page states it; ``known_before_outcome``: and ``known_on`` is before
          the opening's first possible day, or it is not open (the page's own day is in no table);
        - ``frame``: the episode was found in a "catalogue", whatever came of it, or is
          "curated", written about.

    Raises
    ------
    ValueError
        For a view of families: one member's opening keeps no promise about another.
    """
    if view.attrs["unit"] != "model":
        raise ValueError("promises are judged model by model: read the episodes with unit='model'")
    searched_on = pd.Timestamp(min(view.attrs["as_of"], view.attrs["searched_through"]))
    said = statements_of(view.attrs["path"], view, view.attrs["as_of"])
    models = view.loc[view.domain == "ai_model", _OF_EPISODE]
    record = _with_opening(_named_days(said).merge(models, on="episode_id"))
    record["promised_days"] = (record.due_on - record.said_on).dt.days
    record["is_due"] = record.due_on < searched_on
    record["fate"] = _fates(record, searched_on)
    record["known_before_outcome"] = record.has_page & ~(record.known_on >= record.opened_first)
    record = record[_COLUMNS].reset_index(drop=True)
    record.attrs = {"as_of": view.attrs["as_of"], "searched_on": searched_on.date()}
    return record


def record_summary(record: pd.DataFrame) -> pd.DataFrame:
    """Count the fates, overall and by how the promises came to be known.

    Parameters
    ----------
    record : pandas.DataFrame
        From :func:`promise_record`, or rows of it.

    Returns
    -------
    pandas.DataFrame
        One row a ``split`` ("all", "known_before_outcome", "frame") and its ``group``:
        ``promises``, the ``episodes`` they are about, a count for each fate, ``due``, and
        ``median_days_late`` of the late ones (broken and overdue ones, later yet, have no
        day). ``kept_share``, ``late_share``, ``broken_share`` and ``overdue_share`` are of the
        promises due, and sum to 1: one kept or refused early enters them with its due day.
        NaN where there is nothing to share.
    """
    groups = [
        ("all", "all", record.fate.notna()),
        ("known_before_outcome", "true", record.known_before_outcome),
        ("known_before_outcome", "false", ~record.known_before_outcome),
        ("frame", "catalogue", record.frame == "catalogue"),
        ("frame", "curated", record.frame == "curated"),
    ]
    return pd.DataFrame([{"split": split, "group": group} | _counts(record[own]) for split, group, own in groups])


def _named_days(said: pd.DataFrame) -> pd.DataFrame:
    """Statements that name a day, the first for each day, with the last time it was named and refusals."""
    dated = said[said.due_to.notna()].rename(columns={"about": "episode_id", "due_to": "due_on"})
    dated["named_last"] = dated.groupby(["episode_id", "due_on"]).known_on.transform("max")
    dated["has_page"] = dated.source_url.notna() & (dated.source_url != "")
    refused = said[said.kind == "refused"].groupby("about").known_on.max().rename("refused_on")
    first = dated.drop_duplicates(["episode_id", "due_on"]).join(refused, on="episode_id")
    return first[_OF_PROMISE]


def _with_opening(record: pd.DataFrame) -> pd.DataFrame:
    """Add the window of the opening that settles a promise, and the days it came late."""
    out_already = record.part_last <= record.said_on  # nobody promises what is out: more was meant
    awaited = record.assign(**{end: record[end].mask(out_already) for end in ("part_first", "part_last")})
    opened = open_window(awaited, "any")
    record = record.assign(opened_first=opened.open_first, opened_on=opened.open_last)
    return record.assign(days_late=(record.opened_on - record.due_on).dt.days)


def _fates(record: pd.DataFrame, searched_on: pd.Timestamp) -> np.ndarray:
    given_up = (record.refused_on > record.named_last) | (record.withdrawn_on > record.named_last)
    long_past = (searched_on - record.due_on).dt.days > OVERDUE_DAYS_MAX
    rules = [record.days_late <= 0, record.days_late > 0, given_up | long_past, record.is_due]
    return np.select(rules, FATES[:4], FATES[4])


def _counts(rows: pd.DataFrame) -> dict[str, float]:
    due = rows[rows.is_due]
    counts: dict[str, float] = {"promises": len(rows), "episodes": rows.episode_id.nunique()}
    counts |= {fate: int((rows.fate == fate).sum()) for fate in FATES}
    counts |= {"due": len(due), "median_days_late": rows.days_late[rows.fate == "late"].median()}
    return counts | {f"{fate}_share": (due.fate == fate).mean() for fate in FATES[:4]}
