"""How alike two instructions are: ROUGE-L (Lin 2004, https://aclanthology.org/W04-1013).

Self-instruct takes a new instruction only if its ROUGE-L with every other is below 0.7.
"""

from __future__ import annotations

import re
from collections import Counter

MAX_TOKENS = 200
"""So many words of a text are compared."""

_TOKEN = re.compile(r"\w+")


def tokens(text: str) -> tuple[str, ...]:
    """Return the words and numbers of a text in lower case."""
    return tuple(_TOKEN.findall(text.casefold())[:MAX_TOKENS])


def rouge_l(first: tuple[str, ...], second: tuple[str, ...]) -> float:
    """Return the F1 of the longest common subsequence, from 0 to 1."""
    if not first or not second:
        return 0.0
    return 2 * _common(first, second) / (len(first) + len(second))


def _common(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    """Return the length of the longest common subsequence.

    Bit-parallel: the bits of one number are the columns of the usual table
    (Hyyrö 2004, "Bit-parallel LCS-length computation revisited").
    """
    places: dict[str, int] = {}
    for at, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << at
    full = (1 << len(first)) - 1
    row = full
    for word in second:
        matches = row & places.get(word, 0)
        row = (row + matches | row - matches) & full
    return len(first) - row.bit_count()


class Pool:
    """Texts that a new one is compared with."""

    def __init__(self) -> None:
        self._texts: list[tuple[tuple[str, ...], Counter[str], str]] = []

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, text: str) -> None:
        """Take a text in."""
        found = tokens(text)
        self._texts.append((found, Counter(found), text))

    def nearest(self, text: str, limit: float) -> tuple[float, str]:
        """Return a text at least as alike as ``limit`` and how alike it is; 0 and empty for none.

        Args:
            text: The new text.
            limit: The ROUGE-L from which on a text counts.
        """
        found = tokens(text)
        bag = Counter(found)
        for other, other_bag, words in self._texts:
            both = len(found) + len(other)
            # No subsequence is longer than the shorter text, nor than the words they share.
            if not both or 2 * min(len(found), len(other)) < limit * both:
                continue
            if 2 * (bag & other_bag).total() < limit * both:
                continue
            likeness = rouge_l(found, other)
            if likeness >= limit:
                return likeness, words
        return 0.0, ""
