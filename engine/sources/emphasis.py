"""Emphasis by CommonMark's rules: which stars and underscores are marks, and which are text.

The rules are those of its chapter "Emphasis and strong emphasis", with one addition that
text without spaces between words needs: Chinese and Japanese letters beside a mark count
as a border, so that ``**重要。**次`` is emphasis as its author meant it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import MutableSequence
from functools import lru_cache

STRUCK = "\x03"
"""Stands for text that its author struck out."""

_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_WIDE = (
    (0x1100, 0x11FF), (0x2E80, 0x9FFF), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF),
    (0xFE30, 0xFE4F), (0xFF00, 0xFFEF), (0x20000, 0x3FFFF),
)  # fmt: skip


class Run:
    """A run of one mark: where it stands among the pieces, and what it may do.

    Attributes:
        index: The number of its piece.
        mark: Its character.
        count: How many of them are not used yet.
        length: How many there were.
        opens: Whether emphasis may begin with it.
        closes: Whether emphasis may end with it.
    """

    __slots__ = ("closes", "count", "index", "length", "mark", "opens")

    def __init__(self, index: int, mark: str, length: int, before: str, after: str) -> None:
        """Say what a run may do by the characters on both sides, a space for a line's ends."""
        self.index = index
        self.mark = mark
        self.count = self.length = length
        spaced, following = before.isspace(), after.isspace()
        signed, sign_follows = _is_sign(before), _is_sign(after)
        left = not following and (not sign_follows or spaced or signed)
        right = not spaced and (not signed or following or sign_follows)
        if mark == "_":
            self.opens = left and (not right or signed)
            self.closes = right and (not left or sign_follows)
        else:
            self.opens = left or (not following and _is_wide(before))
            self.closes = right or (not spaced and _is_wide(after))


@lru_cache(maxsize=4096)
def _is_sign(character: str) -> bool:
    if character < "\x80":
        return character in _PUNCTUATION
    return unicodedata.category(character)[0] in "PS"


def _is_wide(character: str) -> bool:
    if character < "ᄀ":
        return False
    code = ord(character)
    return any(first <= code <= last for first, last in _WIDE)


def take_out(runs: list[Run], pieces: MutableSequence[str], bottom: int = 0) -> None:
    """Take the marks of emphasis out of the pieces of a text, and what is struck out.

    Args:
        runs: The runs in it; those from ``bottom`` on are dealt with and removed.
        pieces: The text in pieces.
        bottom: The first run that counts.
    """
    lowest: dict[tuple[str, bool, int], int] = {}
    at = bottom
    while at < len(runs):
        closer = runs[at]
        if not closer.closes:
            at += 1
            continue
        key = (closer.mark, closer.opens, closer.length % 3)
        opener_at = _opener(runs, at, lowest.get(key, bottom))
        if opener_at < 0:
            # None stands before it, and none before a later one of its kind up to here.
            lowest[key] = at
            if closer.opens:
                at += 1
            else:
                del runs[at]
            continue
        opener = runs[opener_at]
        used = 2 if min(opener.count, closer.count) > 1 else 1
        _use(pieces, opener, closer, used)
        del runs[opener_at + 1 : at]
        at = opener_at + 1
        if not opener.count:
            del runs[opener_at]
            at -= 1
        if not closer.count:
            del runs[at]
    del runs[bottom:]


def _opener(runs: list[Run], at: int, lowest: int) -> int:
    closer = runs[at]
    for number in range(at - 1, lowest - 1, -1):
        run = runs[number]
        if run.mark != closer.mark or not run.opens:
            continue
        both = run.closes or closer.opens
        if both and (run.length + closer.length) % 3 == 0 and run.length % 3 and run.mark in "*_":
            continue
        return number
    return -1


def _use(pieces: MutableSequence[str], opener: Run, closer: Run, used: int) -> None:
    for run in (opener, closer):
        run.count -= used
        pieces[run.index] = run.mark * run.count
    if closer.mark == "~":
        for index in range(opener.index, closer.index):
            pieces[index] = "\n" * pieces[index].count("\n")
        pieces[closer.index] = STRUCK
