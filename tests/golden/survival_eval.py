"""Write survival_eval.json: what SurvivalEVAL 0.9.0 says of made-up rows.

It needs torch, so it is no test dependency. In an environment of its own that has it:

    python tests/golden/survival_eval.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from SurvivalEVAL import SingleTimeEvaluator, d_cal_ic, d_calibration
from SurvivalEVAL.version import __version__

HORIZONS = (30, 90, 181, 730)
ROWS = 120

rng = np.random.default_rng(20261125)
scale = np.round(rng.uniform(20, 900, ROWS), 3)
day = np.ceil(rng.exponential(scale)).astype(int)
day[:4] = HORIZONS  # an opening on the day of a horizon
followed = rng.integers(5, 900, ROWS)
opened = day <= followed
ends = np.where(opened, day, followed)


def survival(days: float | np.ndarray) -> np.ndarray:
    return np.exp(-days / scale)


brier = {str(h): SingleTimeEvaluator(survival(h), day, np.ones(ROWS), target_time=h).brier_score() for h in HORIZONS}
_, _, points = d_calibration(survival(ends), opened, num_bins=10)
_, _, windows = d_cal_ic(
    survival(np.where(opened, day - 1, followed)), np.where(opened, survival(day), 0.0), num_bins=10
)
known = {
    "made_by": f"SurvivalEVAL {__version__}, python tests/golden/survival_eval.py",
    "scale": scale.tolist(),
    "day": day.tolist(),
    "followed": followed.tolist(),
    "brier": brier,
    "d_calibration": points.tolist(),
    "d_calibration_of_windows": windows.tolist(),
}
lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in known.items())
Path(__file__).with_suffix(".json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
