"""Records: what the ledger's lines say, and how a forecast goes in and comes out again."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from forecast.errors import LedgerError
from forecast.model.reference import Reference
from forecast.record import ledger
from forecast.record.canonical import canonical
from forecast.record.lines import Line
from forecast.record.shapes import MODES, OPENINGS
from forecast.release import Floats, ReleaseForecast

STATUS_KINDS = ("void", "ambiguous", "reopened")

_QUANTILES = (0.1, 0.5, 0.9)
_DECIMALS = 7
_ID_FIELDS = ("question_id", "forecaster", "model", "made_on", "mode", "hashes", "seed")


@dataclass(frozen=True)
class Asked:
    """The question as it was asked.

    Attributes
    ----------
    question_id : str
    asked_on : datetime.date
        Where weeks, months and years are counted from.
    unit : str
        ``episode`` or ``family``.
    target : str
        ``any`` or ``full``.
    follow_up : str
        The rule for how long a row counts as still closed.
    """

    question_id: str
    asked_on: dt.date
    unit: str
    target: str
    follow_up: str


@dataclass(frozen=True)
class Provenance:
    """How a forecast was made, so that it can be made again.

    Attributes
    ----------
    mode : {"live", "hindcast", "imported"}
    model : str
    sampler, seed : str and int, or None
        None where nothing was sampled.
    diagnostics : mapping
        Of the sampler: numbers and words.
    hashes : mapping
        Of ``data``, ``priors``, ``questions`` and ``code``.
    design_seen : bool
        True when the model, its priors or its choices were made after the outcome was known.
    """

    mode: Literal["live", "hindcast", "imported"]
    model: str
    sampler: str | None = None
    seed: int | None = None
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    design_seen: bool = False


def forecast_record(
    forecast: ReleaseForecast, asked: Asked, provenance: Provenance, reference: Reference
) -> dict[str, Any]:
    """Turn a forecast into the record of a ledger line.

    CDFs are rounded down to seven decimals: rounded up, full and part could add up to more than 1.

    Returns
    -------
    dict
        Its ``id`` is the first 16 hex digits of the SHA-256 of who said it about what, when, in which
        mode, with which inputs and seed: the same forecast made twice has one id.

    Raises
    ------
    LedgerError
        If the mode is unknown, the question was asked after the making, or nothing is left to forecast.
    ForecastError
        If the reference is out of range.
    """
    where = f"forecast by {forecast.forecaster} for {asked.question_id}"
    if provenance.mode not in MODES:
        raise LedgerError(f"{where}: mode {provenance.mode!r} is none of {', '.join(MODES)}")
    if forecast.made_on < asked.asked_on:
        raise LedgerError(f"{where}: made on {forecast.made_on}, before it was asked on {asked.asked_on}")
    if forecast.p_already_open >= 1:
        raise LedgerError(f"{where}: says that it is open already, so nothing is left to score")
    record = {
        "kind": "forecast",
        "forecaster": forecast.forecaster,
        "made_on": forecast.made_on.isoformat(),
        "last_checked": forecast.last_checked and forecast.last_checked.isoformat(),
        **asdict(asked),
        "asked_on": asked.asked_on.isoformat(),
        **_curves(forecast),
        **asdict(provenance),
        "reference": asdict(reference),
    }
    record["id"] = hashlib.sha256(canonical({name: record[name] for name in _ID_FIELDS})).hexdigest()[:16]
    release_forecast(record)  # what cannot be read back must not get in
    reference_forecast(record)
    return record


def release_forecast(body: Mapping[str, Any]) -> ReleaseForecast:
    """Read the forecast back from a record, to seven decimals and without draws.

    Raises
    ------
    LedgerError
        If a field is missing, of the wrong type, or no mode.
    ForecastError
        If a CDF is none.
    """
    try:
        return ReleaseForecast(
            target_id=body["question_id"],
            forecaster=body["forecaster"],
            made_on=dt.date.fromisoformat(body["made_on"]),
            cdf_full=np.array(body["cdf_full"], float),
            cdf_part=np.array(body["cdf_part"], float),
            last_checked=body["last_checked"] and dt.date.fromisoformat(body["last_checked"]),
            p_never_structural=body["p_never_structural"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(body, error) from None


def reference_forecast(body: Mapping[str, Any]) -> ReleaseForecast:
    """Read the reference that was recorded with a forecast.

    Raises
    ------
    LedgerError
        If a field is missing or of the wrong type.
    ForecastError
        If the reference is out of range.
    """
    try:
        made_on = dt.date.fromisoformat(body["made_on"])
        return Reference(**body["reference"]).forecast(made_on, body["question_id"])
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(body, error) from None


def withdrawal_record(forecast_id: str, why: str) -> dict[str, Any]:
    """Take a forecast back; it stays in the ledger, is still scored, and counts as withdrawn."""
    return {"kind": "withdrawal", "forecast_id": forecast_id, "why": why}


def resolved_record(
    question_id: str,
    happened_on: dt.date,
    known_on: dt.date,
    opening: Literal["full", "part"],
    *,
    episode_id: str,
    evidence_url: str,
    what: str,
) -> dict[str, Any]:
    """Say that a question's model was opened.

    Parameters
    ----------
    question_id : str
    happened_on, known_on : datetime.date
        In the world, and when a page said so.
    opening : {"full", "part"}
    episode_id, evidence_url, what : str
        Which row of the table, where it is shown, and what was opened.

    Raises
    ------
    LedgerError
        If the kind of opening is unknown, or it was known before it happened.
    """
    if opening not in OPENINGS:
        raise LedgerError(f"resolution of {question_id}: opening {opening!r} is none of {', '.join(OPENINGS)}")
    if known_on < happened_on:
        raise LedgerError(f"resolution of {question_id}: known on {known_on}, before it happened on {happened_on}")
    return {
        "kind": "resolved",
        "question_id": question_id,
        "happened_on": happened_on.isoformat(),
        "known_on": known_on.isoformat(),
        "opening": opening,
        "episode_id": episode_id,
        "evidence_url": evidence_url,
        "what": what,
    }


def status_record(kind: Literal["void", "ambiguous", "reopened"], question_id: str, why: str) -> dict[str, Any]:
    """Close a question without an answer, or open it again after a mistake.

    Raises
    ------
    LedgerError
        If the kind is unknown.
    """
    if kind not in STATUS_KINDS:
        raise LedgerError(f"resolution of {question_id}: {kind!r} is none of {', '.join(STATUS_KINDS)}")
    return {"kind": kind, "question_id": question_id, "why": why}


def note_record(question_id: str, text: str) -> dict[str, Any]:
    """Say what leaves a question open: a leak, a withdrawal."""
    return {"kind": "note", "question_id": question_id, "text": text}


#: Of records for a chain and the bodies that stand in it: what is to be written.
Choice = Callable[[Sequence[dict[str, Any]], Sequence[Mapping[str, Any]]], Iterable[dict[str, Any]]]


def append_new(
    folder: Path, chain: str, records: Sequence[dict[str, Any]], recorded_on: dt.date, choose: Choice | None = None
) -> list[Line]:
    """Write those forecasts whose ``id`` the chain does not have: twice the same adds nothing.

    Parameters
    ----------
    folder : pathlib.Path
    chain : str
    records : sequence of dict
    recorded_on : datetime.date
    choose : callable, optional
        Leaves out what is not to be written, while nobody else writes to the chain.

    Returns
    -------
    list of Line
        What was added.

    Raises
    ------
    LedgerError
        If a forecast was made after the day of writing, or is called live and was made on another;
        else as :func:`forecast.record.ledger.append`.
    """
    for record in records:
        made_on, mode = dt.date.fromisoformat(record["made_on"]), record["mode"]
        if made_on > recorded_on or (mode == "live" and made_on != recorded_on):
            raise LedgerError(
                f"forecast by {record['forecaster']} for {record['question_id']}: a {mode} forecast made on {made_on} "
                f"cannot be recorded on {recorded_on}; one about the past is a hindcast"
            )

    def chosen() -> Sequence[Mapping[str, Any]]:
        return list(choose(records, [line.body for line in ledger.stream(folder, chain)])) if choose else records

    return ledger.append(folder, chain, chosen, recorded_on=recorded_on, unique="id") if records else []


def append_by_forecaster(
    folder: Path, records: Sequence[dict[str, Any]], recorded_on: dt.date, choose: Choice | None = None
) -> list[Line]:
    """Write forecasts to the chains of their forecasters, each as :func:`append_new`.

    All chains are read before the first is written to, so that a broken one lets nothing in. Where a
    later one cannot be written after all (a full disk), what was added before stays: the same again adds the rest.

    Raises
    ------
    LedgerError
    """
    chains = sorted({str(r["forecaster"]) for r in records})
    for chain in chains:
        ledger.read(folder, chain)
    added: list[Line] = []
    for chain in chains:
        try:
            added += append_new(folder, chain, [r for r in records if r["forecaster"] == chain], recorded_on, choose)
        except LedgerError as error:
            before = f"; {len(added)} forecasts of other chains were added before: do the same again for the rest"
            raise LedgerError(f"{error}{before if added else ''}") from None
    return added


def _curves(forecast: ReleaseForecast) -> dict[str, Any]:
    full, part = _stored(forecast.cdf_full), _stored(forecast.cdf_part)
    opens = forecast.cdf[-1] > 0
    return {
        "cdf_full": full.tolist(),
        "cdf_part": part.tolist(),
        "left": round(float(1 - full[-1] - part[-1]), _DECIMALS),
        "p_never_structural": forecast.p_never_structural,
        "quantiles": {f"{q:g}": forecast.opens_on(q).isoformat() for q in _QUANTILES if opens},
    }


def _stored(cdf: Floats) -> Floats:
    """Round down to the stored decimals, so that a second time changes nothing and no step falls."""
    unit = 10**_DECIMALS
    return np.asarray(np.floor(np.maximum.accumulate(np.clip(cdf, 0, 1)) * unit + 1e-3) / unit)


def _unreadable(body: Mapping[str, Any], error: Exception) -> LedgerError:
    where = f"chain {body.get('chain')!r} seq {body.get('seq')}: " if "seq" in body else ""
    return LedgerError(f"{where}not a forecast record that can be read ({type(error).__name__}: {error})")
