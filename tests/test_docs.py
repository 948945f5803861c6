"""What the documents say is what the code does."""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

import forecast
from forecast.model.baselines import BASELINES
from forecast.model.covariates import COVARIATES
from forecast.model.latency import LATENCIES
from forecast.record.scores import SCORES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_the_readme_begins_with_two_commands() -> None:
    blocks = re.findall(r"```sh\n(.*?)\n```", README, re.S)
    start = "python3 -m pip install -q uv && python3 -m uv run --locked "
    assert blocks[:2] == [f"{start}forecast predict", f'{start}pytest -m "not slow"']
    assert 'pytest -m "not slow"' in (ROOT / ".ci" / "run").read_text()


def test_every_module_has_its_line_in_architecture() -> None:
    modules = {file.name for file in (ROOT / "forecast").rglob("*.py")} - {"__init__.py", "errors.py"}
    assert {name for name in modules if f"`{name}`" not in ARCHITECTURE and f"/{name}`" not in ARCHITECTURE} == set()


def test_every_registry_is_named_with_its_file() -> None:
    for registry in ("COVARIATES", "LATENCIES", "BASELINES", "SCORES"):
        assert f"`{registry}`" in ARCHITECTURE
    assert all((COVARIATES, LATENCIES, BASELINES, SCORES))


def test_architecture_is_one_page() -> None:
    assert len(ARCHITECTURE.splitlines()) <= 80


