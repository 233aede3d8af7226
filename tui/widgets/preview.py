"""What a source is, what it would give, or gave, as blocks of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from engine.models import Turn, apart
from tui.widgets.card import turn_blocks
from tui.widgets.numbers import joined_counts
from tui.widgets.textpane import BLANK, Block, text
from tui.widgets.words import counted, kind_label, one_line

if TYPE_CHECKING:
    from engine.extract.scan import ScanReport
    from engine.sources import Detection
    from tui.bridge.reading import Look

UNITS = {
    "vault": ("note", "notes"),
    "conversations": ("chat", "chats"),
    "cache": ("row", "rows"),
    "instructions": ("row", "rows"),
    "memory": ("entry", "entries"),
    "synthetic": ("text", "texts"),
}
"""What the documents of each kind of source are called."""

NOTHING = {
    "vault": "tag a section #reflection, #decision or #learning to have it taken",
}
"""What to do where a source of a kind gives no example."""

SHORTENED = 300
"""Characters of a turn in a first look."""

FIRST_TURNS = 4
"""Turns of a conversation in a first look."""

SURE = 0.7
"""From this confidence on a kind is told as sure."""


def documents_word(kind: str, count: int) -> str:
    """Return a number of documents: ``1,204 notes``."""
    singular, plural = UNITS.get(kind, ("document", "documents"))
    return counted(count, singular, plural)


def report_words(report: ScanReport, kind: str) -> str:
    """Return what a scan found, for the status line."""
    words = [f"{counted(report.examples, 'example')} from {documents_word(kind, report.documents)}"]
    return " · ".join([*words, *change_words(report)])


def round_words(reports: Sequence[ScanReport]) -> str:
    """Return what several sources gave together."""
    examples = sum(report.examples for report in reports)
    words = [f"{counted(len(reports), 'source')} read", counted(examples, "example")]
    for name, word in _CHANGES:
        total = sum(getattr(report, name) for report in reports)
        if total or name == "new":
            words.append(f"{total:,} {word}")
    return " · ".join(words)


_CHANGES = (
    ("new", "new"),
    ("changed", "changed"),
    ("vanished", "gone"),
    ("skipped_count", "skipped"),
)


def change_words(report: ScanReport) -> list[str]:
    """Return what is other than at the scan before, the most important first."""
    words = [
        f"{getattr(report, name):,} {word}"
        for name, word in _CHANGES
        if name == "new" or getattr(report, name)
    ]
    if report.files_kept:
        words.append(f"{counted(report.files_kept, 'file')} unchanged")
    return words


def look_blocks(look: Look, *, more: str, ask: str) -> list[Block]:
    """Return what a place would give: counts, what was skipped so far, and examples.

    Args:
        look: What was seen of it.
        more: What reads all of it, where only a part was read.
        ask: How sections are asked for.
    """
    seen = look.preview
    blocks = [Block(text(one_line(words), "$text-accent")) for words in seen.told]
    blocks += summary_blocks(
        kind=seen.detection.kind,
        documents=seen.documents,
        examples=sum(seen.examples_by_kind.values()),
        kinds=seen.examples_by_kind,
        skipped=seen.skipped_by_code,
        share=look.share,
        sections=seen.more.get("section", 0),
        ask=ask,
    )
    if look.share < 1:
        blocks.append(Block(text(more, "$text-muted")))
    return [*blocks, BLANK, *example_blocks(example.turns for example in seen.first)]


def detection_blocks(found: Detection, others: Sequence[Detection] = ()) -> list[Block]:
    """Return what a place is, how sure that is and why; below, what else it may be."""
    sure = "confident" if found.confidence >= SURE else "perhaps"
    head = Content.assemble(
        (found.kind, "bold $text-success"),
        (f" · {sure} {found.confidence:.2f}", "$text-success"),
        (f" · {one_line(found.why)}", ""),
    )
    return [Block(head), *(Block(_other(other)) for other in others)]


def ambiguous_blocks(found: Sequence[Detection], what_to_do: str) -> list[Block]:
    """Return what a place may be where two kinds are about as likely: a person has to say."""
    lines = [Block(text(f"This may be one of several kinds: {what_to_do}.", "$text-warning"))]
    for one in found:
        words = f" {one.confidence:.2f} · {one_line(one.why)}"
        lines.append(Block(Content.assemble((one.kind, "bold"), (words, ""))))
    return lines


def _other(found: Detection) -> Content:
    words = f"or {found.kind} {found.confidence:.2f} · {one_line(found.why)}"
    return text(words, "$text-muted")


def setting_blocks(options: Mapping[str, str]) -> list[Block]:
    """Return what is set about a source: ``prompt = instruction · answer = output``."""
    parts = [f"{name} = {one_line(value)}" for name, value in options.items() if value]
    return [Block(text(" · ".join(parts), "$text-muted"))] if parts else []


def summary_blocks(
    *,
    kind: str,
    documents: int,
    examples: int,
    kinds: Mapping[str, int],
    skipped: Mapping[str, int],
    share: float = 1.0,
    sections: int = 0,
    ask: str = "",
) -> list[Block]:
    """Return the counts of a source: examples by kind, and what was skipped by reason.

    Args:
        kind: The source's kind.
        documents: How many documents there are.
        examples: How many examples they give.
        kinds: How many examples there are of each kind.
        skipped: How many things were skipped, by code.
        share: How much of the source was read, 0 to 1.
        sections: How many sections would be examples too, if they were asked for.
        ask: How they are asked for.
    """
    head = Content.assemble(
        (counted(examples, "example"), "bold"),
        (f" from {documents_word(kind, documents)}", ""),
        (f", in the first {max(1, int(100 * share))}%" if share < 1 else "", "$text-warning"),
    )
    blocks = [Block(head)]
    if kinds:
        labelled = ((kind_label(name), count) for name, count in kinds.items())
        blocks.append(Block(text(joined_counts(labelled), "$text-muted")))
    if documents and not examples and kind in NOTHING:
        blocks.append(Block(text(NOTHING[kind], "$text-warning")))
    if sections:
        words = f"{counted(sections, 'more section')} on request: {ask}"
        blocks.append(Block(text(words, "$text-muted")))
    unread, left = apart(skipped)
    for codes, words, style in (
        (unread, "skipped", "$text-warning"),
        (left, "read, and left out", "$text-muted"),
    ):
        if codes:
            total = (f"{sum(codes.values()):,} {words}", style)
            reasons = joined_counts(codes.items(), most=6)
            blocks.append(Block(Content.assemble(total, (f": {reasons}", ""))))
    return blocks


def example_blocks(examples: Iterable[Sequence[Turn]]) -> list[Block]:
    """Return the first examples, their turns cut to what a first look needs."""
    blocks: list[Block] = []
    for turns in examples:
        if not blocks:
            blocks.append(Block(text("── first examples ──", "$text-muted")))
        else:
            blocks.append(Block(text("──", "$text-muted")))
        blocks.extend(turn_blocks([_cut(turn) for turn in turns[:FIRST_TURNS]]))
        if len(turns) > FIRST_TURNS:
            more = counted(len(turns) - FIRST_TURNS, "more turn")
            blocks[-1] = Block(text(f"… {more}", "$text-muted"), indent=2)
    return blocks if blocks else [BLANK]


def _cut(turn: Turn) -> Turn:
    if len(turn.content) <= SHORTENED:
        return turn
    return Turn(turn.role, turn.content[:SHORTENED].rstrip() + " …")
