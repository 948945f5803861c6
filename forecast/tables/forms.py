"""The normal form of a model's name: what it is called, its numbers, its variant, and how it is run.

``openrouter/z-ai/GLM_5p1-FP8:free`` and ``GLM-5.1`` have the same form; GLM-5.2 and GLM-5.1-Air have others.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from forecast.tables.makers import line_words, slug_words


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Words about packaging: they change no weights.
_PACKAGING = _set(
    "4bit 6bit 8bit api awq beta bf16 default exp fp16 fp4 fp8 free ga generate gguf gptq hf hosted instruct int4 int8 "
    "it latest maas model mxfp4 nvfp4 preview tee the tiered"
)
#: Ways of running one model.
_SETTINGS = _set(
    "adaptive agent chat cheaper customtools fast flex high highspeed i2v lightning low minimal multi non "
    "nonreasoning nothinking original r2v reasoner reasoning short t2i t2v think thinking throughput xhigh"
)
#: Makers that sell one model with more computing under another name.
_MAKERS_SETTINGS = {"OpenAI": _set("pro")}
#: Words that make another model of the same line.
_VARIANTS = _set(
    "air audio base build canvas cascade code coder codex coding command deep deepresearch distill distilled dpo edit "
    "embed embedding embeddings experimental fable flash flashx guard haiku image images imagine instant large light "
    "lite live max medium micro mini moderation music nano native ocr omni opus plus premier pro quality realtime reel "
    "rerank research safeguard safety scout search small sonnet spark speech super tiny transcribe translate tts turbo "
    "turbos ultra v video vision vl voice world xl xs"
)
#: Variants that are written without a gap, as in HunyuanImage.
_GLUED = tuple(sorted(word for word in _VARIANTS if len(word) > 3))
#: Variants that are not a maker's most capable model.
SMALL = _set("air flash flashx haiku light lite micro mini nano scout small spark tiny")

_DATES = (
    r"(?<!\d)20[12]\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])(?!\d)",
    r"(?<!\d)(?:0[1-9]|1[0-2])-20[12]\d(?!\d)",
    r"(?<!\d)2[3-9](?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)",
    r"(?<=[a-z]-)(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$",
)
_STAMP = r"(?<![\d.])(2[3-9]\.?(?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?![\d.a-z])"
_SIZE = r"(?<![a-z0-9.])([ae]?\d+(?:\.\d+)?(?:x\d+(?:\.\d+)?)?[bmt])(?![a-z0-9])"


@dataclass(frozen=True)
class Form:
    """The normal form of a name.

    Attributes
    ----------
    words : frozenset of str
        What the line is called.
    variants : frozenset of str
        Mini, pro, flash ...: other models of the line.
    versions : tuple of str
        Numbers, in order, without trailing ``.0``.
    sizes, stamps : frozenset of str
        Parameters; a month or day in four digits, which some makers use for versions.
    settings : frozenset of str
        Ways of running it.
    pointer : bool
        "latest" without a version: it names no model for long.
    """

    words: frozenset[str]
    variants: frozenset[str]
    versions: tuple[str, ...]
    sizes: frozenset[str] = frozenset()
    stamps: frozenset[str] = frozenset()
    settings: frozenset[str] = frozenset()
    pointer: bool = False

    @property
    def guard(self) -> tuple[frozenset[str], tuple[str, ...]]:
        """What must be equal, never alike."""
        return self.variants, self.versions

    @property
    def digits(self) -> str:
        """All version digits in a row."""
        return "".join(re.findall(r"\d", "".join(self.versions)))


@lru_cache(maxsize=1 << 15)
def form_of(text: str, maker: str = "") -> Form:
    """Bring a name to its normal form.

    Parameters
    ----------
    text : str
        Name or id, without what stands before it (:func:`forecast.tables.makers.maker_of`).
    maker : str
        Its maker's key: words that only name the maker are dropped.
    """
    text = unicodedata.normalize("NFKC", text).lower().replace("_", "-").replace("+", " plus ")
    text = re.sub(r"-v\d+:\d.*$", "", text)  # a cloud's revision, not the maker's version
    text = re.split(r"[:@]", text)[0]
    for date in _DATES:
        text = re.sub(date, " ", text)
    stamps = frozenset(stamp.replace(".", "") for stamp in re.findall(_STAMP, text))
    text = re.sub(_STAMP, " ", text)
    sizes = frozenset(re.findall(_SIZE, text))
    text = re.sub(_SIZE, " ", text)
    words, versions = _tokens(text)
    ways = _SETTINGS | _MAKERS_SETTINGS.get(maker, frozenset())
    settings = frozenset(word for word in words if word in ways or re.fullmatch(r"\d+k", word))
    variants = (words & _VARIANTS) - settings
    pointer = "latest" in words and not versions
    words -= settings | variants | _PACKAGING
    return Form(_without_brand(words, maker), variants, versions, sizes, stamps, settings, pointer)


def _tokens(text: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Words and version numbers of a name; a length of context (128k) stays a word."""
    text = re.sub(r"(?<=\d)p(?=\d)", ".", text)  # some ids write 5p1 for 5.1
    text = re.sub(r"(?<![a-z0-9])([a-z])[-. ](?=\d{1,2}(?!\d))", r"\1", text)  # M.1, R-1: one token
    words: list[str] = []
    versions: list[str] = []
    for token in re.findall(r"[a-z0-9]+", text):
        if token in _PACKAGING or re.fullmatch(r"\d+k", token):
            words.append(token)
            continue
        token = re.sub(r"^v(?=\d)", "", token)
        glued = re.fullmatch(r"([a-z]{2,})(\d\w*)", token)
        for part in glued.groups() if glued else (token,):
            if not part[0].isdigit() and not re.fullmatch(r"[a-z]\d+", part):
                words += _split_variant(part)
            elif part.lstrip("0") or not versions:
                versions.append(part.lstrip("0") or "0")
    if len(versions) > 1 and re.search(r"[-.]00\d\s*$", text):  # a revision (-001), not a version
        versions.pop()
    return frozenset(words), tuple(versions)


