"""GGUF files that are small enough for a test to make, load and damage."""

from __future__ import annotations

import functools
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.bases.gguf_tokenizer import Vocabulary

LAYERS, WIDTH, HEADS, KV_HEADS = 2, 64, 4, 2


@functools.cache
def embedded_vocabulary() -> Vocabulary:
    """Return the vocabulary of the embedded base, which llama.cpp knows how to use."""
    from gguf import GGUFReader

    from engine.bases.embedded import embedded_gguf
    from engine.bases.gguf_tokenizer import read_vocabulary

    return read_vocabulary(GGUFReader(embedded_gguf()))


def write_model(
    path: Path,
    *,
    context: int = 512,
    seed: int = 0,
    tokenizer: str = "gpt2",
    template: str | None = None,
) -> Path:
    """Write a random two-layer Llama with the embedded base's vocabulary.

    Args:
        path: The file.
        context: The context that it says it was trained for, in tokens.
        seed: Seed of the weights.
        tokenizer: The kind of tokenizer that it names; any but "gpt2" is a lie.
        template: The chat template; the vocabulary's own by default.
    """
    import numpy as np
    from gguf import GGUFWriter

    vocabulary = embedded_vocabulary()
    writer = GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(WIDTH * 2)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(vocabulary.tokens))
    writer.add_tokenizer_model(tokenizer)
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types(
        [3 if index in vocabulary.control else 1 for index in range(len(vocabulary.tokens))]
    )
    writer.add_token_merges([" ".join(merge) for merge in vocabulary.merges])
    assert vocabulary.bos is not None
    assert vocabulary.eos is not None
    writer.add_bos_token_id(vocabulary.bos)
    writer.add_eos_token_id(vocabulary.eos)
    writer.add_add_bos_token(False)
    writer.add_chat_template(vocabulary.chat_template if template is None else template)
    random = np.random.default_rng(seed)
    for name, shape in _shapes(len(vocabulary.tokens)).items():
        if name.endswith("norm.weight"):
            writer.add_tensor(name, np.ones(shape, dtype=np.float32))
        else:
            values = random.normal(0, 0.05, shape).astype(np.float16)
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _shapes(vocabulary: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (vocabulary, WIDTH),
        "output_norm.weight": (WIDTH,),
    }
    narrow = WIDTH * KV_HEADS // HEADS
    for layer in range(LAYERS):
        shapes |= {
            f"blk.{layer}.attn_norm.weight": (WIDTH,),
            f"blk.{layer}.attn_q.weight": (WIDTH, WIDTH),
            f"blk.{layer}.attn_k.weight": (narrow, WIDTH),
            f"blk.{layer}.attn_v.weight": (narrow, WIDTH),
            f"blk.{layer}.attn_output.weight": (WIDTH, WIDTH),
            f"blk.{layer}.ffn_norm.weight": (WIDTH,),
            f"blk.{layer}.ffn_gate.weight": (WIDTH * 2, WIDTH),
            f"blk.{layer}.ffn_up.weight": (WIDTH * 2, WIDTH),
            f"blk.{layer}.ffn_down.weight": (WIDTH, WIDTH * 2),
        }
    return shapes


def text(value: str) -> bytes:
    """Return a string as GGUF stores it."""
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def pair(key: str, kind: int, value: bytes) -> bytes:
    """Return a key and a value of a type."""
    return text(key) + struct.pack("<I", kind) + value


def tensor(name: str, shape: tuple[int, ...], *, kind: int = 0, offset: int = 0) -> bytes:
    """Return a tensor's entry."""
    dimensions = b"".join(struct.pack("<Q", size) for size in shape)
    return (
        text(name) + struct.pack("<I", len(shape)) + dimensions + struct.pack("<IQ", kind, offset)
    )


def file(
    pairs: list[bytes],
    tensors: list[bytes],
    *,
    data: int = 0,
    magic: bytes = b"GGUF",
    version: int = 3,
    tensor_count: int | None = None,
    pair_count: int | None = None,
) -> bytes:
    """Return a GGUF by its parts; counts may be given that are wrong.

    Args:
        pairs: Fields by :func:`pair`.
        tensors: Entries by :func:`tensor`.
        data: Bytes of tensor data.
        magic: The first four bytes.
        version: The version.
        tensor_count: How many tensors it says it has.
        pair_count: How many fields it says it has.
    """
    head = magic + struct.pack(
        "<IQQ",
        version,
        len(tensors) if tensor_count is None else tensor_count,
        len(pairs) if pair_count is None else pair_count,
    )
    body = head + b"".join(pairs) + b"".join(tensors)
    return body + b"\0" * (-len(body) % 32) + b"\0" * data
