"""A GGUF that llama.cpp computes with, for the children of gates; never in another process."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from engine.export.gates.divergence import Floats, log_probabilities

_BATCH = 128
_ERROR = 4  # GGML_LOG_LEVEL_ERROR


class Loaded:
    """A GGUF that was loaded for computing logits.

    Args:
        path: The file.
        context: The longest row, in tokens.

    Raises:
        ValueError: llama.cpp can't load it.
    """

    def __init__(self, path: Path, context: int) -> None:
        import llama_cpp

        from engine.serve.beside import cores

        self._llama = llama_cpp
        self._log = llama_cpp.llama_log_callback(_print_errors)
        llama_cpp.llama_log_set(self._log, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        of_model = llama_cpp.llama_model_default_params()
        of_model.n_gpu_layers = 0
        self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), of_model)
        if not self._model:
            raise ValueError(f"llama.cpp can't load {path.name}")
        of_context = llama_cpp.llama_context_default_params()
        of_context.n_ctx = context
        of_context.n_batch = of_context.n_ubatch = _BATCH
        of_context.n_threads = of_context.n_threads_batch = cores()
        self._context = llama_cpp.llama_init_from_model(self._model, of_context)
        if not self._context:
            raise ValueError(f"llama.cpp has no room for {path.name}")
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self.size = int(llama_cpp.llama_vocab_n_tokens(self._vocabulary))

    def logits(self, ids: Sequence[int], after: Sequence[int]) -> Iterator[Floats]:
        """Yield the logits after some positions of a row, each good until the next.

        Args:
            ids: The row's tokens.
            after: Positions, rising.

        Raises:
            ValueError: llama.cpp fails to compute.
        """
        self.clear()
        wanted = set(after)
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            here = {position - start for position in wanted if 0 <= position - start < len(part)}
            self._decode(part, start, here)
            for index in sorted(here):
                yield self._logits(index)

    def clear(self) -> None:
        """Forget what was read."""
        self._llama.llama_memory_clear(self._llama.llama_get_memory(self._context), True)

    def read(self, ids: Sequence[int], start: int) -> Floats:
        """Read more of a sequence and return the logits after it.

        Args:
            ids: The tokens.
            start: How many were read before them.

        Raises:
            ValueError: llama.cpp fails to compute.
        """
        for first in range(0, len(ids), _BATCH):
            part = ids[first : first + _BATCH]
            self._decode(part, start + first, {len(part) - 1})
        return self._logits(len(part) - 1)

    def forget(self, start: int) -> bool:
        """Forget what was read from a position on; False where the model can't, and forgot all."""
        memory = self._llama.llama_get_memory(self._context)
        if self._llama.llama_memory_seq_rm(memory, 0, start, -1):
            return True
        self.clear()
        return False

    def likelihood(self, ids: Sequence[int], start: int, before: Floats) -> float:
        """Return the log-likelihood of tokens that follow what was read, in nats.

        Args:
            ids: The tokens; at most 128. All but the last are read.
            start: How many were read before them.
            before: The logits after those.

        Raises:
            ValueError: llama.cpp fails to compute.
        """
        total = float(log_probabilities(before)[ids[0]])
        if len(ids) > 1:
            self._decode(ids[:-1], start, range(len(ids) - 1))
            for index, token in enumerate(ids[1:]):
                total += float(log_probabilities(self._logits(index))[token])
        return total

    def ends(self, token: int) -> bool:
        """Say whether whatever is built on llama.cpp stops at a token."""
        return bool(self._llama.llama_vocab_is_eog(self._vocabulary, token))

    def _decode(self, part: Sequence[int], start: int, wanted: Collection[int]) -> None:
        llama = self._llama
        batch = llama.llama_batch_init(len(part), 0, 1)
        try:
            batch.n_tokens = len(part)
            for index, token in enumerate(part):
                batch.token[index] = token
                batch.pos[index] = start + index
                batch.n_seq_id[index] = 1
                batch.seq_id[index][0] = 0
                batch.logits[index] = index in wanted
            if status := llama.llama_decode(self._context, batch):
                raise ValueError(f"llama.cpp failed to compute, with status {status}")
        finally:
            llama.llama_batch_free(batch)

    def _logits(self, index: int) -> Floats:
        values = self._llama.llama_get_logits_ith(self._context, index)
        address = ctypes.cast(values, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(address, (self.size,))


def _print_errors(level: int, text: bytes, data: object) -> None:
    if level == _ERROR:
        print(text.decode("utf-8", "replace"), end="", flush=True)
