"""A posterior written as a priors file: what a later fit starts from."""

from __future__ import annotations

import datetime as dt
import json
import os
import tomllib
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError
from forecast.model.absorbed import absorb, moments_of
from forecast.model.fit import design_for
from forecast.model.moments import Absorbed
from forecast.model.priors import read_priors
from forecast.record.answers import Desk
from forecast.tables.episodes import Target, Unit

_HEAD = """
# From here on: a posterior in the place of the priors above, through which its standard normals are seen.
# Per family the parameters jointly, then each member's effects jointly, given the parameters.
# Written by 'forecast priors from-posterior'.
"""


def write_from_posterior(
    desk: Desk, out: Path, as_of: dt.date | None, unit: Unit = "model", target: Target = "any"
) -> Absorbed:
    """Fit, match the moments, write a priors file that has absorbed all days through ``as_of``.

    Parameters
    ----------
    desk : Desk
    out : pathlib.Path
        Must not exist: priors are not written over.
    as_of : datetime.date, optional
        Today by default.
    unit, target : str

    Raises
    ------
    ForecastError
        If the file exists, or the desk's priors have absorbed days of their own and do not say of whom.
    TableError, FitError, CacheError
        As a fit does.
    """
    if out.exists():
        raise ForecastError(f"{out} exists already: name another file")
    if not out.parent.is_dir():
        raise ForecastError(f"{out}: there is no folder {out.parent}")
    if desk.priors.absorbed:
        raise ForecastError(
            "these priors are a posterior already: make the new ones from the first priors, as of a later day"
        )
    day = desk.day(as_of)
    view = desk.views.on(day, unit)
    ensemble = desk.posterior(day, unit, target)
    about = absorb(ensemble.first, view, design_for(view, target, desk.priors))
    found = Absorbed(**about, families={member.latency: moments_of(member) for member in ensemble.members})
    text = desk.priors_file.read_text(encoding="utf-8").rstrip() + "\n" + _HEAD + "\n" + _section(found)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        read_priors(part)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return found


def _section(found: Absorbed) -> str:
    """The table ``[absorbed]``; a list a line."""
    lines = _table("absorbed", found.model_dump(exclude={"families"}))
    for family, moments in found.families.items():
        lines += _table(f"absorbed.families.{family}", moments.model_dump(include={"mean", "root"}))
        for group in ("organizations", "modalities"):
            lines += _table(f"absorbed.families.{family}.{group}", {})
            for name, own in getattr(moments, group).items():
                lines += _table(f"absorbed.families.{family}.{group}.{_text(name)}", own.model_dump())
    text = "\n".join(lines) + "\n"
    if tomllib.loads(text)["absorbed"].keys() != found.model_dump().keys():
        raise ForecastError("the moments could not be written as TOML")
    return text


def _table(name: str, values: dict[str, Any]) -> list[str]:
    cells = (
        f"{key} = {value.isoformat() if isinstance(value, dt.date) else _text(value)}" for key, value in values.items()
    )
    return [f"[{name}]", *cells, ""]


def _text(value: Any) -> str:
    """Strings, numbers and lists are written the same in JSON and TOML."""
    return json.dumps(value, ensure_ascii=False)