def _split_variant(word: str) -> tuple[str, ...]:
    """``hunyuanimage`` is ``hunyuan image``."""
    if len(word) > 7 and word.endswith(_GLUED):
        variant = next(v for v in _GLUED if word.endswith(v))
        if len(word) > len(variant) + 3:
            return word.removesuffix(variant), variant
    return (word,)


def _without_brand(words: frozenset[str], maker: str) -> frozenset[str]:
    """Drop the maker's own name; a line that is called like its maker goes where another line is named."""
    own, lines = slug_words(maker), line_words(maker)
    lean = words - (own - lines) or words
    return lean - own if lean & (lines - own) else lean


def entry_forms(bare: str, name: str, maker: str) -> tuple[Form, ...]:
    """Forms of a catalogue's entry: of its id, and of its display name where that contradicts no number of the id."""
    of_id = form_of(bare, maker)
    shown = re.sub(r"\((?:[^)]*)\)|^[^:]{2,30}:\s", " ", name)
    of_name = form_of(shown, maker)
    if of_id.pointer or not of_name.words or of_name == of_id:
        return (of_id,)
    if of_id.versions:  # a name may spell the id's numbers (gpt-53 is GPT-5.3), not bring others
        agree = of_id.digits == of_name.digits and of_id.variants == of_name.variants
    else:
        agree = bool(of_name.versions) and of_id.variants <= of_name.variants
    return (of_id, of_name) if agree and (of_name.versions or of_id.stamps == of_name.stamps) else (of_id,)


@lru_cache(maxsize=1 << 12)
def model_forms(model: str, maker: str) -> tuple[Form, ...]:
    """Forms of a model as the episodes name it: ``A / B``, ``A and B``, ``A (x, y)`` are several."""
    base, inside = re.match(r"([^(]*)\s*(?:\(([^)]*)\))?", model).groups("")  # type: ignore[union-attr]
    parts = [part for part in re.split(r"\s+/\s+|\s+and\s+", base.strip()) if part] or [model]
    head = parts[0].split()[0]
    texts = [parts[0], *(text for part in parts[1:] for text in (part, f"{head} {part}"))]
    listed = [item.strip() for item in re.split(r"[,/]", inside) if item.strip()]
    if listed and all(re.fullmatch(r"\d{4}|[A-Za-z]+", item) for item in listed):
        few = len(listed) > 1 or listed[0].isdigit() or listed[0].lower() in _VARIANTS
        texts += [f"{parts[0]} {item}" for item in listed if few]
    forms = dict.fromkeys(form_of(text, maker) for text in texts)
    stamped = [form for form in forms if form.stamps]
    return tuple(form for form in forms if not stamped or form.stamps or form.versions)


def slug_of(text: str) -> str:
    """A name as a slug, in its own order."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower().replace("+", "-plus")
    return re.sub(r"-?\.?-|\.(?!\d)", "-", re.sub(r"[^a-z0-9.]+", "-", plain)).strip("-.")
