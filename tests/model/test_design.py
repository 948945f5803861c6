"""From dates to segments: lags counted by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.errors import FitError
from forecast.model.covariates import COVARIATES, covariate_matrix
from forecast.model.design import NO_PART, Design, build_design, design_rows
from forecast.model.likelihood import NODES
from forecast.tables.episodes import open_window, read_episodes
from forecast.tables.promises import STATES

ViewOf = Callable[..., pd.DataFrame]
Cells = dict[str, str]

#: Plain rows debut on 2024-03-01; lags are counted from the middle of that day.
OPENED: Cells = {"outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"}  # 193 days on
IN_PART = OPENED | {"outcome": "opened_partial"}
LEAKED = OPENED | {"outcome": "leaked"}
MONTH: Cells = {"closed_precision": "month"}
PROGRAM: Cells = {"domain": "software"}
#: A row that makes any table fit to be fitted.
OLD: Cells = {
    "episode_id": "old",
    "closed_on": "2020-01-01",
    "outcome": "opened",
    "outcome_on": "2020-02-01",
    "outcome_precision": "day",
}
VAGUE: Cells = {"known_on": "2024-04-10"}  # 40 days after the debut, 153 before the opening
DATED = VAGUE | {"kind": "dated", "due_to": "2024-08-31"}  # 143 days ahead
EARLY: Cells = {"known_on": "2024-02-01"}
REFUSED: Cells = {"kind": "refused", "known_on": "2024-06-10"}  # 101 days after the debut
WAIT = np.log(41)


def segments_of(
    view: pd.DataFrame, target: str = "any", organizations: tuple[str, ...] = ("Acme",)
) -> list[dict[str, Any]]:
    """Segments of the first row, lags at the middle of the debut's window."""
    design = design_rows(view, target, organizations, ("text",))
    return [
        {
            "state": STATES[design.state[i]],
            "sign": design.sign[i],
            "kind": design.kind[i],
            "share": design.with_share[i],
            "start": design.start_days[i, 1],
            "end": design.end_days[i, 1],
            "wait": design.covariates[i, -1],
            "due": np.exp(design.log_due[i]),
            "width": np.ptp(design.end_days[i]) / np.ptp(NODES),
        }
        for i in np.flatnonzero(design.row == 0)
    ]


def survived(days: float, state: str = "none", sign: float = 1, **more: float) -> dict[str, Any]:
    return {"state": state, "sign": sign, "kind": 0, "start": days, "end": days} | more


def opened(start: float, end: float, state: str = "none", kind: int = 1, **more: float) -> dict[str, Any]:
    return {"state": state, "sign": 1, "kind": kind, "start": start, "end": end} | more


def assert_segments(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    usual = {"share": 1, "wait": 0, "due": 1}
    assert len(found) == len(expected)
    for have, want in zip(found, expected, strict=True):
        want = usual | want
        assert {k: have[k] for k in want} == pytest.approx(want, abs=1e-9)


# --- Windows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param(OPENED, opened(192.5, 193.5, width=1), id="days"),
        pytest.param(OPENED | {"outcome_precision": "month"}, opened(183.5, 213.5, width=1), id="opened in a month"),
        pytest.param(OPENED | MONTH, opened(177.5, 178.5, width=31), id="debut in a month"),
        pytest.param(
            OPENED | MONTH | {"outcome_precision": "month"}, opened(168.5, 198.5, width=31), id="both in a month"
        ),
        pytest.param(
            MONTH
            | OPENED
            | {"outcome_on": "2024-03-31", "outcome_precision": "month", "observed_through": "2024-03-20"},
            opened(0, 10, width=20),
            id="both in one month, cut at the last evidence",
        ),
        pytest.param({}, survived(974.5, width=1), id="closed"),
        pytest.param(MONTH, survived(959.5, width=31), id="closed since a month"),
        pytest.param(OPENED | {"outcome": "withdrawn"}, survived(974.5), id="a withdrawal ends nothing"),
        pytest.param(LEAKED, survived(193.5), id="a leak ends the follow-up"),
    ],
)
def test_lags_run_from_the_debut_to_the_opening_or_the_end_of_the_follow_up(
    view_of: ViewOf, cells: Cells, expected: dict[str, Any]
) -> None:
    assert_segments(segments_of(view_of(cells)), [expected])


