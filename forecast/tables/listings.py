"""What a catalogue's entries are called in the tables: maker, normal form, and the episode or open model each names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from forecast.tables.catalogue import NOBODY
from forecast.tables.episodes import open_members, read_members, read_optional
from forecast.tables.evidence import THE_MAKER
from forecast.tables.forms import Form, entry_forms, model_forms
from forecast.tables.makers import maker_key, maker_of, provider_maker
from forecast.tables.names import NameIndex
from forecast.tables.schema import CohortEntry, OpenDebut


class Known(NamedTuple):
    """What a name stands for in the tables.

    Attributes
    ----------
    kind : {"episode", "open", "left out"}
        An episode; a model that was open from its debut; an entry that a cohort leaves out for a reason.
    id : str
        The episode; else the model or the reason.
    """

    kind: Literal["episode", "open", "left out"]
    id: str


def known_names(view: pd.DataFrame, data: Path, as_of: dt.date) -> NameIndex[Known]:
    """Every name by which the tables know a model on a day.

    Parameters
    ----------
    view : pandas.DataFrame
        Episodes as known on the day, from :func:`forecast.tables.episodes.read_episodes`.
    data : pathlib.Path
        Folder of the tables: cohorts, open debuts and family members give further names.
    as_of : datetime.date
        The day.
    """
    return NameIndex([*_of_episodes(view), *_of_cohorts(view, data), *_of_open_models(data, as_of)])


def _of_episodes(view: pd.DataFrame) -> Iterator[tuple[str, Form, Known]]:
    models = view[view.domain == "ai_model"]
    for row in models[["episode_id", "model", "organization"]].itertuples(index=False):
        maker = maker_key(row.organization)
        known = Known("episode", row.episode_id)
        for form in (*model_forms(row.model, maker), *entry_forms(row.episode_id, row.episode_id, maker)[:1]):
            yield maker, form, known


def _of_cohorts(view: pd.DataFrame, data: Path) -> Iterator[tuple[str, Form, Known]]:
    """Ids of catalogued models, whose episode somebody has looked up already."""
    ids = set(view.episode_id)
    for row in read_optional(data / CohortEntry.file, CohortEntry).itertuples(index=False):
        left_out = pd.isna(row.episode_id)
        if not left_out and row.episode_id not in ids:
            continue  # not yet known on the day
        maker = maker_of(row.entry)
        key = maker.key or maker_key(row.organization)
        known = Known("left out", row.excluded) if left_out else Known("episode", row.episode_id)
        for form in entry_forms(maker.bare, row.entry, key)[:1]:
            yield key, form, known


def _of_open_models(data: Path, as_of: dt.date) -> Iterator[tuple[str, Form, Known]]:
    debuts = read_optional(data / OpenDebut.file, OpenDebut)
    for row in debuts[debuts.opened_on <= pd.Timestamp(as_of)].itertuples(index=False):
        maker = maker_key(row.organization)
        for form in (*model_forms(row.model, maker), *entry_forms(maker_of(row.entry).bare, row.entry, maker)[:1]):
            yield maker, form, Known("open", row.model)
    members = open_members(read_members(data / "episodes.csv"), as_of)
    for row in members.itertuples(index=False):
        maker = maker_of(row.member).key or maker_key(row.family.split("-")[0])
        for form in model_forms(row.member, maker):
            yield maker, form, Known("open", row.member)


def match_listings(table: pd.DataFrame, names: NameIndex[Known]) -> pd.DataFrame:
    """Add what each entry is.

    Parameters
    ----------
    table : pandas.DataFrame
        Of a :class:`forecast.tables.catalogue.Catalogue`.
    names : NameIndex
        From :func:`known_names`.

    Returns
    -------
    pandas.DataFrame
        The table and: ``maker`` (key, "" unknown), ``own`` (listed by its maker, or in the
        catalogue's own list of models), ``vote`` (providers of one house have one), ``form``,
        ``known_kind``, ``known_id``, ``level`` and ``score`` of the match, None without one.
    """
    sellers = frozenset(table.provider) - {NOBODY}
    cells = [_matched(row, names, sellers) for row in table[["provider", "entry", "name"]].itertuples(index=False)]
    columns = ("maker", "own", "vote", "form", "known_kind", "known_id", "level", "score")
    return table.join(pd.DataFrame(cells, columns=list(columns), index=table.index, dtype=object))


def _matched(row: NamedTuple, names: NameIndex[Known], sellers: frozenset[str]) -> tuple[object, ...]:
    provider, entry, name = row
    maker = maker_of(entry, provider, sellers)
    own = provider == NOBODY or (maker.key != "" and maker.key == provider_maker(provider))
    forms = entry_forms(maker.bare, name, maker.key)
    found = names.find(maker.key, forms) if maker.key else names.find_anywhere(forms)
    said = (*found[0], *found[1]) if found else (None, None, None, None)
    form = max(forms, key=lambda form: len(form.versions))  # gpt-53 is GPT-5.3 where its name says so
    return maker.key, own, THE_MAKER if own else provider.split("-")[0], form, *said
