"""Runs by real processes: whatever does the work, and however often it is killed, the bytes are the same."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from forecast.errors import FitError
from forecast.model import sampler
from forecast.model.priors import read_priors
from forecast.record import backtest, evidence, runner
from forecast.tables.paths import Home

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ORGANIZATIONS = {"Meta", "Microsoft", "OpenAI", "NVIDIA", "Stability AI"}
ORIGINS = (dt.date(2022, 7, 1), dt.date(2023, 1, 1))
PLAN = backtest.Plan(ORIGINS, dt.date(2026, 10, 31), latency="log_logistic", horizons=(30, 90))
WORDS = ["--from", "2022-07-01", "--to", "2023-01-01", "--every", "half", "--latency", "log_logistic"]
RESULTS = ["items.parquet", "skill.csv", "reliability.csv", "lines.csv", "pit.csv", "summary.json", "plan.json"]
PATIENCE = 300


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Path:
    """A home with 48 rows of the real table."""
    data = tmp_path_factory.mktemp("tiny") / "data"
    data.mkdir()
    with (real_data / "episodes.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["organization"] in ORGANIZATIONS]
    rows = [row for row in rows if row["closed_on"] < "2023" and row["modality"] in ("text", "multimodal", "image")]
    with (data / "episodes.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row for row in rows if row["domain"] == "ai_model")
    for name in ("priors.toml", "questions.toml", "datapackage.json"):
        shutil.copy(real_data / name, data / name)
    return data.parent


@pytest.fixture(scope="module")
def start_run(tiny: Path, cache: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start a backtest of the tiny home in its own process."""

    def start(out: Path, *words: object, horizons: str = "30,90") -> subprocess.Popen[str]:
        command = ["backtest", *WORDS, "--horizons", horizons, "--home", tiny, "--out", out, "--json", *words]
        return started("-m", "forecast.cli", *command)

    return start