@pytest.mark.parametrize(
    ("cells", "as_of", "follow_up", "days"),
    [
        pytest.param({}, "2024-03-01", "silence", 0.5, id="on the debut day"),
        pytest.param(LEAKED, "2024-09-01", "silence", 184.5, id="before the leak is known"),
        pytest.param(OPENED, "2024-09-09", "silence", 192.5, id="before the opening is known"),
        pytest.param({}, "2027-06-01", "silence", 974.5, id="not beyond the last search"),
        pytest.param({"observed_through": "2025-01-15"}, "2026-10-31", "silence", 974.5, id="through silence"),
        pytest.param({"observed_through": "2025-01-15"}, "2026-10-31", "evidence", 320.5, id="through the evidence"),
    ],
)
def test_the_follow_up_ends_with_what_was_known(
    view_of: ViewOf, cells: Cells, as_of: str, follow_up: str, days: float
) -> None:
    view = view_of(cells, as_of=as_of, follow_up=follow_up)
    assert_segments(segments_of(view), [survived(days)])


@pytest.mark.parametrize(
    ("cells", "any_opening", "full_opening"),
    [
        pytest.param(OPENED, opened(192.5, 193.5), opened(192.5, 193.5), id="in full"),
        pytest.param(IN_PART, opened(192.5, 193.5, kind=2), survived(974.5), id="in part"),
        pytest.param(
            OPENED | {"outcome_on": "2025-03-01"}, opened(91.5, 92.5, kind=2), opened(364.5, 365.5), id="one, then both"
        ),
    ],
)
def test_an_opening_in_part_is_no_end_for_openings_in_full(
    view_of: ViewOf, cells: Cells, any_opening: dict[str, Any], full_opening: dict[str, Any]
) -> None:
    earlier = [{"episode_id": "acme-one"}] if cells.get("outcome_on") == "2025-03-01" else []
    view = view_of(cells, earlier_openings=earlier)
    assert_segments(segments_of(view, "any"), [any_opening])
    assert_segments(segments_of(view, "full"), [full_opening])
    no_part = {target: set(design_rows(view, target, ("Acme",), ("text",)).no_part) for target in ("any", "full")}
    assert no_part == {"any": {0.0}, "full": {NO_PART}}


# --- Promises ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "promises", "expected"),
    [
        pytest.param(
            OPENED,
            [VAGUE],
            [survived(40), opened(152.5, 153.5, "vague", wait=WAIT, width=0)],
            id="promised, opened",
        ),
        pytest.param({}, [VAGUE], [survived(40), survived(934.5, "vague", wait=WAIT, width=0)], id="promised, closed"),
        pytest.param(LEAKED, [VAGUE], [survived(40), survived(153.5, "vague", wait=WAIT)], id="promised, leaked"),
        pytest.param(
            OPENED | MONTH,
            [VAGUE],
            [survived(25, width=31), opened(152.5, 153.5, "vague", wait=np.log(26), width=0)],
            id="promised, debut in a month",
        ),
        pytest.param(
            OPENED,
            [DATED],
            [survived(40), opened(152.5, 153.5, "dated", wait=WAIT, due=143.5)],
            id="promised for a day",
        ),
        pytest.param(
            {},
            [DATED | {"due_to": "2024-04-10"}],
            [survived(40), survived(934.5, "dated", wait=WAIT, due=0.5)],
            id="promised for the same day",
        ),
        pytest.param(
            OPENED,
            [VAGUE, DATED | {"known_on": "2024-06-10"}],
            [
                survived(40),
                survived(61, "vague", wait=WAIT),
                opened(91.5, 92.5, "dated", wait=np.log(102), due=82.5),
            ],
            id="vague, then dated",
        ),
        pytest.param(OPENED, [EARLY], [opened(192.5, 193.5, "vague", width=1)], id="in force at entry"),
        pytest.param({}, [EARLY | DATED | EARLY], [survived(974.5, "dated", due=183.5)], id="dated at entry"),
        pytest.param(
            {}, [DATED | EARLY | {"due_to": "2024-02-15"}], [survived(974.5, "dated", due=0.25)], id="overdue at entry"
        ),
        pytest.param(
            OPENED | {"outcome_on": "2024-04-15", "outcome_precision": "month"},
            [VAGUE],
            [survived(40), opened(0, 20.5, "vague", wait=WAIT)],
            id="opened in a month cut by the promise",
        ),
        pytest.param(OPENED, [VAGUE | {"known_on": "2024-09-10"}], [opened(192.5, 193.5)], id="on the opening day"),
        pytest.param(
            {}, [EARLY, REFUSED], [survived(101, "vague"), survived(101, sign=-1), survived(974.5)], id="refused"
        ),
        pytest.param(
            OPENED,
            [VAGUE, REFUSED],
            [survived(40), survived(61, "vague", wait=WAIT), survived(101, sign=-1), opened(192.5, 193.5)],
            id="promised, refused, opened",
        ),
        pytest.param(
            OPENED,
            [VAGUE, REFUSED, {"known_on": "2024-07-10"}],
            [
                survived(40),
                survived(61, "vague", wait=WAIT),
                survived(101, sign=-1),
                survived(131),
                opened(61.5, 62.5, "vague", wait=np.log(132)),
            ],
            id="promised again after a refusal",
        ),
        pytest.param({}, [REFUSED], [survived(974.5)], id="refused without a promise"),
        pytest.param(
            LEAKED,
            [{"known_on": "2024-12-01"}],
            [survived(193.5)],
            id="promised after a leak",
        ),
    ],
)
def test_a_promise_splits_the_row_and_restarts_the_clock(
    view_of: ViewOf, cells: Cells, promises: list[Cells], expected: list[dict[str, Any]]
) -> None:
    assert_segments(segments_of(view_of(cells, promises=tuple(promises))), expected)


