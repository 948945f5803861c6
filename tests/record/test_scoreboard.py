"""The scoreboard: counts and means of a small ledger, by hand."""

from __future__ import annotations

import datetime as dt
import itertools
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
from forecast.record.score_table import PREVIOUS, Resolution, resolutions, score_table
from forecast.record.scoreboard import SPLITS, as_json, scoreboard, with_uncertainty
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

    def __init__(self, folder, make_record, make_forecast):
        self.folder, self.make_record, self.make_forecast = folder, make_record, make_forecast

    def forecast(self, question="q", made=0, forecaster="acme", recorded=None, share=1.0, **given):
        """P(open by day u) = share * u/200, up to one half of the share."""
        where = {"target_id": question, "made_on": day(made), "forecaster": forecaster}
        said = given.pop("said", None) or self.make_forecast(lambda u: share * np.minimum(u / 200, 0.5), **where)
        record = self.make_record(said, made_on=day(made), **given)
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
def book(tmp_path, make_record, make_forecast):
    return Book(tmp_path, make_record, make_forecast)


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
        "fresh-open": "open",
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
        {"forecaster": "acme", "mode": "live", "registered": 12, "due": 4, "scored": 4, "void": 6, "withdrawn": 2}
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


@pytest.mark.parametrize(("on", "states"), [(29, ("open", "open")), (30, ("scored", "scored"))])
def test_an_early_opening_is_scored_on_its_due_day_like_all_others(book, on, states):
    book.forecast("q")
    book.forecast("r")
    book.opened("q", on=5)
    table = book.table(as_of=day(on))
    assert tuple(table.state) == states
    scored = on == 30
    assert table.due.tolist() == [scored, scored]
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
    said = as_json(AS_OF, full_book, scoreboard(full_book))
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert list(said) == ["as_of", "forecasters"]
    assert said["as_of"] == "2026-06-01"
    (entry,) = said["forecasters"]
    assert list(entry) == ["name", "mode", *COUNTS, "scores", "intervals", "skill"]
    assert [entry[name] for name in ("name", "mode", *COUNTS)] == ["acme", "live", 12, 4, 4, 6, 2]
    assert list(entry["scores"]) == score_names()
    assert entry["scores"]["brier_30"] == pytest.approx((0.85**2 + 3 * 0.15**2) / 4)
    assert entry["scores"]["log_at_365"] is None


def test_an_infinite_mean_is_null(book):
    book.forecast("q", reference=Reference(0.01, 0.5))
    book.opened("q", on=10, opening="part")
    table = book.table()
    board = scoreboard(table)
    assert np.isinf(board.kind[0])
    (entry,) = as_json(AS_OF, table, board)["forecasters"]
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
    assert as_json(AS_OF, table, board) == {"as_of": "2026-06-01", "forecasters": []}
    for by in SPLITS:
        assert scoreboard(table, by).empty


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
def test_a_resolution_that_cannot_be_read_is_not_written(book, record):
    book.opened("r")
    with pytest.raises(LedgerError, match=r"^line 2: its \w+ is not .*, as that of kind '\w+' must be$"):
        ledger.append(book.folder, "resolutions", [record], recorded_on=DAY)
    assert book.table().empty


@pytest.mark.parametrize("again", [{"on": 12}, {"on": 10, "opening": "part"}], ids=["another-day", "another-kind"])
def test_a_second_other_answer_to_a_question_is_refused(book, again):
    book.forecast("q")
    book.opened("q", on=10)
    book.opened("q", known=20, **again)
    fault = r"^chain 'resolutions': question q is resolved twice, by 2026-01-11 and line 2: reopen it"
    with pytest.raises(LedgerError, match=fault):
        book.table()
    assert resolutions(book.folder, day(19)) == {"q": Resolution("resolved", day(10), "full")}


def test_a_question_that_was_reopened_takes_another_answer(book):
    book.opened("q", on=10)
    book.status("reopened", recorded=15)
    book.opened("q", on=12, known=20, opening="part")
    assert resolutions(book.folder, AS_OF) == {"q": Resolution("resolved", day(12), "part")}


