"""What a catalogue suggests: on small made-up ones, on the real copies, and on news planted in a real one."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.discover import DAY, LATER, as_catalogue, came, measure, raw_catalogue, real_copies
from forecast.tables.candidates import SINCE_DAYS, Candidate, Found, discover
from forecast.tables.catalogue import Catalogue, read_catalogue

ROOT = Path(__file__).resolve().parents[2]
TODAY = dt.date(2026, 11, 25)
NOW = dt.date(2026, 6, 14)
GLM, LAGUNA = "zhipu-glm-5.2", "poolside-laguna-m1"


def entry(name: str, is_open: bool | None, released: str = "2026-05-01", **more: Any) -> dict[str, Any]:
    """One entry of a catalogue."""
    own = {"id": name, "name": more.pop("title", name), "release_date": released, "last_updated": released}
    return own | ({} if is_open is None else {"open_weights": is_open}) | more


def api(day: dt.date = NOW, folder: str = "", **providers: list[dict[str, Any]]) -> Catalogue:
    """A catalogue by provider."""
    filler = [entry("filler/other-7b", True)]
    raw = {
        name.replace("_", "-"): rows
        for name, rows in (providers | {"poe": [*providers.get("poe", []), *filler]}).items()
    }
    found = {name: {"models": {row["id"]: row for row in rows}} for name, rows in raw.items()}
    return read_catalogue(json.dumps(found).encode(), f"{folder}api-{day}.json", TODAY)


def models(day: dt.date = NOW, *rows: dict[str, Any]) -> Catalogue:
    """A catalogue by model."""
    found = {row["id"]: row for row in (entry("filler/other-7b", True), *rows)}
    return read_catalogue(json.dumps(found).encode(), f"models-{day}.json", TODAY)


@pytest.fixture(scope="module")
def tables(make_data: Callable[..., Path]) -> Path:
    """A maker with a closed, an opened, a partly opened and a withdrawn model."""
    zhipu = {"organization": "Zhipu AI", "org_country": "CN", "family": "zhipu-glm", "closed_on": "2026-03-01"}
    opened = {
        "outcome": "opened",
        "outcome_on": "2026-04-07",
        "outcome_precision": "day",
        "observed_through": "2026-04-07",
    }
    part = {**opened, "outcome": "opened_partial", "what_opened": "a small one"}
    gone = {**opened, "outcome": "withdrawn"}
    seen = {"observed_through": "2026-05-01"}
    return make_data(
        episodes=[
            zhipu | seen | {"episode_id": "zhipu-glm-5", "model": "GLM-5"},
            zhipu | seen | {"episode_id": "zhipu-glm-5-turbo", "model": "GLM-5-Turbo"},
            zhipu | opened | {"episode_id": "zhipu-glm-5.1", "model": "GLM-5.1"},
            zhipu | part | {"episode_id": "zhipu-glm-5v", "model": "GLM-5V"},
            zhipu | gone | {"episode_id": "zhipu-glm-4", "model": "GLM-4"},
            zhipu | {"episode_id": "zhipu-glm-7", "model": "Seven", "closed_on": "2026-05-10"},
        ],
        open_debuts=[
            {"organization": "Zhipu AI", "model": "GLM-4.6", "opened_on": "2025-09-30", "entry": "zhipuai/glm-4.6"}
        ],
        cohorts=[
            {"cohort": "models-dev-2026-04", "entry": "zhipuai/glm-5", "episode_id": "zhipu-glm-5", "excluded": ""},
            {"cohort": "models-dev-2026-06", "entry": "zhipuai/glm-7", "episode_id": "zhipu-glm-7", "excluded": ""},
            {"cohort": "models-dev-2026-04", "entry": "zhipuai/glm-5-air-latest", "organization": "zhipuai"},
            {"cohort": "models-dev-2026-04", "entry": "zhipuai/glm-5-hosted-plus", "organization": "zhipuai"},
        ],
    )


def only(found: Found, kind: Any) -> Candidate:
    [candidate] = found.of(kind)
    return candidate


def lines(candidate: Candidate) -> list[str]:
    return [command.line for command in candidate.commands]


# --- Openings ----------------------------------------------------------------------------------------------------


def test_a_closed_model_that_its_maker_calls_open_is_a_strong_candidate_with_both_sides(tables: Path) -> None:
    found = discover(tables, [api(zai=[entry("glm-5", True)], kilo=[entry("z-ai/glm-5:free", False)])], NOW)
    candidate = only(found, "opened")
    assert (candidate.episode_id, candidate.status, candidate.support) == ("zhipu-glm-5", "still closed", "strong")
    assert "its maker's own entry calls it open" in candidate.reason
    assert candidate.conflicts == ("open by zai (its maker); closed by kilo",)
    assert [(x.provider, x.entry, x.open_weights) for x in candidate.evidence] == [
        ("zai", "glm-5", True),
        ("kilo", "z-ai/glm-5:free", False),
    ]
    assert lines(candidate)[0].startswith(
        "forecast episodes open zhipu-glm-5 --on 2026-06-14 --precision year --source "
    )
    assert lines(candidate)[1] == lines(candidate)[0] + " --part"
    assert lines(candidate)[2].startswith("forecast episodes seen zhipu-glm-5 --on 2026-06-14 --source https://")
    assert found.of("gone") == found.of("debut") == ()


@pytest.mark.parametrize(
    ("sides", "support"),
    [
        ({"kilo": True}, "weak"),
        ({"kilo": True, "poe": True}, "strong"),
        ({"kilo": True, "poe": True, "vercel": False}, "strong"),
        ({"kilo": True, "poe": True, "vercel": False, "venice": False}, "weak"),
        ({"kilo": True, "vercel": False}, "weak"),
        ({"kilo": True, "poe": True, "venice": True, "zai": False}, "strong"),
        ({"kilo": True, "zai": False}, "weak"),
        ({"kilo": False, "poe": False, "zai": True}, "strong"),
        ({"zai": True, "zhipuai": False, "kilo": True}, "weak"),  # its maker contradicts itself
        ({"alibaba": True, "alibaba_cn": True, "kilo": False}, "weak"),  # branches have one vote
    ],
)
def test_how_much_speaks_for_an_opening(tables: Path, sides: dict[str, bool], support: str) -> None:
    listed = {provider: [entry("glm-5", flag)] for provider, flag in sides.items()}
    assert only(discover(tables, [api(**listed)], NOW), "opened").support == support


@pytest.mark.parametrize(
    "name", ["glm-5-turbo-2", "glm-5.3", "glm-5-air", "glm-6", "glm-5-9b", "glm-5-0326", "glm-5-thinking", "glm-latest"]
)
def test_an_open_model_that_is_almost_it_opens_nothing(tables: Path, name: str) -> None:
    found = discover(tables, [api(zai=[entry("glm-5", False), entry(name, True)])], NOW)
    assert found.of("opened") == ()


def test_a_model_that_never_was_open_is_listed_and_not_believed(tables: Path) -> None:
    closed = {p: [entry("glm-5-turbo", False)] for p in ("zai", "poe", "venice", "vercel")}
    candidate = only(discover(tables, [api(kilo=[entry("z-ai/glm-5-turbo", True)], **closed)], NOW), "opened")
    assert (candidate.support, candidate.reason.split(";")[0]) == ("weak", "open by 1 of 5 providers")


def test_entries_that_turned_between_two_copies_are_believed_and_give_the_window(tables: Path) -> None:
    before, after = dt.date(2026, 6, 1), dt.date(2026, 6, 14)
    closed = {"zai": [entry("glm-5", False)], "venice": [entry("glm-5", False)]}
    copies = [
        api(after, kilo=[entry("z-ai/glm-5", True)], **closed),
        api(before, kilo=[entry("z-ai/glm-5", False)], **closed),
    ]
    candidate = only(discover(tables, copies, NOW), "opened")
    assert candidate.support == "strong"
    assert "kilo turned from closed to open" in candidate.reason
    assert "between 2026-06-02 and 2026-06-14" in candidate.reason
    assert "--on 2026-06-14 --precision month" in lines(candidate)[0]
    # in the other order of days it closed, and nothing is open now
    swapped = [api(before, kilo=[entry("z-ai/glm-5", True)]), api(after, kilo=[entry("z-ai/glm-5", False)])]
    assert discover(tables, swapped, NOW).of("opened") == ()


def test_two_shapes_of_one_day_are_read_together_and_may_disagree(tables: Path) -> None:
    weights = [{"url": "https://huggingface.co/zai-org/GLM-5"}]
    by_model = models(NOW, entry("zhipuai/glm-5", True, weights=weights, license="MIT"))
    candidate = only(discover(tables, [api(zai=[entry("glm-5", False)]), by_model], NOW), "opened")
    assert candidate.conflicts == ("open by models.dev; closed by zai (its maker)",)
    assert candidate.support == "weak"  # one vote, which is even
    assert "--source https://huggingface.co/zai-org/GLM-5 --license MIT --license-class osi" in lines(candidate)[0]


def test_what_is_open_already_is_shown_as_such(tables: Path) -> None:
    found = discover(tables, [api(zai=[entry("glm-5.1", True)], kilo=[entry("glm-5.1", False)])], NOW)
    candidate = only(found, "open already")
    assert (candidate.episode_id, candidate.status) == ("zhipu-glm-5.1", "opened on 2026-04-07")
    assert candidate.commands == ()
    assert candidate.conflicts == ("open by zai (its maker); closed by kilo",)
    assert found.of("opened") == ()


def test_the_table_is_that_of_the_day(tables: Path) -> None:
    copies = [api(zai=[entry("glm-5.1", True)])]
    assert only(discover(tables, copies, dt.date(2026, 4, 6)), "opened").episode_id == "zhipu-glm-5.1"
    assert only(discover(tables, copies, dt.date(2026, 4, 7)), "open already").episode_id == "zhipu-glm-5.1"


def test_a_part_and_a_withdrawal_leave_an_opening_to_find(tables: Path) -> None:
    found = discover(tables, [api(zai=[entry("glm-5v", True), entry("glm-4", True)])], NOW)
    by_id = {c.episode_id: c for c in found.of("opened")}
    assert set(by_id) == {"zhipu-glm-5v", "zhipu-glm-4"}
    assert by_id["zhipu-glm-5v"].status == "opened partial on 2026-04-07"
    assert not any("--part" in line for line in lines(by_id["zhipu-glm-5v"]))


@pytest.mark.parametrize(
    ("name", "through", "said"),
    [
        ("glm-5", "2026-05-01", "closed"),
        ("glm-5v", "2026-04-07", "open in part only"),
        ("glm-4", "2026-04-07", "not open"),
    ],
)
def test_later_evidence_of_the_table_speaks_against_an_opening(
    tables: Path, name: str, through: str, said: str
) -> None:
    last = dt.date.fromisoformat(through)
    for day, against in ((last - dt.timedelta(days=1), True), (last, False)):
        candidate = only(discover(tables, [api(day, zai=[entry(name, True)])], NOW), "opened")
        told = f"the table has it {said} through {through}, later than this copy"
        assert candidate.conflicts == ((told,) if against else ())
    # what was not known on the day speaks against nothing
    known = dt.date(2026, 4, 20)
    assert only(discover(tables, [api(known, zai=[entry("glm-5", True)])], known), "opened").conflicts == ()


def test_copies_of_one_day_that_disagree_say_so_and_are_told_apart(tables: Path) -> None:
    copies = [api(zai=[entry("glm-5", True)]), models(NOW, entry("zhipuai/glm-5", False))]
    candidate = only(discover(tables, copies, NOW), "opened")
    assert candidate.reason.startswith("called open as often as closed by each that lists it; if so, opened between")
    assert candidate.conflicts == ("open by zai (its maker); closed by models.dev",)
    assert {x.copy for x in candidate.evidence} == {f"api-{NOW}.json", f"models-{NOW}.json"}
    twice = [api(NOW, folder, zai=[entry("glm-5", flag)]) for folder, flag in (("a/", True), ("b/", False))]
    candidate = only(discover(tables, twice, NOW), "opened")
    assert [(x.open_weights, x.copy) for x in candidate.evidence] == [
        (True, f"a/api-{NOW}.json"),
        (False, f"b/api-{NOW}.json"),
    ]
    assert {x["copy"] for x in candidate.as_json()["evidence"]} == {f"a/api-{NOW}.json", f"b/api-{NOW}.json"}


# --- Debuts ------------------------------------------------------------------------------------------------------


def test_a_closed_model_without_an_episode_is_a_debut_and_the_command_says_all(tables: Path) -> None:
    shop = [entry("z-ai/glm-6-turbo:free", True), entry("z-ai/GLM_6_Turbo-preview", False, "2026-05-20")]
    found = discover(tables, [api(zai=[entry("glm-6-turbo", False, title="GLM-6 Turbo")], kilo=shop)], NOW)
    candidate = only(found, "debut")
    assert (candidate.episode_id, candidate.model, candidate.support) == ("zhipu-glm-6-turbo", "GLM-6 Turbo", "strong")
    assert (
        candidate.conflicts == ("open by kilo; closed by kilo, zai (its maker)", "kilo says both")[:0]
        or candidate.conflicts
    )
    assert candidate.conflicts == ("open by kilo; closed by zai (its maker), kilo", "kilo says both")
    words = shlex.split(lines(candidate)[0])
    given = dict(zip(words[3::2], words[4::2], strict=False))
    assert given["--id"] == "zhipu-glm-6-turbo"
    assert given["--org"] == "Zhipu AI"
    assert given["--family"] == "zhipu-glm"
    assert (given["--closed-on"], given["--observed-through"]) == ("2026-05-01", "2026-06-14")


def test_what_the_tables_know_in_any_way_is_no_debut(tables: Path) -> None:
    known = [
        entry("glm-5", False),
        entry("glm-5-thinking", False),
        entry("glm-5-0520", False),
        entry("glm-5.1-fp8", False),  # opened
        entry("glm-4.6", False),  # open from its debut
        entry("glm-5-hosted-plus", False),  # left out of a cohort for a reason
        entry("glm-latest", False),
    ]
    assert discover(tables, [api(zai=known)], NOW).of("debut") == ()


def test_a_model_whose_episode_is_not_yet_known_on_the_day_is_a_debut(tables: Path) -> None:
    listed = [api(zai=[entry("glm-7", False)])]  # the table calls it Seven; a cohort knows the entry
    assert only(discover(tables, listed, dt.date(2026, 5, 9)), "debut").episode_id == "zhipu-glm-7"
    assert discover(tables, listed, dt.date(2026, 5, 10)).of("debut") == ()


@pytest.mark.parametrize(
    ("sides", "support"),
    [
        ({"zai": False}, "strong"),
        ({"kilo": False}, "weak"),
        ({"kilo": False, "poe": False}, "strong"),
        ({"kilo": False, "poe": True}, None),
        ({"zai": True, "kilo": False, "poe": False}, None),
        ({"kilo": None}, None),
    ],
)
def test_how_much_speaks_for_a_debut(tables: Path, sides: dict[str, bool | None], support: str | None) -> None:
    found = discover(tables, [api(**{p: [entry("z-ai/glm-6", flag)] for p, flag in sides.items()})], NOW)
    assert [c.support for c in found.of("debut")] == ([] if support is None else [support])


def test_only_debuts_since_a_day_count_and_the_maker_dates_them(tables: Path) -> None:
    old, new = NOW - dt.timedelta(days=SINCE_DAYS + 1), NOW - dt.timedelta(days=SINCE_DAYS)
    for day, hits in ((old, 0), (new, 1)):
        listed = [api(zai=[entry("glm-6", False, str(day))], kilo=[entry("glm-6", False, "2026-06-01")])]
        assert len(discover(tables, listed, NOW).of("debut")) == hits
    assert discover(tables, listed, NOW, since=new + dt.timedelta(days=1)).of("debut") == ()
    branches = api(zai=[entry("glm-6", False, "2026-05-09")], zhipuai=[entry("glm-6", False, "2026-05-02")])
    assert "--closed-on 2026-05-02" in lines(only(discover(tables, [branches], NOW), "debut"))[0]
    # resellers' days: the middle one, neither a placeholder nor the day of a late listing
    days = ("2020-01-01", "2026-02-03", "2026-06-13")
    shops = {p: [entry("glm-6", False, day)] for p, day in zip(("kilo", "poe", "venice"), days, strict=True)}
    candidate = only(discover(tables, [api(**shops)], NOW), "debut")
    assert "--closed-on 2026-02-03" in lines(candidate)[0]
    assert "released between 2020-01-01 and 2026-06-13" in candidate.conflicts
    undated = api(kilo=[entry("glm-6", False, "1970-01-01")], poe=[entry("glm-6", False, "1970-01-01")])
    assert discover(tables, [undated], NOW).of("debut") == ()


def test_a_month_stays_a_month_and_a_day_to_come_becomes_the_copys(tables: Path) -> None:
    month = only(discover(tables, [api(zai=[entry("glm-6", False, "2026-05")])], NOW), "debut")
    assert "--closed-on 2026-05-01 --closed-precision month" in lines(month)[0]
    ahead = only(discover(tables, [api(zai=[entry("glm-6", False, "2026-06-15")])], NOW), "debut")
    assert "--closed-on 2026-06-14 " in lines(ahead)[0]


def test_a_stranger_is_proposed_without_country_and_kind(tables: Path) -> None:
    shops = {p: [entry("newlab/zeta-1", False, title="Newlab: Zeta 1 (beta)")] for p in ("kilo", "venice")}
    candidate = only(discover(tables, [api(**shops)], NOW), "debut")
    assert (candidate.episode_id, candidate.model, candidate.organization) == ("newlab-zeta-1", "Zeta 1", "Newlab")
    assert "no other row of its organisation" in candidate.status
    assert "--org-country" not in lines(candidate)[0]


def test_names_from_outside_cannot_leave_their_place_in_a_command(tables: Path) -> None:
    evil = "glm-6'; rm -rf ~ #`id` $HOME"
    rows = [entry("z-ai/glm-6", False, title=evil), entry("z-ai/glm-7", False, title="--dry-run")]
    for candidate in discover(tables, [api(zai=rows)], NOW).of("debut"):
        words = shlex.split(lines(candidate)[0])
        assert words[:3] == ["forecast", "episodes", "add"]
        assert evil in words or "--model=--dry-run" in words
        assert "--dry-run" not in words
        assert "\n" not in lines(candidate)[0]


# --- What is gone ------------------------------------------------------------------------------------------------


def test_a_closed_model_that_is_no_longer_listed_is_gone(tables: Path) -> None:
    before = api(dt.date(2026, 6, 1), zai=[entry("glm-5-turbo", False), entry("glm-5.1", True), entry("glm-4", False)])
    after = api(NOW, zai=[entry("glm-5", False)])
    candidate = only(discover(tables, [before, after], NOW), "gone")  # neither the opened nor the withdrawn one
    assert (candidate.episode_id, candidate.support) == ("zhipu-glm-5-turbo", "strong")
    assert candidate.reason == "listed through 2026-06-01 by zai; by none on 2026-06-14"
    assert lines(candidate)[0].startswith(
        "forecast episodes withdraw zhipu-glm-5-turbo --on 2026-06-14 --precision month"
    )
    assert lines(candidate)[1].startswith("forecast episodes seen zhipu-glm-5-turbo --on 2026-06-14 ")
    setting = api(NOW, zai=[entry("glm-5", False)], kilo=[entry("z-ai/glm-5-turbo-thinking", False)])
    assert discover(tables, [before, setting], NOW).of("gone") == ()


def test_the_cohort_is_an_earlier_copy(tables: Path) -> None:
    candidate = only(discover(tables, [api(zai=[entry("glm-5-turbo", False)])], NOW), "gone")
    assert (candidate.episode_id, candidate.support) == ("zhipu-glm-5", "strong")
    assert candidate.reason == "listed through 2026-04-30 by models.dev; by none on 2026-06-14"
    # a copy of the cohort's own month is no later one
    early = api(dt.date(2026, 4, 20), zai=[entry("glm-5-turbo", False)])
    assert discover(tables, [early], NOW).of("gone") == ()


def test_a_smaller_list_of_another_shape_makes_nothing_gone(tables: Path) -> None:
    before = api(dt.date(2026, 6, 1), zai=[entry("glm-5-turbo", False), entry("glm-5", False)])
    assert discover(tables, [before, models(NOW, entry("zhipuai/glm-5", False))], NOW).of("gone") == ()


@pytest.mark.parametrize(("entries", "hits"), [(4, 1), (3, 0)])
def test_a_copy_of_less_than_half_the_entries_makes_nothing_gone(tables: Path, entries: int, hits: int) -> None:
    more = [entry(f"filler/model-{n}b", True) for n in range(5)]
    before = api(dt.date(2026, 6, 1), zai=[entry("glm-5-turbo", False), *more])  # 7 with the filler
    found = discover(tables, [before, api(NOW, zai=[entry("glm-5", False), *more[: entries - 2]])], NOW)
    assert [len(c.table) for c in found.catalogues] == [7, entries]
    assert len(found.of("gone")) == hits
    said = f"nothing is called gone: api-{NOW}.json has 3 entries, less than half of the 7 of 2026-06-01"
    assert found.notes == (() if hits else (said,))
    # whole where both copies of the day are
    both = [before, found.catalogues[1], api(NOW, "b/", zai=[entry("glm-5", False), *more])]
    assert discover(tables, both, NOW).notes == ()


def test_a_copy_with_few_models_of_the_tables_makes_nothing_of_a_cohort_gone(make_data: Callable[..., Path]) -> None:
    names = [f"zhipu-glm-{n}" for n in range(5, 10)]
    rows = [{"episode_id": name, "model": name[6:].upper(), "organization": "Zhipu AI"} for name in names]
    cohort = [{"cohort": "models-dev-2026-04", "entry": f"zhipuai/{n[6:]}", "episode_id": n} for n in names]
    data = make_data(
        episodes=[row | {"family": row["episode_id"]} for row in rows],
        cohorts=[entry | {"excluded": ""} for entry in cohort],
    )
    few, half = ([entry(f"glm-{n}", False) for n in range(5, last)] for last in (7, 8))
    found = discover(data, [api(zai=few)], NOW)
    assert found.of("gone") == ()
    assert found.notes == (
        "none of the cohorts is called gone: of the tables' models the copy lists 2, "
        "less than half of the 5 that cohorts of earlier months hold",
    )
    found = discover(data, [api(zai=half)], NOW)
    assert ([c.episode_id for c in found.of("gone")], found.notes) == (names[3:], ())
    # two copies of a part: what one has and the other has not is gone all the same
    before = api(dt.date(2026, 6, 1), zai=half)
    assert [c.episode_id for c in discover(data, [before, api(zai=few)], NOW).of("gone")] == ["zhipu-glm-7"]


# --- The real copies ---------------------------------------------------------------------------------------------


def copy_of(shape: str, day: dt.date) -> Catalogue:
    folder = ROOT / ("tests/catalogue" if shape == "api" else "data/catalogue")
    file = folder / f"models.dev-{shape}-{day}.json.gz"
    return read_catalogue(gzip.decompress(file.read_bytes()), file.name, TODAY)


@pytest.fixture(scope="module")
def both_days(real_data: Path) -> Found:
    """The copies by provider of both days against the table as of the first."""
    return discover(real_data, real_copies(), DAY)


@pytest.fixture(scope="module")
def afterwards(real_data: Path) -> Found:
    """The same copies against the table as of the second day."""
    return discover(real_data, real_copies(), LATER)


@pytest.fixture(scope="module")
def first_day(real_data: Path) -> Found:
    """The copy by provider of the first day, read from JSON as the planted ones are."""
    return discover(real_data, [as_catalogue(raw_catalogue())], DAY)


def test_glm_5_2_and_laguna_m_1_are_found_and_glm_5_1_is_open_already(both_days: Found) -> None:
    strong = {c.episode_id: c for c in both_days.of("opened", "strong")}
    assert {GLM, LAGUNA} <= set(strong)
    assert "zai-coding-plan, zhipuai-coding-plan turned from closed to open" in strong[GLM].reason
    assert "openrouter turned from closed to open; open by 1 of 4 providers" in strong[LAGUNA].reason
    assert strong[LAGUNA].conflicts == ("open by openrouter; closed by poolside (its maker), kilo, nano-gpt",)
    assert "between 2026-06-15 and 2026-07-01" in strong[GLM].reason
    [already] = [c for c in both_days.of("open already") if c.episode_id == "zhipu-glm-5.1"]
    assert already.reason.startswith("zai turned from closed to open")
    assert already.status == "opened on 2026-04-07"
    assert "zhipu-glm-5.1" not in {c.episode_id for c in both_days.of("opened")}


def test_by_model_only_glm_5_2_turned(real_data: Path) -> None:
    found = discover(real_data, [copy_of("models", DAY), copy_of("models", LATER)], DAY)
    assert [c.episode_id for c in found.of("opened")] == [GLM]
    assert "--source https://huggingface.co/zai-org/GLM-5.2" in found.of("opened")[0].commands[0].line


def test_a_fortnight_later_they_are_no_news(afterwards: Found) -> None:
    assert {GLM, LAGUNA, "zhipu-glm-5.1"} <= {c.episode_id for c in afterwards.of("open already")}
    assert not {GLM, LAGUNA} & {c.episode_id for c in afterwards.of("opened")}


def test_how_much_of_what_the_real_copies_suggest_came(real_data: Path, both_days: Found, afterwards: Found) -> None:
    opened = came(real_data, both_days, afterwards)
    assert opened == {GLM, LAGUNA}
    strong = {c.episode_id for c in both_days.of("opened", "strong")}
    assert opened <= strong
    assert len(opened) / len(strong) >= 0.25  # 2 of 7: the others are called open, and are not


def test_the_census_of_the_same_catalogue_leaves_no_debut(real_data: Path) -> None:
    """Every closed entry of that list was looked up by hand: a debut would be a name that is not matched."""
    found = discover(real_data, [copy_of("models", DAY)], DAY, since=dt.date(2016, 1, 1))
    assert [c.episode_id for c in found.of("debut")] == []
    assert found.of("gone") == ()


def test_the_real_debuts_are_few_and_hold_no_reseller_of_a_known_model(first_day: Found) -> None:
    strong = {c.episode_id for c in first_day.of("debut", "strong")}
    assert {"alibaba-qwen3.5-flash", "openai-gpt-5.3-codex-spark", "inception-mercury-2"} <= strong
    assert len(strong) < 50
    known = ("claude", "gpt-5.1", "gpt-5.2", "gemini-2", "gemini-3", "glm-5", "kimi", "grok-4")
    assert [i for i in strong for name in known if name in i] == []


def test_json_has_everything_and_nothing_that_json_has_not(first_day: Found) -> None:
    told = json.loads(json.dumps(first_day.as_json(), default=str, allow_nan=False))
    assert list(told) == ["as_of", "since", "catalogues", "notes", "candidates"]
    assert [c["entries"] for c in told["catalogues"]] == [5268]
    kinds = [c["kind"] for c in told["candidates"]]
    assert kinds == sorted(kinds, key=["opened", "debut", "gone", "open already"].index)
    first = told["candidates"][0]
    assert {"provider", "entry", "open_weights", "released", "updated", "weights", "source"} <= set(
        first["evidence"][0]
    )
    assert {"when", "command"} == set(first["commands"][0])


# --- Planted news ------------------------------------------------------------------------------------------------


def test_planted_news_is_found_and_decoys_are_not(real_data: Path, first_day: Found) -> None:
    known, new, debut = measure(101, real_data, first_day).values()
    assert known.planted >= 12
    assert (new.planted, debut.planted) == (15, 20)
    assert known.recall >= 0.95
    assert new.recall >= 0.8
    assert debut.recall >= 0.95
    assert min(known.precision, new.precision) >= 0.9
    assert debut.precision >= 0.75
    assert debut.strong == debut.found


@pytest.mark.slow
def test_a_seed_plants_the_same_in_every_process() -> None:
    """The order of a set differs from process to process, what is planted must not."""
    code = (
        "import hashlib, json; from benchmarks.discover import ROOT, plant, raw_catalogue; "
        "news, forgotten = plant(raw_catalogue(), ROOT / 'data', 101); "
        "print(hashlib.sha256(json.dumps([news.raw, sorted(forgotten)]).encode()).hexdigest())"
    )
    planted = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in "123"
    }
    assert len(planted) == 1


def test_without_a_look_at_the_planted_catalogue_nothing_is_found(
    real_data: Path, first_day: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.discover.discover", lambda *_: first_day)
    assert [score.recall for score in measure(101, real_data, first_day).values()] == [0, 0, 0]
