"""A slip of ours in what somebody else said is mended by a second line; no forecast can be dropped that way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.errors import LedgerError
from forecast.pages.tables import said_table
from forecast.record import ledger
from forecast.record.formats.metaculus_cdf import find
from forecast.record.questions import Question
from forecast.record.records import release_forecast
from forecast.record.score_table import score_table
from forecast.record.transcripts import new_transcripts, replaced, standing_forecasts

DAY = dt.date(2026, 1, 1)
LATER = dt.date(2026, 6, 1)
QUESTION = Question(
    id="q", text="?", unit="model", target="any", members=("m",), asked_on=DAY, resolution="r", source="https://e.org/"
)
SAID = {"mode": "imported", "model": "third-party"}


@pytest.fixture
def transcript(make_record: Callable[..., Any], make_forecast: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """What a paper said on the first day of the year: for certain by a day."""

    def make(due_days: int, words: str = "2026-02-01", said_by: str = "A paper", **more: Any) -> dict[str, Any]:
        forecast = make_forecast(lambda u: (u >= due_days).astype(float))
        given: dict[str, Any] = SAID | {"diagnostics": {"said_by": said_by, "words": words}} | more
        record: dict[str, Any] = make_record(forecast, hashes={"said": f"{due_days}"}, **given)
        return record

    return make


def write(folder: Path, *records: dict[str, Any]) -> list[dict[str, Any]]:
    ledger.append(folder, "acme", records, recorded_on=LATER)
    ledger.append(folder, "resolutions", [opened()], recorded_on=LATER)
    return [line.body for line in ledger.read(folder, "acme")]


def opened() -> dict[str, Any]:
    return {"kind": "resolved", "question_id": "q", "happened_on": "2026-02-01", "opening": "full"}


def test_both_transcripts_stay_and_the_second_is_scored(tmp_path: Path, transcript: Callable[..., Any]) -> None:
    first = transcript(32)
    [second] = new_transcripts([transcript(31)], [first])
    assert second["replaces"] == first["id"] != second["id"]
    bodies = write(tmp_path, first, second)
    assert replaced(bodies) == {first["id"]: second["id"]}
    table = score_table(tmp_path, LATER, {"q": QUESTION}, LATER)
    assert table.state.tolist() == ["void", "scored"]
    assert table.reason[0] == f"its transcript was mended by {second['id']}"
    assert table.log.iloc[1] == pytest.approx(0.01, abs=0.01)  # 99 in 100 on the very day, the rest the reference's
    assert [body["id"] for body in standing_forecasts(tmp_path, "acme")] == [second["id"]]
    assert find(tmp_path, "q", "acme", DAY)["id"] == second["id"]
    [told] = said_table(tmp_path, [QUESTION]).itertuples()
    assert told.prob == pytest.approx(float(release_forecast(second).prob_by(365)))


def test_other_words_replace_nothing_and_the_same_add_nothing(transcript: Callable[..., Any]) -> None:
    first = transcript(32)
    assert list(new_transcripts([first], [])) == [first]
    assert list(new_transcripts([first], [first])) == []
    for other in (transcript(31, words="soon"), transcript(31, said_by="Another paper")):
        assert list(new_transcripts([other], [first])) == [other]


@pytest.mark.parametrize("same", ["hashes", "cdf_full"])
def test_another_table_or_another_name_of_the_rule_is_no_new_reading(transcript: Callable[..., Any], same: str) -> None:
    first, other = transcript(32), transcript(31)
    assert list(new_transcripts([other | {same: first[same]}], [first])) == []


def test_a_third_transcript_replaces_the_second(transcript: Callable[..., Any]) -> None:
    first = transcript(32)
    [second] = new_transcripts([transcript(31)], [first])
    [third] = new_transcripts([transcript(30)], [first, second])
    assert third["replaces"] == second["id"]
    assert replaced([first, second, third]) == {first["id"]: second["id"], second["id"]: third["id"]}


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "hindcast"},
        {"model": "hand"},
        {"words": "soon"},
        {"said_by": "Another paper"},
        {"replaces": "0123456789abcdef"},
        {"replaces": 7},
    ],
    ids=str,
)
def test_nothing_but_a_transcript_of_the_same_words_is_replaced(
    tmp_path: Path, transcript: Callable[..., Any], change: dict[str, Any]
) -> None:
    first = transcript(32)
    replaces = change.get("replaces", first["id"])
    second = transcript(31, **{k: v for k, v in change.items() if k != "replaces"}) | {"replaces": replaces}
    bodies = write(tmp_path, first, second)
    for read in (lambda: replaced(bodies), lambda: score_table(tmp_path, LATER, {"q": QUESTION}, LATER)):
        with pytest.raises(LedgerError, match="no transcript of the same words"):
            read()


def test_a_forecast_of_ones_own_is_never_replaced(make_record: Callable[..., Any]) -> None:
    first, second = make_record(), make_record(seed=1, sampler="nuts")
    assert list(new_transcripts([second], [first])) == [second]
    with pytest.raises(LedgerError, match="no transcript"):
        replaced([first, second | {"replaces": first["id"]}])


def test_one_transcript_is_replaced_once(transcript: Callable[..., Any]) -> None:
    first = transcript(32)
    second, third = (transcript(days) | {"replaces": first["id"]} for days in (31, 30))
    with pytest.raises(LedgerError, match="replaced already"):
        replaced([first, second, third])


def test_a_transcript_cannot_replace_a_later_one(transcript: Callable[..., Any]) -> None:
    second = transcript(31)
    with pytest.raises(LedgerError, match="no transcript"):
        replaced([transcript(32) | {"replaces": second["id"]}, second])
