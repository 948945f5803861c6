"""Manifold's markets: yes and no, thresholds, buckets that exclude each other, and bets."""

from __future__ import annotations

import datetime as dt

import pytest

from forecast.errors import LedgerError
from forecast.record.formats.answers import is_later, last_day

MAP = '[question.abc123]\nid = "meta-muse-wonder-1.0"\nby = 2027-12-31\n'
DAY_MS = 86_400_000


def answers(*pairs):
    return [{"id": f"a{n}", "text": text, "probability": p, "createdTime": 1} for n, (text, p) in enumerate(pairs)]


@pytest.fixture
def dated(foreign):
    """A market with answers."""

    def make(*pairs, sums=True):
        plain = {k: v for k, v in foreign.market.items() if k not in ("probability", "pool", "p")}
        kind = {"outcomeType": "DATE" if sums else "MULTIPLE_CHOICE", "mechanism": "cpmm-multi-1"}
        return plain | kind | {"shouldAnswersSumToOne": sums, "answers": answers(*pairs)}

    return make


def test_a_market_of_yes_and_no_is_the_price_since_the_last_bet(take, foreign, only, by):
    body = only(take("manifold", foreign.market, MAP))
    due = (dt.date(2027, 12, 31) - dt.date(2026, 12, 1)).days
    assert (body["made_on"], body["forecaster"]) == ("2026-12-01", "manifold-market")
    assert by(body, due)[0] == pytest.approx(0.31, abs=2e-3)  # monthly there
    assert body["diagnostics"]["words"] == "0.31 by 2027-12-31"


def test_buckets_that_exclude_each_other_add_up_by_their_last_days(take, dated, only, by):
    market = dated(("Dec 2026", 0.1), ("Jan 2027", 0.2), ("2028 or later", 0.4), ("Feb 2027 - Dec 2027", 0.3))
    body = only(take("manifold", market, MAP.replace("by = 2027-12-31\n", "")))
    assert body["diagnostics"]["words"] == "0.1 by 2026-12-31; 0.3 by 2027-01-31; 0.6 by 2027-12-31"
    assert by(body, 0, 30, 61) == pytest.approx([0, 0.1, 0.3], abs=1e-6)


def test_thresholds_are_probabilities_as_they_stand(take, dated, only, by):
    market = dated(("Before July 2027", 0.5), ("by the end of 2026", 0.2), sums=False)
    body = only(take("manifold", market, MAP.replace("by = 2027-12-31\n", "")))
    assert body["diagnostics"]["words"] == "0.2 by 2026-12-31; 0.5 by 2027-06-30"
    assert by(body, 30) == pytest.approx([0.2], abs=1e-6)


def test_the_map_says_what_an_answer_means_by_its_text_or_its_id(take, dated, only):
    mapped = (
        '[question.abc123]\nid = "meta-muse-wonder-1.0"\n'
        '[question.abc123.answers]\n"by May 2027" = 2027-04-30\na1 = 2027-12-31\n"Other" = "later"\n'
    )
    market = dated(("by May 2027", 0.25), ("that year", 0.25), ("Other", 0.5))
    assert only(take("manifold", market, mapped))["diagnostics"]["words"] == "0.25 by 2027-04-30; 0.5 by 2027-12-31"


def test_bets_are_the_price_at_the_end_of_every_day(take, foreign):
    start = foreign.market["lastBetTime"]
    bets = [
        {"id": str(n), "contractId": "abc123", "createdTime": start + ms, "probBefore": 0.5, "probAfter": p}
        for n, (ms, p) in enumerate([(0, 0.2), (5000, 0.3), (DAY_MS, 0.4), (1000, 0.9)])
    ]
    done = take("manifold", bets, MAP)
    assert [(line.body["made_on"], line.body["diagnostics"]["words"]) for line in done.added] == [
        ("2026-12-01", "0.3 by 2027-12-31"),
        ("2026-12-02", "0.4 by 2027-12-31"),
    ]
    assert take("manifold", [foreign.market | {"bets": bets}], MAP).added == []


