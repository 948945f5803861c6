"""What the documents say is what the code does."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
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
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "beliefs.yml").read_text(encoding="utf-8"))


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
    steps = " ".join(step.get("run", "") for job in WORKFLOW["jobs"].values() for step in job["steps"])
    steps = re.sub(r"--catalogue \"\$\w+\"", "--catalogue", steps)
    commands = re.findall(r"--locked forecast ((?:[a-z]+)(?: --[a-z]+)*)", steps)
    assert {"discover --save", "discover --catalogue --json", "discover --catalogue", "codebook"} <= set(commands)
    assert commands.index("check") < commands.index("codebook") < commands.index("update")  # its bytes are hashed
    cron = re.findall(r"^[\d* ]+ cd .* forecast (\w+)$", README, re.M)
    assert cron == ["discover", "update"]
    for command in {word.split()[0] for word in [*commands, *cron]}:
        told = run(command, "--help")
        assert told.code == 0
        for option in re.findall(r"--[a-z]+", " ".join(c for c in commands if c.startswith(command))):
            assert option in told.out
    landing = re.findall(r"```sh\n(.*?)\n```", README.split("## When a release lands")[1], re.S)[0]
    assert re.findall(r"^forecast ([a-z]+(?: open)?)", landing, re.M) == ["episodes open", "codebook", "update"]
    assert "Allow GitHub Actions to create and approve pull requests" in " ".join(README.split())


def step(tmp_path: Path, job: str, name: str, cwd: Path, forecast: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the workflow as GitHub does, with a ``python3`` whose ``forecast`` is a shell script."""
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    calls = f'echo "$@" >> {tmp_path}/calls; case "$*" in "-m uv"*) shift 5; {forecast};; esac'
    for tool, script in (("python3", calls), ("gh", f'echo "gh $*" >> {tmp_path}/calls')):
        (tools / tool).write_text(f"#!/bin/bash\n{script}\n")
        (tools / tool).chmod(0o755)
    [found] = [s for s in WORKFLOW["jobs"][job]["steps"] if s.get("name", "").startswith(name)]
    # what the shell "bash" and no shell at all stand for, see the workflow syntax under jobs.<job_id>.steps[*].shell
    given = {"bash": "bash --noprofile --norc -eo pipefail", None: "bash -e"}
    shell = given[WORKFLOW.get("defaults", {}).get("run", {}).get("shell")]
    (tmp_path / "step.sh").write_text(found["run"])
    names = dict.fromkeys(("GITHUB_ENV", "GITHUB_STEP_SUMMARY"), str(tmp_path / "github"))
    own = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    command = [*shell.split(), str(tmp_path / "step.sh")]
    return subprocess.run(command, cwd=cwd, env=own | names | env, capture_output=True, text=True, check=False)


def git(folder: Path, *words: str) -> str:
    own = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *own, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def cloned(tmp_path: Path) -> tuple[Path, Path]:
    """Two clones of a repository with a ledger of one line."""
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(tmp_path, "clone", "-q", "origin.git", "one")
    one = tmp_path / "one"
    (one / "data" / "ledger").mkdir(parents=True)
    for name in ("ledger/model.jsonl", "CODEBOOK.md", "datapackage.json"):
        (one / "data" / name).write_text("first\n")
    git(one, "add", ".")
    git(one, "commit", "-qm", "first")
    git(one, "push", "-q", "origin", "HEAD:main")
    git(tmp_path, "clone", "-q", "-b", "main", "origin.git", "two")
    return one, tmp_path / "two"


@pytest.mark.parametrize("code", [0, 1])
def test_an_update_that_fails_fails_its_step(tmp_path: Path, code: int) -> None:
    done = step(tmp_path, "update", "Resolve", tmp_path, f"echo said; exit {code}")
    assert (done.returncode, (tmp_path / "github").read_text()) == (code, "said\n")


