"""Where an adapter goes on models of other kinds, made on the spot and counted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.errors import BaseInvalid, SettingsError
from engine.train import TrainSpec, make_spec
from engine.train.backends import adapter_options
from engine.train.layers import target_layers
from engine.train.spec import ALL_LINEAR, ATTENTION

pytestmark = pytest.mark.slow

TEXT = {
    "vocab_size": 128,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
}
VISION = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 16,
    "patch_size": 8,
}
ATTENTION_WEIGHTS = (32 + 32) * 2 + (32 + 16) * 2
"""Inputs and outputs of q, k, v and o of one layer of TEXT."""
R = 4


def spec_of(*modules: str, **changes: Any) -> TrainSpec:
    return make_spec("m", "d", "small-cpu", r=R, target_modules=modules, **changes)


def made(name: str, config: Any) -> Any:
    """Return a model of a class of transformers with random weights."""
    import torch
    import transformers

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return getattr(transformers, name)(config)


def adapted(model: Any, spec: TrainSpec) -> dict[str, int]:
    """Return the adapter's weights by the name of what they adapt."""
    from peft import LoraConfig, get_peft_model

    tuned = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **adapter_options(model, spec)))
    counted: dict[str, int] = {}
    for name, weight in tuned.named_parameters():
        if weight.requires_grad:
            owner = name.removeprefix("base_model.model.").partition(".lora_")[0]
            counted[owner] = counted.get(owner, 0) + weight.numel()
    return counted


def moe(kind: str) -> Any:
    import transformers

    if kind == "mixtral":
        config = transformers.MixtralConfig(**TEXT, num_local_experts=4, num_experts_per_tok=2)
        return made("MixtralForCausalLM", config)
    config = transformers.Qwen3MoeConfig(
        **TEXT, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=48
    )
    return made("Qwen3MoeForCausalLM", config)


@pytest.mark.parametrize("kind", ["mixtral", "qwen3-moe"])
def test_all_linear_layers_of_a_mixture_are_its_experts_too(kind: str) -> None:
    model = moe(kind)
    found = adapted(model, spec_of(ALL_LINEAR))
    # Of each of 4 experts: gate and up in one (32 in, 96 out), and down (48 in, 32 out).
    experts = 4 * R * ((32 + 96) + (48 + 32))
    assert sum(found.values()) == 2 * (R * ATTENTION_WEIGHTS + experts)
    assert not any("gate." in name or "router" in name or "lm_head" in name for name in found)
    # The experts learn: each one's part of the adapter gets a gradient.
    import torch

    ids = torch.arange(24).reshape(2, 12)
    model(input_ids=ids, labels=ids).loss.backward()
    touched = [
        weight.grad.abs().sum()
        for name, weight in model.named_parameters()
        if "experts" in name and "lora_B" in name and weight.grad is not None
    ]
    assert len(touched) == 4
    assert all(bool(total > 0) for total in touched)


@pytest.mark.parametrize("kind", ["mixtral", "qwen3-moe"])
def test_an_adapter_on_experts_is_saved_loaded_and_merged(kind: str, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model

    config = LoraConfig(task_type="CAUSAL_LM", **adapter_options(moe(kind), spec_of(ALL_LINEAR)))
    tuned = get_peft_model(moe(kind), config).eval()
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(1)
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.05)
    ids = torch.arange(24).reshape(2, 12)
    with torch.no_grad():
        plain, expected = moe(kind).eval()(ids).logits, tuned(ids).logits
        tuned.save_pretrained(tmp_path)
        again = PeftModel.from_pretrained(moe(kind), tmp_path).eval()
        loaded = again(ids).logits
        merged = again.merge_and_unload()(ids).logits
    assert float((expected - plain).abs().max()) > 1e-3
    torch.testing.assert_close(loaded, expected)
    torch.testing.assert_close(merged, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["mixtral", "qwen3-moe"])
def test_attention_of_a_mixture_leaves_its_experts_alone(kind: str) -> None:
    found = adapted(moe(kind), spec_of(*ATTENTION))
    assert sum(found.values()) == 2 * R * ATTENTION_WEIGHTS
    by_name = target_layers(moe(kind), spec_of("gate_proj", "up_proj", "down_proj"))
    assert by_name.modules == ()
    assert by_name.parameters == ("experts.down_proj", "experts.gate_up_proj")


@pytest.mark.parametrize("changes", [{"dropout": 0.1}, {"adapter": "dora"}])
def test_what_experts_cannot_have_is_said_with_what_to_set(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="experts in one piece") as caught:
        target_layers(moe("mixtral"), spec_of(ALL_LINEAR, **changes))
    assert "attention" in caught.value.hint
    assert target_layers(moe("mixtral"), spec_of(*ATTENTION, **changes)).parameters == ()


def seeing(kind: str) -> Any:
    import transformers

    if kind == "gemma3":
        config = transformers.Gemma3Config(
            text_config={**TEXT, "layer_types": ["full_attention"] * 2},
            vision_config=VISION,
            mm_tokens_per_image=4,
        )
        return made("Gemma3ForConditionalGeneration", config)
    config = transformers.LlavaConfig(
        text_config={"model_type": "llama", **TEXT},
        vision_config={"model_type": "clip_vision_model", **VISION},
    )
    return made("LlavaForConditionalGeneration", config)


@pytest.mark.parametrize("kind", ["gemma3", "llava"])
@pytest.mark.parametrize("wanted", [(ALL_LINEAR,), ATTENTION])
def test_a_model_that_sees_is_adapted_where_it_reads(kind: str, wanted: tuple[str, ...]) -> None:
    found = adapted(seeing(kind), spec_of(*wanted))
    mlp = (32 + 48) * 3 if wanted == (ALL_LINEAR,) else 0
    assert sum(found.values()) == 2 * R * (ATTENTION_WEIGHTS + mlp)
    assert all("language_model" in name for name in found)


def test_gpt2_has_other_names_which_are_named() -> None:
    import transformers

    config = transformers.GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=128, n_positions=64)
    model = made("GPT2LMHeadModel", config)
    with pytest.raises(BaseInvalid, match="q_proj, k_proj, v_proj, o_proj") as caught:
        target_layers(model, spec_of(*ATTENTION))
    assert caught.value.hint.endswith("all-linear, or to some of: c_attn, c_fc, c_proj")
    found = adapted(model, spec_of(ALL_LINEAR))
    # Queries, keys and values in one (32 in, 96 out), their output, and two of the MLP (32, 128).
    assert sum(found.values()) == 2 * R * ((32 + 96) + (32 + 32) + 2 * (32 + 128))
