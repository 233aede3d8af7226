"""The queue as the screen sees it: a window on SQLite that reads pages as they come in sight."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from engine.models import Card, Filter, QueueRow
from engine.store import Store
from tui.bridge.listing import MANY, Listing, prepared

PAGE = 128
KEPT_PAGES = 32

NO_FILTER = Filter()


class QueuePages:
    """A part of the queue, by rank.

    A page next to one that is known is read by position, which costs the page alone. A
    jump reads counts by block, or the positions of a part that is not counted. The reads are
    those of the event loop: about a millisecond each, however long the queue.

    Args:
        store: The workspace's store.
        filter: Which part of the queue.
        listing: The positions of a part that is not counted, if they were found already.
    """

    def __init__(
        self, store: Store, filter: Filter = NO_FILTER, listing: Listing | None = None
    ) -> None:
        self._store = store
        self.filter = filter
        self._pages: OrderedDict[int, list[QueueRow]] = OrderedDict()
        self._listing = listing or prepared(store, filter)
        # What was just found need not be found again by the first showing.
        self._fresh = self._listing is not None
        self.size = self._counted()

    def _counted(self) -> int:
        if self._listing is not None:
            return len(self._listing.positions)
        return self._store.queue_size(self.filter)

    def reload(self) -> None:
        """Forget what was read: rows came, went, or changed.

        Of a large queue that is not counted by this filter only what was decided is looked at
        anew; what a scan or a check brought comes into sight when the filter is chosen again.
        """
        self._pages.clear()
        again = self._listing is not None and not self._fresh
        if again and self._store.queue_size(NO_FILTER) <= MANY:
            self._listing = prepared(self._store, self.filter)
        self._fresh = False
        self.size = self._counted()

    def next_undecided(self, after: int) -> QueueRow | None:
        """Return the first undecided row after a position."""
        if self._listing is None:
            return self._store.next_undecided(self.filter, after)
        position = self._listing.next_undecided(after)
        while position is not None:
            if rows := self._store.rows_at([position]):
                return rows[0]
            position = self._listing.next_undecided(position)
        return None

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
        if self._listing is not None:
            return self._listing.rank(position)
        return self._store.queue_rank(self.filter, position)

    def update(self, card: Card) -> bool:
        """Take over what a decision or edit changed of one row.

        Returns:
            Whether the rows before and after it stayed; False asks for a redraw of all.
        """
        which = self.filter
        if self._listing is not None:
            if self._listing.knows(card.position) and not card.edited:
                # Its text is what was looked for; a decision changes none of that.
                which = replace(which, text="", tag="", flags=(), languages=())
                which = replace(which, min_quality=None, max_quality=None)
            there = self._store.in_filter(which, card.position)
            undecided = card.state == "undecided"
            if not self._listing.put(card.position, there=there, undecided=undecided):
                self._pages.clear()
                self.size = self._counted()
                return False
        elif which.states or which.edited is not None or which.origins:
            self.reload()  # the row may have left the filter, or come into it
            return False
        for page in self._pages.values():
            for offset, row in enumerate(page):
                if row.position == card.position:
                    if found := self._store.rows_at([card.position]):
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
        if self._listing is not None:
            return self._listed(self._listing, number)
        before = self._pages.get(number - 1)
        if before:
            return self._store.queue_page(self.filter, after=before[-1].position, limit=PAGE)
        after = self._pages.get(number + 1)
        if after:
            return self._store.queue_before(self.filter, before=after[0].position, limit=PAGE)
        return self._store.queue_window(self.filter, number * PAGE, PAGE)

    def _listed(self, listing: Listing, number: int) -> list[QueueRow]:
        """Return a page of a listing; what a scan has removed meanwhile is dropped from it."""
        while True:
            wanted = listing.positions[number * PAGE : (number + 1) * PAGE]
            found = self._store.rows_at(wanted)
            if len(found) == len(wanted):
                return found
            for position in set(wanted) - {row.position for row in found}:
                listing.put(position, there=False, undecided=False)
            self.size = self._counted()
