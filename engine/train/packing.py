"""Batches without padding: rows laid end to end in one sequence, each attending to itself alone.

A padded batch computes every row at the length of its longest. Laid end to end, rows need no
filler; positions start anew with each row, and attention is computed row by row by the fast
kernel for plain causal attention, which masks switch off. Everything else in a transformer
treats tokens one by one, so a row's output is what it is alone, up to rounding.

That does not hold for every architecture (a recurrent layer carries its state from row to
row), so :func:`pack_rows` tries it on the model at hand before it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

ROWS = "finetui_rows"
"""The name of attention row by row among transformers' implementations."""

_KNOWN_LAYERS = {"full_attention", "sliding_attention"}
_PROBE_TOKENS = 24
# Largest difference, as a share of the outputs' norm. Mixing up rows costs a multiple of it.
_TOLERANCE = {"torch.float32": 1e-4}
_TOLERANCE_16_BITS = 2e-2


def pack_rows(model: Any, rows: Sequence[Sequence[int]]) -> bool:
    """Switch a model to attention row by row where it gives what rows alone give.

    Outputs of batches that don't say where their rows begin stay the same.

    Args:
        model: A causal language model, with or without an adapter.
        rows: Ids of at least two rows, to try it on.

    Returns:
        Whether batches may be packed; if not, the model is as it was.
    """
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    if not _eligible(bare):
        return False
    _register()
    bare.set_attn_implementation(ROWS)
    if is_packed(bare) and _is_exact(model, rows):
        return True
    bare.set_attn_implementation("sdpa")
    return False


def is_packed(model: Any) -> bool:
    """Say whether :func:`pack_rows` has switched a model."""
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    return getattr(bare.config, "_attn_implementation", None) == ROWS


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    row_lengths: Sequence[int] | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Attend within each row of a packed sequence; without ``row_lengths`` this is sdpa.

    Args:
        module: The attention layer.
        query: (1, heads, tokens, width of a head); ``key`` and ``value`` likewise.
        key: See ``query``.
        value: See ``query``.
        attention_mask: What keeps rows apart where they can't be computed one by one: a layer
            whose window is shorter than a row, or that adds a bias of its own.
        row_lengths: The rows' lengths, whose sum is the number of tokens.
        options: What transformers hands to every implementation.

    Returns:
        (1, tokens, heads, width of a head), and None in place of the attention's weights.
    """
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    window = options.get("sliding_window")
    if (
        row_lengths is None
        or (window is not None and max(row_lengths) > window)
        or options.get("position_bias") is not None
    ):
        output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **options)
        return output, None
    lengths = list(row_lengths)
    parts = zip(*(torch.split(states, lengths, 2) for states in (query, key, value)), strict=True)
    outputs = [sdpa_attention_forward(module, *part, None, **options)[0] for part in parts]
    return torch.cat(outputs, dim=1), None


def inputs_of(bare: Any, batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a model takes of a batch; a packed one's rows need no mask.

    transformers would make one of (tokens, tokens): 268 MB at 16,384 tokens. A mask of four
    dimensions is taken as it is, so a small one that :func:`attend` does not look at spares it,
    unless a layer's window is shorter than a row.
    """
    import torch

    inputs = {name: value for name, value in batch.items() if name != "labels"}
    if "row_lengths" in batch:
        window = getattr(bare.config, "sliding_window", None)
        if window is None or max(batch["row_lengths"]) <= window:
            device = batch["input_ids"].device
            inputs["attention_mask"] = torch.ones((1, 1, 1, 1), dtype=torch.bool, device=device)
    return inputs


def _register() -> None:
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(ROWS, attend)
    AttentionMaskInterface.register(ROWS, sdpa_mask)


def _eligible(bare: Any) -> bool:
    """Say whether a model is of text alone, and attends by sdpa in all layers that it declares."""
    config = bare.config
    return (
        hasattr(bare, "set_attn_implementation")
        and getattr(config, "_attn_implementation", None) == "sdpa"
        and config.get_text_config() is config
        and set(getattr(config, "layer_types", None) or ()) <= _KNOWN_LAYERS
    )


def _is_exact(model: Any, rows: Sequence[Sequence[int]]) -> bool:
    """Compare the outputs of rows in one sequence with those of each row alone."""
    import torch

    # Unequal lengths, the longer one first, so that a row's place in the sequence matters.
    pair = sorted((list(row[:_PROBE_TOKENS]) for row in rows[:2]), key=len, reverse=True)
    if len(pair) < 2 or min(map(len, pair)) < 2:
        return False
    pair[1] = pair[1][:-1]
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            packed = _logits(model, pair)
            alone = torch.cat(
                [
                    model(torch.tensor([row], device=model.device), use_cache=False).logits
                    for row in pair
                ],
                dim=1,
            )
    except (TypeError, ValueError, RuntimeError, IndexError):
        return False  # it doesn't take positions, or counts tokens in a way of its own
    finally:
        model.train(training)
    allowed = _TOLERANCE.get(str(packed.dtype), _TOLERANCE_16_BITS)
    packed, alone = packed.float(), alone.float()
    return bool((packed - alone).norm() <= allowed * alone.norm())


def _logits(model: Any, rows: Sequence[Sequence[int]]) -> Any:
    import torch

    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    batch = {
        "input_ids": torch.tensor([[token for row in rows for token in row]]),
        "position_ids": torch.tensor([[at for row in rows for at in range(len(row))]]),
    }
    batch = {name: ids.to(model.device) for name, ids in batch.items()}
    lengths = tuple(len(row) for row in rows)
    return model(**inputs_of(bare, {**batch, "row_lengths": lengths}), use_cache=False).logits
