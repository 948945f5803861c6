"""Records: a forecast goes in and comes out again, and what cannot be said is refused."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from forecast.errors import ForecastError, LedgerError
from forecast.model.reference import Reference
from forecast.record import ledger
from forecast.record.records import (
    append_new,
    note_record,
    reference_forecast,
    release_forecast,
    resolved_record,
    status_record,
    withdrawal_record,
)
from forecast.release import GRID_DAYS, Draws, ReleaseForecast

DAY = dt.date(2026, 1, 1)


def day(number):
    return DAY + dt.timedelta(days=number)


def random_forecast(seed, total):
    """Two rough CDFs with jumps and flats, that end at a given sum."""
    rng = np.random.default_rng(seed)
    steps = rng.gamma(0.2, size=(2, len(GRID_DAYS))) * (rng.random((2, len(GRID_DAYS))) < 0.7)
    full, part = np.cumsum(steps, axis=1) * total / steps.sum()
    return ReleaseForecast("q", "acme", day(3), full, part, last_checked=day(1), p_never_structural=0.125)


def through_the_ledger(folder, record):
    (line,) = append_new(folder, record["forecaster"], [record], dt.date.fromisoformat(record["made_on"]))
    assert ledger.read(folder, record["forecaster"]) == [line]
    return release_forecast(line.body)


@pytest.mark.parametrize("total", [1.0, 1 - 1e-9, 0.37, 1e-8])
@pytest.mark.parametrize("seed", range(5))
def test_a_forecast_comes_out_of_the_ledger_as_it_went_in(tmp_path, make_record, seed, total):
    forecast = random_forecast(seed, total)
    record = make_record(forecast)
    found = through_the_ledger(tmp_path, record)
    for said, stored in ((forecast.cdf_full, found.cdf_full), (forecast.cdf_part, found.cdf_part)):
        np.testing.assert_allclose(stored, said, rtol=0, atol=1.001e-7)
        assert (np.diff(stored) >= 0).all()
    assert found.cdf.max() <= 1 + 1e-15
    names = ("target_id", "forecaster", "made_on", "last_checked", "p_never_structural")
    assert [getattr(found, n) for n in names] == ["q", "acme", day(3), day(1), 0.125]
    assert found.draws is None
    assert record["left"] == pytest.approx(1 - total, abs=2.1e-7)
    assert record["left"] >= 0


@pytest.mark.parametrize("seed", range(3))
def test_what_was_stored_once_is_stored_the_same_again(make_record, seed):
    once = make_record(random_forecast(seed, 1.0))
    twice = make_record(release_forecast(once))
    assert twice == once


def test_halves_of_the_last_decimal_are_not_both_rounded_up(make_record):
    rising = np.minimum(GRID_DAYS / 90, 1)
    record = make_record(ReleaseForecast("q", "acme", DAY, 0.33333335 * rising, 0.66666665 * rising))
    assert (record["cdf_full"][-1], record["cdf_part"][-1]) == (0.3333333, 0.6666666)


def test_noise_that_a_cdf_may_have_is_not_stored(make_record):
    noisy = np.where(GRID_DAYS < 40, 0.5, 1 + 5e-10)
    noisy[:5], noisy[21:30] = -5e-10, 0.5 - 5e-10
    record = make_record(ReleaseForecast("q", "acme", DAY, noisy, np.zeros(len(GRID_DAYS))))
    assert record["cdf_full"] == [0.0] * 5 + [0.5] * 35 + [1.0] * (len(GRID_DAYS) - 40)
    assert record["left"] == 0


def test_quantiles_are_the_days_of_those_that_open(make_record, make_forecast):
    linear = make_record(make_forecast(lambda u: 0.5 * np.minimum(u / 80, 1)))
    assert linear["quantiles"] == {q: day(n).isoformat() for q, n in (("0.1", 8), ("0.5", 40), ("0.9", 72))}
    assert linear["left"] == 0.5
    assert make_record(make_forecast(np.zeros_like))["quantiles"] == {}


def test_the_id_is_the_hash_of_who_said_what_about_and_when(make_record):
    record = make_record(hashes={"data": "ab"}, seed=7)
    named = {
        "question_id": "q",
        "forecaster": "acme",
        "model": record["model"],
        "made_on": "2026-01-01",
        "mode": "live",
        "hashes": {"data": "ab"},
        "seed": 7,
    }
    text = json.dumps(named, sort_keys=True, separators=(",", ":"))
    assert record["id"] == hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    "change",
    [
        {"target_id": "r"},
        {"forecaster": "other"},
        {"made_on": day(1)},
        {"mode": "hindcast"},
        {"hashes": {"data": "cd"}},
        {"seed": 8},
        {"model": "another"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_forecast_has_another_id(make_record, change):
    plain = {"hashes": {"data": "ab"}, "seed": 7}
    assert make_record(**plain | change)["id"] != make_record(**plain)["id"]


@pytest.mark.parametrize(
    "change",
    [
        {"diagnostics": {"rhat": 1.01}},
        {"design_seen": True},
        {"hashes": {"priors": "cd", "data": "ab"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_same_forecast_made_again_has_the_same_id(make_record, change):
    plain = {"hashes": {"data": "ab", "priors": "cd"}}
    assert make_record(**plain | change)["id"] == make_record(**plain)["id"]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"mode": "guess"}, "mode 'guess' is none of live, hindcast, imported"),
        ({"asked_on": day(1)}, "made on 2026-01-01, before it was asked on 2026-01-02"),
    ],
)
def test_what_makes_no_forecast_is_refused(make_record, given, fault):
    with pytest.raises(LedgerError, match=f"^forecast by acme for q: {fault}$"):
        make_record(**given)


def test_a_forecast_that_it_is_open_already_is_refused(make_record, make_forecast):
    with pytest.raises(LedgerError, match="says that it is open already, so nothing is left to score"):
        make_record(make_forecast(np.ones_like, last_checked=day(-9)))
    assert make_record(make_forecast(lambda u: np.maximum(u / 3650, 0.9), last_checked=day(-9)))["cdf_full"][0] == 0.9


@pytest.mark.parametrize(
    "numbers",
    [(0, 0.5), (-1, 0.5), (np.inf, 0.5), (np.nan, 0.5), (0.01, 1), (0.01, -0.1), (0.01, 0.5, 1.1), (0.01, 0.5, -0.1)],
    ids=str,
)
def test_a_reference_that_leaves_a_day_no_chance_is_refused(make_record, numbers):
    with pytest.raises(ForecastError, match=r"^reference: rate_per_day .+ must be above 0"):
        make_record(reference=Reference(*numbers))
    named = dict(zip(("rate_per_day", "p_never", "part_share"), numbers, strict=False))
    with pytest.raises(ForecastError, match="must be above 0"):
        reference_forecast(make_record() | {"reference": named})


def test_the_reference_comes_back_as_a_constant_hazard_with_a_never_fraction(tmp_path, make_record):
    record = make_record(made_on=day(5), reference=Reference(0.004, 0.3, 0.2))
    (line,) = append_new(tmp_path, "acme", [record], day(5))
    found = reference_forecast(line.body)
    expected = 0.7 * stats.expon(scale=250).cdf(GRID_DAYS)
    np.testing.assert_allclose(found.cdf, expected, rtol=1e-12)
    np.testing.assert_allclose(found.cdf_part, 0.2 * expected, rtol=1e-12)
    assert (found.made_on, found.target_id, found.p_never_structural) == (day(5), "q", 0.3)


@pytest.mark.parametrize(
    "change",
    [
        {"cdf_full": ["x"]},
        {"cdf_part": {}},
        {"made_on": "2026-02-30"},
        {"made_on": 5},
        {"last_checked": "yesterday"},
    ],
    ids=str,
)
def test_a_line_that_is_no_forecast_is_named(make_record, change):
    body = make_record() | {"chain": "acme", "seq": 4} | change
    with pytest.raises(LedgerError, match=r"^chain 'acme' seq 4: not a forecast record that can be read \("):
        release_forecast(body)


@pytest.mark.parametrize("name", ["question_id", "forecaster", "made_on", "cdf_full", "cdf_part", "last_checked"])
def test_a_missing_field_is_named(make_record, name):
    body = {k: v for k, v in make_record().items() if k != name}
    with pytest.raises(LedgerError, match=f"^not a forecast record that can be read .KeyError: '{name}'"):
        release_forecast(body)


@pytest.mark.parametrize(
    ("reference", "error"), [(None, "TypeError"), ({"rate_per_day": 1}, "TypeError"), ({"scale": 1}, "TypeError")]
)
def test_a_line_without_a_reference_is_named(make_record, reference, error):
    with pytest.raises(LedgerError, match=f"not a forecast record that can be read .{error}"):
        reference_forecast(make_record() | {"reference": reference})


def test_a_stored_curve_that_is_no_cdf_is_refused(make_record):
    record = make_record()
    for cdf in (record["cdf_full"][:-1], record["cdf_full"][::-1], [2.0] * len(GRID_DAYS), None):
        with pytest.raises(ForecastError, match=r"^forecast by acme for q: cdf_full .+$"):
            release_forecast(record | {"cdf_full": cdf})


@pytest.mark.parametrize(
    ("mode", "made", "recorded", "taken"),
    [
        ("live", 0, 0, True),
        ("live", 0, 1, False),
        ("live", 1, 0, False),
        ("hindcast", 0, 0, True),
        ("hindcast", 0, 400, True),
        ("hindcast", 1, 0, False),
        ("imported", 0, 400, True),
        ("imported", 1, 0, False),
    ],
)
def test_only_a_forecast_made_on_the_day_of_writing_is_live_and_none_is_of_the_future(
    tmp_path, make_record, mode, made, recorded, taken
):
    records = [make_record(made_on=day(recorded), forecaster="good"), make_record(made_on=day(made), mode=mode)]
    if taken:
        _, line = append_new(tmp_path, "acme", records, day(recorded))
        found = [line.body[name] for name in ("mode", "made_on", "recorded_on")]
        assert found == [mode, day(made).isoformat(), day(recorded).isoformat()]
    else:
        with pytest.raises(LedgerError, match=f"a {mode} forecast made on {day(made)} cannot be recorded on"):
            append_new(tmp_path, "acme", records, day(recorded))
        assert ledger.read(tmp_path, "acme") == []


def test_the_same_forecast_is_recorded_once(tmp_path, make_record):
    first, second = make_record(seed=1), make_record(seed=2)
    assert [x.body["seed"] for x in append_new(tmp_path, "acme", [first, second, first], DAY)] == [1, 2]
    assert append_new(tmp_path, "acme", [first, make_record(seed=1, diagnostics={"rhat": 2})], DAY) == []
    assert len(ledger.read(tmp_path, "acme")) == 2


PLACE = {"episode_id": "acme-one", "evidence_url": "https://example.org", "what": "Acme One"}


def test_a_resolution_says_when_it_happened_and_when_it_was_known(tmp_path):
    record = resolved_record("q", day(3), day(5), "part", **PLACE)
    (line,) = ledger.append(tmp_path, "resolutions", [record], recorded_on=day(9))
    days = {"happened_on": "2026-01-04", "known_on": "2026-01-06", "recorded_on": "2026-01-10"}
    expected = {"kind": "resolved", "question_id": "q", "opening": "part"} | days | PLACE
    assert expected.items() <= line.body.items()
    assert resolved_record("q", day(3), day(3), "full", **PLACE)["opening"] == "full"


@pytest.mark.parametrize(
    ("known", "opening", "fault"),
    [
        (day(2), "full", "known on 2026-01-03, before it happened on 2026-01-04"),
        (day(3), "weights", "opening 'weights' is none of full, part"),
        (day(3), None, "opening None is none of full, part"),
    ],
)
def test_a_resolution_that_cannot_be_is_refused(known, opening, fault):
    with pytest.raises(LedgerError, match=f"^resolution of q: {fault}$"):
        resolved_record("q", day(3), known, opening, **PLACE)


@pytest.mark.parametrize("kind", ["void", "ambiguous", "reopened"])
def test_a_question_is_closed_or_opened_again_with_a_reason(tmp_path, kind):
    record = status_record(kind, "q", "a mistake")
    assert record == {"kind": kind, "question_id": "q", "why": "a mistake"}
    assert len(ledger.append(tmp_path, "resolutions", [record], recorded_on=DAY)) == 1


@pytest.mark.parametrize("kind", ["resolved", "note", "forecast", "Void", ""])
def test_no_other_status_is_taken(kind):
    with pytest.raises(LedgerError, match=f"^resolution of q: {kind!r} is none of void, ambiguous, reopened$"):
        status_record(kind, "q", "a mistake")


def test_notes_and_withdrawals_belong_in_their_chains(tmp_path):
    assert ledger.append(tmp_path, "resolutions", [note_record("q", "leaked")], recorded_on=DAY)
    assert ledger.append(tmp_path, "acme", [withdrawal_record("0" * 16, "a mistake")], recorded_on=DAY)
    with pytest.raises(LedgerError, match="kind 'withdrawal' does not belong in chain 'resolutions'"):
        ledger.append(tmp_path, "resolutions", [withdrawal_record("0" * 16, "a mistake")], recorded_on=DAY)


def test_draws_do_not_go_into_the_record(make_forecast, make_record):
    forecast = make_forecast(lambda u: u / 3650)
    draws = Draws(forecast.cdf_full[None], forecast.cdf_part[None], np.ones(1))
    assert make_record(replace(forecast, draws=draws)) == make_record(forecast)
