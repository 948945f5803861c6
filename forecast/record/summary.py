"""A backtest in numbers: skill by period and by what a row is, with organisation-resampled intervals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from forecast.record.resample import cluster_weights, interval, weighted_means
from forecast.record.scores import SCORES, score_names

#: Last origin on which choices are made; later ones are for claims only.
CHOICES_THROUGH = dt.date(2025, 6, 30)

#: A stratum with fewer opened episodes states its interval and claims nothing.
LEAST_OPENED = 20

#: Baselines that every stratum is compared with; the whole table is compared with all.
MAIN_BASELINES = ("kaplan-meier", "kaplan-meier-promise")

#: Rules at a horizon that are also pooled, an item a forecast and horizon; the horizons; the pooled score's ending.
POOLED_RULES = ("brier", "log_at")
POOLED_DAYS = (30, 90, 180, 365)
POOLED = "pooled"

#: Columns of the items by which they are split.
TRAITS = ("promise", "modality", "country")

_KEY = ["origin", "episode_id"]

_SPLIT = ["period", "stratum", "value", "score_name"]
_COUNTS = ["items", "items_opened", "episodes", "episodes_opened", "organizations", "claims"]
_MEANS = ["score", "baseline_score", "skill", "low", "high"]
_COLUMNS = [*_SPLIT, "baseline", *_COUNTS, *_MEANS, *(f"{name}_by_episode" for name in _MEANS)]


def skill(ours: Any, theirs: Any, rule: str) -> Any:
    """What one score is worth against another's: above 0 is better.

    The difference in nats for log rules, for a ratio would measure how a forecast of 0 was
    clipped; 1 - ours / theirs for the others.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return theirs - ours if SCORES[rule].units == "nats" else 1 - ours / theirs


def rule_of(name: str) -> str:
    """Key in ``SCORES`` of a score's column: ``brier`` of ``brier_30``."""
    return name if name in SCORES else name.rpartition("_")[0]


def strata(items: pd.DataFrame, cohorts: pd.DataFrame) -> Iterator[tuple[str, str, pd.Series]]:
    """What to look at apart: name, value, which items.

    Parameters
    ----------
    items : pandas.DataFrame
        One row an origin and episode.
    cohorts : pandas.DataFrame
        ``cohort`` and ``episode_id``.
    """
    yield "all", "all", pd.Series(True, index=items.index)
    for trait in TRAITS:
        for value in sorted(items[trait].unique()):
            yield trait, value, items[trait] == value
    for cohort, members in cohorts.groupby("cohort"):
        yield "cohort", str(cohort), items.episode_id.isin(members.episode_id)


def periods(origin: pd.Series) -> dict[str, pd.Series]:
    """Which items belong to the time of choices, which to that of claims."""
    choice = origin <= pd.Timestamp(CHOICES_THROUGH)
    return {"all": choice | True, "choice": choice, "claim": ~choice}


