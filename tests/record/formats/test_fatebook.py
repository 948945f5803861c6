"""Fatebook's export: a row a forecast, named by its question's title."""

from __future__ import annotations

import pytest

from forecast.errors import LedgerError

HEADER = """Question title,Multiple choice option,Forecast created by,Forecast (scale = 0-1),Forecast created at,
Question created by,Question created at,Question resolve by,Resolution,Resolved at,Your Brier score for this question,
Your relative Brier score for this question,Question notes,Question shared with,Question shared publicly,
Question comments,Question tags""".replace("\n", "").split(",")
TITLE = 'Will Muse Wonder, "the big one", be open?'
ROW = {
    "Question title": TITLE,
    "Forecast created by": "Ann Other",
    "Forecast (scale = 0-1)": "0.4",
    "Forecast created at": "2026-12-01 10:11:05",
    "Question created by": "Ann Other",
    "Question created at": "2026-11-30 10:11:05",
    "Question resolve by": "2027-01-30 00:00:00",
    "Question notes": "two\nlines",
    "Question shared publicly": "false",
}
MAP = f"[map]\n'{TITLE}' = \"meta-muse-wonder-1.0\"\n"


def test_a_forecast_is_a_probability_by_the_day_to_resolve(take, foreign, only, by):
    body = only(take("fatebook", foreign.table(HEADER, [ROW], "\n"), MAP))
    assert by(body, 60) == pytest.approx([0.4], abs=1e-6)
    assert (body["made_on"], body["diagnostics"]["said_by"]) == ("2026-12-01", "Ann Other")
    assert body["forecaster"].startswith("fatebook-ann-other-")
    assert body["diagnostics"]["source_id"] == TITLE


def test_the_map_s_day_goes_before_the_file_s(take, foreign, only, by):
    mapped = f"[question.'{TITLE}']\nid = \"meta-muse-wonder-1.0\"\nby = 2026-12-31\n"
    body = only(take("fatebook", foreign.table(HEADER, [ROW]), mapped))
    assert by(body, 30) == pytest.approx([0.4], abs=1e-6)


def test_a_second_of_one_digit_is_read(take, foreign, only):
    row = ROW | {"Forecast created at": "2026-12-01 10:11:5"}
    assert only(take("fatebook", foreign.table(HEADER, [row]), MAP))["made_on"] == "2026-12-01"


def test_an_option_is_a_question_of_its_own(take, foreign, only):
    rows = [ROW | {"Multiple choice option": option} for option in ("by January", "later")]
    mapped = f"[question.'{TITLE} / by January']\nid = \"meta-muse-wonder-1.0\"\n"
    done = take("fatebook", foreign.table(HEADER, rows), mapped)
    assert only(done)["diagnostics"]["source_id"] == f"{TITLE} / by January"
    assert done.unmatched == [f"{TITLE + ' / later'!r}"]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"Forecast (scale = 0-1)": "40"}, "row 2, Forecast (scale = 0-1): '40': must be a number from 0 to 1"),
        ({"Forecast created at": "1.12.2026"}, "row 2, Forecast created at: '1.12.2026': must be a time"),
        ({"Forecast created at": "2026-12-01 25:00:00"}, "'2026-12-01 25:00:00': is no time of the calendar"),
        ({"Forecast created by": ""}, "row 2, Forecast created by: '': must not be blank"),
        ({"Question resolve by": ""}, "row 2: question 'Will Muse Wonder,"),
        ({"Question resolve by": "2026-12-01 23:00:00"}, "by 2026-12-01: must come after the making, 2026-12-01"),
        ({"Question resolve by": "never"}, "row 2, Question resolve by: 'never': must be a time"),
    ],
)
def test_what_is_bad_is_named_in_one_line_and_nothing_is_written(take, foreign, cells, says):
    before = take.files()
    with pytest.raises(LedgerError) as refused:
        take("fatebook", foreign.table(HEADER, [ROW | cells, ROW | {"Forecast created by": "Bo"}]), MAP)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert take.files() == before


def test_the_same_row_twice_is_refused(take, foreign):
    with pytest.raises(LedgerError, match=r"row 3: .*by 2027-01-30: stands at .*row 2 already"):
        take("fatebook", foreign.table(HEADER, [ROW, ROW]), MAP)
