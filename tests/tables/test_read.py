"""Tables are read whole: every bad cell is named at once, and a frame keeps days as days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from forecast.errors import TableError
from forecast.tables.read import base_type, day_columns, read_rows, to_frame
from forecast.tables.schema import EarlierOpening, Episode, FamilyMember, Flag, Promise, Size, ThirdPartyForecast

MakeData = Callable[..., Path]
HEADER = "about,said_on,known_on,kind,due_from,due_to,words,source_url"


def promises(folder: Path, text: str | bytes) -> list[Promise]:
    file = folder / "promises.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_rows(file, Promise)


def test_every_bad_cell_is_one_line_of_one_error(tmp_path: Path) -> None:
    said = "2024-04-01,2024-04-01"
    with pytest.raises(TableError) as refused:
        promises(tmp_path, f"{HEADER}\nAcme,{said},vaguely,,,,\nacme,{said},vague,,,,\nacme,{said},vague,,,,,\n")
    where = [
        problem.removeprefix(f"{tmp_path / 'promises.csv'}, ").split(": ")[0] for problem in refused.value.problems
    ]
    assert sorted(where) == ["row 2, column about", "row 2, column kind", "row 4"]
    assert str(refused.value).splitlines() == refused.value.problems


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{HEADER}\nacme,2024-04-01,2024-04-02,vague,,,soon,\n", id="plain"),
        pytest.param(f"{HEADER}\r\nacme,2024-04-01,2024-04-02,vague,,,soon,\r\n", id="lines of Windows"),
        pytest.param(f"\ufeff{HEADER}\nacme,2024-04-01,2024-04-02,vague,,,soon,", id="byte order mark"),
        pytest.param(f"{HEADER}\n\nacme,2024-04-01,2024-04-02,vague,,,soon,\n\n", id="blank lines"),
    ],
)
def test_tables_are_read_however_an_editor_saves_them(tmp_path: Path, text: str) -> None:
    [row] = promises(tmp_path, text)
    assert (row.about, row.said_on, row.known_on, row.words) == (
        "acme",
        dt.date(2024, 4, 1),
        dt.date(2024, 4, 2),
        "soon",
    )


def test_a_quoted_cell_may_hold_commas_lines_and_letters_of_any_language(tmp_path: Path) -> None:
    [row] = promises(tmp_path, f'{HEADER}\nacme,2024-04-01,2024-04-01,vague,,,"bientôt, ""peut-être""\n很快",\n')
    assert row.words == 'bientôt, "peut-être"\n很快'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", "empty file: the first row must name the columns about, said_on"),
        (b"about,caf\xe9", "byte 9 is not UTF-8: save the table as UTF-8"),
        (f'{HEADER}\n"acme,2024-04-01', "not a CSV table: unexpected end of data"),
        (HEADER.replace("kind,", ""), "row 1: missing column(s) kind"),
        (HEADER.replace("kind", "sort"), "row 1: missing column(s) kind; unknown column(s) sort"),
        (f"{HEADER},colour", "row 1: unknown column(s) colour"),
        ("said_on,about" + HEADER.removeprefix("about,said_on"), "row 1: columns out of order: must be about, said_on"),
        (f"{HEADER}\nacme,2024-04-01", "row 2: 2 cells, but the header has 8"),
        (f"{HEADER}\nacme,2024-04-01,2024-04-01,vague,,,soon,,more", "row 2: 9 cells, but the header has 8"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, text: str | bytes, fault: str) -> None:
    with pytest.raises(TableError) as refused:
        promises(tmp_path, text)
    [problem] = refused.value.problems
    assert problem.startswith(str(tmp_path / "promises.csv"))
    assert fault in problem


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file: 'forecast init DIR' lays the data out"):
        read_rows(tmp_path / "promises.csv", Promise)


def test_both_rows_of_a_duplicated_id_are_named(make_data: MakeData) -> None:
    file = make_data(episodes=[{}, {"episode_id": "acme-two"}, {}]) / "episodes.csv"
    with pytest.raises(TableError) as refused:
        read_rows(file, Episode)
    assert refused.value.problems == [
        f"{file}, row {row}, column episode_id: 'acme-one': stands in more than one row" for row in (2, 4)
    ]


def test_a_frame_has_the_columns_of_the_schema_and_keeps_days_as_days(make_data: MakeData) -> None:
    rows = [{}, {"episode_id": "acme-two", "promise": "vague", "promised_on": "2024-05-01"}]
    frame = to_frame(read_rows(make_data(episodes=rows) / "episodes.csv", Episode), Episode)
    assert list(frame) == list(Episode.model_fields)
    assert frame.promised_on.dtype == "datetime64[s]"
    assert frame.promised_on.tolist() == [pd.NaT, pd.Timestamp("2024-05-01")]
    assert frame.outcome_on.isna().all()


def test_an_empty_table_is_a_frame_with_the_same_columns_and_days(make_data: MakeData) -> None:
    frame = to_frame(read_rows(make_data() / "promises.csv", Promise), Promise)
    assert (len(frame), list(frame)) == (0, list(Promise.model_fields))
    assert frame.known_on.dtype == "datetime64[s]"


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (Episode, ["closed_on", "promised_on", "promised_by", "outcome_on", "observed_through"]),
        (EarlierOpening, ["opened_on"]),
        (Promise, ["said_on", "known_on", "due_from", "due_to"]),
        (FamilyMember, ["debut_on", "known_on"]),
        (ThirdPartyForecast, ["made_on", "due_on", "outcome_on"]),
    ],
)
def test_the_day_columns_are_found_under_their_annotations(table: type, columns: list[str]) -> None:
    assert day_columns(table) == columns


@pytest.mark.parametrize(("annotation", "plain"), [(Flag, bool), (Size | None, float), (str, str), (None | str, str)])
def test_the_plain_type_lies_under_optional_and_annotated(annotation: object, plain: type) -> None:
    assert base_type(annotation) is plain
