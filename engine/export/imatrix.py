"""An importance matrix: how large the inputs of each matrix are, column by column.

``python -m engine.export.imatrix GGUF TOKENS OUT DATASET`` lets a model read token ids and adds up
the squares of what enters each matrix multiplication, as llama.cpp's own ``tools/imatrix`` does;
the quantiser then keeps the columns that matter exact. It runs as a child, since llama.cpp ends
its process on some files. The file has llama.cpp's GGUF form (``imatrix.*``): for each tensor its
sums, ``NAME.in_sum2``, and how many rows they are of, ``NAME.counts``.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import ExportError, FinetuiError, TemplateError
from engine.export.held_out import dataset_dir, turns_of
from engine.export.spec import IMATRIX_CHUNK as CHUNK
from engine.export.steps import say_failure
from engine.paths import shorten
from engine.tokens import Tokenizer, render

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_TOKENS = 20_000
"""How many tokens are read at most; about forty chunks, of which more change little."""

_SUMS, _COUNTS = ".in_sum2", ".counts"


def training_pieces(
    run_dir: Path, tokenizer: Tokenizer, *, most: int = MOST_TOKENS
) -> list[list[int]]:
    """Return token ids of a run's training split, each conversation as training saw it.

    Conversations come in an order that is mixed and always the same, until there are enough.

    Args:
        run_dir: The run.
        tokenizer: The base's.
        most: How many tokens are taken at most.

    Returns:
        Pieces of at most :data:`CHUNK` tokens.

    Raises:
        ExportError: There is no training split, or nothing in it that the template takes.
    """
    path = dataset_dir(run_dir) / "train.jsonl"
    try:
        lines = [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise ExportError(
            f"the training text for the importance matrix can't be read: {shorten(path)}",
            hint="put the dataset back, or export without --imatrix",
        ) from error
    lines.sort(key=lambda line: hashlib.blake2b(line.encode(), digest_size=16).digest())
    pieces: list[list[int]] = []
    room = most
    for ids in _conversations(lines, tokenizer):
        for start in range(0, len(ids), CHUNK):
            piece = ids[start : start + CHUNK][:room]
            pieces.append(piece)
            room -= len(piece)
            if room <= 0:
                return pieces
    if not pieces:
        raise ExportError(
            "the training split holds no conversation that the chat template takes",
            hint="export without --imatrix",
        )
    return pieces


def _conversations(lines: Sequence[str], tokenizer: Tokenizer) -> Iterator[list[int]]:
    for line in lines:
        try:
            turns = turns_of(json.loads(line).get("messages", []))
            ids = list(render(tokenizer, turns).ids) if turns else []
        except (ValueError, AttributeError, TemplateError):
            continue
        if ids:
            yield ids


def digest_of(pieces: Sequence[Sequence[int]]) -> bytes:
    """Return what pieces of tokens are told apart by."""
    return hashlib.blake2b(json.dumps(pieces).encode(), digest_size=16).digest()


def means(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read an importance matrix: for each tensor the mean square of its inputs.

    Columns of an expert that no token reached are 1, as llama.cpp takes them.

    Raises:
        ExportError: The file is no importance matrix.
    """
    import numpy as np
    from gguf import GGUFReader

    try:
        parts = {tensor.name: np.array(tensor.data) for tensor in GGUFReader(path).tensors}
    except (OSError, ValueError, IndexError) as error:
        raise ExportError(
            f"{shorten(path)} is no importance matrix: {error}", hint="compute it again"
        ) from error
    found = {}
    for name, sums in parts.items():
        if not name.endswith(_SUMS):
            continue
        tensor = name.removesuffix(_SUMS)
        counts = parts[tensor + _COUNTS].reshape(-1, 1).astype(np.float32)
        table = sums.reshape(counts.shape[0], -1)
        mean = np.where(counts > 0, table / np.maximum(counts, 1), np.float32(1))
        found[tensor] = np.ascontiguousarray(mean, np.float32).reshape(-1)
    return found


class _Tensor(ctypes.Structure):
    """``struct ggml_tensor`` of ``ggml.h``."""


_Tensor._fields_ = [
    ("type", ctypes.c_int),
    ("buffer", ctypes.c_void_p),
    ("ne", ctypes.c_int64 * 4),
    ("nb", ctypes.c_size_t * 4),
    ("op", ctypes.c_int),
    ("op_params", ctypes.c_int32 * 16),
    ("flags", ctypes.c_int32),
    ("src", ctypes.POINTER(_Tensor) * 10),
    ("view_src", ctypes.c_void_p),
    ("view_offs", ctypes.c_size_t),
    ("data", ctypes.c_void_p),
    ("name", ctypes.c_char * 64),
    ("extra", ctypes.c_void_p),
    ("padding", ctypes.c_char * 8),
]
_F32 = 0