def test_a_ledger_is_pushed_onto_a_main_that_moved_and_never_over_another_update(
    tmp_path: Path, cloned: tuple[Path, Path]
) -> None:
    one, two = cloned

    def tried(line: str) -> int:
        with (two / "data/ledger/model.jsonl").open("a") as chain:
            chain.write(f"{line}\n")
        return step(tmp_path, "update", "Keep", two, "exit 0").returncode

    def pushed() -> list[str]:
        return git(tmp_path / "origin.git", "show", "main:data/ledger/model.jsonl").splitlines()

    assert step(tmp_path, "update", "Keep", two, "exit 0").returncode == 0  # nothing to keep
    assert not (tmp_path / "calls").exists()
    (one / "README.md").write_text("moved")
    git(one, "add", ".")
    git(one, "commit", "-qm", "moved")
    git(one, "push", "-q", "origin", "HEAD:main")
    assert (tried("second"), pushed()) == (0, ["first", "second"])
    assert git(tmp_path / "origin.git", "show", "main:README.md") == "moved"
    assert "forecast ledger verify" in (tmp_path / "calls").read_text()
    git(one, "pull", "-q", "--rebase", "origin", "main")
    (one / "data/ledger/model.jsonl").write_text("first\nsecond\ntheirs\n")
    git(one, "commit", "-qam", "theirs")
    git(one, "push", "-q", "origin", "HEAD:main")
    assert tried("mine") != 0
    assert pushed() == ["first", "second", "theirs"]


def test_candidates_are_fetched_once_and_proposed_on_a_branch_of_the_run(
    tmp_path: Path, cloned: tuple[Path, Path]
) -> None:
    one = cloned[0]
    assert step(tmp_path, "discover", "Look", one, 'echo "{}"').returncode == 0
    looks = [line.split("forecast ")[1] for line in (tmp_path / "calls").read_text().splitlines()]
    day = (tmp_path / "github").read_text().removeprefix("day=").strip()
    copy = f"models.dev-api-{day}.json.gz"
    assert looks == [f"discover --save {copy}", f"discover --catalogue {copy} --json", f"discover --catalogue {copy}"]
    assert {file.name for file in (one / "candidates").iterdir()} == {f"{day}.json", f"{day}.txt"}
    [proposal] = [s for s in WORKFLOW["jobs"]["discover"]["steps"] if s.get("name", "").startswith("Open")]
    for attempt in ("1", "2"):  # again on the same day
        of_run = {"github.run_id": "77", "github.run_attempt": attempt}
        branch = re.sub(r"\$\{\{ (\S+) \}\}", lambda found: of_run[found[1]], proposal["env"]["branch"])  # noqa: B023
        git(one, "switch", "-q", "main")
        (one / "candidates").mkdir(exist_ok=True)
        for name in (f"{day}.json", f"{day}.txt"):
            (one / "candidates" / name).write_text(attempt)
        done = step(tmp_path, "discover", "Open", one, "exit 0", day=day, branch=branch)
        assert done.returncode == 0, done.stderr
    assert git(tmp_path / "origin.git", "branch", "--format=%(refname:short)").splitlines() == [
        "candidates-77-1",
        "candidates-77-2",
        "main",
    ]
    assert git(tmp_path / "origin.git", "diff", "--stat", "main", "candidates-77-1").count("candidates/") == 2


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
        curves.append(np.array(re.findall(r"-?\d+\.\d+|-?\d+", longest), float).reshape(-1, 2))
    (x, y), (x_now, y_now) = (curve.T for curve in curves)
    # by heights, in a picture that is 274 high: which points of a straight piece are drawn is the library's choice
    assert np.interp(x, x_now, y_now) == pytest.approx(y, abs=6)
    assert x_now[[0, -1]] == pytest.approx(x[[0, -1]], abs=1)
    within = json.loads(run("predict", "--json").out)["p_open_within"]
    assert [100 * within[h] for h in ("180", "730")] == pytest.approx([61, 68], abs=3)  # as its alternative text says
    assert "61 % within 180 days, 68 % within two years" in README


def test_the_readmes_faults_are_those_of_the_results() -> None:
    block = README.split("<!-- faults:")[1].split("<!-- end -->")[0]
    told = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines() if line[:2] == "| "][
        1:
    ]
    rows = pd.read_csv(ROOT / "results" / "ledger-faults.csv", dtype=str)
    columns = ["fault", "tries", "acknowledged", "lost", "torn_set_aside", "chains_good"]
    assert told == rows[columns].to_numpy().tolist()
    assert set(rows.lost) == {"0"}
