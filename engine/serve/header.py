"""The header of a GGUF file, read without llama.cpp.

llama.cpp ends its whole process on some malformed files, so a file is looked at
here first, at the cost of some milliseconds. Layout after the specification,
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; block sizes after
``ggml_type`` and the structs in ggml's ``ggml-common.h``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from engine.errors import GgufDamaged
from engine.paths import shorten

MAGIC = b"GGUF"
VERSIONS = (2, 3)
_HINT = "get the file again, or export it again with: finetui export RUN"

# Value type -> struct format; 8 is a string and 9 an array.
_SCALARS: Mapping[int, struct.Struct] = {
    number: struct.Struct("<" + code)
    for number, code in {
        0: "B",
        1: "b",
        2: "H",
        3: "h",
        4: "I",
        5: "i",
        6: "f",
        7: "?",
        10: "Q",
        11: "q",
        12: "d",
    }.items()
}
_STRING, _ARRAY = 8, 9
_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")

# Tensor type -> (values a block, bytes a block). A type that is not listed here is left
# to llama.cpp, which may know it.
_BLOCKS: Mapping[int, tuple[int, int]] = {
    0: (1, 4),  # F32
    1: (1, 2),  # F16
    2: (32, 18),  # Q4_0
    3: (32, 20),  # Q4_1
    6: (32, 22),  # Q5_0
    7: (32, 24),  # Q5_1
    8: (32, 34),  # Q8_0
    9: (32, 36),  # Q8_1
    10: (256, 84),  # Q2_K
    11: (256, 110),  # Q3_K
    12: (256, 144),  # Q4_K
    13: (256, 176),  # Q5_K
    14: (256, 210),  # Q6_K
    15: (256, 292),  # Q8_K
    16: (256, 66),  # IQ2_XXS
    17: (256, 74),  # IQ2_XS
    18: (256, 98),  # IQ3_XXS
    19: (256, 50),  # IQ1_S
    20: (32, 18),  # IQ4_NL
    21: (256, 110),  # IQ3_S
    22: (256, 82),  # IQ2_S
    23: (256, 136),  # IQ4_XS
    24: (1, 1),  # I8
    25: (1, 2),  # I16
    26: (1, 4),  # I32
    27: (1, 8),  # I64
    28: (1, 8),  # F64
    29: (256, 56),  # IQ1_M
    30: (1, 2),  # BF16
    34: (256, 54),  # TQ1_0
    35: (256, 66),  # TQ2_0
    39: (32, 17),  # MXFP4
    40: (64, 36),  # NVFP4
    41: (128, 18),  # Q1_0
    42: (64, 18),  # Q2_0
}
# Bounds far above any real model, below what a damaged count would make us allocate.
_MAX_PAIRS, _MAX_TENSORS, _MAX_DIMENSIONS = 100_000, 1_000_000, 4

# llama_pooling_type: mean, cls, last, rank. Architectures without an output head.
_POOLINGS = (1, 2, 3, 4)
_ENCODERS = ("bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "t5encoder")

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor's entry: its shape as stored (fastest dimension first) and place in the data."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int

    @property
    def size(self) -> int | None:
        """Bytes of the data; None for a type that this reader does not know."""
        if self.kind not in _BLOCKS:
            return None
        values, size = _BLOCKS[self.kind]
        count = 1
        for dimension in self.shape:
            count *= dimension
        return -(-count // values) * size


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says about itself.

    ``metadata`` holds scalars and strings; ``lengths`` the length of each array.
    """

    version: int
    metadata: Mapping[str, Scalar]
    lengths: Mapping[str, int]
    tensors: tuple[TensorInfo, ...]
    data_start: int

    @property
    def architecture(self) -> str:
        """The model's family, such as ``llama``."""
        return str(self.metadata.get("general.architecture", ""))

    @property
    def chat_template(self) -> str:
        """The chat template (jinja2), or empty."""
        return str(self.metadata.get("tokenizer.chat_template", ""))

    @property
    def vocabulary(self) -> int:
        """How many tokens the vocabulary has."""
        return self.lengths.get("tokenizer.ggml.tokens", 0)

    @property
    def context(self) -> int:
        """The context that the model was trained for, in tokens; 0 where it doesn't say."""
        value = self.metadata.get(f"{self.architecture}.context_length", 0)
        return value if isinstance(value, int) else 0

    @property
    def embeds(self) -> bool:
        """Whether it gives vectors and writes no text.

        A file says so by attention to later tokens, or by how a text's vector is made.
        """
        pooling = self.metadata.get(f"{self.architecture}.pooling_type", 0)
        causal = self.metadata.get(f"{self.architecture}.attention.causal", True)
        return causal is False or pooling in _POOLINGS or self.architecture in _ENCODERS

    def number(self, key: str) -> int:
        """Return a whole number that its architecture's fields have; 0 where there is none."""
        value = self.metadata.get(f"{self.architecture}.{key}", 0)
        return value if isinstance(value, int) else 0


