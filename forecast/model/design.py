"""From a view of the episodes to the arrays that the likelihood needs: the design."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.errors import FitError
from forecast.model.covariates import covariate_matrix
from forecast.model.likelihood import NODES
from forecast.tables.episodes import Target, open_window
from forecast.tables.promises import STATES, segments

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: log of an odds ratio that stands for "cannot happen": openings in part, for the full target.
NO_PART = -40.0

#: A debut window narrower than this share of the lag is represented by its middle.
NODE_TOLERANCE = 0.1

#: Shortest lag, in days, that a window may imply: a promise on the debut day is due no sooner.
MIN_LAG_DAYS = 0.25


@dataclass(frozen=True)
class Design:
    """What the model is fitted to: one entry a segment, three nodes of its debut day.

    Attributes
    ----------
    row : array of shape (segments,)
        Position of the segment's episode in the view.
    state : array of shape (segments,)
        Index of the promise state in ``STATES``.
    sign : array of shape (segments,)
        +1, or -1 for normalisers (delayed entry, right truncation).
    kind : array of shape (segments,)
        0 survived, 1 opened in full, 2 opened in part.
    with_share : array of shape (segments,)
        0 for rows that inform timing only.
    start_days, end_days : array of shape (segments, 3)
        Lag window of the opening; for survived segments both are the lag survived.
    covariates : array of shape (segments, len(COVARIATES) + 1)
        The last column is log(1 + days waited before the promise).
    log_due : array of shape (segments,)
        Log days from the clock's start to the due day; 0 unless dated.
    no_part : array of shape (segments,)
        Added to the part predictor: ``NO_PART`` for the full target.
    organization, modality : array of shape (segments,)
        Index into ``organizations`` and ``modalities``.
    """

    row: Ints
    state: Ints
    sign: Floats
    kind: Ints
    with_share: Floats
    start_days: Floats
    end_days: Floats
    covariates: Floats
    log_due: Floats
    no_part: Floats
    organization: Ints
    modality: Ints
    organizations: tuple[str, ...]
    modalities: tuple[str, ...]

    @property
    def n_opened(self) -> int:
        """Openings that inform rates."""
        return int(((self.kind > 0) & (self.with_share > 0)).sum())

    @property
    def content(self) -> bytes:
        """All that a likelihood depends on: everything but the rows' places in their table."""
        arrays = {name: v for name, v in vars(self).items() if isinstance(v, np.ndarray) and name != "row"}
        return b"".join(v.tobytes() for v in arrays.values())

    def of_row(self, row: int) -> Design:
        """The segments of one row, which stand together, in order."""
        return self.only(slice(*np.searchsorted(self.row, [row, row + 1])))

    def by_episode(self, names: Sequence[str]) -> dict[str, Design]:
        """The segments of each row, by the names of the table's rows."""
        return {names[row]: self.of_row(row) for row in np.unique(self.row)}

    def only(self, some: NDArray[Any] | slice) -> Design:
        """Some of the segments, by a mask, places or a slice, in the same groups."""
        arrays: dict[str, Any] = {name: v[some] for name, v in vars(self).items() if isinstance(v, np.ndarray)}
        return replace(self, **arrays)

    def digest(self) -> str:
        """SHA-256 of all arrays: what a posterior depends on."""
        sha = hashlib.sha256()
        for item in fields(self):
            value = getattr(self, item.name)
            sha.update(item.name.encode())
            sha.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
        return sha.hexdigest()


def joined(parts: Sequence[Design]) -> Design:
    """Designs in the same groups, one after the other."""
    names = [name for name, value in vars(parts[0]).items() if isinstance(value, np.ndarray)]
    arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return replace(parts[0], **arrays)


def build_design(view: pd.DataFrame, target: Target, programs: bool = False) -> Design:
    """Turn a view into segments with lags, covariates and groups.

    Parameters
    ----------
    view : pandas.DataFrame
        From :func:`forecast.tables.episodes.read_episodes`.
    target : {"any", "full"}
        What ends a row: any opening, or one in full only.
    programs : bool
        Whether programs and games, known because they opened, inform the timing.

    Raises
    ------
    FitError
        If no row was opened: there is nothing to learn how long openings take from.
    """
    models = view.domain == "ai_model"
    grouped = view if programs else view[models]
    organizations, modalities = (tuple(sorted(grouped[c].unique())) for c in ("organization", "modality"))
    ai_opened = open_window(view, target).open_last.notna() & models
    design = design_rows(view, target, organizations, modalities, programs) if ai_opened.any() else None
    if design is None or design.n_opened == 0:
        raise FitError(
            f"no opened AI model was known on {view.attrs['as_of']}: a fit needs at least one; choose a later day"
        )
    return design


