"""Which names mean the same model, and how surely.

Letters may differ a little, numbers never: GLM-5.1 is not GLM-5.2, and a mini is not a pro.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal, NamedTuple

from rapidfuzz import fuzz

from forecast.tables.forms import Form
from forecast.tables.makers import ALL_LINES

#: How sure a match is, best first. exact: the same form; unsized: it leaves the size out; fuzzy: the words are spelt
#: almost alike; sized: one size of it; snapshot: a dated version; setting: run in another way (thinking, fast, chat).
Level = Literal["exact", "unsized", "fuzzy", "sized", "snapshot", "setting"]
LEVELS: tuple[Level, ...] = ("exact", "unsized", "fuzzy", "sized", "snapshot", "setting")
#: Levels that speak of the very weights of an episode.
SAME_WEIGHTS: frozenset[Level] = frozenset({"exact", "unsized", "fuzzy"})
#: Least similarity (0 to 100) of each word of two names whose numbers and variants are equal, and its least length:
#: what is shorter is alike by chance (ray, gray).
LEAST_SCORE, LEAST_LENGTH = 85.0, 4


class Match(NamedTuple):
    """How two names agree."""

    level: Level
    score: float


def compare(named: Form, known: Form) -> Match | None:
    """Say whether a name may mean a known model, and how surely; None where numbers or variants differ."""
    if named.guard != known.guard or named.pointer or not known.settings <= named.settings:
        return None
    if not _compatible(named, known):
        return None
    score = likeness(named.words, known.words)
    if score < LEAST_SCORE:
        return None
    if named.settings != known.settings:
        return Match("setting", score)
    if named.stamps != known.stamps:
        return Match("snapshot", score)
    if named.sizes - known.sizes:
        return Match("sized", score)
    if score < 100:
        return Match("fuzzy", score)
    return Match("exact" if named.sizes == known.sizes else "unsized", score)


def likeness(named: frozenset[str], known: frozenset[str]) -> float:
    """How alike two names' words are, 0 to 100: that of the least alike pair; 100 where only the gaps differ."""
    if "".join(sorted(named)) == "".join(sorted(known)):
        return 100.0
    lines = named & ALL_LINES, known & ALL_LINES
    if len(named) != len(known) or (all(lines) and lines[0] != lines[1]):
        return 0.0  # Magistral and Mistral are alike, too
    own, other = named - known, known - named
    if min(map(len, own | other)) < LEAST_LENGTH:
        return 0.0
    return min(max(fuzz.ratio(word, found) for found in other) for word in own)


def _compatible(named: Form, known: Form) -> bool:
    """Sizes and stamps may be missing, but not contradict each other."""
    if named.sizes and known.sizes and named.sizes != known.sizes:
        return False
    if named.sizes != known.sizes and not (known.versions or known.variants or len(known.words) > 1):
        return False  # "Qwen" could be any of them
    if named.stamps != known.stamps:
        return bool(named.stamps) and not known.stamps and bool(known.versions)
    return True


#: Variants and versions: what must be equal.
_Guard = tuple[frozenset[str], tuple[str, ...]]


class NameIndex[Target]:
    """Known models by maker and form."""

    def __init__(self, known: Iterable[tuple[str, Form, Target]]) -> None:
        """Sort the known names by what must be equal, and by maker."""
        self._shelves: dict[_Guard, dict[str, dict[Form, list[Target]]]] = defaultdict(lambda: defaultdict(dict))
        self._of_maker: dict[str, dict[Form, list[Target]]] = defaultdict(dict)
        for maker, form, target in known:
            if not form.pointer and (form.words or form.versions):
                for shelf in (self._shelves[form.guard][maker], self._of_maker[maker]):
                    shelf.setdefault(form, []).append(target)

    def find(self, maker: str, forms: Iterable[Form]) -> tuple[Target, Match] | None:
        """The known model that one of the forms names best, with how surely; the first of equals."""
        best: tuple[tuple[int, float], Target, Match] | None = None
        for form in forms:
            for known, targets in self._shelves.get(form.guard, {}).get(maker, {}).items():
                match = compare(form, known)
                if match:
                    rank = (LEVELS.index(match.level), -match.score)
                    if best is None or rank < best[0]:
                        best = rank, targets[0], match
        return best[1:] if best else None

    def find_anywhere(self, forms: Iterable[Form]) -> tuple[Target, Match] | None:
        """The one known model of any maker with exactly one of the forms; a name without a number is none."""
        found = {
            maker: shelf[form][0]
            for form in forms
            if form.words and form.versions
            for maker, shelf in self._shelves.get(form.guard, {}).items()
            if form in shelf
        }
        return (next(iter(found.values())), Match("exact", 100.0)) if len(found) == 1 else None

    def near(self, maker: str, form: Form) -> list[Target]:
        """Known models of the maker with the same words and numbers, though other variants."""
        return [
            target
            for known, targets in self._of_maker.get(maker, {}).items()
            if (known.words, known.versions) == (form.words, form.versions)
            and (len(form.versions) > 1 or known.variants & form.variants)
            for target in targets
        ]