def summarise(
    items: pd.DataFrame, cohorts: pd.DataFrame, horizons: tuple[int, ...], seed: int, forecaster: str = "model"
) -> pd.DataFrame:
    """Skill of one forecaster against the others, on the items that all of them scored.

    Parameters
    ----------
    items : pandas.DataFrame
        Of a backtest: one row a forecaster, origin and episode.
    cohorts : pandas.DataFrame
        ``cohort`` and ``episode_id``.
    horizons : tuple of int
    seed : int
        Of the resampling.
    forecaster : str

    Returns
    -------
    pandas.DataFrame
        One row a period, stratum, score and baseline: counts; ``score`` and ``baseline_score``,
        item-weighted means; ``skill`` with the ends of its 90 % interval; ``*_by_episode``, the
        same with every episode counting once; ``claims``, whether there are enough opened
        episodes to claim anything.
    """
    everyone = list(dict.fromkeys(items.forecaster))
    if forecaster not in everyone:
        return pd.DataFrame(columns=_COLUMNS)  # no fit converged
    about = items.drop_duplicates(_KEY).set_index(_KEY)
    organization = pd.Series(pd.factorize(about.organization, sort=True)[0], index=about.index)
    drawn = cluster_weights(organization.max() + 1, np.random.default_rng(seed))
    rows = []
    for name, table in _score_tables(items, everyone, horizons):
        base = about.loc[table.index].reset_index().assign(limit_days=_limits(name, table, about))
        numbers, values = organization.loc[table.index].to_numpy(), table[everyone].to_numpy()
        for period, in_period in periods(base.origin).items():
            for stratum, value, of_stratum in strata(base, cohorts):
                some = (in_period & of_stratum).to_numpy()
                if some.any():
                    means = _Means(values[some], base[some], numbers[some], drawn)
                    others = [b for b in everyone if b != forecaster and (stratum == "all" or b in MAIN_BASELINES)]
                    labels = {"period": period, "stratum": stratum, "value": value, "score_name": name}
                    counts = labels | _counts(base[some])
                    rows += [
                        counts
                        | means.against(everyone.index(forecaster), everyone.index(b), rule_of(name))
                        | {"baseline": b}
                        for b in others
                    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


class _Means:
    """Mean scores of all forecasters on some items, and in every resample, item- and episode-weighted."""

    def __init__(self, values: Any, base: pd.DataFrame, cluster: Any, drawn: Any) -> None:
        per_episode = 1 / base.groupby("episode_id").episode_id.transform("size").to_numpy()
        self.by_item = weighted_means(values, np.ones(len(values)), cluster, drawn)
        self.by_episode = weighted_means(values, per_episode, cluster, drawn)

    def against(self, ours: int, theirs: int, rule: str) -> dict[str, float]:
        """Both means and the skill with its interval."""
        out: dict[str, float] = {}
        for ending, (means, resampled) in (("", self.by_item), ("_by_episode", self.by_episode)):
            low, high = interval(skill(resampled[:, ours], resampled[:, theirs], rule))
            out |= {
                f"score{ending}": float(means[ours]),
                f"baseline_score{ending}": float(means[theirs]),
                f"skill{ending}": float(skill(means[ours], means[theirs], rule)),
                f"low{ending}": low,
                f"high{ending}": high,
            }
        return out


def records_json(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON values; what is no finite number is null."""
    return [
        {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in row.items()}
        for row in table.to_dict("records")
    ]


def _score_tables(
    items: pd.DataFrame, everyone: list[str], horizons: tuple[int, ...]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Of each score, one row an item that all have scored; then the scores at a horizon, pooled over horizons."""
    pooled: dict[str, list[pd.DataFrame]] = {rule: [] for rule in POOLED_RULES}
    for name in score_names(horizons):
        table = items.pivot_table(name, _KEY, "forecaster", observed=True).reindex(columns=everyone).dropna()
        horizon = name.rpartition("_")[2]
        if rule_of(name) in pooled and int(horizon) in POOLED_DAYS:
            pooled[rule_of(name)].append(table.assign(limit_days=float(horizon)))
        yield name, table
    for rule, tables in pooled.items():
        if tables:
            yield f"{rule}_{POOLED}", pd.concat(tables)


def _limits(name: str, table: pd.DataFrame, about: pd.DataFrame) -> Any:
    """Days by which an item must have opened to count as opened."""
    followed, horizon = about.loc[table.index].followed_days.to_numpy(), name.rpartition("_")[2]
    if horizon == POOLED:
        return np.minimum(followed, table.limit_days.to_numpy())
    return np.minimum(followed, float(horizon)) if horizon.isdigit() else followed


def _counts(base: pd.DataFrame) -> dict[str, Any]:
    """How much a mean rests on: items and episodes, those opened in time, organisations."""
    opened = base.day <= base.limit_days
    opened_episodes = int(base.episode_id[opened].nunique())
    return {
        "items": len(base),
        "items_opened": int(opened.sum()),
        "episodes": int(base.episode_id.nunique()),
        "episodes_opened": opened_episodes,
        "organizations": int(base.organization.nunique()),
        "claims": opened_episodes >= LEAST_OPENED,
    }
