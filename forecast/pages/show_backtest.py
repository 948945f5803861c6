"""A backtest for the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from forecast.pages.show import titled_table
from forecast.record.summary import CHOICES_THROUGH, LEAST_OPENED, MAIN_BASELINES

_PERIODS = {
    "all": "all origins",
    "choice": f"origins to {CHOICES_THROUGH} (choices)",
    "claim": f"origins after {CHOICES_THROUGH} (claims)",
}


def backtest_page(summary: dict[str, Any], tables: dict[str, pd.DataFrame], folder: Path) -> RenderableType:
    """Skill by period, on cohorts, calibration, and what to read them with."""
    plan = summary["plan"]
    head = (
        f"{summary['origins']} origins, {plan['origins'][0]} to {plan['origins'][-1]}; outcomes to {plan['as_of']}; "
        f"{summary['items']} forecasts of {summary['episodes']} episodes by {summary['organizations']} organisations; "
        f"unit {plan['unit']}, target {plan['target']}, follow-up {plan['follow_up']}, model {plan['latency']}"
    )
    failed = [f"{day}: {fault}" for day, fault in summary["failed_fits"].items()]
    notes = [f"* fewer than {LEAST_OPENED} opened episodes: an interval, and no claim"]
    notes += [f"{len(failed)} fits failed", *failed, *summary["caveats"]]
    notes += [f"{summary['choices_tried']} model choices were tried on it before", f"written to {folder}"]
    skill = tables["skill"]
    everything = skill[(skill.stratum == "all") & skill.baseline.isin(MAIN_BASELINES)]
    cohorts = skill[(skill.stratum == "cohort") & (skill.period == "all") & skill.score_name.isin(["log", "brier_90"])]
    parts: list[RenderableType] = [Text(head, "bold")]
    parts += [_skill(rows, _PERIODS[str(period)]) for period, rows in everything.groupby("period", sort=False)]
    parts += [_skill(rows, f"cohort {value}, all origins") for value, rows in cohorts.groupby("value")]
    return Group(*parts, _lines(tables["lines"]), *map(Text, notes))


def _skill(rows: pd.DataFrame, title: str) -> Table:
    """One line a score: the model's mean, then its skill against each baseline with its interval."""
    against = (f"against {b}" for b in rows.baseline.unique())
    table = titled_table(title, "score", "forecasts", "opened (episodes)", "model", *against)
    for name, of_score in rows.groupby("score_name", sort=False):
        first = of_score.iloc[0]
        counts = f"{first['items_opened']} ({first['episodes_opened']})"
        cells = [_cell(row) for row in of_score.to_dict("records")]
        table.add_row(str(name), str(first["items"]), counts, f"{first['score']:.4f}", *cells)
    return table


def _cell(row: dict[Any, Any]) -> str:
    few = "  " if row["claims"] else " *"
    return f"{row['skill']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f}){few}"


def _lines(lines: pd.DataFrame) -> Table:
    """Calibration of the model by horizon: intercept and slope, 0 and 1 where it is perfect."""
    table = Table(
        title="calibration line of the model", title_justify="left", box=None, pad_edge=False, header_style="dim"
    )
    for column in ("period", "horizon", "opened", "intercept", "slope"):
        table.add_column(column, justify="left" if column == "period" else "right")
    own = lines[lines.forecaster == "model"] if len(lines) else lines
    for row in own.to_dict("records"):
        table.add_row(
            row["period"],
            f"{row['horizon_days']} days",
            f"{row['opened']} of {row['items']}",
            f"{row['intercept']:.2f} ({row['intercept_low']:.2f} to {row['intercept_high']:.2f})",
            f"{row['slope']:.2f} ({row['slope_low']:.2f} to {row['slope_high']:.2f})",
        )
    return table
