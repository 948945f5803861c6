"""``forecast explain``: what it prints, and one clear line for each mistake."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.model.explain import ORDER

DAY = "2026-11-25"
WONDER = "meta-muse-wonder-1.0"
KEYS = [
    "episode",
    "as_of",
    "target",
    "status",
    "closed_on",
    "horizon_days",
    "order",
    "steps",
    "prob",
    "similar",
    "follow_up",
    "model",
    "seed",
    "data_sha256",
]


@pytest.fixture
def unfitted(no_fits: Callable[..., None]) -> None:
    """Draws from the prior where a fit would be."""
    no_fits(30, "log_logistic")


# --- Mistakes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([WONDER, "--horizon", "0"], "a horizon of 0 days: must be from 1 to 3650"),
        ([WONDER, "--horizon", "3651"], "a horizon of 3651 days: must be from 1 to 3650"),
        (["meta-muse-wander-1.0"], "did you mean meta-muse-wonder-1.0"),
        (["zzzz"], "'forecast questions' lists them"),
        (["sun-staroffice"], "sun-staroffice is no AI model"),
        (["openai-gpt-5", "--as-of", "2999-01-01"], "is in the future"),
        (["openai-gpt-5", "--as-of", "2020-01-01"], "none of its members was known on 2020-01-01"),
        (["openai-gpt-5", "--as-of", "yesterday"], "must be a day, YYYY-MM-DD"),
        (["muse-any", "--target", "full"], "question muse-any has target any"),
        ([WONDER, "--seed", "-1"], "--seed -1: must be 0 or more"),
        ([WONDER, "--home", "/nowhere"], "no data/episodes.csv in /nowhere"),
    ],
)
def test_a_mistake_is_one_clear_line(run: Callable[..., Any], words: list[str], line: str) -> None:
    ran = run("explain", *words)
    assert (ran.code, ran.out) == (1, "")
    assert line in ran.err
    assert ran.err.count("\n") == 1
    if "--horizon" not in words:
        assert run("predict", *words).err == ran.err


def test_an_episode_must_be_named(run: Callable[..., Any]) -> None:
    ran = run("explain")
    assert (ran.code, ran.out) == (2, "")
    assert "EPISODE" in ran.err
    assert "Traceback" not in ran.err


# --- What it prints ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unfitted")
def test_the_json_has_the_steps_and_the_similar_episodes(run: Callable[..., Any]) -> None:
    found = json.loads(run("explain", WONDER, "--as-of", DAY, "--horizon", "90", "--json").out)
    assert list(found) == KEYS
    assert (found["episode"], found["as_of"], found["target"], found["horizon_days"]) == (WONDER, DAY, "any", 90)
    assert found["order"] == [step["step"] for step in found["steps"]] == list(ORDER)
    assert all(list(step) == ["step", "value", "prob", "change"] for step in found["steps"])
    assert found["steps"][0]["prob"] + sum(s["change"] for s in found["steps"]) == pytest.approx(found["prob"])
    told = json.loads(run("predict", WONDER, "--as-of", DAY, "--json").out)
    assert found["prob"] == told["p_open_within"]["90"]
    assert [found[k] for k in ("status", "seed", "data_sha256")] == [told[k] for k in ("status", "seed", "data_sha256")]
    assert len(found["similar"]) == 5
    assert list(found["similar"][0]) == ["episode_id", "model", "closed_on", "promise", "outcome", "days", "distance"]
    assert found["similar"][0]["episode_id"] == "meta-muse-ember-1.0"
    assert WONDER not in [one["episode_id"] for one in found["similar"]]


@pytest.mark.usefixtures("unfitted")
def test_the_page_says_what_raises_and_what_lowers(run: Callable[..., Any]) -> None:
    page = run("explain", WONDER, "--as-of", DAY).out
    assert "P(open within 365 days)" in page
    rows = {line.split("  ")[0]: line for line in page.splitlines()}
    assert list(rows).index("base rate") < list(rows).index("first known by an API") < list(rows).index("organisation")
    assert "about 24 days, to 2026-11-09" in rows["closed so far"]
    assert "16 days" in rows["since the last check"]
    assert all(("raises" in rows[r]) != ("lowers" in rows[r]) for r in ("first known by an API", "closed so far"))
    assert rows["promise"].split()[1:] == ["none", *rows["promise"].split()[2:5], "no", "change"]
    assert "debut 2026-10-26 (some day from 2026-10-01 to 2026-10-31)" in page
    assert "2026-10-26 (1.65)" in rows["debut, per two years after July 2023"]
    assert "a start-up" not in rows
    assert "so without effect: first known by a paper; " in page
    assert "meta-muse-spark-1.3" in page
    assert "closed for 68 days" in page


@pytest.mark.usefixtures("unfitted")
@pytest.mark.parametrize(
    ("words", "episode", "as_of", "status"),
    [
        (["xai-grok-2", "--as-of", DAY], "xai-grok-2", "2024-08-13", "resolved (hindcast)"),
        (["muse-any", "--as-of", DAY], "muse-any", "2026-04-06", "resolved (hindcast)"),
        (["google-gemini", "--as-of", "2026-06-01"], "google-gemini", "2026-06-01", "closed (hindcast)"),
    ],
)
def test_whatever_predict_answers_can_be_explained(
    run: Callable[..., Any], words: list[str], episode: str, as_of: str, status: str
) -> None:
    """An opened episode as of its debut, a question with a stub as of its asking, a family as one."""
    found = json.loads(run("explain", *words, "--json").out)
    assert (found["episode"], found["as_of"], found["status"]) == (episode, as_of, status)
    assert found["prob"] == json.loads(run("predict", *words, "--json").out)["p_open_within"]["365"]
    assert all(one["closed_on"] <= as_of for one in found["similar"])
    assert "HINDCAST" in run("explain", *words).out


@pytest.mark.slow
def test_a_real_fit_is_explained_to_its_last_digit(run: Callable[..., Any], cache: Path) -> None:
    words = [WONDER, "--as-of", DAY, "--latency", "weibull"]
    found = json.loads(run("explain", *words, "--json").out)
    told = json.loads(run("predict", *words, "--json").out)
    assert found["prob"] == pytest.approx(told["p_open_within"]["365"], abs=1e-12)
    total = found["steps"][0]["prob"] + sum(step["change"] for step in found["steps"])
    assert total == pytest.approx(found["prob"], abs=1e-9)
    assert f"{100 * found['prob']:.1f} %" in run("explain", *words).out