def test_an_opening_in_a_month_is_cut_at_a_refusal(view_of: ViewOf) -> None:
    refused = REFUSED | {"known_on": "2024-09-05"}  # 188 days after the debut
    view = view_of(OPENED | {"outcome_precision": "month"}, promises=(EARLY, refused))
    _, entry, opening = segments_of(view)
    assert (entry["sign"], entry["end"]) == (-1, 188)
    assert opening["start"] == pytest.approx(188, abs=0.5)
    assert opening["end"] == 213.5


# --- Rows that inform timing only --------------------------------------------------------------------------------


@pytest.mark.parametrize("domain", ["software", "game"])
@pytest.mark.parametrize(
    ("cells", "promises", "as_of", "expected"),
    [
        pytest.param(OPENED, [], "2026-10-31", [opened(192.5, 193.5), opened(0, 974.5)], id="by the last search"),
        pytest.param(OPENED, [], "2025-03-01", [opened(192.5, 193.5), opened(0, 365.5)], id="by the day of the view"),
        pytest.param(OPENED, [], "2027-06-01", [opened(192.5, 193.5), opened(0, 974.5)], id="not beyond the search"),
        pytest.param(
            OPENED | {"outcome_on": "2026-12-01", "observed_through": "2026-12-01"},
            [],
            "2026-12-31",
            [opened(1004.5, 1005.5), opened(0, 1005.5)],
            id="opened after the last search",
        ),
        pytest.param(
            OPENED,
            [VAGUE],
            "2026-10-31",
            [opened(152.5, 153.5, "vague", wait=WAIT), opened(0, 934.5, "vague", wait=WAIT)],
            id="from the promise",
        ),
        pytest.param(OPENED, [], "2024-09-09", [], id="not known to have opened"),
        pytest.param({}, [VAGUE], "2026-10-31", [], id="closed"),
    ],
)
def test_programs_and_games_inform_timing_alone_given_that_they_opened(
    view_of: ViewOf, domain: str, cells: Cells, promises: list[Cells], as_of: str, expected: list[dict[str, Any]]
) -> None:
    view = view_of(cells | {"domain": domain}, OLD, promises=tuple(promises), as_of=as_of)
    for segment, sign in zip(expected, (1, -1), strict=False):
        segment |= {"share": 0, "sign": sign}
    assert_segments(segments_of(view), expected)


# --- The whole design --------------------------------------------------------------------------------------------


def test_every_segment_carries_its_rows_covariates_and_groups(view_of: ViewOf) -> None:
    rows = (OLD, {"organization": "Bolt", "modality": "image", "org_country": "CN", "closed_how": "paper"}, PROGRAM)
    view = view_of(*(row | {"episode_id": f"row-{i}"} for i, row in enumerate(rows)))
    design = build_design(view, "any")
    assert (design.organizations, design.modalities) == (("Acme", "Bolt"), ("image", "text"))
    assert list(design.row) == [0, 1]
    assert (list(design.organization), list(design.modality)) == ([0, 1], [1, 0])
    np.testing.assert_array_equal(design.covariates[:, :-1], covariate_matrix(view)[design.row])
    assert design.covariates.shape == (2, len(COVARIATES) + 1)


