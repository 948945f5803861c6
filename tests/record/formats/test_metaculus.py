"""Metaculus's zip: binary questions, and dates as CDFs of 201 places with open bounds."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import numpy as np
import pytest
from scipy import stats

from forecast.errors import LedgerError
from forecast.record.formats import packed
from forecast.record.formats.said import Curve, end_of_day
from forecast.record.imports import curve_on_grid
from forecast.release import GRID_DAYS

MAP = '[question."101"]\nid = "meta-muse-wonder-1.0"\nby = 2027-12-31\n\n[map]\n"102" = "meta-muse-ember-1.0"\n'


@pytest.fixture
def download(foreign, tmp_path):
    """A download of two questions with some forecasts."""

    def make(*forecasts, questions=None, **given):
        return foreign.zipped(tmp_path / "m.zip", questions or [foreign.binary, foreign.date], forecasts, **given)

    return make


def test_a_binary_forecast_is_a_probability_by_the_day_of_the_map(take, download, foreign, only, by, shaped):
    body = only(take("metaculus", download(foreign.yes), MAP))
    due = (dt.date(2027, 12, 31) - dt.date(2026, 12, 1)).days
    curve = shaped(body, due, 0.25)
    assert by(body, 30, 90, 730) == pytest.approx([curve(u) for u in (30, 90, 730)], abs=1e-6)
    assert (body["made_on"], body["forecaster"], body["question_id"]) == (
        "2026-12-01", "metaculus-ann", "meta-muse-wonder-1.0",
    )  # fmt: skip


def test_a_logistic_cdf_of_201_places_is_that_distribution_on_the_grid(take, download, foreign, only, by):
    # 200 days from 2026-12-01 to 2027-06-19: a place a day; place i is 00:00 of 2026-12-01 + i
    places = np.arange(201.0)
    logistic = stats.logistic(loc=80, scale=25)
    said = logistic.cdf(places)
    body = only(take("metaculus", download(foreign.when | {"Continuous CDF": str(said.tolist())}), MAP))
    # the end of the k-th day after the making, 2026-12-01, is the place k + 1
    days = [0, 1, 10, 89, 90]
    assert by(body, *days) == pytest.approx([logistic.cdf(k + 1) for k in days], abs=1e-6)
    assert by(body, 202, 730, 3650) == pytest.approx([logistic.cdf(200)] * 3, abs=1e-6)  # the grid is weekly there
    assert body["left"] == pytest.approx(logistic.sf(200), abs=1e-6)
    assert body["diagnostics"]["words"] == f"a CDF of 201 points, {said[-1]:g} by its end"


def test_mass_below_an_open_bound_sits_at_the_range_s_first_day(take, download, foreign, only, by):
    question = foreign.date | {"Lower Bound": "2026-12-11", "Upper Bound": "2026-12-21"}
    row = foreign.when | {"Continuous CDF": "[0.2, 0.6]"}
    body = only(take("metaculus", download(row, questions=[question]), MAP))
    # before 00:00 of the 11th is by the end of the 10th, day 9; 0.04 a day after it; 0.4 is not by then
    assert by(body, 0, 8, 9, 10, 14, 19, 3650) == pytest.approx([0, 0, 0.2, 0.24, 0.4, 0.6, 0.6], abs=1e-6)


def test_mass_before_the_end_of_the_making_day_counts_as_open_already(take, download, foreign, only, by):
    question = foreign.date | {"Lower Bound": "2026-11-22", "Upper Bound": "2026-12-12"}
    row = foreign.when | {"Continuous CDF": "[0.1, 0.5]"}
    body = only(take("metaculus", download(row, questions=[question]), MAP))
    assert by(body, 0, 5, 10) == pytest.approx([0.1 + 0.4 * 10 / 20, 0.4, 0.5], abs=1e-6)


def test_a_cdf_that_is_over_by_the_making_leaves_nothing_to_score(take, download, foreign):
    question = foreign.date | {"Lower Bound": "2026-11-22", "Upper Bound": "2026-11-30", "Open Upper Bound": "False"}
    row = foreign.when | {"Continuous CDF": "[0.1, 1.0]"}
    with pytest.raises(LedgerError, match=r"forecast_data.csv, row 2: .*open already"):
        take("metaculus", download(row, questions=[question]), MAP)


def test_uneven_places_of_a_log_scale_are_taken_as_they_stand(take, download, foreign, only, by):
    question = foreign.date | {"Continuous Range": "['2026-12-01', '2026-12-06', '2027-06-19']"}
    row = foreign.when | {"Continuous CDF": "[0.0, 0.5, 0.9]"}
    body = only(take("metaculus", download(row, questions=[question]), MAP))
    assert by(body, 0, 4, 202) == pytest.approx([0.1, 0.5, 0.9], abs=1e-6)


def test_days_as_even_places_are_the_even_places(take, download, foreign, only):
    days = [(dt.date(2026, 12, 1) + dt.timedelta(days=k)).isoformat() for k in range(0, 201, 2)]
    cdf = foreign.when | {"Continuous CDF": str(np.linspace(0.1, 0.9, 101).tolist())}
    first = only(take("metaculus", download(cdf), MAP))
    again = take("metaculus", download(cdf, questions=[foreign.date | {"Continuous Range": str(days)}]), MAP)
    assert again.added == []
    assert first["cdf_full"][1] > 0


def test_a_grid_coarser_than_the_places_reads_them_at_its_days():
    made_on = dt.date(2026, 12, 1)
    places = end_of_day(made_on) + np.array([-5.0, 0.5, 3.0, 1000.0])
    curve = curve_on_grid(Curve(places, np.array([0.0, 0.2, 0.3, 0.8])), made_on)
    assert np.interp([0, 1, 2, 3], GRID_DAYS, curve) == pytest.approx(
        [0.2 * 5 / 5.5, 0.2 + 0.1 * 0.5 / 2.5, 0.2 + 0.1 * 1.5 / 2.5, 0.3]
    )
    assert curve[-1] == 0.8


def test_of_several_forecasts_on_one_day_the_last_counts(take, download, foreign, only):
    rows = [
        foreign.yes | {"Start Time": f"2026-12-01 {hour}:00:00+00:00", "Probability Yes": p}
        for hour, p in (("09", "0.1"), ("21", "0.3"), ("12", "0.2"))
    ]
    assert only(take("metaculus", download(*rows), MAP))["diagnostics"]["words"] == "0.3 by 2027-12-31"


def test_a_zone_moves_the_making_to_its_utc_day(take, download, foreign, only):
    row = foreign.yes | {"Start Time": "2026-12-01 01:00:00+05:00"}
    assert only(take("metaculus", download(row), MAP))["made_on"] == "2026-11-30"


def test_forecasters_of_an_anonymized_file_and_aggregates_are_chains_of_their_own(take, download, foreign):
    header = ["Question ID", "Forecaster (Anonymized)", *foreign.forecast_header[3:]]
    rows = [
        {k: v for k, v in foreign.yes.items() if k in header} | {"Forecaster (Anonymized)": name}
        for name in ("a" * 64, "recency_weighted")
    ]
    done = take("metaculus", download(*rows, header=header), MAP)
    assert [line.body["diagnostics"]["said_by"] for line in done.added] == ["a" * 64, "recency_weighted"]
    assert take.chains[1] == "metaculus-recency_weighted"
    assert len(take.chains[0]) <= 64


def test_rows_of_other_questions_are_listed_and_may_hold_anything(take, download, foreign, only):
    other = foreign.binary | {"Question ID": "7", "Question Title": "Else\x1b[2J?", "Question Type": "numeric"}
    bad = foreign.yes | {"Question ID": "7", "Probability Yes": "seven"}
    done = take("metaculus", download(foreign.yes, bad, questions=[foreign.binary, other]), MAP)
    assert only(done)["question_id"] == "meta-muse-wonder-1.0"
    assert done.unmatched == ["'7': 'Else\\x1b[2J?'"]


@pytest.mark.parametrize(
    ("question", "row", "says"),
    [
        ({}, {"Continuous CDF": "[0.1, 0.5, 0.4]"}, "row 2, Continuous CDF: '0.5 then 0.4': value 3 is lower"),
        ({}, {"Continuous CDF": "[0.1, 1.5]"}, "row 2, Continuous CDF: '1.5': must be a number"),
        ({}, {"Continuous CDF": "[0.1, nan]"}, "Continuous CDF: 'nan': must be a number"),
        ({}, {"Continuous CDF": "[0.1]"}, "a CDF has two values or more"),
        ({}, {"Continuous CDF": "[]"}, "Continuous CDF: ''"),
        ({}, {"Continuous CDF": "0.1"}, "must be a list"),
        ({}, {"Continuous CDF": "__import__('os')"}, "must be a list"),
        ({}, {"Continuous CDF": "[" * 90000}, "must be a list"),
        ({}, {"Continuous CDF": "[" + "0," * 20000 + "1]"}, "must be a list"),
        ({"Open Lower Bound": "False"}, {}, "Continuous CDF: 0.1: must be 0 at the lower bound, which is not open"),
        ({"Open Upper Bound": "False"}, {}, "Continuous CDF: 0.9: must be 1 at the upper bound, which is not open"),
        ({"Lower Bound": "2028-01-01"}, {}, "Upper Bound: '2027-06-19': must come after the lower bound"),
        ({"Lower Bound": ""}, {}, "question_data.csv, row 2, Lower Bound: '': must be a time"),
        ({"Question Type": "numeric"}, {}, "row 2, Question Type: 'numeric': only binary and date"),
        ({}, {"Start Time": "0000-12-01"}, "row 2, Start Time: '0000-12-01': is no time of the calendar"),
        ({}, {"Start Time": "0001-01-01 00:00:00+23:00"}, "Start Time: '0001-01-01 00:00:00+23:00': is no time"),
        ({}, {"Start Time": "2026-12-21 00:00:00+00:00"}, "row 2: made on 2026-12-21, in the future"),
        ({}, {"Forecaster Username": ""}, "row 2, Forecaster Username: '': must not be blank"),
        ({"Question ID": "103"}, {}, "Question ID: '102': stands in no row of question_data.csv"),
        ({"Continuous Range": "['2027-01-01', '2026-01-01']"}, {}, "its places must rise"),
    ],
)
def test_what_is_bad_is_named_in_one_line_and_nothing_is_written(take, download, foreign, question, row, says):
    before = take.files()
    forecast = foreign.when | {"Continuous CDF": "[0.1, 0.9]"} | row
    file = download(forecast, foreign.yes, questions=[foreign.date | question, foreign.binary])
    with pytest.raises(LedgerError) as refused:
        take("metaculus", file, MAP)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert take.files() == before


def test_a_binary_question_without_a_day_in_the_map_is_refused(take, download, foreign):
    with pytest.raises(LedgerError, match="question '101': the map must say by which day a yes comes true"):
        take("metaculus", download(foreign.yes), '[map]\n"101" = "meta-muse-wonder-1.0"\n')


# --- Zips that mean harm -----------------------------------------------------------------------------------------


def test_a_bomb_is_refused_before_it_is_unpacked(take, download, foreign, monkeypatch):
    bomb = download(foreign.yes, **{"comment_data.csv": "0" * 3 * 2**20})
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(LedgerError, match=r"'comment_data.csv': 3145728 bytes packed into \d+: a member may be 100"):
        take("metaculus", bomb, MAP)


def test_many_members_that_are_too_large_together_are_refused(take, download, foreign, monkeypatch):
    monkeypatch.setattr(packed, "MOST_UNPACKED_BYTES", 1000)
    with pytest.raises(LedgerError, match="larger than 1000 bytes when unpacked"):
        take("metaculus", download(foreign.yes), MAP)


def test_members_with_tricks_in_their_names_touch_no_file(take, download, foreign, tmp_path):
    before = take.files()
    file = download(foreign.yes, **{"../../evil.csv": "x", "/tmp/evil.csv": "x", "..\\evil": "x"})
    assert len(take("metaculus", file, MAP).added) == 1
    assert set(take.files()) - set(before) <= set((tmp_path / "home" / "data" / "ledger").iterdir())
    assert not list(tmp_path.parent.rglob("evil*"))


@pytest.mark.parametrize("cut", [0, 10, 200, -60, -10, -1])
def test_a_cut_off_zip_is_refused(take, download, foreign, cut):
    whole = download(foreign.yes).read_bytes()
    with pytest.raises(LedgerError, match="cannot be unpacked"):
        take("metaculus", whole[:cut], MAP)


def test_a_zip_with_a_password_a_member_twice_or_without_tables_is_refused(take, download, foreign):
    whole = bytearray(download(foreign.yes).read_bytes())
    for mark, flag in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        whole[whole.index(mark) + flag] |= 1
    with pytest.raises(LedgerError, match=r"cannot be unpacked.*password"):
        take("metaculus", bytes(whole), MAP)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as twice:
        twice.writestr("a", "")
    with pytest.raises(LedgerError, match=r"holds no question_data\.csv"):
        take("metaculus", out.getvalue(), MAP)
    with zipfile.ZipFile(out, "a") as twice, pytest.warns(UserWarning, match="Duplicate"):
        twice.writestr("a", "")
    with pytest.raises(LedgerError, match="a member stands twice"):
        take("metaculus", out.getvalue(), MAP)
