"""What a line of each kind must hold, so that whoever reads it later can."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from forecast.release import GRID_DAYS

#: A rule in words, and whether a value follows it.
_Rule = tuple[str, Callable[[Any], bool]]


@lru_cache(maxsize=1024)
def _is_day_text(text: str) -> bool:
    with suppress(ValueError):
        return dt.date.fromisoformat(text).isoformat() == text
    return False


def is_day(value: Any) -> bool:
    """Whether a value is a day, written YYYY-MM-DD."""
    return type(value) is str and _is_day_text(value)


_TEXT: _Rule = ("a text", lambda value: type(value) is str and value != "")
_DAY: _Rule = ("a day, YYYY-MM-DD", is_day)
_DAY_OR_NONE: _Rule = ("a day or null", lambda value: value is None or is_day(value))
_CURVE: _Rule = (
    f"a list of {len(GRID_DAYS)} numbers",
    lambda value: type(value) is list and len(value) == len(GRID_DAYS),
)
_OBJECT: _Rule = ("an object", lambda value: type(value) is dict)
_OPENING: _Rule = ("full or part", lambda value: value in ("full", "part"))
_STATUS: dict[str, _Rule] = {"question_id": _TEXT, "why": _TEXT}

#: Kind of line -> field -> rule. A field that may be missing begins with a question mark.
SHAPES: Mapping[str, Mapping[str, _Rule]] = {
    "forecast": {
        "id": _TEXT,
        "question_id": _TEXT,
        "forecaster": _TEXT,
        "mode": _TEXT,
        "asked_on": _DAY,
        "made_on": _DAY,
        "?last_checked": _DAY_OR_NONE,
        "cdf_full": _CURVE,
        "cdf_part": _CURVE,
        "reference": _OBJECT,
    },
    "withdrawal": {"forecast_id": _TEXT},
    "resolved": {"question_id": _TEXT, "happened_on": _DAY, "?known_on": _DAY_OR_NONE, "opening": _OPENING},
    "void": _STATUS,
    "ambiguous": _STATUS,
    "reopened": _STATUS,
}


def shape_fault(body: Mapping[str, Any]) -> str | None:
    """Say which field keeps a body from being read as what its kind says, if any.

    Parameters
    ----------
    body : mapping
        Of a line, with its ``kind``; kinds without a shape may hold anything.
    """
    for name, (words, holds) in SHAPES.get(body["kind"], {}).items():
        field = name.removeprefix("?")
        if not holds(body.get(field)) and not (field != name and field not in body):
            return f"its {field} is not {words}, as that of kind {body['kind']!r} must be"
    return None
