"""The codebook and the data package, generated from the schema and the tables."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pandas as pd

from forecast.tables.read import base_type, read_rows, to_frame
from forecast.tables.schema import TABLES, Episode, Row

_TYPES = {"str": "string", "bool": "boolean", "float": "number", "date": "date"}


def write_codebook(data: Path) -> list[Path]:
    """Write ``CODEBOOK.md`` and the resources of ``datapackage.json``; return what changed."""
    package_file = data / "datapackage.json"
    package = json.loads(package_file.read_text(encoding="utf-8")) | {"resources": resources()}
    texts = {
        data / "CODEBOOK.md": codebook(data),
        package_file: json.dumps(package, indent=2, ensure_ascii=False) + "\n",
    }
    changed = [file for file, text in texts.items() if not file.is_file() or file.read_text(encoding="utf-8") != text]
    for file in changed:
        file.write_text(texts[file], encoding="utf-8")
    return changed


def codebook(data: Path) -> str:
    """Every column of every table, with the counts that a reader should know."""
    parts = [
        "# Codebook",
        "",
        "Generated from the schema and the tables by `forecast codebook`; not edited by hand.",
        "",
    ]
    for table in TABLES:
        rows = to_frame(read_rows(data / table.file, table), table)
        parts += [f"## {table.file}", "", f"{table.title}. {len(rows)} rows.", ""]
        parts += ["| column | type | blank | meaning |", "|---|---|---|---|"]
        parts += [_line(name, field, rows[name]) for name, field in table.model_fields.items()]
        parts.append("")
    return "\n".join([*parts, *_biases(data), ""])


def resources() -> list[dict[str, Any]]:
    """The tables as Frictionless resources with their Table Schemas."""
    return [
        {
            "name": table.file.removesuffix(".csv").replace("_", "-"),
            "path": table.file,
            "title": table.title,
            "profile": "tabular-data-resource",
            "encoding": "utf-8",
            "schema": {"fields": [_field(n, f) for n, f in table.model_fields.items()], **_key(table)},
        }
        for table in TABLES
    ]


def _key(table: type[Row]) -> dict[str, Any]:
    return {"primaryKey": table.key} if table.key else {}


def _field(name: str, field: Any) -> dict[str, Any]:
    kind = base_type(field.annotation)
    constraints: dict[str, Any] = {}
    if get_origin(kind) is Literal:
        constraints["enum"] = list(get_args(kind))
    if not _may_be_blank(field):
        constraints["required"] = True
    described = {"name": name, "type": _type_name(kind), "description": field.description}
    if kind is bool:
        described |= {"trueValues": ["true"], "falseValues": ["false"]}
    return described | ({"constraints": constraints} if constraints else {})


def _type_name(kind: Any) -> str:
    return "string" if get_origin(kind) is Literal else _TYPES[kind.__name__]


def _may_be_blank(field: Any) -> bool:
    optional = type(None) in get_args(field.annotation)
    return optional or (
        field.annotation is str
        and not any(getattr(m, "min_length", 0) or getattr(m, "pattern", 0) for m in field.metadata)
    )


def _line(name: str, field: Any, cells: pd.Series) -> str:
    kind = base_type(field.annotation)
    blank = int((cells.isna() | (cells == "")).sum())
    meaning = field.description
    if get_origin(kind) is Literal:
        counts = Counter(cells.dropna())
        meaning += ": " + ", ".join(f"{value} ({counts[value]})" for value in get_args(kind))
    elif kind is bool:
        meaning += f": true ({int((cells == True).sum())}), false ({int((cells == False).sum())})"  # noqa: E712
    return f"| {name} | {'choice' if get_origin(kind) is Literal else _type_name(kind)} | {blank or ''} | {meaning} |"


def _biases(data: Path) -> list[str]:
    """Counts behind the table's known biases."""
    rows = to_frame(read_rows(data / Episode.file, Episode), Episode)
    ai = rows[rows.domain == "ai_model"]
    opened = ai.outcome.isin(["opened", "opened_partial"])
    closed = ai.outcome == "still_closed"
    lag = (ai.outcome_on - ai.closed_on).dt.days[opened]
    paper, api = ai.closed_how == "paper", ai.closed_how == "api"
    other = rows[(rows.domain != "ai_model") & rows.outcome.isin(["opened", "opened_partial"])]
    later = (rows.promised_on > rows.closed_on).sum()
    return [
        "## Known biases, counted",
        "",
        "- **Openings are easier to notice than silence.** Software and games are known because they opened "
        f"({len(other)} of {len(rows) - len(ai)} did): they inform timing, never rates.",
        "- **Promises were noticed because they were kept.** "
        f"{int((ai.promise[opened] != 'none').sum())} of {int(opened.sum())} AI openings have a promise, "
        f"{int((ai.promise[closed] != 'none').sum())} of {int(closed.sum())} still-closed AI rows: "
        "a kept-rate is an upper bound.",
        f"- **Silence.** {int((rows.observed_through[rows.outcome == 'still_closed'] < '2026-01-01').sum())} of "
        f"{int((rows.outcome == 'still_closed').sum())} still-closed rows have no evidence after 2025.",
        f"- **Openings in part**: {int((rows.outcome == 'opened_partial').sum())} rows.",
        f"- **One organisation, many rows**: {rows.organization.nunique()} organisations; the three largest hold "
        f"{int(rows.organization.value_counts().head(3).sum())} of {len(rows)} rows.",
        f"- **Dates**: {int((rows.closed_precision != 'day').sum())} debuts are known to a month or less well; "
        f"{int((rows.confidence == 'low').sum())} rows rest on general knowledge.",
        f"- **`flagship`** is true for {int(rows.flagship.sum())} of {len(rows)} rows and was judged afterwards; "
        f"`params_b` is blank in {int(rows.params_b.isna().sum())}.",
        f"- **Promises come late**: after the debut in {int(later)} "
        f"of {int((rows.promise != 'none').sum())} promised rows.",
        f"- **Paper debuts** ({_share(opened[paper])} % opened, median {lag[paper].median():.0f} days) and "
        f"**API debuts** "
        f"({_share(opened[api])} %, median {lag[api].median():.0f} days) are different processes.",
    ]


def _share(flags: pd.Series) -> int:
    return round(100 * float(flags.mean())) if len(flags) else 0
