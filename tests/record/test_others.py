"""Other people's forecasts: what a wording becomes, and what an import leaves behind."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from forecast.errors import HomeError, LedgerError, TableError
from forecast.model.baselines import BASELINES
from forecast.model.reference import Reference
from forecast.record import ledger
from forecast.record.answers import Desk
from forecast.record.others import IMPORTS, import_third_party, imported_pairs, priced_curve, said_curve
from forecast.record.recorder import RECORDED_BASELINES, record_beside
from forecast.record.records import release_forecast
from forecast.release import GRID_DAYS
from forecast.tables.paths import Home
from forecast.tables.read import read_rows
from forecast.tables.schema import ThirdPartyForecast

ROOT = Path(__file__).resolve().parents[2]
TODAY = dt.date(2026, 11, 25)
REFERENCE = Reference(0.01, 0.5)


def evenly(first, last):
    return np.clip((GRID_DAYS - first) / (last - first), 0, 1)


def median(days):
    return 1 - np.exp(-np.log(2) * GRID_DAYS / days)


#: Each rule as a reader would draw it, from the days between the making and the due day.
RULES = {
    "the day": lambda due: (due <= GRID_DAYS).astype(float),
    "its week": lambda due: evenly(max(due - 7, 0), due),
    "its month": lambda due: evenly(max(due - 30, 0), due),
    "evenly": lambda due: evenly(0, due),
    "soon": lambda due: median(30),
    "months": lambda due: median(120),
    "eventually": lambda due: median(365),
}

#: Every date and every word on an opening in the project's own table, and the rule that a reader would take.
READ = [
    ("2023-02-21", "next week (by 2023-03-05)", "its week"),
    ("2023-03-17", "2023-03-31", "the day"),
    ("2024-02-22", "yes, no date", "eventually"),
    ("2024-03-11", "this week (by 2024-03-17)", "its week"),
    ("2024-04-18", "later in 2024", "evenly"),
    ("2024-06-03", "2024-06-12", "the day"),
    ("2024-07-12", "2024-07-23", "the day"),
    ("2025-02-18", "when Grok 3 is stable, probably within a few months", "months"),
    ("2025-03-31", "in the coming months", "months"),
    ("2025-04-05", "April 2025, at LlamaCon", "its month"),
    ("2025-05-01", "June 2025", "its month"),
    ("2025-05-01", "June 2025 (early summer)", "its month"),
    ("2025-05-07", "over the next few weeks", "evenly"),
    ("2025-05-15", "fall 2025 or later", "evenly"),
    ("2025-06-10", "later this summer but not June", "evenly"),
    ("2025-07-10", "next week (week of 2025-07-14)", "its week"),
    ("2025-07-11", "not sure how long it will take", "eventually"),
    ("2025-08-06", "next week (by 2025-08-17)", "its week"),
    ("2025-08-23", "in about 6 months (about 2026-02-23)", "evenly"),
    ("2026-01-10", "in 7 days (2026-01-17)", "its week"),
    ("2026-02-01", '"no Llama 5 open-weight expected"', "eventually"),
    ("2026-02-10", "yes, no date", "eventually"),
    ("2026-04-06", "yes, eventually, with parts kept closed", "eventually"),
    ("2026-04-08", "hopes to", "eventually"),
    ("2026-07-31", "yes, no date", "eventually"),
    ("2026-08-10", "coming soon", "soon"),
    ("2026-10-05", "planned, no date", "eventually"),
    ("2026-10-06", "before the end of October 2026 (secondary reports: Oct 27, then Oct 31)", "its month"),
]


#: Those that the patterns misread today.
def openings():
    rows = read_rows(ROOT / "data" / ThirdPartyForecast.file, ThirdPartyForecast)
    return [row for row in rows if row.event == "opening"]


def days_to(row):
    return (row.due_on - row.made_on).days if row.due_on else np.inf


def by(curve, *days):
    return np.interp(days, GRID_DAYS, curve).tolist()


# --- Wordings ----------------------------------------------------------------------------------------------------


def test_a_day_alone_is_that_day():
    assert by(said_curve("date", "2024-06-12", 10), 0, 9, 9.5, 10, 3650) == pytest.approx([0, 0, 0.5, 1, 1])
    assert by(said_curve("date", "2024-06-12", 1), 0, 1) == [0, 1]


@pytest.mark.parametrize("words", ["next week (by 2024-06-12)", "this week", "in 3 days"])
def test_a_week_or_some_days_are_the_seven_to_the_due_day(words):
    assert by(said_curve("date", words, 20), 13, 15, 19, 20, 21) == pytest.approx([0, 2 / 7, 6 / 7, 1, 1])
    assert by(said_curve("date", words, 4), 0, 1, 4) == pytest.approx([0, 0.25, 1])


@pytest.mark.parametrize("words", ["June 2025", "before the end of October 2026", "sometime in May"])
def test_a_month_is_the_thirty_days_to_the_due_day(words):
    assert by(said_curve("date", words, 60), 30, 45, 59, 60) == pytest.approx([0, 0.5, 29 / 30, 1])
    assert by(said_curve("date", words, 20), 0, 5, 20) == pytest.approx([0, 0.25, 1])


@pytest.mark.parametrize("words", ["later in 2024", "fall 2025 or later", "2024-06-12 or so", "it may come this year"])
def test_anything_else_is_evenly_from_the_making_to_the_due_day(words):
    assert by(said_curve("date", words, 80), 0, 20, 79, 80, 3650) == pytest.approx([0, 0.25, 79 / 80, 1, 1])


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("coming soon", 30),
        ("in the coming weeks", 30),
        ("in the coming months", 120),
        ("within a few months", 120),
        ("eventually", 365),
        ("yes, no date", 365),
        ("hopes to", 365),
    ],
)
def test_words_without_a_day_are_a_constant_hazard_with_their_median(words, days):
    curve = said_curve("words", words, np.inf)
    assert by(curve, 0, days) == pytest.approx([0, 0.5], abs=1e-3)
    assert by(curve, 30, 90, 730) == pytest.approx([1 - 0.5 ** (u / days) for u in (30, 90, 730)])


@pytest.mark.parametrize(
    ("made_on", "words", "rule"),
    [
        *READ,
    ],
)
def test_every_opening_in_the_table_is_read_as_a_reader_would(made_on, words, rule):
    rows = [row for row in openings() if (str(row.made_on), row.forecast) == (made_on, words)]
    assert len(rows) == 1
    expected = RULES[rule](days_to(rows[0]))
    assert_allclose(said_curve(rows[0].forecast_kind, words, days_to(rows[0])), expected, atol=1e-9)


def test_every_opening_in_the_table_is_among_those_read_or_has_a_price():
    worded = [(str(row.made_on), row.forecast) for row in openings() if row.forecast_kind != "probability"]
    assert Counter(worded) == Counter(read[:2] for read in READ)
    assert {row.forecast_kind for row in openings()} == {"date", "words", "probability"}


# --- Prices ------------------------------------------------------------------------------------------------------


def test_a_price_curve_goes_through_its_points():
    curve = priced_curve([(30.0, 0.2), (90.0, 0.35), (181.0, 0.4)], REFERENCE)
    assert by(curve, 0, 30, 90, 181) == pytest.approx([0, 0.2, 0.35, 0.4], abs=1e-12)
    assert (np.diff(curve) >= 0).all()


def test_a_price_curve_has_the_shape_of_the_reference_between_and_after():
    curve = priced_curve([(30.0, 0.2), (90.0, 0.35)], REFERENCE)
    r10, r30, r60, r90, r365, end = (0.5 * (1 - np.exp(-u / 100)) for u in (10, 30, 60, 90, 363 + 7, 3650))
    expected = [0.2 * r10 / r30, 0.2 + 0.15 * (r60 - r30) / (r90 - r30), 1 - 0.65 * (1 - r365) / (1 - r90)]
    assert by(curve, 10, 60, 370) == pytest.approx(expected, rel=1e-12)
    assert curve[-1] == pytest.approx(1 - 0.65 * (1 - end) / (1 - r90))


def test_the_price_of_the_reference_is_the_reference():
    points = [(u, float(REFERENCE.cdf(np.array(u)))) for u in (30.0, 90.0)]
    assert_allclose(priced_curve(points, REFERENCE), REFERENCE.cdf(GRID_DAYS), atol=1e-12)


@pytest.mark.parametrize("day", [93.0, 121.0, 364.0])
def test_a_point_between_grid_days_is_met_within_a_week_of_its_slope(day):
    curve = priced_curve([(day, 0.3)], REFERENCE)
    assert by(curve, day) == pytest.approx([0.3], abs=0.005)


@pytest.mark.parametrize(
    ("points", "days", "expected"),
    [
        ([(30.0, 1.0)], [29, 30, 31, 3650], [(1 - np.exp(-0.29)) / (1 - np.exp(-0.3)), 1, 1, 1]),
        ([(30.0, 0.0)], [0, 30], [0, 0]),
        ([(30.0, 0.2), (90.0, 0.2)], [30, 60, 90], [0.2, 0.2, 0.2]),
    ],
)
def test_certain_empty_and_flat_prices(points, days, expected):
    assert by(priced_curve(points, REFERENCE), *days) == pytest.approx(expected)


@pytest.mark.parametrize("points", [[(30.0, 0.3), (90.0, 0.2)], [(90.0, 0.3), (30.0, 0.2)], [(90.0, 0.2), (30.0, 0.3)]])
def test_prices_that_fall_are_refused(points):
    with pytest.raises(LedgerError, match=r"fall: a CDF rises"):
        priced_curve(points, REFERENCE)


# --- The import of the project's own table -----------------------------------------------------------------------


def desk_of(home, today=TODAY):
    return Desk(Home(home / "data"), today=today)


def chain_bytes(home):
    return {file.name: file.read_bytes() for file in sorted((home / "data" / "ledger").glob("*.jsonl"))}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    home = tmp_path_factory.mktemp("others")
    shutil.copytree(ROOT / "data", home / "data", ignore=shutil.ignore_patterns("ledger"))
    return desk_of(home)


@pytest.fixture(scope="module")
def whole(desk):
    """A home with everything imported once, and what the import said."""
    return desk.home.data.parent, import_third_party(desk)


def test_the_ledger_verifies_after_an_import_with_one_chain_a_voice(whole):
    home, done = whole
    verdicts = {v.chain: (v.fault, v.torn, v.lines) for v in ledger.verify(home / "data" / "ledger")}
    lines = Counter(line.body["forecaster"] for line in done.added)
    assert verdicts == {voice: (None, False, count) for voice, count in lines.items()}
    assert set(lines) == {"insiders", "press", "markets", "machines"}
    assert all(line.body["chain"] == line.body["forecaster"] for line in done.added)


def test_each_opening_is_imported_or_listed_as_unmatched(whole):
    _, done = whole
    said = {(str(row.made_on), row.source) for row in openings()}
    taken = {(line.body["made_on"], line.body["diagnostics"]["said_by"]) for line in done.added}
    left = {(made_on, source) for made_on, source in said if any(text.startswith(f"{made_on} {source}: ")
            for text in done.unmatched)}  # fmt: skip
    assert taken | left == said
    assert taken & left == set()
    assert len(done.unmatched) == len(left)


def test_no_other_event_is_imported(whole):
    home, done = whole
    rows = read_rows(home / "data" / ThirdPartyForecast.file, ThirdPartyForecast)
    words = {line.body["diagnostics"]["words"] for line in done.added}
    assert words & {row.forecast for row in rows if row.event != "opening"} == set()
    alphafold = [line.body for line in done.added if line.body["question_id"] == "deepmind-alphafold-3-others"]
    assert [body["diagnostics"]["words"] for body in alphafold] == ["Google official ungated open weights 18%"]


def test_an_imported_forecast_answers_the_question_about_exactly_its_target(whole):
    home, done = whole
    questions, rows = desk_of(home).questions, openings()
    for line in done.added:
        body = line.body
        own = [r for r in rows if (str(r.made_on), r.source) == (body["made_on"], body["diagnostics"]["said_by"])]
        question = questions[body["question_id"]]
        assert question.members in {(row.question_target,) for row in own}
        assert body["asked_on"] == question.asked_on.isoformat() <= body["made_on"]
        assert (body["mode"], body["model"], body["seed"], body["sampler"]) == ("imported", "third-party", None, None)
        assert {row.voice for row in own} == {body["forecaster"]}


def test_an_imported_curve_is_that_of_its_words_split_like_the_reference(whole):
    _, done = whole
    worded = {read[:2]: read for read in READ}
    seen = 0
    for line in done.added:
        body, forecast = line.body, release_forecast(line.body)
        share = body["reference"]["part_share"]
        assert 0 <= share < 1
        assert_allclose(forecast.cdf_part, share * forecast.cdf, atol=1e-6)
        read = worded.get((body["made_on"], body["diagnostics"]["words"]))
        if read:
            row = next(r for r in openings() if (str(r.made_on), r.forecast) == read[:2])
            assert_allclose(forecast.cdf, RULES[read[2]](days_to(row)), atol=1e-6)
            seen += 1
    assert seen > len(done.added) / 2


def test_an_imported_price_is_met_on_its_day(whole):
    _, done = whole
    rows = [row for row in openings() if row.forecast_kind == "probability"]
    for row in rows:
        (body,) = [
            line.body
            for line in done.added
            if (line.body["made_on"], line.body["diagnostics"]["said_by"]) == (str(row.made_on), row.source)
        ]
        found = float(release_forecast(body).prob_by(days_to(row)))
        # after 90 days the grid is weekly, and a bend between its days is cut off
        assert found == pytest.approx(row.probability, abs=1e-6 if days_to(row) in GRID_DAYS else 5e-3)


def test_importing_twice_adds_nothing(desk, whole):
    home, done = whole
    before = chain_bytes(home)
    again = import_third_party(desk)
    assert (again.added, again.unmatched) == ([], done.unmatched)
    assert chain_bytes(home) == before


# --- Imports of little tables ------------------------------------------------------------------------------------


BEHEMOTH = {
    "made_on": "2025-09-02",
    "source": "A paper",
    "voice": "press",
    "question": "When will it be open?",
    "question_target": "meta-llama-4-behemoth",
    "forecast": "2025-10-01",
    "event": "opening",
    "forecast_kind": "date",
    "due_on": "2025-10-01",
    "outcome": "unresolved",
    "confidence": "low",
}
PRICE = BEHEMOTH | {"voice": "markets", "source": "A market", "forecast_kind": "probability"}


@pytest.fixture
def take(home):
    """Import a table of rows, each the cells that differ from one about Behemoth."""

    def run(*rows, today=TODAY):
        write(home, rows)
        return import_third_party(desk_of(home, today))

    return run


def write(home, rows):
    with (home / "data" / ThirdPartyForecast.file).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(ThirdPartyForecast.model_fields), restval="")
        writer.writeheader()
        writer.writerows(BEHEMOTH | row for row in rows)


def test_a_row_becomes_one_line(home, take):
    done = take({})
    assert (len(done.added), done.unmatched) == (1, [])
    body = done.added[0].body
    assert body["question_id"] == "meta-llama-4-behemoth-others"
    assert body["diagnostics"] == {"said_by": "A paper", "words": "2025-10-01"}
    assert release_forecast(body).prob_by([28, 29]) == pytest.approx([0, 1], abs=1e-6)
    assert list(IMPORTS) == ["third-party"]
    assert ledger.chains(home / "data" / "ledger") == ["press"]


def test_prices_of_one_source_and_day_are_one_forecast(take):
    prices = [
        PRICE | {"due_on": due, "probability": p, "forecast": p}
        for due, p in (("2025-10-01", "0.1"), ("2025-11-30", "0.4"))
    ]
    (line,) = take(*prices).added
    assert release_forecast(line.body).prob_by([29, 89]) == pytest.approx([0.1, 0.4], abs=1e-6)
    assert line.body["diagnostics"]["words"] == "0.1; 0.4"


def test_two_sources_of_one_day_are_two_forecasts_of_one_chain(take):
    done = take({}, {"source": "Another paper", "forecast": "2025-10-02", "due_on": "2025-10-02"})
    assert [line.body["forecaster"] for line in done.added] == ["press", "press"]
    assert len({line.body["id"] for line in done.added}) == 2


@pytest.mark.parametrize("event", ["debut", "leak", "code", "other"])
def test_only_openings_are_imported(home, take, event):
    done = take({"event": event})
    assert (done.added, done.unmatched) == ([], [])
    assert not (home / "data" / "ledger").exists()


@pytest.mark.parametrize(
    ("cells", "about"),
    [
        ({"question_target": ""}, "outside the table"),
        ({"question_target": "openai-gpt-5"}, "openai-gpt-5"),
        ({"question_target": "meta-llama-4"}, "meta-llama-4"),
        ({"question_target": "meta-muse-spark-1.2"}, "meta-muse-spark-1.2"),
        ({"question_target": "nobody"}, "nobody"),
        ({"made_on": "2025-04-04"}, "meta-llama-4-behemoth"),
    ],
    ids=["blank", "not asked yet", "family without a question", "asked later", "unknown", "the day before the asking"],
)
def test_what_no_question_asks_about_is_listed_and_not_guessed(home, take, cells, about):
    done = take(cells)
    made_on = cells.get("made_on", "2025-09-02")
    assert done.added == []
    assert done.unmatched == [f"{made_on} A paper: When will it be open? ({about})"]
    assert not (home / "data" / "ledger").exists()


def test_a_forecast_of_the_asking_day_is_matched_and_the_first_asked_question_counts(take):
    done = take({"made_on": "2025-04-05"}, {"question_target": "xai-grok-3", "made_on": "2026-11-25",
                 "due_on": "2026-12-01", "forecast": "2026-12-01"})  # fmt: skip
    assert [(line.body["question_id"], line.body["asked_on"]) for line in done.added] == [
        ("meta-llama-4-behemoth-others", "2025-04-05"),
        ("xai-grok-3-others", "2025-08-23"),
    ]


@pytest.mark.parametrize("today", ["2025-09-01", "2025-04-06"])
def test_a_forecast_made_in_the_future_is_refused_and_nothing_is_written(home, take, today):
    with pytest.raises(LedgerError, match=f"on 2025-09-02: made in the future, so it cannot be imported on {today}"):
        take({}, today=dt.date.fromisoformat(today))
    assert ledger.chains(home / "data" / "ledger") == []


def test_prices_that_fall_refuse_the_import_and_nothing_is_written(home, take):
    prices = [PRICE | {"due_on": due, "probability": p} for due, p in (("2025-10-01", "0.4"), ("2025-11-30", "0.1"))]
    with pytest.raises(LedgerError, match="fall: a CDF rises"):
        take({}, *prices)
    assert ledger.chains(home / "data" / "ledger") == []


def test_a_new_row_adds_its_forecast_and_no_other_one_again(home, take):
    take({})
    done = take({}, {"source": "Another paper"})
    assert [line.body["diagnostics"]["said_by"] for line in done.added] == ["Another paper"]


def test_another_table_or_question_imports_nothing_again(home, take):
    take({})
    before = chain_bytes(home)
    for file in ("open_debuts.csv", "cohorts.csv"):
        lines = (home / "data" / file).read_text(encoding="utf-8").splitlines(keepends=True)
        (home / "data" / file).write_text("".join(lines[:-1]), encoding="utf-8")
    questions = home / "data" / "questions.toml"
    questions.write_text(questions.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    assert take({}).added == []
    assert chain_bytes(home) == before


def test_a_bad_table_is_refused(home, take):
    with pytest.raises(TableError, match="voice"):
        take({"voice": "crowd"})


def test_an_installed_package_takes_no_import(home):
    with pytest.raises(HomeError, match="'forecast ledger import' needs a folder of your own"):
        import_third_party(Desk(Home(home / "data", editable=False), today=TODAY))


# --- Hindcasts beside them ---------------------------------------------------------------------------------------


def test_hindcasts_are_wanted_once_for_each_question_and_day_of_an_import():
    day = pd.Timestamp("2025-09-02")
    rows = [
        ("imported", "scored", "r", day),
        ("imported", "open", "q", day),
        ("imported", "due", "q", day - pd.Timedelta(days=1)),
        ("imported", "scored", "q", day),
        ("imported", "void", "s", day),
        ("live", "scored", "t", day),
    ]
    table = pd.DataFrame(rows, columns=["mode", "state", "question_id", "made_on"])
    first = dt.date(2025, 9, 1)
    assert imported_pairs(table) == [("q", first), ("q", dt.date(2025, 9, 2)), ("r", dt.date(2025, 9, 2))]
    assert imported_pairs(table[:0].astype({"made_on": "datetime64[s]"})) == []


def test_what_the_model_says_nothing_about_is_told_with_its_reason(home):
    pairs = [("twitter-for-you-2023-others", dt.date(2023, 2, 21)), ("nothing", dt.date(2025, 1, 1))]
    added, without = record_beside(desk_of(home), pairs)
    assert added == []
    assert [text.split(": ")[0] for text in without] == [
        "twitter-for-you-2023-others as of 2023-02-21",
        "nothing as of 2025-01-01",
    ]
    assert "only inform how long openings take" in without[0]
    assert not (home / "data" / "ledger").exists()


def test_the_recorded_baselines_are_four_of_the_known_ones():
    assert len(set(RECORDED_BASELINES)) == 4
    assert set(RECORDED_BASELINES) <= set(BASELINES)


def test_the_shipped_ledger_has_all_of_the_table_as_it_is_read_today(home):
    shutil.copytree(ROOT / "data" / "ledger", home / "data" / "ledger", dirs_exist_ok=True)
    before = chain_bytes(home)
    assert import_third_party(desk_of(home, dt.date(2026, 11, 26))).added == []
    assert chain_bytes(home) == before
