"""A fit for the terminal."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from forecast.model.sensitivity import NOTABLE
from forecast.pages.show import titled_table
from forecast.record.fitting import FitReport


def fit_page(report: FitReport) -> RenderableType:
    """Parameters in words, families, sensitivity, promises."""
    a = report.about
    head = (
        f"fitted to the table as known on {a['as_of']}: {a['segments']} segments, {a['openings']} openings; "
        f"unit {a['unit']}, target {a['target']}, follow-up {a['follow_up']}; model {a['model']}; "
        f"{a['sampler']}, seed {a['seed']}"
    )
    notes = (
        "parameters: posterior median and 90 % interval beside the prior's; removed: share of the prior's variance "
        "that the data took away; reference row: an app by a big US company, debut in July 2023",
        "stacking: weights that would forecast each episode best from all others (PSIS-LOO; episodes with a Pareto k "
        "above the limit are fitted anew without them); weight: as priors.toml has it",
        f"sensitivity of {a['sensitivity_of']}: how fast an answer moves when priors, or the likelihood, are scaled; "
        f"above {NOTABLE:g} (*) it depends on them",
        "promises: what became of the days that were promised; many promises were noticed because they were kept",
    )
    parts = [_parameters(report.parameters), _families(report.families), _sensitivity(report.sensitivity)]
    return Group(Text(head, "bold"), *parts, _promises(report.promises), *(Text(note, "dim") for note in notes))


def estimate(row: dict[str, Any], prefix: str = "", suffix: str = "") -> tuple[str, str]:
    """A parameter's median and its 90 % interval, of the prior or a posterior."""
    median, low, high = (row[f"{prefix}{name}{suffix}"] for name in ("median", "low", "high"))
    return f"{median:.3g}", f"{low:.3g} to {high:.3g}"


def _parameters(rows: pd.DataFrame) -> RenderableType:
    """One table an effect, since each counts something else."""
    tables = []
    for effect, some in rows.groupby("effect", sort=False):
        table = titled_table(str(effect), "of", "median", "90 %", "prior", "prior 90 %", "removed")
        for r in some.to_dict("records"):
            table.add_row(
                r["of"],
                *estimate(r),
                *estimate(r, "prior_"),
                f"{100 * r['prior_removed']:.0f} %",
            )
        tables.append(table)
    return Group(*tables)


def _families(rows: pd.DataFrame) -> Table:
    columns = ("weight", "stacking", "left-out score", "highest Pareto k", "fitted anew", "R-hat", "ESS", "divergences")
    table = titled_table("families of the time to an opening", "family", *columns)
    for r in rows.to_dict("records"):
        table.add_row(
            f"{r['family']}: {r['description']}",
            f"{r['weight']:.2f}",
            f"{r['stacking']:.2f}",
            f"{r['elpd_loo']:.4f}",
            f"{r['pareto_k_max']:.2f} of {r['pareto_k_limit']:.2f}",
            str(r["refitted"]),
            f"{r['r_hat']:.3f}",
            f"{min(r['ess_bulk'], r['ess_tail']):.0f}",
            str(r["divergences"]),
        )
    return table


def _sensitivity(rows: pd.DataFrame) -> Table:
    scaled = [column for column in rows.columns if column not in ("quantity", "mean")]
    table = titled_table("sensitivity of the reference row's answers", "answer", "mean", *scaled)
    for r in rows.to_dict("records"):
        marks = (f"{r[name]:.2f}{'*' if r[name] > NOTABLE else ' '}" for name in scaled)
        table.add_row(str(r["quantity"]), f"{r['mean']:.2f}", *marks)
    return table


def _promises(rows: pd.DataFrame) -> Table:
    table = titled_table("dated promises", *(str(c).replace("_", " ") for c in rows.columns))
    for row in rows.itertuples(index=False):
        table.add_row(*(f"{v:.2f}" if isinstance(v, float) else str(v) for v in row))
    return table
