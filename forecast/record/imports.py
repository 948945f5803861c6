"""Foreign forecasts into the ledger: matched by a map, put on the standard grid, one chain a forecaster.

A probability by a day says nothing of the shape: it takes that of the reference of its making
day, as other people's wordings do. A whole CDF is read off at the end of each grid day: what lies
beyond its last place is "not by then", what lies before its first one sits there.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from forecast.errors import ForecastError, LedgerError
from forecast.model.reference import Reference
from forecast.record.answers import Desk
from forecast.record.formats.question_map import Matched, read_map
from forecast.record.formats.reading import required_text, shown
from forecast.record.formats.registry import FORMATS
from forecast.record.formats.said import Curve, Price, Said, end_of_day
from forecast.record.others import Imported, imported_record, priced_curve, reference_on
from forecast.record.records import Provenance, append_by_forecaster
from forecast.record.transcripts import TRANSCRIBED
from forecast.release import GRID_DAYS, Floats
from forecast.tables.hashes import texts_sha256

_NAME_LENGTH = 40


def import_file(desk: Desk, kind: str, file: Path, map_file: Path) -> Imported:
    """Append the forecasts of a foreign file; twice the same adds nothing.

    Of several forecasts that somebody made of a foreign question on one day the last one counts.
    Those of several foreign questions about one of ours, made on one day, are one forecast. What was
    recorded of a day by an earlier import counts, and is told.

    Parameters
    ----------
    desk : Desk
    kind : str
        One of :data:`forecast.record.formats.registry.FORMATS`.
    file, map_file : pathlib.Path
        What to import, and which foreign question is which of ours.

    Raises
    ------
    HomeError, TableError, LedgerError, ForecastError
        Nothing is added unless everything about the questions in the map is good.
    """
    desk.home.require_editable("ledger import")
    wanted = read_map(map_file, desk.questions)
    sheet = FORMATS[kind].read(file, wanted)
    for said in sheet.said:
        _require_made(said, desk)
    kept, left_out = _within(sheet.said, wanted)
    told = {"format": kind, "file_sha256": _file_sha256(file)}
    records = list(_records(desk, kind, kept, wanted, told))
    late: list[str] = []
    names = [f"{shown(name)}{f': {shown(title)}' if title else ''}" for name, title in sheet.unmatched.items()]
    silent = sorted(set(wanted) - {said.source_id for said in sheet.said})
    return Imported(
        append_by_forecaster(desk.home.ledger, records, desk.today, partial(_first_of_a_day, late)),
        names,
        [*left_out, *late, *(f"{shown(name)}: in the map, but not in the file" for name in silent)],
    )


def chain_name(kind: str, said_by: str) -> str:
    """The chain of a foreign forecaster: ``<format>-<name>``, never one of our own.

    Letters are made small, and whatever is not a-z, 0-9 or _ a hyphen. A name that this changes, or
    that is long, is told from others by eight digits of its hash.
    """
    safe = re.sub(r"[^a-z0-9_]+", "-", said_by.lower())[:_NAME_LENGTH].strip("-_")
    digest = hashlib.sha256(said_by.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{kind}-{safe}" if safe == said_by else "-".join(filter(None, (kind, safe, digest)))


def curve_on_grid(curve: Curve, made_on: dt.date) -> Floats:
    """P(open by the end of each grid day), straight between the places of a CDF.

    Parameters
    ----------
    curve : Curve
    made_on : datetime.date
        Day 0 of the grid. What the curve has before its end counts as open already, and is divided
        out when the forecast is scored.
    """
    days = curve.places_days - end_of_day(made_on)
    probs = curve.probs
    if curve.from_making:
        days, probs = np.append(0.0, days), np.append(0.0, probs)
    return np.interp(GRID_DAYS, days, probs, left=0.0)


def _require_made(said: Said, desk: Desk) -> None:
    if said.made_on > desk.today:
        raise LedgerError(f"{said.where}: made on {said.made_on}, in the future: it cannot be recorded on {desk.today}")
    required_text(said.where, "forecaster", said.said_by)


def _first_of_a_day(
    late: list[str], records: Sequence[dict[str, Any]], bodies: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """What comes after no other forecast of its day, of which the first recorded counts; the rest is told."""
    known: dict[tuple[str, str], str] = {}
    for body in bodies:
        if body["kind"] == "forecast":
            known.setdefault((body["question_id"], body["made_on"]), body["id"])
    for record in records:
        if known.get((record["question_id"], record["made_on"]), record["id"]) == record["id"]:
            yield record
        else:
            late.append(_told_late(record))


def _told_late(record: Mapping[str, Any]) -> str:
    told = record["diagnostics"]
    return (
        f"{shown(told['source_id'])}: {told['words']}, made on {record['made_on']} by {shown(told['said_by'])}: "
        "another of that day is recorded, and the first recorded counts"
    )


def _within(all_said: Iterable[Said], wanted: Mapping[str, Matched]) -> tuple[list[Said], list[str]]:
    """What the map's days take in, and a line for each question of which they leave something out."""
    kept, out = [], Counter[str]()
    for said in all_said:
        one = wanted[said.source_id]
        if (one.since or said.made_on) <= said.made_on <= (one.until or said.made_on):
            kept.append(said)
        else:
            out[said.source_id] += 1
    return kept, [f"{shown(name)}: {n} made outside of the map's days" for name, n in sorted(out.items())]


