"""A hub's configuration, valid against version 6.0.0 of the hubverse's JSON schemas."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from forecast.record.formats.hub_rows import DAYS, DAYS_IF_OPENED, LAST_DAY, LEVELS, WORD, WORDS
from forecast.release import HORIZON_DAYS

_SCHEMAS = "https://raw.githubusercontent.com/hubverse-org/schemas/main/v6.0.0"

#: Columns that say what a row is about.
TASK_IDS = ("origin_date", "question_id", "target")

#: UTC all the year round: the schema has no name of UTC itself.
_TIMEZONE = "Africa/Abidjan"

_CHANCE = {"type": "double", "minimum": 0, "maximum": 1}


def tasks(days: Iterable[dt.date], questions: Iterable[str]) -> dict[str, Any]:
    """``tasks.json``: one round a day of making, and three targets of every question.

    Parameters
    ----------
    days : iterable of datetime.date
        On which forecasts were made.
    questions : iterable of str
        Their ids.
    """
    asked = {
        "origin_date": {"required": None, "optional": sorted({day.isoformat() for day in days})},
        "question_id": {"required": None, "optional": sorted(set(questions))},
    }
    return {
        "schema_version": f"{_SCHEMAS}/tasks-schema.json",
        "output_type_id_datatype": "character",
        "rounds": [
            {
                "round_id_from_variable": True,
                "round_id": "origin_date",
                "model_tasks": [_task(asked, *parts) for parts in _targets()],
                "submissions_due": {"relative_to": "origin_date", "start": 0, "end": 0},
            }
        ],
    }


def admin(file_format: str) -> dict[str, Any]:
    """``admin.json``: no repository and no e-mail address is claimed.

    Parameters
    ----------
    file_format : {"csv", "parquet"}
        Of the model output.
    """
    return {
        "schema_version": f"{_SCHEMAS}/admin-schema.json",
        "name": "Openings of closed AI models",
        "maintainer": "the forecast contributors",
        "contact": {"name": "the forecast contributors"},
        "repository": {},
        "file_format": [file_format],
        "timezone": _TIMEZONE,
    }


def target_data() -> dict[str, Any]:
    """``target-data.json``: oracle output is told apart by the columns of a task."""
    return {
        "schema_version": f"{_SCHEMAS}/target-data-schema.json",
        "observable_unit": list(TASK_IDS),
        "date_col": "origin_date",
        "oracle-output": {"has_output_type_ids": True},
    }


def _targets() -> list[tuple[dict[str, Any], str, list[Any], dict[str, Any]]]:
    """Of each target: metadata, output type, its ids and what its values may be."""
    return [
        (
            _about(
                DAYS,
                "Days from the origin date to the opening of the weights",
                "days",
                "continuous",
                "A CDF at days after the origin date, given that it is still closed on it; what is left never opens "
                "or opens later. A horizon is answered once it has passed, opened early or not.",
            ),
            "cdf",
            list(HORIZON_DAYS),
            _CHANCE,
        ),
        (
            _about(
                WORD,
                "Weeks, months, years or never, counted from the day of asking",
                "word",
                "ordinal",
                "weeks: by day 60 after the asking; months: by day 730; years: by day 3650; never: later or not at "
                "all. Answered as soon as it opens: a mean over answered ones alone has too many early openings.",
            ),
            "pmf",
            list(WORDS),
            _CHANCE,
        ),
        (
            _about(
                DAYS_IF_OPENED,
                "Days from the origin date to the opening, given that it opens",
                "days",
                "continuous",
                f"Quantiles given that it opens within {LAST_DAY} days of the origin date; answered where it opened.",
            ),
            "quantile",
            list(LEVELS),
            {"type": "double", "minimum": 0},
        ),
    ]


def _about(target: str, name: str, units: str, kind: str, description: str) -> dict[str, Any]:
    return {
        "target_id": target,
        "target_name": name,
        "target_units": units,
        "target_keys": {"target": target},
        "description": description,
        "target_type": kind,
        "is_step_ahead": False,
    }


def _task(
    asked: dict[str, Any], about: dict[str, Any], output: str, ids: list[Any], value: dict[str, Any]
) -> dict[str, Any]:
    return {
        "task_ids": {**asked, "target": {"required": [about["target_id"]], "optional": None}},
        "output_type": {output: {"output_type_id": {"required": ids}, "is_required": False, "value": value}},
        "target_metadata": [about],
    }
