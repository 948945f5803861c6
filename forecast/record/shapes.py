"""What a line of each kind must hold, so that whoever reads it later can."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from forecast.release import GRID_DAYS

#: When a forecast was recorded: on the day it was made, about the past, or taken over from elsewhere.
MODES = ("live", "hindcast", "imported")
OPENINGS = ("full", "part")

#: A rule in words, and whether a value follows it.
_Rule = tuple[str, Callable[[Any], bool]]


_MISSING = object()


@lru_cache(maxsize=1024)
def _is_day_text(text: str) -> bool:
    with suppress(ValueError):
        return dt.date.fromisoformat(text).isoformat() == text
    return False


def is_day(value: Any) -> bool:
    """Whether a value is a day, written YYYY-MM-DD."""
    return type(value) is str and _is_day_text(value)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_curve(value: Any) -> bool:
    return type(value) is list and len(value) == len(GRID_DAYS) and {*map(type, value)} <= {int, float}


_TEXT: _Rule = ("a text", lambda value: type(value) is str and value != "")
_DAY: _Rule = ("a day, YYYY-MM-DD", is_day)
_DAY_OR_NONE: _Rule = ("a day or null", lambda value: value is None or is_day(value))
_NUMBER: _Rule = ("a number", _is_number)
_NUMBER_OR_NONE: _Rule = ("a number or null", lambda value: value is None or _is_number(value))
_CURVE: _Rule = (f"a list of {len(GRID_DAYS)} numbers", _is_curve)
_OBJECT: _Rule = ("an object", lambda value: type(value) is dict)
_FLAG: _Rule = ("true or false", lambda value: type(value) is bool)
_OPENING: _Rule = ("full or part", lambda value: value in OPENINGS)
_MODE: _Rule = (f"one of {', '.join(MODES)}", lambda value: value in MODES)
_STATUS: dict[str, _Rule] = {"question_id": _TEXT, "why": _TEXT}

#: Kind of line -> field -> rule. A field that may be missing begins with a question mark.
SHAPES: Mapping[str, Mapping[str, _Rule]] = {
    "forecast": {
        "id": _TEXT,
        "question_id": _TEXT,
        "forecaster": _TEXT,
        "model": _TEXT,
        "mode": _MODE,
        "design_seen": _FLAG,
        "unit": _TEXT,
        "target": _TEXT,
        "follow_up": _TEXT,
        "asked_on": _DAY,
        "made_on": _DAY,
        "last_checked": _DAY_OR_NONE,
        "cdf_full": _CURVE,
        "cdf_part": _CURVE,
        "left": _NUMBER,
        "p_never_structural": _NUMBER_OR_NONE,
        "reference": _OBJECT,
        "hashes": _OBJECT,
        "diagnostics": _OBJECT,
        "?replaces": _TEXT,
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
        if (field in body or field == name) and not holds(body.get(field, _MISSING)):
            return f"its {field} is not {words}, as that of kind {body['kind']!r} must be"
    return None
