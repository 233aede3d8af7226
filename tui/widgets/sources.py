"""The list of sources."""

from __future__ import annotations

from collections.abc import Sequence

from engine.models import Source
from engine.paths import shorten
from tui.widgets.preview import documents_word
from tui.widgets.rows import Part, RowList
from tui.widgets.words import fit, one_line

_KIND, _DOCUMENTS, _EXAMPLES = 14, 13, 16
_WIDE = 64
"""From this width on the number of documents has room too."""


class SourceRows(RowList):
    """A source a row: kind, place, and what came out of it."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._sources: tuple[Source, ...] = ()

    @property
    def count(self) -> int:
        """How many sources there are."""
        return len(self._sources)

    def show(self, sources: Sequence[Source]) -> None:
        """Show other sources; the same again cost nothing."""
        if tuple(sources) != self._sources:
            self._sources = tuple(sources)
            self.rows_changed()

    def draw(self, index: int, width: int) -> Sequence[Part]:
        """Return a source's row: the path gets what the columns leave."""
        source = self._sources[index]
        scanned = bool(source.scanned_at)
        wide = width >= _WIDE
        room = max(10, width - _KIND - _EXAMPLES - 1 - (_DOCUMENTS if wide else 0))
        row: list[Part] = [
            (fit(source.kind, _KIND), "accent"),
            (fit(one_line(shorten(source.root, room - 1)), room), "row"),
        ]
        if wide:
            documents = documents_word(source.kind, source.documents) if scanned else ""
            row.append((documents.rjust(_DOCUMENTS), "muted"))
        numbers = f"{source.examples:,} examples" if scanned else "not scanned"
        row.append((numbers.rjust(_EXAMPLES) + " ", "row" if scanned else "warning"))
        return row
