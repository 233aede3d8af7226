"""What a merged tensor holds, computed some rows at a time in float32.

A tensor is looked at as a matrix: its first axis as rows, the others as one. Experts that are one
tensor of three axes have the rows of one after those of another. So a merge needs memory for some
rows of a tensor, never for a model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.export.merge.stored import Bytes, Files, Floats, Stored, decode

BLOCK = 262_144
"""How many numbers of a tensor are computed at once: they fit a processor's cache."""


class Values(Protocol):
    """A tensor whose rows can be asked for, also by several threads."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""

    def rows(self, first: int, last: int) -> Floats:
        """Return rows of the matrix, ``last`` not among them. They are the caller's to change."""


def matrix(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return rows and columns of the matrix as which a tensor of a shape is looked at."""
    if len(shape) < 2:
        return 1, prod(shape)
    return prod(shape[:-1]), shape[-1]


def blocks(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the rows of a tensor in pieces of about :data:`BLOCK` numbers."""
    rows, width = matrix(shape)
    step = max(1, BLOCK // max(1, width))
    return [(first, min(rows, first + step)) for first in range(0, rows, step)]


@dataclass(frozen=True, slots=True)
class Plain:
    """A tensor as it is stored."""

    files: Files
    stored: Stored

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        return self.stored.shape

    def rows(self, first: int, last: int) -> Floats:
        """Return rows as float32."""
        rows, width = matrix(self.shape)
        step = self.stored.size // max(1, rows)
        raw = self.files.raw(self.stored)[first * step : last * step]
        return decode(raw, self.stored.kind).reshape(last - first, width)


@dataclass(frozen=True, slots=True)
class FourBits:
    """A weight that bitsandbytes stored in 4 bits (arXiv:2305.14314).

    Two numbers share a byte, the first in its upper half. Each is a place in a table of 16; a
    block of numbers has one scale.

    Attributes:
        packed: The bytes, row by row.
        table: The 16 values.
        scales: One for each block.
        block: Numbers of a block.
        full: The weight's own shape.
    """

    packed: Bytes
    table: Floats
    scales: Floats
    block: int
    full: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The weight's shape."""
        return self.full

    def rows(self, first: int, last: int) -> Floats:
        """Return rows as float32."""
        _, width = matrix(self.full)
        begin, end = first * width, last * width
        start = begin // self.block * self.block
        stop = min(-(-end // self.block) * self.block, prod(self.full))
        places = self.packed[start // 2 : -(-stop // 2)]
        pairs = np.stack((self.table[places >> 4], self.table[places & 15]), axis=1)
        numbers = pairs.reshape(-1)[: stop - start]
        scales = self.scales[start // self.block : -(-stop // self.block)]
        numbers = numbers * np.repeat(scales, self.block)[: stop - start]
        return numbers[begin - start : end - start].reshape(last - first, width)


@dataclass(frozen=True, slots=True)
class EightBits:
    """A weight that LLM.int8 stored (arXiv:2208.07339): each row over its largest number, by 127.

    Attributes:
        packed: The whole numbers, (rows, columns).
        largest: The largest of each row.
    """

    packed: NDArray[np.int8]
    largest: Floats

    @property
    def shape(self) -> tuple[int, ...]:
        """The weight's shape."""
        return self.packed.shape

    def rows(self, first: int, last: int) -> Floats:
        """Return rows as float32."""
        # As bitsandbytes computes it: the product first, then by the nearest float32 of 1/127.
        scaled = self.packed[first:last].astype(np.float32) * self.largest[first:last, None]
        scaled *= np.float32(7.874015718698502e-3)
        return scaled


@dataclass(frozen=True, slots=True)
class Given:
    """A tensor that an adapter brings whole."""

    array: Floats

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        return self.array.shape

    def rows(self, first: int, last: int) -> Floats:
        """Return rows."""
        return self.array.reshape(matrix(self.shape))[first:last].copy()


@dataclass(frozen=True, slots=True)
class Added:
    """A tensor and a product of two matrices, scaled: LoRA (arXiv:2106.09685).

    Attributes:
        base: The tensor.
        left: (rows, rank).
        right: (rank, columns).
        scaling: What the product is multiplied by.
    """

    base: Values
    left: Floats
    right: Floats
    scaling: float

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        return self.base.shape

    def rows(self, first: int, last: int) -> Floats:
        """Return rows of the sum."""
        delta: Floats = self.left[first:last] @ self.right
        delta *= np.float32(self.scaling)
        delta += self.base.rows(first, last)
        return delta


@dataclass(frozen=True, slots=True)
class AddedToExperts:
    """Experts in one tensor, (experts, rows, columns), and a product for each.

    Attributes:
        base: The tensor.
        left: (experts, rows, rank).
        right: (experts, rank, columns).
        scaling: What the products are multiplied by.
    """

    base: Values
    left: Floats
    right: Floats
    scaling: float

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        return self.base.shape

    def rows(self, first: int, last: int) -> Floats:
        """Return rows of the sum, of one expert after another."""
        _, height, _ = self.shape
        values = self.base.rows(first, last)
        for expert in range(first // height, -(-last // height)):
            begin, end = max(first, expert * height), min(last, (expert + 1) * height)
            inside = slice(begin - expert * height, end - expert * height)
            delta = self.left[expert, inside] @ self.right[expert]
            values[begin - first : end - first] += delta * np.float32(self.scaling)
        return values


def _squared(values: Floats) -> NDArray[np.float64]:
    wide = values.astype(np.float64)
    wide *= wide
    return wide


@dataclass(slots=True)
class Scaled:
    """A tensor whose rows or columns have given lengths: DoRA (arXiv:2402.09353).

    Attributes:
        changed: The base and the product of the adapter's matrices.
        lengths: The length that each row or column has in the end.
        by_column: Whether columns have lengths, as where weights are stored (inputs, outputs).
    """

    changed: Values
    lengths: Floats
    by_column: bool
    _factors: Floats = field(init=False)

    def __post_init__(self) -> None:
        """Measure the columns once; a row is measured when it is asked for."""
        if not self.by_column:
            return
        squares = np.zeros(matrix(self.shape)[1], np.float64)
        for first, last in blocks(self.shape):
            squares += _squared(self.changed.rows(first, last)).sum(0)
        norms: Floats = np.sqrt(squares).astype(np.float32)
        self._factors = self.lengths / norms

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        return self.changed.shape

    def rows(self, first: int, last: int) -> Floats:
        """Return rows."""
        values = self.changed.rows(first, last)
        if self.by_column:
            values *= self._factors
        else:
            norms = np.sqrt(_squared(values).sum(1)).astype(np.float32)
            values *= (self.lengths[first:last] / norms)[:, None]
        return values


@dataclass(frozen=True, slots=True)
class WithRows:
    """A tensor some of whose rows are others.

    Attributes:
        base: The tensor.
        places: Which rows, ascending.
        others: What they are, in the same order.
    """

    base: Values
    places: NDArray[np.int64]
    others: Floats

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        return self.base.shape

    def rows(self, first: int, last: int) -> Floats:
        """Return rows."""
        values = self.base.rows(first, last)
        begin, end = np.searchsorted(self.places, (first, last))
        values[self.places[begin:end] - first] = self.others[begin:end]
        return values
