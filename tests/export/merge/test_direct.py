"""The direct merge against peft: against its merge, and where that is wrong, against its model.

A merged tensor may differ from peft's by one rounding, of float32 or of the type it is stored in.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.export.merge.checking import check_adapter
from engine.export.merge.complete import check_complete
from engine.export.merge.merging import merge
from tests.export.merge.models import MOE, load, logits, make_adapter, make_base, tensors

pytestmark = pytest.mark.slow

LINEAR = ["q_proj", "v_proj", "o_proj", "up_proj", "down_proj"]
EXPERTS = ["experts.gate_up_proj", "experts.down_proj"]

# Base's class and changes of it, then the adapter's settings.
SAME: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "lora": ("Llama", {}, {"target_modules": LINEAR, "r": 4, "lora_alpha": 6}),
    "bf16": ("Llama", {"dtype": "bfloat16"}, {"target_modules": LINEAR}),
    "f16": ("Llama", {"dtype": "float16"}, {"target_modules": LINEAR}),
    "rslora": ("Llama", {}, {"target_modules": LINEAR, "r": 8, "use_rslora": True}),
    "dora": ("Llama", {}, {"target_modules": LINEAR, "use_dora": True}),
    "dora-rslora": (
        "Llama",
        {"dtype": "bfloat16"},
        {"target_modules": LINEAR, "use_dora": True, "use_rslora": True},
    ),
    "lora-bias": (
        "Llama",
        {"attention_bias": True},
        {"target_modules": ["q_proj", "o_proj"], "lora_bias": True},
    ),
    "bias-all": (
        "Llama",
        {"attention_bias": True, "mlp_bias": True},
        {"target_modules": ["q_proj", "up_proj"], "bias": "all"},
    ),
    "bias-lora-only": (
        "Llama",
        {"attention_bias": True},
        {"target_modules": ["q_proj"], "bias": "lora_only"},
    ),
    "patterns": (
        "Llama",
        {},
        {
            "target_modules": LINEAR,
            "rank_pattern": {"q_proj": 2, r"layers\.1\.mlp\.up_proj": 3},
            "alpha_pattern": {"q_proj": 5, "model.layers.0.self_attn.v_proj": 7},
        },
    ),
    "modules-to-save": (
        "Llama",
        {},
        {"target_modules": ["q_proj"], "modules_to_save": ["lm_head", "embed_tokens", "norm"]},
    ),
    "modules-to-save-tied": (
        "Llama",
        {"tie_word_embeddings": True},
        {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
    ),
    "embeddings-saved-tied": (
        "Llama",
        {"tie_word_embeddings": True},
        {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]},
    ),
    "both-saved-kept-tied": (
        "Llama",
        {"tie_word_embeddings": True},
        {
            "target_modules": ["q_proj"],
            "modules_to_save": ["embed_tokens"],
            "ensure_weight_tying": True,
        },
    ),
    "trained-tokens": (
        "Llama",
        {},
        {"target_modules": ["q_proj"], "trainable_token_indices": [7, 3]},
    ),
    "trained-tokens-tied": (
        "Llama",
        {"tie_word_embeddings": True},
        {"target_modules": ["q_proj"], "trainable_token_indices": {"embed_tokens": [3, 7]}},
    ),
    "head-and-embeddings": ("Llama", {}, {"target_modules": ["lm_head", "embed_tokens"]}),
    "some-layers": (
        "Llama",
        {},
        {"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": "layers"},
    ),
    "gpt2": ("GPT2", {}, {"target_modules": ["c_attn", "c_proj", "c_fc"], "fan_in_fan_out": True}),
    "gpt2-dora": ("GPT2", {}, {"target_modules": ["c_attn", "c_proj"], "use_dora": True}),
    "phi3": ("Phi3", {"pad_token_id": 0}, {"target_modules": ["qkv_proj", "gate_up_proj"]}),
    "mixtral": (
        "Mixtral",
        {"num_local_experts": 4, **MOE},
        {"target_modules": ["q_proj"], "target_parameters": EXPERTS},
    ),
    "qwen3-moe": (
        "Qwen3Moe",
        {"num_experts": 4, **MOE},
        {"target_modules": ["q_proj"], "target_parameters": EXPERTS, "use_rslora": True},
    ),
    "gpt-oss": (
        "GptOss",
        {"num_local_experts": 4, **MOE},
        {"target_modules": ["q_proj"], "target_parameters": EXPERTS},
    ),
}
# What peft's merge gets wrong: it adds to both of two tied matrices what belongs to one.
OTHER: dict[str, dict[str, Any]] = {
    "head": {"target_modules": ["lm_head", "q_proj"]},
    "embeddings": {"target_modules": ["embed_tokens"]},
    "both": {"target_modules": ["lm_head", "embed_tokens"]},
    "embeddings-dora": {"target_modules": ["embed_tokens"], "use_dora": True},
    "kept-tied": {"target_modules": ["embed_tokens"], "ensure_weight_tying": True},
    "resized": {"target_modules": ["q_proj"], "resize": 101},
}


@pytest.mark.parametrize("name", SAME)
def test_a_merge_is_the_one_of_peft(tmp_path: Path, name: str) -> None:
    import torch

    kind, changes, options = SAME[name]
    base = make_base(tmp_path / "base", kind, **changes)
    adapted = make_adapter(base, tmp_path / "adapter", **options)
    check_adapter(tmp_path / "adapter")
    check_complete(tmp_path / "adapter", base)
    merged = adapted.merge_and_unload(safe_merge=True)
    merged.to(getattr(torch, changes.get("dtype", "float32")))
    merged.save_pretrained(tmp_path / "peft")
    report = merge(base, tmp_path / "merged", adapter=tmp_path / "adapter")
    assert (report.way, report.notes) == ("direct", [])
    expected, found = tensors(tmp_path / "peft"), tensors(tmp_path / "merged")
    stored = tensors(base)
    assert found.keys() >= stored.keys()
    for key, value in found.items():
        assert value.dtype == stored.get(key, value).dtype
    if expected.keys() == found.keys():
        for key, value in expected.items():
            bits = {torch.float32: 23, torch.float16: 10, torch.bfloat16: 7}[value.dtype]
            torch.testing.assert_close(found[key], value, rtol=2.0**-bits, atol=2e-7)
    else:
        assert name == "gpt2"
    changed = [key for key in stored if not torch.equal(found[key], stored[key])]
    assert len(changed) == report.changed - len(found.keys() - stored.keys())
    config = json.loads((tmp_path / "merged" / "config.json").read_text())
    theirs = json.loads((tmp_path / "peft" / "config.json").read_text())
    assert config.get("tie_word_embeddings") == theirs.get("tie_word_embeddings")
    again = load(tmp_path / "merged")
    exact = "dtype" not in changes
    torch.testing.assert_close(
        logits(again), logits(merged.float()), rtol=0.02, atol=1e-5 if exact else 0.02
    )


@pytest.mark.parametrize("name", OTHER)
def test_tied_matrices_of_which_one_is_adapted_are_untied(tmp_path: Path, name: str) -> None:
    import torch

    base = make_base(tmp_path / "base", tie_word_embeddings=True)
    adapted = make_adapter(base, tmp_path / "adapter", **OTHER[name])
    check_complete(tmp_path / "adapter", base)
    if name == "resized":
        tokens = {f"t{place}": place for place in range(101)}
        (tmp_path / "adapter" / "tokenizer.json").write_text(
            json.dumps({"model": {"vocab": tokens}})
        )
    merge(base, tmp_path / "merged", adapter=tmp_path / "adapter")
    again = load(tmp_path / "merged")
    torch.testing.assert_close(logits(again), logits(adapted), rtol=1e-4, atol=1e-5)
    stays = name in ("kept-tied", "resized")
    assert ("lm_head.weight" in tensors(tmp_path / "merged")) is not stays
    assert again.config.vocab_size == (101 if name == "resized" else 96)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_halves_are_what_is_stored_turned_to_float16(tmp_path: Path, dtype: str) -> None:
    import torch
    from safetensors.torch import save_file

    base = make_base(tmp_path / "base", dtype=dtype)
    # Numbers at both ends of what a float16 holds, and below.
    for path in base.glob("*.safetensors"):
        found = tensors_of(path)
        for name, value in found.items():
            if value.ndim == 2:
                scales = torch.logspace(-9, 4.7, value.shape[1])
                found[name] = (value.sign() * scales).to(value.dtype)
        save_file(found, path, {"format": "pt"})
    make_adapter(base, tmp_path / "adapter", target_modules=["q_proj"])
    adapter = tmp_path / "adapter"
    merge(base, tmp_path / "plain", adapter=adapter)
    merge(base, tmp_path / "halves", adapter=adapter, halves=True, durable=False)
    plain, halves = tensors(tmp_path / "plain"), tensors(tmp_path / "halves")
    assert plain.keys() == halves.keys()
    for name, value in plain.items():
        halved = value.to(torch.float16) if value.ndim == 2 else value
        assert halves[name].dtype == halved.dtype
        assert torch.equal(halves[name], halved), name
    # Where one is too large, all are as the base stores them.
    for path in base.glob("*.safetensors"):
        found = tensors_of(path)
        if "lm_head.weight" in found:
            found["lm_head.weight"][3, 3] = 1e9
            save_file(found, path, {"format": "pt"})
    merge(base, tmp_path / "large", adapter=adapter, halves=True)
    assert tensors(tmp_path / "large")["lm_head.weight"].dtype == getattr(torch, dtype)


def tensors_of(path: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(path))


def test_what_is_not_known_here_is_merged_by_peft_and_says_so(tmp_path: Path) -> None:
    """PiSSA begins with another base (arXiv:2404.02948), so the sum alone would be wrong."""
    import torch

    base = make_base(tmp_path / "base")
    options: dict[str, Any] = {"target_modules": ["q_proj"], "init_lora_weights": "pissa", "r": 4}
    adapted = make_adapter(base, tmp_path / "adapter", **options)
    expected = logits(adapted)
    report = merge(base, tmp_path / "merged", adapter=tmp_path / "adapter")
    assert report.way == "peft"
    assert "merged by peft" in report.notes[0]
    torch.testing.assert_close(logits(load(tmp_path / "merged")), expected, rtol=1e-3, atol=1e-4)
