"""What catalogues say about one model: who lists it, under which id, open or closed, and where they contradict."""

from __future__ import annotations

import datetime as dt
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

import pandas as pd

from forecast.tables.catalogue import NOBODY
from forecast.tables.forms import Form, form_of
from forecast.tables.schema import CohortEntry
from forecast.tables.windows import date_window

#: The catalogue's public sources: the history of a file there shows when a flag turned.
SOURCES = "https://github.com/anomalyco/models.dev/blob/HEAD"
#: Cohorts that were taken from it are called so, and by their month.
COHORT = "models-dev"
#: The one vote of a maker's own branches and of the catalogue's own list.
THE_MAKER = "its maker"
#: Days between two providers' release days from which they contradict each other.
FAR_APART = 30


@dataclass(frozen=True)
class Listing:
    """One provider's entry for a model in one copy of a catalogue.

    Attributes
    ----------
    provider, entry, name : str
        Who lists it, under which id and display name.
    open_weights : bool or None
        As the entry has it; None where it says nothing.
    released, updated : datetime.date or None
        The entry's own days.
    released_precision : str
        "day" or "month".
    own : bool
        Listed by its maker, or in the catalogue's own list of models.
    vote : str
        The house of the provider: its branches have one vote.
    match : str
        How its name was matched, "" where it was not.
    score : float or None
        Likeness of the words, 0 to 100.
    weights, links : tuple of str
        Addresses that the entry gives.
    modality, license : str
    day : datetime.date
        Of the copy.
    copy : str
        What the copy is called, see :func:`copy_names`.
    form : Form
    maker : str
        Key, "" where nobody says.
    known_kind, known_id : str or None
        What the tables know it as, see :class:`forecast.tables.listings.Known`.
    """

    provider: str
    entry: str
    name: str
    open_weights: bool | None
    released: dt.date | None
    updated: dt.date | None
    released_precision: str
    own: bool
    vote: str
    match: str
    score: float | None
    weights: tuple[str, ...]
    links: tuple[str, ...]
    modality: str
    license: str
    day: dt.date
    form: Form
    maker: str = ""
    copy: str = ""
    known_kind: str | None = None
    known_id: str | None = None

    @property
    def source(self) -> str:
        """A page that shows it: its weights, a link of the entry, else the catalogue's own source."""
        place = f"models/{quote(self.entry)}"
        if self.provider != NOBODY:
            place = f"providers/{quote(self.provider)}/models/{quote(self.entry)}"
        return next(iter((*self.weights, *self.links)), f"{SOURCES}/{place}.toml")

    def as_json(self) -> dict[str, Any]:
        """What is shown of it."""
        shown = (
            "provider",
            "entry",
            "name",
            "open_weights",
            "released",
            "updated",
            "own",
            "match",
            "score",
            "day",
            "copy",
        )
        return {name: getattr(self, name) for name in shown} | {"weights": list(self.weights), "source": self.source}


def copy_names(addresses: Sequence[str]) -> list[str]:
    """What copies of catalogues are called: the file's name; the whole address where two files have one name."""
    names = [PurePath(address).name or address for address in addresses]
    return [address if names.count(name) > 1 else name for name, address in zip(names, addresses, strict=True)]


def listings_of(rows: pd.DataFrame) -> tuple[Listing, ...]:
    """Rows of :func:`forecast.tables.listings.match_listings`, with ``day`` and ``copy``; the maker's own first."""
    return in_order(_listing(row) for row in rows.to_dict("records"))


def in_order(listings: Iterable[Listing]) -> tuple[Listing, ...]:
    """Its maker's own first, then by name."""
    return tuple(sorted(listings, key=lambda x: (not x.own, x.provider, x.entry, x.day, x.copy)))


def _listing(row: dict[str, Any]) -> Listing:
    def day(cell: Any) -> dt.date | None:
        return None if pd.isna(cell) else cell.date()

    return Listing(
        **{
            name: row[name]
            for name in ("provider", "entry", "name", "released_precision", "own", "vote", "day", "copy")
        },
        **{name: row[name] for name in ("weights", "links", "modality", "license", "form", "maker")},
        **{name: row[name] for name in ("known_kind", "known_id")},
        open_weights=None if pd.isna(row["open_weights"]) else bool(row["open_weights"]),
        released=day(row["released"]),
        updated=day(row["updated"]),
        match=row["level"] or "",
        score=None if row["score"] is None else round(float(row["score"]), 1),
    )


