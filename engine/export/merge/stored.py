"""A model's tensors where they lie in its safetensors files, mapped and not loaded.

The format: eight bytes with the header's length, the header as JSON, then the tensors one after the
other (https://huggingface.co/docs/safetensors/index#format).
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.bases.check import tensor_entries, weight_files
from engine.bases.locate import shown
from engine.errors import BaseInvalid

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

SIZES = {
    **dict.fromkeys(("F64", "I64", "U64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 1),
}
"""Bytes of a number, by the name of its type in a safetensors header."""

FLOATS = ("F64", "F32", "F16", "BF16")
_NAMED = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16"}
_NUMPY: dict[str, type[np.generic]] = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor in a file.

    Attributes:
        name: Its name.
        path: The file.
        kind: The type of its numbers, such as "BF16".
        shape: Its shape.
        start: Where it begins in the file.
        size: Its bytes.
    """

    name: str
    path: Path
    kind: str
    shape: tuple[int, ...]
    start: int
    size: int


class Files:
    """The tensors of some safetensors files, by name.

    Args:
        paths: The files.

    Raises:
        BaseInvalid: A file is damaged, or a tensor is not as long as its shape says.
    """

    def __init__(self, paths: list[Path]) -> None:
        self.tensors: dict[str, Stored] = {}
        self._maps: dict[Path, Bytes] = {}
        for path in paths:
            self.tensors |= {item.name: item for item in _tensors(path)}

    @classmethod
    def of_model(cls, directory: Path) -> Files:
        """Return the tensors of a model's directory."""
        return cls(weight_files(directory))

    def raw(self, stored: Stored) -> Bytes:
        """Return a tensor's bytes; they are read from the disk when they are looked at."""
        whole = self._maps.get(stored.path)
        if whole is None:
            with stored.path.open("rb") as handle:
                mapped = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
            whole = self._maps[stored.path] = np.frombuffer(mapped, dtype=np.uint8)
        return whole[stored.start : stored.start + stored.size]

    def floats(self, name: str) -> Floats:
        """Return a whole tensor as float32, in its shape."""
        stored = self.tensors[name]
        return decode(self.raw(stored), stored.kind).reshape(stored.shape)


def named_kind(dtype: str, otherwise: str = "BF16") -> str:
    """Return a type's name in a header for torch's name of it."""
    return _NAMED.get(dtype.removeprefix("torch."), otherwise)


def torch_kind(kind: str) -> str:
    """Return torch's name of a type of numbers for its name in a header."""
    return next(name for name, value in _NAMED.items() if value == kind)


def decode(raw: Bytes, kind: str) -> Floats:
    """Return numbers as float32.

    Args:
        raw: Their bytes, little-endian.
        kind: One of :data:`FLOATS`.
    """
    if kind == "BF16":
        # A bfloat16 is the upper half of a float32.
        wide = raw.view(np.uint16).astype(np.uint32)
        wide <<= 16
        return wide.view(np.float32)
    return raw.view(_NUMPY[kind]).astype(np.float32)


def encode(values: Floats, kind: str) -> NDArray[np.generic]:
    """Return float32 numbers as a type, each rounded to the nearest, halves to even.

    Args:
        values: The numbers; they are finite.
        kind: One of :data:`FLOATS`.
    """
    if kind == "BF16":
        bits = values.view(np.uint32)
        rounded = bits >> 16
        rounded &= 1
        rounded += 0x7FFF
        rounded += bits
        rounded >>= 16
        return rounded.astype(np.uint16)
    with np.errstate(over="ignore"):  # the caller looks at what is finite
        return values.astype(_NUMPY[kind])


def f16_of_bf16(encoded: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return bfloat16 numbers, as :func:`encode` gives them, as float16.

    What a float16 holds in full is moved bit by bit: it has three more bits of fraction and an
    exponent that begins 112 later. The others, which are few, go through float32.
    """
    bits = encoded.view(np.uint16)
    size = bits & 0x7FFF
    moved = size - np.uint16(112 << 7)
    moved <<= 3
    moved |= bits & 0x8000
    odd = np.flatnonzero((size < (113 << 7)) | (size >= (143 << 7)))
    if odd.size:
        wide = (bits.reshape(-1)[odd].astype(np.uint32) << 16).view(np.float32)
        with np.errstate(over="ignore"):  # the caller looks at what is finite
            moved.reshape(-1)[odd] = wide.astype(np.float16).view(np.uint16)
    return moved.view(np.float16)


def is_finite(encoded: NDArray[np.generic], kind: str) -> bool:
    """Say whether numbers, as :func:`encode` gives them, are all finite."""
    if kind == "BF16":
        bits = encoded.view(np.uint16)
        return not bool(((bits & 0x7F80) == 0x7F80).any())
    return bool(np.isfinite(encoded.view(_NUMPY[kind])).all())


def _tensors(path: Path) -> list[Stored]:
    entries = tensor_entries(path)
    ends = [int(entry["data_offsets"][1]) for entry in entries.values()]
    first = os.stat(path).st_size - max(ends, default=0)
    found = []
    for name, entry in entries.items():
        begin, end = (int(value) for value in entry["data_offsets"])
        kind, shape = str(entry["dtype"]), tuple(int(value) for value in entry["shape"])
        if kind in SIZES and prod(shape) * SIZES[kind] != end - begin:
            raise BaseInvalid(
                f"{shown(path)} is damaged: {name} is not as long as its shape says",
                hint="get the file again",
            )
        found.append(Stored(name, path, kind, shape, first + begin, end - begin))
    return found
