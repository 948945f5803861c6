"""What happened to a model, as cells: an opening, a leak, a withdrawal, a promise, a debut, a look.

Each function takes the cells of a row and gives those that change; it reads and writes no
file. :mod:`forecast.tables.book` finds the rows and makes the edits.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from forecast.errors import TableError
from forecast.tables.edit import Cells
from forecast.tables.windows import Precision, date_window

#: Cells of a new row that need not be asked for: a closed debut that nobody has promised to open.
DEBUT_CELLS: dict[str, str] = {
    "domain": "ai_model",
    "closed_precision": "day",
    "promise": "none",
    "safety_review": "false",
    "outcome": "still_closed",
    "license_class": "none",
    "frame": "curated",
}

_PROMISE_STRENGTH = ("none", "vague", "dated")
_STATUS = {
    "opened": "opened",
    "opened_partial": "opened in part",
    "leaked": "leaked",
    "withdrawn": "withdrawn",
    "still_closed": "still closed",
}


def opened(
    row: Cells,
    on: dt.date,
    source: str,
    *,
    part: bool = False,
    what: str = "",
    license_name: str = "",
    license_class: str = "none",
    precision: Precision = "day",
) -> dict[str, str]:
    """Cells of an episode once it is open.

    A leak or a withdrawal before it goes into the notes: a row has one outcome, and an
    opening is what is asked about. An opening in part before one in full goes to a row of its
    own, see :func:`earlier_opening`.

    Parameters
    ----------
    row : mapping
        The episode's cells.
    on : datetime.date
        Day of the opening.
    source : str
        Page that states it.
    part : bool
        Only a smaller, distilled, older or cut-down version.
    what : str
        What was opened; by default what the outcome says of it.
    license_name, license_class : str
        Its licence.
    precision : {"day", "month", "quarter", "year"}
        Width of the day's window.

    Raises
    ------
    TableError
        If the row has such an opening already, or was open in part only later.
    """
    if row["outcome"] == "opened" or (part and row["outcome"] == "opened_partial"):
        raise TableError(
            [
                f"{row['episode_id']} was {_standing(row)} already: a row has one opening; "
                "'forecast episodes close' takes a wrong one back"
            ]
        )
    if row["outcome"] == "opened_partial":
        first, _ = date_window(dt.date.fromisoformat(row["outcome_on"]), _precision(row["outcome_precision"]))
        if date_window(on, precision)[1] < first:
            raise TableError([f"{row['episode_id']}: {on} is before its opening in part of {row['outcome_on']}"])
    return {
        **_outcome(row, "opened_partial" if part else "opened", on, source, precision),
        "what_opened": what or (f"an open version of {row['model']}" if part else row["model"]),
        "license": license_name,
        "license_class": license_class,
        "notes": _noted(row, _remembered(row)),
    }


def earlier_opening(row: Cells) -> dict[str, str]:
    """The row of ``earlier_openings.csv`` that keeps an episode's opening in part."""
    return {
        "episode_id": row["episode_id"],
        "opened_on": row["outcome_on"],
        "opened_precision": row["outcome_precision"],
        "what_opened": row["what_opened"] or f"an open version of {row['model']}",
        "source_url": row["outcome_source_url"],
    }


def ended(
    row: Cells,
    outcome: Literal["leaked", "withdrawn"],
    on: dt.date,
    source: str,
    *,
    what: str = "",
    precision: Precision = "day",
) -> dict[str, str]:
    """Cells of an episode that leaked or was withdrawn.

    Parameters
    ----------
    row : mapping
        The episode's cells.
    outcome : {"leaked", "withdrawn"}
    on : datetime.date
    source : str
        Page that states it.
    what : str
        What leaked; the model by default.
    precision : {"day", "month", "quarter", "year"}

    Raises
    ------
    TableError
        If the row has an outcome already: it holds one.
    """
    if row["outcome"] != "still_closed":
        raise TableError(
            [
                f"{row['episode_id']} was {_standing(row)} already: a row has one outcome; "
                "'forecast episodes close' takes a wrong one back"
            ]
        )
    leaked = {"what_opened": what or row["model"]} if outcome == "leaked" else {}
    return _outcome(row, outcome, on, source, precision) | leaked


