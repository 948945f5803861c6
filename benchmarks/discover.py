"""How well does ``forecast discover`` find news that was planted? ``python -m benchmarks.discover [--seeds N]``.

In the real catalogue of a day, seed by seed: weights of models that the table calls closed turn open, under names and
providers drawn at random, with one provider that dissents; models that the table lacks appear. Beside them stand
decoys: a later version and another variant of a closed model, open, and a setting of a known model, closed. What the
catalogue says anyway, without anything planted, is taken off.
"""

from __future__ import annotations

import argparse
import copy
import csv
import datetime as dt
import gzip
import json
import random
import re
import shutil
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forecast.tables.candidates import Candidate, Found, Support, discover
from forecast.tables.catalogue import Catalogue, read_catalogue

ROOT = Path(__file__).resolve().parents[1]
#: Days of the two copies.
DAY, LATER = dt.date(2026, 6, 14), dt.date(2026, 7, 1)
FILE = ROOT / "tests" / "catalogue" / f"models.dev-api-{DAY}.json.gz"
COHORT = "models-dev-2026-06"
#: Planted of each kind: turned weights of catalogued models, of uncatalogued ones, debuts, decoys of either kind.
CATALOGUED, UNCATALOGUED, DEBUTS, DECOYS = 15, 15, 20, 15

#: What providers put before a maker's models, by organisation.
PREFIXES = {
    "Alibaba": ("qwen", "Qwen", "alibaba"),
    "Anthropic": ("anthropic", "~anthropic"),
    "Google DeepMind": ("google",),
    "Mistral AI": ("mistralai", "mistral"),
    "Moonshot AI": ("moonshotai",),
    "OpenAI": ("openai",),
    "xAI": ("x-ai", "xai"),
    "Zhipu AI": ("z-ai", "zai-org", "zhipuai"),
}
#: Providers that list what others make.
SELLERS = ("kilo", "nano-gpt", "openrouter", "poe", "venice", "vercel", "zenmux", "aihubmix", "novita-ai", "requesty")
ENDINGS = (
    "",
    "",
    "",
    "-preview",
    "-fp8",
    "-FP8",
    ":free",
    "-20260601",
    "-2026-06-01",
    "-tee",
    "-instruct",
    ":thinking",
)
BEFORE = ("", "openrouter/", "accounts/fireworks/models/", "hf:", "TEE/")

SUPPORTS: tuple[Support, ...] = ("strong", "weak")

Raw = dict[str, Any]


