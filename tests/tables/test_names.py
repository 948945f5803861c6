"""One model under many names: what is the same, what never is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.tables.forms import Form, entry_forms, form_of, model_forms, slug_of
from forecast.tables.makers import MAKERS, maker_key, maker_of, provider_maker
from forecast.tables.names import LEAST_SCORE, SAME_WEIGHTS, NameIndex, compare, likeness

SELLERS = frozenset({"kilo", "openrouter", "nano-gpt", "fireworks-ai", "unknown-shop"})


def form(entry: str, provider: str = "kilo", name: str = "") -> Form:
    """The form of an id, without its maker."""
    maker = maker_of(entry, provider, SELLERS)
    return entry_forms(maker.bare, name or entry, maker.key)[0]


@pytest.mark.parametrize(
    ("entry", "provider", "maker"),
    [
        ("openrouter/z-ai/glm-5.1:free", "kilo", "Zhipu AI"),
        ("zai-org-glm-5-1", "venice", "Zhipu AI"),
        ("zai.glm-5", "amazon-bedrock", "Zhipu AI"),
        ("umans-glm-5.1", "umans-ai", "Zhipu AI"),
        ("accounts/fireworks/models/glm-5p1", "fireworks-ai", "Zhipu AI"),
        ("@cf/zai-org/glm-5.2", "cloudflare-workers-ai", "Zhipu AI"),
        ("us.anthropic.claude-opus-4-6-v1", "amazon-bedrock", "Anthropic"),
        ("anthropic--claude-4.6-opus", "sap-ai-core", "Anthropic"),
        ("databricks-claude-opus-4-6", "databricks", "Anthropic"),
        ("duo-chat-gpt-5-1", "gitlab", "OpenAI"),
        ("o4-mini", "openai", "OpenAI"),
        ("meta-llama-3.1-70b", "kilo", "Meta"),
        ("nvidia/llama-3.1-nemotron-70b-instruct", "kilo", "NVIDIA"),
        ("llama-3.1-nemotron-70b-instruct", "nvidia", "NVIDIA"),
        ("doubao-seed-2-0-pro-260215", "nano-gpt", "ByteDance"),
        ("unsloth/gemma-3-27b", "kilo", "unsloth"),  # a copy by somebody else is another model
        ("kilo/auto", "kilo", ""),
    ],
)
def test_the_maker_is_found_behind_what_providers_put_before_a_name(entry: str, provider: str, maker: str) -> None:
    assert maker_of(entry, provider, SELLERS).key == maker


def test_every_spelling_of_a_maker_is_one_key_and_no_spelling_belongs_to_two() -> None:
    slugs = [slug for names, _ in MAKERS.values() for slug in names.split()]
    lines = [line for _, lines in MAKERS.values() for line in lines.split()]
    assert len(slugs) == len(set(slugs))
    assert len(lines) == len(set(lines))
    for name, (names, _) in MAKERS.items():
        assert {maker_key(name), *map(maker_key, names.split())} == {name}


@pytest.mark.parametrize(
    ("provider", "maker"), [("zhipuai-coding-plan", "Zhipu AI"), ("alibaba-cn", "Alibaba"), ("kilo", ""), ("azure", "")]
)
def test_a_providers_branches_belong_to_the_maker(provider: str, maker: str) -> None:
    assert provider_maker(provider) == maker


@pytest.mark.parametrize(
    "names",
    [
        (
            "GLM-5.1",
            "glm-5-1",
            "z-ai/glm-5p1",
            "openrouter/zai-org/GLM_5.1-FP8:free",
            "glm-5.1-2026-04-07",
            "Glm 5.1 TEE",
        ),
        (
            "Claude Opus 4.5",
            "claude-opus-4-5-20251101",
            "claude-4.5-opus",
            "anthropic.claude-opus-4-5-v1:0",
            "claude-opus4-5",
        ),
        ("Laguna M.1", "laguna-m1", "poolside/laguna-m.1:free"),
        ("Claude Opus 4", "claude-opus-4-0"),
        ("Gemini 2.0 Flash", "google/gemini-2.0-flash-001", "gemini-2-flash-preview"),
        ("Palmyra X 004", "palmyra-x-004"),
        ("HunyuanImage 3.0", "hunyuan-image-3.0"),
        ("Qwen3-Max", "qwen.qwen3-max", "Qwen/Qwen3-Max-Preview"),
        ("Command R+", "command-r-plus"),
    ],
)
def test_spellings_of_one_model_have_one_form(names: tuple[str, ...]) -> None:
    assert len({form(name) for name in names}) == 1, [form(name) for name in names]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GLM-5.1", "GLM-5.2"),
        ("GLM-5.1", "GLM-5"),
        ("glm-5", "glm-5v"),
        ("glm-5-turbo", "glm-5"),
        ("laguna-m.1", "laguna-m.2"),
        ("laguna-m.1", "laguna-xs.1"),
        ("gpt-5", "gpt-5-mini"),
        ("gpt-5-mini", "gpt-5-nano"),
        ("gemini-3-pro", "gemini-3-flash"),
        ("gpt-4o", "o4"),
        ("grok-4", "grok-4.20"),
        ("claude-opus-4-5", "claude-sonnet-4-5"),
        ("qwen3-max", "qwen3-plus"),
        ("mistral-medium-2505", "mistral-medium-2508"),
        ("magistral-small-2509", "ministral-small-2509"),
        ("qwen3-32b", "qwen3-8b"),
        ("qwen-mt-turbo", "qwen-math-turbo"),
        ("acme/ray-2", "acme/gray-2"),  # short words are alike by chance
        ("gpt-4-32k", "gpt-32k-4.1"),
    ],
)
def test_numbers_variants_and_lines_are_never_only_alike(one: str, other: str) -> None:
    assert compare(form(one), form(other)) is None
    assert compare(form(other), form(one)) is None


@pytest.mark.parametrize(
    ("named", "known", "level"),
    [
        ("glm-5.1", "GLM-5.1", "exact"),
        ("laguna-m.1", "Laguna M.1 225B-A23B", "unsized"),
        ("claaude-opus-4.5", "Claude Opus 4.5", "fuzzy"),
        ("ernie-4.5-300b-a47b", "ERNIE 4.5", "sized"),
        ("step-3.5-flash-2603", "Step-3.5-Flash", "snapshot"),
        ("claude-opus-4-6-thinking", "Claude Opus 4.6", "setting"),
        ("gpt-5.5-pro", "GPT-5.5", "setting"),
    ],
)
def test_a_match_says_how_sure_it_is(named: str, known: str, level: str) -> None:
    match = compare(form(named), form(known))
    assert match is not None
    assert match.level == level
    assert (match.score < 100) == (level == "fuzzy")
    assert match.score >= LEAST_SCORE


def test_a_setting_is_no_evidence_about_the_weights_and_is_not_matched_backwards() -> None:
    assert "setting" not in SAME_WEIGHTS
    assert compare(form("grok-4"), form("grok-4-fast")) is None


@pytest.mark.parametrize("name", ["mistral-medium-latest", "gemini-flash-latest", "~openai/gpt-latest"])
def test_a_pointer_names_no_model(name: str) -> None:
    assert form(name).pointer
    assert NameIndex([("Mistral AI", form(name), "x")]).find("Mistral AI", [form(name)]) is None


def test_a_name_without_a_number_matches_no_dated_version() -> None:
    [only] = model_forms("Mistral Large (2402)", "Mistral AI")
    assert compare(form("mistral-large"), only) is None
    assert compare(form("mistral-large-2402"), only) is not None


@pytest.mark.parametrize(
    ("model", "maker", "entries"),
    [
        ("ERNIE 4.5 Turbo / X1 Turbo", "Baidu", ["ernie-4.5-turbo", "ernie-x1-turbo"]),
        ("Amazon Nova (Micro, Lite, Pro, Premier)", "Amazon", ["nova-micro", "amazon/nova-pro"]),
        ("gpt-oss-120b and gpt-oss-20b", "OpenAI", ["gpt-oss-120b", "gpt-oss-20b"]),
        ("Grok-4 (0709)", "xAI", ["grok-4", "grok-4-0709"]),
    ],
)
def test_a_row_that_covers_several_models_answers_to_each_name(model: str, maker: str, entries: list[str]) -> None:
    index = NameIndex([(maker, known, model) for known in model_forms(model, maker)])
    for entry in entries:
        found = index.find(maker, [form(entry)])
        assert found is not None, entry
        assert found[1].level in SAME_WEIGHTS


def test_the_display_name_helps_an_opaque_id_and_never_overrules_its_numbers() -> None:
    assert form_of("GPT-5.3 Codex", "OpenAI") in entry_forms("gpt-53-codex", "GPT-5.3 Codex", "OpenAI")
    assert entry_forms("glm-5.1", "GLM-5.2", "Zhipu AI") == (form_of("glm-5.1", "Zhipu AI"),)
    assert entry_forms("glm-5", "GLM-5 Turbo", "Zhipu AI") == (form_of("glm-5", "Zhipu AI"),)


def test_the_surest_match_wins_and_only_within_the_maker() -> None:
    known = [("xAI", form("grok-4"), "plain"), ("xAI", form("grok-4-fast"), "fast"), ("Acme", form("grok-4"), "other")]
    index = NameIndex(known)
    fast = index.find("xAI", [form("grok-4-fast")])
    thinking = index.find("xAI", [form("grok-4-thinking")])
    assert fast is not None
    assert thinking is not None
    assert (fast[0], fast[1].level) == ("fast", "exact")
    assert (thinking[0], thinking[1].level) == ("plain", "setting")
    assert index.find("Zhipu AI", [form("grok-4")]) is None
    assert index.find_anywhere([form("grok-4")]) is None  # two makers have it
    assert NameIndex(known[:2]).find_anywhere([form("grok-4")]) is not None


def test_near_models_share_words_and_numbers() -> None:
    index = NameIndex([("Alibaba", form("qwen3.6-plus"), "plus"), ("Alibaba", form("qwen3.7-max"), "max")])
    assert index.near("Alibaba", form("qwen3.6-flash")) == ["plus"]


@given(st.text(max_size=80))
def test_any_text_has_a_form_whatever_its_case(text: str) -> None:
    assert form_of(text.upper().lower(), "xAI") == form_of(text.upper().lower().upper().lower(), "xAI")
    maker_of(text, text, {text})
    entry_forms(text, text, "xAI")


@given(st.frozensets(st.sampled_from(["hermes", "cydonia", "skyfall", "orpheus", "perceptron", "longcat"]), max_size=3))
def test_words_are_like_themselves(words: frozenset[str]) -> None:
    assert likeness(words, words) == 100
    assert likeness(words, words | {"another"}) == 0


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("GLM-5.2", "glm-5.2"),
        ("Qwen3.5 Flash", "qwen3.5-flash"),
        ("R+ (beta).", "r-plus-beta"),
        ("..--", ""),
        ("Ünï", "uni"),
    ],
)
def test_a_slug_is_one_that_the_tables_take(text: str, slug: str) -> None:
    assert slug_of(text) == slug
