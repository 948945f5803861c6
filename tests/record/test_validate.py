"""Episodes that a user brings: what is due, what is left out, and that no forecast knows what came later."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.errors import FitError, ForecastError, TableError
from forecast.model.arrivals import fit_arrivals
from forecast.model.baselines import BASELINES, pooled_reference, reference_for
from forecast.model.design import build_design
from forecast.model.ensemble import Ensemble
from forecast.model.fit import Settings
from forecast.model.posterior import Diagnostics, Posterior
from forecast.model.terms import layout_of
from forecast.record import validate as work
from forecast.record.brought import SCORED_DAYS, plain_name, read_brought
from forecast.record.scores import Outcome, brier, log_at, prepared
from forecast.record.summary import skill
from forecast.record.validate import quarter_day_before
from forecast.record.validation import FORECASTERS, Validation
from forecast.release import GRID_DAYS, ReleaseForecast
from forecast.tables.episodes import read_episodes
from forecast.tables.paths import Home

TODAY = dt.date(2026, 11, 26)
SEARCHED = dt.date(2026, 10, 31)


def closed(name: str, **cells: str) -> dict[str, str]:
    return {"episode_id": name, "model": f"The {name}"} | cells


def opened(name: str, day: str, outcome: str = "opened", **cells: str) -> dict[str, str]:
    return closed(name, outcome=outcome, outcome_on=day, outcome_precision="day", **cells)


#: The project's own table, small: half of it opened, after one to ten months.
OWN = [
    opened("known-a", "2021-05-01", closed_on="2021-01-01", model="Known A-1"),
    closed("known-c", organization="Bit", closed_on="2025-08-01"),
    closed("known-e", domain="software", model="Known E"),
    *(opened(f"opened-{m}", f"2021-{m:02}-20", "opened_partial", closed_on="2021-01-01") for m in range(3, 12)),
    *(closed(f"shut-{m}", organization="Bit", closed_on="2021-01-01") for m in range(8)),
    *(
        opened(f"kept-{m}", f"2022-{m:02}-01", closed_on="2022-01-01", promise="vague", promised_on="2022-01-05")
        for m in range(2, 9)
    ),
]


@dataclass
class Bench:
    """A project, files brought to it, and what was asked of a model that is no model."""

    home: Home
    make_data: Callable[..., Path]
    fitted: list[dt.date] = field(default_factory=list)
    asked: list[tuple[dict[str, Any], list[str], int]] = field(default_factory=list)

    def bring(self, *rows: dict[str, str], packaged: str | None = None, **tables: Any) -> Path:
        """A file alone in its folder; with a data package, where it says how far it was searched."""
        folder = self.make_data(packaged or "2026-10-31", episodes=list(rows), **tables)
        if packaged is None:
            (folder / "datapackage.json").unlink()
        return (folder / "episodes.csv").rename(folder / "mine.csv")

    def validate(self, *rows: dict[str, str], packaged: str | None = None, **given: Any) -> Validation:
        tables = {name: given.pop(name) for name in ("promises", "earlier_openings") if name in given}
        return work.validate(self.bring(*rows, packaged=packaged, **tables), self.home, **{"today": TODAY} | given)


@pytest.fixture
def bench(make_data: Callable[..., Path], real_data: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """One whose model says 1 - exp(-u / 100) of everything."""
    folder = make_data(episodes=OWN)
    shutil.copy(real_data / "priors.toml", folder)
    made = Bench(Home(folder), make_data)

    def no_fit(view: pd.DataFrame, *_: Any, **__: Any) -> None:
        made.fitted.append(view.attrs["as_of"])

    def say(_: Any, view: pd.DataFrame, target: str, subjects: pd.DataFrame) -> Iterator[ReleaseForecast]:
        made.asked.append((view.attrs, list(subjects.episode_id), len(view)))
        for row in subjects.itertuples():
            cdf = -np.expm1(-GRID_DAYS / 100)
            yield ReleaseForecast(row.episode_id, "model", view.attrs["as_of"], 0.8 * cdf, 0.2 * cdf)

    monkeypatch.setattr(work, "ensemble_for", no_fit)
    monkeypatch.setattr(work, "model_forecasts", say)
    return made


def due(found: Validation) -> dict[tuple[str, str], dict[int, bool]]:
    """Row and day of each forecast -> whether it was opened by each horizon that is due."""
    out: dict[tuple[str, str], dict[int, bool]] = {}
    for item in found.items.itertuples():
        out.setdefault((item.episode_id, str(item.made_on)), {})[item.horizon] = item.opened
    return out


# --- What is due -------------------------------------------------------------------------------------------------


def test_a_horizon_counts_once_its_day_has_passed_opened_early_or_not(bench: Bench) -> None:
    found = bench.validate(
        closed("shut", closed_on="2026-03-01"),  # 244 days, and 154 from day 90 on
        opened("soon", "2026-03-11", closed_on="2026-03-01"),
        opened("late", "2025-02-01", closed_on="2024-03-01"),  # day 337, and 247 from day 90 on
    )
    assert due(found) == {
        ("shut", "2026-03-01"): {30: False, 90: False, 180: False},
        ("shut", "2026-05-30"): {30: False, 90: False},
        ("soon", "2026-03-01"): {30: True, 90: True, 180: True},
        ("late", "2024-03-01"): {30: False, 90: False, 180: False, 365: True},
        ("late", "2024-05-30"): {30: False, 90: False, 180: False, 365: True},
    }
    assert found.counts == {"n": 3, "opened": 2, "organizations": 1, "forecasts": 5, "items": 16}


@pytest.mark.parametrize(("day", "forecasts"), [("2024-05-30", 1), ("2024-05-31", 2), ("2025-03-02", 3)])
def test_what_is_open_on_the_day_is_not_forecast(bench: Bench, day: str, forecasts: int) -> None:
    """Days 90, 91 and 366 after the debut."""
    assert bench.validate(opened("it", day)).counts["forecasts"] == forecasts


def test_a_horizon_is_due_on_the_last_day_followed(bench: Bench) -> None:
    found = bench.validate(closed("due", closed_on="2026-10-01"), closed("not-yet", closed_on="2026-10-02"))
    assert due(found) == {("due", "2026-10-01"): {30: False}}
    assert [row.reason for row in found.left_out] == [
        "followed through 2026-10-31, less than 30 days from its debut on 2026-10-02"
    ]


def test_an_opening_after_the_follow_up_is_none(bench: Bench) -> None:
    found = bench.validate(opened("too-late", "2026-11-05", closed_on="2026-09-01", observed_through="2026-11-05"))
    assert due(found) == {("too-late", "2026-09-01"): {30: False}}


def test_the_debut_is_the_day_on_which_it_is_known(bench: Bench) -> None:
    month = {"closed_precision": "month", "outcome_precision": "month"}
    found = bench.validate(opened("month", "2024-03-20") | month, closed("year", closed_precision="year"))
    assert {made_on for _, made_on in due(found)} == {"2024-12-31", "2025-03-31", "2025-12-31"}
    assert [(row.episode_id, row.reason) for row in found.left_out] == [
        ("month", "open by 2024-03-31, the day on which its debut is known")
    ]


@pytest.mark.parametrize(
    ("packaged", "today", "end"),
    [
        (None, TODAY, SEARCHED),
        ("2026-06-30", TODAY, dt.date(2026, 6, 30)),
        ("2026-11-20", TODAY, dt.date(2026, 11, 20)),
        ("2027-06-30", TODAY, TODAY),
        (None, dt.date(2026, 5, 1), dt.date(2026, 5, 1)),
    ],
)
def test_rows_are_followed_through_the_search_of_the_file_else_of_the_project(
    bench: Bench, packaged: str | None, today: dt.date, end: dt.date
) -> None:
    file = bench.bring(closed("silent", observed_through="2024-03-01"), packaged=packaged)
    found = read_brought(file, bench.home.episodes, today, "silence")
    assert found.followed_through == end
    assert [o.censored_day for made in found.made_days for o in made.outcomes] == [
        (end - day).days for day in (dt.date(2024, 3, 1), dt.date(2024, 5, 30), dt.date(2025, 3, 1))
    ]


def test_by_evidence_a_row_is_followed_as_far_as_somebody_looked(bench: Bench) -> None:
    seen = {"observed_through": "2024-08-01"}  # day 153, and 63 from day 90 on
    rows = [closed("shut", **seen), closed("brief", observed_through="2024-03-20"), opened("o", "2024-08-01", **seen)]
    found = bench.validate(*rows, follow_up="evidence")
    assert due(found) == {
        ("shut", "2024-03-01"): {30: False, 90: False},
        ("shut", "2024-05-30"): {30: False},
        ("o", "2024-03-01"): {30: False, 90: False, 180: True, 365: True},
        ("o", "2024-05-30"): {30: False, 90: True, 180: True, 365: True},
    }
    assert found.left_out[0].reason == "followed through 2024-03-20, less than 30 days from its debut on 2024-03-01"
    assert {view["follow_up"] for view, _, _ in bench.asked} == {"evidence"}


# --- What is left out --------------------------------------------------------------------------------------------


def test_rows_that_the_project_has_or_that_are_no_models_are_named(bench: Bench) -> None:
    found = bench.validate(
        closed("new"),
        closed("known-c"),
        closed("other", model="  known a 1 "),
        closed("program", domain="software"),
        closed("play", domain="game"),
        closed("tomorrow", closed_on="2026-11-27", observed_through="2026-12-01"),
        closed("named-program", model="KNOWN-E"),
    )
    assert set(found.items.episode_id) == {"new"}
    assert [(row.episode_id, row.model, row.reason) for row in found.left_out] == [
        ("known-c", "The known-c", "its id is in the project's table"),
        ("other", "  known a 1 ", "its name is that of known-a in the project's table"),
        ("program", "The program", "no AI model but software"),
        ("play", "The play", "no AI model but game"),
        ("tomorrow", "The tomorrow", "its debut, known on 2026-11-27, is not before 2026-10-31, the last day followed"),
        ("named-program", "KNOWN-E", "its name is that of known-e in the project's table"),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [(" GPT-4", "gpt 4"), ("DALL·E 2", "dall-e 2"), ("Grok_1", "GROK 1."), ("Qwen2.5-Max", "Qwen 2.5 (Max)")],
)
def test_one_name_in_two_spellings_is_one(one: str, other: str) -> None:
    assert plain_name(one) == plain_name(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Command R", "Command R+"), ("Base 1.5B", "Base 15B"), ("Ω", "Σ"), ("?", "!"), ("A1", "A2")]
)
def test_two_names_are_two(one: str, other: str) -> None:
    assert plain_name(one) != plain_name(other)


def test_no_two_models_of_the_real_table_have_one_name(real_data: Path) -> None:
    names = read_episodes(real_data / "episodes.csv").model.map(plain_name)
    assert names.is_unique


def test_nothing_left_is_an_error_that_says_why(bench: Bench) -> None:
    with pytest.raises(ForecastError, match=r"no row is left to score: known-c \(its id is .*\)$"):
        bench.validate(closed("known-c"))
    games = [closed(f"play-{i}", domain="game") for i in range(5)]
    with pytest.raises(ForecastError, match=r"play-2 \(no AI model but game\); and 2 more$"):
        bench.validate(*games)
    with pytest.raises(ForecastError, match=r"its debut, known on 2027-01-01, is not before 2026-10-31"):
        bench.validate(closed("future", closed_on="2027-01-01", observed_through="2027-01-01"))
    assert bench.fitted == []


def test_a_bad_cell_of_the_file_or_of_its_promises_is_named(bench: Bench) -> None:
    with pytest.raises(TableError, match=r"mine.csv, row 2, column closed_on: '2024-02-30'"):
        bench.validate(closed("bad", closed_on="2024-02-30"))
    with pytest.raises(TableError, match=r"promises.csv, row 2, column kind: 'maybe'"):
        bench.validate(closed("bad"), promises=[{"about": "bad", "kind": "maybe"}])


# --- The fit -----------------------------------------------------------------------------------------------------


def test_the_fit_of_today_serves_all_days(bench: Bench) -> None:
    bench.validate(closed("a"), closed("b", closed_on="2025-06-01"))
    assert bench.fitted == [TODAY]


def test_then_takes_the_table_of_the_quarter_day_before(bench: Bench) -> None:
    found = bench.validate(closed("a", closed_on="2024-04-01"), closed("b", closed_on="2024-04-02"), fit="then")
    quarter = {str(i.made_on): str(i.fitted_as_of) for i in found.items.itertuples()}
    assert quarter == {
        "2024-04-01": "2024-01-01",
        "2024-04-02": "2024-04-01",
        "2024-06-30": "2024-04-01",
        "2024-07-01": "2024-04-01",
        "2025-04-01": "2025-01-01",
        "2025-04-02": "2025-04-01",
    }
    assert bench.fitted == [dt.date(2024, 1, 1), dt.date(2024, 4, 1), dt.date(2025, 1, 1), dt.date(2025, 4, 1)]


def test_a_quarter_day_lies_strictly_before() -> None:
    assert quarter_day_before(dt.date(2024, 1, 1)) == dt.date(2023, 10, 1)
    assert quarter_day_before(dt.date(2024, 1, 2)) == dt.date(2024, 1, 1)
    assert quarter_day_before(dt.date(2024, 12, 31)) == dt.date(2024, 10, 1)


def test_a_table_too_small_for_a_fit_takes_its_forecasts_only(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = work.ensemble_for

    def fit(view: pd.DataFrame, *args: Any) -> Any:
        if view.attrs["as_of"] < dt.date(2021, 5, 1):
            raise FitError("too few")
        return real(view, *args)

    monkeypatch.setattr(work, "ensemble_for", fit)
    rows = [closed("old", closed_on="2019-06-01"), opened("brief", "2021-04-20", closed_on="2021-04-10")]
    found = bench.validate(*rows, closed("early", closed_on="2021-04-10"), fit="then", today=dt.date(2021, 12, 1))
    assert set(due(found)) == {("early", "2021-07-09")}
    assert found.failed_fits["2021-04-01"] == "too few"
    assert "no episode was known on 2019-04-01" in found.failed_fits["2019-04-01"]
    assert [row.episode_id for row in found.left_out] == ["old", "brief"]
    assert found.left_out[1].reason == "no fit as of 2021-04-01: too few"
    assert "No fit as of 2021-04-01, so its forecasts are missing: too few" in found.caveats
    with pytest.raises(ForecastError, match=r"no row is left to score: brief \(no fit as of 2021-04-01: too few\)"):
        bench.validate(rows[1], fit="then")


def test_without_the_fit_of_today_there_is_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_fit(*_: Any) -> None:
        raise FitError("the sampler did not converge")

    monkeypatch.setattr(work, "ensemble_for", no_fit)
    with pytest.raises(FitError, match="the sampler did not converge"):
        bench.validate(closed("a"))


# --- No forecast knows what came later ---------------------------------------------------------------------------


def test_the_model_is_asked_on_the_day_about_rows_that_it_has_not_seen(bench: Bench) -> None:
    bench.validate(closed("a"), closed("b"))
    days = [dt.date(2024, 3, 1), dt.date(2024, 5, 30), dt.date(2025, 3, 1)]
    assert [(view["as_of"], names, seen) for view, names, seen in bench.asked] == [(d, ["a", "b"], 0) for d in days]
    rest = {"unit": "model", "follow_up": "silence", "searched_through": SEARCHED}
    assert all(rest.items() <= view.items() for view, _, _ in bench.asked)


@pytest.fixture
def drawn(bench: Bench, monkeypatch: pytest.MonkeyPatch, real_data: Path) -> Bench:
    """The same with the real model, whose draws are of the prior."""
    monkeypatch.undo()

    def prior(view: pd.DataFrame, target: Any, priors: Any, *_: Any) -> Ensemble:
        design = build_design(view, target)
        layout = layout_of(design)
        posterior = Posterior(
            raw=np.random.default_rng(2).standard_normal((60, layout.size)),
            location=priors.location,
            scale=priors.scale,
            layout=layout,
            organizations=design.organizations,
            modalities=design.modalities,
            arrivals=fit_arrivals(view, target, priors.arrival),
            latency="log_logistic",
            target=target,
            sampler="prior",
            seed=1,
            diagnostics=Diagnostics(1.0, 1e3, 1e3, 0, 1, 60, 0.8),
            rows=len(design.row),
            opened=design.n_opened,
        )
        return Ensemble.of([posterior], {"log_logistic": 1.0})

    monkeypatch.setattr(work, "ensemble_for", prior)
    return bench


def said(found: Validation, name: str) -> dict[str, list[float]]:
    """Day of each forecast of a row -> what all forecasters said."""
    rows = found.items[found.items.episode_id == name]
    columns = [f"prob_{forecaster}" for forecaster in FORECASTERS]
    return {str(day): of_day[columns].to_numpy().ravel().tolist() for day, of_day in rows.groupby("made_on")}


@pytest.mark.parametrize("fit", ["now", "then"])
def test_what_the_file_says_of_later_days_changes_no_forecast(drawn: Bench, fit: Any) -> None:
    plain = [closed("a"), closed("b", organization="Bit"), closed("c", organization="New", modality="video")]
    later = [
        opened("a", "2024-07-01", flagship="false", confidence="low", notes="judged", observed_through="2024-07-01"),
        closed("b", organization="Bit", promise="dated", promised_on="2024-03-02", promised_by="2024-09-01"),
        opened("c", "2025-01-01", outcome="leaked", organization="New", modality="video", params_b="7"),
    ]
    words = {"said_on": "2024-03-02", "known_on": "2024-03-02"}
    promises = [words | {"about": "c"}, words | {"about": "acme", "known_on": "2024-05-31"}]
    given = {"fit": fit, "today": dt.date(2025, 2, 1)}
    before, after = drawn.validate(*plain, **given), drawn.validate(*later, promises=promises, **given)
    for name in "abc":
        assert said(after, name)["2024-03-01"] == said(before, name)["2024-03-01"]
    assert said(after, "a")["2024-05-30"] == said(before, "a")["2024-05-30"]
    assert set(said(after, "a")) == {"2024-03-01", "2024-05-30"}
    for name in "bc":  # promised on the day after the debut
        assert said(after, name)["2024-05-30"] != said(before, name)["2024-05-30"]


def test_what_is_known_on_the_day_does_change_forecasts(drawn: Bench) -> None:
    promise = {"about": "a", "said_on": "2024-03-01", "known_on": "2024-03-01"}
    given = {"today": dt.date(2024, 12, 1)}
    before, after = drawn.validate(closed("a"), **given), drawn.validate(closed("a"), promises=[promise], **given)
    one, other = (said(found, "a")["2024-03-01"] for found in (before, after))
    assert [x != y for x, y in zip(one, other, strict=True)] == [True, False, True] * 3


def test_what_a_row_has_survived_weighs_the_draws(drawn: Bench) -> None:
    """One that stayed closed for a year says something about its kind; one of the same day as the making does not."""
    found = drawn.validate(closed("a"), closed("b", closed_on="2025-03-01"))
    old, fresh = said(found, "a")["2025-03-01"], said(found, "b")["2025-03-01"]
    assert old[0] < fresh[0]


def test_baselines_say_what_they_say_on_the_day_itself(drawn: Bench) -> None:
    """The table's day is neither that of the forecasts nor one that those may differ by."""
    file = drawn.bring(
        closed("b", closed_on="2025-09-01", closed_precision="month"),
        closed("c", closed_on="2025-09-30", promise="dated", promised_on="2025-09-15", promised_by="2026-03-01"),
        closed("d", closed_on="2025-09-01", closed_precision="month", promise="vague", promised_on="2025-09-15"),
    )
    today, made_on = dt.date(2025, 12, 15), dt.date(2025, 9, 30)
    found = work.validate(file, drawn.home, today, "then")
    table = read_episodes(drawn.home.episodes, dt.date(2025, 7, 1))
    table.attrs |= {"as_of": made_on}
    [day] = read_brought(file, drawn.home.episodes, today, "silence").made_days
    assert [list(found.items.episode_id.unique()), day.day] == [["b", "c", "d"], made_on]
    due_on = [h for h in SCORED_DAYS if h <= (today - made_on).days]
    for name, key in (("kaplan_meier", "kaplan-meier"), ("kaplan_meier_by_promise", "kaplan-meier-promise")):
        direct = [f.prob_by(due_on) for f in BASELINES[key](table, "any", day.subjects)]
        np.testing.assert_allclose(found.items[f"prob_{name}"], np.concatenate(direct), rtol=1e-12)


