"""What a validation found: mean scores, the model's skill, and what to read them with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from forecast.record.brought import SCORED_DAYS, LeftOut
from forecast.record.resample import cluster_weights, interval, weighted_means
from forecast.record.summary import LEAST_OPENED, skill
from forecast.tables.episodes import FollowUp

Fit = Literal["now", "then"]

#: Name in the result -> name in ``BASELINES``.
COMPARED: dict[str, str] = {"kaplan_meier": "kaplan-meier", "kaplan_meier_by_promise": "kaplan-meier-promise"}

#: Name in the result -> name in ``SCORES``.
RULES: dict[str, str] = {"brier": "brier", "log": "log_at"}

FORECASTERS: tuple[str, ...] = ("model", *COMPARED)

_CAVEATS: dict[Fit, str] = {
    "now": "The model was fitted to the project's table as known today, without these rows. It may have seen what came "
    "after the days of the forecasts, so this is a test on new cases, not on the future.",
    "then": "Each forecast comes from a fit to the project's table as known on the last quarter day before it. The "
    "form of the model and its priors were chosen later.",
}
_OF_ALL_RUNS = (
    "A forecast knows of its row what the file says was known on its day; a horizon is scored once its day has passed, "
    "opened early or not.",
    "Whoever chose the rows chose the result, too: rows picked because they were opened, or promised, say little about "
    "others.",
    "Forecasts of one episode on several days and for several horizons are no independent tests: the intervals draw "
    "whole organisations again.",
)


@dataclass(frozen=True, eq=False)
class Validation:
    """What a validation found.

    Attributes
    ----------
    items : pandas.DataFrame
        One row a forecast and horizon that is due: ``episode_id``, ``model``, ``organization``,
        ``made_on``, ``fitted_as_of``, ``horizon``, ``opened``, and of each forecaster ``prob_...``,
        ``brier_...`` and ``log_...``.
    left_out : tuple of LeftOut
        Rows of the file without an item.
    fit : {"now", "then"}
    follow_up : {"silence", "evidence"}
    followed_through : datetime.date
        Last day whose openings count.
    as_of : datetime.date
        Today.
    failed_fits : dict of str to str
        Day of the table -> why there is no fit; its forecasts are missing for every forecaster.
    latency : str
    seed : int
    """

    items: pd.DataFrame
    left_out: tuple[LeftOut, ...]
    fit: Fit
    follow_up: FollowUp
    followed_through: dt.date
    as_of: dt.date
    failed_fits: dict[str, str]
    latency: str
    seed: int

    @property
    def counts(self) -> dict[str, int]:
        """Episodes ``n``, those opened by a horizon that is due, organisations, forecasts, items."""
        items = self.items
        return {
            "n": int(items.episode_id.nunique()),
            "opened": int(items.episode_id[items.opened].nunique()),
            "organizations": int(items.organization.nunique()),
            "forecasts": len(items.drop_duplicates(["episode_id", "made_on"])),
            "items": len(items),
        }

    @property
    def caveats(self) -> list[str]:
        """What to read the scores with, in plain words."""
        few = self.counts["opened"] < LEAST_OPENED
        claim = [f"Fewer than {LEAST_OPENED} of the episodes were opened: too few to claim anything."] if few else []
        failed = [f"No fit as of {day}, so its forecasts are missing: {why}" for day, why in self.failed_fits.items()]
        return [_CAVEATS[self.fit], *_OF_ALL_RUNS, *claim, *failed]

    def scores(self) -> dict[str, dict[str, Any]]:
        """Mean scores over all items and by horizon, by forecaster."""
        return {name: _means(self.items, name) | {"by_horizon": self._by_horizon(name)} for name in FORECASTERS}

    def skill(self) -> dict[str, dict[str, Any]]:
        """The model against each forecaster: above 0 is better; with the ends of 90 % intervals."""
        ends = _intervals(self.items, self.seed)
        return {
            name: _skill(self.items, name)
            | ends[name]
            | {"by_horizon": {str(h): _skill(rows, name) for h, rows in self._horizons()}}
            for name in FORECASTERS
        }

    def as_json(self) -> dict[str, Any]:
        """The object that ``forecast validate --json`` prints; what is no finite number is null."""
        return {
            **self.counts,
            "fit": self.fit,
            "fitted_as_of": sorted({str(day) for day in self.items.fitted_as_of}),
            "failed_fits": self.failed_fits,
            "as_of": str(self.as_of),
            "follow_up": self.follow_up,
            "followed_through": str(self.followed_through),
            "latency": self.latency,
            "seed": self.seed,
            "left_out": [asdict(row) for row in self.left_out],
            "scores": self.scores(),
            "skill": self.skill(),
            "caveats": self.caveats,
        }

    def _horizons(self) -> Iterator[tuple[int, pd.DataFrame]]:
        return ((h, self.items[self.items.horizon == h]) for h in SCORED_DAYS)

    def _by_horizon(self, name: str) -> dict[str, dict[str, Any]]:
        return {
            str(h): _means(rows, name) | {"items": len(rows), "opened": int(rows.opened.sum())}
            for h, rows in self._horizons()
        }


def _means(items: pd.DataFrame, name: str) -> dict[str, float | None]:
    return {rule: _finite(items[f"{rule}_{name}"].mean()) for rule in RULES}


def _skill(items: pd.DataFrame, name: str) -> dict[str, float | None]:
    """Skill of the model against a forecaster on some items."""
    if name == "model":
        return dict.fromkeys(RULES, 0.0 if len(items) else None)
    out = {}
    for rule, key in RULES.items():
        ours, theirs = items[[f"{rule}_model", f"{rule}_{name}"]].mean().to_numpy()
        out[rule] = _finite(skill(ours, theirs, key))
    return out


def _intervals(items: pd.DataFrame, seed: int) -> dict[str, dict[str, float | None]]:
    """Ends of the 90 % intervals of all skills, over resampled organisations; null where there is one only."""
    cluster = pd.factorize(items.organization, sort=True)[0]
    organizations = int(cluster.max()) + 1
    if organizations == 1:
        return {name: {f"{rule}_{end}": None for rule in RULES for end in ("low", "high")} for name in FORECASTERS}
    drawn = cluster_weights(organizations, np.random.default_rng(seed))
    columns = [(rule, name) for rule in RULES for name in FORECASTERS]
    values = np.column_stack([items[f"{rule}_{name}"] for rule, name in columns])
    means = dict(zip(columns, weighted_means(values, np.ones(len(items)), cluster, drawn)[1].T, strict=True))
    out: dict[str, dict[str, float | None]] = {name: {} for name in FORECASTERS}
    for rule, name in columns:
        same = name == "model"  # 0 against itself, even where its score is 0
        low, high = (0.0, 0.0) if same else interval(skill(means[rule, "model"], means[rule, name], RULES[rule]))
        out[name] |= {f"{rule}_low": _finite(low), f"{rule}_high": _finite(high)}
    return out


def _finite(value: float) -> float | None:
    """A number for JSON."""
    return float(value) if np.isfinite(value) else None
