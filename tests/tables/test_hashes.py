"""A hash of a forecast's inputs changes when, and only when, an input does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from forecast.tables.hashes import code_sha256, data_sha256, files_sha256, input_hashes
from forecast.tables.paths import Home

MakeData = Callable[..., Path]


def test_the_hash_is_over_names_lengths_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"one\n")
    expected = hashlib.sha256(b"a.csv 4\none\nb.csv 0\n").hexdigest()
    assert files_sha256([tmp_path / "a.csv", tmp_path / "b.csv"]) == expected


def test_bytes_moved_from_one_file_to_the_next_change_the_hash(tmp_path: Path) -> None:
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    hashes = set()
    for texts in (("onetwo", ""), ("one", "two"), ("", "onetwo")):
        for file, text in zip(files, texts, strict=True):
            file.write_text(text, encoding="utf-8")
        hashes.add(files_sha256(files))
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("episodes.csv", ["data"]),
        ("meta_timeline.csv", ["data"]),
        ("datapackage.json", ["data"]),
        ("priors.toml", ["priors"]),
        ("questions.toml", ["questions"]),
        ("README.md", []),
    ],
)
def test_each_input_changes_its_own_hash(make_data: MakeData, file: str, changed: list[str]) -> None:
    home = Home(make_data(episodes=[{}]))
    before = input_hashes(home)
    with (home.data / file).open("a", encoding="utf-8") as text:
        text.write("\n")
    after = input_hashes(home)
    assert [name for name in before if before[name] != after[name]] == changed


def test_the_same_tables_elsewhere_have_the_same_hash(make_data: MakeData) -> None:
    assert data_sha256(Home(make_data(episodes=[{}]))) == data_sha256(Home(make_data(episodes=[{}])))


def test_the_code_has_a_hash_of_its_own() -> None:
    assert len(code_sha256()) == 64
    assert code_sha256() == input_hashes(Home(Path("nowhere")))["code"]
