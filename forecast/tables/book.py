"""The tables of a folder as a book that news is entered into: find the row, change the cells, keep the order."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ValidationError

from forecast.errors import ForecastError, QuestionError, TableError
from forecast.tables import landings
from forecast.tables.edit import Cells, Edit, Table, read_table
from forecast.tables.schema import EarlierOpening, Episode, FamilyMember, Promise, Row


@dataclass(frozen=True)
class Change:
    """Edits that belong together, in the order in which they are safe, and what to tell about them."""

    edits: tuple[Edit, ...]
    notes: tuple[str, ...] = ()


class Book:
    """The tables that news about a model may change.

    Parameters
    ----------
    data : pathlib.Path
        Folder with ``episodes.csv`` and its neighbours. Each table is read once, when it is
        needed; nothing is written.

    Raises
    ------
    TableError, QuestionError
        From every method: a table that cannot be edited, an id that names nothing, news that a row cannot take.
    """

    def __init__(self, data: Path) -> None:
        self.data = data

    @cached_property
    def episodes(self) -> Table:
        """``episodes.csv``."""
        return read_table(self.data / Episode.file, Episode)

    @cached_property
    def earlier(self) -> Table:
        """``earlier_openings.csv``."""
        return read_table(self.data / EarlierOpening.file, EarlierOpening)

    @cached_property
    def promises(self) -> Table:
        """``promises.csv``."""
        return read_table(self.data / Promise.file, Promise)

    @cached_property
    def members(self) -> Table:
        """``family_members.csv``."""
        return read_table(self.data / FamilyMember.file, FamilyMember)

    def position(self, name: str) -> int:
        """Position of an episode; a wrong id suggests the nearest."""
        found = self.episodes.find("episode_id", name)
        if found is None:
            raise self._nothing(name, "episode", [row["episode_id"] for row in self.episodes.rows])
        return found

    def listed(self, are_open: bool | None = None, organization: str = "") -> list[dict[str, str]]:
        """Id, name, organisation, debut and outcome of episodes.

        Parameters
        ----------
        are_open : bool, optional
            Opened, in full or in part; False: neither; all by default.
        organization : str
            Organisation, or a part of its name; all by default.
        """
        wanted = organization.casefold()
        rows = [row for row in self.episodes.rows if wanted in row["organization"].casefold()]
        if not rows and wanted:
            names = sorted({row["organization"] for row in self.episodes.rows})
            raise self._nothing(organization, "organisation", names)
        columns = ("episode_id", "model", "organization", "closed_on", "outcome")
        return [
            {column: row[column] for column in columns}
            for row in rows
            if are_open is None or are_open == row["outcome"].startswith("opened")
        ]

    def shown(self, name: str) -> dict[str, Any]:
        """What the tables hold of an episode, without blank cells: it, its earlier opening, statements about it."""
        row = self.episodes.rows[self.position(name)]

        def about(table: Table, column: str, *names: str) -> list[dict[str, str]]:
            return [_filled(other) for other in table.rows if other[column] in names]

        return {
            "episode": _filled(row),
            "earlier_openings": about(self.earlier, "episode_id", name),
            "promises": about(self.promises, "about", name, row["family"]),
        }

    def open(
        self,
        name: str,
        on: dt.date,
        source: str,
        *,
        license_name: str = "",
        license_class: str | None = None,
        **more: Any,
    ) -> Change:
        """Enter an opening; see :func:`forecast.tables.landings.opened`.

        An opening in full of what was open in part moves the part to ``earlier_openings.csv``.
        A licence that the table knows brings its class with it.
        """
        at, row = self._row(name)
        licence, kind, notes = self._licence(license_name, license_class)
        cells = landings.opened(row, on, source, license_name=licence, license_class=kind, **more)
        edit = self.episodes.changed(at, cells)
        if row["outcome"] != "opened_partial":
            return Change((edit,), notes)
        if self.earlier.find("episode_id", name) is not None:
            raise TableError([f"{self.earlier.file}: {name} stands there already, but is open in part only"])
        part = landings.earlier_opening(row)
        after = place_of_fact(name, [r["episode_id"] for r in self.earlier.rows], self.episodes.rows)
        note = f"its opening in part of {row['outcome_on']} moves to {EarlierOpening.file}"
        return Change((self.earlier.added(after, part), edit), (*notes, note))

    def end(self, name: str, outcome: Literal["leaked", "withdrawn"], on: dt.date, source: str, **more: Any) -> Change:
        """Enter a leak or a withdrawal; see :func:`forecast.tables.landings.ended`."""
        at, row = self._row(name)
        return Change((self.episodes.changed(at, landings.ended(row, outcome, on, source, **more)),))

    def close(self, name: str, on: dt.date, source: str, reason: str) -> Change:
        """Take a wrong outcome back; see :func:`forecast.tables.landings.closed_again`."""
        at, row = self._row(name)
        part_at = self.earlier.find("episode_id", name) if row["outcome"] == "opened" else None
        part = None if part_at is None else self.earlier.rows[part_at]
        edit = self.episodes.changed(at, landings.closed_again(row, on, source, reason, part))
        next_step = "a question that it answered stays answered until 'forecast ledger reopen QUESTION --why TEXT'"
        if part_at is None:
            return Change((edit,), (next_step,))
        note = f"its opening in part moves back from {EarlierOpening.file}"
        return Change((edit, self.earlier.removed(part_at)), (note, next_step))

    def see(self, name: str, on: dt.date, source: str) -> Change:
        """Enter that a model was not open on a day; see :func:`forecast.tables.landings.seen`."""
        at, row = self._row(name)
        return Change((self.episodes.changed(at, landings.seen(row, on, source)),))

    def promise(self, about: str, cells: Cells) -> Change:
        """Enter a statement about an episode or a family.

        Its own promise columns change where they would deny it: no promise so far, a vaguer one, a later first one.

        Parameters
        ----------
        about : str
            Episode or family; one name may be both: the id wins.
        cells : mapping
            Of ``promises.csv``, without ``about``.
        """
        rows = self.episodes.rows
        families = {row["family"] for row in rows}
        is_episode = any(row["episode_id"] == about for row in rows)
        if not is_episode and about not in families:
            raise self._nothing(about, "episode or family", [*(row["episode_id"] for row in rows), *sorted(families)])
        said = dict.fromkeys(self.promises.columns, "") | {"about": about, **cells}
        fault = _fault(Promise, said)
        if fault:
            raise TableError([f"a statement about {about}: {fault}"])
        if said in self.promises.rows:
            raise TableError([f"{self.promises.file}: the same statement about {about} stands there already"])
        after = place_of_fact(about, [row["about"] for row in self.promises.rows], rows)
        edit = self.promises.added(after, said)
        if not is_episode:
            return Change((edit,))
        at, row = self._row(about)
        own = landings.promised(row, said)
        if not own:
            return Change((edit,))
        return Change((edit, self.episodes.changed(at, own)), (f"the promise columns of {Episode.file} say it too",))

    def debut(self, cells: Cells) -> Change:
        """Enter a new episode, by the day of its debut.

        Parameters
        ----------
        cells : mapping
            Of ``episodes.csv``; see :meth:`with_defaults`.
        """
        row = dict.fromkeys(self.episodes.columns, "") | dict(cells)
        name = row["episode_id"]
        self.require_new(name)
        edit = self.episodes.added(place_of_debut(row["closed_on"], self.episodes.rows), row)
        is_known = any(other["family"] == row["family"] for other in self.episodes.rows)
        notes = () if is_known else (f"family {row['family']} is new",)
        listed = [n for n, other in enumerate(self.members.rows) if other["family"] == row["family"]]
        if not listed:
            return Change((edit,), notes)
        note = f"its family is listed in {FamilyMember.file}, so that it is entered there, too"
        return Change((self.members.added(listed[-1], landings.member(row)), edit), (*notes, note))

    def require_new(self, name: str) -> None:
        """Refuse the id of an episode that there is."""
        if any(row["episode_id"] == name for row in self.episodes.rows):
            raise TableError([f"{self.episodes.file}: {name} is there already: 'forecast episodes show {name}'"])

    def with_defaults(self, cells: Mapping[str, str]) -> dict[str, str]:
        """Cells of a new episode with those that go without saying.

        A closed model without a promise; of an organisation that the table has, its country and
        kind; seen last on its debut.
        """
        known: dict[str, str] = {}
        own = [row for row in self.episodes.rows if row["organization"] == cells.get("organization")]
        for column in ("org_country", "org_type"):
            values = {row[column] for row in own}
            if len(values) == 1:
                known[column] = values.pop()
        if "closed_on" in cells:
            known["observed_through"] = cells["closed_on"]
        return {**landings.DEBUT_CELLS, **known, **cells}

    def _row(self, name: str) -> tuple[int, dict[str, str]]:
        """An episode's place and cells; refused where they break a rule, as what follows relies on them."""
        at = self.position(name)
        fault = _fault(Episode, self.episodes.rows[at])
        if fault:
            raise TableError([f"{self.episodes.file}: mend the row of {name} first: {fault}"])
        return at, self.episodes.rows[at]

    def _licence(self, name: str, kind: str | None) -> tuple[str, str, tuple[str, ...]]:
        """Name and class of a licence, and a note where the class was looked up."""
        kinds = get_args(Episode.model_fields["license_class"].annotation)
        if kind is not None or not name:
            return name, kind or "none", ()
        if name in kinds:
            return "", name, ()
        classes = {row["license_class"] for row in self.episodes.rows if row["license"] == name}
        if len(classes) == 1:
            found = classes.pop()
            return name, found, (f"licence {name} is of class {found}, as in other rows",)
        names = sorted({row["license"] for row in self.episodes.rows} - {"", name})
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ForecastError(
            f"--license {name}: other rows do not say of which class it is: "
            f"give --license-class {'|'.join(kinds)}{hint}"
        )

    def _nothing(self, name: str, kind: str, names: Sequence[str]) -> QuestionError:
        lower = {other.casefold(): other for other in names}
        near = [lower[other] for other in difflib.get_close_matches(name.casefold(), lower, n=3, cutoff=0.5)]
        hint = f"did you mean {' or '.join(near)}?" if near else "'forecast episodes list' lists them"
        return QuestionError(f"no {kind} of {self.episodes.file} is called {name!r}: {hint}")


