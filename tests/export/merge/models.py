"""Tiny models and adapters of many kinds, and what peft makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TEXT: dict[str, Any] = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
}
MOE = {"num_experts_per_tok": 2, "moe_intermediate_size": 24}


def make_base(folder: Path, kind: str = "Llama", dtype: str = "float32", **changes: Any) -> Path:
    """Write a random model of one of transformers' classes, without a tokenizer."""
    import torch
    import transformers

    sizes = TEXT | changes
    if kind == "GPT2":
        sizes = {"vocab_size": 96, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
    config = getattr(transformers, f"{kind}Config")(**sizes)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        name = "GPT2LMHeadModel" if kind == "GPT2" else f"{kind}ForCausalLM"
        model = getattr(transformers, name)(config)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    model.to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size="20KB")
    return folder


def load(folder: Path) -> Any:
    """Return a model in float32."""
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def make_adapter(base: Path, folder: Path, *, zero: bool = False, **options: Any) -> Any:
    """Write an adapter with random weights for a base, and return the adapted model."""
    import torch
    from peft import LoraConfig, get_peft_model

    model = load(base)
    if rows := options.pop("resize", 0):
        model.resize_token_embeddings(rows, mean_resizing=False)
    adapted: Any = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **options))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        for name, weight in adapted.named_parameters():
            if weight.requires_grad and not zero:
                if "magnitude" in name:
                    weight.data *= 1 + 0.1 * torch.randn_like(weight)
                else:
                    torch.nn.init.normal_(weight, std=0.1)
    adapted.save_pretrained(folder)
    return adapted.eval()


def logits(model: Any) -> Any:
    """Return what a model makes of some tokens."""
    import torch

    with torch.no_grad():
        return model(torch.arange(3, 40)[None]).logits


def tensors(folder: Path) -> dict[str, Any]:
    """Return all tensors of a model's directory."""
    from safetensors.torch import load_file

    found: dict[str, Any] = {}
    for path in folder.glob("*.safetensors"):
        found |= load_file(path)
    return found