def design_rows(
    view: pd.DataFrame,
    target: Target,
    organizations: tuple[str, ...],
    modalities: tuple[str, ...],
    programs: bool = True,
) -> Design:
    """Segments of any rows, in given groups; a member of none of them gets the place after the last.

    Without ``programs``, rows that inform timing only are left out.

    Raises
    ------
    FitError
        If no row has a segment: programs and games that did not open have none.
    """
    opened = open_window(view, target)
    matrix = covariate_matrix(view)
    builder = _Builder(view, opened, _last_search(view))
    for piece in segments(view, opened.open_last).itertuples():
        builder.add(piece)
    if not builder.out:
        raise FitError("no row of the table can inform the model")
    frame = pd.DataFrame(builder.out)
    row = frame["row"].to_numpy(np.int64)
    design = Design(
        row=row,
        state=frame["state"].to_numpy(np.int64),
        sign=frame["sign"].to_numpy(np.float64),
        kind=frame["kind"].to_numpy(np.int64),
        with_share=frame["with_share"].to_numpy(np.float64),
        start_days=np.stack(frame["start"].tolist()),
        end_days=np.stack(frame["end"].tolist()),
        covariates=np.column_stack([matrix[row], frame["wait"].to_numpy(np.float64)]),
        log_due=frame["log_due"].to_numpy(np.float64),
        no_part=np.full(len(frame), NO_PART if target == "full" else 0.0),
        organization=_index(view.organization, organizations)[row],
        modality=_index(view.modality, modalities)[row],
        organizations=organizations,
        modalities=modalities,
    )
    return design if programs else design.only(design.with_share > 0)


def _last_search(view: pd.DataFrame) -> float:
    """Day number of the last day on which an opening could have been noticed."""
    return float(min(view.attrs["as_of"], view.attrs["searched_through"]).toordinal())


def day_number(day: Any) -> float:
    """Day number of a timestamp: whole days, day 1 = 0001-01-01."""
    return float(day.toordinal())


def waited(since: float, debut: float) -> float:
    """The wait covariate: log(1 + days from the debut to the promise)."""
    return float(np.log1p(max(since - debut, 0.0)))


def debut_days(first: Any, last: Any) -> Floats:
    """The debut's three nodes, in day numbers."""
    start = day_number(first)
    return start + NODES * (day_number(last) + 1 - start)


def _index(values: pd.Series, names: tuple[str, ...]) -> Ints:
    place = {name: i for i, name in enumerate(names)}
    return np.array([place.get(name, len(names)) for name in values], dtype=np.int64)


class _Builder:
    """Collects the segments that enter the likelihood."""

    def __init__(self, view: pd.DataFrame, opened: pd.DataFrame, compiled: float) -> None:
        self.rows = list(view.itertuples())
        self.opened = list(opened.itertuples())
        self.compiled = compiled
        self.out: list[dict[str, Any]] = []

    def add(self, piece: Any) -> None:
        """One segment of a row, and its normaliser where it has one."""
        row, opening = self.rows[piece.row], self.opened[piece.row]
        is_open = not pd.isna(opening.open_last)
        if not is_open and piece.since >= row.leaked_on:
            return  # a leak ended the follow-up
        if not is_open and piece.until > row.leaked_on:
            piece = piece._replace(until=pd.NaT)
        end_day = self._end(row, opening)
        debut = debut_days(row.closed_first, max(row.closed_first, min(row.closed_last, end_day)))
        restarted = not pd.isna(piece.since) and piece.state != "none"
        clock = np.full(3, day_number(piece.since) + 0.5) if restarted else debut
        due = max(day_number(piece.due_on) + 1 - clock.mean(), MIN_LAG_DAYS) if piece.state == "dated" else 1.0
        base = {
            "row": piece.row,
            "state": STATES.index(piece.state),
            "wait": waited(clock.mean(), debut.mean()) if restarted else 0.0,
            "log_due": np.log(due),
        }
        if row.domain != "ai_model":
            if is_open and pd.isna(piece.until):
                self._timing_only(base, piece, opening, clock)
            return
        if not pd.isna(piece.since) and not restarted:
            self._survived(base, day_number(piece.since) + 0.5 - clock, sign=-1.0)
        if not pd.isna(piece.until):
            self._survived(base, day_number(piece.until) + 0.5 - clock)
        elif is_open:
            self._opened(base, piece, opening, clock)
        else:
            self._survived(base, day_number(end_day) + 1 - clock)

    def _end(self, row: Any, opening: Any) -> Any:
        """Last day of the opening's window, else of the follow-up; a leak ends the follow-up."""
        if not pd.isna(opening.open_last):
            return opening.open_last
        return row.closed_through if pd.isna(row.leaked_on) else min(row.closed_through, row.leaked_on)

    def _survived(self, base: dict[str, Any], lag: Floats, sign: float = 1.0) -> None:
        lag = np.maximum(lag, MIN_LAG_DAYS)
        self.out.append(base | {"sign": sign, "kind": 0, "with_share": 1.0, "start": lag, "end": lag})

    def _opened(self, base: dict[str, Any], piece: Any, opening: Any, clock: Floats, with_share: float = 1.0) -> None:
        first = day_number(opening.open_first)
        if not pd.isna(piece.since):
            first = max(first, day_number(piece.since) + 0.5)  # a statement is made at noon
        start = np.maximum(first - clock, 0.0)
        end = np.maximum(day_number(opening.open_last) + 1 - clock, start + MIN_LAG_DAYS)
        kind = 1 if opening.open_kind == "full" else 2
        self.out.append(base | {"sign": 1.0, "kind": kind, "with_share": with_share, "start": start, "end": end})

    def _timing_only(self, base: dict[str, Any], piece: Any, opening: Any, clock: Floats) -> None:
        """A row known because it opened: its window, given that it opened by the compile day."""
        self._opened(base, piece, opening, clock, with_share=0.0)
        by = np.maximum(self.compiled + 1 - clock, self.out[-1]["end"])
        self.out.append(self.out[-1] | {"sign": -1.0, "start": np.zeros(3), "end": by})
