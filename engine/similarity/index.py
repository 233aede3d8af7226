"""Neighbours by an index, where there are too many rows to compare all pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from engine.child import Progress, never, quiet
from engine.similarity.pairs import NEAR, Pairs, Space
from engine.spread import cores

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AT_ONCE = 8_192
_NEIGHBOURS = 64
_ROUNDING = 2e-3  # of half precision, by which the index goes
_BLOCK_ROWS, _BLOCK_COLUMNS = 1_024, 4_096
_CONNECTIVITY = 24
_EXPANSION_ADD = 128
_EXPANSION_SEARCH = 192


def candidates(
    space: Space,
    floor: float,
    *,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> Iterator[Pairs]:
    """Yield nearly all pairs of rows that are at least so similar, by an HNSW index.

    The index holds the mean of the sides, which is no less than the least of them. A row
    that has more than 64 near neighbours is compared with all rows in full.

    Source: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search
    using hierarchical navigable small world graphs" (2018), as implemented by usearch.

    Args:
        space: The rows.
        floor: The least similarity, above 0.
        progress: Called with how many rows are done, of twice their number.
        cancelled: Asked between batches whether to stop; then no more is yielded.
    """
    # usearch takes 0.1 s to import.
    from usearch.index import Index

    number = len(space)
    index = Index(
        ndim=sum(side.table.shape[1] for side in space.sides),
        metric="ip",
        dtype="f16",
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION_ADD,
        expansion_search=_EXPANSION_SEARCH,
    )
    for start in range(0, number, _AT_ONCE):
        if cancelled():
            return
        rows = np.arange(start, min(start + _AT_ONCE, number))
        index.add(rows, _concatenated(space, rows), threads=cores())
        progress(min(start + _AT_ONCE, number), 2 * number)
    dense: list[NDArray[np.int64]] = []
    count = min(_NEIGHBOURS, number)
    for start in range(0, number, _AT_ONCE):
        if cancelled():
            return
        asking = np.arange(start, min(start + _AT_ONCE, number))
        found = index.search(_concatenated(space, asking), count, threads=cores())
        keys = np.asarray(found.keys, np.int64).reshape(len(asking), -1)
        near = 1.0 - np.asarray(found.distances).reshape(len(asking), -1)
        yield _checked(space, np.repeat(asking, keys.shape[1]), keys.reshape(-1), floor)
        dense.append(asking[near[:, -1] >= floor - _ROUNDING])
        progress(number + min(start + _AT_ONCE, number), 2 * number)
    yield from _in_full(space, np.concatenate([*dense, np.empty(0, np.int64)]), floor, cancelled)


def _in_full(
    space: Space, rows: NDArray[np.int64], floor: float, cancelled: Callable[[], bool]
) -> Iterator[Pairs]:
    """Compare some rows with all."""
    for top in range(0, len(rows), _BLOCK_ROWS):
        mine = rows[top : top + _BLOCK_ROWS]
        for left in range(0, len(space), _BLOCK_COLUMNS):
            if cancelled():
                return
            columns = slice(left, min(left + _BLOCK_COLUMNS, len(space)))
            products = space.tile(mine, columns)
            one, other = np.nonzero(products >= floor)
            a, b = mine[one], other + left
            apart = a != b
            a, b, near = a[apart], b[apart], products[one, other][apart]
            yield Pairs(np.minimum(a, b), np.maximum(a, b), np.minimum(near, np.float32(NEAR)))


def _concatenated(space: Space, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    parts = []
    for side in space.sides:
        at = rows if side.which is None else side.which[rows]
        parts.append(side.table[at])
    scale = np.float32(1.0 / np.sqrt(len(parts)))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1) * scale


def _checked(space: Space, a: NDArray[np.int64], b: NDArray[np.int64], floor: float) -> Pairs:
    real = (a != b) & (b >= 0) & (b < len(space))
    low, high = np.minimum(a[real], b[real]), np.maximum(a[real], b[real])
    similarity = space.among(low, high, floor)
    near = similarity >= floor
    return Pairs(low[near], high[near], np.minimum(similarity[near], np.float32(NEAR)))
