"""A catalogue as a table: both shapes, the real copies, and one clear line for everything that is no catalogue."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast.tables.catalogue import COLUMNS, NOBODY, Catalogue, CatalogueError, clean, is_web_address, read_catalogue

ROOT = Path(__file__).resolve().parents[2]
TODAY = dt.date(2026, 11, 25)
ENTRY: dict[str, Any] = {
    "id": "acme/one",
    "name": "Acme One",
    "open_weights": False,
    "release_date": "2026-05-01",
    "last_updated": "2026-06-02",
    "modalities": {"input": ["text"], "output": ["text"]},
}


def api(**cells: Any) -> dict[str, Any]:
    """A catalogue by provider with one entry."""
    return {"acme": {"id": "acme", "name": "Acme", "models": {"acme/one": ENTRY | cells}}}


def read(found: Any, name: str = "api-2026-06-14.json") -> Catalogue:
    return read_catalogue(json.dumps(found).encode(), name, TODAY)


def test_both_shapes_are_one_table() -> None:
    by_provider, by_model = read(api()), read({"acme/one": ENTRY})
    assert (by_provider.shape, by_model.shape) == ("api", "models")
    assert list(by_provider.table) == list(by_model.table) == list(COLUMNS)
    [one], [other] = by_provider.table.to_dict("records"), by_model.table.to_dict("records")
    assert one.pop("provider") == "acme"
    assert other.pop("provider") == NOBODY
    assert one == other
    assert one["released"] == pd.Timestamp("2026-05-01")
    assert one["open_weights"] is False


def test_what_may_be_absent_may_be_absent() -> None:
    found = read({"acme/one": {"id": "acme/one", "name": "Acme One"}, "acme/two": ENTRY}).table
    assert found.open_weights.isna().tolist() == [True, False]
    assert found.released.isna().tolist() == [True, False]


@pytest.mark.parametrize("shape", ["api", "models"])
@pytest.mark.parametrize("day", ["2026-06-14", "2026-07-01"])
def test_the_real_copies_are_read_whole(shape: str, day: str) -> None:
    folder = ROOT / ("tests/catalogue" if shape == "api" else "data/catalogue")
    file = folder / f"models.dev-{shape}-{day}.json.gz"
    content = gzip.decompress(file.read_bytes())
    raw, found = json.loads(content), read_catalogue(content, file.name, TODAY)
    count = sum(len(p["models"]) for p in raw.values()) if shape == "api" else len(raw)
    assert len(found.table) == count
    assert (found.shape, found.day) == (shape, dt.date.fromisoformat(day))
    assert found.table.open_weights.notna().all()
    # the one impossible day in the copies
    assert [note for note in found.notes if "2025-25-11" in note] == list(found.notes)
    assert len(found.notes) == (shape == "api")
    if shape == "models":
        weights = found.table.set_index("entry").weights
        assert weights["deepseek/deepseek-v4-pro"] == ("https://huggingface.co/deepseek-ai/DeepSeek-V4-Pro",)


def test_the_readme_of_the_copies_counts_what_contradicts_itself() -> None:
    raw = json.loads(gzip.decompress((ROOT / "tests/catalogue/models.dev-api-2026-07-01.json.gz").read_bytes()))
    flags: dict[str, set[bool]] = defaultdict(set)
    for provider in raw.values():
        for model in provider["models"].values():
            flags[model["id"].split("/")[-1].lower()].add(model["open_weights"])
    both = sum(len(said) > 1 for said in flags.values())
    text = (ROOT / "tests/catalogue/README.md").read_text(encoding="utf-8")
    assert f"{len(flags):,} names without provider in the later copy, {both} carry both flags" in " ".join(text.split())
    assert "Copyright (c) 2025 models.dev" in text
    assert "Permission is hereby granted" in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"<!doctype html><title>502</title>", "it begins with '<!doctype html><title>502</title>'"),
        (json.dumps(api()).encode()[:-30], "it ends too early"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number"),
        (b'{"a": {}, "a": {}}', "the key 'a' stands twice"),
        (b'{"acme": {"models": {"x": {"id": "x", "id": "y"}}}}', "the key 'id' stands twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
        (b"\xff\xfe{}", "byte 0 is not UTF-8"),
        (b"[]", "another shape"),
        (b"{}", "another shape"),
        (b"null", "another shape"),
        (b'{"a": 1}', "another shape"),
        (b'{"acme": {"models": []}}', "another shape"),
        (b'{"acme": {"models": {}}, "b": {"id": "b"}}', "another shape"),
        (b'{"acme": {"name": "no models, no maker/id"}}', "another shape"),
        (b'{"acme": {"models": {"x": []}}}', "1 of 1 entries cannot be read"),
        (json.dumps(api(open_weights="yes")).encode(), "open_weights is 'yes', not true or false"),
        (json.dumps(api(open_weights=None)).encode(), "no entry says whether its weights are open"),
        (json.dumps(api(id=7)).encode(), "its id is no text"),
        (b'{"acme": {"models": {}}}', "no entry says"),
    ],
)
def test_what_is_no_catalogue_is_refused_in_one_line(content: bytes, said: str) -> None:
    with pytest.raises(CatalogueError) as refused:
        read_catalogue(content, "api-2026-06-14.json", TODAY)
    assert said in str(refused.value)
    assert str(refused.value).startswith("api-2026-06-14.json: ")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


def test_one_bad_entry_among_many_is_noted_and_left_out() -> None:
    models = {f"m{n}": ENTRY | {"id": f"m{n}"} for n in range(30)} | {"bad": ENTRY | {"open_weights": 1}}
    found = read({"acme": {"models": models}})
    assert len(found.table) == 30
    assert found.notes == ("acme, bad: left out: open_weights is '1', not true or false",)


@pytest.mark.parametrize(
    ("said", "day", "precision"),
    [
        ("2026-05-01", "2026-05-01", "day"),
        ("2026-05", "2026-05-01", "month"),
        ("1970-01-01", None, ""),  # a placeholder, not worth a note
        ("2025-25-11", None, ""),
        ("2026-02-30", None, ""),
        ("soon", None, ""),
        (20260501, None, ""),
    ],
)
def test_a_day_that_is_none_is_left_out(said: Any, day: str | None, precision: str) -> None:
    found = read(api(release_date=said))
    [row] = found.table.to_dict("records")
    assert row["released_precision"] == precision
    assert pd.isna(row["released"]) if day is None else row["released"] == pd.Timestamp(day)
    assert bool(found.notes) == (day is None and said != "1970-01-01")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mred\x07", "a [31mred"),
        ("two\nlines\r\n", "two lines"),
        ("right\u202eleft", "right left"),
        ("zero\u200bwidth", "zero width"),
        ("\ud800lone", "lone"),
        ("[bold]kept[/bold]", "[bold]kept[/bold]"),
        ("\uff27\uff2c\uff2d", "GLM"),
        ("x" * 500, "x" * 200),
    ],
)
def test_a_name_from_outside_is_one_harmless_line(text: str, shown: str) -> None:
    assert clean(text) == shown
    [row] = read(api(id=text, name=text)).table.to_dict("records")
    assert row["entry"] == row["name"] == shown


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://huggingface.co/zai-org/GLM-5.2", True),
        ("http://example.org", True),
        ("javascript:alert(1)", False),
        ("file:///etc/passwd", False),
        ("https://example.org/a b", False),
        ("https://example.org/\x1b[31m", False),
        ("https://localhost/x", False),
        ("//example.org", False),
    ],
)
def test_only_web_addresses_are_kept_as_links(url: str, kept: bool) -> None:
    assert is_web_address(url) == kept
    [row] = read(api(weights=[{"url": url}], links=[{"url": url}, "x", {}])).table.to_dict("records")
    assert row["weights"] == row["links"] == ((url,) if kept else ())


def test_the_day_of_a_copy_is_named_or_that_of_its_newest_entry() -> None:
    assert (read(api()).day, read(api()).day_from) == (dt.date(2026, 6, 14), "in the file's name")
    unnamed = read(api(), "api.json")
    assert (unnamed.day, unnamed.day_from) == (dt.date(2026, 6, 2), "the day of its newest entry")
    fetched = read_catalogue(json.dumps(api()).encode(), "https://models.dev/api.json", TODAY, fetched=True)
    assert (fetched.day, fetched.day_from) == (TODAY, "fetched now")
    with pytest.raises(CatalogueError, match=r"name it like api-2026-06-14\.json"):
        read(api(release_date=None, last_updated=None), "api.json")


def test_an_entry_dated_ahead_does_not_date_the_copy() -> None:
    ahead = {"x": ENTRY | {"id": "x", "release_date": "2027-01-01", "last_updated": "2026-11-26"}}
    found = read({"acme": {"models": {"acme/one": ENTRY} | ahead}}, "api.json")
    assert (found.day, found.day_from) == (dt.date(2026, 6, 2), "the day of its newest entry")
    assert found.notes == (
        "2 of 4 days of its entries are after today, the last 2027-01-01: they do not date the copy",
    )
    assert found.table.set_index("entry").released["x"] == pd.Timestamp("2027-01-01")  # it stays what it says
    assert read(api(last_updated=str(TODAY)), "api.json").day == TODAY
    named = read({"acme": {"models": {"acme/one": ENTRY} | ahead}})
    assert (named.day, named.notes) == (dt.date(2026, 6, 14), ())
    with pytest.raises(CatalogueError) as refused:
        read({"acme": {"models": ahead}}, "api.json")
    assert str(refused.value) == (
        "api.json: no day in its name and none in its entries that has come: the first is 2026-11-26, "
        "today is 2026-11-25 (UTC): name it like api-2026-06-14.json"
    )


def test_a_clock_a_day_ahead_is_today_and_one_further_ahead_is_refused() -> None:
    assert read(api(), "api-2026-11-26.json").day == TODAY
    assert read(api(), "api-2026-13-45.json").day == dt.date(2026, 6, 2)
    with pytest.raises(CatalogueError, match=r"2026-11-27, which has not come: today is 2026-11-25 \(UTC\)"):
        read(api(), "api-2026-11-27.json")


@pytest.mark.parametrize(
    ("modalities", "entry", "modality"),
    [
        ({"input": ["text"], "output": ["text"]}, "x", "text"),
        ({"input": ["text", "pdf"], "output": ["text"]}, "x", "text"),
        ({"input": ["text", "image"], "output": ["text"]}, "x", "multimodal"),
        ({"input": ["text"], "output": ["image"]}, "x", "image"),
        ({"input": ["text"], "output": ["video", "audio"]}, "x", "video"),
        ({"input": ["text"], "output": ["text"]}, "acme-embed-2", "embedding"),
        (None, "x", "text"),
        ("text", "x", "text"),
        ({"input": None}, "x", "text"),
    ],
)
def test_the_modality_is_in_the_words_of_the_tables(modalities: Any, entry: str, modality: str) -> None:
    assert read(api(modalities=modalities, id=entry)).table.modality.tolist() == [modality]
