"""Documents of mappings and lists: how a key leads to a value, and whether nothing else changed.

JSON and TOML are compared as they are read. YAML is compared by its nodes, of which one can be
in several places, and can hold itself; so nothing here follows a pair of nodes twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.export.pointing.form import NoSuchKey, NotThatForm

_MOST_KNOWN = 2_000
_MOST_WAYS = 10_000


class Kind(Protocol):
    """How a document of a form is taken apart."""

    def label(self, node: Any) -> object:
        """Return what a node is, without its children; equal for equal ones."""

    def children(self, node: Any) -> Sequence[Any] | None:
        """Return what is in a node; None for a single value."""

    def names(self, node: Any) -> Sequence[str | None]:
        """Return by which part of a key each child is reached; None for one that is not."""


class Plain:
    """Documents of Python's own values."""

    def label(self, node: Any) -> object:
        """See :class:`Kind`. Values of other types differ, and one NaN is as another."""
        if isinstance(node, dict):
            return ("dict", tuple(node))
        return ("list", len(node)) if isinstance(node, list) else (type(node), repr(node))

    def children(self, node: Any) -> Sequence[Any] | None:
        """See :class:`Kind`."""
        if isinstance(node, dict):
            return list(node.values())
        return node if isinstance(node, list) else None

    def names(self, node: Any) -> Sequence[str | None]:
        """See :class:`Kind`."""
        return list(node) if isinstance(node, dict) else [str(at) for at in range(len(node))]


@dataclass(frozen=True, slots=True)
class Found:
    """A single value: the children that lead to it, by number and by name, and itself."""

    path: tuple[int, ...]
    names: tuple[str, ...]
    node: Any


def find(kind: Kind, document: Any, key: str) -> Found:
    """Return the single value that a key leads to; a part of the key may itself have dots.

    Raises:
        NoSuchKey: Nothing is there.
        NotThatForm: It can be read in two ways, or holds a group of values.
    """
    ways = _ways(kind, document, key.split("."))
    first, second = next(ways, None), next(ways, None)
    if first is None:
        raise NoSuchKey(sorted(_known(kind, document)))
    if second is not None:
        both = " and ".join(" > ".join(map(repr, way.names)) for way in (first, second))
        raise NotThatForm(f"it can be read in two ways: {both}")
    if kind.children(first.node) is not None:
        raise NotThatForm("the key holds a group of values, not a single one")
    return first


def _ways(kind: Kind, document: Any, parts: Sequence[str]) -> Iterator[Found]:
    tried = 0
    waiting: list[tuple[tuple[int, ...], tuple[str, ...], int, Any]] = [((), (), 0, document)]
    while waiting:
        path, names, done, node = waiting.pop()
        tried += 1
        if tried > _MOST_WAYS:
            raise NotThatForm("it can be read in too many ways")
        if done == len(parts):
            yield Found(path, names, node)
            continue
        children = kind.children(node)
        if children is None:
            continue
        # Of a name that is there twice the last one counts.
        places = {name: at for at, name in enumerate(kind.names(node)) if name is not None}
        longest = 1 + max((name.count(".") for name in places), default=-1)
        for count in range(1, min(longest, len(parts) - done) + 1):
            name = ".".join(parts[done : done + count])
            if name in places:
                at = places[name]
                waiting.append(((*path, at), (*names, name), done + count, children[at]))


def _known(kind: Kind, document: Any) -> list[str]:
    """Return the first keys of a document, those of its upper levels before others."""
    known: list[str] = []
    seen: set[int] = set()
    waiting = deque([("", document)])
    while waiting and len(known) < _MOST_KNOWN:
        before, node = waiting.popleft()
        children = kind.children(node)
        if children is None or id(node) in seen:
            continue
        seen.add(id(node))
        for name, child in zip(kind.names(node), children, strict=True):
            if name is not None and len(known) < _MOST_KNOWN:
                known.append(f"{before}.{name}" if before else name)
                waiting.append((known[-1], child))
    return known


def only_changed(
    kind: Kind, old: Any, new: Any, path: Sequence[int], is_new: Callable[[Any], bool]
) -> bool:
    """Say whether two documents are the same but for one value.

    Args:
        kind: How they are taken apart.
        old: The one.
        new: The other.
        path: The children that lead to the value.
        is_new: Says whether the value of the other is what it should be.
    """
    pairs: list[tuple[Any, Any]] = []
    for step in path:
        before, after = kind.children(old), kind.children(new)
        if before is None or after is None or kind.label(old) != kind.label(new):
            return False
        if len(before) != len(after):
            return False
        pairs += [pair for at, pair in enumerate(zip(before, after, strict=True)) if at != step]
        old, new = before[step], after[step]
    return is_new(new) and _same(kind, pairs)


def _same(kind: Kind, pairs: list[tuple[Any, Any]]) -> bool:
    compared: set[tuple[int, int]] = set()
    while pairs:
        first, second = pairs.pop()
        if (id(first), id(second)) in compared:
            continue
        if kind.label(first) != kind.label(second):
            return False
        before, after = kind.children(first), kind.children(second)
        if before is None and after is None:
            continue
        if before is None or after is None or len(before) != len(after):
            return False
        compared.add((id(first), id(second)))
        pairs += zip(before, after, strict=True)
    return True