# --- Scores ------------------------------------------------------------------------------------------------------


def test_scores_are_those_of_the_scoring_rules(bench: Bench) -> None:
    found = bench.validate(opened("o", "2024-05-20", organization="Bit"), closed("s", closed_on="2025-12-01"))
    table = read_episodes(bench.home.episodes, TODAY)
    cdf = -np.expm1(-GRID_DAYS / 100)
    marks: dict[str, list[float]] = {"brier": [], "log": []}
    for name, day, opened_day in (("o", "2024-03-01", 80), ("s", "2025-12-01", None), ("s", "2026-03-01", None)):
        made_on = dt.date.fromisoformat(day)
        outcome = Outcome(opened_day, (SEARCHED - made_on).days, "full" if opened_day else None)
        gone = pooled_reference(table, "any").given_survival((made_on - dt.date.fromisoformat(debut(name))).days + 0.5)
        said = ReleaseForecast(name, "model", made_on, 0.8 * cdf, 0.2 * cdf)
        mixed = prepared(said, gone.forecast(made_on, name))
        for h in SCORED_DAYS:
            if h <= outcome.followed:
                marks["brier"].append(brier(said, outcome, h))
                marks["log"].append(log_at(mixed, outcome, h))
    own = found.scores()["model"]
    assert len(found.items) == 4 + 3 + 3
    assert (own["brier"], own["log"]) == pytest.approx((np.mean(marks["brier"]), np.mean(marks["log"])))
    np.testing.assert_allclose(found.items.sort_values(["episode_id", "made_on"]).log_model, marks["log"])


