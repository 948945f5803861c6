"""Plain CSV: one probability takes the reference's shape, several are a CDF."""

from __future__ import annotations

import pytest

from forecast.errors import LedgerError

HEADER = "question_id,forecaster,made_on,by,prob\n"
MAP = '[map]\n"w" = "meta-muse-wonder-1.0"\n'


def test_one_probability_has_the_shape_of_the_reference_of_its_making_day(take, only, by, shaped):
    body = only(take("plain", HEADER + "w,ann,2026-12-01,2027-01-30,0.2\n", MAP))
    curve = shaped(body, 60, 0.2)
    assert by(body, 0, 60) == pytest.approx([0, 0.2], abs=1e-6)
    assert by(body, 30, 45, 90, 730) == pytest.approx([curve(u) for u in (30, 45, 90, 730)], abs=1e-6)
    assert body["diagnostics"]["words"] == "0.2 by 2027-01-30"
    assert (body["forecaster"], body["mode"], body["made_on"]) == ("plain-ann", "imported", "2026-12-01")


def test_two_points_are_a_cdf_straight_between_them_and_flat_after(take, only, by):
    rows = "w,ann,2026-12-01,2026-12-31,0.3\nw,ann,2026-12-01,2026-12-11,0.1\n"
    body = only(take("plain", HEADER + rows, MAP))
    # day 10 -> 0.1, day 30 -> 0.3: half-way to the first 0.05, half-way between 0.2
    assert by(body, 0, 5, 10, 20, 30, 31, 3650) == pytest.approx([0, 0.05, 0.1, 0.2, 0.3, 0.3, 0.3], abs=1e-6)
    assert body["left"] == pytest.approx(0.7, abs=1e-6)


def test_openings_in_full_and_in_part_share_a_curve_as_the_reference_has_them(take, only):
    body = only(take("plain", HEADER + "w,ann,2026-12-01,2027-01-30,0.2\n", MAP))
    share = body["reference"]["part_share"]
    assert 0 < share < 1
    assert body["cdf_part"][60] == pytest.approx(0.2 * share, abs=1e-6)


ONE = HEADER + "w,ann,2026-12-01,2027-01-30,0.2\n"
REORDERED = 'prob,by,"made_on",forecaster,question_id,more\n0.2,2027-01-30,2026-12-01,ann,w'


@pytest.mark.parametrize("text", ["\ufeff" + ONE, ONE.replace("\n", "\r\n"), REORDERED], ids=["mark", "CRLF", "order"])
def test_a_byte_order_mark_other_line_ends_and_another_order_are_the_same_forecast(take, text):
    first = take("plain", ONE, MAP)
    assert len(first.added) == 1
    assert take("plain", text, MAP).added == []


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("w,ann,2026-12-21,2027-01-30,0.2", "foreign, row 2: made on 2026-12-21, in the future"),
        ("w,ann,2026-11-24,2027-01-30,0.2", "row 2: made on 2026-11-24, before meta-muse-wonder-1.0 was asked"),
        ("w,ann,2026-12-01,2026-12-01,0.2", "row 2, by: '2026-12-01': must come after the making day, 2026-12-01"),
        ("w,ann,2026-12-01,2027-01-30,1.2", "row 2, prob: '1.2': must be a number from 0 to 1"),
        ("w,ann,2026-12-01,2027-01-30,-0.1", "row 2, prob: '-0.1': must be"),
        ("w,ann,2026-12-01,2027-01-30,nan", "row 2, prob: 'nan': must be"),
        ("w,ann,2026-12-01,2027-01-30,Infinity", "row 2, prob: 'Infinity': must be"),
        ("w,ann,2026-12-01,2027-01-30,1e999", "row 2, prob: '1e999': must be"),
        ("w,ann,2026-12-01,2027-01-30,", "row 2, prob: '': must be"),
        ("w,ann,2026-12-01,2027-01-30," + "9" * 5000, "prob: '9999999999"),
        ("w,ann,0000-12-01,2027-01-30,0.2", "row 2, made_on: '0000-12-01': is no time of the calendar"),
        ("w,ann,10000-12-01,2027-01-30,0.2", "row 2, made_on: '10000-12-01': must be a day"),
        ("w,ann,2026-12-01,2027-02-30,0.2", "row 2, by: '2027-02-30': is no time of the calendar"),
        ("w, ,2026-12-01,2027-01-30,0.2", "row 2, forecaster: ' ': must not be blank"),
        ("w,ann,2026-12-01", "row 2, by: '': must be a day"),
        ("w,ann,2026-12-01,2027-01-30,0.2,1", "row 2: 6 cells, but the header has 5"),
        ("w,a,2026-12-01,2027-01-30,0.2\nw,a,2026-12-01,2027-01-30,0.2", "row 3, by: '2027-01-30': this forecast has"),
        ("w,a,2026-12-01,2027-01-30,0.2\nw,a,2026-12-01,2027-02-28,0.1", "row 3, prob: 0.1: by 2027-02-28 must not be"),
        ('w,"ann', "not a CSV table"),
        ("w,\0,2026-12-01,2027-01-30,7", "must be a number from 0 to 1"),
    ],
)  # fmt: skip
def test_what_is_bad_is_named_in_one_line_and_nothing_is_written(take, rows, says):
    before = take.files()
    good = "w,ann,2026-12-02,2027-01-30,0.2"
    with pytest.raises(LedgerError) as refused:
        take("plain", f"{HEADER}{rows}\n{good}\n", MAP)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400
    assert take.files() == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "row 1: no column question_id, forecaster, made_on, by, prob"),
        ("question_id,forecaster,made_on,by\n", "row 1: no column prob"),
        (HEADER.replace("by", "by,by"), "row 1: column by stands twice"),
        (HEADER.encode() + b"w,\xff,2026-12-01,2027-01-30,0.2\n", "not UTF-8"),
    ],
)
def test_a_table_of_another_form_is_refused(take, text, says):
    with pytest.raises(LedgerError, match=says):
        take("plain", text, MAP)


def test_the_last_day_of_the_calendar_is_a_day_like_others(take, only, by):
    body = only(take("plain", HEADER + "w,ann,2026-12-01,9999-12-31,0.2\n", MAP))
    assert by(body, 0, 3650)[1] == pytest.approx(0.2, abs=1e-3)


def test_a_day_of_the_map_that_contradicts_the_file_is_refused(take):
    mapped = '[question.w]\nid = "meta-muse-wonder-1.0"\nby = 2027-01-30\n'
    assert len(take("plain", ONE, mapped).added) == 1, "the same day is no contradiction"
    with pytest.raises(LedgerError, match=r"row 2, by: '2027-02-28': the map says by 2027-01-30: take one of the two"):
        take("plain", HEADER + "w,bo,2026-12-01,2027-02-28,0.2\n", mapped)
