"""What a Chroma database gives whatever its version: collections, and rows of text and metadata."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol, TypeVar

Scalar = str | int | float | bool
Value = Scalar | list[Scalar]

MAX_CHARACTERS = 10_000_000
"""The longest text of a row."""

_TOGETHER = 10
_ENOUGH = 100_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of rows; ``key`` is how its store finds them."""

    name: str
    count: int
    key: str


@dataclass(frozen=True, slots=True)
class Row:
    """One embedded text with its metadata.

    Attributes:
        id: The name that the program gave it.
        document: The text; empty where only its vector was stored.
        metadata: What the program noted about it.
        created: When it was written, as ``YYYY-MM-DD HH:MM:SS``; empty where unknown.
        problem: Code and reason why it can't be read, or None.
    """

    id: str
    document: str
    metadata: Mapping[str, Value]
    created: str = ""
    problem: tuple[str, str] | None = None


def too_large(what: str) -> tuple[str, str]:
    """Return the problem of a row of which something is longer than :data:`MAX_CHARACTERS`."""
    return "too-large", f"{what} is longer than {MAX_CHARACTERS // 1_000_000} million characters"


def shortened(row: Row) -> Row:
    """Return a row of a sample, of which the beginning tells enough."""
    if len(row.document) <= _ENOUGH:
        return row
    return replace(row, document=row.document[:_ENOUGH])


def spread(rows: Iterable[T], count: int, limit: int) -> Iterator[T]:
    """Yield up to ``limit`` of ``count`` rows: some that follow each other, from all over.

    Single ones at even distances might all be questions, where each row is a turn.
    """
    period = max(count // limit, 1) * _TOGETHER
    chosen = (row for number, row in enumerate(rows) if number % period < _TOGETHER)
    return islice(chosen, limit)


class Store(Protocol):
    """An open database."""

    def collections(self) -> Sequence[Collection]:
        """Return the collections, by name."""

    def rows(self, collection: Collection, order: str = "") -> Iterator[Row]:
        """Yield the rows in the order in which they were written.

        Args:
            collection: One of the store's.
            order: A metadata key by whose values the rows come together.
        """

    def sample(self, collection: Collection, limit: int) -> list[Row]:
        """Return up to ``limit`` rows from all over a collection."""
