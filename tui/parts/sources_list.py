"""The list of sources: which there are, which one is meant, and how far a scan of one is."""

from __future__ import annotations

from collections.abc import Sequence

from engine.models import Source
from tui.messages import Scan
from tui.widgets.borders import set_border
from tui.widgets.preview import documents_word
from tui.widgets.rows import Part, RowList
from tui.widgets.words import counted, fit, one_line, short_path

_KIND, _DOCUMENTS, _EXAMPLES = 14, 13, 16
_WIDE = 64
"""From this width on the number of documents has room too."""


class SourceList(RowList):
    """A source a row: kind, place, and what came out of it.

    Posts :class:`RowList.Moved` when another source is meant, :class:`RowList.Chosen` when
    one is clicked twice.
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._sources: tuple[Source, ...] | None = None
        self._scan: Scan | None = None
        self._wanted = ""

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources that are listed."""
        return self._sources or ()

    @property
    def known(self) -> bool:
        """Whether it was told yet which sources there are."""
        return self._sources is not None

    @property
    def source(self) -> Source | None:
        """The source under the cursor."""
        return self.sources[self.cursor] if self.cursor < self.count else None

    @property
    def count(self) -> int:
        """How many sources there are."""
        return len(self.sources)

    def show(self, sources: Sequence[Source]) -> None:
        """List other sources; the cursor stays on its source, or goes to the wanted one."""
        here = self.source
        if tuple(sources) != self._sources:
            self._sources = tuple(sources)
            set_border(self, f"Sources · {len(self._sources):,}")
            self.rows_changed()
        wanted = self._wanted or (here.id if here is not None else "")
        if self._move_to_source(wanted):
            self._wanted = ""

    def go_to(self, source_id: str) -> None:
        """Put the cursor on a source, now or as soon as it is listed."""
        self._wanted = "" if self._move_to_source(source_id) else source_id

    def _move_to_source(self, source_id: str) -> bool:
        for index, source in enumerate(self.sources):
            if source.id == source_id:
                self.move_to(index)
                return True
        return False

    def show_scan(self, scan: Scan | None) -> None:
        """Show how far the source is that is read; only its row is sent."""
        before, self._scan = self._scan, scan
        for index, source in enumerate(self.sources):
            if any(one is not None and one.source.id == source.id for one in (before, scan)):
                self.repaint(index)

    def draw(self, index: int, width: int) -> Sequence[Part]:
        """Return a source's row: the path gets what the columns leave."""
        source = self.sources[index]
        scanned = bool(source.scanned_at)
        wide = width >= _WIDE
        room = max(10, width - _KIND - _EXAMPLES - 1 - (_DOCUMENTS if wide else 0))
        row: list[Part] = [
            (fit(source.kind, _KIND), "accent"),
            (fit(short_path(one_line(source.root), room - 1), room), "row"),
        ]
        if wide:
            documents = documents_word(source.kind, source.documents) if scanned else ""
            row.append((documents.rjust(_DOCUMENTS), "muted"))
        scan = self._scan
        if scan is not None and scan.source.id == source.id:
            percent = f" {scan.percent}%" if scan.percent is not None else " …"
            row.append((f"scanning{percent}".rjust(_EXAMPLES) + " ", "accent"))
            return row
        numbers = counted(source.examples, "example") if scanned else "not scanned"
        row.append((numbers.rjust(_EXAMPLES) + " ", "row" if scanned else "warning"))
        return row
