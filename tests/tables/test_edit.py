"""Edits of tables: one cell changes, every other byte stays; checked first, all files or none."""

from __future__ import annotations

import csv
import datetime as dt
import errno
import fcntl
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forecast.errors import TableError
from forecast.tables import landings, replace
from forecast.tables.book import place_of_debut, place_of_fact
from forecast.tables.check import check_tables
from forecast.tables.edit import Edit, cell_fault, parsed, read_table, text_fault
from forecast.tables.schema import TABLES, EarlierOpening, Episode, Promise

MakeData = Callable[..., Path]

FILE = Path("earlier_openings.csv")
HEADER = "episode_id,opened_on,opened_precision,what_opened,source_url"
COLUMNS = HEADER.split(",")
BOM = b"\xef\xbb\xbf"
#: Cells that are quoted for a reason, and some that are quoted for none.
ODD = [
    'one,2020-01-01,"day","a ""small"" one, of two",',
    '"two",2020-01-02,day,"over\ntwo lines",https://a.org/?x=1',
    "",
    'three,2020-01-03,day,5" disk,',
]


def odd(line_end: str = "\n", last: str = "\n") -> bytes:
    """The odd table in bytes; a line break inside a cell stays what it is."""
    return (line_end.join([HEADER, *ODD]) + last).encode()


def reread(raw: bytes) -> list[list[str]]:
    """Rows, without blank lines, as the csv module has them."""
    text = raw.removeprefix(BOM).decode("utf-8")
    return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]


# --- One cell ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.file)
def test_the_projects_tables_are_read_as_the_csv_module_reads_them(real_data: Path, table: type) -> None:
    read = read_table(real_data / table.file, table)
    rows = reread(read.raw)
    assert [list(row.values()) for row in read.rows] == rows[1:]
    assert [list(row) for row in read.rows] == [rows[0]] * (len(rows) - 1)
    assert {read.changed(n, row).after for n, row in list(enumerate(read.rows))[::40]} == {read.raw}


@pytest.mark.parametrize("bom", [b"", BOM])
@pytest.mark.parametrize(("line_end", "last"), [("\n", "\n"), ("\r\n", "\r\n"), ("\n", ""), ("\r\n", "")])
@pytest.mark.parametrize(
    ("row", "column", "old", "new"),
    [
        (0, "episode_id", "\x00one,", "\x00first,"),
        (0, "opened_precision", '"day"', "month"),
        (0, "what_opened", '"a ""small"" one, of two"', '"it, ""all"""'),
        (0, "source_url", 'of two",\x00', 'of two",https://b.org/\x00'),
        (1, "what_opened", '"over\ntwo lines"', "weights"),
        (1, "source_url", "https://a.org/?x=1", ""),
        (2, "what_opened", '5" disk', '"3"" disk"'),
        (2, "source_url", "disk,", "disk,https://b.org/"),
    ],
)
def test_only_the_cell_is_written_anew(
    bom: bytes, line_end: str, last: str, row: int, column: str, old: str, new: str
) -> None:
    raw = bom + odd(line_end, last)
    # \x00 stands for the line end there
    old_bytes, new_bytes = (t.replace("\x00", line_end).encode() for t in (old, new))
    assert raw.count(old_bytes) == 1
    expected = raw.replace(old_bytes, new_bytes)
    wanted = reread(expected)[row + 1][COLUMNS.index(column)]
    edit = parsed(raw, FILE, EarlierOpening).changed(row, {column: wanted})
    assert (edit.before, edit.after) == (raw, expected)


ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12) | st.sampled_from(
    ['"', '""', ",", "\n", "\r\n", 'a"b', '"a,b"', " ", "", "\ufeff"]
)
LEGAL_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12)


