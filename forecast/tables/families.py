"""A family as one episode: debut of the first closed member, opening of any member."""

from __future__ import annotations

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
    rows = [
        merge_members(rows, members[members.family == family]) for family, rows in view.groupby("family", sort=False)
    ]
    merged = pd.DataFrame([row for row in rows if row is not None], columns=view.columns)
    return merged.astype(view.dtypes.to_dict()).reset_index(drop=True)


def merge_members(rows: pd.DataFrame, open_members: pd.DataFrame | None = None) -> dict[str, Any] | None:
    """One family's row, or None where a member was open by the first closed debut."""
    rows = rows.sort_values(["closed_first", "closed_last"], kind="stable")
    first = rows.iloc[0]
    family: dict[str, Any] = first.to_dict()
    family |= {"episode_id": first.family, "model": first.family, "closed_last": rows.closed_last.min()}
    for kind in ("part", "full"):
        opened = rows[[f"{kind}_first", f"{kind}_last"]].set_axis(["first", "last"], axis=1).dropna()
        if open_members is not None:
            debuts = open_members.loc[open_members.opening == kind, ["debut_first", "debut_last"]]
            opened = pd.concat([opened, debuts.set_axis(["first", "last"], axis=1)])
        opened = opened.sort_values("last", kind="stable")
        if len(opened) and opened.iloc[0]["last"] <= family["closed_last"]:
            return None
        family[f"{kind}_first"] = opened.iloc[0]["first"] if len(opened) else pd.NaT
        family[f"{kind}_last"] = opened.iloc[0]["last"] if len(opened) else pd.NaT
    for name in ("leaked_on", "withdrawn_on"):
        family[name] = rows[name].max() if rows[name].notna().all() else pd.NaT
    family |= _outcome(family)
    family["observed_through"] = rows.observed_through.max()
    return family | _promises(rows)


def _outcome(family: dict[str, Any]) -> dict[str, Any]:
    """The family's own outcome and its day; what a single member's cells say of it is left blank."""
    order = {"opened": "full", "opened_partial": "part", "leaked": "leaked", "withdrawn": "withdrawn"}
    ends = {"full": "full_first", "part": "part_first", "leaked": "leaked_on", "withdrawn": "withdrawn_on"}
    outcome = next((name for name, kind in order.items() if not pd.isna(family[ends[kind]])), "still_closed")
    day = pd.NaT if outcome == "still_closed" else family[ends[order[outcome]]]
    blank = {"what_opened": "", "license": "", "license_class": "none"}
    return {"outcome": outcome, "outcome_on": day, "outcome_precision": None, "outcome_source_url": None, **blank}


def _promises(rows: pd.DataFrame) -> dict[str, Any]:
    """A promise for any member is one of the family; a refusal of one member is not."""
    said = [s for own in rows.statements for s in own if s[1] in _FOR_THE_FAMILY] + rows.family_statements.iloc[0]
    said = sorted(said, key=lambda s: s[0])
    promised = [s for s in said if s[1] in _FOR_THE_FAMILY]
    dated = any(s[1] == "dated" for s in promised)
    return {
        "statements": said,
        "promise": "dated" if dated else "vague" if promised else "none",
        "promised_on": min((s[0] for s in promised), default=pd.NaT),
        "promised_by": max((s[2] for s in said if not pd.isna(s[2])), default=pd.NaT) if dated else pd.NaT,
    }
