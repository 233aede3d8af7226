"""An adapter over its base in llama.cpp gives what peft computes, or is named as no LoRA."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.errors import AdapterUnshared
from engine.export.lora import check_shareable, write_lora
from tests.support.likelihoods import by_llama, by_torch, divergence, loaded

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
VARIANTS: dict[str, dict[str, Any]] = {
    "attention": {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"]},
    "all, of unequal ranks": {
        "r": 4, "lora_alpha": 16, "target_modules": ALL,
        "rank_pattern": {"k_proj": 8, "layers.1.mlp.up_proj": 2}, "alpha_pattern": {"q_proj": 3},
    },
    "rsLoRA": {"r": 8, "lora_alpha": 8, "target_modules": ALL, "use_rslora": True},
}  # fmt: skip
IDS = [int(number) for number in range(300, 9000, 137)][:60]


@pytest.fixture(scope="module")
def base(finished_export: Path) -> Path:
    """Return the folder of the tiny base."""
    return finished_export.parent / "base"


@pytest.fixture(scope="module")
def base_gguf(finished_export: Path) -> Path:
    """Return the tiny base as a GGUF at f16, which is how it is stored."""
    (found,) = (finished_export.parent / "home").rglob("f16.gguf")
    return Path(found)


def adapted(base: Path, folder: Path, **config: Any) -> Any:
    """Write an adapter with random weights, and return peft's model of it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model: Any = get_peft_model(plain, LoraConfig(**config))
    with torch.random.fork_rng():
        torch.manual_seed(3)
        for name, weight in model.named_parameters():
            if "lora_" in name:
                torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(folder)
    return model.eval()


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_llama_cpp_adds_what_peft_adds(
    base: Path, base_gguf: Path, tmp_path: Path, name: str
) -> None:
    model = adapted(base, tmp_path / "adapter", **VARIANTS[name])
    write_lora(base, tmp_path / "adapter", tmp_path / "lora.gguf")
    peft = by_torch(model, IDS)
    ours = by_llama(loaded(base_gguf, tmp_path / "lora.gguf"), IDS)
    without = by_llama(loaded(base_gguf), IDS)
    # A layer left out, a wrong scale or rows in another order leave a tenth and more of it;
    # llama.cpp multiplies 16-bit weights with numbers that it rounds to 16 bits as well.
    assert divergence(peft, ours) < 1e-3 * divergence(peft, without)


def test_the_same_adapter_gives_the_same_bytes(base: Path, tmp_path: Path) -> None:
    adapted(base, tmp_path / "adapter", **VARIANTS["attention"])
    for name in ("one", "two"):
        write_lora(base, tmp_path / "adapter", tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "whole modules"),
        ({"bias": "lora_only"}, "biases"),
        ({"lora_bias": True}, "biases"),
        ({"trainable_token_indices": [1]}, "rows of the embeddings"),
        ({"init_lora_weights": "pissa_niter_4"}, "changed the base's own weights"),
        ({"peft_type": "IA3"}, "is no LoRA"),
    ],
)
def test_what_is_more_than_a_low_rank_product_is_named(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    plain = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "bias": "none", "use_dora": False}
    (tmp_path / "adapter_config.json").write_text(json.dumps(plain), "utf-8")
    check_shareable(tmp_path)
    (tmp_path / "adapter_config.json").write_text(json.dumps(plain | change), "utf-8")
    with pytest.raises(AdapterUnshared, match=said) as caught:
        check_shareable(tmp_path)
    assert "--weights files" in caught.value.hint


def test_an_adapter_of_embeddings_is_named(base: Path, tmp_path: Path) -> None:
    adapted(base, tmp_path / "adapter", r=4, target_modules=["embed_tokens", "q_proj"])
    with pytest.raises(AdapterUnshared, match=r"the weight .*embed_tokens"):
        write_lora(base, tmp_path / "adapter", tmp_path / "lora.gguf")
    shutil.rmtree(tmp_path / "adapter")
    with pytest.raises(AdapterUnshared, match="can't be read"):
        write_lora(base, tmp_path / "adapter", tmp_path / "lora.gguf")