def written(cell: str, always: bool) -> str:
    """A cell as one of the ways in which CSV may have it."""
    if always or any(c in cell for c in '",\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


@given(
    rows=st.lists(st.lists(st.tuples(ANY_TEXT, st.booleans()), min_size=5, max_size=5), min_size=1, max_size=4),
    line_end=st.sampled_from(["\n", "\r\n"]),
    has_last=st.booleans(),
    bom=st.booleans(),
    place=st.tuples(st.integers(0, 3), st.integers(0, 4)),
    new=LEGAL_TEXT,
)
@example([[("a", True)] * 5], "\r\n", False, True, (0, 4), 'x, "y"')
@example([[("", False)] * 5] * 2, "\n", True, False, (1, 0), "")
@example([[("a", False)] * 5], "\n", True, False, (0, 0), "\ufeff")
def test_a_change_of_one_cell_leaves_every_other_byte_and_every_other_value(
    rows: list[list[tuple[str, bool]]],
    line_end: str,
    has_last: bool,
    bom: bool,
    place: tuple[int, int],
    new: str,
) -> None:
    at, column = place[0] % len(rows), place[1]
    lines = [HEADER, *(",".join(written(*cell) for cell in row) for row in rows)]
    raw = (BOM if bom else b"") + (line_end.join(lines) + (line_end if has_last else "")).encode()
    before = reread(raw)
    assert before == [COLUMNS, *([cell for cell, _ in row] for row in rows)]  # the csv module agrees with the test

    after = parsed(raw, FILE, EarlierOpening).changed(at, {COLUMNS[column]: new}).after

    cells = [written(*cell) for cell in rows[at]]
    head = line_end.join([*lines[: at + 1], ",".join([*cells[:column], ""])])
    tail = raw[len((BOM if bom else b"") + (head + cells[column]).encode()) :]
    head_bytes = raw[: len(raw) - len(tail) - len(cells[column].encode())]
    assert after.startswith(head_bytes)
    assert after.endswith(tail)
    assert len(after) >= len(head_bytes) + len(tail)
    before[at + 1][column] = new
    assert reread(after) == before


@given(new=st.lists(LEGAL_TEXT, min_size=5, max_size=5).filter(any), has_last=st.booleans(), after=st.integers(-1, 2))
@example(['"', "a,b", "", "", ""], False, 2)
def test_a_new_row_is_read_back_and_changes_no_other(new: list[str], has_last: bool, after: int) -> None:
    raw = odd("\r\n", "\r\n" if has_last else "")
    edit = parsed(raw, FILE, EarlierOpening).added(after, dict(zip(COLUMNS, new, strict=True)))
    rows = reread(raw)
    assert reread(edit.after) == [*rows[: after + 2], new, *rows[after + 2 :]]
    head = "\r\n".join([HEADER, *ODD][: (1, 2, 3, 5)[after + 1]]).encode()
    assert edit.after.startswith(head)
    assert edit.after.endswith(raw[len(head) :])
    assert edit.after.endswith(b"\r\n") == has_last


@pytest.mark.parametrize(
    ("raw", "after", "expected"),
    [
        (b"H\na,,,,\nc,,,,\n", 0, b"H\na,,,,\nb,,,x,\nc,,,,\n"),
        (b"H\na,,,,\nc,,,,\n", -1, b"H\nb,,,x,\na,,,,\nc,,,,\n"),
        (b"H\na,,,,", 0, b"H\na,,,,\nb,,,x,"),
        (b"H\r\na,,,,", 0, b"H\r\na,,,,\r\nb,,,x,"),
        (b"H", -1, b"H\nb,,,x,"),
        (BOM + b"H\r\n", -1, BOM + b"H\r\nb,,,x,\r\n"),
        (b"H\na,,,,\n\n", 0, b"H\na,,,,\nb,,,x,\n\n"),
    ],
)
def test_a_new_row_has_the_line_end_of_its_neighbours(raw: bytes, after: int, expected: bytes) -> None:
    raw, expected = (text.replace(b"H", HEADER.encode()) for text in (raw, expected))
    cells = {"episode_id": "b", "what_opened": "x"}
    assert parsed(raw, FILE, EarlierOpening).added(after, cells).after == expected


def test_a_row_is_taken_out_whole() -> None:
    raw = odd("\r\n", "\r\n")
    assert parsed(raw, FILE, EarlierOpening).removed(1).after == raw.replace((ODD[1] + "\r\n").encode(), b"")


@pytest.mark.parametrize("bad", ["\n", "\r", "\t", "\x1b[31m", "\x00", "\x85", "\u2028", "\udc80"])
def test_a_text_with_a_line_break_or_another_control_character_is_refused(bad: str) -> None:
    table = parsed(odd(), FILE, EarlierOpening)
    for edit in (table.changed, table.added):
        with pytest.raises(TableError, match=r"what_opened: .*must be one line of text"):
            edit(0, {"what_opened": f"weights{bad}"})
    assert "must be one line" in str(text_fault(bad))
    assert text_fault('Modèle 大, "open" 🤗') is None


@pytest.mark.parametrize(
    ("column", "text", "fault"),
    [
        ("opened_on", "2026-02-30", "is no day of the calendar"),
        ("source_url", "ftp://a.org", "must be a web address"),
        ("source_url", "https://a.org/\x07", "must be one line of text"),
        ("opened_precision", "week", "Input should be 'day'"),
        ("opened_on", "2026-02-28", None),
        ("source_url", "", None),
    ],
)
def test_a_cell_is_judged_by_the_schema(column: str, text: str, fault: str | None) -> None:
    found = cell_fault(EarlierOpening, column, text)
    assert found == fault or (fault and fault in str(found))


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"", "row 1: must name the columns episode_id, opened_on"),
        (b"episode_id,opened_on\n", "row 1: must name the columns"),
        (HEADER.encode() + b'\n"a,,,,\n', "not a CSV table that can be edited"),
        (HEADER.encode() + b'\n"a"b,,,,\n', "not a CSV table that can be edited"),
        (HEADER.encode() + b"\na\rb,,,,\n", "not a CSV table that can be edited"),
        (HEADER.encode() + b"\nAcm\xe9,,,,\n", "is not UTF-8"),
    ],
)
def test_what_is_no_table_is_not_edited(raw: bytes, line: str) -> None:
    with pytest.raises(TableError, match=line) as refused:
        parsed(raw, FILE, EarlierOpening)
    assert str(FILE) in str(refused.value)


