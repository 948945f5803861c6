"""News that a catalogue may hold: openings, closed debuts and disappearances that the tables do not know.

Nothing here is believed: a candidate carries what speaks for it and against it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from forecast.tables.acceptance import Command, add_commands, open_commands, propose, withdraw_commands
from forecast.tables.catalogue import Catalogue
from forecast.tables.episodes import read_episodes, read_optional
from forecast.tables.evidence import (
    Listing,
    cohort_listings,
    conflicts_of,
    copy_names,
    debut_day,
    in_order,
    listings_of,
    votes_of,
)
from forecast.tables.forms import Form
from forecast.tables.listings import Known, known_names, match_listings
from forecast.tables.makers import maker_key
from forecast.tables.names import SAME_WEIGHTS, NameIndex, compare
from forecast.tables.schema import CohortEntry

Kind = Literal["opened", "debut", "gone", "open already"]
Support = Literal["strong", "weak"]

#: Debuts are looked for so many days back.
SINCE_DAYS = 180


@dataclass(frozen=True)
class Candidate:
    """Something that a catalogue says and the tables do not, or (open already) both do.

    Attributes
    ----------
    kind : {"opened", "debut", "gone", "open already"}
    episode_id : str
        Of the tables; for a debut a proposal.
    model, organization : str
    status : str
        What the tables know.
    support : {"strong", "weak"}
        strong: its maker says so, most providers do, or an entry turned since an earlier copy.
    reason : str
        What speaks for it.
    evidence : tuple of Listing
    conflicts : tuple of str
        What speaks against it.
    commands : tuple of Command
        Which enter it.
    """

    kind: Kind
    episode_id: str
    model: str
    organization: str
    status: str
    support: Support
    reason: str
    evidence: tuple[Listing, ...]
    conflicts: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        plain = ("kind", "episode_id", "model", "organization", "status", "support", "reason")
        return {name: getattr(self, name) for name in plain} | {
            "conflicts": list(self.conflicts),
            "commands": [command.as_json() for command in self.commands],
            "evidence": [listing.as_json() for listing in self.evidence],
        }


@dataclass(frozen=True)
class Found:
    """All candidates of a look at catalogues.

    Attributes
    ----------
    as_of, since : datetime.date
        Day of the tables; debuts since.
    catalogues : tuple of Catalogue
    candidates : tuple of Candidate
        Strong ones first within each kind.
    notes : tuple of str
        Why nothing, or less, is called gone.
    """

    as_of: dt.date
    since: dt.date
    catalogues: tuple[Catalogue, ...]
    candidates: tuple[Candidate, ...] = field(repr=False)
    notes: tuple[str, ...] = ()

    def of(self, kind: Kind, support: Support | None = None) -> tuple[Candidate, ...]:
        """Candidates of a kind."""
        return tuple(c for c in self.candidates if c.kind == kind and support in (None, c.support))

    def as_json(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "as_of": self.as_of,
            "since": self.since,
            "catalogues": [
                {name: getattr(c, name) for name in ("address", "day", "day_from", "shape", "sha256")}
                | {"entries": len(c.table), "notes": list(c.notes)}
                for c in self.catalogues
            ],
            "notes": list(self.notes),
            "candidates": [candidate.as_json() for candidate in self.candidates],
        }


def discover(data: Path, catalogues: Sequence[Catalogue], as_of: dt.date, since: dt.date | None = None) -> Found:
    """Compare catalogues with the tables.

    Parameters
    ----------
    data : pathlib.Path
        Folder of the tables.
    catalogues : sequence of Catalogue
        Copies; of each shape the newest says what is, older ones what was. Copies of one day are
        read as one. One that is less than half as long as it should be says nothing about what is gone.
    as_of : datetime.date
        The tables are taken as they were known on that day.
    since : datetime.date, optional
        Debuts before are not looked for; 180 days before ``as_of`` by default.
    """
    since = since or as_of - dt.timedelta(days=SINCE_DAYS)
    look = _look(data, catalogues, as_of)
    before, notes = _listed_before(look, _cut_short(catalogues))
    found = [*_opened(look), *_debuts(look, since), *_gone(look, before), *_open_already(look, since)]
    kinds = ("opened", "debut", "gone", "open already")
    order = sorted(found, key=lambda c: (kinds.index(c.kind), c.support, c.organization, c.episode_id))
    return Found(as_of, since, tuple(catalogues), tuple(order), tuple(notes))


Listings = tuple[Listing, ...]


@dataclass(frozen=True)
class _Look:
    """Tables and catalogues, matched; listings of the newest copies, and of older ones."""

    rows: dict[str, dict[str, Any]]
    makers: dict[str, list[dict[str, Any]]]
    names: NameIndex[Known]
    now: Listings
    before: Listings
    cohort: pd.DataFrame

    @property
    def listed(self) -> set[str | None]:
        """Episodes that the newest copies list, be it as a setting or a snapshot."""
        return {x.known_id for x in self.now if x.known_kind == "episode"}

    def episodes(self, listings: Listings) -> dict[str, Listings]:
        """Listings of the very weights of episodes, by episode."""
        found: dict[str, list[Listing]] = {}
        for x in listings:
            if x.known_kind == "episode" and x.match in SAME_WEIGHTS:
                found.setdefault(str(x.known_id), []).append(x)
        return {episode_id: tuple(found[episode_id]) for episode_id in sorted(found)}


def _look(data: Path, catalogues: Sequence[Catalogue], as_of: dt.date) -> _Look:
    view = read_episodes(data / "episodes.csv", as_of)
    names = known_names(view, data, as_of)
    newest = _newest(catalogues)
    now: list[Listing] = []
    before: list[Listing] = []
    for c, name in zip(catalogues, copy_names([c.address for c in catalogues]), strict=True):
        listings = listings_of(match_listings(c.table, names).assign(day=c.day, copy=name))
        (now if c.day == newest[c.shape] else before).extend(listings)
    rows = {row["episode_id"]: row for row in view.to_dict("records") if row["domain"] == "ai_model"}
    makers: dict[str, list[dict[str, Any]]] = {}
    for row in rows.values():
        makers.setdefault(maker_key(row["organization"]), []).append(row)
    cohort = read_optional(data / CohortEntry.file, CohortEntry)
    return _Look(rows, makers, names, in_order(now), in_order(before), cohort)


def _opened(look: _Look) -> Iterator[Candidate]:
    """Episodes that are not open in full, of which somebody says that they are."""
    earlier = look.episodes(look.before)
    for episode_id, listings in look.episodes(look.now).items():
        row, says_open = look.rows[episode_id], [x for x in listings if x.open_weights]
        if row["outcome"] == "opened" or not says_open:
            continue
        was = earlier.get(episode_id, ())
        support, reason = _belief(listings, _turned(was, listings))
        best = min(says_open, key=lambda x: (not x.weights, not x.own))
        last_closed = max((x.day for x in was if not x.open_weights), default=row["closed_last"].date())
        window = (min(last_closed + dt.timedelta(days=1), best.day), best.day)
        reason += f"; if so, opened between {window[0]} and {window[1]}"
        conflicts = (*_closed_later(row, best.day), *conflicts_of(listings))
        yield Candidate("opened", *_naming(row), support, reason, listings, conflicts, open_commands(row, best, window))


def _closed_later(row: dict[str, Any], day: dt.date) -> tuple[str, ...]:
    """What the table knows of a row that is not open since a copy of some day."""
    through = row["observed_through"].date()
    how = {"still_closed": "closed", "opened_partial": "open in part only"}.get(row["outcome"], "not open")
    return (f"the table has it {how} through {through}, later than this copy",) if through > day else ()


def _belief(listings: Sequence[Listing], turned: Sequence[Listing]) -> tuple[Support, str]:
    """How much speaks for an opening."""
    votes = votes_of(listings)
    counts = f"open by {votes.open} of {votes.open + votes.closed} providers"
    if not votes.open + votes.closed:
        counts = "called open as often as closed by each that lists it"
    if turned:
        who = ", ".join(sorted({x.provider for x in turned}))
        return "strong", f"{who} turned from closed to open; {counts}"
    if votes.maker:
        return "strong", f"its maker's own entry calls it open; {counts}"
    return "strong" if votes.open > max(votes.closed, 1) else "weak", counts


def _turned(was: Sequence[Listing], now: Sequence[Listing]) -> list[Listing]:
    """Entries that were closed in an earlier copy and are open in the newer one."""
    closed = {(x.provider, x.entry) for x in was if x.open_weights is False}
    return [x for x in now if x.open_weights and (x.provider, x.entry) in closed]


def _open_already(look: _Look, since: dt.date) -> Iterator[Candidate]:
    """Episodes opened lately, or whose entries turned lately: what the catalogue says is no news."""
    earlier = look.episodes(look.before)
    for episode_id, listings in look.episodes(look.now).items():
        row = look.rows[episode_id]
        if row["outcome"] != "opened" or not any(x.open_weights for x in listings):
            continue
        turned = _turned(earlier.get(episode_id, ()), listings)
        if turned or row["full_last"].date() >= since:
            support, reason = _belief(listings, turned)
            yield Candidate("open already", *_naming(row), support, reason, listings, conflicts_of(listings))


def _newest(catalogues: Sequence[Catalogue]) -> dict[str, dt.date]:
    """Day of the newest copy of each shape."""
    return {c.shape: max(o.day for o in catalogues if o.shape == c.shape) for c in catalogues}


def _cut_short(catalogues: Sequence[Catalogue]) -> Iterator[str]:
    """Newest copies with less than half the entries of an earlier one, in words."""
    newest = _newest(catalogues)
    for shape, day in newest.items():
        same = [c for c in catalogues if c.shape == shape]
        now = max((c for c in same if c.day == day), key=lambda c: len(c.table))
        longest = max(same, key=lambda c: len(c.table))
        if 2 * len(now.table) < len(longest.table):
            yield (
                f"nothing is called gone: {now.address} has {len(now.table)} entries, "
                f"less than half of the {len(longest.table)} of {longest.day}"
            )


def _listed_before(look: _Look, cut_short: Iterable[str]) -> tuple[dict[str, Listings], list[str]]:
    """Episodes that earlier copies, and cohorts taken from the catalogue, listed; what is left out of them, and why.

    A copy that is cut short lists few models for no fault of theirs.
    """
    notes = list(cut_short)
    if notes:
        return {}, notes
    cohort = cohort_listings(look.cohort, max(x.day for x in look.now))
    count = len(look.listed)
    if 2 * count < len(cohort):
        few = f"of the tables' models the copy lists {count}, less than half of the {len(cohort)} that cohorts"
        return look.episodes(look.before), [f"none of the cohorts is called gone: {few} of earlier months hold"]
    return cohort | look.episodes(look.before), []


def _gone(look: _Look, earlier: Mapping[str, Listings]) -> Iterator[Candidate]:
    """Still-closed episodes that were listed earlier."""
    newest = max(x.day for x in look.now)
    for episode_id in sorted(set(earlier) - look.listed):
        row, listings = look.rows.get(episode_id), earlier[episode_id]
        if row is None or row["outcome"] != "still_closed":
            continue
        best = max(listings, key=lambda x: x.day)
        sellers = sorted({x.provider for x in listings})
        support: Support = "strong" if len({x.vote for x in listings}) > 1 or any(x.own for x in listings) else "weak"
        reason = f"listed through {best.day} by {', '.join(sellers[:6])}; by none on {newest}"
        commands = withdraw_commands(row, best, (min(best.day + dt.timedelta(days=1), newest), newest))
        yield Candidate("gone", *_naming(row), support, reason, listings, conflicts_of(listings), commands)


def _debuts(look: _Look, since: dt.date) -> Iterator[Candidate]:
    """Models that the tables do not know at all, mostly called closed."""
    unknown: dict[str, list[Listing]] = {}
    for x in look.now:
        if x.known_kind is None and x.maker and not x.form.pointer:
            unknown.setdefault(x.maker, []).append(x)
    for maker, own in unknown.items():
        for listings in _one_model_each(own):
            debut, votes = debut_day(listings), votes_of(listings)
            if debut and debut[0] >= since and not votes.maker and votes.closed > votes.open:
                yield _debut(look, maker, listings, debut)


def _one_model_each(listings: Sequence[Listing]) -> list[Listings]:
    """Listings of one maker, sorted into models; a setting or a snapshot goes to its model."""
    models: dict[tuple[object, ...], dict[Form, list[Listing]]] = {}
    for x in sorted(listings, key=lambda x: (len(x.form.settings), len(x.form.stamps), len(x.form.sizes))):
        alike = models.setdefault(x.form.guard, {})
        home = x.form if x.form in alike else next((known for known in alike if compare(x.form, known)), x.form)
        alike.setdefault(home, []).append(x)
    return [in_order(group) for alike in models.values() for group in alike.values()]


def _debut(look: _Look, maker: str, listings: Listings, debut: tuple[dt.date, str]) -> Candidate:
    votes = votes_of(listings)
    says_closed = [x for x in listings if x.open_weights is False]
    best = min(says_closed, key=lambda x: (not x.own, len(x.form.settings), len(x.entry.split("/")[-1])))
    new = propose(look.makers.get(maker, []), maker, best, _name(best))
    near = sorted({known.id for known in look.names.near(maker, best.form) if known.kind == "episode"})
    status = f"no episode; nearest: {', '.join(near[:3])}" if near else "no episode"
    if new.new_organization:
        status += "; no other row of its organisation"
    counts = f"closed by {votes.closed} of {votes.closed + votes.open} providers, released {debut[0]}"
    reason = f"its maker's own entry calls it closed; {counts}" if votes.maker is False else counts
    support: Support = "strong" if votes.maker is False or votes.closed > 1 else "weak"
    commands = add_commands(new, best, debut, len({x.provider for x in listings}))
    naming = (new.episode_id, new.model, new.organization, status)
    return Candidate("debut", *naming, support, reason, listings, conflicts_of(listings), commands)


def _name(best: Listing) -> str:
    """Its display name without what is said about it beside, and without the day of a snapshot."""
    beside = r"\s*\([^)]*\)|^[^:]{2,30}:\s|^[\w.~-]+/(?=\w)|[- ](?:20)?2\d(?:0\d|1[0-2])[0-3]\d$"
    return re.sub(beside, "", best.name).strip() or best.entry.split("/")[-1]


def _naming(row: dict[str, Any]) -> tuple[str, str, str, str]:
    """Id, model, organisation and status of an episode."""
    ended = row["outcome_on"]
    status = row["outcome"].replace("_", " ") + ("" if pd.isna(ended) else f" on {ended.date()}")
    return row["episode_id"], row["model"], row["organization"], status