def test_reopening_mends_a_question_resolved_twice(book):
    book.opened("q", on=10)
    book.opened("q", on=12, known=20)
    book.status("reopened", recorded=25)
    assert resolutions(book.folder, AS_OF) == {}
    book.opened("q", on=12, known=30)
    assert resolutions(book.folder, AS_OF) == {"q": Resolution("resolved", day(12), "full")}


def test_the_same_answer_twice_says_nothing_new(book):
    book.forecast("q")
    book.opened("q", on=10)
    before = book.table()
    book.opened("q", on=10, known=20)
    pd.testing.assert_frame_equal(book.table(), before)


def test_two_forecasts_under_one_id_are_refused(book, make_record):
    record = make_record(target_id="q")
    ledger.append(book.folder, "acme", [record, record], recorded_on=DAY)
    with pytest.raises(LedgerError, match=rf"^chain 'acme' line 2: a second forecast has the id {record['id']}$"):
        book.table()


# --- Intervals and skill -----------------------------------------------------------------------------------------


def entry(table, name="acme", mode="live"):
    entries = with_uncertainty(table, scoreboard(table))
    return next(e for e in entries if (e["name"], e["mode"]) == (name, mode))


def many(count):
    return [f"q{n}" for n in range(count)]


def test_an_interval_needs_five_questions(book):
    for question in many(4):
        book.forecast(question)
    few = entry(book.table(questions=asked(*many(5))))
    assert set(few["intervals"].values()) == {None}
    book.forecast("q4")
    enough = entry(book.table(questions=asked(*many(5))))
    assert enough["intervals"]["brier_30"] == pytest.approx([0.15**2] * 2)
    assert enough["intervals"]["brier_180"] is None


def test_more_forecasts_of_the_same_questions_make_no_interval(book):
    for question, made in itertools.product(many(4), (0, 10)):
        book.forecast(question, made=made)
    assert set(entry(book.table(questions=asked(*many(4))))["intervals"].values()) == {None}


def test_a_question_that_is_not_scored_makes_no_interval(book):
    for question in many(4):
        book.forecast(question)
    book.forecast("q4", made=140)
    assert entry(book.table(questions=asked(*many(5))))["intervals"]["brier_30"] is None


def test_an_interval_is_that_of_all_ways_to_draw_the_questions_again(book):
    shares = [0.2, 0.4, 0.6, 0.8, 1.0]
    for question, share in zip(many(5), shares, strict=True):
        book.forecast(question, share=share)
    found = entry(book.table(questions=asked(*many(5))))
    scores = (0.15 * np.array(shares)) ** 2
    every = [np.mean(draw) for draw in itertools.product(scores, repeat=5)]
    assert found["scores"]["brier_30"] == pytest.approx(scores.mean())
    assert found["intervals"]["brier_30"] == pytest.approx(np.quantile(every, [0.05, 0.95]), abs=0.001)
    assert found["intervals"] == entry(book.table(questions=asked(*many(5))))["intervals"]


@pytest.fixture
def paired(book):
    """Two equal pairs with a baseline, and forecasts on either side that the other does not have."""
    for question in ("q", "r", "s"):
        book.forecast(question)
    for question in ("q", "r"):
        book.forecast(question, forecaster="kaplan-meier", share=0.5)
    book.forecast("s", made=20, forecaster="kaplan-meier", share=0.5)
    book.opened("q", on=10)
    return book.table()


def test_skill_against_a_baseline_by_hand(paired):
    against = entry(paired)["skill"]
    assert list(against) == ["kaplan-meier"]
    found = against["kaplan-meier"]
    assert {each["pairs"] for each in found.values()} == {2}
    assert found["brier_30"]["value"] == pytest.approx(1 - (0.85**2 + 0.15**2) / (0.925**2 + 0.075**2))
    by_30 = 0.5 * -np.expm1(-0.3)
    ours, theirs = (
        [-np.log(0.99 * p + 0.01 * by_30), -np.log(0.99 * (1 - p) + 0.01 * (1 - by_30))] for p in (0.15, 0.075)
    )
    assert found["log_at_30"]["value"] == pytest.approx(np.mean(theirs) - np.mean(ours), rel=1e-6)