def test_a_missing_table_and_an_id_in_two_rows_are_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        read_table(tmp_path / "episodes.csv", Episode)
    table = parsed(f"{HEADER}\na,,,,\na,,,,\nb,,,,\nshort\n".encode(), FILE, EarlierOpening)
    with pytest.raises(TableError, match="'a' stands in 2 rows"):
        table.find("episode_id", "a")
    assert [table.find("episode_id", name) for name in ("b", "c")] == [2, None]


def test_a_diff_has_the_changed_lines_only() -> None:
    edit = parsed(odd("\r\n", "\r\n"), FILE, EarlierOpening).changed(2, {"opened_precision": "month"})
    assert edit.diff().splitlines() == [
        "--- a/earlier_openings.csv",
        "+++ b/earlier_openings.csv",
        "@@ -6 +6 @@",
        '-three,2020-01-03,day,5" disk,',
        '+three,2020-01-03,month,5" disk,',
    ]


# --- Where a row stands, and what its cells say -------------------------------------------------------------------


def test_the_projects_tables_keep_the_orders_that_new_rows_are_put_in(real_data: Path) -> None:
    rows = {
        table: [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]
        for table in (Episode, Promise, EarlierOpening)
        for cells in [reread((real_data / table.file).read_bytes())]
    }
    days = [row["closed_on"] for row in rows[Episode]]
    assert [place_of_debut(day, rows[Episode]) for day in days] == [
        len(days) - 1 - days[::-1].index(day) for day in days
    ]
    for table, column in ((Promise, "about"), (EarlierOpening, "episode_id")):
        names = [row[column] for row in rows[table]]
        assert [place_of_fact(name, names, rows[Episode]) for name in names] == [
            len(names) - 1 - names[::-1].index(name) for name in names
        ]


