"""Examples from conversations and instruction sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.models import HOLLOW, Alternative, Document, Example, Provenance, Turn, example_id

MAX_TURNS = 6
"""The most turns of an example, a system turn not counted."""
MAX_CHARACTERS = 12_000
"""The most characters of an example with its system turn: 3,000 to 4,000 tokens of English.

A window may hold more only where a single exchange does.
"""

HOLLOW_SCORE = 0.2
"""The score of an example with an answer that only speaks of content elsewhere."""


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of turns, its number from 1, and its place among those that aren't the system's."""

    turns: tuple[Turn, ...]
    start: int
    number: int


def extract_dialogue(document: Document) -> list[Example]:
    """Return the examples of a conversation.

    A conversation of up to six turns and 12,000 characters is one example. A longer one is
    cut between exchanges into windows of up to that many that follow each other without
    overlap, so that no answer is trained on twice; each begins with the user and ends with
    the assistant, and the system turn stands before each. Other texts of a turn go with it.
    """
    system = tuple(turn for turn in document.turns if turn.role == "system")
    places = [at for at, turn in enumerate(document.turns) if turn.role != "system"]
    spoken = [document.turns[at] for at in places]
    windows = list(_windows(spoken, MAX_CHARACTERS - sum(len(turn.content) for turn in system)))
    empty = {int(at) for at in document.metadata.get(HOLLOW, "").split()}
    if not document.alternatives and not empty:
        return [_example(document, system, window, (), len(windows)) for window in windows]
    place_of = {at: number for number, at in enumerate(places)}
    examples: list[Example] = []
    for window in windows:
        end = window.start + len(window.turns)
        others = tuple(
            Alternative(len(system) + place_of[other.turn] - window.start, other.content)
            for other in document.alternatives
            if window.start <= place_of.get(other.turn, -1) < end
        )
        example = _example(document, system, window, others, len(windows))
        if empty.intersection(places[window.start : end]):
            reason = f"{example.reason}; an answer speaks of a document or file that is not there"
            example = replace(example, score=HOLLOW_SCORE, reason=reason)
        examples.append(example)
    return examples


def _windows(turns: Sequence[Turn], room: int) -> Iterator[_Window]:
    """Yield windows of whole exchanges: as many as there is room for, at least one."""
    window: list[Turn] = []
    start = size = 0
    number = 1
    for at, exchange in _exchanges(turns):
        length = sum(len(turn.content) for turn in exchange)
        if window and (len(window) + len(exchange) > MAX_TURNS or size + length > room):
            yield _Window(tuple(window), start, number)
            window, size, number = [], 0, number + 1
        if not window:
            start = at
        window += exchange
        size += length
    if window:
        yield _Window(tuple(window), start, number)


def _exchanges(turns: Sequence[Turn]) -> Iterator[tuple[int, Sequence[Turn]]]:
    """Yield each question with all up to its last answer; what was not answered is no exchange."""
    start = 0
    for at, turn in enumerate(turns):
        following = turns[at + 1].role if at + 1 < len(turns) else "user"
        if turn.role == "assistant" and following == "user":
            yield start, turns[start : at + 1]
            start = at + 1


def _example(
    document: Document,
    system: tuple[Turn, ...],
    window: _Window,
    alternatives: tuple[Alternative, ...],
    count: int,
) -> Example:
    turns = (*system, *window.turns)
    asked = sum(turn.role == "user" for turn in turns)
    layout = document.metadata.get("layout", "messages")
    several = asked > 1 or count > 1
    conversation = layout == "messages" and (several or bool(document.title))
    exchanges = f"{asked} exchange" + ("" if asked == 1 else "s")
    part = f", part {window.number} of {count}" if count > 1 else ""
    source = document.metadata.get("format", "") or f"{layout} layout"
    branch = ", another branch" if "branch" in document.metadata else ""
    branch += ", your words answer" if document.metadata.get("learn") == "me" else ""
    provenance = Provenance(
        source_id=document.source_id,
        path=document.path,
        start_line=document.start_line,
        end_line=document.start_line,
        title=document.title,
        tags=document.tags,
        date=document.date,
        content_hash=document.content_hash,
        record=document.record,
    )
    return Example(
        id=example_id(turns),
        kind=document.kind or ("conversation" if conversation else "instruction"),
        turns=turns,
        provenance=provenance,
        score=1.0,
        reason=f"{source}, {exchanges}{part}{branch}",
        metadata={key: document.metadata[key] for key in document.metadata if key != HOLLOW}
        if HOLLOW in document.metadata
        else document.metadata,
        alternatives=alternatives,
    )