class _Reader:
    """Reads little-endian values and never past the end."""

    def __init__(self, handle: BinaryIO, path: Path, size: int) -> None:
        self._handle = handle
        self._path = path
        self._left = size
        self.position = 0

    def damaged(self, reason: str) -> NoReturn:
        raise GgufDamaged(f"{shorten(self._path)} is not a whole GGUF: {reason}", hint=_HINT)

    def take(self, count: int) -> bytes:
        if count > self._left:
            self.damaged("it ends inside its header")
        data = self._handle.read(count)
        if len(data) < count:  # The file shrank while it was read.
            self.damaged("it ends inside its header")
        self._left -= count
        self.position += count
        return data

    def u32(self) -> int:
        return int(_U32.unpack(self.take(4))[0])

    def u64(self) -> int:
        return int(_U64.unpack(self.take(8))[0])

    def string(self) -> str:
        return self.take(self.u64()).decode("utf-8", "replace")

    def scalar(self, kind: int) -> Scalar:
        if kind == _STRING:
            return self.string()
        layout = _SCALARS.get(kind)
        if layout is None:
            self.damaged(f"there is no value type {kind}")
        value: Scalar = layout.unpack(self.take(layout.size))[0]
        return value

    def skip_array(self) -> int:
        """Step over an array and return its length."""
        kind, count = self.u32(), self.u64()
        if kind == _STRING:
            if count * 8 > self._left:
                self.damaged(f"an array of {count:,} strings does not fit in it")
            for _ in range(count):
                self.take(self.u64())
        elif kind in _SCALARS:
            self.take(count * _SCALARS[kind].size)
        else:
            self.damaged(f"there is no array of value type {kind}")
        return count


def read_header(path: Path) -> GgufHeader:
    """Read and check the header of a GGUF file.

    Checked are the magic, the version, every count and length against the file's
    size, the tensors' shapes, and that the file is long enough for all tensors.

    Raises:
        GgufDamaged: The file is missing, not a GGUF, or not whole.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            return _read(_Reader(handle, path, size), size)
    except OSError as error:
        raise GgufDamaged(
            f"{shorten(path)} can't be read: {error.strerror or error}", hint=_HINT
        ) from error


def _read(reader: _Reader, size: int) -> GgufHeader:
    if reader.take(4) != MAGIC:
        reader.damaged("it does not begin with GGUF")
    version = reader.u32()
    if version not in VERSIONS:
        swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
        reader.damaged(
            "it is big-endian" if swapped in VERSIONS else f"version {version} is not known"
        )
    tensor_count, pair_count = reader.u64(), reader.u64()
    if tensor_count > _MAX_TENSORS or pair_count > _MAX_PAIRS:
        reader.damaged(f"{tensor_count:,} tensors and {pair_count:,} fields can't be")
    metadata: dict[str, Scalar] = {}
    lengths: dict[str, int] = {}
    for _ in range(pair_count):
        key, kind = reader.string(), reader.u32()
        if kind == _ARRAY:
            lengths[key] = reader.skip_array()
        else:
            metadata[key] = reader.scalar(kind)
    tensors = tuple(_tensor(reader) for _ in range(tensor_count))
    header = GgufHeader(
        version=version,
        metadata=metadata,
        lengths=lengths,
        tensors=tensors,
        data_start=_aligned(reader, reader.position, metadata),
    )
    _check(reader, header, size)
    return header


def _tensor(reader: _Reader) -> TensorInfo:
    name, dimensions = reader.string(), reader.u32()
    if not 1 <= dimensions <= _MAX_DIMENSIONS:
        reader.damaged(f"tensor {name[:60]!r} has {dimensions:,} dimensions")
    shape = tuple(reader.u64() for _ in range(dimensions))
    if 0 in shape:
        reader.damaged(f"tensor {name[:60]!r} is empty")
    return TensorInfo(name=name, shape=shape, kind=reader.u32(), offset=reader.u64())


def _aligned(reader: _Reader, position: int, metadata: Mapping[str, Scalar]) -> int:
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
        reader.damaged(f"an alignment of {alignment} can't be")
    return -(-position // alignment) * alignment


def _check(reader: _Reader, header: GgufHeader, size: int) -> None:
    if not header.architecture:
        reader.damaged("it does not name its architecture")
    if not header.tensors:
        reader.damaged("it holds a vocabulary alone, no weights")
    for tensor in header.tensors:
        end = header.data_start + tensor.offset + (tensor.size or 0)
        if end > size:
            reader.damaged(
                f"tensor {tensor.name[:60]!r} ends at byte {end:,} of {size:,}; it was cut short"
            )
