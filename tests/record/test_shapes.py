"""A line without what its kind needs is not written, and named where it stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.lines import genesis
from forecast.record.shapes import SHAPES, shape_fault

DAY = dt.date(2026, 1, 1)
WRONG: list[Any] = [None, 7, [], {}, "", "soon"]


@pytest.fixture
def whole(make_record: Callable[..., Any]) -> dict[str, dict[str, Any]]:
    """A good body of every kind."""
    answer = {"question_id": "q", "why": "so"}
    return {
        "forecast": make_record(),
        "withdrawal": {"forecast_id": "0123"},
        "resolved": {"question_id": "q", "happened_on": "2026-01-01", "known_on": None, "opening": "part"},
        **dict.fromkeys(("void", "ambiguous", "reopened"), answer),
    }


def test_good_bodies_have_no_fault(whole: dict[str, dict[str, Any]]) -> None:
    assert set(whole) == set(SHAPES)
    assert [shape_fault(body | {"kind": kind}) for kind, body in whole.items()] == [None] * len(whole)
    assert shape_fault({"kind": "note", "made_on": "never"}) is None


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind, shape in SHAPES.items() for field in shape])
def test_a_field_that_is_missing_or_wrong_is_named(
    whole: dict[str, dict[str, Any]], kind: str, field: str, tmp_path: Path
) -> None:
    name, body = field.removeprefix("?"), whole[kind] | {"kind": kind}
    without = {key: value for key, value in body.items() if key != name}
    if field == name:
        assert f"its {name} is not" in str(shape_fault(without))
    else:
        assert shape_fault(without) is None
    wrong = [value for value in WRONG if shape_fault(body | {name: value})]
    assert len(wrong) >= len(WRONG) - 2
    chain = "acme" if kind in ("forecast", "withdrawal") else "resolutions"
    for value in wrong:
        with pytest.raises(LedgerError, match=rf"^line 1: its {name} is not .*, as that of kind '{kind}' must be$"):
            ledger.append(tmp_path, chain, [body | {name: value}], recorded_on=DAY)
    assert ledger.chains(tmp_path) == []


@pytest.mark.parametrize("body", [{"kind": "forecast"}, {"kind": "withdrawal"}, {"kind": "forecast", "made_on": "x"}])
def test_a_sealed_line_without_its_fields_does_not_verify(
    body: dict[str, Any], sealed: Callable[[Any], bytes], tmp_path: Path
) -> None:
    place = {"chain": "acme", "seq": 0, "prev": genesis("acme"), "recorded_on": "2026-01-01"}
    (tmp_path / "acme.jsonl").write_bytes(sealed(body | place))
    [verdict] = ledger.verify(tmp_path)
    assert str(verdict.fault).startswith("line 1: its ")
