"""How people type: slips of the finger, no capitals, no diacritics, no question mark.

Only a question is ever disturbed. What came from a slot may lose its capitals and the marks
on its letters, but is never misspelt: that would be another name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Literal, get_args

from engine.sources.synthetic.book import Piece
from engine.sources.synthetic.draw import Draw

Noise = Literal["off", "light", "strong"]
LEVELS: tuple[Noise, ...] = get_args(Noise)

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_END = re.compile(r"\s*[?.!…]+\s*$")
_LETTERS_A_SLIP = 14
_MOST_SLIPS = 3


def _neighbours() -> dict[str, str]:
    """Return for each letter those around it; a row is shifted by half a key to the next."""
    around: dict[str, set[str]] = {letter: set() for row in _ROWS for letter in row}
    for number, row in enumerate(_ROWS):
        for at, letter in enumerate(row):
            around[letter].update(row[max(at - 1, 0) : at] + row[at + 1 : at + 2])
            for below in _ROWS[number + 1 : number + 2]:
                for other in below[max(at - 1, 0) : at + 1]:
                    around[letter].add(other)
                    around[other].add(letter)
    return {letter: "".join(sorted(others)) for letter, others in around.items()}


NEIGHBOURS = _neighbours()
"""The letters around a letter on the keyboard."""


def disturb(pieces: Sequence[Piece], level: Noise, draw: Draw) -> tuple[str, tuple[str, ...]]:
    """Return a question as somebody might type it, and what was done to it.

    Args:
        pieces: The question.
        level: "light" does one or two things to most questions, "strong" several to all.
        draw: Decides.

    Returns:
        The text, and the names of what changed it: "typo", "diacritics", "casing",
        "punctuation".
    """
    parts = list(pieces)
    done: list[str] = []
    if level == "off":
        return joined(parts), ()
    share = 40 if level == "light" else 75
    for name, change in _CHANGES:
        if not draw.chance(share):
            continue
        after = change(parts, level, draw)
        if joined(after) and joined(after) != joined(parts):
            parts = after
            done.append(name)
    return joined(parts), tuple(done)


def joined(pieces: Sequence[Piece]) -> str:
    """Return the text of pieces on one line."""
    return " ".join("".join(piece.text for piece in pieces).split())


def _typo(pieces: list[Piece], level: Noise, draw: Draw) -> list[Piece]:
    letters = sum(len(piece.text) for piece in pieces)
    slips = 1 if level == "light" else max(1, min(_MOST_SLIPS, letters // _LETTERS_A_SLIP))
    places = [
        (number, found.start(), found.end())
        for number, piece in enumerate(pieces)
        if not piece.fixed
        for found in _LONG_WORD.finditer(piece.text)
    ]
    after = list(pieces)
    # From the last to the first, so that the places before stay where they are.
    for number, start, end in sorted(draw.shuffled(places)[:slips], reverse=True):
        text = after[number].text
        slipped = text[:start] + _slip(text[start:end], draw) + text[end:]
        after[number] = Piece(slipped, fixed=False)
    return after


def _slip(word: str, draw: Draw) -> str:
    """Return a word with one wrong key; its first letter, by which it is read, stays."""
    at = 1 + draw.below(len(word) - 1)
    how = draw.below(4)
    if how == 0 and at + 1 < len(word) and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if how == 1:
        return word[:at] + word[at + 1 :]
    if how == 2:
        return word[: at + 1] + word[at:]
    letter = word[at]
    near = NEIGHBOURS.get(_bare(letter.lower()), "")
    if not near:
        return word[:at] + word[at + 1 :]
    other = draw.choose(near)
    return word[:at] + (other.upper() if letter.isupper() else other) + word[at + 1 :]


def _diacritics(pieces: list[Piece], level: Noise, draw: Draw) -> list[Piece]:
    return [Piece(_bare(piece.text), piece.fixed) for piece in pieces]


def _bare(text: str) -> str:
    """Return text without the marks on its letters: ă, â and î become a, a and i."""
    apart = unicodedata.normalize("NFD", text)
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def _casing(pieces: list[Piece], level: Noise, draw: Draw) -> list[Piece]:
    how = draw.below(10)
    if level == "strong" and how == 0:
        return [Piece(piece.text.upper(), piece.fixed) for piece in pieces]
    if how < 6:
        return [Piece(piece.text.lower(), piece.fixed) for piece in pieces]
    # The first letter alone.
    first, *rest = pieces
    return [Piece(first.text[:1].lower() + first.text[1:], first.fixed), *rest]


def _punctuation(pieces: list[Piece], level: Noise, draw: Draw) -> list[Piece]:
    ending = ("", "", "", " ?", "..", "??")[draw.below(6 if level == "strong" else 4)]
    after = [
        piece if piece.fixed else Piece(piece.text.replace(",", ""), False) for piece in pieces
    ]
    last = after[-1]
    if not last.fixed:
        asked = "?" in last.text[-2:]
        ending = ending if asked or "?" not in ending else ""
        after[-1] = Piece(_END.sub("", last.text) + ending, fixed=False)
    return after


_CHANGES: tuple[tuple[str, Callable[[list[Piece], Noise, Draw], list[Piece]]], ...] = (
    ("typo", _typo),
    ("diacritics", _diacritics),
    ("casing", _casing),
    ("punctuation", _punctuation),
)
