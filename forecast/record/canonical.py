"""Canonical JSON: one value, one text. Written by RFC 8785's library, read by rules that refuse what it never writes.

Long lists of numbers are what a forecast is made of, and what the library is slow at: those whose
text is the same elsewhere are written there, all else by the library.
"""

from __future__ import annotations

import json
import math
import re
from json.encoder import encode_basestring
from typing import Any

import orjson
import rfc8785

from forecast.errors import LedgerError

#: Between these, Python and the RFC write a number alike, but for a ``.0``; so does orjson where it needs no exponent.
_PYTHON_FROM, _ALIKE_TO = 1e-4, 1e16
_WHOLE_TO = 2**53

_PLAIN = {int, float}

_SPACE_AFTER_TEXT = re.compile(rb'"[ \t\r\n]')


def canonical(value: Any) -> bytes:
    """Write a value as canonical JSON.

    Raises
    ------
    LedgerError
        If JSON has no way to say it: NaN, infinity, a date, a key that is no text.

    References
    ----------
    .. [1] Rundgren, Jordan, Erdtman (2020). RFC 8785, https://doi.org/10.17487/RFC8785
    """
    try:
        return _text(value).encode()
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"a record cannot be written as JSON: {error}") from None


def strict(text: bytes) -> Any:
    """Read JSON of which there is one reading only.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If it is no JSON; if a key stands twice, a number is NaN or beyond a double, or a text is no Unicode.
    RecursionError
        If it is too deep.
    """
    try:
        value = orjson.loads(text)
    except ValueError:
        return _slowly(text)  # which says what is wrong in its own words
    if text.count(b'":') == _keys(value) and not _SPACE_AFTER_TEXT.search(text):
        return value  # as many keys as were written: none stood twice
    return _slowly(text)


def _text(value: Any) -> str:
    kind = type(value)
    if kind is float and (value == 0 or _PYTHON_FROM <= abs(value) < _ALIKE_TO):
        return repr(value).removesuffix(".0") if value else "0"
    if kind is str:
        return encode_basestring(value)
    if kind is int and abs(value) < _WHOLE_TO:
        return repr(value)
    if kind is list:
        return _numbers(value) or f"[{','.join(map(_text, value))}]"
    if kind is dict and _plain_keys(value):
        return "{" + ",".join([f"{encode_basestring(key)}:{_text(value[key])}" for key in sorted(value)]) + "}"
    return rfc8785.dumps(value).decode()


def _plain_keys(value: dict[Any, Any]) -> bool:
    """Whether all keys are text that sorts alike in all encodings."""
    try:
        return "".join(value).isascii()
    except TypeError:
        return False


def _numbers(values: list[Any]) -> str:
    """Write a list of plain numbers at once; nothing if it holds anything else."""
    kinds = {*map(type, values)}
    if not kinds <= _PLAIN or (int in kinds and max(values) >= _WHOLE_TO):
        return ""
    text = orjson.dumps(values).decode()
    if "e" in text or "-" in text or "n" in text:  # tiny or huge; below zero, or a zero with a sign; null for NaN
        return ""
    return text.replace(".0,", ",").replace(".0]", "]")


def _keys(value: Any) -> int:
    """Count the keys of objects in objects; lists are not looked into."""
    if type(value) is not dict:
        return 0
    return len(value) + sum(map(_keys, value.values()))


def _slowly(text: bytes) -> Any:
    rules: dict[str, Any] = {"object_pairs_hook": keys_once, "parse_constant": refuse_constant}
    value = json.loads(text.decode(), parse_float=finite, parse_int=whole, **rules)
    json.dumps(value, ensure_ascii=False).encode()  # half a pair of surrogates has no bytes
    return value


def keys_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object of a JSON text in which a key stands twice.

    Raises
    ------
    ValueError
    """
    once = dict(pairs)
    if len(once) != len(pairs):
        raise ValueError("a key stands twice")
    return once


def refuse_constant(name: str) -> None:
    """Refuse NaN and infinity in a JSON text.

    Raises
    ------
    ValueError
    """
    raise ValueError(f"{name} is no number")


def finite(digits: str) -> float:
    """A number of a JSON text with a point or an exponent.

    Raises
    ------
    ValueError
        If it is beyond a double.
    """
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:20]} is too large a number")
    return number


def whole(digits: str) -> int | float:
    """A number without a point: beyond 64 bits it is the double that was written.

    Raises
    ------
    ValueError
    """
    number = finite(digits)
    return int(digits) if abs(number) < 2**63 else number