def test_a_member_of_no_group_known_takes_the_place_after_the_last(view_of: ViewOf) -> None:
    view = view_of(OLD | {"organization": "Cove", "modality": "video"})
    design = design_rows(view, "any", ("Acme", "Bolt"), ("text",))
    assert (list(design.organization), list(design.modality)) == ([2], [1])


@pytest.mark.parametrize("programs", [True, False])
@pytest.mark.parametrize(
    ("rows", "target"),
    [
        pytest.param([{}], "any", id="closed"),
        pytest.param([{}, OPENED | PROGRAM | {"episode_id": "program"}], "any", id="only a program opened"),
        pytest.param([IN_PART], "full", id="opened in part only"),
        pytest.param([LEAKED], "any", id="leaked"),
    ],
)
def test_a_table_without_an_opened_model_cannot_be_fitted(
    view_of: ViewOf, rows: list[Cells], target: str, programs: bool
) -> None:
    with pytest.raises(FitError, match="no opened AI model was known on 2026-10-31"):
        build_design(view_of(*rows), target, programs)


@pytest.mark.parametrize("programs", [True, False])
def test_a_table_of_closed_programs_cannot_be_fitted(view_of: ViewOf, programs: bool) -> None:
    with pytest.raises(FitError, match="no opened AI model was known"):
        build_design(view_of(PROGRAM), "any", programs)


@pytest.mark.parametrize("programs", [True, False])
def test_openings_that_inform_rates_are_counted(view_of: ViewOf, programs: bool) -> None:
    rows = [OPENED, IN_PART | {"episode_id": "two"}, OPENED | PROGRAM | {"episode_id": "three"}, {"episode_id": "four"}]
    view = view_of(*rows)
    assert [build_design(view, target, programs).n_opened for target in ("any", "full")] == [2, 1]


@pytest.mark.parametrize("domain", ["software", "game"])
def test_programs_and_games_and_their_groups_are_left_out_unless_they_are_asked_for(
    view_of: ViewOf, domain: str
) -> None:
    theirs = {"episode_id": "program", "domain": domain, "organization": "Aardvark", "modality": "other"}
    with_one, without = view_of(OLD, {}, OPENED | theirs), view_of(OLD, {})
    assert build_design(with_one, "any").digest() == build_design(without, "any").digest()
    for programs, organizations, shares in ((False, ("Acme",), [1, 1]), (True, ("Aardvark", "Acme"), [1, 1, 0, 0])):
        design = build_design(with_one, "any", programs)
        assert design.organizations == organizations
        assert ("other" in design.modalities) == programs
        assert list(design.with_share) == shares


def test_a_part_of_a_design_is_its_segments_in_the_same_groups(view_of: ViewOf) -> None:
    design = build_design(view_of(OLD, {"organization": "Bolt"}, promises=(DATED,)), "any")
    assert list(design.row) == [0, 1, 1]
    wanted = (design.row == 1, np.array([1, 2]), slice(1, None))
    for part in (*(design.only(some) for some in wanted), design.of_row(1)):
        assert part.digest() == design.of_row(1).digest() != design.digest()
        assert (part.organizations, part.modalities) == (design.organizations, design.modalities)
        np.testing.assert_array_equal(part.end_days, design.end_days[1:])


# --- Digest ------------------------------------------------------------------------------------------------------


def test_equal_designs_have_equal_digests(view_of: ViewOf) -> None:
    first, again = (build_design(view_of(OLD, {}, promises=(DATED,)), "any").digest() for _ in range(2))
    assert first == again


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Design)])
def test_the_digest_changes_with_any_number(view_of: ViewOf, field: str) -> None:
    design = build_design(view_of(OLD, {}, promises=(DATED,)), "any")
    value = getattr(design, field)
    if isinstance(value, np.ndarray):
        other = value.copy()
        other.flat[-1] += 1
    else:
        other = (*value, "another")
    assert dataclasses.replace(design, **{field: other}).digest() != design.digest()


@pytest.mark.parametrize(
    ("cells", "same"),
    [
        ({"outcome_on": "2020-02-02"}, False),
        ({"closed_how": "app"}, False),
        ({"notes": "a remark"}, True),
        ({"params_b": "7", "license": "MIT", "confidence": "low", "flagship": "false", "frame": "catalogue"}, True),
    ],
)
def test_the_digest_depends_on_what_the_fit_sees_and_on_nothing_else(view_of: ViewOf, cells: Cells, same: bool) -> None:
    before, after = (build_design(view_of(row, {}), "any").digest() for row in (OLD, OLD | cells))
    assert (before == after) == same


