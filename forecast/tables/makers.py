"""Who makes a model, whatever a catalogue's providers call them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

#: Organisation as the episodes spell it -> (names that catalogues put before its models, first words of its models).
MAKERS: dict[str, tuple[str, str]] = {
    "01.AI": ("01ai", "yi"),
    "AI21 Labs": ("ai21", "jamba"),
    "Alibaba": ("alibaba alibabanlp alicloud qwen tongyi tongyizhiwen wanx", "qwen qwq qvq wan tongyi"),
    "Amazon": ("amazon aws", "nova titan"),
    "Anthropic": ("anthropic", "claude"),
    "Baidu": ("baidu qianfan", "ernie"),
    "Black Forest Labs": ("blackforestlabs bfl", "flux"),
    "ByteDance": ("bytedance bytedanceseed doubao", "seed seedream seedance"),
    "Cohere": ("cohere cohereforai", "command aya rerank"),
    "DeepSeek": ("deepseek deepseekai", "deepseek"),
    "Google DeepMind": ("google googledeepmind deepmind", "gemini gemma veo imagen lyria"),
    "IBM": ("ibm ibmgranite", "granite"),
    "Inception": ("inception inceptionlabs", "mercury"),
    "inclusionAI": ("inclusionai bailing antling", "ling ring"),
    "Kuaishou": ("kuaishou kwaipilot kwai klingai kling", "kling kat"),
    "Liquid AI": ("liquid liquidai", "lfm"),
    "Meta": ("meta metallama facebook llama", "llama muse"),
    "Microsoft": ("microsoft", "phi mai"),
    "MiniMax": ("minimax minimaxai", "minimax hailuo"),
    "Mistral AI": (
        "mistral mistralai",
        "mistral ministral magistral codestral devstral pixtral voxtral mixtral mathstral",
    ),
    "Moonshot AI": ("moonshot moonshotai kimi", "kimi moonshot"),
    "NVIDIA": ("nvidia", "nemotron"),
    "OpenAI": ("openai", "gpt chatgpt o1 o3 o4 whisper sora dall davinci"),
    "Perplexity": ("perplexity perplexityai", "sonar"),
    "Poolside": ("poolside", "laguna malibu"),
    "Recraft": ("recraft recraftai", "recraft"),
    "Sarvam AI": ("sarvam sarvamai", "sarvam"),
    "StepFun": ("stepfun stepfunai", "step"),
    "Tencent": ("tencent", "hunyuan hy"),
    "Upstage": ("upstage", "solar"),
    "Voyage AI": ("voyage voyageai", "voyage"),
    "Writer": ("writer", "palmyra"),
    "xAI": ("xai grok", "grok"),
    "Xiaomi": ("xiaomi xiaomimimo", "mimo"),
    "Zhipu AI": ("zhipu zhipuai zai zaiorg thudm", "glm chatglm cogview"),
}
_BY_SLUG = {slug: name for name, (slugs, _) in MAKERS.items() for slug in slugs.split()}
_BY_LINE = {line: name for name, (_, lines) in MAKERS.items() for line in lines.split()}
#: First words of all makers' models.
ALL_LINES = frozenset(_BY_LINE)
#: Names of makers that are written in several words.
_SPLIT_SLUGS = ("zai-org", "z-ai", "x-ai", "moonshot-ai", "mistral-ai", "black-forest-labs")
#: Words that resellers put before a name; they name no maker.
_ROUTING = frozenset(
    [
        "accounts",
        "alicloud",
        "anyapi",
        "apac",
        "au",
        "cc",
        "cf",
        "coding",
        "databricks",
        "duo",
        "chat",
        "eu",
        "fireworks",
        "global",
        "hf",
        "jp",
        "models",
        "novita",
        "openrouter",
        "pro",
        "public",
        "route",
        "routers",
        "stealth",
        "tee",
        "us",
        "volcengine",
        "workersai",
    ]
)
_ENDINGS = ("org", "labs", "lab", "inc", "hq", "research", "community", "ai")


@dataclass(frozen=True)
class Maker:
    """A model's maker, and its name without what stands before it.

    Attributes
    ----------
    key : str
        Organisation as the episodes spell it where known, else its bare name; "" where nobody says.
    bare : str
        The name without provider, region and maker.
    """

    key: str
    bare: str


@lru_cache(maxsize=4096)
def maker_key(name: str) -> str:
    """One key for the many spellings of an organisation: the episodes' own where it is known."""
    compact = re.sub(r"[^a-z0-9]", "", name.lower())
    while compact not in _BY_SLUG:
        ending = next((e for e in _ENDINGS if compact.endswith(e) and len(compact) >= len(e) + 3), None)
        if ending is None:
            return compact
        compact = compact.removesuffix(ending)
    return _BY_SLUG[compact]


