"""Examples from conversations and instruction sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.models import Document, Example, Provenance, Turn, example_id

MAX_TURNS = 6
"""The most turns of an example, a system turn not counted."""


def extract_dialogue(document: Document) -> list[Example]:
    """Return the examples of a conversation.

    A conversation of up to six turns is one example. A longer one is cut into
    windows of up to six turns that follow each other without overlap, so that no
    answer is trained on twice; each begins with the user and ends with the
    assistant, and the system turn stands before each.
    """
    system = tuple(turn for turn in document.turns if turn.role == "system")
    spoken = [turn for turn in document.turns if turn.role != "system"]
    windows = list(_windows(spoken))
    return [
        _example(document, (*system, *window), number, len(windows))
        for number, window in enumerate(windows, 1)
    ]


def _windows(turns: Sequence[Turn]) -> Iterator[tuple[Turn, ...]]:
    start = 0
    while start < len(turns):
        end = min(start + MAX_TURNS, len(turns))
        while end > start and turns[end - 1].role != "assistant":
            end -= 1
        if end == start:
            return
        yield tuple(turns[start:end])
        start = end


def _example(document: Document, turns: tuple[Turn, ...], number: int, count: int) -> Example:
    asked = sum(turn.role == "user" for turn in turns)
    layout = document.metadata.get("layout", "messages")
    conversation = layout == "messages" and (asked > 1 or count > 1 or bool(document.title))
    kind = "conversation" if conversation else "instruction"
    exchanges = f"{asked} exchange" + ("" if asked == 1 else "s")
    window = f", part {number} of {count}" if count > 1 else ""
    provenance = Provenance(
        source_id=document.source_id,
        path=document.path,
        start_line=document.start_line,
        end_line=document.start_line,
        title=document.title,
        tags=document.tags,
        date=document.date,
        content_hash=document.content_hash,
    )
    return Example(
        id=example_id(turns),
        kind=kind,
        turns=turns,
        provenance=provenance,
        score=1.0,
        reason=f"{layout} layout, {exchanges}{window}",
        metadata=document.metadata,
    )
