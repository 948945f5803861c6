"""A fit in full: parameters in words, families and their weights, diagnostics, sensitivity, promises kept."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecast.model.design import build_design
from forecast.model.ensemble import AVERAGE, Ensemble
from forecast.model.fit import weights_of
from forecast.model.latency import LATENCIES
from forecast.model.loo import good_k
from forecast.model.parameters import parameter_table
from forecast.model.sensitivity import power_scaling
from forecast.record.answers import Desk
from forecast.record.summary import records_json
from forecast.record.weighing import Fitted, fit_families
from forecast.tables.episodes import Target, Unit
from forecast.tables.kept import promise_record, record_summary


@dataclass(frozen=True)
class FitReport:
    """What ``forecast fit`` says.

    Attributes
    ----------
    about : dict
        Day, unit, target, follow-up rule, seed, segments, openings.
    families : pandas.DataFrame
        One row a family: weight in forecasts, weight by stacking, left-out score, diagnostics.
    parameters, sensitivity, promises : pandas.DataFrame
        See :func:`parameter_table`, :func:`power_scaling`, :func:`record_summary`.
    """

    about: dict[str, Any]
    families: pd.DataFrame
    parameters: pd.DataFrame
    sensitivity: pd.DataFrame
    promises: pd.DataFrame

    def as_json(self) -> dict[str, Any]:
        """JSON values, by name."""
        names = ("families", "parameters", "sensitivity", "promises")
        return self.about | {name: records_json(getattr(self, name)) for name in names}


def fit_report(desk: Desk, as_of: dt.date | None = None, unit: Unit = "model", target: Target = "any") -> FitReport:
    """Fit every family, whether or not it counts in forecasts, and say what came out.

    Parameters
    ----------
    desk : Desk
    as_of : datetime.date, optional
        Today by default.
    unit, target : str

    Raises
    ------
    QuestionError, TableError, FitError, CacheError
        As a forecast does.
    """
    day = desk.day(as_of)
    names = tuple(LATENCIES) if desk.settings.latency == AVERAGE else (desk.settings.latency,)
    fitted = fit_families(desk, day, unit, target, names)
    weights = weights_of(desk.settings.latency, desk.priors)
    ensemble = Ensemble.of([fitted.posteriors[name] for name in weights], weights)
    view = desk.views.on(day, unit)
    heaviest = ensemble.members[int(np.argmax(ensemble.weights))]
    design = build_design(view, target, desk.priors.programs)
    about = {
        "as_of": day.isoformat(),
        "unit": unit,
        "target": target,
        "follow_up": desk.views.follow_up,
        "model": ensemble.latency,
        "seed": desk.settings.seed,
        "segments": heaviest.rows,
        "openings": heaviest.opened,
        "sampler": heaviest.sampler,
        "sensitivity_of": heaviest.latency,
    }
    return FitReport(
        about,
        pd.DataFrame(_family(name, fitted, weights) for name in names),
        parameter_table(ensemble, desk.priors),
        power_scaling(heaviest, design),
        record_summary(promise_record(desk.views.on(day))).reset_index(),
    )


def _family(name: str, fitted: Fitted, weights: dict[str, float]) -> dict[str, Any]:
    posterior, left_out = fitted.posteriors[name], fitted.left_out[name]
    return {
        "family": name,
        "description": LATENCIES[name].description,
        "weight": weights.get(name, 0.0),
        "stacking": fitted.stacked[name],
        "elpd_loo": float(left_out.elpd.mean()),
        "episodes": len(left_out.elpd),
        "pareto_k_max": float(np.max(left_out.pareto_k)),
        "pareto_k_limit": good_k(len(posterior.raw)),
        "refitted": left_out.refitted,
        **posterior.diagnostics.as_json(),
    }
