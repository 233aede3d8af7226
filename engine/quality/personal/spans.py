"""A stretch of text that a rule takes for personal data."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text, what it is, how sure that is, and why."""

    start: int
    end: int
    code: str
    score: float
    reason: str


def words_before(text: str, start: int, pattern: re.Pattern[str], chars: int = 50) -> bool:
    """Return whether a pattern fits shortly before a place, in the same paragraph."""
    begin = max(0, start - chars)
    gap = text.rfind("\n\n", begin, start)
    return pattern.search(text, gap + 2 if gap >= 0 else begin, start) is not None


def words_near(text: str, start: int, end: int, pattern: re.Pattern[str], chars: int = 50) -> bool:
    """Return whether a pattern fits shortly before or right after a stretch."""
    return words_before(text, start, pattern, chars) or (
        pattern.search(text, end, min(len(text), end + chars // 2)) is not None
    )


def without_overlaps(spans: Sequence[Span], order: Sequence[str]) -> list[Span]:
    """Return spans of which no two overlap: the surer stays, then the longer.

    Args:
        spans: What the rules found.
        order: Codes; of two that are as sure and as long the earlier stays.
    """
    rank = {code: place for place, code in enumerate(order)}
    taken: list[Span] = []
    by_worth = sorted(
        spans, key=lambda s: (-s.score, s.start - s.end, rank.get(s.code, len(rank)), s.start)
    )
    # Kept sorted by start, so that a megabyte full of numbers stays quick.
    starts: list[int] = []
    for span in by_worth:
        place = bisect_left(starts, span.start)
        if place and taken[place - 1].end > span.start:
            continue
        if place < len(taken) and taken[place].start < span.end:
            continue
        starts.insert(place, span.start)
        taken.insert(place, span)
    return taken


def around(
    text: str, pattern: re.Pattern[str], before: int, after: int
) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a text around what a pattern fits, joined where they meet.

    Costly rules look there alone. A stretch ends at a space, or a little further on where
    there is none.
    """
    start = end = -1
    for match in pattern.finditer(text):
        new_start = max(0, match.start() - before)
        new_end = match.end() + after
        space = text.find(" ", new_end, new_end + after)
        new_end = min(len(text), space if space >= 0 else new_end + after)
        if start < 0:
            start, end = new_start, new_end
        elif new_start <= end:
            end = max(end, new_end)
        else:
            yield start, end
            start, end = new_start, new_end
    if start >= 0:
        yield start, end
