"""``forecast ledger import`` from the command line: foreign files by a map, and the table of the home."""

from __future__ import annotations

import pytest

HEADER = "question_id,forecaster,made_on,by,prob\n"
ROW = "w,ann,2026-11-25,2027-01-30,0.2\n"


@pytest.fixture
def files(tmp_path):
    """A plain file and its map."""
    (tmp_path / "said.csv").write_text(HEADER + ROW + "x,ann,,,\n", encoding="utf-8")
    (tmp_path / "map.toml").write_text('[map]\nw = "meta-muse-wonder-1.0"\n', encoding="utf-8")
    return tmp_path / "said.csv", "--map", tmp_path / "map.toml"


def test_a_file_is_imported_once(run, home, files):
    done = run("ledger", "import", "plain", *files, "--home", home)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "plain-ann: meta-muse-wonder-1.0 as of 2026-11-25: 0.2 by 2027-01-30",
        "not in the map: 'x'",
        "1 forecasts added, 1 without a question",
    ]
    assert run("ledger", "import", "plain", *files, "--home", home).out.endswith(
        "0 forecasts added, 1 without a question\n"
    )
    assert "1 chains verified" in run("ledger", "verify", "--home", home).out


def test_what_was_left_out_is_told(run, home, files):
    map_file = files[2]
    map_file.write_text('[question.w]\nid = "meta-muse-wonder-1.0"\nsince = 2026-11-26\n', encoding="utf-8")
    done = run("ledger", "import", "plain", *files, "--home", home)
    assert "left out: 'w': 1 made outside of the map's days\n" in done.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["plain"], "plain needs a file and --map QUESTIONS.toml: foreign questions are never guessed"),
        (["plain", "x.csv"], "plain needs a file and --map"),
        (["third-party", "x.csv"], "third-party is a table of the data folder: give no file and no --map"),
        (["flat"], "flat needs the file that 'forecast ledger export flat' wrote, and no --map"),
        (["flat", "x.csv", "--map", "none.toml"], "flat needs the file"),
        (["flat", "none.csv"], "cannot read none.csv into"),
        (["plain", "x.csv", "--map", "none.toml"], "cannot read none.toml: no such file"),
    ],
)
def test_a_command_that_cannot_be_meant_is_one_line(run, home, words, says):
    done = run("ledger", "import", *words, "--home", home)
    assert done.code == 1
    assert says in done.err
    assert done.err.count("\n") == 1
    assert not (home / "data" / "ledger").exists()


def test_the_table_of_the_home_is_imported_as_before(run, home):
    table = home / "data" / "third_party_forecasts.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines[1:] if line.startswith("2025-04-05")]
    table.write_text("".join([lines[0], *kept]), encoding="utf-8")
    done = run("ledger", "import", "third-party", "--home", home)
    assert (done.code, done.err) == (0, "")
    assert "meta-llama-4-behemoth-others as of 2025-04-05: April 2025, at LlamaCon" in done.out


def test_an_exported_ledger_is_taken_over_once(run, home, files, tmp_path):
    assert run("ledger", "import", "plain", *files, "--home", home).code == 0
    out, folder = tmp_path / "flat.csv", home / "data" / "ledger"
    assert run("ledger", "export", "flat", "--out", out, "--home", home).code == 0
    before = {file.name: file.read_bytes() for file in folder.glob("*.jsonl")}
    for file in folder.glob("*.jsonl"):
        file.unlink()
    done = run("ledger", "import", "flat", out, "--home", home)
    assert (done.code, done.err) == (0, "")
    assert done.out == "plain-ann: 1 lines added\n1 lines added to 1 chains\n"
    assert {file.name: file.read_bytes() for file in folder.glob("*.jsonl")} == before
    assert run("ledger", "import", "flat", out, "--home", home).out == "0 lines added to 0 chains\n"