def provider_maker(provider: str) -> str:
    """The maker that a provider is, "" where it only sells what others make."""
    key = maker_key(provider.split("-")[0])
    return key if key in MAKERS else ""


def slug_words(maker: str) -> frozenset[str]:
    """Words that name the maker."""
    slugs = MAKERS.get(maker, (maker, ""))[0]
    return frozenset({*slugs.split(), *re.findall(r"[a-z0-9]+", maker.lower())})


def line_words(maker: str) -> frozenset[str]:
    """First words of the maker's models."""
    return frozenset(MAKERS.get(maker, ("", ""))[1].split())


def maker_of(entry: str, provider: str = "", sellers: Collection[str] = ()) -> Maker:
    """Say who makes the model behind a catalogue's id.

    Parameters
    ----------
    entry : str
        Id, with whatever a provider puts before it: ``openrouter/z-ai/glm-5.1:free``.
    provider : str
        Who lists it.
    sellers : collection of str
        Ids of all providers: a name before the model that is one of them names no maker.

    Returns
    -------
    Maker
        The maker named before the model; else the one whose models begin like that; else an
        unknown one by the name before the model; else the provider, where it makes models.
    """
    *before, bare = re.split(r"/+", entry.lower())
    named = [maker_key(part.removeprefix("hf:").lstrip("~@")) for part in before]
    known = next((key for key in reversed(named) if key in MAKERS), "")
    bare, leading = _without_leading(bare, provider)
    if known or leading:
        return Maker(known or leading, bare)
    closed_shop = _keys(frozenset(sellers)) | _ROUTING
    stranger = next((key for key in reversed(named) if key and key not in closed_shop), "")
    if set(re.findall(r"[a-z]+", bare)) & line_words(provider_maker(provider)):
        return Maker(provider_maker(provider), bare)
    own = maker_key(provider) if bare.startswith(provider.split("-")[0].lower() or "-") else ""
    return Maker(stranger or _line_maker(bare) or provider_maker(provider) or own, bare)


@lru_cache(maxsize=8)
def _keys(sellers: frozenset[str]) -> frozenset[str]:
    return frozenset(maker_key(seller) for seller in sellers)


def _line_maker(bare: str) -> str:
    """The maker whose models' names begin like that."""
    first = re.match(r"[a-z]+\d?", bare)
    return _BY_LINE.get(first[0]) or _BY_LINE.get(first[0].rstrip("0123456789"), "") if first else ""


def _without_leading(bare: str, provider: str) -> tuple[str, str]:
    """Drop regions, the provider's own name and the maker's from the start of a name; say the maker."""
    maker, own = "", set(re.findall(r"[a-z0-9]+", provider.lower()))
    while True:
        split = next((s for s in _SPLIT_SLUGS if re.match(rf"{s}[-._ ]", bare)), None)
        head = split or re.split(r"[^a-z0-9]", bare, maxsplit=1)[0]
        rest = bare[len(head) :].lstrip("-._ ")
        named = _BY_SLUG.get(head.replace("-", ""), "")
        shed = named or head in _ROUTING or (head in own and _line_maker(rest))
        if not rest or not head or head in _BY_LINE or not shed:
            return bare, maker
        if named and bare[len(head)] == ".":
            rest = re.sub(r"-v\d+$", "", rest)  # Bedrock's revision, not the maker's version
        bare, maker = rest, maker or named
