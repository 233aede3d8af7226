"""What llama.cpp and transformers say of each next token, and how far apart they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
CONTEXT = 128


def loaded(gguf: Path, lora: Path | None = None) -> Any:
    """Return a file loaded by the binding itself, which keeps the numbers of every token."""
    from llama_cpp import Llama

    return Llama(
        str(gguf), lora_path=str(lora) if lora else None, n_ctx=CONTEXT, n_threads=1,
        n_threads_batch=1, logits_all=True, verbose=False,
    )  # fmt: skip


def by_llama(llama: Any, ids: Sequence[int]) -> Array:
    """Return log-probabilities of shape [tokens, vocabulary]."""
    llama.reset()
    llama.eval(list(ids))
    return log_softmax(np.asarray(llama.scores[: len(ids)], dtype=np.float64))


def by_torch(model: Any, ids: Sequence[int]) -> Array:
    """Return the same of a transformers model."""
    import torch

    with torch.no_grad():
        logits = model(torch.tensor([list(ids)])).logits[0]
    return log_softmax(logits.double().numpy())


def log_softmax(logits: Array) -> Array:
    """Return log-probabilities of logits of shape [tokens, vocabulary]."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    made: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return made


def divergence(true: Array, other: Array) -> float:
    """Return the mean KL divergence in nats a token."""
    return float((np.exp(true) * (true - other)).sum(axis=1).mean())


def agreement(true: Array, other: Array) -> float:
    """Return the share of tokens whose most likely successor is the same."""
    return float((true.argmax(axis=1) == other.argmax(axis=1)).mean())
