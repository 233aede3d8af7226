"""A stretch of text that is taken for a secret, and the windows in which they are sought."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WINDOW_CHARS = 4000
OVERLAP_CHARS = 1200


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch of text that a rule takes for a secret.

    ``rank`` decides between rules that found the same stretch: the lowest names it.
    """

    start: int
    end: int
    code: str
    score: float
    rank: int


def windows(text: str) -> Iterator[tuple[int, str]]:
    """Yield pieces of a text with their places, cut at line ends where there are any.

    Rules of others may look back and forth over what they are given; in pieces of bounded
    size the whole stays linear in the text's length. A line longer than a piece is cut
    with an overlap, so that a value of up to ``OVERLAP_CHARS`` is whole in one of them.
    """
    if len(text) <= WINDOW_CHARS:
        yield 0, text
        return
    start = 0
    while start < len(text):
        end = start + WINDOW_CHARS
        if end >= len(text):
            yield start, text[start:]
            return
        line_end = text.rfind("\n", start + OVERLAP_CHARS, end)
        yield start, text[start : line_end + 1 if line_end >= 0 else end]
        start = line_end + 1 if line_end >= 0 else end - OVERLAP_CHARS


def merged(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return candidates that don't overlap: those that do become one stretch.

    It gets the name of the rule with the lowest rank.
    """
    result: list[Candidate] = []
    for new in sorted(candidates, key=lambda c: (c.start, -c.end, c.rank, c.code)):
        if not result or new.start >= result[-1].end:
            result.append(new)
            continue
        last = result[-1]
        best = min(last, new, key=lambda c: (c.rank, -c.score, c.code))
        end = max(last.end, new.end)
        result[-1] = Candidate(last.start, end, best.code, max(last.score, new.score), best.rank)
    return result