def debut(name: str) -> str:
    return {"o": "2024-03-01", "s": "2025-12-01"}[name]


def test_the_reference_is_that_of_the_day(bench: Bench) -> None:
    """As ``reference_for`` has it, with the table of today."""
    file = bench.bring(closed("b", closed_on="2025-09-01", closed_precision="month"))
    day = read_brought(file, bench.home.episodes, TODAY, "silence").made_days[1]
    table = read_episodes(bench.home.episodes, TODAY)
    fixed = work.lag_through(day.subjects.iloc[0], pd.Timestamp(day.day))
    assert fixed == pytest.approx((day.day - dt.date(2025, 9, 16)).days + 1)
    at_day = table.copy()
    at_day.attrs = table.attrs | {"as_of": day.day}
    assert pooled_reference(table, "any").given_survival(fixed) == reference_for(at_day, "any", day.subjects.iloc[0])


def test_means_and_skill_are_of_all_items_and_of_each_horizon(bench: Bench) -> None:
    found = bench.validate(
        opened("o", "2024-05-20", organization="Bit"),
        closed("s"),
        closed("n", organization="New", closed_on="2026-09-01"),
    )
    items, scores, gained = found.items, found.scores(), found.skill()
    assert list(scores) == list(gained) == ["model", "kaplan_meier", "kaplan_meier_by_promise"]
    for name in scores:
        assert scores[name]["log"] == pytest.approx(items[f"log_{name}"].mean())
        for h in SCORED_DAYS:
            some = items[items.horizon == h]
            assert scores[name]["by_horizon"][str(h)] == pytest.approx(
                {
                    "brier": some[f"brier_{name}"].mean(),
                    "log": some[f"log_{name}"].mean(),
                    "items": len(some),
                    "opened": some.opened.sum(),
                }
            )
            against = {
                rule: skill(some[f"{rule}_model"].mean(), some[f"{rule}_{name}"].mean(), key)
                for rule, key in (("brier", "brier"), ("log", "log_at"))
            }
            assert gained[name]["by_horizon"][str(h)] == pytest.approx(against)
        assert gained[name]["brier"] == pytest.approx(1 - scores["model"]["brier"] / scores[name]["brier"])
        assert gained[name]["log"] == pytest.approx(scores[name]["log"] - scores["model"]["log"])
        for rule in ("brier", "log"):
            assert gained[name][f"{rule}_low"] <= gained[name][rule] <= gained[name][f"{rule}_high"]
    assert {gained["model"][k] for k in ("brier", "log", "brier_low", "log_high")} == {0.0}


