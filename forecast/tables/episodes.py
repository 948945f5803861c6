"""The episodes table as it was known on a day.

``read_episodes`` is the one door: it validates, undoes everything that became known after
``as_of``, and adds the windows and the follow-up day that the model and the scores share.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from forecast.errors import TableError
from forecast.tables.families import family_episodes
from forecast.tables.promises import statements_of, summarise_promises
from forecast.tables.read import read_rows, to_frame
from forecast.tables.schema import EarlierOpening, Episode, FamilyMember
from forecast.tables.windows import date_window

Unit = Literal["model", "family"]
FollowUp = Literal["silence", "evidence"]
Target = Literal["any", "full"]

#: Columns judged or written after the fact: no as-of view carries them.
_HINDSIGHT = ("notes", "confidence", "flagship", "params_b", "safety_review")

#: Windows that ``read_episodes`` adds; ``..._first`` and ``..._last`` are inclusive days.
WINDOW_COLUMNS = ("closed_first", "closed_last", "part_first", "part_last", "full_first", "full_last")


def read_episodes(
    path: str | Path,
    as_of: dt.date | None = None,
    unit: Unit = "model",
    follow_up: FollowUp = "silence",
) -> pd.DataFrame:
    """Read the episodes as they were *known* on a day.

    Later debuts are gone; later openings, leaks, withdrawals, promises, due days and family
    members are undone. A date is known on the last day of its window, a window that holds
    the row's last evidence ends there.

    Parameters
    ----------
    path : str or pathlib.Path
        ``episodes.csv``; the tables beside it (promises, family members, earlier openings)
        and ``datapackage.json`` (``searched_through``) are read too where they exist.
    as_of : datetime.date, optional
        Day of the view; all that the table knows by default.
    unit : {"model", "family"}
        A row an episode, or a row a family: debut = its earliest closed debut, opening = the
        first of any member.
    follow_up : {"silence", "evidence"}
        Until when a row without an opening counts as closed. *silence*: through
        ``min(as_of, searched_through)``, or its own last evidence where that is later;
        *evidence*: through its own last evidence.

    Returns
    -------
    pandas.DataFrame
        The schema's columns and: the windows ``closed_*`` (debut), ``part_*`` and ``full_*``
        (first opening in part, in full), each first and last day; ``part_what``; ``leaked_on``,
        ``withdrawn_on`` (last day of the window); ``closed_through``, the last day of
        follow-up for a row without an opening. ``attrs`` holds ``as_of``,
        ``unit``, ``follow_up`` and ``searched_through``.

    Raises
    ------
    TableError
        With one line per bad cell, or if no row was known by ``as_of``.
    """
    path = Path(path)
    rows = read_rows(path, Episode)
    if not rows:
        raise TableError([f"{path}: no episodes: a table needs at least one row under its header"])
    searched = searched_through(path, rows)
    as_of = as_of or max(searched, *(row.observed_through for row in rows))
    view = _with_windows(to_frame(rows, Episode), _earlier_openings(path))
    view = _as_known(view, pd.Timestamp(as_of))
    if view.empty:
        first = min(date_window(row.closed_on, row.closed_precision)[1] for row in rows)
        raise TableError([f"{path}: no episode was known on {as_of}: the first debut is of {first}"])
    statements = statements_of(path, view, as_of)
    view = summarise_promises(view, statements)
    if unit == "family":
        members = read_members(path)
        later = members.episode_id[members.known_on > pd.Timestamp(as_of)]
        view = family_episodes(view[~view.episode_id.isin(later)], open_members(members, as_of))
    view = followed(view, pd.Timestamp(as_of), pd.Timestamp(searched), follow_up)
    view.attrs = {"as_of": as_of, "unit": unit, "follow_up": follow_up, "searched_through": searched, "path": path}
    return view


def searched_through(path: Path, rows: list[Episode]) -> dt.date:
    """Day through which openings were searched for: the data package's, else the last evidence."""
    package = path.parent / "datapackage.json"
    if not package.is_file():
        return max(row.observed_through for row in rows)
    try:
        stated: Any = json.loads(package.read_text(encoding="utf-8"))["searched_through"]
        return dt.date.fromisoformat(stated)
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise TableError([f'{package}: needs "searched_through": "YYYY-MM-DD" ({error})']) from None


def read_optional(path: Path, row_type: Any) -> pd.DataFrame:
    """A table as a frame, empty where the file does not exist."""
    return to_frame(read_rows(path, row_type) if path.is_file() else [], row_type)


def read_members(path: Path) -> pd.DataFrame:
    """``family_members.csv`` beside the episodes, with the window of each debut; empty where there is none."""
    members = read_optional(path.parent / FamilyMember.file, FamilyMember)
    window = _windows(members.debut_on, members.debut_precision)
    return members.assign(debut_first=window["first"], debut_last=window["last"])


