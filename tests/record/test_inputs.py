"""Inputs kept beside the ledger: once each, whole or not at all, and only what has their hash comes back."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from forecast.errors import LedgerError
from forecast.record.inputs import FILES, keep_inputs, missing_inputs, restore_inputs
from forecast.tables.hashes import input_hashes
from forecast.tables.paths import Home


@pytest.fixture
def desk_home(home: Path) -> Home:
    return Home(home / "data")


def test_each_version_is_kept_once_and_comes_back_to_the_byte(desk_home: Home, tmp_path: Path) -> None:
    hashes = input_hashes(desk_home)
    assert missing_inputs(desk_home.ledger, hashes) == ["data", "priors", "questions"]
    assert len(keep_inputs(desk_home, input_hashes(desk_home))) == 3
    assert keep_inputs(desk_home, input_hashes(desk_home)) == []
    assert missing_inputs(desk_home.ledger, hashes) == []
    again = restore_inputs(desk_home.ledger, hashes, tmp_path / "again")
    for name in [file for files in FILES.values() for file in files]:
        assert (again.data / name).read_bytes() == (desk_home.data / name).read_bytes()


def test_a_new_version_of_one_input_adds_one_folder(desk_home: Home) -> None:
    keep_inputs(desk_home, input_hashes(desk_home))
    desk_home.questions.write_bytes(desk_home.questions.read_bytes() + b"\n# a word\n")
    [added] = keep_inputs(desk_home, input_hashes(desk_home))
    assert added.name == input_hashes(desk_home)["questions"]
    assert [file.name for file in added.iterdir()] == ["questions.toml.gz"]


def test_the_same_input_gives_the_same_bytes(desk_home: Home, tmp_path: Path) -> None:
    [one, *_] = keep_inputs(desk_home, input_hashes(desk_home))
    before = {file.name: file.read_bytes() for file in one.iterdir()}
    shutil.rmtree(one)
    keep_inputs(desk_home, input_hashes(desk_home))
    assert {file.name: file.read_bytes() for file in one.iterdir()} == before


def test_a_changed_copy_is_refused(desk_home: Home, tmp_path: Path) -> None:
    keep_inputs(desk_home, input_hashes(desk_home))
    hashes = input_hashes(desk_home)
    copy = desk_home.ledger / "inputs" / hashes["data"] / "episodes.csv.gz"
    text = gzip.decompress(copy.read_bytes()).replace(b"2026", b"2025", 1)
    copy.write_bytes(gzip.compress(text))
    with pytest.raises(LedgerError, match="was changed"):
        restore_inputs(desk_home.ledger, hashes, tmp_path / "again")


@pytest.mark.parametrize("end", [0, 10, 200])
def test_a_torn_copy_is_refused(desk_home: Home, tmp_path: Path, end: int) -> None:
    keep_inputs(desk_home, input_hashes(desk_home))
    hashes = input_hashes(desk_home)
    copy = desk_home.ledger / "inputs" / hashes["priors"] / "priors.toml.gz"
    copy.write_bytes(copy.read_bytes()[:end])
    with pytest.raises(LedgerError, match=r"cannot be unpacked|was changed"):
        restore_inputs(desk_home.ledger, hashes, tmp_path / "again")


def test_what_was_never_kept_is_named(desk_home: Home, tmp_path: Path) -> None:
    keep_inputs(desk_home, input_hashes(desk_home))
    hashes = input_hashes(desk_home) | {"priors": "0" * 64}
    assert missing_inputs(desk_home.ledger, hashes) == ["priors"]
    with pytest.raises(LedgerError, match="the priors of that forecast were not kept"):
        restore_inputs(desk_home.ledger, hashes, tmp_path / "again")


def test_an_input_that_changes_while_it_is_copied_is_not_kept(desk_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from forecast.record import inputs

    copy = inputs._copy

    def meddled(data: Path, folder: Path, files: tuple[str, ...]) -> None:
        copy(data, folder, files)
        desk_home.priors.write_bytes(desk_home.priors.read_bytes() + b"\n")

    monkeypatch.setattr(inputs, "_copy", meddled)
    with pytest.raises(LedgerError, match="changed while forecasts were being made"):
        keep_inputs(desk_home, input_hashes(desk_home))
    kept = [folder for folder in (desk_home.ledger / "inputs").iterdir() if (folder / "priors.toml.gz").exists()]
    assert kept == []
