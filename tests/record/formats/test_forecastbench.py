"""ForecastBench's forecast sets: one model, many probabilities by days."""

from __future__ import annotations

import pytest

from forecast.errors import LedgerError

FORECAST = {
    "id": "q1",
    "source": "manifold",
    "forecast": 0.2,
    "resolution_date": "2027-01-30",
    "reasoning": "because",
}
SET = {
    "organization": "Acme",
    "model": "Oracle 3",
    "model_organization": "Acme",
    "question_set": "2026-12-01-llm.json",
    "forecasts": [FORECAST],
}
MAP = '[map]\nq1 = "meta-muse-wonder-1.0"\n'


def test_a_forecast_is_of_the_day_on_which_the_set_was_due(take, only, by):
    body = only(take("forecastbench", SET, MAP))
    assert by(body, 60) == pytest.approx([0.2], abs=1e-6)
    assert (body["made_on"], body["diagnostics"]["said_by"]) == ("2026-12-01", "Acme Oracle 3")
    due = SET | {"forecast_due_date": "2026-12-02"}
    assert only(take("forecastbench", due, MAP))["made_on"] == "2026-12-02"


def test_several_days_of_one_question_are_one_forecast(take, only, by):
    later = FORECAST | {"resolution_date": "2027-02-19", "forecast": 0.5}
    body = only(take("forecastbench", SET | {"forecasts": [later, FORECAST]}, MAP))
    assert by(body, 60, 80) == pytest.approx([0.2, 0.5], abs=1e-6)
    assert body["diagnostics"]["words"] == "0.2 by 2027-01-30; 0.5 by 2027-02-19"


def test_a_market_question_takes_the_map_s_day(take, only, by):
    market = SET | {"forecasts": [FORECAST | {"resolution_date": None}]}
    with pytest.raises(LedgerError, match="forecast 1: question 'q1': the map must say by which day"):
        take("forecastbench", market, MAP)
    body = only(take("forecastbench", market, '[question.q1]\nid = "meta-muse-wonder-1.0"\nby = 2026-12-31\n'))
    assert by(body, 30) == pytest.approx([0.2], abs=1e-6)


def test_two_questions_in_one_are_listed(take):
    both = FORECAST | {"id": ["q1", "q2"], "forecast": "x"}
    done = take("forecastbench", SET | {"forecasts": [both, FORECAST | {"id": 7}, FORECAST]}, MAP)
    assert (len(done.added), done.unmatched) == (1, ["\"['q1', 'q2']\": 'manifold'", "'7': 'manifold'"])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (SET | {"forecasts": {}}, "foreign, forecasts: {}: Input should be a valid list"),
        (SET | {"forecasts": [7]}, "forecast 1, entry: 7: must be a forecast"),
        (SET | {"organization": "\ud800"}, "organization: '\\ud800': holds half a character"),
        (SET | {"model": " "}, "model: ' ': must not be blank"),
        (SET | {"model": None}, "model: None: Input should be a valid string"),
        (SET | {"question_set": "latest-llm.json"}, "question_set: 'latest-llm.json': must begin with the day"),
        (SET | {"question_set": "2026-13-01-llm.json"}, "question_set: '2026-13-01': is no time of the calendar"),
        (SET | {"forecasts": [FORECAST | {"forecast": 2}]}, "forecast 1, forecast: 2: Input should be less than"),
        (SET | {"forecasts": [FORECAST | {"forecast": -0.1}]}, "forecast 1, forecast: -0.1: Input should be greater"),
        (SET | {"forecasts": [FORECAST | {"resolution_date": 5}]}, "forecast 1, resolution_date: 5: Input should be"),
        (SET | {"forecasts": [FORECAST | {"resolution_date": "soon"}]}, "resolution_date: 'soon': must be a day"),
        (SET | {"forecasts": [FORECAST, FORECAST]}, "by 2027-01-30: stands at"),
        ([], "foreign, entry: []: Input should be a valid dictionary"),
    ],
)  # fmt: skip
def test_what_is_bad_is_named_in_one_line_and_nothing_is_written(take, given, says):
    before = take.files()
    with pytest.raises(LedgerError) as refused:
        take("forecastbench", given, MAP)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert take.files() == before
