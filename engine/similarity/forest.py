"""Maximum spanning forests, built from pairs as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.similarity.pairs import Pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH = 1_000_000
_LEVELS = 48


class Forest:
    """The maximum spanning forest of the pairs that were added so far.

    At any threshold it joins the same rows as all pairs do, with fewer edges than rows.
    Pairs are collected, and thinned from time to time: by Kruskal's algorithm, and before
    that by what is already joined at a similarity that is no less. So memory stays bounded
    by the number of rows and one batch, also where very many rows are alike.

    Args:
        number: How many rows there are.
        batch: How many pairs are collected before they are thinned.
        twice: Whether a pair may come more than once.

    Attributes:
        held: How many pairs are collected at present.
    """

    def __init__(self, number: int, batch: int = _BATCH, *, twice: bool = False) -> None:
        self._number = number
        self._batch = batch
        self._twice = twice
        self._edges = _none()
        self._fresh: list[Pairs] = []
        self.held = 0
        self._levels: NDArray[np.float32] = np.empty(0, np.float32)
        self._labels: NDArray[np.int32] = np.empty((0, number), np.int32)

    def add(self, pairs: Pairs) -> None:
        """Add pairs."""
        useful = self._not_joined(pairs)
        if len(useful):
            self._fresh.append(useful)
            self.held += len(useful)
        if self.held > self._batch:
            self._thin()
            self._level()

    def edges(self) -> Pairs:
        """Return the forest's edges, the nearest first."""
        self._thin()
        order = np.lexsort((self._edges.b, self._edges.a, -self._edges.similarity))
        return _taken(self._edges, order)

    def _thin(self) -> None:
        if not self._fresh:
            return
        everything = _joined([self._edges, *self._fresh])
        if self._twice:
            everything = once(everything, self._number)
        self._edges = spanning(everything, self._number)
        self._fresh, self.held = [], 0

    def _level(self) -> None:
        """Remember which rows are joined at some levels of similarity."""
        values = np.unique(self._edges.similarity)
        self._levels = values[:: max(1, len(values) // _LEVELS)]
        self._labels = np.stack(
            [
                components(_taken(self._edges, self._edges.similarity >= level), self._number)
                for level in self._levels
            ]
        )

    def _not_joined(self, pairs: Pairs) -> Pairs:
        """Leave out pairs whose rows are joined by edges that are no less similar."""
        if not len(self._levels):
            return pairs
        at = np.searchsorted(self._levels, pairs.similarity, side="left")
        above = at < len(self._levels)
        level = np.minimum(at, len(self._levels) - 1)
        joined = self._labels[level, pairs.a] == self._labels[level, pairs.b]
        return _taken(pairs, ~(joined & above))


def once(pairs: Pairs, number: int) -> Pairs:
    """Return each pair once, the nearest of those that came twice."""
    pairs = _taken(pairs, np.argsort(-pairs.similarity, kind="stable"))
    return _taken(pairs, np.unique(pairs.a * number + pairs.b, return_index=True)[1])


def spanning(pairs: Pairs, number: int) -> Pairs:
    """Return the edges of the maximum spanning forest of pairs.

    Args:
        pairs: Pairs of rows, in any order, each once.
        number: How many rows there are.
    """
    # scipy's graphs take 0.2 s to import.
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    if not len(pairs):
        return pairs
    # The library looks for the least sum, and takes 0 for no edge. Equal similarities are
    # told apart by their order, so that the same pairs always give the same forest.
    pairs = _taken(pairs, np.argsort(-pairs.similarity, kind="stable"))
    rank = np.arange(1, len(pairs) + 1, dtype=np.float64)
    graph = csr_array((rank, (pairs.a, pairs.b)), shape=(number, number))
    kept = np.sort(minimum_spanning_tree(graph).data.astype(np.int64))
    return _taken(pairs, kept - 1)


def components(pairs: Pairs, number: int) -> NDArray[np.int32]:
    """Return a label for each row; rows that pairs join have the same."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    graph = csr_array((np.ones(len(pairs), np.int8), (pairs.a, pairs.b)), shape=(number, number))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels


def _none() -> Pairs:
    empty = np.empty(0, np.int64)
    return Pairs(empty, empty, np.empty(0, np.float32))


def _joined(parts: list[Pairs]) -> Pairs:
    return Pairs(
        np.concatenate([part.a for part in parts]),
        np.concatenate([part.b for part in parts]),
        np.concatenate([part.similarity for part in parts]),
    )


def _taken(pairs: Pairs, which: NDArray[np.bool_] | NDArray[np.int64]) -> Pairs:
    return Pairs(pairs.a[which], pairs.b[which], pairs.similarity[which])
