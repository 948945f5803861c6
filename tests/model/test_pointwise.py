"""Log-likelihood of every episode: joint over a debut window, whatever else is in the design."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate

from forecast.model import pointwise
from forecast.model.design import Design, build_design
from forecast.model.latency import LATENCIES
from forecast.model.pointwise import episode_loglik
from forecast.model.posterior import Posterior
from forecast.model.priors import Priors, parameter_names
from forecast.model.terms import layout_of, predictors, terms_of

#: Some day of March to 2024-06-20; promised before the debut, and no longer since 2024-05-10.
ROW = {"closed_precision": "month", "outcome": "opened", "outcome_on": "2024-06-20", "outcome_precision": "day"}
PROMISES = ({"known_on": "2024-02-01"}, {"kind": "refused", "known_on": "2024-05-10"})
#: Days from the start of March: to the noon of the refusal, to the start of the opening's day.
REFUSED, OPENED = 70.5, 111.0
#: Standard normals of parameters: a month more or less then says much about the row.
SOON = {"odds.none": 1.5, "odds.vague": 1.5, "time.none": -0.5, "time.vague": -0.7, "spread.vague": -1.0}


@pytest.fixture(scope="module")
def wide(view_of: Callable[..., pd.DataFrame]) -> Design:
    """That row's design: survived while promised, and then its opening, given that it was closed still."""
    design = build_design(view_of(ROW, promises=PROMISES), "any")
    assert design.sign.tolist() == [1, -1, 1]
    assert (np.ptp(design.end_days, axis=1) > 0.1 * design.start_days.mean(axis=1)).all()
    return design


def drawn_for(posterior: Posterior, design: Design, latency: str, draws: int = 5) -> Posterior:
    """Draws near the prior's centre for a design's own groups, in which models open soon or never."""
    layout = layout_of(design)
    raw = 0.3 * np.random.default_rng(12).normal(size=(draws, layout.size))
    for name, shift in SOON.items():
        raw[:, parameter_names().index(name)] += shift
    return replace(posterior, raw=raw, layout=layout, latency=latency)


def chances(p: dict[str, float], name: str, times: Callable[..., Any]) -> tuple[Callable[..., float], ...]:
    """P(still closed by a day) and P(opened in full in some days) of a segment, by scipy."""
    weights = np.exp([p["odds"], p["odds"] + p["part"], 0.0])
    full, part, never = weights / weights.sum()
    sigma = 1 / p["shape"]
    in_full = times(name, p["time"], sigma, p["tail"])
    in_part = times(name, p["time"] + p["part_time"], sigma / p["part_shape"], p["tail"])
    return (
        lambda day: never + full * in_full.sf(day) + part * in_part.sf(day),
        lambda day, next_: full * (in_full.cdf(next_) - in_full.cdf(day)),
    )


@pytest.mark.parametrize("latency", LATENCIES)
def test_a_wide_debut_window_is_averaged_over_all_segments_of_the_row_at_once(
    wide: Design, a_posterior: Posterior, priors: Priors, times: Callable[..., Any], latency: str
) -> None:
    posterior = drawn_for(a_posterior, wide, latency)
    rows, found = episode_loglik(posterior, wide)
    assert (rows.tolist(), found.shape) == ([0], (5, 1))
    p = predictors(posterior.raw, terms_of(wide, np.arange(3), posterior.layout), priors.location, priors.scale)
    apart = []
    for draw in range(5):
        at = [{k: float(np.broadcast_to(v, (5, 3))[draw, n]) for k, v in vars(p).items()} for n in (0, 2)]
        (promised, _), (closed, opens) = (chances(one, latency, times) for one in at)
        factors = [
            lambda debut, f=promised: f(REFUSED - debut),
            lambda debut, f=closed: 1 / f(REFUSED - debut),
            lambda debut, f=opens: f(OPENED - debut, OPENED + 1 - debut),
        ]

        def mean(*some: Callable[[float], float]) -> float:
            return integrate.quad(lambda debut: np.prod([f(debut) for f in some]), 0, 31, epsabs=0)[0] / 31

        assert found[draw, 0] == pytest.approx(np.log(mean(*factors)), abs=2e-4)
        apart.append(abs(np.log(mean(*factors)) - sum(np.log(mean(f)) for f in factors)))
    assert max(apart) > 5e-3  # what averaging each segment by itself would get wrong


def test_an_episodes_log_likelihood_does_not_depend_on_the_others(
    a_posterior: Posterior, real_view: pd.DataFrame
) -> None:
    design = build_design(real_view, "any")
    posterior = drawn_for(a_posterior, design, "burr_xii")
    rows, whole = episode_loglik(posterior, design)
    assert rows.tolist() == np.unique(design.row).tolist()
    some = rows[::7]
    places, part = episode_loglik(posterior, design.only(np.isin(design.row, some)))
    assert places.tolist() == some.tolist()
    np.testing.assert_allclose(part, whole[:, ::7], rtol=1e-12)
    for row in (rows[0], rows[-1]):
        np.testing.assert_allclose(episode_loglik(posterior, design.of_row(row))[1][:, 0], whole[:, rows == row][:, 0])


def test_draws_are_worked_out_a_part_at_a_time(
    wide: Design, a_posterior: Posterior, monkeypatch: pytest.MonkeyPatch
) -> None:
    posterior = drawn_for(a_posterior, wide, "weibull", draws=7)
    whole = episode_loglik(posterior, wide)[1]
    monkeypatch.setattr(pointwise, "DRAWS_AT_ONCE", 3)
    np.testing.assert_allclose(episode_loglik(posterior, wide)[1], whole, rtol=1e-12)
