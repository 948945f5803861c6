"""``forecast ledger verify | head | merge | stamp``: parse, call, print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.commands.options import HomeOption
from forecast.errors import ForecastError

if TYPE_CHECKING:
    from forecast.record.heads import Kept


def verify(
    heads: Annotated[
        list[Path] | None,
        typer.Option(
            "--heads",
            metavar="FILE",
            help="Heads that were published: a report's manifest.json, or what 'head --json' printed. More than once.",
        ),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option("--ca", metavar="ROOT.pem", help="Check the time stamps too: certificates to trust, in PEM."),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Prove that no line of the ledger was changed, dropped, inserted, moved or cut off.

    What was cut off shows by heads that were kept: in the resolutions, in the home's reports, in requests for time
    stamps, and in the files that are given.
    """
    from forecast.record import ledger, stamps
    from forecast.record.heads import published, read_heads
    from forecast.tables.paths import find_home

    place = find_home(home)
    folder = place.ledger
    reports, asked = published(place.reports), stamps.stamped(folder)
    given = [read_heads(file) for file in heads or []]
    verdicts = ledger.verify(folder, [*reports, *asked, *given])
    for v in verdicts:
        torn = "; a torn last line will be set aside" if v.torn else ""
        typer.echo(f"{v.chain}: {v.lines} lines, head {v.head_sha256[:16]}: {v.fault or 'good'}{torn}")
    faults = [f"{v.chain}: {v.fault}" for v in verdicts if v.fault]
    if faults:
        raise ForecastError("; ".join(faults))
    for told in stamps.check(folder, ca) if ca else []:
        typer.echo(told)
    typer.echo(
        f"{len(verdicts)} chains verified in {folder}; heads compared: those of the resolutions, "
        f"{_count(reports)} of reports, {_count(asked)} of time stamps, {_count(given)} given"
    )
    if stamps.replies(folder) and not ca:
        typer.echo("who signed the time stamps was not checked: give --ca ROOT.pem")


def _count(kept: Sequence[Kept]) -> int:
    return sum(len(one.heads) for one in kept)


def head(
    json: Annotated[bool, typer.Option("--json", help="For 'verify --heads', and to publish.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep them in the chain of resolutions.")] = False,
    home: HomeOption = None,
) -> None:
    """Print the hash of every chain's last line: published elsewhere, it shows later that nothing was cut off."""
    from forecast.record import corrections, ledger
    from forecast.record.heads import as_json, combined
    from forecast.tables.paths import find_home, utc_today

    place = find_home(home)
    if keep:
        line = corrections.keep_heads(place, utc_today())
        typer.echo(f"heads of {len(line.body['heads'])} chains kept, line {line.number} of the resolutions")
        return
    found = ledger.heads(place.ledger)
    if json:
        typer.echo(as_json(found))
        return
    for chain, sha256 in found.items():
        typer.echo(f"{chain} {sha256}")
    typer.echo(f"all {len(found)} chains: {combined(found)}")


def merge(
    theirs: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The other copy of a chain, from 'git show MERGE_HEAD:data/ledger/...'."),
    ],
    home: HomeOption = None,
) -> None:
    """Add what another copy of the same chain has, behind what this one has; twice the same adds nothing.

    After a git merge that met a conflict in one chain, here the resolutions:

    git show MERGE_HEAD:data/ledger/resolutions.jsonl > theirs.jsonl

    git checkout --ours data/ledger/resolutions.jsonl

    forecast ledger merge theirs.jsonl

    git add data/ledger/resolutions.jsonl
    """
    from forecast.record.merging import merge as merged
    from forecast.tables.paths import find_home

    place = find_home(home)
    place.require_editable("ledger merge")
    done = merged(place.ledger, theirs)
    typer.echo(
        f"{done.chain}: {len(done.added)} lines added behind {done.common} that both copies begin with, "
        f"{len(done.alike)} said alike, {done.known} known already"
    )
    for question in done.disputed:
        typer.echo(
            f"{question}: both copies answer it, and not alike: 'forecast ledger reopen {question} --why TEXT', "
            "then 'forecast resolve', unless the last line is right"
        )


def stamp(
    request: Annotated[
        bool, typer.Option("--request", help="Write a request for the ledger as it stands, to send to an authority.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.tsq", help="Where to; forecast-HEAD.tsq by default.")
    ] = None,
    attach: Annotated[
        Path | None, typer.Option("--attach", metavar="REPLY.tsr", help="Keep the authority's reply beside the ledger.")
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option("--ca", metavar="ROOT.pem", help="With --attach: check who signed it first; certificates in PEM."),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Let an authority sign when the ledger stood so (RFC 3161); 'verify --ca ROOT.pem' checks that offline.

    Nothing is sent from here. Post the request yourself:

    curl -sH 'Content-Type: application/timestamp-query' --data-binary @FILE.tsq URL > REPLY.tsr
    """
    from forecast.record import stamps
    from forecast.record.formats.target import new_file
    from forecast.tables.paths import find_home

    if request == (attach is not None):
        raise ForecastError("give either --request or --attach REPLY.tsr")
    if out and not request:
        raise ForecastError("--out: goes with --request")
    if ca and request:
        raise ForecastError("--ca: goes with --attach")
    place = find_home(home)
    place.require_editable("ledger stamp")
    if attach:
        kept, time = stamps.attach(place.ledger, attach, ca)
        checked = "signed as it should be" if ca else "'forecast ledger verify --ca ROOT.pem' checks who signed it"
        typer.echo(f"{kept}: kept, of {time}; {checked}")
        return
    name, text = stamps.request(place.ledger)
    out = out or Path(f"forecast-{name[:16]}.tsq")
    if not (out.is_file() and out.read_bytes() == text):
        with new_file(out) as new:
            new.write_bytes(text)
    typer.echo(f"{out}: asks when {name} stood; send it to a time-stamping authority, then --attach its reply")