def test_a_row_is_put_behind_those_of_earlier_episodes() -> None:
    episodes = [
        {"episode_id": name, "family": family, "closed_on": day}
        for name, family, day in [("a-1", "a", "2024-01-01"), ("b", "b", "2024-02-01"), ("a-2", "a", "2024-02-01")]
    ]
    told = ["a-1", "a", "ghost", "a-2"]
    places = {name: place_of_fact(name, told, episodes) for name in ("a-1", "a", "b", "a-2")}
    assert places == {"a-1": 0, "a": 1, "b": 1, "a-2": 3}
    days = ("2023-12-31", "2024-01-01", "2024-01-31", "2025-01-01")
    assert [place_of_debut(day, episodes) for day in days] == [-1, 0, 0, 2]


CLOSED = dict.fromkeys(Episode.model_fields, "") | {
    "episode_id": "acme-one",
    "model": "Acme One",
    "promise": "none",
    "outcome": "still_closed",
    "license_class": "none",
    "observed_through": "2024-10-31",
    "outcome_source_url": "https://a.org/closed",
    "notes": "A note",
}
DAY, URL = dt.date(2024, 11, 1), "https://b.org/"
OUTCOME = {
    "outcome_on": "2024-11-01",
    "outcome_precision": "day",
    "outcome_source_url": URL,
    "observed_through": "2024-11-01",
}
PART = CLOSED | {
    **{"outcome": "opened_partial", "outcome_on": "2024-06-01", "outcome_precision": "month", "license": "MIT"},
    **{"what_opened": "a small one", "license_class": "osi", "outcome_source_url": "https://a.org/part"},
}
LEAKED = PART | {"outcome": "leaked", "license": "", "license_class": "none"}


NEWS: list[tuple[dict[str, str], dict[str, str], dict[str, str]]] = [
    (CLOSED, landings.opened(CLOSED, DAY, URL), OUTCOME | {"outcome": "opened", "what_opened": "Acme One"}),
    (
        CLOSED,
        landings.opened(CLOSED, dt.date(2024, 9, 1), URL, what="it", license_name="MIT", license_class="osi"),
        {"outcome": "opened", "outcome_on": "2024-09-01", "outcome_precision": "day", "outcome_source_url": URL}
        | {"what_opened": "it", "license": "MIT", "license_class": "osi"},
    ),
    (
        CLOSED,
        landings.opened(CLOSED, DAY, URL, part=True, precision="month"),
        OUTCOME
        | {"outcome": "opened_partial", "outcome_precision": "month"}
        | {"what_opened": "an open version of Acme One"},
    ),
    (
        PART,
        landings.opened(PART, DAY, URL),
        OUTCOME
        | {"outcome": "opened", "what_opened": "Acme One", "license": "", "license_class": "none"}
        | {"notes": "A note. Opened in part on 2024-06-01 (month) under MIT (osi)."},
    ),
    (
        LEAKED,
        landings.opened(LEAKED, DAY, URL),
        OUTCOME
        | {"outcome": "opened", "what_opened": "Acme One"}
        | {"notes": "A note. Leaked on 2024-06-01 (month) (a small one; https://a.org/part)."},
    ),
    (CLOSED, landings.ended(CLOSED, "withdrawn", DAY, URL), OUTCOME | {"outcome": "withdrawn"}),
    (CLOSED, landings.ended(CLOSED, "leaked", DAY, URL), OUTCOME | {"outcome": "leaked", "what_opened": "Acme One"}),
    (CLOSED, landings.seen(CLOSED, DAY, URL), {"observed_through": "2024-11-01", "outcome_source_url": URL}),
    (
        PART,
        landings.seen(PART, DAY, URL),
        {"observed_through": "2024-11-01", "notes": "A note. Not open in full on 2024-11-01 (https://b.org/)."},
    ),
    (
        LEAKED,
        landings.seen(LEAKED, DAY, URL),
        {"observed_through": "2024-11-01", "notes": "A note. Not open on 2024-11-01 (https://b.org/)."},
    ),
    (
        PART,
        landings.closed_again(PART, dt.date(2024, 6, 15), URL, "another model"),
        CLOSED
        | {"observed_through": "2024-06-15", "outcome_source_url": URL}
        | {"notes": "A note. Was coded opened in part on 2024-06-01 (month), wrongly: another model (https://b.org/)."},
    ),
]


