"""An example put together: its turns, where it comes from, and why it was taken."""

from __future__ import annotations

from typing import NamedTuple

from engine.extract.sections import Section
from engine.extract.units import Unit
from engine.models import Document, Example, Provenance, Turn, example_id
from engine.sources.blocks import Block
from engine.sources.dates import date_in


class Grounds(NamedTuple):
    """Why something is taken: its kind, how surely, and what a curator reads."""

    kind: str
    score: float
    reason: str


def date_of(document: Document, section: Section) -> str:
    """Return a section's date: its heading's own, or else the note's."""
    return date_in(section.heading) or document.date


def heading_of(document: Document, section: Section) -> str:
    """Return a section's heading; empty where it only repeats the note's title."""
    repeats = section.level == 1 and section.heading == document.title
    return "" if repeats else section.heading


def lines_of(unit: Unit, part: tuple[Block, ...]) -> tuple[int, int]:
    """Return the indices of the first line of a unit's part and behind its last."""
    first = unit.section.start if part[0] is unit.parts[0] else part[0].line
    if part[-1] is unit.parts[-1]:
        return first, unit.end
    return first, part[-1].line + len(part[-1].lines)


def make_example(
    document: Document,
    section: Section,
    tags: tuple[str, ...],
    lines: tuple[int, int],
    turns: tuple[Turn, Turn],
    grounds: Grounds,
) -> Example:
    """Return an example.

    Args:
        document: The note.
        section: The section that it comes from.
        tags: The section's tags.
        lines: The indices in the body of its first line and behind its last.
        turns: The question and the answer.
        grounds: Why it is taken.
    """
    first, last = lines
    provenance = Provenance(
        source_id=document.source_id,
        path=document.path,
        start_line=document.start_line + first,
        end_line=document.start_line + max(last - 1, first),
        heading=section.heading,
        title=document.title,
        tags=tuple(dict.fromkeys((*document.tags, *tags))) if tags else document.tags,
        date=date_of(document, section),
        content_hash=document.content_hash,
        record=document.record,
    )
    return Example(
        id=example_id(turns),
        kind=grounds.kind,
        turns=turns,
        provenance=provenance,
        score=grounds.score,
        reason=grounds.reason,
        metadata=document.metadata,
    )