class Collector:
    """Adds up squares while llama.cpp computes: its ``cb_eval``.

    Attributes:
        sums: For each tensor a table of float64, a row a matrix (experts have several).
        counts: For each tensor how many rows of input its sums are of, by matrix.
        error: What went wrong inside of the callback, where nothing may be raised.
    """

    def __init__(self, ggml: Any) -> None:
        self.sums: dict[str, NDArray[np.float64]] = {}
        self.counts: dict[str, NDArray[np.int64]] = {}
        self.error: Exception | None = None
        self._ggml = ggml
        ggml.ggml_op_name.restype = ctypes.c_char_p
        ggml.ggml_op_name.argtypes = [ctypes.c_int]
        ggml.ggml_get_name.restype = ctypes.c_char_p
        ggml.ggml_get_name.argtypes = [ctypes.c_void_p]
        ggml.ggml_nbytes.restype = ctypes.c_size_t
        ggml.ggml_nbytes.argtypes = [ctypes.c_void_p]
        ggml.ggml_backend_tensor_get.restype = None
        ggml.ggml_backend_tensor_get.argtypes = [
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_size_t,
            ctypes.c_size_t,
        ]

    def __call__(self, pointer: int, ask: bool, _: object) -> bool:
        """Say whether a node is wanted, or take it; always goes on."""
        try:
            node = _Tensor.from_address(pointer)
            if self._ggml.ggml_get_name(pointer) != node.name:
                raise ExportError(
                    "this llama.cpp lays its tensors out otherwise than ggml.h of 0.25",
                    hint="install the pinned version with: finetui doctor --fix",
                )
            op = self._ggml.ggml_op_name(node.op)
            if ask:
                return self._is_wanted(node, op)
            if op == b"MUL_MAT_ID":
                self._add_experts(node)
            else:
                self._add(node)
        except Exception as error:
            self.error = self.error or error
            return not ask
        return True

    def _is_wanted(self, node: _Tensor, op: bytes) -> bool:
        if self.error is not None or op not in (b"MUL_MAT", b"MUL_MAT_ID"):
            return False
        # Matrices outside of the layers are kept at more bits without it.
        is_layer = _name(node.src[0].contents).startswith("blk.")
        return is_layer and node.src[1].contents.type == _F32

    def _read(self, tensor: _Tensor, kind: type[np.generic]) -> NDArray[Any]:
        """Return a copy of a tensor's data, the fastest dimension last."""
        import numpy as np

        address = ctypes.addressof(tensor)
        size = self._ggml.ggml_nbytes(address)
        raw = np.empty(size, np.uint8)
        self._ggml.ggml_backend_tensor_get(address, raw.ctypes.data, 0, size)
        return np.lib.stride_tricks.as_strided(
            raw.view(kind), shape=tuple(tensor.ne)[::-1], strides=tuple(tensor.nb)[::-1]
        )

    def _add(self, node: _Tensor) -> None:
        import numpy as np

        weight, given = node.src[0].contents, node.src[1].contents
        squares = np.square(self._read(given, np.float32), dtype=np.float64).sum(axis=2)
        matrices = weight.ne[2] * weight.ne[3]
        table, counts = self._table(_name(weight), matrices, weight.ne[0])
        for i3 in range(given.ne[3]):
            for i2 in range(given.ne[2]):
                at = (i3 % weight.ne[3]) * weight.ne[2] + i2 % weight.ne[2]
                table[at] += squares[i3, i2]
                counts[at] += given.ne[1]

    def _add_experts(self, node: _Tensor) -> None:
        import numpy as np

        weight, given, chosen = (node.src[index].contents for index in range(3))
        squares = np.square(self._read(given, np.float32)[0], dtype=np.float64)
        experts = self._read(chosen, np.int32)[0, 0]  # tokens x experts used
        table, counts = self._table(_name(weight), weight.ne[2], weight.ne[0])
        for slot in range(experts.shape[1]):
            inputs = squares[:, slot % given.ne[1]]
            for expert in np.unique(experts[:, slot]):
                rows = experts[:, slot] == expert
                table[expert] += inputs[rows].sum(axis=0)
                counts[expert] += int(rows.sum())

    def _table(
        self, name: str, matrices: int, columns: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        import numpy as np

        if name not in self.sums:
            self.sums[name] = np.zeros((matrices, columns), np.float64)
            self.counts[name] = np.zeros(matrices, np.int64)
        return self.sums[name], self.counts[name]


def _name(tensor: _Tensor) -> str:
    """Return a tensor's name; a copy on another device is called ``DEVICE#NAME#0``."""
    text: str = tensor.name.decode("utf-8", "replace")
    return text.split("#")[1] if "#" in text else text


def collect(model: Path, pieces: Sequence[Sequence[int]]) -> Collector:
    """Let a model read pieces of tokens, each from the start, and add up what it computes with.

    Args:
        model: A GGUF that is not quantised.
        pieces: Token ids, at most :data:`CHUNK` each.

    Raises:
        ExportError: llama.cpp does not load the file or fails.
    """
    import llama_cpp
    from llama_cpp._ggml import libggml

    llama_cpp.llama_log_set(_quiet(), ctypes.c_void_p(0))
    collector = Collector(libggml)
    loading = llama_cpp.llama_model_default_params()
    loading.n_gpu_layers = 0
    loaded = llama_cpp.llama_model_load_from_file(os.fsencode(model), loading)
    if not loaded:
        raise ExportError(f"llama.cpp can't load {shorten(model)}", hint="export it again")
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = CHUNK
    parameters.n_threads = parameters.n_threads_batch = _threads()
    parameters.op_offload = False
    callback = type(parameters.cb_eval)(collector)
    parameters.cb_eval = callback
    context = llama_cpp.llama_init_from_model(loaded, parameters)
    if not context:
        raise ExportError(
            f"there is no memory to compute with {shorten(model)}", hint="close other programs"
        )
    done, total = 0, sum(map(len, pieces))
    for piece in pieces:
        _read_piece(context, piece)
        if collector.error is not None:
            raise collector.error
        done += len(piece)
        print(f"imatrix {done}/{total}", flush=True)
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(loaded)
    return collector


@functools.cache
def _quiet() -> Any:
    """Return a listener to llama.cpp's log that lives as long as the process, which may call it."""
    import llama_cpp

    return llama_cpp.llama_log_callback(lambda *_: None)


def _read_piece(context: Any, piece: Sequence[int]) -> None:
    import llama_cpp

    llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
    batch = llama_cpp.llama_batch_init(len(piece), 0, 1)
    try:
        batch.n_tokens = len(piece)
        for at, token in enumerate(piece):
            batch.token[at], batch.pos[at] = token, at
            batch.n_seq_id[at], batch.seq_id[at][0] = 1, 0
            # Of the last layer only the rows whose output is asked for are computed.
            batch.logits[at] = 1
        status = llama_cpp.llama_decode(context, batch)
    finally:
        llama_cpp.llama_batch_free(batch)
    if status:
        raise ExportError(
            f"llama.cpp failed to read {len(piece)} tokens (status {status})",
            hint="close other programs, or export without --imatrix",
        )


def _threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def save(
    path: Path,
    sums: Mapping[str, NDArray[np.float64]],
    counts: Mapping[str, NDArray[np.int64]],
    *,
    dataset: str,
    chunks: int,
) -> None:
    """Write an importance matrix in llama.cpp's GGUF form.

    Args:
        path: The file.
        sums: For each tensor the sums of squares, matrices x columns.
        counts: For each tensor how many rows they are of, by matrix.
        dataset: What the text was, for people.
        chunks: How many pieces were read.
    """
    import numpy as np
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "imatrix")
    writer.kv_data[0].pop("general.architecture", None)  # llama.cpp writes none
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", [dataset])
    writer.add_uint32("imatrix.chunk_count", chunks)
    writer.add_uint32("imatrix.chunk_size", CHUNK)
    for name in sorted(sums):
        writer.add_tensor(name + _SUMS, sums[name].astype(np.float32))
        writer.add_tensor(name + _COUNTS, counts[name].reshape(-1, 1).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main(model: Path, tokens: Path, out: Path, dataset: str) -> int:
    """Compute the importance matrix of a model and return the exit status."""
    try:
        pieces = json.loads(tokens.read_bytes())
        collector = collect(model, pieces)
        save(out, collector.sums, collector.counts, dataset=dataset, chunks=len(pieces))
    except FinetuiError as error:
        say_failure(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]))
