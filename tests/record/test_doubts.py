"""A ledger that says two things at once is refused, with the place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.records import resolved_record, status_record
from forecast.record.score_table import resolutions, score_table

DAY = dt.date(2026, 1, 1)
LATER = dt.date(2026, 6, 1)


def answer(folder: Path, day: int, opening: Any = "full") -> None:
    happened_on = DAY + dt.timedelta(days=day)
    place = {"episode_id": "acme-one", "evidence_url": "https://example.org", "what": "Acme One"}
    ledger.append(
        folder, "resolutions", [resolved_record("q", happened_on, happened_on, opening, **place)], recorded_on=LATER
    )


@pytest.mark.parametrize(("day", "opening"), [(9, "full"), (5, "part")])
def test_a_question_resolved_twice_is_refused(tmp_path: Path, day: int, opening: str) -> None:
    answer(tmp_path, 5)
    answer(tmp_path, day, opening)
    with pytest.raises(LedgerError, match=r"question q is resolved twice, by 2026-01-06 and line 2: reopen it"):
        resolutions(tmp_path, LATER)


def test_reopening_mends_a_question_resolved_twice(tmp_path: Path) -> None:
    answer(tmp_path, 5)
    answer(tmp_path, 9)
    ledger.append(tmp_path, "resolutions", [status_record("reopened", "q", "a mistake")], recorded_on=LATER)
    assert "q" not in resolutions(tmp_path, LATER)
    answer(tmp_path, 9)
    assert resolutions(tmp_path, LATER)["q"].happened_on == dt.date(2026, 1, 10)


def test_the_same_answer_again_says_nothing_new_and_a_reopened_question_may_get_another(tmp_path: Path) -> None:
    answer(tmp_path, 5)
    answer(tmp_path, 5)
    assert resolutions(tmp_path, LATER)["q"].happened_on == dt.date(2026, 1, 6)
    ledger.append(tmp_path, "resolutions", [status_record("reopened", "q", "a mistake")], recorded_on=LATER)
    answer(tmp_path, 9)
    assert resolutions(tmp_path, LATER)["q"].happened_on == dt.date(2026, 1, 10)


def test_two_forecasts_with_one_id_are_refused(tmp_path: Path, make_record: Callable[..., dict[str, Any]]) -> None:
    record = make_record()
    ledger.append(tmp_path, "acme", [record, record | {"mode": "hindcast"}], recorded_on=DAY)
    with pytest.raises(LedgerError, match=rf"chain 'acme' line 2: a second forecast has the id {record['id']}"):
        score_table(tmp_path, LATER, {}, LATER)
