"""What the hubverse's JSON schemas of version 6.0.0 ask of the parts of a configuration that a hub of ours uses.

Restated, not copied, from https://github.com/hubverse-org/schemas (folder v6.0.0: tasks-schema.json,
admin-schema.json, target-data-schema.json): the same keys, types, constants, limits and required names, no key
beside them. Parts that no hub of ours has, such as samples, are left out and so refused.
"""

from __future__ import annotations

from typing import Any


def closed(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """An object with these keys and no other."""
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def unique(items: dict[str, Any] | None = None, null: bool = False) -> dict[str, Any]:
    return {"type": ["array", "null"] if null else "array", "uniqueItems": True, "items": items or {}}


STRING: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
FLAG: dict[str, Any] = {"type": "boolean"}
URI: dict[str, Any] = {"type": "string", "format": "uri"}
DAY: dict[str, Any] = {"type": "string", "format": "date"}
FORMATS: dict[str, Any] = {"type": "array", "items": {"enum": ["csv", "parquet", "arrow"]}}
TYPES = ["continuous", "discrete", "date", "binary", "nominal", "ordinal", "compositional"]

CHANCE = closed({"type": {"const": "double"}, "minimum": {"const": 0}, "maximum": {"const": 1}})
MEASURE = closed({"type": {"enum": ["double", "integer"]}}, minimum=NUMBER, maximum=NUMBER)


def output(ids: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    return closed({"output_type_id": closed({"required": unique(ids)}), "value": value, "is_required": FLAG})


TARGET = {
    **closed(
        {
            "target_id": {**STRING, "maxLength": 30},
            "target_name": {**STRING, "maxLength": 100},
            "target_units": {**STRING, "maxLength": 100},
            "target_type": {"enum": TYPES},
            "target_keys": {
                "type": ["object", "null"],
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": STRING,
            },
            "is_step_ahead": FLAG,
        },
        description=STRING,
        time_unit={"enum": ["day", "week", "month"]},
        additional_metadata={"type": "object"},
    ),
    "if": {"properties": {"is_step_ahead": {"const": True}}},
    "then": {"required": ["time_unit"]},
}

VALUES = closed({"required": unique(null=True), "optional": unique(null=True)})
DAYS = closed({"required": unique(DAY, null=True), "optional": unique(DAY, null=True)})

TASK = closed(
    {
        "task_ids": {"type": "object", "properties": {"origin_date": DAYS}, "additionalProperties": VALUES},
        "output_type": closed(
            {},
            quantile=output({**NUMBER, "minimum": 0, "maximum": 1}, MEASURE),
            cdf=output({"type": ["number", "string"]}, CHANCE),
            pmf=output(STRING, CHANCE),
        ),
        "target_metadata": {"type": "array", "items": TARGET},
    }
)

DUE = closed({"relative_to": STRING, "start": {"type": "integer"}, "end": {"type": "integer"}})

TASKS = closed(
    {
        "schema_version": URI,
        "rounds": {
            "type": "array",
            "items": closed(
                {
                    "round_id_from_variable": FLAG,
                    "round_id": STRING,
                    "model_tasks": {"type": "array", "items": TASK},
                    "submissions_due": DUE,
                },
                file_format=FORMATS,
                derived_task_ids=unique(STRING, null=True),
            ),
        },
    },
    output_type_id_datatype={"enum": ["auto", "character", "double", "integer", "logical", "Date"]},
    derived_task_ids=unique(STRING, null=True),
)

ADMIN = closed(
    {
        "schema_version": URI,
        "name": STRING,
        "maintainer": STRING,
        "contact": {"type": "object", "properties": {"name": STRING, "email": {**STRING, "format": "email"}}},
        "repository": {"type": "object", "properties": {"host": {"enum": ["github"]}, "owner": STRING, "name": STRING}},
        "file_format": FORMATS,
        # the schema lists names of the TZ database, from Africa/Abidjan to US/Samoa, without UTC
        "timezone": {**STRING, "pattern": "^(Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Pacific|US)/"},
    },
    citation=STRING,
    model_output_dir=STRING,
)

TARGET_DATA = closed(
    {"schema_version": URI, "observable_unit": unique(STRING), "date_col": {"type": ["string", "null"]}},
    **{"oracle-output": closed({}, has_output_type_ids=FLAG, observable_unit=unique(STRING), versioned=FLAG)},
)
