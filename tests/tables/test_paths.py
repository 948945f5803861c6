"""Which data folder is used, and what may be written to."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from forecast.errors import HomeError
from forecast.tables import paths
from forecast.tables.paths import Home, cache_dir, find_home, packaged_data, utc_today


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORECAST_HOME", raising=False)
    monkeypatch.delenv("FORECAST_CACHE", raising=False)


def lay_out(data: Path) -> Path:
    data.mkdir(parents=True)
    (data / "episodes.csv").touch()
    return data


def install(monkeypatch: pytest.MonkeyPatch, site: Path) -> Path:
    """Make the code believe that it lies in an installed package."""
    monkeypatch.setattr(paths, "_PACKAGE", site / "forecast")
    return site / "forecast"


def test_a_named_home_wins_over_the_variable_and_the_variable_over_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real_data: Path
) -> None:
    named, variable = lay_out(tmp_path / "named" / "data"), lay_out(tmp_path / "variable" / "data")
    assert find_home() == Home(real_data)
    monkeypatch.setenv("FORECAST_HOME", str(variable.parent))
    assert find_home() == Home(variable)
    assert find_home(named.parent) == find_home(str(named.parent)) == Home(named)


def test_an_empty_variable_names_no_home(monkeypatch: pytest.MonkeyPatch, real_data: Path) -> None:
    monkeypatch.setenv("FORECAST_HOME", "")
    assert find_home().data == real_data


def test_a_tilde_is_the_users_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    data = lay_out(tmp_path / "mine" / "data")
    assert find_home("~/mine").data == data
    monkeypatch.setenv("FORECAST_CACHE", "~/cache")
    assert cache_dir() == tmp_path / "cache"


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_named_folder_without_data_is_an_error_that_says_how_to_lay_it_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_variable: bool
) -> None:
    (tmp_path / "data").mkdir()
    if by_variable:
        monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    with pytest.raises(HomeError) as refused:
        find_home(None if by_variable else tmp_path)
    assert (
        str(refused.value) == f"no data/episodes.csv in {tmp_path}: 'forecast init {tmp_path}' lays the data out there"
    )


def test_an_installed_package_uses_its_own_copy_and_refuses_to_write_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = install(monkeypatch, tmp_path)
    data = lay_out(package / "_data")
    lay_out(tmp_path / "data")  # beside the package, but without a pyproject.toml: no checkout
    home = find_home()
    assert (home, packaged_data()) == (Home(data, editable=False), data)
    with pytest.raises(HomeError, match="'forecast record' needs a folder of your own: run 'forecast init DIR'"):
        home.require_editable("record")


def test_a_checkout_may_be_written_to(real_data: Path) -> None:
    find_home().require_editable("record")
    assert packaged_data() == real_data


def test_an_installation_without_data_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tmp_path)
    with pytest.raises(HomeError, match="carries no data: give --home DIR or set FORECAST_HOME"):
        find_home()


def test_the_files_of_a_home_lie_in_its_data_folder(tmp_path: Path) -> None:
    home = Home(tmp_path)
    names = [
        file.relative_to(tmp_path).as_posix() for file in (home.episodes, home.questions, home.priors, home.ledger)
    ]
    assert names == ["episodes.csv", "questions.toml", "priors.toml", "ledger"]


def test_the_cache_folder_is_the_variable_or_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_dir().name == "forecast"
    monkeypatch.setenv("FORECAST_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path


def test_today_is_a_day_in_utc() -> None:
    before, today, after = dt.datetime.now(dt.UTC).date(), utc_today(), dt.datetime.now(dt.UTC).date()
    assert before <= today <= after
