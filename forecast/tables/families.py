"""A family as one episode: debut of the first closed member, opening of any member."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pandas as pd

#: Kinds of statement about a single member that speak for the whole family too.
_FOR_THE_FAMILY = ("vague", "dated")


def family_episodes(view: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Merge the rows of each family into one.

    Parameters
    ----------
    view : pandas.DataFrame
        Model rows as known on a day, with windows and statements.
    members : pandas.DataFrame
        Members that were open from their debut, known by then: openings of the family.

    Returns
    -------
    pandas.DataFrame
        The same columns, one row a family, ``episode_id`` = the family. A family with a
        member open by its first closed debut is no episode and is left out.
    """
    openings: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for member in members.to_dict("records"):
        openings[member["family"]].append(member)
    families: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in view.to_dict("records"):
        families[row["family"]].append(row)
    merged = [merge_members(rows, openings[name]) for name, rows in families.items()]
    frame = pd.DataFrame([row for row in merged if row is not None], columns=view.columns)
    return frame.astype(view.dtypes.to_dict()).reset_index(drop=True)


def merge_members(rows: list[dict[str, Any]], open_members: Sequence[dict[str, Any]] = ()) -> dict[str, Any] | None:
    """One family's row, or None where a member was open by the first closed debut."""
    rows = sorted(rows, key=lambda row: (row["closed_first"], row["closed_last"]))
    family = dict(rows[0])
    name = family["family"]
    family |= {"episode_id": name, "model": name, "closed_last": min(row["closed_last"] for row in rows)}
    for kind in ("part", "full"):
        opened = [row for row in rows if not pd.isna(row[f"{kind}_last"])]
        windows = [(row[f"{kind}_first"], row[f"{kind}_last"], row["part_what"]) for row in opened]
        windows += [(m["debut_first"], m["debut_last"], m["member"]) for m in open_members if m["opening"] == kind]
        first, last, what = min(windows, key=lambda w: w[1], default=(pd.NaT, pd.NaT, ""))
        if last <= family["closed_last"]:
            return None
        family |= {f"{kind}_first": min((w[0] for w in windows), default=first), f"{kind}_last": last}
        if kind == "part":
            family["part_what"] = what
    for end in ("leaked_on", "withdrawn_on"):
        days = [row[end] for row in rows]
        family[end] = pd.NaT if any(pd.isna(day) for day in days) else max(days)
    family |= _outcome(family)
    family["observed_through"] = max(row["observed_through"] for row in rows)
    return family | _promises(rows)


def _outcome(family: dict[str, Any]) -> dict[str, Any]:
    """The family's own outcome and its day; what a single member's cells say of it is left blank."""
    order = {"opened": "full", "opened_partial": "part", "leaked": "leaked", "withdrawn": "withdrawn"}
    ends = {"full": "full_first", "part": "part_first", "leaked": "leaked_on", "withdrawn": "withdrawn_on"}
    outcome = next((name for name, kind in order.items() if not pd.isna(family[ends[kind]])), "still_closed")
    day = pd.NaT if outcome == "still_closed" else family[ends[order[outcome]]]
    blank = {"what_opened": "", "license": "", "license_class": "none"}
    return {"outcome": outcome, "outcome_on": day, "outcome_precision": None, "outcome_source_url": None, **blank}


def _promises(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A promise for any member is one of the family; a refusal of one member is not."""
    of_members = [s for row in rows for s in row["statements"] if s[1] in _FOR_THE_FAMILY]
    said = sorted(of_members + rows[0]["family_statements"], key=lambda s: s[0])
    promised = [s for s in said if s[1] in _FOR_THE_FAMILY]
    dated = any(s[1] == "dated" for s in promised)
    return {
        "statements": said,
        "promise": "dated" if dated else "vague" if promised else "none",
        "promised_on": min((s[0] for s in promised), default=pd.NaT),
        "promised_by": max((s[2] for s in said if not pd.isna(s[2])), default=pd.NaT) if dated else pd.NaT,
    }
