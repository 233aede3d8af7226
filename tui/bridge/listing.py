"""The positions of a part of the queue that nobody counts, such as what a search finds.

Finding them looks at all that the part has, which is done once, in a thread where that is much;
after that a rank, a page or the next undecided one costs next to nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

from engine.models import Filter
from engine.store import Store
from engine.store.facade import MANY

__all__ = ["MANY", "Listing", "prepared"]


class Listing:
    """The positions of a filter's examples, and of those that are undecided.

    Args:
        store: The workspace's store.
        which: The filter.
    """

    def __init__(self, store: Store, which: Filter) -> None:
        self.positions = array("q")
        self._undecided = array("q")
        self._left: set[int] = set()
        for position, undecided in store.queue_listing(which):
            self.positions.append(position)
            if undecided:
                self._undecided.append(position)

    def put(self, position: int, *, there: bool, undecided: bool) -> bool:
        """Take over what became of one example.

        Args:
            position: Where it stands in the queue.
            there: Whether the filter lets it through.
            undecided: Whether nobody has decided on it.

        Returns:
            Whether the rows before and after it stayed.
        """
        _put(self._undecided, position, there and undecided)
        if not _put(self.positions, position, there):
            return True
        (self._left.discard if there else self._left.add)(position)
        return False

    def knows(self, position: int) -> bool:
        """Return whether an example is listed, or was until something was decided on it."""
        return position in self._left or _has(self.positions, position)

    def rank(self, position: int) -> int:
        """Return how many examples come before a position."""
        return bisect_left(self.positions, position)

    def next_undecided(self, after: int) -> int | None:
        """Return the position of the first undecided example after another."""
        at = bisect_right(self._undecided, after)
        return self._undecided[at] if at < len(self._undecided) else None


def _has(numbers: array[int], number: int) -> bool:
    at = bisect_left(numbers, number)
    return at < len(numbers) and numbers[at] == number


def _put(numbers: array[int], number: int, there: bool) -> bool:
    """Put a number into a sorted array or take it out; return whether that changed it."""
    at = bisect_left(numbers, number)
    found = _has(numbers, number)
    if found and not there:
        del numbers[at]
    elif there and not found:
        numbers.insert(at, number)
    return found != there


def prepared(store: Store, which: Filter) -> Listing | None:
    """Return the positions of a filter that needs them, or None."""
    return None if store.is_counted(which) else Listing(store, which)
