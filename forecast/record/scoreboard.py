"""The scoreboard: counts, mean scores with intervals, and skill on equal pairs; modes are never added together."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from forecast.model.baselines import BASELINES
from forecast.record.resample import cluster_weights, interval, weighted_means
from forecast.record.score_table import PREVIOUS
from forecast.record.scores import score_names
from forecast.record.summary import rule_of, skill
from forecast.release import HORIZON_DAYS
from forecast.tables.paths import SEED

COUNTS = ["registered", "due", "scored", "void", "withdrawn"]

#: What a scoreboard can be split by, besides forecaster and mode: name -> its column.
SPLITS: dict[str, str | None] = {"forecaster": None, "question": "question_id", "horizon": None, "month": "month"}

#: Intervals need some questions to draw again.
LEAST_QUESTIONS = 5

_PAIR = ["question_id", "made_on"]


def scoreboard(table: pd.DataFrame, by: str = "forecaster") -> pd.DataFrame:
    """Sum a score table up: one row per forecaster and mode.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`forecast.record.score_table.score_table`.
    by : str
        A key of :data:`SPLITS`: one row more finely per question, month of the making, or horizon.

    Returns
    -------
    pandas.DataFrame
        ``forecaster``, ``mode``, the split, the counts of :data:`COUNTS`, and the mean of each
        score over the forecasts that have it, the first recorded of a question and day; lower
        is better. Void forecasts are registered, but never due.
    """
    names = score_names()
    flags = table.assign(
        registered=True,
        scored=table["state"] == "scored",
        void=table["state"] == "void",
        month=table["made_on"].dt.strftime("%Y-%m"),
    )
    split = SPLITS[by]
    keys = ["forecaster", "mode", *([split] if split else [])]
    means = _once(flags, ["forecaster", "mode"]).reset_index().groupby(keys)[names].mean()
    board = flags.groupby(keys)[COUNTS].sum().astype(int).join(means).reset_index()
    return _by_horizon(board) if by == "horizon" else board


def with_uncertainty(table: pd.DataFrame, board: pd.DataFrame) -> list[dict[str, Any]]:
    """The scoreboard's rows with the interval of each score and the skill against each baseline.

    Parameters
    ----------
    table : pandas.DataFrame
        The score table behind the board.
    board : pandas.DataFrame
        From :func:`scoreboard`, split by nothing.

    Returns
    -------
    list of dict
        The counts, ``scores``, ``intervals`` (90 %, questions drawn again; none below
        :data:`LEAST_QUESTIONS` questions) and ``skill``: baseline -> score -> ``value``,
        ``low``, ``high``, ``pairs``. Skill compares equal (question, made_on) pairs of one mode;
        an imported forecast is compared with hindcasts of its own day.
    """
    return [_entry(row, table) for row in board.to_dict("records")]


def as_json(as_of: dt.date, table: pd.DataFrame, board: pd.DataFrame) -> dict[str, Any]:
    """Say a scoreboard in JSON values; what is no finite number is null.

    Parameters
    ----------
    as_of : datetime.date
    table, board : pandas.DataFrame
        As in :func:`with_uncertainty`.
    """
    return {"as_of": as_of.isoformat(), "forecasters": with_uncertainty(table, board)}


def _by_horizon(board: pd.DataFrame) -> pd.DataFrame:
    """One row a horizon, with the scores that belong to it."""
    keys = ["forecaster", "mode", *COUNTS]
    parts = [
        board[keys].assign(horizon_days=h, brier=board[f"brier_{h}"], log_at=board[f"log_at_{h}"]) for h in HORIZON_DAYS
    ]
    return pd.concat(parts, ignore_index=True).sort_values(["forecaster", "mode", "horizon_days"], ignore_index=True)


def _entry(row: Mapping[Any, Any], table: pd.DataFrame) -> dict[str, Any]:
    own = _once(table[(table["forecaster"] == row["forecaster"]) & (table["mode"] == row["mode"])])
    names = score_names()
    return {
        "name": row["forecaster"],
        "mode": row["mode"],
        **{name: int(row[name]) for name in COUNTS},
        "scores": {name: _finite(row[name]) for name in names},
        "intervals": {name: _interval(own, name) for name in names},
        "skill": {
            str(other): _skill(own, _once(theirs), names)
            for other, theirs in _baselines(table, "hindcast" if row["mode"] == "imported" else row["mode"])
            if other != row["forecaster"]
        },
    }


def _baselines(table: pd.DataFrame, mode: str) -> Any:
    """Forecasts of each baseline in a mode; the model counts as one for the others."""
    rows = table[(table["mode"] == mode) & table["forecaster"].isin([*BASELINES, "model", PREVIOUS])]
    return rows.groupby("forecaster")


def _once(rows: pd.DataFrame, besides: Sequence[str] = ()) -> pd.DataFrame:
    """One scored forecast a question and day: the first recorded, so that a later one cannot replace it."""
    scored = rows[rows["state"] == "scored"]
    return scored.sort_values("recorded_on", kind="stable").drop_duplicates([*besides, *_PAIR]).set_index(_PAIR)


def _interval(own: pd.DataFrame, name: str) -> list[float] | None:
    values = own[name].dropna()
    if values.index.get_level_values("question_id").nunique() < LEAST_QUESTIONS:
        return None
    if not np.isfinite(values).all():
        return None
    _, resampled = _resampled(values.to_frame())
    return list(interval(resampled[:, 0]))


def _skill(own: pd.DataFrame, theirs: pd.DataFrame, names: list[str]) -> dict[str, Any]:
    """Skill by score on the pairs that both have."""
    out: dict[str, Any] = {}
    for name in names:
        both = pd.concat([own[name], theirs[name]], axis=1, join="inner", keys=["ours", "theirs"]).dropna()
        if both.empty:
            continue
        (ours, base), resampled = _resampled(both)
        value = {"value": _finite(skill(ours, base, rule_of(name))), "pairs": len(both)}
        enough = both.index.get_level_values("question_id").nunique() >= LEAST_QUESTIONS
        low, high = interval(skill(resampled[:, 0], resampled[:, 1], rule_of(name))) if enough else (math.nan, math.nan)
        out[name] = value | {"low": _finite(low), "high": _finite(high)}
    return out


def _resampled(values: pd.DataFrame) -> tuple[Any, Any]:
    """Means of columns, and the same with whole questions drawn again."""
    cluster = pd.factorize(values.index.get_level_values("question_id"), sort=True)[0]
    return weighted_means(values.to_numpy(), np.ones(len(values)), cluster, _drawn(int(cluster.max()) + 1))


@lru_cache
def _drawn(questions: int) -> Any:
    """Redraws of so many questions: the same for every score."""
    return cluster_weights(questions, np.random.default_rng(SEED))


def _finite(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
