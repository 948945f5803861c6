"""The wheel, installed alone in a fresh environment, answers; it records only in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


#: The uv that runs the tests says where it is.
UV = os.environ.get("UV")


@pytest.mark.slow
@pytest.mark.skipif(UV is None, reason="needs uv: run by python3 -m uv run pytest")
def test_the_wheel_answers_alone_and_lays_its_data_out(tmp_path: Path, cache: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("FORECAST_HOME", "VIRTUAL_ENV", "PYTHONPATH")}

    def run(*words: str | Path, code: int = 0) -> str:
        ran = subprocess.run([*map(str, words)], cwd=tmp_path, capture_output=True, text=True, env=environment)
        assert ran.returncode == code, ran.stderr
        return ran.stdout + ran.stderr

    run(UV, "build", "--wheel", "--out-dir", tmp_path, ROOT)
    [wheel] = tmp_path.glob("*.whl")
    run(UV, "export", "--project", ROOT, "--locked", "--no-dev", "--no-emit-project", "-o", tmp_path / "pins.txt")
    run(UV, "venv", "--python", sys.executable, tmp_path / "fresh")
    python = tmp_path / "fresh" / "bin" / "python"
    run(UV, "pip", "install", "--python", python, "-c", "pins.txt", wheel)
    forecast = tmp_path / "fresh" / "bin" / "forecast"
    assert "Meta says that it will 'eventually' open" in run(forecast, "predict", "--latency", "log_logistic")
    assert "run 'forecast init DIR'" in run(forecast, "record", code=1)
    run(forecast, "init", tmp_path / "mine")
    assert "no problems" in run(forecast, "check", "--home", tmp_path / "mine")
