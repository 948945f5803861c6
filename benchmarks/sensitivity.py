"""How the answers move when what the model sees, or assumes, is another: ``python -m benchmarks.sensitivity``.

Every variant is a full fit. Writes ``results/sensitivity.csv`` and, beside it, the hashes of its inputs.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from forecast.model.ensemble import AVERAGE
from forecast.model.fit import Settings, ensemble_for
from forecast.model.predict import model_forecasts
from forecast.record.answers import Desk
from forecast.record.evidence import cohort_members
from forecast.record.questions import Question
from forecast.record.subjects import subject_row
from forecast.tables.episodes import FollowUp
from forecast.tables.hashes import input_hashes

AS_OF = dt.date(2026, 11, 25)
QUESTIONS = ("muse-any", "meta-muse-wonder-1.0", "meta-llama-4-behemoth", "xai-grok-3")

Change = Callable[[pd.DataFrame, Desk], pd.DataFrame]


@dataclass(frozen=True)
class Variant:
    """One thing that is other than usual."""

    description: str
    follow_up: FollowUp = "silence"
    latency: str = AVERAGE
    rows: Change = lambda view, _: view
    programs: bool = False


def unpromised(view: pd.DataFrame, _: Desk) -> pd.DataFrame:
    """No promise was ever made."""
    nothing = pd.Series([[] for _ in range(len(view))], index=view.index, dtype=object)
    return view.assign(statements=nothing, family_statements=nothing, promise="none")


def usable(view: pd.DataFrame, _: Desk) -> pd.DataFrame:
    """Rows that could be used from their debut."""
    return view[view.closed_how.isin(["app", "api"])].reset_index(drop=True)


def cohorts(view: pd.DataFrame, desk: Desk) -> pd.DataFrame:
    """Rows of dated catalogues, which nobody picked."""
    return view[view.episode_id.isin(cohort_members(desk.home).episode_id)].reset_index(drop=True)


VARIANTS = {
    "as it is": Variant("the model of the README"),
    "evidence": Variant("silence ends where the writing ends", follow_up="evidence"),
    "programs": Variant("programs and games inform the timing", programs=True),
    "app or API": Variant("rows that could be used from their debut alone", rows=usable),
    "cohorts": Variant("rows of two dated catalogues alone", rows=cohorts),
    "no promises": Variant("without any promise, in fit and forecast", rows=unpromised),
    "log-logistic": Variant("one family with a heavier tail", latency="log_logistic"),
}


def answers(name: str, variant: Variant, desk: Desk) -> list[dict[str, object]]:
    """What a variant says to every question."""
    return [_answer(name, variant, desk, desk.question(q)) for q in QUESTIONS]


def _answer(name: str, variant: Variant, desk: Desk, question: Question) -> dict[str, object]:
    day = question.asked_on if question.id.startswith("muse") else AS_OF
    view = desk.views.on(day, question.unit)
    narrowed = variant.rows(view, desk)
    narrowed.attrs = view.attrs
    row = subject_row(question, desk.views, day)
    if variant.rows is unpromised:
        row = unpromised(row, desk)
    row.attrs = view.attrs
    about: dict[str, object] = {"variant": name, "description": variant.description, "question": question.id}
    if question.unit == "family" and variant.rows is cohorts:
        return about | {"note": "a cohort has no families"}
    ensemble = ensemble_for(narrowed, question.target, desk.priors, desk.settings)
    forecast = next(model_forecasts(ensemble, narrowed, question.target, row))
    found = {
        **{f"p_{word}": p for word, p in forecast.words(question.asked_on).items()},
        "p_open_365": float(forecast.prob_by(365)),
        "p_never_structural": forecast.p_never_structural,
        "segments": ensemble.first.rows,
        "openings": ensemble.first.opened,
        "note": "",
    }
    return about | found


def main() -> None:
    """Fit every variant, write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("results/sensitivity.csv"))
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    chosen = parser.parse_args()
    rows: list[dict[str, object]] = []
    for name in chosen.variants:
        variant = VARIANTS[name]
        desk = Desk(follow_up=variant.follow_up, settings=Settings(latency=variant.latency), today=AS_OF)
        desk.priors.programs = variant.programs
        rows += answers(name, variant, desk)
    table = pd.DataFrame(rows)
    table.round(4).to_csv(chosen.out, index=False, lineterminator="\n")
    stamp = {"as_of": AS_OF.isoformat(), "inputs": input_hashes(desk.home)}
    chosen.out.with_suffix(".json").write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
    print(table.drop(columns="description").round(3).to_string(index=False))


if __name__ == "__main__":
    main()
