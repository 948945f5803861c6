"""The command line: what each command prints, and one clear line for each mistake."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast.model.ensemble import Ensemble
from forecast.model.fit import Settings
from forecast.model.latency import LATENCIES
from forecast.record.answers import Desk
from forecast.record.recorder import RECORDED_BASELINES

DAY = "2026-11-25"
KEYS = [
    "question",
    "as_of",
    "asked_on",
    "unit",
    "target",
    "status",
    "days_gone",
    "p_weeks",
    "p_months",
    "p_years",
    "p_never",
    "p_open_within",
    "p_full",
    "p_part",
    "opens_on_median",
    "opens_on_80",
    "p_never_90",
    "p_never_structural",
    "follow_up",
    "diagnostics",
    "model",
    "seed",
    "data_sha256",
    "happened",
]


def first_line(file: Path) -> str:
    return file.read_text(encoding="utf-8").splitlines()[0]


# --- Mistakes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["predict", "meta-muse-wander-1.0"], "did you mean meta-muse-wonder-1.0"),
        (["predict", "zzzz"], "'forecast questions' lists them"),
        (["predict", "openai-gpt-5", "--as-of", "1950-01-01"], "the first debut is of 19"),
        (["predict", "openai-gpt-5", "--as-of", "2999-01-01"], "is in the future"),
        (["predict", "--as-of", "yesterday"], "must be a day, YYYY-MM-DD"),
        (["predict", "--as-of", "20260810"], "must be a day, YYYY-MM-DD"),
        (["predict", "--seed", "-1"], "--seed -1: must be 0 or more"),
        (["predict", "muse-any", "--target", "full"], "question muse-any has target any"),
        (["predict", "sun-staroffice"], "sun-staroffice is no AI model"),
        (["predict", "--plot", "/nowhere/x.png"], "there is no folder /nowhere"),
        (["score", "--as-of", "2999-01-01"], "is in the future"),
        (["predict", "openai-gpt-5", "--as-of", "2020-01-01"], "none of its members was known on 2020-01-01"),
        (["predict", "--all", "--as-of", "1990-01-01"], "no opened AI model was known on 1990-01-01"),
        (["predict", "--all", "muse-any"], "it takes no name"),
        (["predict", "--home", "/nowhere"], "no data/episodes.csv in /nowhere"),
        (["record", "--as-of", "2026-04-06"], "name the questions to record"),
        (["record", "nothing"], "is no question of"),
        (["record", "--as-of", "2999-01-01", "muse-any"], "is in the future"),
    ],
)
def test_a_mistake_is_one_clear_line(run: Callable[..., Any], home: Path, words: list[str], line: str) -> None:
    if "--home" not in words:
        words = [*words, "--home", str(home)]
    ran = run(*words)
    assert ran.code == 1
    assert ran.out == ""
    assert line in ran.err
    assert ran.err.count("\n") == 1
    assert not (home / "data" / "ledger").exists()


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("episodes.csv", lambda t: t.splitlines()[0] + "\n", "no episodes"),
        ("episodes.csv", lambda t: t.replace(",true,", ",perhaps,", 1), "must be true or false"),
        ("episodes.csv", lambda t: t + '"', "not a CSV table"),
        ("questions.toml", lambda t: t + "[[", "not TOML"),
        ("questions.toml", lambda t: t.replace('unit = "family"', 'unit = "tribe"', 1), "question muse-any, unit"),
        ("priors.toml", lambda t: t + "= 3", "not TOML"),
        ("datapackage.json", lambda t: t[:-3], "searched_through"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    run: Callable[..., Any], home: Path, file: str, text: Callable[[str], str], line: str
) -> None:
    path = home / "data" / file
    path.write_text(text(path.read_text(encoding="utf-8")), encoding="utf-8")
    for command in (["predict", "openai-gpt-5"], ["check"]):
        ran = run(*command, "--home", home)
        assert (ran.code, ran.out) == (1, "")
        assert file in ran.err
        assert line in ran.err
        assert "Traceback" not in ran.err


def test_a_cache_that_cannot_be_written_is_found_out_before_sampling(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FORECAST_CACHE", str(tmp_path / "file" / "cache"))
    ran = run("predict")
    assert ran.code == 1
    assert "set FORECAST_CACHE to one that can be written" in ran.err


def test_a_picture_must_be_png_or_svg(run: Callable[..., Any], tmp_path: Path) -> None:
    ran = run("predict", "--plot", tmp_path / "curve.bmp")
    assert ran.code == 1
    assert "must end in .png or .svg" in ran.err


def test_an_interrupted_command_says_so_in_one_line() -> None:
    """On a server that never answers, so that the interrupt comes while the command runs."""
    code = "from forecast.cli import main; main()"
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/api.json"
        words = [sys.executable, "-c", code, "discover", "--catalogue", address]
        env = os.environ | {"no_proxy": "*"}
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as started:
            server.settimeout(60)
            with server.accept()[0]:
                started.send_signal(signal.SIGINT)
                out, err = started.communicate(timeout=60)
    assert (started.returncode, out, err) == (130, "", "forecast: interrupted\n")


# --- Without a fit -----------------------------------------------------------------------------------------------


def test_the_shipped_data_have_no_problems(run: Callable[..., Any], real_data: Path) -> None:
    ran = run("check")
    assert ran.code == 0
    assert "no problems" in ran.out
    assert f"episodes.csv: {len(pd.read_csv(real_data / 'episodes.csv'))}" in ran.out


def test_check_names_a_question_and_a_forecast_about_nothing(run: Callable[..., Any], home: Path) -> None:
    path = home / "data" / "questions.toml"
    path.write_text(path.read_text().replace('members = ["xai-grok-3"]', 'members = ["xai-grok-33"]'))
    ran = run("check", "--home", home)
    assert ran.code == 1
    assert "question xai-grok-3, members: 'xai-grok-33': names nothing in episodes.csv" in ran.err


def test_the_shipped_ledger_verifies_and_is_scored(run: Callable[..., Any]) -> None:
    assert "chains verified" in run("ledger", "verify").out
    board = json.loads(run("score", "--json", "--as-of", DAY).out)
    hindcasts = {row["name"]: row for row in board["forecasters"] if row["mode"] == "hindcast"}
    assert set(hindcasts) == {"model", *RECORDED_BASELINES}
    assert all(row["scored"] >= 2 and row["scores"]["log"] > 0 for row in hindcasts.values())
    live = {row["name"]: row for row in board["forecasters"] if row["mode"] == "live"}
    assert all(row["registered"] >= 12 for row in live.values())


def test_init_lays_out_data_that_check_accepts(run: Callable[..., Any], tmp_path: Path) -> None:
    assert run("init", tmp_path / "mine").code == 0
    assert run("check", "--home", tmp_path / "mine").code == 0
    again = run("init", tmp_path / "mine")
    assert again.code == 1
    assert "exists already" in again.err


def test_help_loads_nothing_heavy() -> None:
    heavy = ["pymc", "pytensor", "pandas", "scipy", "matplotlib", "numpy", "pydantic"]
    code = f"import sys, forecast.cli; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# --- With a fit --------------------------------------------------------------------------------------------------

#: One family, where the average of all is not what is tested: it is fitted once for all of these.
ALONE = ["--latency", "weibull"]


@pytest.mark.slow
def test_the_founding_question_is_a_hindcast_of_the_asking_day(run: Callable[..., Any], cache: Path) -> None:
    found = json.loads(run("predict", *ALONE, "--json").out)
    assert list(found) == KEYS
    assert (found["question"], found["as_of"], found["status"]) == ("muse-any", "2026-04-06", "resolved (hindcast)")
    assert found["p_weeks"] + found["p_months"] + found["p_years"] + found["p_never"] == pytest.approx(1)
    within = list(found["p_open_within"].values())
    assert list(found["p_open_within"]) == ["30", "90", "180", "365", "730"]
    assert within == sorted(within)
    assert found["p_full"] + found["p_part"] + found["p_never"] == pytest.approx(1)
    assert found["p_never_90"][0] < found["p_never"] < found["p_never_90"][1]
    assert found["opens_on_80"][0] < found["opens_on_median"] < found["opens_on_80"][1]
    assert found["happened"]["day"] == "2026-08-10"
    assert found["happened"]["kind"] == "part"
    assert found["diagnostics"]["divergences"] == 0
    assert found["model"] == "weibull"
    assert json.loads(run("predict", *ALONE, "--json", "--as-of", DAY).out) == found


@pytest.mark.slow
def test_the_average_lies_between_its_families(
    run: Callable[..., Any], home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    priors = home / "data" / "priors.toml"
    text, weights = priors.read_text(encoding="utf-8"), {"weibull": 0.75, "burr_xii": 0.25}
    for name in LATENCIES:
        text = re.sub(rf"(\[family\.{name}\]\nweight = )\S+", rf"\g<1>{weights.get(name, 0.0)}", text)
    priors.write_text(text, encoding="utf-8")
    found = json.loads(run("predict", "--json", "--home", home).out)
    assert list(found) == KEYS
    assert found["model"] == "0.75 weibull + 0.25 burr_xii"
    assert found["diagnostics"]["divergences"] == 0
    assert "0.75 weibull + 0.25 burr_xii" in run("predict", "--home", home).out
    alone = []
    for member in Desk(home).posterior(dt.date(2026, 4, 6), found["unit"], found["target"]).members:
        monkeypatch.setattr(Desk, "posterior", lambda *_, m=member: Ensemble((m,), (1.0,)))
        alone.append(json.loads(run("predict", "--json", "--home", home).out))
    assert [one["model"] for one in alone] == list(weights)
    for name in ("p_weeks", "p_months", "p_years", "p_never", "p_full", "p_part", "p_never_structural"):
        low, high = sorted(one[name] for one in alone)
        assert low - 0.02 < found[name] < high + 0.02, name  # fewer draws of each
    assert alone[0]["p_open_within"] != alone[1]["p_open_within"]
    assert found["p_weeks"] + found["p_months"] + found["p_years"] + found["p_never"] == pytest.approx(1)


@pytest.mark.slow
def test_the_frontier_question_resolves_in_full(run: Callable[..., Any], cache: Path) -> None:
    found = json.loads(run("predict", "muse-frontier", *ALONE, "--json").out)
    assert (found["target"], found["happened"]["day"]) == ("full", "2026-10-15")
    assert found["p_part"] == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
def test_an_open_model_is_forecast_from_today(run: Callable[..., Any], cache: Path, tmp_path: Path) -> None:
    words = ["predict", "meta-muse-wonder-1.0", *ALONE, "--as-of", DAY]
    found = json.loads(run(*words, "--json").out)
    assert found["status"].startswith("closed")
    assert found["days_gone"] == 30
    assert found["happened"] is None
    page = run(*words, "--plot", tmp_path / "curve.svg").out
    for shown in ("weeks", "months", "years", "never", "last checked 2026-11-09", "R-hat", found["data_sha256"][:16]):
        assert shown in page
    assert "</svg>" in (tmp_path / "curve.svg").read_text()
    run(*words, "--plot", tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_full_opening_may_be_asked_of_an_episode_with_a_question(run: Callable[..., Any], cache: Path) -> None:
    words = ["predict", "meta-muse-wonder-1.0", *ALONE, "--as-of", DAY, "--json"]
    any_kind, full = (json.loads(run(*words, *more).out) for more in ([], ["--target", "full"]))
    assert (any_kind["target"], full["target"]) == ("any", "full")
    assert full["p_part"] == pytest.approx(0, abs=1e-9)
    assert full["p_never"] > any_kind["p_never"]


@pytest.mark.slow
def test_the_ranking_agrees_with_single_forecasts(run: Callable[..., Any], cache: Path, real_data: Path) -> None:
    rows = json.loads(run("predict", "--all", *ALONE, "--json", "--as-of", DAY).out)["episodes"]
    chances = [row["p_open_within_365"] for row in rows]
    table = pd.read_csv(real_data / "episodes.csv")
    closed = (table.domain == "ai_model") & table.outcome.isin(["still_closed", "withdrawn", "leaked"])
    assert len(rows) == closed.sum()
    assert chances == sorted(chances, reverse=True)
    wonder = next(row for row in rows if row["episode_id"] == "meta-muse-wonder-1.0")
    one = json.loads(run("predict", "meta-muse-wonder-1.0", *ALONE, "--as-of", DAY, "--json").out)
    assert wonder["p_open_within_365"] == pytest.approx(one["p_open_within"]["365"], abs=1e-12)


@pytest.mark.slow
def test_forecasts_are_recorded_once_resolved_and_scored(run: Callable[..., Any], home: Path, cache: Path) -> None:
    hindcast = ["record", "muse-any", "muse-frontier", *ALONE, "--as-of", "2026-04-06", "--home", home]
    everyone = ["model", *RECORDED_BASELINES]
    assert f"{2 * len(everyone)} forecasts added" in run(*hindcast).out
    assert run(*hindcast).out == "nothing new to record\n"
    assert "muse-any: Muse Glimmer 30B" in run("resolve", "--home", home).out
    assert "nothing new to resolve" in run("resolve", "--home", home).out
    board = json.loads(run("score", "--json", "--as-of", DAY, "--home", home).out)["forecasters"]
    assert {(row["name"], row["mode"], row["scored"]) for row in board} == {(name, "hindcast", 2) for name in everyone}
    lines = (home / "data" / "ledger" / "model.jsonl").read_text().splitlines()
    body = json.loads(lines[0])["body"]
    assert (body["mode"], body["design_seen"], body["made_on"]) == ("hindcast", True, "2026-04-06")
    assert body["model"] == "weibull"
    assert run("ledger", "verify", "--home", home).code == 0
    (home / "data" / "ledger" / "model.jsonl").write_text(
        "\n".join([lines[0].replace("hindcast", "live"), lines[1], ""])
    )
    broken = run("ledger", "verify", "--home", home)
    assert broken.code == 1
    assert "line 1: changed after it was written" in broken.err


@pytest.mark.slow
def test_a_full_disk_leaves_the_ledger_as_it_was(home: Path, cache: Path) -> None:
    words = ["record", "muse-any", *ALONE, "--as-of", "2026-04-06", "--home", str(home)]
    command = [sys.executable, "-m", "forecast.cli", *words]
    ledger = home / "data" / "ledger" / "model.jsonl"

    def small_files() -> None:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))

    ran = subprocess.run(command, capture_output=True, text=True, preexec_fn=small_files, env=os.environ)
    assert ran.returncode == 1
    assert "nothing was added" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not ledger.exists() or ledger.read_bytes() == b""
    assert subprocess.run(command, capture_output=True, text=True, env=os.environ).returncode == 0


@pytest.mark.slow
def test_a_damaged_cache_is_rebuilt_with_a_word(
    cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import shutil

    settings = Settings(latency="weibull")
    desk = Desk(settings=settings, today=dt.date.fromisoformat(DAY))
    before = desk.answer("muse-any").as_json()
    mine = tmp_path / "cache"
    shutil.copytree(cache, mine)
    files = list((mine / "posteriors").glob("*.npz"))
    for file in files:
        file.write_bytes(file.read_bytes()[:1000])
    again = Desk(settings=settings, today=dt.date.fromisoformat(DAY), cache=mine).answer("muse-any").as_json()
    assert "fitting it anew" in caplog.text
    assert again == before
