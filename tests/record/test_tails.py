"""The end of a file: found whatever the length of its lines, and only in a regular file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.record.tails import Tail, append, tail

LENGTHS = st.lists(st.sampled_from([0, 1, 100, 2**14 - 1, 2**14, 2**14 + 1, 2**18, 2**18 + 7]), max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=LENGTHS, torn=st.sampled_from([0, 1, 2**14, 2**19]))
def test_the_last_whole_line_is_found(tmp_path: Path, lengths: list[int], torn: int) -> None:
    lines = [bytes([97 + i]) * length for i, length in enumerate(lengths)]
    whole = b"".join(line + b"\n" for line in lines)
    (tmp_path / "x").write_bytes(whole + b"t" * torn)
    found = tail(tmp_path / "x")
    assert found == Tail(len(whole), lines[-1] if lines else b"", torn > 0)
    append(tmp_path / "x", b"more\n", found)
    assert (tmp_path / "x").read_bytes() == whole + b"more\n"
    if torn:
        assert (tmp_path / "x.torn").read_bytes() == b"t" * torn + b"\n"
        (tmp_path / "x.torn").unlink()


def test_no_file_has_no_line(tmp_path: Path) -> None:
    assert tail(tmp_path / "x") == Tail(0, b"", False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with a name")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x")
    with pytest.raises(OSError, match="no regular file"):
        tail(tmp_path / "x")


@pytest.mark.parametrize("name", ["x", "x.torn"])
def test_a_link_is_refused_with_a_torn_line_or_without(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside").write_bytes(b"a\ntorn")
    (tmp_path / "x").write_bytes(b"a\ntorn")
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="it is a link"):
        append(tmp_path / "x", b"more\n", tail(tmp_path / "x"))
    assert (tmp_path / "outside").read_bytes() == b"a\ntorn"
