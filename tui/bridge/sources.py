"""What the Sources screen asks of the store, off the event loop."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from engine.models import Filter, Skipped, Source, Turn
from engine.store import Store

FIRST_EXAMPLES = 3
PAGE = 200
KEPT_PAGES = 16


@dataclass(frozen=True, slots=True)
class Details:
    """What the right pane shows of a source.

    Attributes:
        kinds: How many examples there are of each kind.
        skipped: How many things were skipped, by code.
        changed: How many examples were decided on and have changed in the source since.
        gone: How many were decided on and are no longer in it.
        first: The first examples.
        sections: How many sections would be examples too, if they were asked for.
    """

    kinds: dict[str, int]
    skipped: dict[str, int]
    changed: int
    gone: int
    first: tuple[tuple[Turn, ...], ...]
    sections: int = 0


def details(store: Store, source: Source) -> Details:
    """Read what the right pane shows.

    Raises:
        SourceMissing: The source was removed meanwhile.
    """
    mine = Filter(source_id=source.id)
    return Details(
        kinds=store.source_kinds(source.id),
        skipped=store.skip_codes(source.id),
        changed=store.queue_size(Filter(source_id=source.id, origins=("changed",))),
        gone=store.queue_size(Filter(source_id=source.id, origins=("gone",))),
        first=tuple(card.turns for card in store.cards(mine, limit=FIRST_EXAMPLES)),
        sections=store.source_sections(source.id),
    )


class SkipPages:
    """What a scan skipped, of one code or of all, read by pages as it comes in sight.

    Args:
        store: The workspace's store.
        numbers: What :meth:`engine.store.Store.skip_numbers` gave.
    """

    def __init__(self, store: Store, numbers: Sequence[int]) -> None:
        self._store = store
        self._numbers = numbers
        self._pages: OrderedDict[int, list[Skipped]] = OrderedDict()

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._numbers)

    def at(self, index: int) -> Skipped | None:
        """Return one; None beyond the end, or where a scan has dropped it since."""
        if not 0 <= index < len(self._numbers):
            return None
        number, offset = divmod(index, PAGE)
        page = self._pages.get(number)
        if page is None:
            page = self._store.skips_at(self._numbers[number * PAGE : (number + 1) * PAGE])
            self._pages[number] = page
            while len(self._pages) > KEPT_PAGES:
                self._pages.popitem(last=False)
        else:
            self._pages.move_to_end(number)
        return page[offset] if offset < len(page) else None
