"""Links of all examples, from those of the last time and what has changed since."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.child import Progress
from engine.errors import MemoryShort
from engine.memory import memory
from engine.models import Link, LinkWhat
from engine.similarity.cache import VectorCache
from engine.similarity.forest import Forest, components
from engine.similarity.index import candidates
from engine.similarity.linkage import EXACT_LIMIT, FLOOR
from engine.similarity.pairs import Pairs, Side, Space, pairs_above
from engine.similarity.reading import NodeKey, Sides

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Linked:
    """The links of one kind, and whether they are exact."""

    links: list[Link]
    exact: bool


def link(
    what: LinkWhat,
    sides: Mapping[int, Sides],
    before: Mapping[int, Sides],
    old: Iterable[Link],
    tables: Tables,
    progress: Progress,
    cancelled: Callable[[], bool],
    *,
    limit: int = EXACT_LIMIT,
) -> Linked:
    """Return the maximum spanning forest of all examples.

    Examples with the same text are one node. Where nothing was taken away, the new forest
    is that of the old one's edges and of the pairs with something new. A node that went, or
    that lost an example, may have joined others, so its component is compared anew.

    Args:
        what: What is compared.
        sides: All examples.
        before: The examples of the last time; empty compares everything.
        old: The links of the last time.
        tables: The vectors of ``sides``.
        progress: Called with what is done of the comparing.
        cancelled: Asked whether to stop; then what is returned is of no use.
        limit: Up to how many different texts all pairs are compared.

    Raises:
        MemoryShort: There is not the memory for the vectors.
    """
    places = _places(what, sides)
    nodes = list(places)
    number = {node: index for index, node in enumerate(nodes)}
    fresh, kept = _changes(what, places, sides, before, old, number)
    if len(fresh):
        first = np.zeros(len(nodes), bool)
        first[fresh] = True
        order = np.concatenate([np.flatnonzero(first), np.flatnonzero(~first)])
        space = tables.space(what, [places[nodes[at]][0] for at in order])
        exact = len(nodes) <= limit or len(fresh) <= limit // 100
        forest = Forest(len(nodes), twice=not exact)
        forest.add(kept)
        if exact:
            found = pairs_above(
                space, FLOOR, leading=len(fresh), progress=progress, cancelled=cancelled
            )
        else:
            found = candidates(space, FLOOR, progress=progress, cancelled=cancelled)
        for pairs in found:
            forest.add(_ordered(order[pairs.a], order[pairs.b], pairs.similarity))
        edges = forest.edges()
    else:
        exact, edges = True, kept
    return Linked(_links(what, edges, [places[node] for node in nodes]), exact)


def _places(what: LinkWhat, sides: Mapping[int, Sides]) -> dict[NodeKey, list[int]]:
    places: dict[NodeKey, list[int]] = {}
    for position in sorted(sides):
        node = sides[position].node(what)
        if node is not None:
            places.setdefault(node, []).append(position)
    return places


def _changes(
    what: LinkWhat,
    places: Mapping[NodeKey, Sequence[int]],
    sides: Mapping[int, Sides],
    before: Mapping[int, Sides],
    old: Iterable[Link],
    number: Mapping[NodeKey, int],
) -> tuple[NDArray[np.int64], Pairs]:
    """Return which nodes must be compared with all, and the edges that stay."""
    was = {position: known.node(what) for position, known in before.items()}
    touched = {
        node
        for position, node in was.items()
        if node is not None and (position not in sides or sides[position].node(what) != node)
    }
    earlier = {node for node in was.values() if node is not None}
    numbers = {node: index for index, node in enumerate(earlier)}
    ends = []
    for one in old:
        a, b = was.get(one.a), was.get(one.b)
        if a is not None and b is not None and a != b:
            ends.append((numbers[a], numbers[b], one.similarity))
    table = np.array(ends, np.float64).reshape(-1, 3)
    joined = Pairs(
        table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2].astype(np.float32)
    )
    labels = components(joined, max(len(earlier), 1))
    dirty = {int(labels[numbers[node]]) for node in touched}
    now = np.full(max(len(earlier), 1), -1, np.int64)
    for node, index in numbers.items():
        if node in places and int(labels[index]) not in dirty:
            now[index] = number[node]
    clean = np.flatnonzero(now >= 0)
    fresh = np.setdiff1d(np.arange(len(places)), now[clean])
    stays = (now[joined.a] >= 0) & (now[joined.b] >= 0)
    kept = _ordered(now[joined.a[stays]], now[joined.b[stays]], joined.similarity[stays])
    return fresh, kept


class Tables:
    """The vectors of all prompts and all answers, each read when it is first asked for.

    Args:
        sides: All examples.
        cache: The vectors.
    """

    def __init__(self, sides: Mapping[int, Sides], cache: VectorCache) -> None:
        self._sides = sides
        self._cache = cache
        self._read: dict[str, _Table] = {}

    def space(self, what: LinkWhat, positions: Sequence[int]) -> Space:
        """Return examples as rows that can be compared.

        Raises:
            MemoryShort: There is not the memory for the vectors.
        """
        chosen = []
        if what != "answer":
            table = self._table("prompt", {o.prompt: o.prompt_numbers for o in self._all()})
            chosen.append(table.side([self._sides[at].prompt for at in positions]))
        if what != "prompt":
            table = self._table("answer", {o.answer: o.answer_numbers for o in self._all()})
            chosen.append(table.side([self._sides[at].answer for at in positions]))
        return Space(*chosen, floor=FLOOR)

    def _all(self) -> Iterable[Sides]:
        return self._sides.values()

    def _table(self, name: str, numbers: Mapping[bytes, int]) -> _Table:
        if name not in self._read:
            self._read[name] = _Table(numbers, self._cache)
        return self._read[name]


class _Table:
    """The vectors of one side's different texts."""

    def __init__(self, numbers: Mapping[bytes, int], cache: VectorCache) -> None:
        _require_memory(len(numbers))
        self._index = {key: at for at, key in enumerate(numbers)}
        self._numbers = np.fromiter(numbers.values(), np.int64, len(numbers))
        try:
            rows = np.nan_to_num(cache.load(list(numbers)), copy=False, nan=0.0)
            if b"" in self._index:
                # An empty side is like another empty one, and like nothing else.
                wider = np.zeros((len(rows), rows.shape[1] + 1), np.float32)
                wider[:, :-1] = rows
                wider[self._index[b""], -1] = 1.0
                rows = wider
        except MemoryError as error:
            raise _short(len(numbers)) from error
        self._rows = rows

    def side(self, keys: Sequence[bytes]) -> Side:
        which = np.fromiter((self._index[key] for key in keys), np.int64, len(keys))
        return Side(self._rows, self._numbers, which)


def _require_memory(texts: int) -> None:
    # A model of 1,024 dimensions, its sketch, and what they are made of.
    needed = texts * 4 * 1_300
    if needed > memory().available:
        raise _short(texts)


def _short(texts: int) -> MemoryShort:
    return MemoryShort(
        f"there is not the memory to compare {texts:,} texts",
        hint="close other programs, or remove a source; the vectors are kept",
    )


def _ordered(a: NDArray[np.int64], b: NDArray[np.int64], similarity: NDArray[np.float32]) -> Pairs:
    return Pairs(np.minimum(a, b), np.maximum(a, b), similarity)


def _links(what: LinkWhat, edges: Pairs, places: Sequence[Sequence[int]]) -> list[Link]:
    found = []
    values = np.round(edges.similarity.astype(np.float64), _DIGITS)
    for a, b, value in zip(edges.a.tolist(), edges.b.tolist(), values.tolist(), strict=True):
        one, other = places[a][0], places[b][0]
        found.append(Link(what, min(one, other), max(one, other), min(value, 0.99999)))
    for positions in places:
        found += [Link(what, positions[0], other, 1.0) for other in positions[1:]]
    return found
