"""The base models that are known by name."""

from __future__ import annotations

from engine.bases.base import BasePreset

EMBEDDED = "smollm2-135m-instruct"

_7B = "seed-7b"
_SMALL = "small-cpu"
_QUANT = "q4_k_m"

_ALL = (
    # F16: at 4 bits so small a model loses what an answer shown to a person needs.
    BasePreset(EMBEDDED, "SmolLM2 135M Instruct", "", "", "f16", _SMALL, 0, "Apache-2.0"),
    BasePreset(
        "llama-3.1-8b",
        "Llama 3.1 8B Instruct",
        "meta-llama/Llama-3.1-8B-Instruct",
        "unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit",
        _QUANT,
        _7B,
        16_070_000_000,
        "Llama 3.1",
        gated=True,
    ),
    BasePreset(
        "mistral-7b",
        "Mistral 7B Instruct v0.3",
        "mistralai/Mistral-7B-Instruct-v0.3",
        "unsloth/mistral-7b-instruct-v0.3-bnb-4bit",
        _QUANT,
        _7B,
        14_500_000_000,
        "Apache-2.0",
        gated=True,
    ),
    BasePreset(
        "phi-3-mini",
        "Phi-3 mini 4k Instruct",
        "microsoft/Phi-3-mini-4k-instruct",
        "unsloth/Phi-3-mini-4k-instruct-bnb-4bit",
        _QUANT,
        _7B,
        7_640_000_000,
        "MIT",
    ),
    BasePreset(
        "qwen2.5-7b",
        "Qwen 2.5 7B Instruct",
        "Qwen/Qwen2.5-7B-Instruct",
        "unsloth/Qwen2.5-7B-Instruct-bnb-4bit",
        _QUANT,
        _7B,
        15_240_000_000,
        "Apache-2.0",
    ),
    BasePreset(
        "gemma-2b",
        "Gemma 2B Instruct",
        "google/gemma-2b-it",
        "unsloth/gemma-2b-it-bnb-4bit",
        _QUANT,
        _7B,
        5_030_000_000,
        "Gemma",
        gated=True,
    ),
)

PRESETS: dict[str, BasePreset] = {preset.name: preset for preset in _ALL}


def preset_for(text: str) -> BasePreset | None:
    """Return the preset that a name or a hub id means, if any."""
    lowered = text.lower()
    for preset in _ALL:
        if lowered == preset.name or (preset.hub_id and lowered == preset.hub_id.lower()):
            return preset
    return None


def fitting(parameters: int) -> tuple[str, str]:
    """Return the default quantisation and the hyperparameter preset for a model's size."""
    return ("f16", _SMALL) if parameters < 1_000_000_000 else (_QUANT, _7B)
