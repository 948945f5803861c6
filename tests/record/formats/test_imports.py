"""The common middle: the map, chains, provenance, what is left out, and that twice adds nothing."""

from __future__ import annotations

import hashlib
import os

import pytest

from forecast.errors import HomeError, LedgerError
from forecast.model.reference import Reference
from forecast.record import ledger
from forecast.record.answers import Desk
from forecast.record.formats import reading
from forecast.record.formats.registry import FORMATS
from forecast.record.imports import chain_name, import_file
from forecast.record.others import priced_curve
from forecast.tables.paths import Home

HEADER = "question_id,forecaster,made_on,by,prob\n"
ROW = "w,ann,2026-12-01,2027-01-30,0.2\n"
MAP = '[map]\nw = "meta-muse-wonder-1.0"\n'


# --- What stays behind -------------------------------------------------------------------------------------------


def test_a_line_says_where_it_comes_from(take, only):
    body = only(take("plain", HEADER + ROW, MAP))
    assert body["diagnostics"] == {
        "format": "plain",
        "file_sha256": hashlib.sha256((HEADER + ROW).encode()).hexdigest(),
        "source_id": "w",
        "said_by": "ann",
        "words": "0.2 by 2027-01-30",
    }
    assert (body["mode"], body["model"], body["seed"], body["sampler"]) == ("imported", "third-party", None, None)
    assert (body["asked_on"], body["question_id"]) == ("2026-11-25", "meta-muse-wonder-1.0")
    assert list(body["hashes"]) == ["said"]


def test_importing_twice_adds_nothing_and_a_longer_file_adds_what_is_new(take):
    first = take("plain", HEADER + ROW, MAP)
    before = take.files()
    assert take("plain", HEADER + ROW, MAP).added == []
    assert take.files() == before
    more = take("plain", HEADER + ROW + ROW.replace("ann", "bo"), MAP)
    assert [line.body["forecaster"] for line in (*first.added, *more.added)] == ["plain-ann", "plain-bo"]
    assert [v.fault for v in ledger.verify(take.home / "data" / "ledger")] == [None, None]


def test_of_one_day_the_first_recorded_counts_and_a_later_file_is_told_so(take):
    take("plain", HEADER + ROW, MAP)
    before = take.files()
    done = take("plain", HEADER + ROW.replace("0.2", "0.3"), MAP)
    assert done.added == []
    assert done.left_out == [
        "'w': 0.3 by 2027-01-30, made on 2026-12-01 by 'ann': another of that day is recorded, "
        "and the first recorded counts"
    ]
    assert take.files() == before
    assert len(take("plain", HEADER + ROW.replace("2026-12-01", "2026-12-02"), MAP).added) == 1


def test_what_the_map_names_and_the_file_does_not_is_told(take, only):
    mapped = MAP + 'typo = "meta-muse-wonder-1.0"\n'
    done = take("plain", HEADER + ROW, mapped)
    assert only(done)["question_id"] == "meta-muse-wonder-1.0"
    assert done.left_out == ["'typo': in the map, but not in the file"]


def test_questions_about_one_of_ours_are_one_forecast_of_the_day(take, only, by):
    mapped = '[map]\nw = "meta-muse-wonder-1.0"\nv = "meta-muse-wonder-1.0"\n'
    done = take("plain", HEADER + ROW + "v,ann,2026-12-01,2026-12-31,0.1\n", mapped)
    assert by(only(done), 30, 60) == pytest.approx([0.1, 0.2], abs=1e-6)
    assert only(done)["diagnostics"]["source_id"] == "w; v"


def test_a_probability_and_a_cdf_about_one_of_ours_on_one_day_are_refused(take):
    mapped = '[map]\nw = "meta-muse-wonder-1.0"\nv = "meta-muse-wonder-1.0"\n'
    rows = ROW + "v,ann,2026-12-01,2026-12-31,0.1\nv,ann,2026-12-01,2027-12-31,0.2\n"
    with pytest.raises(LedgerError, match=r"row 3: question 'v': a second forecast beside that of .*row 2"):
        take("plain", HEADER + rows, mapped)


def test_what_lies_outside_of_the_map_s_days_is_left_out_and_counted(take, only):
    mapped = '[question.w]\nid = "meta-muse-wonder-1.0"\nsince = 2026-11-25\nuntil = 2026-12-01\n'
    rows = "".join(f"w,ann,{day},2027-01-30,0.2\n" for day in ("2026-11-01", "2026-12-01", "2026-12-02"))
    done = take("plain", HEADER + rows, mapped)
    assert only(done)["made_on"] == "2026-12-01"
    assert done.left_out == ["'w': 2 made outside of the map's days"]


def test_questions_that_the_map_does_not_name_are_listed_once(take):
    done = take("plain", HEADER + "x,?,?,?,?\nx,?,?,?,?\n" + ROW, MAP)
    assert (len(done.added), done.unmatched, done.left_out) == (1, ["'x'"], [])


