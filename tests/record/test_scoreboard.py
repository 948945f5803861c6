"""The scoreboard: counts and means of a small ledger, by hand."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from forecast.errors import LedgerError
from forecast.model.reference import Reference
from forecast.record import ledger
from forecast.record.questions import Question
from forecast.record.records import append_new, note_record, resolved_record, status_record, withdrawal_record
from forecast.record.score_table import Resolution, resolutions, score_table
from forecast.record.scoreboard import as_json, scoreboard
from forecast.record.scores import score_names

DAY = dt.date(2026, 1, 1)
AS_OF = dt.date(2026, 6, 1)
COUNTS = ["registered", "due", "scored", "void", "withdrawn"]


def day(number):
    return DAY + dt.timedelta(days=number)


def asked(*ids, asked_on=DAY):
    return {
        i: Question(
            id=i, text="When?", unit="model", target="any", members=(i,), asked_on=asked_on, resolution="anybody"
        )
        for i in ids
    }


class Book:
    """A ledger that is written by hand."""

    def __init__(self, folder, make_record):
        self.folder, self.make_record = folder, make_record

    def forecast(self, question="q", made=0, forecaster="acme", recorded=None, **given):
        """P(open by day u) = u/200, up to one half."""
        record = self.make_record(target_id=question, made_on=day(made), forecaster=forecaster, **given)
        append_new(self.folder, forecaster, [record], day(made if recorded is None else recorded))
        return record["id"]

    def withdraw(self, forecast_id, recorded, forecaster="acme"):
        record = withdrawal_record(forecast_id, "a mistake")
        ledger.append(self.folder, forecaster, [record], recorded_on=day(recorded))

    def opened(self, question="q", on=10, known=None, recorded=None, opening="full"):
        known = on if known is None else known
        place = {"episode_id": "acme-one", "evidence_url": "https://example.org", "what": "Acme One"}
        record = resolved_record(question, day(on), day(known), opening, **place)
        ledger.append(self.folder, "resolutions", [record], recorded_on=day(known if recorded is None else recorded))

    def status(self, kind, question="q", recorded=0):
        ledger.append(self.folder, "resolutions", [status_record(kind, question, "why")], recorded_on=day(recorded))

    def table(self, as_of=AS_OF, questions=None, searched=AS_OF):
        return score_table(self.folder, as_of, asked("q", "r", "s") if questions is None else questions, searched)


@pytest.fixture
def book(tmp_path, make_record):
    return Book(tmp_path, make_record)


@pytest.fixture
def full_book(book):
    """One forecast of every sort, with what becomes of it by the first of June, day 151."""
    book.forecast("early")
    book.opened("early", on=10)
    book.forecast("late")
    book.opened("late", on=100)
    book.forecast("still")
    book.withdraw(book.forecast("taken-back"), recorded=5)
    book.forecast("fresh", made=140)
    book.forecast("fresh-open", made=140)
    book.opened("fresh-open", on=145)
    for made in (50, 51):
        book.forecast("known", made=made)
    book.opened("known", on=50)
    book.withdraw(book.forecast("voided"), recorded=5)
    book.status("void", "voided", recorded=20)
    book.forecast("unclear")
    book.status("ambiguous", "unclear", recorded=20)
    book.forecast("unasked")
    book.forecast("moved", made=30)
    book.forecast("future", made=152)
    names = ("early", "late", "still", "taken-back", "fresh", "fresh-open", "known", "voided", "unclear", "future")
    questions = asked(*names) | asked("moved", asked_on=day(1))
    return book.table(questions=questions)


def test_every_forecast_made_by_the_day_has_one_row_and_one_state(full_book):
    assert full_book.columns.tolist()[-len(score_names()) :] == score_names()
    assert dict(zip(full_book.question_id, full_book.state, strict=True)) == {
        "early": "scored",
        "late": "scored",
        "still": "scored",
        "taken-back": "scored",
        "fresh": "open",
        "fresh-open": "due",
        "known": "void",
        "voided": "void",
        "unclear": "void",
        "unasked": "void",
        "moved": "void",
    }
    reasons = full_book[full_book.state == "void"].groupby("question_id").reason.unique().str[0].to_dict()
    assert reasons == {
        "known": "made on or after the day of the outcome",
        "voided": "its question is void",
        "unclear": "its question is ambiguous",
        "unasked": "its question is not in the questions file",
        "moved": "its question's asking day was changed",
    }
    assert full_book[full_book.state == "scored"].reason.isna().all()
    assert full_book[full_book.state == "void"][score_names()].isna().all(axis=None)


def test_counts_are_those_of_the_rows(full_book):
    board = scoreboard(full_book)
    assert board[["forecaster", "mode", *COUNTS]].to_dict("records") == [
        {"forecaster": "acme", "mode": "live", "registered": 12, "due": 5, "scored": 4, "void": 6, "withdrawn": 2}
    ]


def test_means_are_over_the_forecasts_that_have_the_score(full_book):
    (row,) = scoreboard(full_book).to_dict("records")
    assert row["brier_30"] == pytest.approx((0.85**2 + 3 * 0.15**2) / 4)
    assert row["brier_90"] == pytest.approx((0.55**2 + 3 * 0.45**2) / 4)
    assert row["rps"] == pytest.approx((0.7**2 + 3 * 0.3**2) / 4)
    assert np.isnan([row["brier_180"], row["log_at_730"]]).all()
    chances = [
        0.99 * 0.005 + 0.01 * 0.5 * (np.exp(-0.09) - np.exp(-0.10)),
        (0.99 * (0.5 - 0.485) + 0.01 * 0.5 * (np.exp(-0.97) - np.exp(-1.04))) / 7,
        *[0.99 * 0.5 + 0.01 * (0.5 + 0.5 * (2 * np.exp(-1.46) + 5 * np.exp(-1.53)) / 7)] * 2,
    ]
    assert row["log"] == pytest.approx(-np.log(chances).mean(), rel=1e-6)


def test_days_are_counted_from_the_making(full_book):
    rows = full_book.set_index("question_id")
    assert rows.day.loc[["early", "late", "fresh-open"]].tolist() == [10, 100, 5]
    assert np.isnan(rows.day["still"])
    assert rows.followed_days.loc[["early", "late", "still", "fresh"]].tolist() == [151, 151, 151, 11]
    assert rows.happened_on["late"] == pd.Timestamp(day(100))
    assert rows.opening["late"] == "full"


@pytest.mark.parametrize(("on", "states"), [(29, ("due", "open")), (30, ("scored", "scored"))])
def test_an_early_opening_is_scored_on_its_due_day_like_all_others(book, on, states):
    book.forecast("q")
    book.forecast("r")
    book.opened("q", on=5)
    table = book.table(as_of=day(on))
    assert tuple(table.state) == states
    scored = on == 30
    assert table.brier_30.notna().tolist() == [scored, scored]
    if scored:
        assert scoreboard(table).brier_30[0] == pytest.approx((0.85**2 + 0.15**2) / 2)


@pytest.mark.parametrize("on", [31, 60, 89, 90, 150])
def test_which_scores_a_forecast_has_hangs_on_the_calendar_alone(book, on):
    book.forecast("q")
    book.forecast("r")
    book.opened("q", on=20)
    opened, closed = book.table(as_of=day(on))[score_names()].isna().to_numpy()
    assert (opened == closed).all()
    assert not opened.all()


@pytest.mark.parametrize("opened_on", [80, 120])
def test_an_opening_after_the_search_ended_is_scored_as_closed_through_it(book, opened_on):
    book.forecast("q")
    book.forecast("r")
    book.opened("q", on=opened_on)
    opened, closed = book.table(as_of=day(150), searched=day(70))[score_names()].to_numpy()
    np.testing.assert_array_equal(opened, closed)


def test_nobody_is_scored_through_days_that_were_not_searched(book):
    book.forecast("q")
    book.forecast("r", made=20)
    table = book.table(searched=day(40))
    assert table.state.tolist() == ["scored", "due"]
    assert table.due.all()
    assert table.followed_days.tolist() == [40, 20]
    assert table.reason[1] == "not yet followed for 30 days"
    assert (table.brier_30.notna() & table.brier_90.isna()).tolist() == [True, False]


def test_a_forecast_made_after_the_last_searched_day_waits(book):
    book.forecast("q", made=100)
    table = book.table(searched=day(40))
    assert (table.state[0], table.followed_days[0]) == ("due", 0)


@pytest.mark.parametrize(
    ("as_of", "state"), [(99, "open"), (100, "open"), (104, "open"), (105, "resolved"), (200, "resolved")]
)
def test_an_opening_counts_from_the_day_it_was_known(book, as_of, state):
    book.opened("q", on=100, known=105, recorded=300)
    expected = {} if state == "open" else {"q": Resolution("resolved", day(100), "full")}
    assert resolutions(book.folder, day(as_of)) == expected


def test_what_is_not_known_yet_is_scored_as_closed(book):
    book.forecast("q")
    book.opened("q", on=40, known=100)
    before, after = (book.table(as_of=day(n), searched=day(n)) for n in (99, 100))
    assert np.isnan(before.day[0])
    assert before.brier_90[0] == pytest.approx(0.45**2)
    assert after.day[0] == 40
    assert after.brier_90[0] == pytest.approx(0.55**2)


@pytest.mark.parametrize("kind", ["void", "ambiguous"])
def test_a_question_is_void_from_the_day_that_was_recorded(book, kind):
    book.status(kind, recorded=60)
    assert resolutions(book.folder, day(59)) == {}
    assert resolutions(book.folder, day(60)) == {"q": Resolution(kind)}


def test_a_mistake_that_was_reopened_never_counted(book):
    book.forecast("q")
    book.opened("q", on=10)
    book.status("reopened", recorded=100)
    for as_of in (20, 99, 100, 150):
        assert resolutions(book.folder, day(as_of)) == {}
    assert book.table().brier_30[0] == pytest.approx(0.15**2)
    book.opened("q", on=120)
    assert resolutions(book.folder, AS_OF) == {"q": Resolution("resolved", day(120), "full")}
    assert book.table().day[0] == 120


def test_a_note_leaves_a_question_as_it_stands(book):
    for _ in range(2):
        note = note_record("q", "its weights leaked")
        ledger.append(book.folder, "resolutions", [note], recorded_on=day(1))
        book.opened("r", on=10)
    ledger.append(book.folder, "resolutions", [note_record("r", "withdrawn")], recorded_on=day(20))
    assert resolutions(book.folder, AS_OF) == {"r": Resolution("resolved", day(10), "full")}


@pytest.mark.parametrize(("withdrawn_on", "counted"), [(20, 1), (150, 1), (152, 0)])
def test_a_withdrawn_forecast_is_scored_like_the_others(book, withdrawn_on, counted):
    forecast_id = book.forecast("q")
    before = book.table()
    book.withdraw(forecast_id, recorded=withdrawn_on)
    table = book.table()
    assert scoreboard(table)[COUNTS].iloc[0].tolist() == [1, 1, 1, 0, counted]
    pd.testing.assert_frame_equal(table[score_names()], before[score_names()])


def test_a_withdrawal_takes_back_no_forecast_of_another_chain(book):
    forecast_id = book.forecast("q")
    book.forecast("q", forecaster="other")
    book.withdraw(forecast_id, recorded=3, forecaster="other")
    assert not book.table().withdrawn.any()


@pytest.mark.parametrize(("made", "state"), [(9, "scored"), (10, "void"), (11, "void")])
def test_a_forecast_made_on_or_after_the_day_of_the_outcome_is_void(book, made, state):
    book.forecast("q", made=made)
    book.opened("q", on=10, known=60)
    table = book.table()
    assert table.state[0] == state
    counts = [1, 1, 1, 0, 0] if state == "scored" else [1, 0, 0, 1, 0]
    assert scoreboard(table)[COUNTS].iloc[0].tolist() == counts


def test_words_are_counted_from_the_asking(book):
    book.forecast("q", made=50)
    table = book.table()
    assert table.rps[0] == pytest.approx(0.05**2), "ten days are left of the weeks"


def test_modes_and_forecasters_are_never_added_together(book):
    book.forecast("q")
    book.forecast("q", mode="hindcast", recorded=100, design_seen=True)
    book.forecast("r", mode="hindcast", recorded=100)
    book.forecast("r", mode="imported", recorded=100, forecaster="market")
    book.forecast("s", forecaster="market")
    book.opened("q", on=10)
    table = book.table()
    assert table.design_seen.tolist() == [False, True, False, False, False]
    board = scoreboard(table)
    found = {(r["forecaster"], r["mode"]): (r["registered"], r["brier_30"]) for r in board.to_dict("records")}
    assert found == {
        ("acme", "live"): (1, pytest.approx(0.85**2)),
        ("acme", "hindcast"): (2, pytest.approx((0.85**2 + 0.15**2) / 2)),
        ("market", "imported"): (1, pytest.approx(0.15**2)),
        ("market", "live"): (1, pytest.approx(0.15**2)),
    }
    assert Counter(board.forecaster) == {"acme": 2, "market": 2}


def test_as_json_says_all_of_it_in_plain_json(full_book):
    said = as_json(AS_OF, scoreboard(full_book))
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert list(said) == ["as_of", "forecasters"]
    assert said["as_of"] == "2026-06-01"
    (entry,) = said["forecasters"]
    assert list(entry) == ["name", "mode", *COUNTS, "scores", "skill"]
    assert [entry[name] for name in ("name", "mode", *COUNTS)] == ["acme", "live", 12, 5, 4, 6, 2]
    assert list(entry["scores"]) == score_names()
    assert entry["scores"]["brier_30"] == pytest.approx((0.85**2 + 3 * 0.15**2) / 4)
    assert entry["scores"]["log_at_365"] is None


def test_an_infinite_mean_is_null(book):
    book.forecast("q", reference=Reference(0.01, 0.5))
    book.opened("q", on=10, opening="part")
    board = scoreboard(book.table())
    assert np.isinf(board.kind[0])
    (entry,) = as_json(AS_OF, board)["forecasters"]
    assert entry["scores"]["kind"] is None
    assert entry["scores"]["log"] is not None


@pytest.mark.parametrize("missing", [True, False], ids=["no-folder", "no-forecasts"])
def test_an_empty_ledger_is_an_empty_scoreboard(tmp_path, missing):
    folder = tmp_path / "ledger"
    if not missing:
        ledger.append(folder, "acme", [{"kind": "note", "text": "nothing yet"}], recorded_on=DAY)
    table = score_table(folder, AS_OF, {}, AS_OF)
    board = scoreboard(table)
    assert (len(table), len(board)) == (0, 0)
    assert board.columns.tolist() == ["forecaster", "mode", *COUNTS, *score_names()]
    assert as_json(AS_OF, board) == {"as_of": "2026-06-01", "forecasters": []}


def test_columns_keep_their_types_whatever_is_in_them(book, full_book):
    assert full_book.columns.is_unique
    empty = score_table(book.folder / "none", AS_OF, {}, AS_OF)
    assert empty.dtypes.to_dict() == full_book.dtypes.to_dict()
    assert str(full_book.made_on.dtype) == "datetime64[s]"


@pytest.mark.parametrize("chain", ["acme", "resolutions"])
def test_a_broken_chain_is_never_scored(book, chain):
    book.forecast("q")
    book.opened("q")
    path = book.folder / f"{chain}.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"q"', b'"r"'))
    with pytest.raises(LedgerError, match=rf"{chain}.jsonl: line 1: changed after it was written"):
        book.table()


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "resolved", "question_id": "q"},
        {"kind": "resolved", "question_id": "q", "happened_on": "soon", "opening": "full"},
        {"kind": "void"},
    ],
    ids=["no-day", "bad-day", "no-question"],
)
def test_a_resolution_that_cannot_be_read_is_named(book, record):
    book.opened("r")
    ledger.append(book.folder, "resolutions", [record], recorded_on=DAY)
    with pytest.raises(LedgerError, match=r"^chain 'resolutions' line 2: cannot be read \(.*\)$"):
        book.table()