@pytest.mark.parametrize("name", ["cut_crps", "rps", "brier_30", "brier_90", "log", "kind", "log_at_30", "log_at_90"])
def test_skill_is_a_difference_of_nats_and_a_ratio_for_the_rest(paired, name):
    rows = paired[paired.question_id.isin(["q", "r"])]
    ours, theirs = (rows[rows.forecaster == who][name].mean() for who in ("acme", "kaplan-meier"))
    expected = theirs - ours if name.startswith(("log", "kind")) else 1 - ours / theirs
    assert entry(paired)["skill"]["kaplan-meier"][name]["value"] == pytest.approx(expected)


def test_a_baseline_has_skill_against_the_others_and_none_against_itself(book):
    for forecaster, share in (("model", 0.4), ("kaplan-meier", 1.0), ("acme", 0.2)):
        book.forecast(forecaster=forecaster, share=share)
    table = book.table()
    assert list(entry(table, "model")["skill"]) == ["kaplan-meier"]
    assert list(entry(table, "kaplan-meier")["skill"]) == ["model"]
    assert list(entry(table, "acme")["skill"]) == ["kaplan-meier", "model"]
    assert entry(table, "model")["skill"]["kaplan-meier"]["brier_30"]["value"] == pytest.approx(1 - 0.4**2)


def test_without_equal_pairs_there_is_no_skill(book):
    book.forecast("q")
    book.forecast("r", forecaster="kaplan-meier")
    book.forecast("q", made=1, forecaster="kaplan-meier")
    assert entry(book.table())["skill"] == {"kaplan-meier": {}}


def test_skill_has_an_interval_from_five_questions_on(book):
    for n, question in enumerate(many(5)):
        book.forecast(question, share=0.5)
        book.forecast(question, forecaster="kaplan-meier", share=1.0 if n else 0.25)
    questions = asked(*many(5))
    found = entry(book.table(questions=questions))["skill"]["kaplan-meier"]["brier_30"]
    assert (found["pairs"], found["value"]) == (5, pytest.approx(1 - 5 * 0.25 / (4 + 0.0625)))
    assert found["low"] < found["value"] < found["high"]
    questions.pop("q4")
    assert entry(book.table(questions=questions))["skill"]["kaplan-meier"]["brier_30"] == {
        "value": pytest.approx(1 - 4 * 0.25 / (3 + 0.0625)),
        "pairs": 4,
        "low": None,
        "high": None,
    }


def test_an_imported_forecast_is_compared_with_hindcasts_of_its_own_day(book):
    book.forecast("q", made=10, forecaster="model", share=0.9)
    book.forecast("q", made=10, mode="imported", recorded=100, forecaster="press", share=0.2)
    book.forecast("q", made=10, mode="hindcast", recorded=100, forecaster="model", share=0.4)
    book.forecast("q", made=11, mode="hindcast", recorded=100, forecaster="model", share=0.8)
    skill = entry(book.table(), "press", "imported")["skill"]
    assert list(skill) == ["model"]
    assert (skill["model"]["brier_30"]["pairs"], skill["model"]["brier_30"]["value"]) == (1, pytest.approx(0.75))


def test_skill_never_mixes_live_forecasts_and_hindcasts(book):
    book.forecast("q", share=0.5)
    book.forecast("q", forecaster="kaplan-meier")
    book.forecast("q", mode="hindcast", recorded=100, share=0.2)
    book.forecast("q", mode="hindcast", recorded=100, forecaster="model")
    book.forecast("q", mode="imported", recorded=100, forecaster="constant-hazard")
    table = book.table()
    assert list(entry(table)["skill"]) == ["kaplan-meier"]
    assert entry(table)["skill"]["kaplan-meier"]["brier_30"]["value"] == pytest.approx(0.75)
    assert list(entry(table, mode="hindcast")["skill"]) == ["model"]
    assert entry(table, mode="hindcast")["skill"]["model"]["brier_30"]["value"] == pytest.approx(0.96)


