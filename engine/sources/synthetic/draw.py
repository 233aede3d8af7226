"""Choices that look random and are the same on every machine and in every version of Python."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_ROUNDS = 4


def _number(*parts: object) -> int:
    data = "\x1f".join(map(str, parts)).encode("utf-8", "backslashreplace")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


class Draw:
    """A row of choices that depends on its key alone.

    Python promises to keep ``random.random()`` and no more, so a seed would not
    give the same data in a later version.
    """

    def __init__(self, *key: object) -> None:
        self._key = key
        self._drawn = 0

    def below(self, limit: int) -> int:
        """Return a number from 0 up to, not including, ``limit``."""
        self._drawn += 1
        return _number(*self._key, self._drawn) % limit

    def chance(self, percent: int) -> bool:
        """Say yes in so many of a hundred cases."""
        return self.below(100) < percent

    def choose(self, items: Sequence[T]) -> T:
        """Return one of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return the items in another order."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order


def permuted(index: int, size: int, *key: object) -> int:
    """Return where ``index`` goes in a permutation of ``range(size)`` chosen by the key.

    A Feistel network over the next power of four, walked until it falls inside
    (Black and Rogaway 2002): no list of ``size`` numbers is made.
    """
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    while True:
        left, right = index >> half, index & mask
        for turn in range(_ROUNDS):
            left, right = right, left ^ (_number(*key, turn, right) & mask)
        index = left << half | right
        if index < size:
            return index
