"""Where files live, what day it is, and the one seed."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_dir

from forecast.errors import HomeError

#: The seed of every run that names none; recorded with each forecast.
SEED = 20260406

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Home:
    """A folder with ``data/``: tables, priors, questions and the ledger.

    Attributes
    ----------
    data : pathlib.Path
        The folder that holds ``episodes.csv``.
    editable : bool
        False for the copy inside an installed package, which no command writes to.
    """

    data: Path
    editable: bool = True

    @property
    def episodes(self) -> Path:
        """The episodes table."""
        return self.data / "episodes.csv"

    @property
    def questions(self) -> Path:
        """The questions file."""
        return self.data / "questions.toml"

    @property
    def priors(self) -> Path:
        """The priors file."""
        return self.data / "priors.toml"

    @property
    def ledger(self) -> Path:
        """The folder of the ledger's chains."""
        return self.data / "ledger"

    @property
    def reports(self) -> Path:
        """The folder of published reports."""
        return self.data.parent / "reports"

    def require_editable(self, command: str) -> None:
        """Refuse to write into an installed package."""
        if not self.editable:
            raise HomeError(
                f"'forecast {command}' needs a folder of your own: run 'forecast init DIR', "
                "then give --home DIR or set FORECAST_HOME=DIR"
            )


def find_home(home: str | Path | None = None) -> Home:
    """Find the data: ``home``, else ``FORECAST_HOME``, else the checkout, else the packaged copy.

    Raises
    ------
    HomeError
        If a folder was named and holds no ``data/episodes.csv``.
    """
    named = home or os.environ.get("FORECAST_HOME")
    if named:
        data = Path(named).expanduser() / "data"
        if not (data / "episodes.csv").is_file():
            raise HomeError(f"no data/episodes.csv in {named}: 'forecast init {named}' lays the data out there")
        return Home(data)
    checkout = _PACKAGE.parent / "data"
    if (checkout / "episodes.csv").is_file() and (_PACKAGE.parent / "pyproject.toml").is_file():
        return Home(checkout)
    return Home(packaged_data(), editable=False)


def packaged_data() -> Path:
    """The data to lay out: the copy in an installed package, or the checkout's own."""
    for data in (_PACKAGE / "_data", _PACKAGE.parent / "data"):
        if (data / "episodes.csv").is_file():
            return data
    raise HomeError("this installation carries no data: give --home DIR or set FORECAST_HOME=DIR")


def cache_dir() -> Path:
    """The cache folder: ``FORECAST_CACHE``, else the user's own cache folder."""
    return Path(os.environ.get("FORECAST_CACHE") or user_cache_dir("forecast")).expanduser()


def utc_today() -> dt.date:
    """Today, in UTC."""
    return dt.datetime.now(dt.UTC).date()
