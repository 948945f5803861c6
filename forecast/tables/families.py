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
        Family members known by then; those open at their debut are openings of the family.

    Returns
    -------
    pandas.DataFrame
        The same columns, one row a family, ``episode_id`` = the family. A family with a
        member open by its first closed debut is no episode and is left out.
    """
    open_members = members[members.open_at_debut].groupby("family")
    by_family = {name: open_members.get_group(name) for name in open_members.groups}
    rows = [merge_members(rows, by_family.get(family)) for family, rows in view.groupby("family", sort=False)]
    merged = pd.DataFrame([row for row in rows if row is not None], columns=view.columns)
    return merged.astype(view.dtypes.to_dict()).reset_index(drop=True)


def merge_members(rows: pd.DataFrame, open_members: pd.DataFrame | None = None) -> dict[str, Any] | None:
    """One family's row, or None where a member was open by the first closed debut."""
    rows = rows.sort_values(["closed_first", "closed_last"], kind="stable")
    first = rows.iloc[0]
    family: dict[str, Any] = first.to_dict()
    family |= {"episode_id": first.family, "model": first.family}
    for kind in ("part", "full"):
        opened = rows[[f"{kind}_first", f"{kind}_last"]].set_axis(["first", "last"], axis=1).dropna()
        if open_members is not None:
            debuts = open_members.debut_on[open_members.opening == kind]
            opened = pd.concat([opened, pd.DataFrame({"first": debuts, "last": debuts})])
        opened = opened.sort_values("last", kind="stable")
        if len(opened) and opened.iloc[0]["last"] <= first.closed_last:
            return None
        family[f"{kind}_first"] = opened.iloc[0]["first"] if len(opened) else pd.NaT
        family[f"{kind}_last"] = opened.iloc[0]["last"] if len(opened) else pd.NaT
    for name in ("leaked_on", "withdrawn_on"):
        family[name] = rows[name].max() if rows[name].notna().all() else pd.NaT
    family["outcome"] = _outcome(family)
    family["observed_through"] = rows.observed_through.max()
    return family | _promises(rows)


def _outcome(family: dict[str, Any]) -> str:
    order = {"opened": "full_last", "opened_partial": "part_last", "leaked": "leaked_on", "withdrawn": "withdrawn_on"}
    return next((name for name, column in order.items() if not pd.isna(family[column])), "still_closed")


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
