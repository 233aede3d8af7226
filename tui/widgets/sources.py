"""What a source holds, as blocks of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from engine.models import Source
from engine.paths import shorten
from tui.bridge.sources import Details
from tui.widgets.preview import (
    change_words,
    example_blocks,
    setting_blocks,
    summary_blocks,
)
from tui.widgets.textpane import BLANK, Block, text
from tui.widgets.words import ORIGIN_SIGNS, ago, counted, one_line

if TYPE_CHECKING:
    from engine.extract.scan import ScanReport


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
    scanned = f"scanned {ago(source.scanned_at, now)}" if source.scanned_at else "not scanned yet"
    blocks = [
        Block(
            Content.assemble((source.kind, "bold $text-accent")),
            right=text(scanned, "$text-muted"),
        ),
        Block(text(one_line(shorten(source.root, 200)), "$text-muted")),
        *setting_blocks(source.options),
        BLANK,
    ]
    if not source.scanned_at:
        words = "What it gives is not known yet: s scans it."
        return [*blocks, Block(text(words, "$text-warning"))]
    blocks += summary_blocks(
        kind=source.kind,
        documents=source.documents,
        examples=source.examples,
        kinds=found.kinds,
        skipped=found.skipped,
        sections=found.sections,
        ask="o, then sections in take",
    )
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
