"""What the table says happened: who was still closed after how many days, by what a model is.

Plain counts and Kaplan-Meier curves; no model, no fit. Follow-up is that of the view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from forecast.model.lags import DAY, Floats, at_risk, debut, lags_of, product_limit
from forecast.tables.episodes import Target, open_window
from forecast.tables.promises import segments

#: Nothing is said of a day on which fewer than this many are at risk.
AT_RISK = 5

#: Days after the closed debut at which tables give the share opened.
HORIZONS_DAYS = (90, 365, 730)

#: Shares opened whose day is looked for.
SHARES = (0.1, 0.25)

#: The model calls these by name; all other countries together are *elsewhere*.
_COUNTRIES = {"US": "US", "CN": "China"}

_FIRST_YEAR = 2019
_HALF_DAY = 0.5
_NOON = pd.Timedelta(hours=12)
_TRAITS = ["episode_id", "organization", "modality", "closed_precision", "frame"]


def holdings(view: pd.DataFrame) -> pd.DataFrame:
    """Count the rows of a view by domain and, one after the other, by outcome, precision and year of debut.

    Returns
    -------
    pandas.DataFrame
        Index ``what`` and ``value``; a column a domain, and ``all``.
    """
    parts = {
        "outcome": view.outcome,
        "debut known to the": view.closed_precision,
        "outcome known to the": view.outcome_precision,
        "year of debut": _years(view, 2018),
    }
    counts = {what: pd.crosstab(values, view.domain) for what, values in parts.items()}
    table = pd.concat(counts, names=["what", "value"]).fillna(0).astype(int)
    return table.assign(all=table.sum(axis=1))


def spells_of(view: pd.DataFrame, target: Target = "any") -> pd.DataFrame:
    """Cut every AI model's days into spells, one a promise state, on the clock of its closed debut.

    A model enters a state on the day on which its promise became known, and until then counts
    under the state before: sorted by a promise that came later it would be immortal up to it.

    Parameters
    ----------
    view : pandas.DataFrame
        From :func:`forecast.tables.episodes.read_episodes`.
    target : {"any", "full"}
        Which openings end a row.

    Returns
    -------
    pandas.DataFrame
        One row a spell, what the model is beside it, and

        - ``state``: the promise in force ("none", "vague", "dated"); ``debut_state``: at the debut;
        - ``country``: US, China, elsewhere; ``year`` of debut, all to 2019 together;
        - ``entry_days``, ``exit_days``: at risk in (entry, exit], days from the middle of the debut's
          window to the middle of the opening's, or to the end of follow-up; a leak ends it;
        - ``opened``: the spell ends with the opening; ``kind``: "full" or "part" if so.

    Raises
    ------
    FitError
        If no AI model was opened.
    """
    rows = view[view.domain == "ai_model"].reset_index(drop=True)
    lags, opening, start = lags_of(view, target), open_window(rows, target), debut(rows)
    leaked = ((rows.leaked_on + DAY - start) / DAY).fillna(np.inf)
    ended = pd.Series(np.where(lags.opened, lags.days, np.minimum(lags.days, leaked)))
    latest = (ended - _HALF_DAY).where(lags.opened, np.inf)  # a promise with its row's opening came before it
    pieces = segments(rows, opening.open_last)
    own = pieces.row.to_numpy()
    from_, until = (
        np.minimum((pieces[end] + _NOON - start[own].array) / DAY, latest[own].array) for end in ("since", "until")
    )
    spells = rows.loc[own, _TRAITS].reset_index(drop=True)
    spells["country"] = rows.org_country.map(_COUNTRIES).fillna("elsewhere")[own].array
    spells["year"] = _years(rows, _FIRST_YEAR)[own].array
    spells["state"] = pieces.state
    spells["debut_state"] = spells.groupby("episode_id").state.transform("first")
    spells["entry_days"] = from_.fillna(0.0)
    spells["exit_days"] = np.minimum(until.fillna(np.inf), ended[own].array)
    spells["opened"] = pieces.until.isna() & lags.opened[own]
    spells["kind"] = opening.open_kind[own].where(spells.opened.array).array
    return spells[spells.entry_days < spells.exit_days].reset_index(drop=True)


def split(spells: pd.DataFrame, trait: str, least_rows: int = 15) -> dict[str, pd.DataFrame]:
    """Spells by a trait, the values with most models first; those with fewer than ``least_rows`` are left out."""
    sizes = spells.groupby(trait).episode_id.nunique().sort_values(ascending=False, kind="stable")
    return {str(value): spells[spells[trait] == value] for value in sizes.index[sizes >= least_rows]}


def survival(spells: pd.DataFrame, days: Sequence[float] | Floats) -> pd.DataFrame:
    r"""Kaplan-Meier share still closed on some days, with delayed entry and 95 % intervals.

    .. math:: \hat S(t) = \prod_{u \le t} 1 - \frac{d(u)}{n(u)}, \qquad
              m(t) = \frac{1 - \hat S(t)}{\hat S(t)} \Big/ \sum_{u \le t} \frac{d(u)}{n(u)\,(n(u) - d(u))}

    The interval is Wilson's for a share :math:`\hat S` of m models, the number that without
    censoring would have Greenwood's variance (Rothman 1978, J. Chronic Dis. 31, 557-560). It
    is no point where none was opened: m is then the number at risk. It takes models as
    independent; those of one organisation are not, so it is too narrow.

    Parameters
    ----------
    spells : pandas.DataFrame
        ``entry_days``, ``exit_days``, ``opened``, as from :func:`spells_of`.
    days : sequence of float
        After the debut; 0 and the first half day are one.

    Returns
    -------
    pandas.DataFrame
        ``day``, ``closed``, ``low``, ``high`` (NaN while fewer than :data:`AT_RISK` are at risk), ``at_risk``.
    """
    arrays = (spells.entry_days.to_numpy(float), spells.exit_days.to_numpy(float), spells.opened.to_numpy(bool))
    when = np.maximum(np.asarray(days, dtype=float), _HALF_DAY)
    curve = product_limit(*arrays, AT_RISK)
    events, risk = at_risk(*arrays, curve.times)
    _, left = at_risk(*arrays, when)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(events / (risk * (risk - events)))
        size = effective_size(curve(when), np.append(0.0, greenwood)[np.searchsorted(curve.times, when, "right")])
    closed, enough = curve(when), left >= AT_RISK
    low, high = wilson(closed, np.where(np.isfinite(size), size, np.maximum(left, 1.0)))
    found = {"closed": closed, "low": low, "high": high}
    shown = {name: np.where(enough, share, np.nan) for name, share in found.items()}
    return pd.DataFrame({"day": np.asarray(days, dtype=float)} | shown | {"at_risk": left.astype(int)})


def effective_size(closed: Floats, greenwood: Floats) -> Floats:
    """Models that would give Greenwood's variance if all were followed; NaN where all or none are closed."""
    size: Floats = (1 - closed) / (closed * greenwood)
    return size