def test_the_seed_is_that_of_the_intervals(bench: Bench) -> None:
    rows = [opened(f"o{i}", f"2024-0{4 + i}-20", organization=f"Org {i % 3}") for i in range(5)] + [closed("s")]
    found = bench.validate(*rows, settings=Settings(seed=1))
    one, again, other = (replace(found, seed=seed).as_json() for seed in (1, 1, 2))
    assert found.as_json() == one == again
    assert (one["seed"], one["skill"] == other["skill"], one["scores"] == other["scores"]) == (1, False, True)


@pytest.mark.parametrize(
    "rows",
    [
        [closed("one", closed_on="2026-10-01")],
        [opened("one", "2024-03-02")],
        [closed("a"), closed("b", organization="Bit")],
    ],
    ids=["one horizon", "one row", "never opened"],
)
def test_little_is_enough_and_null_where_there_is_no_number(bench: Bench, rows: list[dict[str, str]]) -> None:
    found = bench.validate(*rows).as_json()
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found
    assert found["n"] == len(rows)
    assert found["scores"]["model"]["brier"] > 0
    ends = [found["skill"]["kaplan_meier"][f"{rule}_{end}"] for rule in ("brier", "log") for end in ("low", "high")]
    assert [end is None for end in ends] == [len(rows) == 1] * 4
    for h, of_horizon in found["scores"]["kaplan_meier"]["by_horizon"].items():
        assert (of_horizon["brier"] is None) == (of_horizon["items"] == 0), h
        assert (found["skill"]["model"]["by_horizon"][h]["log"] is None) == (of_horizon["items"] == 0), h


