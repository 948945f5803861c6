"""Candidates from a catalogue for the terminal: what speaks for and against each, and how to enter it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from forecast.tables.candidates import Candidate, Found, Kind
from forecast.tables.evidence import Listing

_TITLES: dict[Kind, str] = {
    "opened": "called open, and not open in the tables",
    "debut": "called closed since {since}, and no episode",
    "gone": "still closed in the tables, and no longer listed",
}
#: Listings shown of one candidate; --json has them all.
SHOWN = 8


def found_page(found: Found, weak: bool = False) -> RenderableType:
    """Candidates by kind, strong ones in full; weak ones in a line each, or in full too."""
    parts: list[RenderableType] = list(_head(found))
    for kind, title in _TITLES.items():
        full = found.of(kind) if weak else found.of(kind, "strong")
        rest = () if weak else found.of(kind, "weak")
        named = title.format(since=found.since)
        parts += ["", Text(f"{named}: {len(full) + len(rest)}", "bold underline")]
        for candidate in full:
            parts += ["", *_in_full(candidate)]
        if rest:
            parts += ["", Text(f"{len(rest)} more, for which little speaks (--weak shows them in full):", "dim")]
            parts += _in_lines(rest)
    already = found.of("open already")
    if already:
        parts += ["", Text(f"open already in the tables, opened or turned lately: {len(already)}", "bold underline")]
        parts += _in_lines(already)
    return Group(*parts, "", Text("Nothing was entered: a catalogue errs. Run what you have checked.", "dim"))


def _head(found: Found) -> Iterator[Text]:
    for c in found.catalogues:
        sellers = c.table.provider.nunique()
        what = f"{len(c.table)} models" if c.shape == "models" else f"{len(c.table)} entries of {sellers} providers"
        yield Text(f"{c.address}: {what}, {c.day} ({c.day_from})")
        if c.notes:
            more = f" and {len(c.notes) - 1} more, see --json" if len(c.notes) > 1 else ""
            yield Text(f"note: {c.notes[0]}{more}", "dim")
    for note in found.notes:
        yield Text(f"note: {note}", "dim")
    yield Text(f"tables as known on {found.as_of}")


def _in_full(candidate: Candidate) -> Iterator[RenderableType]:
    title = f"{candidate.episode_id} · {candidate.model} · {candidate.organization} · {candidate.status}"
    yield Text(title, "bold")
    yield Text(f"  for: {candidate.reason}")
    for conflict in candidate.conflicts:
        yield Text(f"  against: {conflict}")
    yield _listings(candidate.evidence)
    for command in candidate.commands:
        yield Text(f"  {command.when}:", "dim")
        yield Text(f"    {command.line}")


def _listings(listings: Sequence[Listing]) -> RenderableType:
    """The first listings, both sides among them; with the copy of each where there are several."""
    several = len({x.copy for x in listings}) > 1
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in ("  provider", "id", "weights", "released", "updated", "match", *(["copy"] if several else [])):
        table.add_column(column, no_wrap=True)
    for x in _both_sides(listings):
        flag = {True: "open", False: "closed", None: "-"}[x.open_weights]
        cells = (f"  {x.provider}", x.entry, flag, str(x.released or "-"), str(x.updated or "-"), x.match or "-")
        table.add_row(*(Text(cell) for cell in (*cells, x.copy)[: len(table.columns)]))
    more = len(listings) - SHOWN
    links = list(dict.fromkeys(url for x in listings for url in x.weights))
    tail = [Text(f"  and {more} more, see --json", "dim")] if more > 0 else []
    return Group(table, *tail, *(Text(f"  weights: {url}") for url in links[:3]))


def _both_sides(listings: Sequence[Listing]) -> list[Listing]:
    """As many as are shown, so that the fewer of open and closed are among them."""
    sides = [[x for x in listings if bool(x.open_weights) is flag] for flag in (True, False)]
    fewer = min(sides, key=len)[: SHOWN // 2]
    kept = {id(x) for x in (*fewer, *[x for x in listings if x not in fewer][: SHOWN - len(fewer)])}
    return [x for x in listings if id(x) in kept]


def _in_lines(candidates: Sequence[Candidate]) -> Iterator[Text]:
    """A line each; where an opening is doubted, what speaks against it below."""
    ids, states = (max(len(getattr(c, name)) for c in candidates) for name in ("episode_id", "status"))
    for c in candidates:
        yield Text(f"  {c.episode_id:<{ids}}  {c.status:<{states}}  {c.reason}")
        if c.kind == "opened":
            yield from (Text(f"    against: {conflict}", "dim") for conflict in c.conflicts)
