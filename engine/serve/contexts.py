"""Second contexts of a loaded model, with an adapter over its weights. Runs in workers only."""

from __future__ import annotations

import contextlib
import copy
import ctypes
from pathlib import Path
from typing import Any


def second_context(llama: Any) -> Any:
    """Return a ``llama_cpp.Llama`` of the same weights with a context of its own.

    The binding's constructor loads a file, and has no other way in; so its object is copied,
    and what belongs to a context is made anew. Close it before the first one.

    Args:
        llama: The ``llama_cpp.Llama`` that has the weights.

    Raises:
        ValueError: llama.cpp made no context, for one for lack of memory.
    """
    import numpy as np
    from llama_cpp import _internals as internals

    made = copy.copy(llama)
    made._stack = contextlib.ExitStack()
    made._ctx = made._stack.enter_context(
        contextlib.closing(
            internals.LlamaContext(model=llama._model, params=llama.context_params, verbose=False)
        )
    )
    made._batch = made._stack.enter_context(
        contextlib.closing(
            internals.LlamaBatch(
                n_tokens=llama.n_batch,
                embd=0,
                n_seq_max=llama.context_params.n_ctx,
                verbose=False,
            )
        )
    )
    made.input_ids = np.ndarray(llama.input_ids.shape, dtype=llama.input_ids.dtype)
    made.scores = np.ndarray(llama.scores.shape, dtype=llama.scores.dtype)
    made._candidates = internals.LlamaTokenDataArray(n_vocab=llama.n_vocab())
    made._sampler = None
    made.n_tokens = 0
    made._requires_eval = True
    return made


class Adapter:
    """A GGUF LoRA that llama.cpp has read for a model's weights.

    Make it before the context that it is put on: a context's graphs have room for the adapters
    that were there when it was made.

    Args:
        llama: The ``llama_cpp.Llama`` that has the weights.
        path: The file.

    Raises:
        ValueError: llama.cpp refused it: it is for other weights, or damaged.
    """

    def __init__(self, llama: Any, path: Path) -> None:
        import llama_cpp

        self._llama_cpp = llama_cpp
        self._handle = llama_cpp.llama_adapter_lora_init(llama.model, str(path).encode())
        if not self._handle:
            raise ValueError(f"the adapter {path.name} does not fit this base")

    def put_on(self, llama: Any) -> None:
        """Put it on a context, in place of what was there.

        Raises:
            ValueError: llama.cpp refused.
        """
        adapters = (self._llama_cpp.llama_adapter_lora_p_ctypes * 1)(self._handle)
        scales = (ctypes.c_float * 1)(1.0)
        if self._llama_cpp.llama_set_adapters_lora(llama.ctx, adapters, 1, scales):
            raise ValueError("llama.cpp did not take the adapter")

    def close(self) -> None:
        """Free it; no context may have it any more. Closing again does nothing."""
        if self._handle:
            self._llama_cpp.llama_adapter_lora_free(self._handle)
            self._handle = None
