"""The words of a text as they are meant, with the ends of its sentences."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from engine.quality.safety.words import Word

Placed = tuple[int, Word]
"""Where a run without spaces begins, and a word in it."""

STOP = "."
"""The word that stands for the end of a sentence."""
_STOPS = (".", "!", "?", ";", "\n", "…", ":")
_CLOSED = ('"', "”", "»")


class Said:
    """The words of a text as they are meant, with their sentences.

    Attributes:
        words: Folded words; a full stop stands for the end of a sentence.
        starts: Where each begins in the text.
        ends: Where each ends.
    """

    __slots__ = ("ends", "starts", "text", "words")

    def __init__(self, text: str, found: Sequence[Placed]) -> None:
        self.text = text
        self.words: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        at = 0
        while at < len(found):
            start = found[at][0]
            past = at + 1
            while past < len(found) and found[past][0] == start and start <= self._end(found[past]):
                past += 1
            chunk = found[at:past]
            # What was hidden stands last, as one word for all of the piece.
            hidden = chunk[-1][1].disguised and len(chunk[-1][1].forms[0]) > 2
            for placed in chunk[-1:] if hidden else chunk:
                self._add(placed)
            at = past

    @staticmethod
    def _end(placed: Placed) -> int:
        return placed[0] + placed[1].end

    def _add(self, placed: Placed) -> None:
        start, word = placed
        self.words.append(word.forms[0])
        self.starts.append(start + word.start)
        self.ends.append(start + word.end)
        follows = self.text[start + word.end : start + word.end + 3]
        closed = follows[:1] in _CLOSED and follows != ""
        if closed or follows.lstrip("'’)*_")[:1] in _STOPS:
            self.words.append(STOP)
            self.starts.append(start + word.end)
            self.ends.append(start + word.end + 1)

    def place(self, offset: int) -> int:
        """Return which word stands at an offset of the text, or before it."""
        return max(0, bisect_right(self.starts, offset) - 1)
