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
        context: The longest row, in tokens, and as many as are computed at a time beside it.
        sequences: How many rows :meth:`likelihoods` computes at a time.

    Raises:
        ValueError: llama.cpp can't load it.
    """

    def __init__(self, path: Path, context: int, *, sequences: int = 0) -> None:
        import llama_cpp

        from engine.serve.beside import cores

        self._llama = llama_cpp
        self._sequences = sequences
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
        of_context.n_seq_max = sequences + 1
        of_context.kv_unified = True
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

    def likelihoods(self, rows: Sequence[Sequence[int]], start: int, before: Floats) -> list[float]:
        """Return the log-likelihood, in nats, of each of some rows that may follow what was read.

        What was read stays, and many short rows are computed at a time.

        Args:
            rows: Tokens, at most 128 each.
            start: How many were read before them.
            before: The logits after those.

        Raises:
            ValueError: llama.cpp fails to compute.
        """
        first = log_probabilities(before)
        totals = [float(first[row[0]]) for row in rows]
        group: list[int] = []
        room = _BATCH
        for number, row in enumerate(rows):
            if group and (len(row) > room or len(group) == self._sequences):
                self._add(rows, group, start, totals)
                group, room = [], _BATCH
            group.append(number)
            room -= len(row)
        self._add(rows, group, start, totals)
        return totals

    def _add(
        self, rows: Sequence[Sequence[int]], group: Sequence[int], start: int, totals: list[float]
    ) -> None:
        """Add what the tokens after the first add, for some rows in one batch."""
        memory = self._llama.llama_get_memory(self._context)
        tokens: list[tuple[int, int, int]] = []  # token, position, sequence
        wanted: list[tuple[int, int]] = []  # row, token to come
        for sequence, number in enumerate(group, 1):
            row = rows[number]
            self._llama.llama_memory_seq_cp(memory, 0, sequence, -1, -1)
            tokens += [(token, start + at, sequence) for at, token in enumerate(row[:-1])]
            wanted += [(number, token) for token in row[1:]]
        if tokens:
            self._compute(tokens, range(len(tokens)))
            for index, (number, token) in enumerate(wanted):
                totals[number] += float(log_probabilities(self._logits(index))[token])
        for sequence in range(1, len(group) + 1):
            self._llama.llama_memory_seq_rm(memory, sequence, -1, -1)

    def ends(self, token: int) -> bool:
        """Say whether whatever is built on llama.cpp stops at a token."""
        return bool(self._llama.llama_vocab_is_eog(self._vocabulary, token))

    def _decode(self, part: Sequence[int], start: int, wanted: Collection[int]) -> None:
        self._compute([(token, start + at, 0) for at, token in enumerate(part)], wanted)

    def _compute(self, tokens: Sequence[tuple[int, int, int]], wanted: Collection[int]) -> None:
        """Compute tokens, each with its position and sequence; logits are kept of those wanted."""
        llama = self._llama
        batch = llama.llama_batch_init(len(tokens), 0, 1)
        try:
            batch.n_tokens = len(tokens)
            for index, (token, position, sequence) in enumerate(tokens):
                batch.token[index] = token
                batch.pos[index] = position
                batch.n_seq_id[index] = 1
                batch.seq_id[index][0] = sequence
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
