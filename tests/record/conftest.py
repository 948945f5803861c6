"""Builders of forecasts, records and chains."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast.model.reference import Reference
from forecast.record import ledger
from forecast.record.records import Asked, Provenance, forecast_record
from forecast.release import GRID_DAYS, Floats, ReleaseForecast

ROOT = Path(__file__).resolve().parents[2]
DAY = dt.date(2026, 1, 1)
REFERENCE = Reference(0.01, 0.5, 0.25)


@pytest.fixture(scope="session")
def make_forecast() -> Callable[..., ReleaseForecast]:
    """A forecast from a function of the day; a share of every opening is in part."""

    def make(
        cdf: Callable[[Floats], Floats], part_share: float = 0.0, target_id: str = "q", **given: Any
    ) -> ReleaseForecast:
        whole = np.asarray(cdf(GRID_DAYS), float)
        given = {"forecaster": "acme", "made_on": DAY} | given
        return ReleaseForecast(
            target_id=target_id, cdf_full=(1 - part_share) * whole, cdf_part=part_share * whole, **given
        )

    return make


@pytest.fixture(scope="session")
def make_record(make_forecast: Callable[..., ReleaseForecast]) -> Callable[..., dict[str, Any]]:
    """A record of P(open by day u) = u/200 up to one half, for a question asked on the first day of 2026."""

    def make(
        forecast: ReleaseForecast | None = None,
        asked_on: dt.date = DAY,
        reference: Reference = REFERENCE,
        made_on: dt.date = DAY,
        target_id: str = "q",
        forecaster: str = "acme",
        **provenance: Any,
    ) -> dict[str, Any]:
        if forecast is None:
            forecast = make_forecast(
                lambda u: np.minimum(u / 200, 0.5), target_id=target_id, forecaster=forecaster, made_on=made_on
            )
        asked = Asked(forecast.target_id, asked_on, "model", "any", "silence")
        return forecast_record(forecast, asked, Provenance(**{"mode": "live", "model": "hand"} | provenance), reference)

    return make


@pytest.fixture
def chain_of(tmp_path: Path) -> Callable[..., Path]:
    """The file of a chain of numbered notes."""

    def make(count: int, chain: str = "acme") -> Path:
        notes = [{"kind": "note", "text": f"number {i}"} for i in range(1, count + 1)]
        ledger.append(tmp_path, chain, notes, recorded_on=DAY)
        return tmp_path / f"{chain}.jsonl"

    return make


@pytest.fixture(scope="session")
def sealed() -> Callable[[Any], bytes]:
    """A line with the hash that fits, made without the code under test; a text is taken as the body's bytes."""

    def seal(body: Any) -> bytes:
        stored = body if isinstance(body, bytes) else json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
        return b'{"body":' + stored + b',"sha256":"' + hashlib.sha256(stored).hexdigest().encode() + b'"}\n'

    return seal


@pytest.fixture(scope="session")
def start() -> Callable[..., subprocess.Popen[str]]:
    """Start Python on a script with arguments, with the project's modules."""

    def run(script: str, *args: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", script, *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    return run
