"""What a source would give, or gave, as blocks of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from textual.content import Content

from engine.models import Turn
from tui.widgets.card import turn_blocks
from tui.widgets.numbers import joined_counts
from tui.widgets.textpane import BLANK, Block, text
from tui.widgets.words import counted

UNITS = {
    "vault": ("note", "notes"),
    "conversations": ("chat", "chats"),
    "instructions": ("row", "rows"),
}
"""What the documents of each kind are called."""

SHORTENED = 600
"""Characters of a turn in a first look."""


def documents_word(kind: str, count: int) -> str:
    """Return a number of documents: ``1,204 notes``."""
    singular, plural = UNITS.get(kind, ("document", "documents"))
    return counted(count, singular, plural)


def summary_blocks(
    *,
    kind: str,
    documents: int,
    examples: int,
    kinds: Mapping[str, int],
    skipped: Mapping[str, int],
) -> list[Block]:
    """Return the counts of a source: examples by kind, and what was skipped by reason."""
    head = Content.assemble(
        (counted(examples, "example"), "bold"),
        (f" from {documents_word(kind, documents)}", ""),
    )
    blocks = [Block(head)]
    if kinds:
        blocks.append(Block(text(joined_counts(kinds.items()), "$text-muted")))
    total = sum(skipped.values())
    if total:
        reasons = joined_counts(skipped.items(), most=6)
        blocks.append(
            Block(Content.assemble((f"{total:,} skipped", "$text-warning"), (f": {reasons}", "")))
        )
    return blocks


def example_blocks(examples: Iterable[Sequence[Turn]]) -> list[Block]:
    """Return the first examples, their turns cut to what a first look needs."""
    blocks: list[Block] = []
    for turns in examples:
        if not blocks:
            blocks.append(Block(text("── first examples ──", "$text-muted")))
        else:
            blocks.append(Block(text("──", "$text-muted")))
        blocks.extend(turn_blocks([_cut(turn) for turn in turns]))
    return blocks if blocks else [BLANK]


def _cut(turn: Turn) -> Turn:
    if len(turn.content) <= SHORTENED:
        return turn
    return Turn(turn.role, turn.content[:SHORTENED].rstrip() + " …")