@dataclass
class Planted:
    """A catalogue with news, and where it is.

    Attributes
    ----------
    raw : dict
        The catalogue.
    flips : dict
        Episode -> True where it is in the catalogue anyway.
    debuts : dict
        Model -> its (provider, id) pairs.
    """

    raw: Raw
    flips: dict[str, bool] = field(default_factory=dict)
    debuts: dict[str, set[tuple[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Score:
    """Hits of one kind in one seed."""

    planted: int
    found: int
    strong: int
    wrong: int

    @property
    def recall(self) -> float:
        """Share of what was planted that was found."""
        return self.found / self.planted

    @property
    def precision(self) -> float:
        """Share of what was found that was planted."""
        return self.found / (self.found + self.wrong) if self.found + self.wrong else 1.0


def raw_catalogue() -> Raw:
    """The real catalogue of the day."""
    found: Raw = json.loads(gzip.decompress(FILE.read_bytes()))
    return found


def as_catalogue(raw: Raw) -> Catalogue:
    """A catalogue as ``forecast discover`` reads it."""
    return read_catalogue(json.dumps(raw).encode(), f"api-{DAY}.json", DAY)


def alias(name: str, organization: str, rng: random.Random) -> str:
    """A model's name as some provider may write it: other gaps, order, case, prefix, ending; now and then a slip."""
    bare = re.sub(r"\s*\(.*?\)", "", name).strip()
    if rng.random() < 0.2:  # Claude Opus 4.5, Claude 4.5 Opus
        bare = re.sub(r"([ -])([A-Za-z]{3,})([ -])(\d[\d.]*)$", r"\1\4\3\2", bare)
    if rng.random() < 0.15:  # GLM-5.1, GLM5.1
        bare = re.sub(r"(?<=[A-Za-z]{2})[ -](?=\d)", "", bare, count=1)
    if rng.random() < 0.08:
        at = rng.choice([found.start() for found in re.finditer(r"[A-Za-z]", bare)])
        bare = f"{bare[:at]}{bare[at]}{bare[at:]}"
    bare = re.sub(r"\s+", rng.choice("-_-"), bare)
    bare = re.sub(r"(?<=\d)\.(?=\d)", rng.choice((".", ".", "-", "p")), bare)
    bare = rng.choice((bare, bare.lower(), bare.lower())) + rng.choice(ENDINGS)
    if rng.random() < 0.2:
        return bare
    maker = rng.choice(PREFIXES.get(organization, (re.sub(r"[^a-z0-9]+", "-", organization.lower()).strip("-"),)))
    return f"{rng.choice(BEFORE)}{maker}/{bare}"


def listing(raw: Raw, provider: str, entry: str, name: str, is_open: bool) -> None:
    """Let a provider list a model."""
    like: Raw = next(iter(raw["openrouter"]["models"].values()))
    own = {
        "id": entry,
        "name": name,
        "open_weights": is_open,
        "release_date": "2026-05-20",
        "last_updated": "2026-05-20",
    }
    raw[provider]["models"][entry] = {**like, **own}


def plant(raw: Raw, data: Path, seed: int) -> tuple[Planted, set[str]]:
    """Plant news and decoys; also the episodes that the table must forget so that they are news.

    Which model a catalogued name means is looked up in the cohort, where people matched it by hand.
    """
    rng, news = random.Random(seed), Planted(copy.deepcopy(raw))
    episodes = {row["episode_id"]: row for row in _rows(data / "episodes.csv")}
    closed = {i for i, row in episodes.items() if _closed(row)}
    entries: dict[str, list[str]] = {}
    for row in _rows(data / "cohorts.csv"):
        if row["cohort"] == COHORT and row["listed"] == "closed" and row["episode_id"] and "latest" not in row["entry"]:
            entries.setdefault(row["episode_id"], []).append(row["entry"].split("/")[-1])
    says = [(m["id"].split("/")[-1].lower(), m["open_weights"]) for p in raw.values() for m in p["models"].values()]
    bare = {name for name, _ in says} - {name for name, is_open in says if is_open}
    catalogued = sorted(i for i in closed & set(entries) if set(map(str.lower, entries[i])) <= bare)
    others = sorted(i for i in closed - set(entries) if _listable(episodes[i]))
    recent = sorted(i for i in catalogued if episodes[i]["closed_on"] >= "2026-01-01")
    debuts = set(rng.sample(recent, DEBUTS))
    turned = rng.sample(sorted(set(catalogued) - debuts), CATALOGUED)
    for episode_id in turned:
        _turn(news, episodes[episode_id], entries[episode_id], rng)
    fresh = rng.sample(others, UNCATALOGUED)
    for episode_id in fresh:
        row = episodes[episode_id]
        for n, provider in enumerate(rng.sample(SELLERS, 3)):
            entry = alias(row["model"], row["organization"], rng)
            listing(news.raw, provider, entry, row["model"], is_open=n < 2)
        news.flips[episode_id] = False
    for episode_id in sorted(debuts):
        _debut(news, episodes[episode_id], entries[episode_id], rng)
    taken = {re.sub(r"\s*\(.*?\)", "", row["model"]).lower() for row in episodes.values()}
    free = sorted(set(catalogued) - debuts - set(turned))
    for episode_id in rng.sample(free, DECOYS):
        _decoys(news.raw, episodes[episode_id], taken, rng)
    return news, debuts


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def _closed(row: dict[str, str]) -> bool:
    """Closed on the day, and so throughout: nothing turned then that could be found without being planted."""
    debuted = row["domain"] == "ai_model" and row["closed_on"] < DAY.isoformat() and row["closed_precision"] == "day"
    return debuted and row["outcome"] == "still_closed"


def _listable(row: dict[str, str]) -> bool:
    """A model that a catalogue of models on sale may list, with a name of its own."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9.\- ]+", re.sub(r"\s*\(.*?\)", "", row["model"]).strip())
    named = bool(plain) and not re.search(r"\band\b", row["model"]) and bool(re.search(r"\d", row["model"]))
    return (
        named
        and row["closed_on"] >= "2024-01-01"
        and row["modality"] in ("text", "multimodal", "code", "image", "video")
    )


def _turn(news: Planted, row: dict[str, str], names: list[str], rng: random.Random) -> None:
    """Let all entries of a catalogued model turn, but one; some providers call it something else."""
    wanted = {name.lower() for name in names}
    hits = [
        (provider, entry)
        for provider, content in news.raw.items()
        for entry in content["models"]
        if entry.split("/")[-1].lower() in wanted
    ]
    stays = rng.choice(hits) if len(hits) > 1 else None
    for provider, entry in hits:
        model = news.raw[provider]["models"].pop(entry)
        model["open_weights"] = (provider, entry) != stays
        if provider in SELLERS and rng.random() < 0.5:
            entry = alias(entry.split("/")[-1], row["organization"], rng)
        news.raw[provider]["models"][entry] = {**model, "id": entry}
    news.flips[row["episode_id"]] = True


def _debut(news: Planted, row: dict[str, str], names: list[str], rng: random.Random) -> None:
    """Let a model that the table has forgotten appear under other names besides, and let one provider call it open."""
    wanted = {name.lower() for name in names}
    found = {
        (provider, entry)
        for provider, content in news.raw.items()
        for entry in content["models"]
        if entry.split("/")[-1].lower() in wanted
    }
    for n, provider in enumerate(rng.sample(SELLERS, 3)):
        entry = alias(rng.choice(names), row["organization"], rng)
        listing(news.raw, provider, entry, row["model"], is_open=n == 0 and len(found) > 2)
        found.add((provider, entry))
    news.debuts[row["episode_id"]] = found


def _decoys(raw: Raw, row: dict[str, str], taken: set[str], rng: random.Random) -> None:
    """Open models that are almost a closed one, and a closed setting of it."""
    name = re.sub(r"\s*\(.*?\)", "", row["model"]).strip()

    def sell(model: str, is_open: bool) -> None:
        if model.lower() not in taken:
            listing(raw, rng.choice(SELLERS), alias(model, row["organization"], rng), model, is_open)

    numbers = list(re.finditer(r"\d+", name))
    if numbers:
        last = numbers[-1]
        sell(f"{name[: last.start()]}{int(last[0]) + 3}{name[last.end() :]}", is_open=True)
    sell(f"{name} {rng.choice([v for v in ('Nano', 'Air', 'Guard') if v.lower() not in name.lower()])}", is_open=True)
    sell(f"{name} {rng.choice(('Thinking', 'Fast', 'Highspeed'))}", is_open=False)


def forgetful(data: Path, folder: Path, forgotten: set[str]) -> Path:
    """A copy of the tables without some episodes."""
    shutil.copytree(data, folder, ignore=shutil.ignore_patterns("ledger", "catalogue"))
    for file in folder.glob("*.csv"):
        rows = _rows(file)
        if rows and "episode_id" in rows[0]:
            with file.open("w", encoding="utf-8", newline="") as opened:
                writer = csv.DictWriter(opened, list(rows[0]))
                writer.writeheader()
                writer.writerows(row for row in rows if row["episode_id"] not in forgotten)
    return folder


def measure(seed: int, data: Path, base: Found) -> dict[str, Score]:
    """Precision and recall of one seed, by kind; "flips" also by whether the catalogue had the model."""
    news, forgotten = plant(raw_catalogue(), data, seed)
    with tempfile.TemporaryDirectory() as folder:
        found = discover(forgetful(data, Path(folder) / "data", forgotten), [as_catalogue(news.raw)], DAY)
    return {
        "opened, in the catalogue before": _flips(news, found, base, True),
        "opened, new to the catalogue": _flips(news, found, base, False),
        "debut": _debuts(news, found, base),
    }


def _flips(news: Planted, found: Found, base: Found, catalogued: bool) -> Score:
    """Openings of planted weights; those that the catalogue claims anyway count neither way."""
    anyway = {c.episode_id for c in base.of("opened")}
    planted = {i for i, known in news.flips.items() if known == catalogued} - anyway
    hits = [c for c in found.of("opened") if c.episode_id in planted]
    wrong = [c for c in found.of("opened") if c.episode_id not in {*news.flips, *anyway}]
    return Score(len(planted), len(hits), sum(c.support == "strong" for c in hits), len(wrong))


def _debuts(news: Planted, found: Found, base: Found) -> Score:
    """A debut is found once; the same one under a second candidate is wrong."""
    anyway = {pair for c in base.of("debut") for pair in _pairs(c)}
    seen: dict[str, str] = {}
    wrong = 0
    for c in found.of("debut"):
        model = next((m for m, pairs in news.debuts.items() if pairs & _pairs(c)), None)
        if model and model not in seen:
            seen[model] = c.support
        elif model or not _pairs(c) & anyway:
            wrong += 1
    return Score(len(news.debuts), len(seen), sum(s == "strong" for s in seen.values()), wrong)


def _pairs(candidate: Candidate) -> set[tuple[str, str]]:
    return {(x.provider, x.entry) for x in candidate.evidence}


def real_copies() -> list[Catalogue]:
    """The real copies of both days."""
    files = [FILE.with_name(f"models.dev-api-{day}.json.gz") for day in (DAY, LATER)]
    return [read_catalogue(gzip.decompress(file.read_bytes()), file.name, LATER) for file in files]


def came(data: Path, then: Found, afterwards: Found) -> set[str]:
    """Openings between the days of two looks at the same copies that the later copy lists: no others can be found."""
    listed = {c.episode_id for c in afterwards.of("open already")} - {c.episode_id for c in then.of("open already")}
    days = {row["episode_id"]: row["outcome_on"] for row in _rows(data / "episodes.csv")}
    return {i for i in listed if then.as_of.isoformat() < days[i] <= afterwards.as_of.isoformat()}


def main() -> None:
    """Print Markdown tables: planted news over seeds, and real copies of two days."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    seeds, data = parser.parse_args().seeds, ROOT / "data"
    base = discover(data, [as_catalogue(raw_catalogue())], DAY)
    scores = [measure(seed, data, base) for seed in range(seeds)]
    print(f"models.dev by provider as of {DAY}, {seeds} seeds: mean, and the worst seed in brackets\n")
    print("| planted | a seed | recall | of it strong | precision |\n|---|---|---|---|---|")
    for kind in scores[0]:
        own = [score[kind] for score in scores]
        strong = statistics.fmean(s.strong / s.found for s in own if s.found)
        rates = [[getattr(s, name) for s in own] for name in ("recall", "precision")]
        recall, precision = (f"{statistics.fmean(r):.3f} ({min(r):.3f})" for r in rates)
        print(f"| {kind} | {statistics.fmean(s.planted for s in own):.0f} | {recall} | {strong:.2f} | {precision} |")
    then, afterwards = (discover(data, real_copies(), day) for day in (DAY, LATER))
    opened = came(data, then, afterwards)
    print(f"\nReal copies of {DAY} and {LATER} against the table as of {DAY}\n")
    print("| openings suggested | number | of them came by then | of what came |\n|---|---|---|---|")
    for support in SUPPORTS:
        found = {c.episode_id for c in then.of("opened", support)}
        print(f"| {support} | {len(found)} | {len(found & opened)} | {len(opened)} |")


if __name__ == "__main__":
    main()
