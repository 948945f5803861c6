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
from forecast.record.merging import merge
from forecast.record.questions import Question
from forecast.record.records import release_forecast
from forecast.record.score_table import score_table
from forecast.record.transcripts import new_transcripts, replaced, standing_forecasts, withdrawn

DAY = dt.date(2026, 1, 1)
LATER = dt.date(2026, 6, 1)
QUESTION = Question(
    id="q", text="?", unit="model", target="any", members=("m",), asked_on=DAY, resolution="r", source="https://e.org/"
)
SAID = {"mode": "imported", "model": "third-party"}


@pytest.fixture
def transcript(make_record: Callable[..., Any], make_forecast: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """What a paper said on the first day of the year: for certain by a day."""

    def make(due_days: int, said: str = "2026-02-01", **more: Any) -> dict[str, Any]:
        forecast = make_forecast(lambda u: (u >= due_days).astype(float))
        record: dict[str, Any] = make_record(forecast, hashes={"said": said, "reading": f"{due_days}"}, **SAID | more)
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


def test_another_saying_replaces_nothing_and_the_same_adds_nothing(transcript: Callable[..., Any]) -> None:
    first, other = transcript(32), transcript(31, said="2026-02-02")
    assert list(new_transcripts([first], [])) == [first]
    assert list(new_transcripts([first], [first])) == []
    assert list(new_transcripts([other], [first])) == [other]


@pytest.mark.parametrize("same", ["hashes", "cdf_full"])
def test_another_table_or_another_name_of_the_rule_is_no_new_reading(transcript: Callable[..., Any], same: str) -> None:
    first, other = transcript(32), transcript(31)
    assert list(new_transcripts([other | {same: first[same]}], [first])) == []


def test_a_reading_can_be_taken_up_again(transcript: Callable[..., Any], tmp_path: Path) -> None:
    first = transcript(32)
    [second] = new_transcripts([transcript(31)], [first])
    [third] = new_transcripts([transcript(32)], [first, second])
    assert (third["replaces"], len({first["id"], second["id"], third["id"]})) == (second["id"], 3)
    bodies = write(tmp_path, first, second, third)
    assert [body["id"] for body in standing_forecasts(tmp_path, "acme")] == [third["id"]]
    assert list(new_transcripts([transcript(32)], bodies)) == []


def test_a_third_transcript_replaces_the_second(transcript: Callable[..., Any]) -> None:
    first = transcript(32)
    [second] = new_transcripts([transcript(31)], [first])
    [third] = new_transcripts([transcript(30)], [first, second])
    assert third["replaces"] == second["id"]
    assert replaced([first, second, third]) == {first["id"]: second["id"], second["id"]: third["id"]}


@pytest.mark.parametrize(
    "change",
    [{"mode": "hindcast"}, {"model": "hand"}, {"said": "soon"}, {"replaces": "0123456789abcdef"}],
    ids=str,
)
def test_nothing_but_a_transcript_of_the_same_saying_is_replaced(
    tmp_path: Path, transcript: Callable[..., Any], change: dict[str, Any]
) -> None:
    first = transcript(32)
    replaces = change.get("replaces", first["id"])
    second = transcript(31, **{k: v for k, v in change.items() if k != "replaces"}) | {"replaces": replaces}
    bodies = write(tmp_path, first, second)
    assert replaced(bodies) == {}
    assert score_table(tmp_path, LATER, {"q": QUESTION}, LATER).state.tolist() == ["scored", "scored"]


def test_a_forecast_of_ones_own_is_never_replaced(make_record: Callable[..., Any]) -> None:
    first, second = make_record(), make_record(seed=1, sampler="nuts")
    assert list(new_transcripts([second], [first])) == [second]
    assert replaced([first, second | {"replaces": first["id"]}]) == {}


def test_of_two_that_replace_one_the_first_counts(transcript: Callable[..., Any]) -> None:
    first = transcript(32)
    second, third = (transcript(days) | {"replaces": first["id"]} for days in (31, 30))
    assert replaced([first, second, third]) == {first["id"]: second["id"], third["id"]: second["id"]}


def test_a_transcript_cannot_replace_a_later_one(transcript: Callable[..., Any]) -> None:
    second = transcript(31)
    assert replaced([transcript(32) | {"replaces": second["id"]}, second]) == {}


def test_what_was_taken_back_stays_so_when_it_is_read_anew(tmp_path: Path, transcript: Callable[..., Any]) -> None:
    first = transcript(32)
    [second] = new_transcripts([transcript(31)], [first])
    [third] = new_transcripts([transcript(30)], [first, second])
    taken = {"kind": "withdrawal", "forecast_id": first["id"]}
    bodies = write(tmp_path, first, taken, second, third)
    assert withdrawn(bodies) == {first["id"], second["id"], third["id"]}
    assert score_table(tmp_path, LATER, {"q": QUESTION}, LATER).withdrawn.all()
    with pytest.raises(LedgerError, match="no forecast by acme"):
        find(tmp_path, "q", "acme", DAY)


def test_copies_that_read_the_same_saying_in_two_ways_merge_and_are_scored(
    tmp_path: Path, transcript: Callable[..., Any]
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    first = transcript(32)
    for folder, days in ((ours, 31), (theirs, 30)):
        ledger.append(folder, "acme", [first], recorded_on=LATER)
        ledger.append(folder, "acme", list(new_transcripts([transcript(days)], [first])), recorded_on=LATER)
    assert len(merge(ours, theirs / "acme.jsonl").added) == 1
    assert score_table(ours, LATER, {"q": QUESTION}, LATER).state.tolist() == ["void", "scored", "void"]