@pytest.fixture(scope="module")
def whole(start_run: Callable[..., subprocess.Popen[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run in one go, by one process."""
    out = tmp_path_factory.mktemp("whole")
    assert ended(start_run(out, "--jobs", 1)) == (0, "")
    return out


@pytest.fixture(scope="module")
def scheduler(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Dask scheduler that has no workers yet."""
    folder = tmp_path_factory.mktemp("dask")
    found = folder / "scheduler.json"
    words = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", found]
    with running("-m", "dask", *words):
        wait_for(found.is_file)
        yield json.loads(found.read_text(encoding="utf-8"))["address"]


def started(*words: object) -> subprocess.Popen[str]:
    """Start Python on the project's modules."""
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def ended(process: subprocess.Popen[str], patience: float = PATIENCE) -> tuple[int, str]:
    """Exit code, and all that it said on stderr."""
    try:
        _, said = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, said


@contextmanager
def running(*words: object) -> Iterator[subprocess.Popen[str]]:
    """A service for a while, ended as Ctrl-C ends it: it has to end well."""
    process = started(*words)
    try:
        yield process
        process.send_signal(signal.SIGINT)
        code, said = ended(process, 30)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert code == 0, said
    assert "Traceback" not in said


def wait_for(there: Callable[[], object], patience: float = PATIENCE) -> None:
    until = time.monotonic() + patience
    while not there():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def workers_of(pid: int) -> list[int]:
    """Processes of a pool."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def killed_with_workers(process: subprocess.Popen[str]) -> None:
    """Kill a run, then what is left of its pool."""
    pool = workers_of(process.pid)
    process.kill()
    for pid in filter(is_running, pool):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert ended(process)[0] == -signal.SIGKILL


def cpu_seconds(pid: int) -> float:
    spent = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def assert_same(out: Path, whole: Path) -> None:
    for name in RESULTS:
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name
    assert not list(out.rglob("*.partial"))


def kept(out: Path) -> dict[str, int]:
    """When each file of the origins done was written."""
    return {file.name: file.stat().st_mtime_ns for file in (out / "origins").glob("*.*")}


def test_a_run_holds_a_forecast_by_everyone_of_every_row_at_risk(whole: Path) -> None:
    items, summary = pd.read_parquet(whole / "items.parquet"), json.loads((whole / "summary.json").read_text())
    assert set(items.forecaster) == {*backtest.BASELINES, "model"}
    told = {day: report["rows_at_risk"] for day, report in runner.reports(whole).items()}
    for (origin, _), rows in items.groupby(["origin", "forecaster"]):
        assert len(rows) == rows.episode_id.nunique() == told[str(origin.date())]
    assert (summary["origins"], summary["failed_fits"], summary["items"]) == (2, {}, sum(told.values()))
    assert ((items[["prob_30", "prob_90"]] >= 0) & (items[["prob_30", "prob_90"]] <= 1)).all(axis=None)
    assert items[["log", "cut_crps"]].notna().all(axis=None)


def test_two_processes_give_the_same_bytes_as_one(
    start_run: Callable[..., subprocess.Popen[str]], whole: Path, tmp_path: Path
) -> None:
    process = start_run(tmp_path, "--jobs", 2)
    wait_for(lambda: len(workers_of(process.pid)) == 2)
    pool = workers_of(process.pid)
    assert ended(process) == (0, "")
    assert not [pid for pid in pool if is_running(pid)]
    assert_same(tmp_path, whole)


def test_a_killed_run_and_a_killed_worker_lose_only_what_was_in_work(
    start_run: Callable[..., subprocess.Popen[str]], whole: Path, tmp_path: Path
) -> None:
    process = start_run(tmp_path, "--jobs", 1)
    wait_for(lambda: list((tmp_path / "origins").glob("*.json")))
    killed_with_workers(process)
    first = kept(tmp_path)
    assert len(first) == 2
    assert not (tmp_path / "items.parquet").exists()

    process = start_run(tmp_path, "--jobs", 1, "--resume")
    wait_for(lambda: workers_of(process.pid))
    (worker,) = workers_of(process.pid)
    wait_for(lambda: cpu_seconds(worker) > 8)
    os.kill(worker, signal.SIGKILL)
    code, said = ended(process)
    assert code == 1
    assert said.startswith("forecast: a worker died (BrokenProcessPool): 1 of 2 origins are kept in ")
    assert said.endswith("; go on with --resume\n")
    assert said.count("\n") == 1
    assert kept(tmp_path) == first

    assert ended(start_run(tmp_path, "--jobs", 1, "--resume")) == (0, "")
    assert_same(tmp_path, whole)
    assert first.items() <= kept(tmp_path).items()


def test_a_killed_run_leaves_no_process_behind(
    start_run: Callable[..., subprocess.Popen[str]], whole: Path, tmp_path: Path
) -> None:
    process = start_run(shutil.copytree(whole, tmp_path / "out"), "--jobs", 1)
    wait_for(lambda: workers_of(process.pid))
    (worker,) = workers_of(process.pid)
    process.kill()
    try:
        wait_for(lambda: not is_running(worker), 60)  # it may still be importing
        assert not is_running(worker)
    finally:
        if is_running(worker):
            os.kill(worker, signal.SIGKILL)
        ended(process)


def test_a_run_that_is_done_is_resumed_without_a_worker(
    start_run: Callable[..., subprocess.Popen[str]], whole: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(whole, tmp_path / "out")
    before = kept(out)
    assert ended(start_run(out, "--resume", "--dask", "tcp://127.0.0.1:1")) == (0, "")
    assert kept(out) == before
    assert_same(out, whole)


def test_a_run_is_not_resumed_with_another_plan(
    start_run: Callable[..., subprocess.Popen[str]], whole: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(whole, tmp_path / "out")
    before = kept(out)
    code, said = ended(start_run(out, "--resume", horizons="30,60"))
    assert code == 1
    assert said == f"forecast: {out} was made with other plan: run it as before, or without --resume\n"
    assert kept(out) == before
    assert_same(out, whole)


def test_a_run_is_not_resumed_with_other_inputs(whole: Path, tiny: Path, tmp_path: Path) -> None:
    out = shutil.copytree(whole, tmp_path / "out")
    other = shutil.copytree(tiny, tmp_path / "other")
    with (other / "data" / "priors.toml").open("a", encoding="utf-8") as file:
        file.write("# another day\n")
    with pytest.raises(runner.BacktestError, match="was made with other inputs"):
        runner.run(Home(other / "data"), PLAN, out, resume=True)
    assert_same(out, whole)


def test_a_scheduler_without_workers_is_named(
    start_run: Callable[..., subprocess.Popen[str]], scheduler: str, tmp_path: Path
) -> None:
    code, said = ended(start_run(tmp_path, "--dask", scheduler))
    assert code == 1
    assert said == (
        f"forecast: the Dask scheduler at {scheduler} has no workers: start one with 'dask worker {scheduler}'\n"
    )


def test_a_dask_cluster_gives_the_same_bytes(
    start_run: Callable[..., subprocess.Popen[str]], scheduler: str, whole: Path, tmp_path: Path
) -> None:
    words = ["-m", "dask", "worker", scheduler, "--nworkers", "1", "--nthreads", "1", "--no-dashboard"]
    with (
        running(*words, "--local-directory", tmp_path / "one"),
        running(*words, "--local-directory", tmp_path / "two"),
    ):
        wait_for(lambda: n_workers(scheduler) == 2)
        assert ended(start_run(tmp_path / "out", "--dask", scheduler)) == (0, "")
    assert_same(tmp_path / "out", whole)


def n_workers(address: str) -> int:
    """Ask a scheduler from outside: a client in this process would leave threads behind."""
    code = f"from distributed import Client\nwith Client({address!r}) as c: print(len(c.scheduler_info()['workers']))"
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def test_a_dask_address_where_nobody_answers_is_one_clear_line(
    start_run: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    before = time.monotonic()
    code, said = ended(start_run(tmp_path, "--dask", address))
    assert time.monotonic() - before < 60
    assert code == 1
    assert said.startswith(f"forecast: no Dask scheduler answers at {address} (")
    assert said.count("\n") == 1


def test_origins_in_one_process_share_one_compilation(tiny: Path, cache: Path, whole: Path) -> None:
    data = Home(tiny / "data")
    priors = read_priors(data.priors)
    met = []
    with threadpool_limits(1):
        warm = backtest.warm_up(data.episodes, PLAN, priors, cache)
        for day in PLAN.origins:
            origin = backtest.score_origin(data.episodes, PLAN, day, priors, warm, cache)
            met.append(sampler._SAMPLERS["log_logistic", warm.layout.size, False])
            pd.testing.assert_frame_equal(
                origin.items, pd.read_parquet(whole / "origins" / f"{day}.parquet"), check_dtype=False, check_exact=True
            )
            assert origin.report == runner.reports(whole)[str(day)]
    assert met[0] is met[1]
    assert met[0].compilations == 1


def test_a_fit_that_does_not_converge_is_counted(
    tiny: Path, cache: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, fitted = backtest.fit, []

    def fails_at_first(design: Any, *given: Any, **named: Any) -> Any:
        fitted.append(design)
        if len(fitted) == 1:
            raise FitError("the sampler did not converge")
        return real(design, *given, **named)

    @contextmanager
    def here(_jobs: int, _dask: str | None) -> Iterator[ThreadPoolExecutor]:
        with ThreadPoolExecutor(1) as pool:
            yield pool

    monkeypatch.setattr(backtest, "fit", fails_at_first)
    monkeypatch.setattr(runner, "_workers", here)
    items = runner.run(Home(tiny / "data"), PLAN, tmp_path)
    evidence.write_tables(Home(tiny / "data"), tmp_path, PLAN, items)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["failed_fits"] == {"2023-01-01": "the sampler did not converge"}
    assert summary["origins"] == 2
    one_go = pd.read_parquet(whole / "items.parquet")
    lost = (one_go.forecaster == "model") & (one_go.origin == "2023-01-01")
    pd.testing.assert_frame_equal(items, one_go[~lost].reset_index(drop=True))
    skill = pd.read_csv(tmp_path / "skill.csv")
    by_forecast = skill[(skill.stratum == "all") & ~skill.score_name.str.endswith("_pooled")]
    assert set(by_forecast["items"]) == {runner.reports(whole)["2022-07-01"]["rows_at_risk"]}