def test_a_perfect_rival_gives_no_brier_skill(bench: Bench) -> None:
    found = bench.validate(closed("a"), closed("b", organization="Bit"))
    perfect = replace(found, items=found.items.assign(brier_kaplan_meier=0.0)).as_json()
    gained = perfect["skill"]["kaplan_meier"]
    assert (gained["brier"], gained["brier_low"], gained["by_horizon"]["30"]["brier"]) == (None, None, None)
    assert gained["log"] is not None
    json.dumps(perfect, allow_nan=False)


def test_caveats_say_which_fit_and_how_little_it_is(bench: Bench) -> None:
    found = bench.validate(closed("a", closed_on="2026-09-01"))
    now, then = found.caveats, replace(found, fit="then").caveats
    assert "new cases, not on the future" in now[0]
    assert "last quarter day before" in then[0]
    assert any("Fewer than 20" in text for text in now)


# --- A real fit --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_renamed_rows_of_the_real_table_are_forecast_and_scored(real_data: Path, tmp_path: Path, cache: Path) -> None:
    table = pd.read_csv(real_data / "episodes.csv", dtype=str, keep_default_na=False)
    since = table[(table.domain == "ai_model") & (table.closed_on >= "2023-06-01") & (table.closed_on < "2025-01-01")]
    some = pd.concat([since[since.outcome == "opened"].head(4), since[since.outcome == "still_closed"].head(6)])
    mine = some.assign(episode_id=[f"case-{i}" for i in range(10)], model=[f"Case {i} [x]" for i in range(10)])
    mine.to_csv(tmp_path / "mine.csv", index=False)
    settings = Settings(latency="weibull")
    found = work.validate(tmp_path / "mine.csv", Home(real_data), dt.date(2026, 11, 25), settings=settings)
    assert (found.counts["n"], found.left_out) == (10, ())
    prob = found.items.pivot_table("prob_model", ["episode_id", "made_on"], "horizon")
    assert prob.min(axis=None) > 0
    assert prob.max(axis=None) < 1
    assert (prob.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)
    scores = found.as_json()["scores"]
    assert 0 < scores["model"]["brier"] < 0.25
    assert 0 < scores["model"]["log"] < np.log(2)
