"""How much memory an engine will take, from its files' sizes and headers.

llama.cpp maps a file, keeps keys and values of each token in 16 bits, and computes a batch of
tokens at a time; see ``llama_kv_cache`` and ``graph_reserve`` in its sources. The constants
beside that are resident sizes measured on Linux, with some room.
"""

from __future__ import annotations

from pathlib import Path

from engine.serve.engines.base import Served
from engine.serve.engines.shapes import CONFIG, read_json
from engine.serve.header import GgufHeader

_MIB = 2**20
_NATIVE = 60 * _MIB
_PYTHON = 120 * _MIB
_TORCH = 1000 * _MIB
_BATCH = 512
_CONTEXT_STEP = 256
# Q4_0, Q2_K, Q4_K and IQ4_NL, of which ggml's processor backend makes interleaved copies.
_REPACKED = (2, 10, 12, 20)
_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


def gguf_needs(
    path: Path, header: GgufHeader, context: int, slots: int, *, python: bool = False
) -> int:
    """Return about how many bytes llama.cpp takes for a file.

    Args:
        path: The file.
        header: Its header.
        context: The context window of a request, in tokens.
        slots: Requests computed at once.
        python: Whether llama-cpp-python computes, which also keeps a batch's logits.
    """
    context = min(context, header.context or context)
    context = -(-context // _CONTEXT_STEP) * _CONTEXT_STEP
    width, inner = header.number("embedding_length"), header.number("feed_forward_length")
    batch = min(_BATCH, context)
    computed = 4 * batch * (6 * width + 3 * inner) + 4 * slots * header.vocabulary
    total = path.stat().st_size + kv_bytes(header) * context * slots + computed
    total += _repacked(header)
    # The binding's copies of the vocabulary, and its own buffers of scores.
    extra = _PYTHON + 4 * batch * header.vocabulary // 8 if python else _NATIVE
    return total + extra


def _repacked(header: GgufHeader) -> int:
    """Return how many bytes weights take that are copied into a form for the processor.

    Embeddings are looked up by row and stay as they are.
    """
    return sum(
        tensor.size or 0
        for tensor in header.tensors
        if tensor.kind in _REPACKED
        and len(tensor.shape) == 2
        and not tensor.name.startswith("token_embd")
    )


def kv_bytes(header: GgufHeader) -> int:
    """Return how many bytes a token's keys and values take in 16 bits, over all layers."""
    width, heads = header.number("embedding_length"), header.number("attention.head_count") or 1
    kept = header.number("attention.head_count_kv") or heads
    key = header.number("attention.key_length") or width // heads
    value = header.number("attention.value_length") or width // heads
    return 2 * header.number("block_count") * kept * (key + value)


def folder_needs(model: Served, context: int) -> int:
    """Return about how many bytes transformers takes for a folder: it computes in 32 bits here.

    Args:
        model: The model.
        context: The context window, in tokens.
    """
    config = read_json(model.path / CONFIG) or {}
    config = config.get("text_config") or config
    stored = _BYTES.get(str(config.get("dtype") or config.get("torch_dtype")), 2)
    weights = sum(file.stat().st_size for file in model.path.glob("*.safetensors"))
    if model.adapter is not None:
        weights += sum(file.stat().st_size for file in model.adapter.glob("*.safetensors"))
    width, layers = int(config.get("hidden_size", 0)), int(config.get("num_hidden_layers", 0))
    heads = int(config.get("num_attention_heads", 1)) or 1
    head = int(config.get("head_dim") or width // heads)
    kept = int(config.get("num_key_value_heads") or heads)
    return weights * 4 // stored + context * layers * kept * head * 2 * 4 + _TORCH