def cohort_listings(cohort: pd.DataFrame, before: dt.date) -> dict[str, tuple[Listing, ...]]:
    """Closed entries of cohorts taken from models.dev in earlier months, by episode.

    Parameters
    ----------
    cohort : pandas.DataFrame
        ``cohorts.csv``.
    before : datetime.date
        Cohorts of a month that had ended by then.
    """
    found: dict[str, tuple[Listing, ...]] = {}
    for row in cohort[cohort.cohort.str.startswith(f"{COHORT}-")].itertuples(index=False):
        first = dt.date.fromisoformat(row.cohort.removeprefix(f"{COHORT}-") + "-01")
        last = date_window(first, "month")[1]
        # a "latest" names another model now and then
        if not pd.isna(row.episode_id) and row.listed != "open" and last < before and "latest" not in row.entry:
            found[row.episode_id] = (*found.get(row.episode_id, ()), _cohort_listing(row.entry, last))
    return found


def _cohort_listing(entry: str, day: dt.date) -> Listing:
    return Listing(
        provider=NOBODY,
        entry=entry,
        name=entry,
        open_weights=False,
        released=None,
        updated=None,
        released_precision="",
        own=True,
        vote=THE_MAKER,
        match="exact",
        score=100.0,
        weights=(),
        links=(),
        modality="text",
        license="",
        day=day,
        form=form_of(entry),
        copy=CohortEntry.file,
    )


@dataclass(frozen=True)
class Votes:
    """How many providers call a model open or closed.

    Attributes
    ----------
    open, closed : int
        Providers, branches of one house as one, by the majority of its entries; where that is even, for neither.
    maker : bool or None
        What its maker's own entries say by majority; None where they are silent or even.
    """

    open: int
    closed: int
    maker: bool | None

    @property
    def mostly_open(self) -> bool:
        """More houses say open than closed."""
        return self.open > self.closed


def votes_of(listings: Iterable[Listing]) -> Votes:
    """Count the providers."""
    sides: dict[str, Counter[bool]] = {}
    for listing in listings:
        if listing.open_weights is not None:
            sides.setdefault(listing.vote, Counter())[listing.open_weights] += 1
    said = {vote: count[True] > count[False] for vote, count in sides.items() if count[True] != count[False]}
    return Votes(sum(said.values()), sum(not side for side in said.values()), said.get(THE_MAKER))


def conflicts_of(listings: Sequence[Listing]) -> tuple[str, ...]:
    """Contradictions between the listings, in words."""
    found = []
    says = {flag: sorted({_who(x) for x in listings if x.open_weights is flag}) for flag in (True, False)}
    if says[True] and says[False]:
        found.append(f"open by {_some(says[True])}; closed by {_some(says[False])}")
    both = sorted(set(says[True]) & set(says[False]))
    if both:
        found.append(f"{_some(both)} says both")
    days = sorted(x.released for x in listings if x.released)
    if days and (days[-1] - days[0]).days > FAR_APART:
        found.append(f"released between {days[0]} and {days[-1]}")
    return tuple(found)


def debut_day(listings: Sequence[Listing]) -> tuple[dt.date, str] | None:
    """The day that its maker's entries name first, else the middle one of all, with its precision.

    A reseller's day is often the day on which it began to sell the model, or a placeholder.
    """
    own = sorted((x.released, x.released_precision) for x in listings if x.own and x.released)
    if own:
        return own[0]
    days = [(x.released, x.released_precision) for x in listings if x.released]
    return statistics.median_low(days) if days else None


def _who(listing: Listing) -> str:
    return f"{listing.provider} ({THE_MAKER})" if listing.own and listing.provider != NOBODY else listing.provider


def _some(names: Sequence[str], most: int = 6) -> str:
    """Names in a row, not endless."""
    ordered = sorted(names, key=lambda name: not name.endswith(f"({THE_MAKER})"))
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(ordered[:most]) + more
