"""Views of little tables and of the real one, for the model's tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast.model.priors import Priors, read_priors
from forecast.tables.episodes import read_episodes

#: A statement about no episode: it keeps the list of promises from being empty.
NOBODY = {"about": "nobody", "said_on": "1990-01-01", "known_on": "1990-01-01"}


@pytest.fixture(scope="session")
def view_of(make_data: Callable[..., Path]) -> Callable[..., pd.DataFrame]:
    """A view of a little table: rows of each table, the cells that differ from a plain one."""

    def read(
        *episodes: dict[str, str],
        as_of: str = "2026-10-31",
        promises: tuple[dict[str, str], ...] = (),
        follow_up: str = "silence",
        **tables: Any,
    ) -> pd.DataFrame:
        said = [NOBODY, *({"about": "acme-one", "said_on": p["known_on"]} | p for p in promises)]
        folder = make_data(episodes=list(episodes), promises=said, **tables)
        return read_episodes(folder / "episodes.csv", dt.date.fromisoformat(as_of), follow_up=follow_up)

    return read


@pytest.fixture(scope="session")
def real_view(real_data: Path) -> pd.DataFrame:
    """All that the project's own table knows."""
    return read_episodes(real_data / "episodes.csv")


@pytest.fixture(scope="session")
def priors(real_data: Path) -> Priors:
    """The project's own priors."""
    return read_priors(real_data / "priors.toml")