def test_markets_that_the_map_does_not_name_are_listed(take, foreign):
    other = foreign.market | {"id": "zzz", "probability": "much"}
    done = take("manifold", [other, foreign.market], MAP)
    assert (len(done.added), done.unmatched) == (1, ["'zzz': 'Will Muse Wonder be open before 2028?'"])


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"probability": 1.5}, "entry 1, probability: 1.5: Input should be less than or equal to 1"),
        ({"probability": True}, "entry 1, probability: True: Input should be a valid number"),
        ({"probability": "0.3"}, "entry 1, probability: '0.3': Input should be a valid number"),
        ({"probability": None}, "entry 1, probability: None: a market of yes and no has one"),
        ({"lastBetTime": 10**18}, "entry 1, lastBetTime: 1000000000000000000: is no time of the calendar"),
        ({"lastBetTime": 10**30}, "entry 1, lastBetTime: 1e+30: Input should be a valid integer"),
        ({"lastBetTime": -(10**15)}, "entry 1, lastBetTime: -1000000000000000: is no time"),
        ({"lastBetTime": 1.5}, "entry 1, lastBetTime: 1.5: Input should be a valid integer"),
        ({"lastBetTime": 1897000000000}, "entry 1: made on 2030-02-11, in the future"),
        ({"lastBetTime": None}, "entry 1: made on 2025-11-25, before meta-muse-wonder-1.0 was asked on 2026-11-25"),
        ({"outcomeType": "PSEUDO_NUMERIC", "value": 7}, "entry 1, value: 7.0: the map must say what the number counts"),
        ({"outcomeType": "BOUNTY"}, "'BOUNTY': only yes and no, answers that name days, and numbers"),
        ({"id": 5}, "entry 1, id: 5: must be the id of a market"),
        ({"contractId": "abc123"}, "entry 1, probAfter"),
        ({"outcomeType": "DATE", "answers": [5]}, "entry 1, answer 1, entry: 5"),
        ({"outcomeType": "DATE", "answers": answers(("by May 2027", 1.0))}, "'by May 2027': names no day that can be"),
        ({"outcomeType": "DATE", "answers": answers(("2027", 0.5))}, "answers: 0.5: probabilities that exclude each"),
        ({"outcomeType": "DATE", "answers": answers(("later", 1.0))}, "answers: 1: none of them names a day"),
        ({"outcomeType": "DATE", "answers": answers(("2027", 0.5), ("Dec 2027", 0.5))}, "another answer means 2027-12"),
    ],
)  # fmt: skip
def test_what_is_bad_is_named_in_one_line_and_nothing_is_written(take, foreign, cells, says):
    before = take.files()
    with pytest.raises(LedgerError) as refused:
        take("manifold", [foreign.market | cells, foreign.market], MAP)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert take.files() == before


def test_thresholds_that_fall_are_refused(take, dated):
    market = dated(("by end of 2027", 0.2), ("by end of 2026", 0.5), sums=False)
    with pytest.raises(
        LedgerError, match=r"entry 1: question 'abc123': 0\.2 by 2027-12-31, lower than 0\.5 by 2026-12-31"
    ):
        take("manifold", market, MAP.replace("by = 2027-12-31\n", ""))


def test_a_bet_on_one_answer_is_refused(take):
    bet = {"contractId": "abc123", "createdTime": 1, "probAfter": 0.5, "answerId": "a0"}
    with pytest.raises(LedgerError, match="entry 1, answerId: 'a0': a bet on one answer says nothing of the others"):
        take("manifold", [bet], MAP)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Apr 2026", "2026-04-30"),
        ("sept. 2026", "2026-09-30"),
        ("February 2028", "2028-02-29"),
        ("2027", "2027-12-31"),
        ("Q2 2026", "2026-06-30"),
        ("2026-05-17", "2026-05-17"),
        ("by 2026-05-17", "2026-05-17"),
        ("By the end of March 2027", "2027-03-31"),
        ("Before 2027", "2026-12-31"),
        ("before Q4 2026", "2026-09-30"),
        ("before 2026-05-17", "2026-05-16"),
        ("2026-2028", "2028-12-31"),
        ("Jan 2026 \u2013 Mar 2026", "2026-03-31"),
        ("Jan 2026 to Mar 2026", "2026-03-31"),
        ("by May 2026", None),
        ("soon", None),
        ("2026-02-30", None),
        ("0000", None),
        ("before 0001", None),
        ("Apr 20260", None),
        ("", None),
        ("- 2026", None),
    ],
)
def test_an_answer_s_last_day(text, day):
    assert last_day(text) == (dt.date.fromisoformat(day) if day else None)


