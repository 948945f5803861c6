"""Priors for the terminal: beside their posteriors, and what they say before any data."""

from __future__ import annotations

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from forecast.model.moments import Absorbed
from forecast.pages.show_fit import estimate


def priors_page(parameters: pd.DataFrame, head: str) -> RenderableType:
    """Every prior beside its posterior, with the share of the prior's variance that the data removed."""
    table = Table(box=None, header_style="dim")
    for name in ("parameter", "prior", "90 %", "posterior", "90 %", "removed"):
        table.add_column(name, justify="left" if name == "parameter" else "right")
    for r in parameters.to_dict("records"):
        table.add_row(
            r["parameter"],
            *estimate(r, "prior_"),
            *estimate(r),
            f"{100 * r['prior_removed']:.0f} %",
        )
    note = "odds, time, part, spread, scale: factors or levels, as 'forecast fit' words them; tie: on its own scale"
    return Group(Text(head, "bold"), table, Text(note, "dim"))


def check_page(found: pd.DataFrame) -> RenderableType:
    """What the priors say of the reference row."""
    table = Table(title="before any data, reference row", title_justify="left", box=None, header_style="dim")
    for name in ("answer", "5 %", "median", "95 %", ""):
        table.add_column(name, justify="right" if name.endswith(("%", "n")) else "left")
    for r in found.to_dict("records"):
        table.add_row(r["quantity"], f"{r['low']:.3g}", f"{r['median']:.3g}", f"{r['high']:.3g}", r["verdict"])
    return table


def absorbed_line(found: Absorbed, file: object) -> str:
    """What a written file stands for."""
    families = ", ".join(found.families)
    return (
        f"wrote {file}: the posterior of {families}, unit {found.unit}, target {found.target}, which has absorbed all "
        f"days through {found.absorbed_through}; use it on later days, "
        f"'forecast fit --priors {file}', 'forecast predict --priors {file}'"
    )