def open_members(members: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Members that were open from their debut, out and known as members on a day."""
    day = pd.Timestamp(as_of)
    known = members.open_at_debut.astype(bool) & (members.known_on <= day) & (members.debut_last <= day)
    return members[known]


def open_window(view: pd.DataFrame, target: Target) -> pd.DataFrame:
    """First opening that counts for a target.

    Parameters
    ----------
    view : pandas.DataFrame
        From :func:`read_episodes`.
    target : {"any", "full"}
        Any opening, or openings in full only.

    Returns
    -------
    pandas.DataFrame
        ``open_first``, ``open_last`` (days, NaT where not opened) and ``open_kind``
        ("full", "part" or None), on the view's index.
    """
    first, last = view.full_first, view.full_last
    kind = last.notna().map({True: "full", False: None}).astype(object)
    if target == "any":
        part = view.part_last.notna() & ~(last <= view.part_last)
        first, last = first.where(~part, view.part_first), last.where(~part, view.part_last)
        kind = kind.where(~part, "part")
    return pd.DataFrame({"open_first": first, "open_last": last, "open_kind": kind})


def _earlier_openings(path: Path) -> pd.DataFrame:
    return read_optional(path.parent / EarlierOpening.file, EarlierOpening).set_index("episode_id")


def _windows(days: pd.Series, precisions: pd.Series) -> pd.DataFrame:
    """First and last day of each date's window; NaT for no date."""
    pairs = [
        (pd.NaT, pd.NaT) if pd.isna(day) else date_window(day.date(), precision)
        for day, precision in zip(days, precisions, strict=True)
    ]
    frame = pd.DataFrame(pairs, columns=["first", "last"], index=days.index)
    return frame.apply(lambda c: pd.to_datetime(c).astype("datetime64[s]"))


def _with_windows(table: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """Add the windows of debut, openings, leak and withdrawal."""
    table = table.copy()
    seen = table.observed_through
    closed = _windows(table.closed_on, table.closed_precision)
    table["closed_first"] = closed["first"]
    ended = _windows(table.outcome_on, table.outcome_precision)
    last = ended["last"].where(~((ended["first"] <= seen) & (seen < ended["last"])), seen)
    # a debut known to the month alone was before the outcome of that month
    table["closed_last"] = pd.concat([closed["last"], seen, last], axis=1).min(axis=1)
    for name, outcome in (("full", "opened"), ("part", "opened_partial")):
        table[f"{name}_first"] = ended["first"].where(table.outcome == outcome)
        table[f"{name}_last"] = last.where(table.outcome == outcome)
    part = earlier.reindex(table.episode_id).set_axis(table.index)
    part_window = _windows(part.opened_on, part.opened_precision)
    of_part = table.what_opened.where(table.outcome == "opened_partial", part.what_opened)
    table["part_what"] = of_part.astype(object).where(of_part.notna(), "")
    for end in ("first", "last"):
        table[f"part_{end}"] = table[f"part_{end}"].fillna(part_window[end])
    table["leaked_on"] = last.where(table.outcome == "leaked")
    table["withdrawn_on"] = last.where(table.outcome == "withdrawn")
    return table


def _as_known(table: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Drop rows whose debut, and undo outcomes that, were not known by ``as_of``."""
    view = table[table.closed_last <= as_of].copy()
    for name in ("part", "full"):
        unknown = ~(view[f"{name}_last"] <= as_of)
        view.loc[unknown, [f"{name}_first", f"{name}_last"]] = pd.NaT
    view["part_what"] = view.part_what.where(view.part_last.notna(), "")
    for name in ("leaked_on", "withdrawn_on"):
        view[name] = view[name].where(view[name] <= as_of)
    undone = view[["part_last", "full_last", "leaked_on", "withdrawn_on"]].isna().all(axis=1)
    view.loc[undone, "outcome"] = "still_closed"
    only_part = view.part_last.notna() & view.full_last.isna()
    view.loc[only_part, "outcome"] = "opened_partial"
    later = undone | (only_part & (view.outcome_on > view.part_last))
    view.loc[later, ["outcome_precision", "outcome_source_url"]] = None
    view.loc[later, "outcome_on"] = view.part_first[later]
    view.loc[later, "what_opened"] = view.part_what[later].where(only_part[later], "")
    view.loc[later, "license"] = ""
    view.loc[later, "license_class"] = "none"
    view["observed_through"] = view.observed_through.clip(upper=as_of)
    return view.drop(columns=list(_HINDSIGHT)).reset_index(drop=True)


def followed(view: pd.DataFrame, as_of: pd.Timestamp, searched: pd.Timestamp, follow_up: FollowUp) -> pd.DataFrame:
    """Add the last day of follow-up, by one rule for every row."""
    calendar = min(as_of, searched)
    said = pd.Series([max((s[0] for s in own), default=pd.NaT) for own in view.statements], index=view.index)
    said = pd.to_datetime(said).astype("datetime64[s]")
    seen = view.observed_through.where(~(said > view.observed_through), said)  # whoever speaks of it finds it closed
    return view.assign(closed_through=seen if follow_up == "evidence" else seen.clip(lower=calendar))
