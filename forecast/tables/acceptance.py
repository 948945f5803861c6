"""The commands that enter a candidate into the tables, complete and safe to paste into a shell."""

from __future__ import annotations

import datetime as dt
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from forecast.tables.evidence import Listing
from forecast.tables.forms import SMALL, Form, model_forms, slug_of
from forecast.tables.makers import MAKERS, maker_key
from forecast.tables.windows import Precision, date_window

#: Licences whose class is beyond doubt.
_OSI = frozenset({"MIT", "Apache-2.0", "BSD-3-Clause", "BSD-2-Clause"})
_PRECISIONS: tuple[Precision, ...] = ("day", "month", "quarter", "year")


@dataclass(frozen=True)
class Command:
    """A command, and when to run it.

    Attributes
    ----------
    when : str
    words : tuple of str
        ``forecast episodes ...``, unquoted.
    """

    when: str
    words: tuple[str, ...]

    @property
    def line(self) -> str:
        """Quoted for a shell."""
        return shlex.join(self.words)

    def as_json(self) -> dict[str, str]:
        """When and what."""
        return {"when": self.when, "command": self.line}


def open_commands(row: dict[str, Any], best: Listing, window: tuple[dt.date, dt.date]) -> tuple[Command, ...]:
    """Enter an opening in full, in part, or that it is closed after all.

    Parameters
    ----------
    row : dict
        The episode as known on the day.
    best : Listing
        The listing that says open most credibly.
    window : tuple of datetime.date
        First and last day on which it may have been opened.
    """
    on = _on(window)
    licence = ["--license", best.license, "--license-class", "osi"] if best.license in _OSI else []
    base = ["open", row["episode_id"], *on, *_options(source=best.source)]
    commands = [_command("if it is open", *base, *licence)]
    if row["outcome"] != "opened_partial":
        commands.append(_command("if only a smaller or cut-down version is", *base, "--part", *licence))
    return (*commands, *seen_commands(row, best, "if a page shows that it is not"))


def withdraw_commands(row: dict[str, Any], best: Listing, window: tuple[dt.date, dt.date]) -> tuple[Command, ...]:
    """Enter a withdrawal, or that it is still to be had."""
    options = [*_on(window), *_options(source=best.source)]
    gone = _command("if it was shut down", "withdraw", row["episode_id"], *options)
    return (gone, *seen_commands(row, best, "if it is still offered", window[1]))


def seen_commands(row: dict[str, Any], best: Listing, when: str, on: dt.date | None = None) -> tuple[Command, ...]:
    """Enter that it was closed on the day of the copy, where that is news."""
    day = on or best.day
    if day <= row["observed_through"].date():
        return ()
    return (_command(when, "seen", row["episode_id"], *_options(on=day, source=best.source)),)


@dataclass(frozen=True)
class Proposal:
    """What a new episode would be called.

    Attributes
    ----------
    episode_id, model, family, organization : str
    new_organization : bool
        The table has no other row of it: ``add`` asks for its country and kind.
    """

    episode_id: str
    model: str
    family: str
    organization: str
    new_organization: bool


def propose(own: Sequence[dict[str, Any]], maker: str, best: Listing, name: str) -> Proposal:
    """Name a new episode as the table names its like.

    Parameters
    ----------
    own : sequence of dict
        Episodes of its maker as known on the day, by debut.
    maker : str
        Key of its maker.
    best : Listing
        The most credible listing.
    name : str
        The model's name.
    """
    spelled = _spelled(maker, best)
    organization = _most_common(row["organization"] for row in own) or spelled[:1].upper() + spelled[1:]
    head = _most_common(row["episode_id"].split("-")[0] for row in own) or slug_of(spelled) or maker
    slug = slug_of(name).removeprefix(f"{head}-") or slug_of(best.entry.split("/")[-1]) or "model"
    family = _family(own, maker, best.form) or _new_family(own, head, best.form, slug)
    return Proposal(f"{head}-{slug}", name, family, organization, not own)


def _most_common(words: Iterable[str]) -> str:
    counted = Counter(words).most_common(1)
    return counted[0][0] if counted else ""


def _spelled(maker: str, best: Listing) -> str:
    """A maker as the episodes would spell it: an unknown one as the entry does."""
    if maker in MAKERS:
        return maker
    named = (part.lstrip("~@").removeprefix("hf:") for part in (*best.entry.split("/")[:-1], best.provider))
    return next((part for part in named if maker_key(part) == maker), maker)


def _family(own: Sequence[dict[str, Any]], maker: str, form: Form) -> str:
    """The family of the maker's latest model of the same line and variant, or ""."""
    alike = (form.words, form.variants)
    for row in reversed(own):
        if any((f.words, f.variants) == alike for f in model_forms(row["model"], maker)):
            return str(row["family"])
    return ""


def _new_family(own: Sequence[dict[str, Any]], head: str, form: Form, slug: str) -> str:
    """A family called like the line, with the variant where the line is none."""
    line = f"{head}-{min(form.words, default=slug)}"
    known = any(row["family"] == line for row in own)
    return line if known or not form.variants else "-".join([line, *sorted(form.variants)])


def add_commands(new: Proposal, best: Listing, debut: tuple[dt.date, str], providers: int) -> tuple[Command, ...]:
    """Enter a closed debut."""
    day = min(debut[0], best.day)
    cells = _options(
        id=new.episode_id,
        model=new.model,
        family=new.family,
        org=new.organization,
        modality=best.modality,
        closed_on=day,
        **({} if debut[1] == "day" else {"closed_precision": debut[1]}),
        how="api",
        source=best.source,
        observed_through=max(day, best.day),
        confidence="medium",
        frame="catalogue",
        notes=f"In models.dev on {best.day}, listed by {providers}.",
    )
    flag = "--no-flagship" if is_small(best.form) else "--flagship"
    return (_command("if it was closed at its debut", "add", *cells, flag),)


def is_small(form: Form) -> bool:
    """Whether a name says that it is not the maker's most capable model."""
    return bool(form.variants & SMALL)


def _on(window: tuple[dt.date, dt.date]) -> list[str]:
    """The last possible day, with the narrowest precision that holds the first one."""
    first, last = window
    width = next((p for p in _PRECISIONS if date_window(last, p)[0] <= first), "year")
    return [*_options(on=last), *(["--precision", width] if width != "day" else [])]


def _options(**cells: object) -> list[str]:
    """Options with their values; a value that looks like an option is joined to its own."""
    words = []
    for name, cell in cells.items():
        option, text = f"--{name.replace('_', '-')}", str(cell)
        words += [f"{option}={text}"] if text.startswith("-") else [option, text]
    return words


def _command(when: str, *words: str) -> Command:
    return Command(when, ("forecast", "episodes", *words))