def wilson(share: Floats, size: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson's interval of a share of ``size`` (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    z = float(ndtri(0.5 + level / 2))
    middle = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * np.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    return middle - half, middle + half


def survival_curves(groups: Mapping[str, pd.DataFrame], through_days: float = 1095) -> pd.DataFrame:
    """Curves to draw: :func:`survival` of each group at each of its openings, while enough are at risk.

    Parameters
    ----------
    groups : mapping of str to pandas.DataFrame
        Name to spells.
    through_days : float
        Where the curves are cut.

    Returns
    -------
    pandas.DataFrame
        ``group`` ("name: opened of models"), and the columns of :func:`survival`.
    """
    curves = []
    for name, own in groups.items():
        last = min(own.exit_days.nlargest(AT_RISK).iloc[-1], through_days)  # of the days on which enough are at risk
        openings = own.exit_days[own.opened & (own.exit_days < last)]
        title = f"{name}: {own.opened.sum()} of {own.episode_id.nunique()}"
        curves.append(survival(own, np.unique([0.0, *openings, last])).dropna().assign(group=title))
    return pd.concat(curves, ignore_index=True)


def open_within(groups: Mapping[str, pd.DataFrame], days: Sequence[int] = HORIZONS_DAYS) -> pd.DataFrame:
    """Chance to be open within some days of the closed debut, by group, by Kaplan-Meier.

    Returns
    -------
    pandas.DataFrame
        Index: the groups' names. ``models``, ``opened`` of them (ever), and for each horizon ``p_``,
        its 95 % interval ``low_`` and ``high_``, and ``at_risk_`` (NaN while fewer than five are).
    """
    return pd.DataFrame([_row(own, days) for own in groups.values()], index=list(groups))


def lags_by(groups: Mapping[str, pd.DataFrame], shares: Sequence[float] = SHARES) -> pd.DataFrame:
    """How long it took, by group: of those opened, and by Kaplan-Meier of all.

    Returns
    -------
    pandas.DataFrame
        Index: the groups' names. ``models``, ``opened``, ``median_days_opened`` (of those opened: what
        is still to come is missing from it), and ``days_to_10`` etc., the days until that percentage was
        open (NaN: not reached).
    """
    rows = []
    for own in groups.values():
        arrays = (own.entry_days.to_numpy(float), own.exit_days.to_numpy(float), own.opened.to_numpy(bool))
        curve = product_limit(*arrays, AT_RISK)
        reached = {f"days_to_{round(100 * share)}": curve.reached(share) for share in shares}
        rows.append(_counts(own) | {"median_days_opened": own.exit_days[own.opened].median()} | reached)
    return pd.DataFrame(rows, index=list(groups))


def who_opens(spells: pd.DataFrame, least_rows: int) -> pd.DataFrame:
    """Organisations with at least so many models: how many of them were opened, how, and how soon.

    Returns
    -------
    pandas.DataFrame
        Index ``organization``, those with most models first: ``models``, ``opened``, ``opened_share``,
        first opened ``in_full`` and ``in_part``, ``median_days_opened`` (NaN: none).
    """
    own = spells.groupby("organization")
    table = pd.DataFrame({"models": own.episode_id.nunique(), "opened": own.opened.sum()})
    table["opened_share"] = table.opened / table.models
    for kind in ("full", "part"):
        table[f"in_{kind}"] = (spells.kind == kind).groupby(spells.organization).sum()
    table["median_days_opened"] = spells[spells.opened].groupby("organization").exit_days.median()
    return table[table.models >= least_rows].sort_values(["models", "opened"], ascending=False)


def _years(rows: pd.DataFrame, first: int) -> pd.Series:
    """Year of the middle of the debut, early ones together."""
    year = debut(rows).dt.year
    return year.astype(str).where(year > first, f"{first} and before")


def _counts(spells: pd.DataFrame) -> dict[str, Any]:
    return {"models": spells.episode_id.nunique(), "opened": int(spells.opened.sum())}


def _row(spells: pd.DataFrame, days: Sequence[int]) -> dict[str, Any]:
    out = _counts(spells)
    for at in survival(spells, days).itertuples():
        named = {"p": 1 - at.closed, "low": 1 - at.high, "high": 1 - at.low, "at_risk": at.at_risk}
        out |= {f"{name}_{at.day:.0f}": value for name, value in named.items()}
    return out