@pytest.mark.parametrize(("row", "found", "expected"), NEWS, ids=range(len(NEWS)))
def test_news_changes_these_cells(row: dict[str, str], found: dict[str, str], expected: dict[str, str]) -> None:
    assert row | found == row | expected


def test_an_opening_in_part_is_kept_and_comes_back() -> None:
    kept = landings.earlier_opening(PART)
    assert kept == {
        "episode_id": "acme-one",
        "opened_on": "2024-06-01",
        "opened_precision": "month",
        "what_opened": "a small one",
        "source_url": "https://a.org/part",
    }
    in_full = PART | landings.opened(PART, DAY, URL)
    back = landings.closed_again(in_full, DAY, URL, "no", kept)
    for column in ("outcome", "outcome_on", "outcome_precision", "what_opened", "outcome_source_url"):
        assert back[column] == PART[column]
    assert landings.earlier_opening(PART | {"what_opened": ""})["what_opened"] == "an open version of Acme One"


@pytest.mark.parametrize(
    ("row", "said", "expected"),
    [
        (
            {},
            {"kind": "vague"},
            {"promise": "vague", "promised_on": "2024-04-01", "promise_words": "w"},
        ),
        (
            {"promise": "vague", "promised_on": "2024-03-01"},
            {"kind": "dated", "due_to": "2024-12-31"},
            {"promise": "dated", "promised_by": "2024-12-31", "promise_words": "w"},
        ),
        ({"promise": "vague", "promised_on": "2024-05-01"}, {"kind": "vague"}, {"promised_on": "2024-04-01"}),
        ({"promise": "dated", "promised_on": "2024-03-01"}, {"kind": "vague"}, {}),
        ({}, {"kind": "refused"}, {}),
        ({}, {"kind": "delayed"}, {}),
    ],
)
def test_a_statement_changes_the_promise_columns_where_they_would_deny_it(
    row: dict[str, str], said: dict[str, str], expected: dict[str, str]
) -> None:
    statement = {"said_on": "2024-04-01", "due_to": "", "words": "w", "source_url": URL} | said
    changed = expected | {"promise_source_url": URL} if "promise" in expected else expected
    assert CLOSED | row | landings.promised(CLOSED | row, statement) == CLOSED | row | changed


@pytest.mark.parametrize(
    ("news", "line"),
    [
        (lambda: landings.opened(CLOSED | {"outcome": "opened"}, DAY, URL), "one opening"),
        (lambda: landings.opened(PART, DAY, URL, part=True), "was opened in part on 2024-06-01"),
        (lambda: landings.ended(PART, "withdrawn", DAY, URL), "a row has one outcome"),
        (lambda: landings.ended(LEAKED, "leaked", DAY, URL), "a row has one outcome"),
        (lambda: landings.closed_again(CLOSED, DAY, URL, "no"), "is still closed: 'forecast episodes seen'"),
        (lambda: landings.closed_again(PART, dt.date(2024, 5, 31), URL, "no"), "a page of 2024-05-31 says nothing"),
        (lambda: landings.seen(CLOSED | {"outcome": "opened"}, DAY, URL), "nothing is left to see closed"),
        (lambda: landings.seen(CLOSED, dt.date(2024, 10, 31), URL), "evidence through 2024-10-31 already"),
    ],
    ids=[*"abcdefgh"],
)
def test_news_that_a_row_cannot_take_is_refused(news: Callable[[], object], line: str) -> None:
    with pytest.raises(TableError, match=line) as refused:
        news()
    assert len(refused.value.problems) == 1
    assert "acme-one" in str(refused.value)


# --- Checking, writing -------------------------------------------------------------------------------------------


def problems_of(data: Path) -> list[str]:
    return check_tables(data)[1]


