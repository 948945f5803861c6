"""A posterior as the next prior: its moments are kept, absorbed days count once, the rest adds up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.errors import FitError, TableError
from forecast.model.absorbed import absorb, moments_of, prior_map, what_is_left
from forecast.model.design import build_design
from forecast.model.fit import Settings
from forecast.model.moments import Absorbed, FamilyMoments
from forecast.model.pointwise import episode_loglik
from forecast.model.posterior import Posterior
from forecast.model.priors import read_priors
from forecast.model.terms import N_PARAMETERS, layout_of
from forecast.record.answers import Desk
from forecast.record.priors_file import write_from_posterior
from forecast.tables.episodes import read_episodes

THEN, NOW = dt.date(2024, 8, 1), dt.date(2024, 10, 31)
ROWS = [
    {"episode_id": "gone", "outcome": "opened", "outcome_on": "2024-06-10", "outcome_precision": "day"},
    {"episode_id": "opens", "outcome": "opened", "outcome_on": "2024-09-10", "outcome_precision": "day"},
    {"episode_id": "waits", "organization": "Beta"},
    {"episode_id": "promised", "organization": "Beta"},
    {"episode_id": "later", "organization": "Cargo", "closed_on": "2024-09-01"},
]
SAID = ({"about": "promised", "said_on": "2024-09-15", "known_on": "2024-09-15", "kind": "vague"},)


@pytest.fixture(scope="module")
def table(make_data: Callable[..., Path]) -> Path:
    return make_data(episodes=ROWS, promises=list(SAID)) / "episodes.csv"


@pytest.fixture(scope="module")
def views(table: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    return read_episodes(table, THEN), read_episodes(table, NOW)


@pytest.fixture(scope="module")
def drawn(a_posterior: Posterior, views: Any) -> Posterior:
    """Correlated draws, in the groups of the later view."""
    design = build_design(views[1], "any")
    layout = layout_of(design)
    rng = np.random.default_rng(7)
    mixed = rng.normal(size=(layout.size, layout.size)) / np.sqrt(layout.size)
    raw = 0.3 + rng.normal(size=(1500, layout.size)) @ mixed.T
    groups = {"organizations": design.organizations, "modalities": design.modalities}
    return replace(a_posterior, raw=raw, layout=layout, **groups)


def absorbed_by(posterior: Posterior, view: pd.DataFrame, moments: FamilyMoments | None = None) -> Absorbed:
    families = {posterior.latency: moments or moments_of(posterior)}
    return Absorbed(**absorb(posterior, view, build_design(view, "any")), families=families)


# --- Moments -----------------------------------------------------------------------------------------------------


def test_the_moments_of_parameters_and_of_each_member_are_the_posteriors(drawn: Posterior, views: Any) -> None:
    design = build_design(views[1], "any")
    centre, stretch = prior_map(moments_of(drawn), design, drawn.layout)
    covariance = stretch @ stretch.T
    for member in range(len(design.organizations)):
        effects = [drawn.layout.start(f"organization_{e}") + member for e in ("odds", "time", "part")]
        places = [*range(N_PARAMETERS), *effects]
        np.testing.assert_allclose(centre[places], drawn.raw.mean(axis=0)[places], atol=1e-4)
        np.testing.assert_allclose(covariance[np.ix_(places, places)], np.cov(drawn.raw[:, places].T), atol=2e-3)
    assert (np.triu(stretch, 1) == 0).all()


def test_members_never_met_and_spare_places_are_as_before_any_data(drawn: Posterior, views: Any) -> None:
    design = build_design(views[1], "any")
    other = replace(design, organizations=("Newcomer", *design.organizations[1:]))
    centre, stretch = prior_map(moments_of(drawn), other, drawn.layout)
    for member in (0, drawn.layout.organizations - 1):
        place = drawn.layout.start("organization_odds") + member
        assert centre[place] == 0
        assert stretch[place].tolist() == np.eye(drawn.layout.size)[place].tolist()


# --- What is left ------------------------------------------------------------------------------------------------


def test_rows_opened_before_are_gone_and_closed_ones_come_back_with_delayed_entry(drawn: Posterior, views: Any) -> None:
    then, now = views
    left = what_is_left(now, "any", absorbed_by(drawn, then))
    ids = now.episode_id.to_numpy()
    assert [str(ids[row]) for row in np.unique(left.row)] == ["opens", "waits", "promised", "later"]
    waits = left.of_row(int(np.flatnonzero(ids == "waits")[0]))
    assert waits.sign.tolist() == [1.0, -1.0]
    debut = pd.Timestamp("2024-03-01")
    followed = [(pd.Timestamp(day) - debut).days + 1 for day in (NOW, THEN)]
    np.testing.assert_allclose(waits.end_days.mean(axis=1), [f - 0.5 for f in followed], atol=1e-9)
    later = left.of_row(int(np.flatnonzero(ids == "later")[0]))
    assert later.sign.tolist() == [1.0]


def test_then_and_what_is_left_add_up_to_now(drawn: Posterior, views: Any) -> None:
    then, now = views
    some = replace(drawn, raw=drawn.raw[:20])
    design = build_design(now, "any")
    in_groups = replace(build_design(then, "any"), organizations=design.organizations)
    places = [design.organizations.index(name) for name in then.organization]
    in_groups = replace(in_groups, organization=np.array(places)[in_groups.row])
    before, after = (episode_loglik(some, d)[1].sum(axis=1) for d in (in_groups, design))
    left = episode_loglik(some, what_is_left(now, "any", absorbed_by(drawn, then)))[1].sum(axis=1)
    np.testing.assert_allclose(before + left, after, atol=1e-9)


# --- Refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", [THEN, dt.date(2024, 7, 1)])
def test_absorbed_days_are_refused(drawn: Posterior, views: Any, table: Path, day: dt.date) -> None:
    with pytest.raises(FitError, match="absorbed all days through 2024-08-01"):
        what_is_left(read_episodes(table, day), "any", absorbed_by(drawn, views[0]))


def test_other_fits_and_changed_tables_are_refused(drawn: Posterior, views: Any, make_data: Any) -> None:
    then, now = views
    absorbed = absorbed_by(drawn, then)
    with pytest.raises(FitError, match="a fit of target any, not full"):
        what_is_left(now, "full", absorbed)
    edited = make_data(episodes=[ROWS[0] | {"outcome_on": "2024-06-20"}, *ROWS[1:]], promises=list(SAID))
    with pytest.raises(FitError, match="otherwise than when the priors were made"):
        what_is_left(read_episodes(edited / "episodes.csv", NOW), "any", absorbed)


def test_nothing_new_is_refused(drawn: Posterior, make_data: Any) -> None:
    table = make_data(episodes=ROWS[:1]) / "episodes.csv"
    then, now = (read_episodes(table, day) for day in (THEN, NOW))
    with pytest.raises(FitError, match="nothing in the tables is later than 2024-08-01"):
        what_is_left(now, "any", absorbed_by(drawn, then))


def test_moments_of_another_shape_are_refused(drawn: Posterior, views: Any) -> None:
    good = absorbed_by(drawn, views[0])
    good.check_shapes(N_PARAMETERS)
    family = good.families["log_logistic"]
    short = good.model_copy(update={"families": {"x": family.model_copy(update={"mean": family.mean[:-1]})}})
    with pytest.raises(ValueError, match=f"x: mean has not {N_PARAMETERS} numbers"):
        short.check_shapes(N_PARAMETERS)
    root = [row[:] for row in family.root]
    root[0][0] = 0.0
    flat = good.model_copy(update={"families": {"x": family.model_copy(update={"root": root})}})
    with pytest.raises(ValueError, match="root is no lower triangle"):
        flat.check_shapes(N_PARAMETERS)
    with pytest.raises(FitError, match="know nothing of weibull: give --latency log_logistic"):
        good.of_family("weibull")


# --- The file ----------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(home: Path, no_fits: Callable[..., None]) -> Desk:
    """A desk whose posteriors are draws of the prior."""
    no_fits(4000)
    return Desk(home, settings=Settings(latency="weibull"), today=dt.date(2026, 11, 25))


def test_a_written_file_reads_back_and_keeps_the_first_priors(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "absorbed.toml"
    found = write_from_posterior(desk, out, dt.date(2025, 7, 1))
    priors = read_priors(out)
    assert priors.absorbed == found
    assert out.read_text(encoding="utf-8").startswith(desk.home.priors.read_text(encoding="utf-8").rstrip())
    np.testing.assert_array_equal(priors.location, desk.priors.location)
    assert found.absorbed_through == dt.date(2025, 7, 1)
    with pytest.raises(Exception, match="exists already"):
        write_from_posterior(desk, out, dt.date(2025, 7, 1))
    again = Desk(desk.home, settings=desk.settings, today=desk.today, priors_file=out)
    with pytest.raises(Exception, match="a posterior already"):
        write_from_posterior(again, tmp_path / "other.toml", None)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("absorbed_through = 2025-07-01", "absorbed_through = 'then'", "absorbed_through"),
        ("absorbed_through = 2025-07-01", "absorbed_through = 2025-07-01\nmore = 1", "more"),
        ('unit = "model"', 'unit = "planet"', "unit"),
    ],
)
def test_a_file_that_was_edited_wrongly_is_refused(desk: Desk, tmp_path: Path, old: str, new: str, fault: str) -> None:
    out = tmp_path / "absorbed.toml"
    write_from_posterior(desk, out, dt.date(2025, 7, 1))
    text = out.read_text(encoding="utf-8")
    assert old in text
    out.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(TableError, match=rf"\[absorbed\] {fault}"):
        read_priors(out)


# --- A real fit --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_one_after_the_other_is_as_all_at_once(real_data: Path, tmp_path: Path, cache: Path) -> None:
    """Stated error: a parameter's mean within half a standard deviation, a year's chance within 0.05."""
    settings, today = Settings(latency="weibull"), dt.date(2026, 11, 25)
    at_once = Desk(real_data.parent, settings=settings, today=today)
    write_from_posterior(at_once, tmp_path / "absorbed.toml", dt.date(2025, 7, 1))
    after = Desk(real_data.parent, settings=settings, today=today, priors_file=tmp_path / "absorbed.toml")
    one, other, then = (
        desk.posterior(day).first.raw[:, :N_PARAMETERS]
        for desk, day in ((at_once, today), (after, today), (at_once, dt.date(2025, 7, 1)))
    )
    away = (other.mean(axis=0) - one.mean(axis=0)) / one.std(axis=0)
    assert np.abs(away).max() < 0.5
    assert np.abs((then.mean(axis=0) - one.mean(axis=0)) / one.std(axis=0)).max() > 0.5  # the later days say something
    for name in ("meta-muse-wonder-1.0", "xai-grok-3", "meta-llama-4-behemoth", "openai-gpt-5"):
        chances = [float(desk.answer(name).forecast.prob_by(365)) for desk in (at_once, after)]
        assert chances[1] == pytest.approx(chances[0], abs=0.05)
