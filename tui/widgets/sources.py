"""The list of sources, and what one of them holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from engine.models import Source
from engine.paths import shorten
from tui.bridge.sources import Details
from tui.messages import Scan
from tui.widgets.preview import (
    change_words,
    documents_word,
    example_blocks,
    setting_blocks,
    summary_blocks,
)
from tui.widgets.rows import Part, RowList
from tui.widgets.textpane import BLANK, Block, text
from tui.widgets.words import ORIGIN_SIGNS, ago, counted, fit, one_line

if TYPE_CHECKING:
    from engine.extract.scan import ScanReport

_KIND, _DOCUMENTS, _EXAMPLES = 14, 13, 16
_WIDE = 64
"""From this width on the number of documents has room too."""


class SourceRows(RowList):
    """A source a row: kind, place, and what came out of it."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._sources: tuple[Source, ...] = ()
        self._scan: Scan | None = None

    @property
    def count(self) -> int:
        """How many sources there are."""
        return len(self._sources)

    def show(self, sources: Sequence[Source]) -> None:
        """Show other sources; the same again cost nothing."""
        if tuple(sources) != self._sources:
            self._sources = tuple(sources)
            self.rows_changed()

    def show_scan(self, scan: Scan | None) -> None:
        """Show how far the source is that is read; only its row is sent."""
        before, self._scan = self._scan, scan
        for index, source in enumerate(self._sources):
            if any(one is not None and one.source.id == source.id for one in (before, scan)):
                self.repaint(index)

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
        scan = self._scan
        if scan is not None and scan.source.id == source.id:
            percent = f" {scan.percent}%" if scan.percent is not None else " …"
            row.append((f"scanning{percent}".rjust(_EXAMPLES) + " ", "accent"))
            return row
        numbers = counted(source.examples, "example") if scanned else "not scanned"
        row.append((numbers.rjust(_EXAMPLES) + " ", "row" if scanned else "warning"))
        return row


def source_blocks(
    source: Source, found: Details, report: ScanReport | None, now: float
) -> list[Block]:
    """Return what a source is, what is set about it, what it holds, and what changed.

    Args:
        source: The source.
        found: What the store has of it.
        report: What the last scan found, if that was since the app was opened.
        now: Seconds since the epoch.
    """
    scanned = "not scanned yet: s reads it"
    if source.scanned_at:
        scanned = f"scanned {ago(source.scanned_at, now)}"
    blocks = [
        Block(
            Content.assemble((source.kind, "bold $text-accent")),
            right=text(scanned, "$text-muted"),
        ),
        Block(text(one_line(shorten(source.root, 200)), "$text-muted")),
        *setting_blocks(source.options),
        BLANK,
        *summary_blocks(
            kind=source.kind,
            documents=source.documents,
            examples=source.examples,
            kinds=found.kinds,
            skipped=found.skipped,
        ),
    ]
    if report is not None:
        words = " · ".join(change_words(report))
        blocks.append(Block(text(f"this scan: {words}", "$text-muted")))
    blocks += _origin_blocks(found)
    return [*blocks, BLANK, *example_blocks(found.first)]


def _origin_blocks(found: Details) -> list[Block]:
    """Say how many examples were decided on and are other, or no more, in the source."""
    blocks = []
    if found.changed:
        words = f"{counted(found.changed, 'example')} that you decided on changed here since"
        blocks.append(_marked(ORIGIN_SIGNS["changed"], words))
    if found.gone:
        words = f"{counted(found.gone, 'example')} that you decided on {_is(found.gone)} gone here"
        blocks.append(_marked(ORIGIN_SIGNS["gone"], words))
    return blocks


def _marked(sign: str, words: str) -> Block:
    return Block(Content.assemble((f"{sign} ", "$text-warning"), (words, "")))


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
