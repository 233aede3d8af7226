"""The queue as the screen sees it: a window on SQLite that reads pages as they come in sight."""

from __future__ import annotations

from collections import OrderedDict

from engine.models import Card, Filter, QueueRow
from engine.store import Store

PAGE = 128
KEPT_PAGES = 32

NO_FILTER = Filter()


class QueuePages:
    """A part of the queue, by rank.

    A page next to one that is known is read by position, which costs the page alone;
    only a jump counts rows. The reads are those of the event loop: well under a
    millisecond each.

    Args:
        store: The workspace's store.
        filter: Which part of the queue.
    """

    def __init__(self, store: Store, filter: Filter = NO_FILTER) -> None:
        self._store = store
        self.filter = filter
        self._pages: OrderedDict[int, list[QueueRow]] = OrderedDict()
        self.size = store.queue_size(filter)

    def reload(self) -> None:
        """Forget what was read: rows came, went, or changed."""
        self._pages.clear()
        self.size = self._store.queue_size(self.filter)

    def row(self, rank: int) -> QueueRow | None:
        """Return the row at a rank, or None beyond the end."""
        if not 0 <= rank < self.size:
            return None
        page = self._page(rank // PAGE)
        offset = rank % PAGE
        return page[offset] if offset < len(page) else None

    def rank_of(self, position: int, near: int = 0) -> int:
        """Return the rank of a position, or of the next row where it isn't in the filter.

        Args:
            position: A queue position.
            near: A rank near which it may be, so that a known page answers.
        """
        for number in (near // PAGE, near // PAGE + 1, near // PAGE - 1):
            for offset, row in enumerate(self._pages.get(number, ())):
                if row.position == position:
                    return number * PAGE + offset
        return self._store.queue_rank(self.filter, position)

    def update(self, card: Card) -> bool:
        """Take over what a decision or edit changed of one row.

        Returns:
            Whether the rows before and after it stayed; False asks for a redraw of all.
        """
        which = self.filter
        qualities = (which.min_quality, which.max_quality) != (None, None)
        found_by = which.flags or which.languages or qualities
        decided_by = which.states or which.edited is not None or which.conflict is not None
        if decided_by or which.text or found_by:
            self.reload()  # the row may have left the filter, or come into it
            return False
        for page in self._pages.values():
            for offset, row in enumerate(page):
                if row.position == card.position:
                    found = self._store.queue_page(which, after=card.position - 1, limit=1)
                    if found and found[0].position == card.position:
                        page[offset] = found[0]
                    return True
        return True

    def _page(self, number: int) -> list[QueueRow]:
        page = self._pages.get(number)
        if page is not None:
            self._pages.move_to_end(number)
            return page
        page = self._read(number)
        self._pages[number] = page
        while len(self._pages) > KEPT_PAGES:
            self._pages.popitem(last=False)
        return page

    def _read(self, number: int) -> list[QueueRow]:
        before = self._pages.get(number - 1)
        if before:
            return self._store.queue_page(self.filter, after=before[-1].position, limit=PAGE)
        after = self._pages.get(number + 1)
        if after:
            return self._store.queue_before(self.filter, before=after[0].position, limit=PAGE)
        return self._store.queue_window(self.filter, number * PAGE, PAGE)
