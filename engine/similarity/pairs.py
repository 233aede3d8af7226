"""All pairs of rows that are at least so similar, by blocked matrix products.

Most pairs are far apart, and a bound shows it for a fraction of a product's cost: rows are
turned so that their first few dimensions hold most of their length (the principal axes
about the origin), and by Cauchy and Schwarz a product is at most that of these dimensions
plus the product of the lengths of the rests. Where the bound is below the floor, so is the
similarity; what is left is computed in full. Nothing is lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.child import Progress, never, quiet
from engine.similarity.linkage import NUMBERS_APART
from engine.spread import cores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.float32]
    Indices = NDArray[np.int64]

_TILE_ROWS, _TILE_COLUMNS = 512, 2_048  # 4 MB of products: they stay in the second-level cache
_SKETCH = 128
_SAMPLE = 20_000
_SLACK = 1e-4  # more than single precision can err by
_DENSE = 0.02  # from this share of a tile on, all of it is computed
_FEW = 128  # rows for which a sketch of all is not worth its while
_GATHERED = 1_024
NEAR = 0.999999
"""The most that two texts can have that are not the same text."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of rows, ``a < b``, and their similarity.

    Args:
        a: Row numbers.
        b: Row numbers.
        similarity: Cosines, under 1.
    """

    a: Indices
    b: Indices
    similarity: Rows

    def __len__(self) -> int:
        return len(self.a)


@dataclass(frozen=True, slots=True)
class Side:
    """What of each row is compared: its prompt, say.

    Args:
        table: The different vectors, of length 1, or 0 for a text that has none.
        numbers: What stands for the numbers in the text of each of these, 0 for none.
        which: Which of these each row has; None where row and vector are one.
    """

    table: Rows
    numbers: Indices | None = None
    which: Indices | None = None

    def __len__(self) -> int:
        return len(self.table if self.which is None else self.which)

    def tile(self, rows: slice | Indices, columns: slice) -> Rows:
        """Return the similarities of all pairs of some rows and a range."""
        one, other = self._at(rows), self._at(columns)
        found: Rows = self.table[one] @ self.table[other].T
        if self.numbers is not None:
            found -= _apart(self.numbers[one][:, None], self.numbers[other])
        if self.which is not None:
            found[self.which[rows][:, None] == self.which[columns]] = 1.0
        return found

    def among(self, a: Indices, b: Indices) -> Rows:
        """Return the similarities of single pairs."""
        if self.which is not None:
            a, b = self.which[a], self.which[b]
        found = np.empty(len(a), np.float32)
        for start in range(0, len(a), _GATHERED):
            part = slice(start, start + _GATHERED)
            np.vecdot(self.table[a[part]], self.table[b[part]], out=found[part])
        if self.numbers is not None:
            found -= _apart(self.numbers[a], self.numbers[b])
        found[a == b] = 1.0
        return found

    def sketch(self) -> Rows:
        """Return the rows' sketches; see :func:`sketch`."""
        short = sketch(self.table)
        return short if self.which is None else short[self.which]

    def _at(self, rows: slice | Indices) -> slice | Indices:
        return rows if self.which is None else self.which[rows]

    def share_near(self, floor: float) -> float:
        """Return about which share of pairs is near, from a sample of them."""
        every = slice(None, None, max(1, len(self) // 1_000))
        return float(np.mean(self.tile(every, every) >= floor)) if len(self) else 0.0


def _apart(left: Indices, right: Indices) -> Rows:
    """Return what is taken from similarities because of the texts' numbers."""
    apart: Rows = np.float32(NUMBERS_APART) * ((left != right) & (left != 0) & (right != 0))
    return apart


class Space:
    """Rows compared by the least similarity of their sides.

    The side on which fewer pairs are near is looked at first, and another only where the
    first is near enough.

    Args:
        sides: One or more, of the same number of rows.
        floor: The floor that will be asked for.
    """

    def __init__(self, *sides: Side, floor: float) -> None:
        one = len(sides) == 1
        self.sides = sides if one else tuple(sorted(sides, key=lambda s: s.share_near(floor)))
        self._sketch: Rows | None = None

    @property
    def sketch(self) -> Rows:
        """Rows whose products are no less than the similarities."""
        if self._sketch is None:
            self._sketch = self.sides[0].sketch()
        return self._sketch

    def __len__(self) -> int:
        return len(self.sides[0])

    def tile(self, rows: slice | Indices, columns: slice) -> Rows:
        """Return the similarities of all pairs of some rows and a range."""
        found = self.sides[0].tile(rows, columns)
        for side in self.sides[1:]:
            np.minimum(found, side.tile(rows, columns), out=found)
        return found

    def among(self, a: Indices, b: Indices, floor: float) -> Rows:
        """Return the similarities of single pairs; one under the floor may be too high."""
        found = self.sides[0].among(a, b)
        for side in self.sides[1:]:
            near = np.flatnonzero(found >= floor)
            found[near] = np.minimum(found[near], side.among(a[near], b[near]))
        return found


def sketch(rows: Rows) -> Rows:
    """Return shorter rows whose products are no less than those of the rows.

    Args:
        rows: Shape (rows, dimensions).

    Returns:
        Shape (rows, at most 129): the first principal coordinates and the rest's length.
    """
    number, dimensions = rows.shape
    # What has no vector is like nothing but itself, which is found if the bound allows it.
    lost = np.einsum("ij,ij->i", rows, rows) < 0.5
    if dimensions <= _SKETCH:
        return np.column_stack([rows, lost.astype(np.float32)]) if lost.any() else rows
    sample = rows[:: max(1, number // _SAMPLE)]
    _, axes = np.linalg.eigh((sample.T @ sample).astype(np.float64))
    first = axes[:, -_SKETCH:].astype(np.float32)
    short = np.empty((number, _SKETCH + 1), np.float32)
    for start in range(0, number, _SAMPLE):
        part = rows[start : start + _SAMPLE]
        turned = part @ first
        short[start : start + _SAMPLE, :-1] = turned
        rest = (part * part).sum(axis=1) - (turned * turned).sum(axis=1)
        short[start : start + _SAMPLE, -1] = np.sqrt(np.maximum(rest, 0.0) + _SLACK * _SLACK)
    short[lost, -1] = 1.0
    return short


def pairs_above(
    space: Space,
    floor: float,
    *,
    leading: int | None = None,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> Iterator[Pairs]:
    """Yield all pairs of rows that are at least so similar, in batches of bounded size.

    Memory is bounded by the tiles at work, a few megabytes for each core, whatever the number
    of pairs.

    Args:
        space: The rows.
        floor: The least similarity, above 0.
        leading: Only pairs with one of so many first rows; all pairs where None.
        progress: Called with how much of the triangle of pairs is done.
        cancelled: Asked between tiles whether to stop; then no more is yielded.
    """
    from threadpoolctl import threadpool_limits

    number = len(space)
    leading = number if leading is None else min(leading, number)
    tiles = [
        (slice(top, min(top + _TILE_ROWS, leading)), slice(left, left + _TILE_COLUMNS))
        for top in range(0, leading, _TILE_ROWS)
        for left in range(top // _TILE_COLUMNS * _TILE_COLUMNS, number, _TILE_COLUMNS)
    ]
    # One thread a tile, and none inside the products: comparing uses every core too.
    workers = cores()
    bound = space.sketch if leading > _FEW else None
    waiting: deque[Future[Pairs]] = deque()
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        try:
            for done, (rows, columns) in enumerate(tiles):
                if cancelled():
                    return
                if len(waiting) > workers:
                    found = waiting.popleft().result()
                    if len(found):
                        yield found
                    progress(done, len(tiles))
                waiting.append(pool.submit(_tile, space, bound, rows, columns, floor))
            while waiting:
                found = waiting.popleft().result()
                if len(found):
                    yield found
        finally:
            for future in waiting:
                future.cancel()
    progress(len(tiles), len(tiles))


def _tile(space: Space, sketch: Rows | None, rows: slice, columns: slice, floor: float) -> Pairs:
    """Return the near pairs of a tile; without a sketch all of it is computed."""
    whole = sketch is None
    if sketch is not None:
        bound = sketch[rows] @ sketch[columns].T
        flat = np.flatnonzero(bound.reshape(-1) >= floor - _SLACK)
        whole = len(flat) > _DENSE * bound.size
    if whole:
        bound = space.tile(rows, columns)
        flat = np.flatnonzero(bound.reshape(-1) >= floor)
    a, b = np.divmod(flat, bound.shape[1])
    a += rows.start
    b += columns.start
    upper = np.flatnonzero(a < b)
    a, b = a[upper], b[upper]
    if whole:
        similarity = bound.reshape(-1)[flat[upper]]
    else:
        similarity = space.among(a, b, floor)
        near = similarity >= floor
        a, b, similarity = a[near], b[near], similarity[near]
    return Pairs(a, b, np.minimum(similarity, np.float32(NEAR)))


def nearest(queries: Rows, rows: Rows) -> tuple[Indices, Rows]:
    """Return which row is nearest to each query, and how near.

    Args:
        queries: Shape (queries, dimensions), of length 1, or 0 for an empty text.
        rows: Shape (rows, dimensions), likewise.

    Returns:
        A row's number for each query, -1 where there are no rows, and its similarity. The
        first of several that are equally near is taken. Memory is bounded by blocks.
    """
    index = np.full(len(queries), -1, np.int64)
    similarity = np.zeros(len(queries), np.float32)
    if not len(rows):
        return index, similarity
    similarity[:] = -np.inf
    for top in range(0, len(queries), _TILE_COLUMNS):
        some = slice(top, top + _TILE_COLUMNS)
        for left in range(0, len(rows), 4 * _TILE_COLUMNS):
            products = queries[some] @ rows[left : left + 4 * _TILE_COLUMNS].T
            best = products.argmax(axis=1)
            value = products[np.arange(len(best)), best]
            better = value > similarity[some]
            index[some] = np.where(better, best + left, index[some])
            similarity[some] = np.where(better, value, similarity[some])
    return index, np.clip(similarity, -1.0, 1.0)