def test_a_broken_chain_lets_nothing_into_any_other(take):
    take("plain", HEADER + ROW.replace("ann", "bo"), MAP)
    chain = take.home / "data" / "ledger" / "plain-bo.jsonl"
    chain.write_bytes(chain.read_bytes().replace(b"0.2 by", b"0.3 by"))
    before = take.files()
    rows = ROW + ROW.replace("ann", "bo").replace("12-01", "12-02")
    with pytest.raises(LedgerError, match="changed after it was written"):
        take("plain", HEADER + rows, MAP)
    assert take.files() == before


# --- Chains ------------------------------------------------------------------------------------------------------


def test_a_plain_name_stays_and_any_other_is_told_apart_by_its_hash():
    assert chain_name("plain", "ann_2") == "plain-ann_2"
    digest = hashlib.sha256(b"Ann B.").hexdigest()[:8]
    assert chain_name("metaculus", "Ann B.") == f"metaculus-ann-b-{digest}"


@pytest.mark.parametrize(
    "name",
    ["../x", "../../etc/passwd", "/abs", "C:\\x", "..", ".", "-", "con", "model", "resolutions", "a" * 5000, "\0", "é",
     "日本", "A", "a..b", " ", "x\n", "\ud800", "\x1b[2J", "kaplan-meier"],
)  # fmt: skip
@pytest.mark.parametrize("kind", FORMATS)
def test_every_name_becomes_one_that_a_chain_may_have(tmp_path, kind, name):
    chain = chain_name(kind, name)
    assert ledger.read(tmp_path, chain) == []  # else refused by the rule
    assert chain.startswith(f"{kind}-")


def test_names_that_look_alike_are_different_chains():
    names = ["ann", "Ann", "ANN", "ann ", "ann.", "ann-", "é", "è", "", "-"]
    assert len({chain_name("plain", name) for name in names}) == len(names)


def test_a_name_that_is_a_path_leaves_no_file_outside(take):
    before = take.files()
    take("plain", HEADER + ROW.replace("ann", "../../../evil"), MAP)
    new = set(take.files()) - set(before)
    assert {path.parent for path in new} == {take.home / "data" / "ledger"}
    assert take.chains[0].startswith("plain-evil-")


# --- The map -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "maps nothing"),
        ("[map]\n", "maps nothing"),
        ("[map", "not TOML"),
        ("a = " + "[" * 100_000, "not TOML"),
        ("[map]\nw = 5\n", "'map.w': 5: Input should be a valid string"),
        ('[map]\nw = "nobody"\n', "'w': 'nobody' is no question"),
        ("[maps]\n", "'maps': {}: Extra inputs are not permitted"),
        ('[question.w]\nid = "meta-muse-wonder-1.0"\nbay = 1\n', "'question.w.bay': 1: Extra inputs"),
        ('[question.w]\nid = "meta-muse-wonder-1.0"\nby = 20261231\n', "'question.w.by': 20261231"),
        ('[question.w]\nid = "meta-muse-wonder-1.0"\nby = "2026-12-31"\n', "'question.w.by': '2026-12-31'"),
        ('[question.w]\nid = "meta-muse-wonder-1.0"\nby = 2026-12-31T00:00:00Z\n', "'question.w.by': datetime"),
        ('[question.w]\nby = 2026-12-31\n', "'question.w.id'"),
        ('[map]\nw = "meta-muse-wonder-1.0"\n[question.w]\nid = "meta-muse-wonder-1.0"\n', "'w': stands under both"),
        ('[question.w]\nid = "meta-muse-wonder-1.0"\nanswers = {a = "soon"}\n', "'question.w.answers.a"),
    ],
)  # fmt: skip
def test_a_bad_map_is_refused_in_one_line(take, text, says):
    with pytest.raises(LedgerError) as refused:
        take("plain", HEADER + ROW, text)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert take.chains == []


def test_a_map_with_a_byte_order_mark_is_read(take):
    assert len(take("plain", HEADER + ROW, "\ufeff" + MAP).added) == 1


# --- Files that cannot be read -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_a_missing_file_a_folder_and_a_large_file_are_refused(take, tmp_path, kind):
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(200 * 10**6)  # holes: no room on the disk
    for path, says in ((tmp_path / "none", "no such file"), (tmp_path, "not a file"), (large, "200000000 bytes")):
        with pytest.raises(LedgerError, match=says):
            take(kind, path, MAP)
    assert take.chains == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_refused(take, tmp_path):
    (tmp_path / "locked").touch(mode=0)
    with pytest.raises(LedgerError, match="Permission denied"):
        take("plain", tmp_path / "locked", MAP)


def test_an_installed_package_takes_no_import(home):
    with pytest.raises(HomeError, match="'forecast ledger import' needs a folder of your own"):
        import_file(Desk(Home(home / "data", editable=False)), "plain", home / "x", home / "y")


def test_what_is_shown_of_a_value_is_short_and_harmless():
    for value in ("x" * 10**6, 10**5000, {"a": "\x1b"}, ["\ud800"], "\n"):
        text = reading.shown(value)
        assert len(text) <= 60
        assert text.isascii()
        assert text.isprintable()


def test_a_reference_that_has_run_out_still_meets_its_prices():
    short = Reference(5.0, 0.0)
    curve = priced_curve([(100.0, 0.2), (200.0, 0.6)], short)
    assert curve[:90].max() <= 0.2
    assert curve[-1] == pytest.approx(0.6)
