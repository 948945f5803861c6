"""A model catalogue (models.dev) as a table: one row a provider and model, checked and without surprises.

Two shapes are read: by provider (``api.json``: provider -> models), by model (``models.json``: ``maker/id`` -> model).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

import pandas as pd

from forecast.errors import ForecastError

Shape = Literal["api", "models"]

COLUMNS = (
    "provider",
    "entry",
    "name",
    "open_weights",
    "released",
    "released_precision",
    "updated",
    "modality",
    "license",
    "weights",
    "links",
)
#: Provider of the rows of ``models.json``, which belong to nobody.
NOBODY = "models.dev"
#: Share of entries that may be unreadable before the file counts as one of another shape.
MAX_BAD = 0.05
#: A release before this day is a placeholder (1970-01-01).
FIRST_RELEASE = pd.Timestamp("2015-01-01")
#: Longest name that is kept whole.
MAX_NAME = 200


class CatalogueError(ForecastError):
    """A catalogue that cannot be fetched, read or trusted."""


@dataclass(frozen=True)
class Catalogue:
    """One copy of a catalogue.

    Attributes
    ----------
    table : pandas.DataFrame
        :data:`COLUMNS`; a row a provider and model. ``open_weights`` is true, false or missing.
    shape : {"api", "models"}
        By provider, or by model.
    day : datetime.date
        The day of the copy.
    day_from : str
        How that day is known.
    address : str
        Where it was read from.
    sha256 : str
        Hash of its JSON.
    notes : tuple of str
        What was wrong with single entries.
    """

    table: pd.DataFrame
    shape: Shape
    day: dt.date
    day_from: str
    address: str
    sha256: str
    notes: tuple[str, ...] = ()


def read_catalogue(content: bytes, address: str, today: dt.date, fetched: bool = False) -> Catalogue:
    """Parse and check a catalogue.

    Parameters
    ----------
    content : bytes
        JSON, unpacked.
    address : str
        File or web address, for messages and for the day in a file's name.
    today : datetime.date
        In UTC; a copy named by a clock that is a day ahead counts as today's.
    fetched : bool
        Fetched now: it is today's copy. Else the day in the file's name, else that of its
        newest entry that is not dated ahead.

    Raises
    ------
    CatalogueError
        For JSON that is broken or ambiguous (duplicate keys, NaN), of another shape, or of no known day.
    """
    found = _parse(content, address)
    shape, raw = _entries(found, address)
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    for provider, key, entry in raw:
        try:
            rows.append(_row(provider, key, entry, notes))
        except (TypeError, ValueError) as error:
            notes.append(f"{clean(provider)}, {clean(key)}: left out: {error}")
    if len(raw) - len(rows) > MAX_BAD * len(raw):
        raise CatalogueError(
            f"{address}: {len(raw) - len(rows)} of {len(raw)} entries cannot be read ({notes[-1]}): "
            "has the catalogue's shape changed?"
        )
    table = _table(rows)
    if table.open_weights.notna().sum() == 0:
        raise CatalogueError(
            f"{address}: no entry says whether its weights are open: has the catalogue's shape changed?"
        )
    day, day_from = today, "fetched now"
    if not fetched:
        day, day_from = _named_day(address, today) or _newest_day(address, table, today, notes)
    return Catalogue(table, shape, day, day_from, address, hashlib.sha256(content).hexdigest(), tuple(notes))


def clean(text: object) -> str:
    """A name from outside as one harmless line: no control or invisible characters, not endless."""
    plain = unicodedata.normalize("NFKC", str(text))
    kept = "".join(c if not unicodedata.category(c).startswith(("C", "Z")) or c == " " else " " for c in plain)
    return re.sub(r" +", " ", kept).strip()[:MAX_NAME]


def _parse(content: bytes, address: str) -> Any:
    def constant(name: str) -> Any:
        raise ValueError(f"{name} is no JSON number")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ValueError(f"the key {clean(twice)!r} stands twice in one object")
        return found

    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=constant, object_pairs_hook=unique)
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{address}: byte {error.start} is not UTF-8: not a JSON catalogue") from None
    except json.JSONDecodeError as error:
        start = clean(content[:40].decode("utf-8", "replace"))
        cut = "it ends too early; " if start.startswith("{") and not content.rstrip().endswith(b"}") else ""
        raise CatalogueError(f"{address}: not JSON: {cut}{error} (it begins with {start!r})") from None
    except (ValueError, RecursionError) as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise CatalogueError(f"{address}: not a JSON catalogue: {said}") from None


def _entries(found: Any, address: str) -> tuple[Shape, list[tuple[str, str, Any]]]:
    """Provider, key and content of every entry; the shape is told from the first level."""
    wanted = "wanted providers with 'models' (api.json), or models by 'maker/id' (models.json)"
    if not isinstance(found, dict) or not found or not all(isinstance(v, dict) for v in found.values()):
        raise CatalogueError(f"{address}: JSON of another shape: {wanted}")
    by_provider = [isinstance(v.get("models"), dict) for v in found.values()]
    if all(by_provider):
        return "api", list(_by_provider(found))
    if not any(by_provider) and all("/" in key for key in found):
        return "models", [(NOBODY, key, entry) for key, entry in found.items()]
    raise CatalogueError(f"{address}: JSON of another shape: {wanted}")


def _by_provider(found: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for provider, content in found.items():
        for key, entry in content["models"].items():
            yield provider, key, entry


def _row(provider: str, key: str, entry: Any, notes: list[str]) -> dict[str, Any]:
    """One entry as a row; raises where it cannot be one."""
    if not isinstance(entry, dict):
        raise TypeError("not an object")
    said = entry.get("id", key)
    flag = entry.get("open_weights")
    if not isinstance(said, str) or not clean(said):
        raise TypeError("its id is no text")
    if flag is not None and not isinstance(flag, bool):
        raise TypeError(f"open_weights is {clean(flag)!r}, not true or false")
    where = f"{clean(provider)}, {clean(said)}"
    released, precision = _date(entry.get("release_date"), f"{where}: release_date", notes)
    updated, _ = _date(entry.get("last_updated"), f"{where}: last_updated", notes)
    return {
        "provider": clean(provider),
        "entry": clean(said),
        "name": clean(entry["name"]) if isinstance(entry.get("name"), str) else clean(said),
        "open_weights": flag,
        "released": released,
        "released_precision": precision,
        "updated": updated,
        "modality": _modality(entry),
        "license": clean(entry["license"]) if isinstance(entry.get("license"), str) else "",
        "weights": _urls(entry.get("weights")),
        "links": _urls(entry.get("links")),
    }


def _date(said: Any, where: str, notes: list[str]) -> tuple[pd.Timestamp | None, str]:
    """A day, or the first of a month, with its precision; a bad or impossible one is noted and left out."""
    if said is None:
        return None, ""
    found = re.fullmatch(r"(\d{4})-(\d\d)(?:-(\d\d))?", said) if isinstance(said, str) else None
    try:
        if not found:
            raise ValueError
        day = dt.date(int(found[1]), int(found[2]), int(found[3] or 1))
    except ValueError:
        notes.append(f"{where}: {clean(said)!r} is no day: left out")
        return None, ""
    if day < FIRST_RELEASE.date():
        return None, ""
    return pd.Timestamp(day), "day" if found[3] else "month"


def _modality(entry: dict[str, Any]) -> str:
    """What it takes in or makes, in the words of the episodes table."""
    said = entry.get("modalities")
    given = said if isinstance(said, dict) else {}
    ins, outs = ({str(m) for m in given.get(end) or ()} for end in ("input", "output"))
    for made in ("video", "image", "audio"):
        if made in outs and "text" not in outs:
            return made
    if "embed" in str(entry.get("id", "")).lower():
        return "embedding"
    return "multimodal" if (ins | outs) - {"text", "pdf"} else "text"


def _urls(said: Any) -> tuple[str, ...]:
    """Web addresses of a list of links; anything else is dropped."""
    links = said if isinstance(said, list) else []
    urls = [link.get("url") for link in links if isinstance(link, dict)]
    return tuple(url for url in urls if isinstance(url, str) and is_web_address(url))


def is_web_address(url: str) -> bool:
    """Whether a link is one that the tables can hold."""
    return bool(
        re.fullmatch(r"https?://[\w.-]+\.[A-Za-z]{2,}(:\d+)?(/[\x21-\x7e]*|\?[\x21-\x7e]*|#[\x21-\x7e]*)?", url)
    )


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for column in ("released", "updated"):
        table[column] = pd.to_datetime(table[column]).astype("datetime64[s]")
    table["open_weights"] = table.open_weights.astype("boolean")
    return table


def _named_day(address: str, today: dt.date) -> tuple[dt.date, str] | None:
    """The day in the name of a saved copy, and how it is known."""
    for stated in re.findall(r"(?<!\d)20\d\d-\d\d-\d\d(?!\d)", PurePath(address).name):
        try:
            day = dt.date.fromisoformat(stated)
        except ValueError:
            continue
        if day > today + dt.timedelta(days=1):
            raise CatalogueError(f"{address}: named for {day}, which has not come: today is {today} (UTC)")
        return min(day, today), "in the file's name"
    return None


def _newest_day(address: str, table: pd.DataFrame, today: dt.date, notes: list[str]) -> tuple[dt.date, str]:
    """The last day that an entry names and that has come; those ahead are noted, first of all."""
    named = pd.concat([table.updated, table.released]).dropna()
    come = named[named <= pd.Timestamp(today)]
    if come.empty:
        ahead = "" if named.empty else f" that has come: the first is {named.min().date()}, today is {today} (UTC)"
        raise CatalogueError(
            f"{address}: no day in its name and none in its entries{ahead}: name it like api-2026-06-14.json"
        )
    if len(come) < len(named):
        days = f"{len(named) - len(come)} of {len(named)} days of its entries"
        notes.insert(0, f"{days} are after today, the last {named.max().date()}: they do not date the copy")
    return come.max().date(), "the day of its newest entry"