def _records(
    desk: Desk, kind: str, all_said: list[Said], wanted: Mapping[str, Matched], told: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """One record for everything that somebody said on one day about one of our questions."""
    references: dict[tuple[str, dt.date], Reference] = {}

    def key(said: Said) -> tuple[str, str, dt.date]:
        return said.said_by, wanted[said.source_id].id, said.made_on

    for (said_by, question_id, made_on), group in groupby(sorted(all_said, key=key), key):
        same, question = _last_ones(list(group)), desk.questions[question_id]
        where = same[0].where
        if made_on < question.asked_on:
            raise LedgerError(f"{where}: made on {made_on}, before {question_id} was asked on {question.asked_on}")
        points = _points(same, wanted)
        if (question_id, made_on) not in references:
            references[question_id, made_on] = reference_on(question, made_on, desk)
        reference = references[question_id, made_on]
        exact = [(s.source_id, _exact(s, points)) for s in same]
        provenance = Provenance(
            "imported",
            TRANSCRIBED,
            diagnostics={
                **told,
                "source_id": "; ".join(s.source_id for s in same),
                "said_by": said_by,
                "words": _words(same, points),
            },
            hashes={"said": texts_sha256([(kind, said_by.encode()), *exact])},  # another file changes no id
        )
        try:
            cdf = _cdf(same, points, made_on, reference)
            yield imported_record(desk, question, chain_name(kind, said_by), made_on, cdf, provenance, reference)
        except ForecastError as error:
            raise LedgerError(f"{where}: {error}") from None


def _last_ones(same: list[Said]) -> list[Said]:
    """The last forecasts of each foreign question; those of one moment belong together.

    Raises
    ------
    LedgerError
        If two of one moment say two things about one day.
    """
    last: dict[str, dt.datetime] = {}
    for said in same:
        last[said.source_id] = max(said.made_at, last.get(said.source_id, said.made_at))
    return [said for said in same if said.made_at == last[said.source_id]]


def _points(same: Sequence[Said], wanted: Mapping[str, Matched]) -> list[tuple[dt.date, float]]:
    """Probabilities by days, rising in both; none of a whole CDF.

    Raises
    ------
    LedgerError
        If a day is missing, past, or stands twice; if a later day has a lower probability.
    """
    if any(said.curve for said in same):
        if len(same) > 1:
            raise LedgerError(f"{same[1].where}: {_about(same[1])}: a second forecast beside that of {same[0].where}")
        return []
    found: dict[dt.date, tuple[float, Said]] = {}
    for said in same:
        for price in said.prices:
            by = _due(said, price, wanted[said.source_id], found)
            found[by] = price.prob, said
    for (before, (least, _)), (by, (prob, said)) in pairwise(sorted(found.items(), key=lambda item: item[0])):
        if prob < least:
            raise LedgerError(f"{said.where}: {_about(said)}: {prob:g} by {by}, lower than {least:g} by {before}")
    return sorted((by, prob) for by, (prob, _) in found.items())


def _due(said: Said, price: Price, one: Matched, found: Mapping[dt.date, tuple[float, Said]]) -> dt.date:
    """The day by which a yes comes true: the map's, else the file's."""
    by, where = one.by or price.by, f"{said.where}: {_about(said)}"
    if by is None:
        raise LedgerError(f"{where}: the map must say by which day a yes comes true (by)")
    if by <= said.made_on:
        raise LedgerError(f"{where}: by {by}: must come after the making, {said.made_on}")
    if by in found:
        why = "; the map's by is that of all its answers: take it out" if one.by and len(said.prices) > 1 else ""
        raise LedgerError(f"{where}: by {by}: stands at {found[by][1].where} already{why}")
    return by


def _cdf(same: Sequence[Said], points: list[tuple[dt.date, float]], made_on: dt.date, reference: Reference) -> Floats:
    curve = same[0].curve
    if curve is not None:
        return curve_on_grid(curve, made_on)
    return priced_curve([(float((by - made_on).days), prob) for by, prob in points], reference)


def _about(said: Said) -> str:
    return f"question {shown(said.source_id)}"


def _words(same: Sequence[Said], points: list[tuple[dt.date, float]]) -> str:
    curve = same[0].curve
    if curve is None:
        return "; ".join(f"{prob:g} by {by}" for by, prob in points)
    return f"a CDF of {len(curve.probs)} points, {curve.probs[-1]:g} by its end"


def _exact(said: Said, points: list[tuple[dt.date, float]]) -> bytes:
    """All that tells one forecast from another, to the bit."""
    curve = said.curve
    if curve is None:
        return repr((said.made_at.isoformat(), points)).encode()
    return repr((said.made_at.isoformat(), curve.places_days.tolist(), curve.probs.tolist())).encode()


def _file_sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
