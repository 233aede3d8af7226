"""The queue: which part of it is shown, and where in it the cursor stands."""

from __future__ import annotations

from collections.abc import Callable, Set

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from engine.models import Card, Counts, Filter, QueueRow
from engine.store import Store
from tui.bridge.listing import MANY, Listing, prepared
from tui.bridge.queue import NO_FILTER, QueuePages
from tui.bridge.threads import off_loop
from tui.widgets.borders import set_border
from tui.widgets.queue import QueueList, filter_words
from tui.widgets.rows import RowList


class QueuePart(Vertical):
    """A queue with a cursor.

    What the cursor is on is looked up when it is asked for, so that decisions typed ahead
    are each about the example that follows.

    Args:
        store: Where the examples are.
        id: The widget's id.
        classes: Its classes.
    """

    class Moved(Message):
        """The cursor is on another row."""

        def can_replace(self, message: Message) -> bool:
            """Only where the cursor is now is of interest."""
            return isinstance(message, QueuePart.Moved)

    class Opened(Message):
        """The row under the cursor was clicked."""

    rows = getters.query_one(QueueList)

    def __init__(self, store: Store, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._store = store
        self._pages = QueuePages(store)

    def compose(self) -> ComposeResult:
        """The list."""
        yield QueueList()

    # -- what is shown ----------------------------------------------------------------

    @property
    def filter(self) -> Filter:
        """Which part of the queue is shown."""
        return self._pages.filter

    @property
    def narrowed(self) -> bool:
        """Whether a part of the queue is shown, not all."""
        return self.filter != NO_FILTER

    @property
    def count(self) -> int:
        """How many examples are shown."""
        return self._pages.size

    @property
    def cursor(self) -> int:
        """The rank of the row under the cursor; 0 while there is none."""
        return self.rows.cursor

    @property
    def current(self) -> QueueRow | None:
        """The row under the cursor."""
        return self._pages.row(self.rows.cursor)

    def upcoming(self, most: int, look: int = 40) -> list[QueueRow]:
        """Return the next undecided examples after the cursor.

        Args:
            most: How many at most.
            look: How many rows are looked at.
        """
        found: list[QueueRow] = []
        for rank in range(self.cursor + 1, self.cursor + 1 + look):
            row = self._pages.row(rank)
            if row is None or len(found) == most:
                break
            if row.state == "undecided":
                found.append(row)
        return found

    def choose(self, which: Filter, then: Callable[[], None]) -> bool:
        """Choose another part of the queue; nothing happens where it is the present one.

        Args:
            which: The part.
            then: Called when it is chosen; :meth:`reload` then shows it.

        Returns:
            Whether that takes longer than a key may, so that ``then`` is called later. Keys
            that follow are meant for what will be shown, and have to wait until then.
        """
        if which == self.filter:
            return False
        if self._store.is_counted(which) or self._store.queue_size(NO_FILTER) <= MANY:
            self.show(which)
            then()
            return False
        self._find(which, then)
        return True

    @work(group="find", exclusive=True, exit_on_error=False)
    async def _find(self, which: Filter, then: Callable[[], None]) -> None:
        self.show(which, await off_loop(prepared, self._store, which))
        then()

    def show(self, which: Filter, listing: Listing | None = None) -> None:
        """Choose another part of the queue; :meth:`reload` then shows it.

        Args:
            which: The part.
            listing: Its positions, if they were found already.
        """
        if which != self.filter:
            self._pages = QueuePages(self._store, which, listing)

    def reload(self, *, position: int | None = None) -> None:
        """Read the queue anew.

        Args:
            position: The position that the cursor goes to, or the next that is shown; None
                goes to the first undecided example.
        """
        self._pages.reload()
        if position is None:
            row = self._pages.next_undecided(-1)
            position = row.position if row is not None else None
        self.rows.show(self._pages, 0 if position is None else self._pages.rank_of(position))

    def update(self, card: Card) -> None:
        """Show what a decision or an edit changed of an example."""
        here = self.current
        if self._pages.update(card):
            self.rows.repaint(self._pages.rank_of(card.position, self.cursor))
            return
        self.rows.rows_changed()
        if here is not None and here.example_id != card.example.id:
            # Rows came or went above: the cursor stays on its example.
            self.rows.move_to(self._pages.rank_of(here.position, self.cursor))

    def take(self, card: Card, *, several: bool) -> None:
        """Show what a decision or an edit changed, of an example or of several."""
        if several:
            self.refresh_rows()
        else:
            self.update(card)

    def refresh_rows(self) -> None:
        """Show what changed in many rows; the cursor stays on its example, or near it."""
        here = self.current
        self._pages.reload()
        at = self._pages.rank_of(here.position, self.cursor) if here is not None else 0
        self.rows.rows_changed()
        self.rows.move_to(at)

    def show_pending(self, ids: Set[str]) -> None:
        """Mark the examples whose decisions wait to be stored."""
        self.rows.mark_pending(ids)

    def show_title(self, counts: Counts) -> None:
        """Say which part is shown, and of how many examples."""
        words = f"Queue · {filter_words(self.filter)} · {self.count:,}"
        set_border(self, f"{words} of {counts.total:,}" if self.narrowed else words)

    # -- moving -----------------------------------------------------------------------

    def go(self, rows: int) -> None:
        """Move the cursor by rows."""
        self.rows.move(rows)

    def go_pages(self, pages: int) -> None:
        """Move the cursor by pages."""
        self.rows.page(pages)

    def go_first(self) -> None:
        """Go to the first example."""
        self.rows.move_to(0)

    def go_last(self) -> None:
        """Go to the last example."""
        self.rows.move_to(self.count - 1)

    def is_on(self, card: Card) -> bool:
        """Return whether the cursor is on an example."""
        row = self.current
        return row is not None and row.example_id == card.example.id

    def go_undecided(self, after: int = -1, *, but: Set[str] = frozenset()) -> bool:
        """Go to the next undecided example, from the beginning where none follows.

        Args:
            after: The position to begin behind.
            but: Examples to pass over: what was decided on them waits to be stored.

        Returns:
            Whether there is one.
        """
        row = self._next_undecided(after, but) or self._next_undecided(-1, but)
        if row is not None:
            self.rows.move_to(self._pages.rank_of(row.position, self.cursor))
        return row is not None

    def _next_undecided(self, after: int, but: Set[str]) -> QueueRow | None:
        row = self._pages.next_undecided(after)
        while row is not None and row.example_id in but:
            row = self._pages.next_undecided(row.position)
        return row

    def go_to(self, card: Card) -> bool:
        """Go to an example; return False, and stay, where the part shown does not have it."""
        rank = self._pages.rank_of(card.position, self.cursor)
        row = self._pages.row(rank)
        if row is None or row.example_id != card.example.id:
            return False
        self.rows.move_to(rank)
        return True

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.post_message(self.Moved())

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.post_message(self.Opened())