@pytest.mark.parametrize("text", ["Never", "later", "After 2027", "2028 or later", "not by 2027"])
def test_what_is_left_after_all_days(text):
    assert is_later(text)


# --- Numbers ------------------------------------------------------------------------------------------------------

COUNTED = MAP.replace("by = 2027-12-31", 'number = "{unit}"{zero}')


def numbered(unit, zero="2026-11-25"):
    return COUNTED.format(unit=unit, zero=f"\nzero = {zero}" if zero else "")


@pytest.mark.parametrize(
    ("unit", "zero", "value", "day"),
    [
        ("days", "2026-11-25", 200, "2027-06-13"),
        ("weeks", "2026-11-25", 10.5, "2027-02-06"),
        ("months", "2026-11-25", 12, "2027-11-25"),
        ("years", "2026-11-25", 2, "2028-11-24"),
        ("calendar year", None, 2027.5, "2027-07-02"),
        ("calendar year", None, 2028, "2028-01-01"),
    ],
)
def test_a_number_is_the_day_by_which_it_is_as_likely_as_not(take, dated, foreign, only, unit, zero, value, day):
    market = foreign.market | {"outcomeType": "PSEUDO_NUMERIC", "probability": 0.3, "value": value, "min": 0, "max": 9}
    assert only(take("manifold", market, numbered(unit, zero)))["diagnostics"]["words"] == f"0.5 by {day}"


def test_buckets_of_numbers_add_up_by_their_upper_ends(take, dated, only, by):
    market = dated(("0-30", 0.2), ("30 - 90", 0.3), ("90\u2013100.5", 0.1), ("more or later", 0.4))
    body = only(take("manifold", market | {"outcomeType": "MULTI_NUMERIC"}, numbered("days", "2026-12-01")))
    assert by(body, 0, 30, 90) == pytest.approx([0, 0.2, 0.5], abs=1e-6)
    assert body["diagnostics"]["words"] == "0.2 by 2026-12-31; 0.5 by 2027-03-01; 0.6 by 2027-03-11"


@pytest.mark.parametrize(
    ("mapped", "cells", "says"),
    [
        (numbered("days"), {"value": 1e9}, "value: 1000000000.0: is no day of the calendar by the map's rule"),
        (numbered("calendar year", None), {"value": 0.5}, "value: 0.5: is no day of the calendar"),
        (numbered("days"), {"value": 3}, "by 2026-11-28: must come after the making"),
        (numbered("days", None), {"value": 3}, "zero goes with a number of days, weeks, months, years"),
        (numbered("calendar year"), {"value": 3}, "zero goes with a number of"),
        (numbered("fortnights"), {"value": 3}, "'fortnights'"),
        (
            numbered("days"),
            {"answers": [{"text": "many", "probability": 1}]},
            '\'many\': names no range of numbers: give its last day, or "later", under "answers"',
        ),
        (numbered("days"), {"answers": [{"text": "20-12", "probability": 1}]}, "'20-12': names no range"),
        (numbered("days") + "by = 2027-12-31\n", {"value": 300}, "by and number both say which day"),
    ],
)
def test_numbers_that_mean_no_day_are_refused_in_one_line(take, foreign, mapped, cells, says):
    market = {k: v for k, v in foreign.market.items() if k != "probability"} | {"outcomeType": "PSEUDO_NUMERIC"}
    with pytest.raises(LedgerError) as caught:
        take("manifold", market | cells, mapped)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_day_of_the_map_for_many_answers_is_named_as_the_cause(take, dated):
    market = dated(("2026", 0.2), ("2027", 0.3), ("Later", 0.5))
    with pytest.raises(LedgerError, match=r"stands at .*entry 1 already; the map's by is that of all its answers"):
        take("manifold", market, MAP)
