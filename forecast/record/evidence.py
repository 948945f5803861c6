"""What a backtest leaves behind: tables under ``results/``, and what a reader must know beside each of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.record.backtest import Plan
from forecast.record.calibration import calibration_line, pit, reliability
from forecast.record.runner import reports
from forecast.record.summary import MAIN_BASELINES, periods, summarise
from forecast.tables.episodes import read_optional
from forecast.tables.paths import Home, utc_today
from forecast.tables.schema import CohortEntry

#: Tables of a run, each a CSV file beside its ``plan.json``.
TABLES = ("skill", "reliability", "lines", "pit")

#: Digits that a table keeps: more would change with the order of a sum.
_DIGITS = 6

#: What each figure of a backtest must be read with.
CAVEATS = (
    "The table was compiled afterwards, by people who knew what came: openings and kept promises were noticed more "
    "easily than silence.",
    "Rows of one organisation, and quarterly forecasts of one row, are not independent: intervals draw whole "
    "organisations again.",
    "Never is not scored: what lies beyond the day through which a row is followed counts for nobody.",
)

_FOLLOW_UP = {
    "silence": "A model without a known opening counts as closed through the day openings were searched for.",
    "evidence": "A model without a known opening counts as closed only as far as pages say so: a bound, for this "
    "censoring depends on what is written about.",
}


def write_tables(
    home: Home, out: Path, plan: Plan, items: pd.DataFrame
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Work a run's tables out, write them beside its plan, log the reading of the claim period.

    Returns
    -------
    summary : dict
        As :func:`summary_json` has it.
    tables : dict of str to pandas.DataFrame
        By the names of :data:`TABLES`.
    """
    cohorts = cohort_members(home)
    tables = {
        "skill": summarise(items, cohorts, plan.horizons, plan.seed),
        "reliability": pd.DataFrame(_reliabilities(items, plan)),
        "lines": pd.DataFrame(_lines(items, plan)),
        "pit": pd.DataFrame(_pits(items, plan)),
    }
    for name, table in tables.items():
        table.round(_DIGITS).to_csv(out / f"{name}.csv", index=False, lineterminator="\n")
    summary = summary_json(out, plan, items, home)
    text = json.dumps(summary, indent=1, ensure_ascii=False) + "\n"
    (out / "summary.json").write_text(text, encoding="utf-8")
    _log_reading(out, plan, tables["skill"], summary["inputs"])
    return summary, tables


def cohort_members(home: Home) -> pd.DataFrame:
    """Cohort and episode of every entry that has one; empty where there are no cohorts."""
    rows = read_optional(home.data / CohortEntry.file, CohortEntry)
    return rows.loc[rows.episode_id.notna(), ["cohort", "episode_id"]].drop_duplicates()


def summary_json(out: Path, plan: Plan, items: pd.DataFrame, home: Home) -> dict[str, Any]:
    """What a run did, what failed, and how to read it."""
    told = reports(out)
    stamp = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    failed = {day: report["fault"] for day, report in told.items() if report["fault"]}
    return {
        **stamp,
        "origins": len(told),
        "items": int(items.groupby("forecaster").size().max()),
        "episodes": int(items.episode_id.nunique()),
        "organizations": int(items.organization.nunique()),
        "failed_fits": failed,
        "choices_tried": choices_tried(home),
        "caveats": [*CAVEATS, _FOLLOW_UP[plan.follow_up]],
    }


def choices_tried(home: Home) -> int:
    """Model choices that were scored before: rows of ``results/choices.csv``."""
    file = home.data.parent / "results" / "choices.csv"
    if not file.is_file():
        return 0
    with file.open(encoding="utf-8", newline="") as lines:
        return sum(1 for _ in csv.DictReader(lines))


def _reliabilities(items: pd.DataFrame, plan: Plan) -> Iterator[dict[str, Any]]:
    for labels, p, happened, cluster in _judged(items, plan):
        for row in reliability(p, happened, cluster, plan.seed).to_dict("records"):
            yield labels | row


def _lines(items: pd.DataFrame, plan: Plan) -> Iterator[dict[str, Any]]:
    for labels, p, happened, cluster in _judged(items, plan):
        if 0 < happened.sum() < len(happened):
            counts: dict[str, Any] = {"items": len(p), "opened": int(happened.sum())}
            counts |= {"said": float(p.mean()), "came": float(happened.mean())}
            yield labels | counts | calibration_line(p, happened, cluster, plan.seed)


def _pits(items: pd.DataFrame, plan: Plan) -> Iterator[dict[str, Any]]:
    """One forecast an episode, the first of the period."""
    for labels, some in _apart(items):
        first = some.sort_values("origin").drop_duplicates("episode_id")
        found = pit(first.pit_low.to_numpy(), first.pit_high.to_numpy(), first.pit_cut.to_numpy(), plan.seed)
        if found:
            for n, (share, low, high) in enumerate(zip(found.share, found.low, found.high, strict=True)):
                bins = {"bin": n, "share": share, "low": low, "high": high}
                yield labels | bins | {"p_value": found.p_value, "questions": found.questions}


def _judged(items: pd.DataFrame, plan: Plan) -> Iterator[tuple[dict[str, Any], Any, Any, Any]]:
    """Probabilities and outcomes of every forecaster, period and horizon that has come."""
    for labels, some in _apart(items):
        for horizon in plan.horizons:
            due = some[some.followed_days >= horizon]
            if len(due):
                cluster = pd.factorize(due.organization, sort=True)[0]
                p, happened = due[f"prob_{horizon}"].to_numpy(), (due.day <= horizon).to_numpy()
                yield labels | {"horizon_days": horizon}, p, happened, cluster


def _apart(items: pd.DataFrame) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Every forecaster worth a look, in every period."""
    for name in ("model", *MAIN_BASELINES):
        own = items[items.forecaster == name]
        for period, which in periods(own.origin).items():
            if which.any():
                yield {"forecaster": name, "period": period}, own[which]


def _log_reading(out: Path, plan: Plan, skill: pd.DataFrame, inputs: dict[str, str]) -> None:
    """Note that the claim period was read: once a day for the same run."""
    claim = skill[(skill.period == "claim") & (skill.stratum == "all") & (skill.baseline == "kaplan-meier-promise")]
    read = claim[claim.score_name == f"brier_{plan.horizons[min(1, len(plan.horizons) - 1)]}"]
    if read.empty:
        return
    row = {
        "read_on": utc_today().isoformat(),
        "run": out.name,
        **{name: inputs[name][:12] for name in ("data", "priors", "code")},
        "score": read.score_name.iloc[0],
        "baseline": "kaplan-meier-promise",
        **{name: f"{read[name].iloc[0]:.4f}" for name in ("skill", "low", "high")},
        "episodes_opened": str(int(read.episodes_opened.iloc[0])),
    }
    file = out.parent / "readings.csv"
    old = list(csv.DictReader(file.open(encoding="utf-8", newline=""))) if file.is_file() else []
    if row not in old:
        with file.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, list(row), lineterminator="\n")
            writer.writeheader()
            writer.writerows([*old, row])