def test_the_exported_names_are_there() -> None:
    for name in forecast.__all__:
        assert getattr(forecast, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        forecast.nothing  # noqa: B018


def test_the_version_is_that_of_the_package_and_in_the_changelog() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert forecast.__version__ == project["version"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_readmes_skill_is_that_of_the_results() -> None:
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", README.split("<!-- skill:")[1].split("<!-- end -->")[0], re.M)
    assert len(rows) >= 5
    for name, cells in rows:
        for rule, cell in zip(("silence", "evidence"), cells.split("|"), strict=True):
            skill = pd.read_csv(ROOT / "results" / f"backtest-{rule}" / "skill.csv")
            whole = skill[(skill.period == "claim") & (skill.stratum == "all") & (skill.score_name == name)]
            [row] = whole[whole.baseline == "kaplan-meier-promise"].to_dict("records")
            assert cell.strip() == f"{row['skill']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})", name


def test_the_readme_names_the_strongest_baseline_of_each_score() -> None:
    for rule in ("silence", "evidence"):
        skill = pd.read_csv(ROOT / "results" / f"backtest-{rule}" / "skill.csv")
        claim = skill[(skill.period == "claim") & (skill.stratum == "all")].set_index("score_name")
        by_log = claim.loc["log"].set_index("baseline").loc["constant-hazard-never"]
        assert f"{by_log.skill:+.3f} ({by_log.low:+.3f} to {by_log.high:+.3f})" in README
        assert claim.loc["log"].sort_values("skill").baseline.iloc[0] == "constant-hazard-never"
        for name in ("cut_crps", "rps", "brier_90", "brier_180", "brier_365"):
            strongest = claim.loc[name].sort_values("skill").iloc[0]
            assert strongest.baseline == "kaplan-meier-promise", (rule, name, strongest.baseline)


@pytest.mark.parametrize("rule", ["silence", "evidence"])
def test_the_results_say_what_they_were_made_from_and_how_to_read_them(rule: str) -> None:
    folder = ROOT / "results" / f"backtest-{rule}"
    told = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert told["plan"]["follow_up"] == rule
    assert {len(told["inputs"][name]) for name in ("data", "priors", "questions", "code")} == {64}
    assert told["origins"] == len(told["plan"]["origins"]) >= 15
    assert told["failed_fits"] == {}
    assert len(told["caveats"]) == 4
    lines = pd.read_csv(folder / "lines.csv")
    slopes = lines[(lines.forecaster == "model") & (lines.period == "all") & (lines.horizon_days > 90)].slope
    assert (slopes > 1).all()  # "under-confident beyond 90 days"
    cohorts = pd.read_csv(folder / "skill.csv").query("stratum == 'cohort'")
    assert not cohorts.claims.any()  # "too few were opened for a claim"


def test_the_readmes_track_record_is_that_of_the_ledger(run: Callable[..., Any]) -> None:
    assert "beat Kaplan-Meier and a constant hazard by the log score and lost to both by cut CRPS and RPS" in " ".join(
        README.split()
    )
    desk = forecast.Desk(today=dt.date(2026, 11, 26))
    table = forecast.score_table(desk.home.ledger, desk.today, desk.questions, dt.date(2026, 10, 31))
    first = table[(table["mode"] == "hindcast") & (table.made_on == "2026-04-06") & table.question_id.str.match("muse")]
    scores = (
        first.drop_duplicates(["question_id", "forecaster"]).groupby("forecaster")[["log", "cut_crps", "rps"]].mean()
    )
    for name in ("constant-hazard", "kaplan-meier"):
        assert scores.log["model"] < scores.log[name]
        assert scores.cut_crps["model"] > scores.cut_crps[name]
        assert scores.rps["model"] > scores.rps[name]
    live = json.loads(run("score", "--json", "--as-of", "2026-11-25").out)["forecasters"]
    assert {row["due"] for row in live if row["mode"] == "live"} == {0}
    [insiders] = [row for row in live if row["name"] == "insiders"]
    assert insiders["skill"]["model"]["log"]["high"] < 0  # "beat their words by the log score"


def test_every_command_is_in_the_readme(run: Callable[..., Any]) -> None:
    shown = run("--help").out
    commands = re.findall(r"^│ (\w+) ", shown, re.M)
    assert len(commands) >= 8
    assert [c for c in commands if f"forecast {c}" not in README] == []


def test_the_workflow_runs_commands_that_there_are(run: Callable[..., Any]) -> None:
    text = (ROOT / ".github" / "workflows" / "beliefs.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    steps = " ".join(step.get("run", "") for job in jobs.values() for step in job["steps"])
    commands = re.findall(r"forecast ((?:[a-z]+)(?: --[a-z]+)*)", steps)
    assert {"discover", "discover --json", "update", "check"} <= set(commands)
    cron = re.findall(r"^[\d* ]+ cd .* forecast (\w+)$", README, re.M)
    assert cron == ["discover", "update"]
    for command in {word.split()[0] for word in [*commands, *cron]}:
        told = run(command, "--help")
        assert told.code == 0
        for option in re.findall(rf"{command} (--[a-z]+)", steps):
            assert option in told.out


@pytest.mark.slow
def test_the_json_table_has_the_keys_of_predict(run: Callable[..., Any], cache: Path) -> None:
    table = README.split("## What `predict --json` prints")[1].split("\n## ")[0]
    documented = [
        key
        for line in table.splitlines()
        if line.startswith("| `")
        for key in re.findall(r"`(\w+)`", line.split("|")[1])
    ]
    assert sorted(documented) == sorted(json.loads(run("predict", "--latency", "weibull", "--json").out))


@pytest.mark.slow
def test_the_readmes_numbers_are_those_of_predict(run: Callable[..., Any], cache: Path) -> None:
    rows = re.findall(r"^\| `(forecast predict [^`]*)` \|(.*)\|$", README, re.M)
    assert len(rows) >= 5
    for command, cells in rows:
        found = json.loads(run(*command.split()[1:], "--json").out)
        said = [float(p) / 100 for p in re.findall(r"(\d+) %", cells)]
        wanted = [found[f"p_{word}"] for word in ("weeks", "months", "years", "never")]
        assert said == pytest.approx(wanted, abs=0.02), command


@pytest.mark.slow
def test_the_readmes_example_runs(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [example] = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len([line for line in example.splitlines() if line]) <= 10
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    exec(example, scope)
    assert sum(scope["answer"].forecast.words(scope["answer"].asked_on).values()) == pytest.approx(1)
    assert (tmp_path / "wonder.svg").exists()


@pytest.mark.slow
def test_the_readmes_output_is_that_of_the_command(run: Callable[..., Any], cache: Path) -> None:
    block = README.split("<!-- output: forecast predict -->")[1].split("<!-- end -->")[0].strip().strip("`").strip("\n")
    printed = run("predict").out
    plain = [re.sub(r"[\d<]+ ?\d* %", "P", line).split() for line in (block, printed)]
    assert " ".join(plain[0]) in " ".join(plain[1])
    shown = [int(p) for p in re.findall(r"(\d+) %", block[block.index("weeks   within") :])]
    start = printed.index("weeks   within")
    now = [int(p) for p in re.findall(r"(\d+) %", printed[start:])][: len(shown)]
    assert now == pytest.approx(shown, abs=3)


@pytest.mark.slow
def test_the_readmes_picture_is_what_the_command_draws(run: Callable[..., Any], cache: Path, tmp_path: Path) -> None:
    assert run("predict", "--plot", tmp_path / "answer.svg").code == 0
    curves = []
    for file in (ROOT / "results" / "answer.svg", tmp_path / "answer.svg"):
        lines = re.findall(r'<g id="line2d_\d+">\s*<path d="(M[^"]*)"', file.read_text(encoding="utf-8"))
        longest = max(lines, key=len)
        curves.append([float(x) for x in re.findall(r"-?\d+\.\d+|-?\d+", longest)])
    assert curves[1] == pytest.approx(curves[0], abs=6)  # points of a picture that is 274 high: another machine's draws
    within = json.loads(run("predict", "--json").out)["p_open_within"]
    assert [100 * within[h] for h in ("180", "730")] == pytest.approx([61, 68], abs=3)  # as its alternative text says
    assert "61 % within 180 days, 68 % within two years" in README