def closed_again(row: Cells, on: dt.date, source: str, reason: str, part: Cells | None = None) -> dict[str, str]:
    """Cells of an episode whose outcome was recorded in error.

    Weights that were open and taken down later stay opened: that they could be had is what a
    row says. The wrong outcome, the reason and the page go into the notes.

    Parameters
    ----------
    row : mapping
        The episode's cells.
    on : datetime.date
        Day on which a page shows that it is closed, or open in part only.
    source : str
        That page.
    reason : str
        Why the outcome was wrong.
    part : mapping, optional
        Its row of ``earlier_openings.csv``, where it has one: the opening in part stands.

    Raises
    ------
    TableError
        If there is no outcome to take back, or the page is older than the outcome.
    """
    name = row["episode_id"]
    if row["outcome"] == "still_closed":
        raise TableError([f"{name} is still closed: 'forecast episodes seen' records that it was on a day"])
    first, _ = date_window(dt.date.fromisoformat(row["outcome_on"]), _precision(row["outcome_precision"]))
    if on < first:
        raise TableError([f"{name}: a page of {on} says nothing about what it is since {row['outcome_on']}"])
    cells = {
        "outcome": "still_closed",
        "outcome_on": "",
        "outcome_precision": "",
        "what_opened": "",
        "license": "",
        "license_class": "none",
        "outcome_source_url": source,
        # what was seen later was read as an open model's
        "observed_through": on.isoformat(),
        "notes": _noted(row, f"Was coded {_standing(row)}, wrongly: {reason} ({source})."),
    }
    if part is None:
        return cells
    return cells | {
        "outcome": "opened_partial",
        "outcome_on": part["opened_on"],
        "outcome_precision": part["opened_precision"],
        "what_opened": part["what_opened"],
        "outcome_source_url": part["source_url"],
    }


def seen(row: Cells, on: dt.date, source: str) -> dict[str, str]:
    """Cells of an episode that a page shows not to be open, in full, on a day.

    The page of a row with an outcome states that outcome, so this one goes into the notes.

    Raises
    ------
    TableError
        If it was opened, or there is evidence of that day or a later one already.
    """
    name = row["episode_id"]
    if row["outcome"] == "opened":
        raise TableError([f"{name} was {_standing(row)}: nothing is left to see closed"])
    if on.isoformat() <= row["observed_through"]:
        raise TableError([f"{name}: there is evidence through {row['observed_through']} already: give a later day"])
    moved = {"observed_through": on.isoformat()}
    if row["outcome"] == "still_closed":
        return moved | {"outcome_source_url": source}
    short = "in full " if row["outcome"] == "opened_partial" else ""
    return moved | {"notes": _noted(row, f"Not open {short}on {on} ({source}).")}


def promised(row: Cells, said: Cells) -> dict[str, str]:
    """Promise cells of an episode once a statement about it is made; none where they say it all.

    Parameters
    ----------
    row : mapping
        The episode's cells.
    said : mapping
        The statement's, as in ``promises.csv``.
    """
    if said["kind"] not in _PROMISE_STRENGTH:
        return {}
    cells = {}
    if _PROMISE_STRENGTH.index(said["kind"]) > _PROMISE_STRENGTH.index(row["promise"]):
        cells = {
            "promise": said["kind"],
            "promised_by": said["due_to"] if said["kind"] == "dated" else "",
            "promise_words": said["words"],
            "promise_source_url": said["source_url"],
        }
    if not row["promised_on"] or said["said_on"] < row["promised_on"]:
        cells["promised_on"] = said["said_on"]
    return cells


def member(row: Cells) -> dict[str, str]:
    """The row of ``family_members.csv`` of an episode whose family is listed there."""
    return {
        "family": row["family"],
        "member": row["model"],
        "episode_id": row["episode_id"],
        "debut_on": row["closed_on"],
        "debut_precision": row["closed_precision"],
        "known_on": row["closed_on"],
        "open_at_debut": "false",
        "source_url": row.get("closed_source_url", ""),
    }


def _outcome(row: Cells, outcome: str, on: dt.date, source: str, precision: Precision) -> dict[str, str]:
    """Cells that every outcome has."""
    return {
        "outcome": outcome,
        "outcome_on": on.isoformat(),
        "outcome_precision": precision,
        "outcome_source_url": source,
        "observed_through": max(row["observed_through"], on.isoformat()),
    }


def _remembered(row: Cells) -> str:
    """What the notes keep of an outcome that an opening replaces, as no other table has it."""
    words = _standing(row)
    if row["outcome"] in ("leaked", "withdrawn"):
        pages = "; ".join(cell for cell in (row["what_opened"], row["outcome_source_url"]) if cell)
        return f"{words[0].upper()}{words[1:]}{f' ({pages})' if pages else ''}."
    if row["outcome"] == "opened_partial" and (row["license"] or row["license_class"] != "none"):
        return f"{words[0].upper()}{words[1:]} under {row['license'] or 'a licence'} ({row['license_class']})."
    return ""


def _standing(row: Cells) -> str:
    """The outcome in words, with its day."""
    if row["outcome"] == "still_closed":
        return _STATUS["still_closed"]
    width = "" if row["outcome_precision"] == "day" else f" ({row['outcome_precision']})"
    return f"{_STATUS[row['outcome']]} on {row['outcome_on']}{width}"


def _noted(row: Cells, sentence: str) -> str:
    """The notes with a sentence more."""
    notes = row["notes"].rstrip()
    if not sentence or not notes:
        return notes + sentence if sentence else row["notes"]
    return f"{notes}{'' if notes.endswith(('.', '!', '?')) else '.'} {sentence}"


def _precision(cell: str) -> Precision:
    precisions: dict[str, Precision] = {"day": "day", "month": "month", "quarter": "quarter", "year": "year"}
    return precisions[cell]