@pytest.mark.parametrize("twice", ["acme", "kaplan-meier"])
def test_a_later_forecast_of_the_same_pair_does_not_count(book, twice):
    for question in many(5):
        for forecaster, share in (("acme", 0.5), ("kaplan-meier", 1.0)):
            book.forecast(question, mode="hindcast", recorded=100, forecaster=forecaster, share=share)
    before = entry(book.table(questions=asked(*many(5))), mode="hindcast")
    book.forecast("q0", mode="hindcast", recorded=101, forecaster=twice, share=0.01, seed=2)
    after = entry(book.table(questions=asked(*many(5))), mode="hindcast")
    assert after["registered"] == before["registered"] + (twice == "acme")
    assert after["intervals"] == before["intervals"]
    assert after["skill"] == before["skill"]
    assert after["skill"]["kaplan-meier"]["brier_30"]["pairs"] == 5


@pytest.fixture
def mixed(book):
    """Two forecasters, two modes, three questions and three months."""
    for question, made in itertools.product(("q", "r"), (0, 40, 70)):
        book.forecast(question, made=made)
        book.forecast(question, made=made, forecaster="model", share=0.5)
        book.forecast(question, made=made, mode="hindcast", recorded=120)
    book.withdraw(book.forecast("s", made=140), recorded=141)
    book.opened("q", on=50)
    return book.table()


@pytest.mark.parametrize("by", ["question", "month"])
def test_a_split_adds_up_to_the_same_counts(mixed, by):
    whole, split = scoreboard(mixed), scoreboard(mixed, by)
    keys = ["forecaster", "mode"]
    assert len(split) > len(whole)
    assert not split.duplicated([*keys, SPLITS[by]]).any()
    pd.testing.assert_frame_equal(split.groupby(keys)[COUNTS].sum(), whole.set_index(keys)[COUNTS])


def test_every_horizon_has_the_same_counts_and_its_own_scores(mixed):
    whole, split = scoreboard(mixed).set_index(["forecaster", "mode"]), scoreboard(mixed, "horizon")
    assert set(SPLITS) == {"forecaster", "question", "month", "horizon"}
    assert split.groupby(["forecaster", "mode"]).horizon_days.apply(list).tolist() == [[30, 90, 180, 365, 730]] * len(
        whole
    )
    for row in split.itertuples():
        same = whole.loc[(row.forecaster, row.mode)]
        assert [getattr(row, name) for name in COUNTS] == same[COUNTS].tolist()
        for name in ("brier", "log_at"):
            assert getattr(row, name) == pytest.approx(same[f"{name}_{row.horizon_days}"], nan_ok=True)


def test_a_month_is_that_of_the_making(book):
    book.forecast("q", made=30)
    book.forecast("q", made=31)
    assert scoreboard(book.table(), "month").month.tolist() == ["2026-01", "2026-02"]


def test_skill_against_a_baseline_without_a_loss_is_null(book):
    book.forecast("q")
    book.forecast("q", forecaster="never", share=0.0)
    table = book.table()
    found = as_json(AS_OF, table, scoreboard(table))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    against = next(e for e in found["forecasters"] if e["name"] == "acme")["skill"]["never"]
    assert against["brier_30"] == {"value": None, "pairs": 1, "low": None, "high": None}


@pytest.fixture
def infinite(book):
    """Five openings in part that nobody gave a chance."""
    for question in many(5):
        book.forecast(question, reference=Reference(0.01, 0.5))
        book.opened(question, on=10, opening="part")
    table = book.table(questions=asked(*many(5)))
    assert np.isinf(table.kind).all()
    return table


def test_the_interval_of_an_infinite_mean_is_null(infinite):
    found = as_json(AS_OF, infinite, scoreboard(infinite))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["forecasters"][0]["intervals"]["kind"] is None


def test_skill_between_infinite_means_is_null(book, infinite):
    book.forecast("q0", forecaster="kaplan-meier", reference=Reference(0.01, 0.5))
    found = entry(book.table(questions=asked(*many(5))))["skill"]["kaplan-meier"]["kind"]
    assert found == {"value": None, "pairs": 1, "low": None, "high": None}


# --- The live forecast before ------------------------------------------------------------------------------------


def previous(table):
    return table[table.forecaster == PREVIOUS]