def test_old_problems_are_none_of_an_edit_even_where_rows_move(make_data: MakeData) -> None:
    data = make_data(episodes=[{}], promises=[{"about": "ghost"}, {"about": "ghost"}])
    table = read_table(data / Promise.file, Promise)
    said = {"about": "acme", "said_on": "2024-04-01", "known_on": "2024-04-01", "kind": "vague"}
    files = {file.name: file.read_bytes() for file in data.iterdir()}
    assert replace.new_problems(data, [table.added(-1, said)], problems_of) == []
    [third] = replace.new_problems(data, [table.added(-1, said | {"about": "ghost"})], problems_of)
    assert third.startswith(f"{data / Promise.file}, row 4, column about: 'ghost'")
    [other] = replace.new_problems(data, [table.added(0, said | {"known_on": "2024-03-31"})], problems_of)
    assert (
        other == f"{data / Promise.file}, row 3, column known_on: '2024-03-31': known before it was said (2024-04-01)"
    )
    assert {file.name: file.read_bytes() for file in data.iterdir()} == files


@pytest.fixture
def two(tmp_path: Path) -> list[Edit]:
    """Edits of two files."""
    (tmp_path / "a.csv").write_bytes(b"a")
    (tmp_path / "b.csv").write_bytes(b"b")
    return [Edit(tmp_path / f"{name}.csv", name.encode(), name.upper().encode()) for name in "ab"]


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


OLD, NEW = {"a.csv": b"a", "b.csv": b"b"}, {"a.csv": b"A", "b.csv": b"B"}


def test_files_are_replaced_with_their_permission_bits_and_nothing_is_left_behind(
    tmp_path: Path, two: list[Edit]
) -> None:
    two[0].file.chmod(0o640)
    two[1].file.chmod(0o604)
    replace.write(two)
    assert contents(tmp_path) == NEW
    assert [edit.file.stat().st_mode & 0o777 for edit in two] == [0o640, 0o604]


def test_a_link_to_a_table_stays_a_link(tmp_path: Path, two: list[Edit]) -> None:
    folder = tmp_path / "linked"
    folder.mkdir()
    link = folder / "a.csv"
    link.symlink_to(two[0].file)
    replace.write([Edit(link, b"a", b"A")])
    assert link.is_symlink()
    assert two[0].file.read_bytes() == b"A"


def test_a_file_that_somebody_else_changed_is_left_alone(tmp_path: Path, two: list[Edit]) -> None:
    two[1].file.write_bytes(b"theirs")
    with pytest.raises(TableError, match=r"b\.csv: another process changed it: nothing was changed"):
        replace.write(two)
    assert contents(tmp_path) == OLD | {"b.csv": b"theirs"}


def test_a_file_that_may_not_be_written_is_left_alone(
    tmp_path: Path, two: list[Edit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda file, mode: Path(file).name != "b.csv")
    with pytest.raises(TableError, match=r"b\.csv: may not be written"):
        replace.write(two)
    assert contents(tmp_path) == OLD


def test_a_full_disk_changes_nothing(tmp_path: Path, two: list[Edit], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TableError, match="No space left on device: nothing was changed"):
        replace.write(two)
    assert contents(tmp_path) == OLD


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "Permission denied"), KeyboardInterrupt()])
def test_a_stop_between_two_files_takes_the_first_back(
    tmp_path: Path, two: list[Edit], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    real = Path.replace

    def stop(self: Path, target: Path) -> Path:
        if target.name == "b.csv":
            assert two[0].file.read_bytes() == b"A"
            raise error
        return real(self, target)

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(TableError if isinstance(error, OSError) else KeyboardInterrupt):
        replace.write(two)
    assert contents(tmp_path) == OLD


def test_a_folder_that_another_process_edits_is_waited_for_and_then_left_alone(
    tmp_path: Path, two: list[Edit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replace, "LOCK_SECONDS", 0.1)
    theirs = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(theirs, fcntl.LOCK_EX)
    with pytest.raises(TableError, match="another process is editing it; try again later"):
        replace.write(two)
    assert contents(tmp_path) == OLD
    os.close(theirs)
    replace.write(two)
    assert contents(tmp_path) == NEW
