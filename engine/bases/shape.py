"""A model's shape: what its weights and activations are sized by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The sizes of a decoder-only transformer, named as in the Llama family's config.json.

    Attributes:
        hidden: Width of the residual stream.
        layers: Number of decoder layers.
        heads: Attention heads.
        kv_heads: Key and value heads.
        head_dim: Width of a head.
        intermediate: Inner width of the feed-forward block, or of one expert.
        vocab: Number of token embeddings.
        tied: Whether the output layer shares the embeddings.
        experts: Experts a layer; 0 for a dense model.
        experts_per_token: Experts that a token is routed to.
        caps_logits: Whether logits are capped or scaled after the output layer, as Gemma 2's are.
        padded: Whether it is one of several parts, a vision tower beside it, whose batches are
            padded instead of laid end to end (``engine.train.packing``).
    """

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    tied: bool = False
    experts: int = 0
    experts_per_token: int = 0
    caps_logits: bool = False
    padded: bool = False


_CAPS = ("final_logit_softcapping", "logits_scaling", "logit_scale")
"""What Gemma 2, Granite and Cohere do to logits after the output layer."""
_PLAIN = (None, 1, 1.0)


def shape_of(config: Mapping[str, Any]) -> ModelShape:
    """Return the shape that a ``config.json`` describes; absent sizes are 0.

    Args:
        config: The configuration; that of a multimodal model is looked for under ``text_config``.
    """
    inner = config.get("text_config")
    padded = isinstance(inner, Mapping)
    config = inner if isinstance(inner, Mapping) else config

    def number(*names: str, default: int = 0) -> int:
        for name in names:
            value = config.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        return default

    hidden = number("hidden_size", "n_embd")
    heads = max(1, number("num_attention_heads", "n_head", default=1))
    experts = number("num_local_experts", "num_experts", "n_routed_experts")
    dense = number("intermediate_size", "n_inner", default=4 * hidden)
    return ModelShape(
        hidden=hidden,
        layers=number("num_hidden_layers", "n_layer"),
        heads=heads,
        kv_heads=number("num_key_value_heads", default=heads),
        head_dim=number("head_dim", default=hidden // heads),
        intermediate=number("moe_intermediate_size", default=dense) if experts else dense,
        vocab=number("vocab_size"),
        tied=bool(config.get("tie_word_embeddings", False)),
        experts=experts,
        experts_per_token=number("num_experts_per_tok"),
        caps_logits=any(config.get(name) not in _PLAIN for name in _CAPS),
        padded=padded,
    )