def place_of_debut(closed_on: str, episodes: Sequence[Cells]) -> int:
    """Position of the episode after which a new one stands: the table runs by debut; -1: the first."""
    return max((n for n, row in enumerate(episodes) if row["closed_on"] <= closed_on), default=-1)


def place_of_fact(about: str, told: Sequence[str], episodes: Sequence[Cells]) -> int:
    """Position of the row after which a new one about an episode or a family stands; -1: the first.

    Parameters
    ----------
    about : str
        Episode or family.
    told : sequence of str
        What the rows there are about: they run as the episodes do, a family's behind those of its first episode.
    episodes : sequence of mapping
        All episodes, in their order.
    """
    order: dict[str, tuple[int, int]] = {}
    for n, row in enumerate(episodes):
        order.setdefault(row["family"], (n, 1))
    order |= {row["episode_id"]: (n, 0) for n, row in enumerate(episodes)}  # one name may be both: the id wins
    return max((n for n, other in enumerate(told) if other in order and order[other] <= order[about]), default=-1)


def _fault(row_type: type[Row], cells: Cells) -> str | None:
    """The first rule that a row breaks on its own, with its column and cell."""
    try:
        found = list(row_type.model_validate(cells).rules())
    except ValidationError as error:
        found = [(str(e["loc"][0]), e["msg"].removeprefix("Value error, ")) for e in error.errors()]
    return f"{found[0][0]} {cells[found[0][0]]!r}: {found[0][1]}" if found else None


def _filled(row: Cells) -> dict[str, str]:
    return {column: cell for column, cell in row.items() if cell}