def test_a_live_forecast_is_compared_with_the_one_before_it_given_that_it_is_still_closed(book):
    for made, share in ((0, 1.0), (20, 0.5), (50, 0.1)):
        book.forecast("q", made=made, forecaster="model", share=share)
    table = book.table()
    rows = previous(table)
    assert rows.made_on.dt.date.tolist() == [day(20), day(50)]
    assert set(rows["mode"]) == {"live"}
    expected = [((0.25 - 0.1) / 0.9) ** 2, (0.075 / 0.925) ** 2]
    assert rows.brier_30.to_numpy() == pytest.approx(expected, rel=1e-5)
    found = entry(table, "model")["skill"][PREVIOUS]["brier_30"]
    ours = [(0.5 * 0.15) ** 2, (0.1 * 0.15) ** 2]
    assert (found["pairs"], found["value"]) == (2, pytest.approx(1 - sum(ours) / sum(expected), rel=1e-5))


@pytest.mark.parametrize("opened_on", [None, 45])
def test_the_forecast_before_is_scored_by_every_rule_like_its_conditioned_curve(book, tmp_path, opened_on):
    where = {"target_id": "q", "part_share": 0.25}
    first, second = (
        book.make_forecast(lambda u: 0.8 * -np.expm1(-u / 90), forecaster=name, made_on=day(made), **where)
        for name, made in (("model", 0), ("model", 20))
    )
    by_hand = Book(tmp_path / "by-hand", book.make_record, book.make_forecast)
    for each in (book, by_hand):
        if opened_on:
            each.opened("q", on=opened_on, opening="part")
    book.forecast(forecaster="model", said=first, reference=Reference(0.02, 0.1))
    book.forecast(made=20, forecaster="model", said=second)
    by_hand.forecast(made=20, said=first.as_of_later(day(20)))
    found, expected = previous(book.table()), by_hand.table()
    assert len(found) == 1
    np.testing.assert_allclose(found[score_names()], expected[score_names()], rtol=1e-5)


def test_only_a_later_live_forecast_of_the_model_has_one_before_it(book):
    for made in (0, 20):
        book.forecast("q", made=made)
        book.forecast("q", made=made, forecaster="kaplan-meier")
        book.forecast("q", made=made, mode="hindcast", recorded=100, forecaster="model")
        book.forecast("q", made=made, mode="imported", recorded=100, forecaster="press")
    book.forecast("r", made=0, forecaster="model")
    book.forecast("s", made=20, forecaster="model")
    assert previous(book.table()).empty


def test_a_second_forecast_of_one_day_has_no_other_one_before_it(book):
    book.forecast("q", forecaster="model")
    book.forecast("q", forecaster="model", seed=2, share=0.2)
    book.forecast("q", made=10, forecaster="model")
    rows = previous(book.table())
    assert rows.made_on.dt.date.tolist() == [day(10)]


def test_a_hindcast_in_between_is_not_the_live_forecast_before(book):
    book.forecast("q", forecaster="model")
    book.forecast("q", made=5, mode="hindcast", recorded=10, forecaster="model", share=0.1)
    book.forecast("q", made=20, forecaster="model")
    assert previous(book.table()).brier_30.to_numpy() == pytest.approx([((0.25 - 0.1) / 0.9) ** 2], rel=1e-5)


def test_what_was_sure_to_be_open_by_now_is_no_forecast_before(book):
    sure = book.make_forecast(lambda u: np.minimum(u / 10, 1.0), target_id="q", forecaster="model")
    book.forecast(said=sure, forecaster="model")
    book.forecast("q", made=20, forecaster="model")
    assert previous(book.table()).empty


def test_the_forecast_before_is_void_and_withdrawn_with_the_one_it_stands_beside(book):
    book.forecast("q", forecaster="model")
    book.withdraw(book.forecast("q", made=20, forecaster="model"), recorded=21, forecaster="model")
    (row,) = previous(book.table()).to_dict("records")
    assert (row["state"], row["withdrawn"]) == ("scored", True)
    book.status("void", recorded=30)
    (row,) = previous(book.table()).to_dict("records")
    assert (row["state"], row["reason"]) == ("void", "its question is void")