# --- As of a day -------------------------------------------------------------------------------------------------

LATER: dict[str, dict[str, Any]] = {
    "opening": {"cells": OPENED | {"license": "MIT", "license_class": "osi", "params_b": "7", "notes": "opened"}},
    "opening in part": {"cells": IN_PART},
    "leak": {"cells": LEAKED},
    "promise": {"promises": (VAGUE, {"kind": "dated", "known_on": "2024-09-01", "due_to": "2024-12-31"})},
    "refusal": {"promises": (VAGUE, {"kind": "refused", "known_on": "2024-09-01"})},
    "debut": {"more": ({"episode_id": "new", "organization": "Aardvark", "closed_on": "2024-09-01"},)},
}


@pytest.mark.parametrize("target", ["any", "full"])
@pytest.mark.parametrize("fact", LATER)
def test_a_design_as_of_a_day_does_not_depend_on_what_came_later(view_of: ViewOf, fact: str, target: str) -> None:
    def digest(as_of: str, cells: Cells, promises: tuple[Cells, ...], more: tuple[Cells, ...]) -> str:
        return build_design(view_of(cells, OLD, *more, promises=promises, as_of=as_of), target).digest()

    before, after = {"cells": {}, "promises": (VAGUE,), "more": ()}, LATER[fact]
    assert digest("2024-08-01", **before) == digest("2024-08-01", **before | after)
    if (fact, target) != ("opening in part", "full"):
        assert digest("2024-10-01", **before) != digest("2024-10-01", **before | after)


@pytest.fixture(scope="module", params=["any", "full"])
def real_design(request: pytest.FixtureRequest, real_view: pd.DataFrame) -> tuple[str, Design]:
    return request.param, build_design(real_view, request.param, programs=True)


def test_the_real_table_gives_whole_and_finite_segments(real_design: tuple[str, Design]) -> None:
    _, design = real_design
    arrays = [v for v in vars(design).values() if isinstance(v, np.ndarray)]
    assert all(np.isfinite(a).all() for a in arrays)
    assert {len(a) for a in arrays} == {len(design.row)}
    ends = np.where(design.kind[:, None] > 0, design.end_days - design.start_days, design.end_days)
    assert (ends >= 0.25 - 1e-9).all()
    assert (design.start_days >= 0).all()


def test_every_real_model_ends_once_opened_or_closed(real_design: tuple[str, Design], real_view: pd.DataFrame) -> None:
    target, design = real_design
    model = (real_view.domain == "ai_model").to_numpy()
    last = pd.DataFrame({"row": design.row, "kind": design.kind}).groupby("row").kind.last()
    kinds = open_window(real_view, target).open_kind.map({"full": 1, "part": 2}).fillna(0).to_numpy()
    assert list(last[model[last.index]].index) == list(np.flatnonzero(model))
    assert (last[model[last.index]].to_numpy() == kinds[model]).all()
    openings = pd.Series(design.row[(design.kind > 0) & (design.sign > 0)])
    assert openings.is_unique
    assert set(design.row[design.with_share == 0]) == set(np.flatnonzero(~model & (kinds > 0)))


def test_the_real_design_without_programs_is_that_of_the_real_models(
    real_design: tuple[str, Design], real_view: pd.DataFrame
) -> None:
    target, everything = real_design
    design, models = build_design(real_view, target), everything.only(everything.with_share > 0)
    for name in ("row", "kind", "start_days", "end_days", "covariates"):
        np.testing.assert_array_equal(getattr(design, name), getattr(models, name))
    for part in (design, models):
        np.testing.assert_array_equal(
            np.array(part.organizations)[part.organization], real_view.organization.to_numpy()[part.row]
        )
    assert set(design.organizations) == set(real_view.organization[real_view.domain == "ai_model"])
    assert set(design.organizations) < set(everything.organizations)


def test_the_real_design_only_grows(real_data: Path) -> None:
    sizes = []
    for year in (2022, 2024, 2026):
        view = read_episodes(real_data / "episodes.csv", dt.date(year, 7, 1))
        design = build_design(view, "any")
        assert design.end_days.max() <= (dt.date(year, 7, 2) - dt.date(1976, 1, 1)).days
        sizes.append((len(design.row), design.n_opened))
    assert sizes[0] < sizes[1] < sizes[2]
