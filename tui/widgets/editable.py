"""Text for an editor widget, with what nobody would see replaced, and back again.

A text area paints the characters that it is given, and takes several of them for
line ends. So control characters go in as their pictures (``␛`` for an escape), what is hidden
as signs that are seen (``①``; tag characters as the letters that they hide, ``ⓐ``), and all
come out as they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.errors import ExampleInvalid
from engine.invisible import marks

_PICTURES = 0x2400
_DELETE_PICTURE = "␡"
_SIGNS = (*range(0x2460, 0x2474), *range(0x2776, 0x2794), *range(0x2580, 0x25A0))
_PLACEHOLDERS = range(0xE000, 0xF8FF)
_TAGS = 0xE0000


def _hidden_in(text: str) -> set[str]:
    """Return the characters of a text that nobody would see where they stand."""
    return {one for mark in marks(text) for one in text[mark.start : mark.end]}


def _picture(character: str) -> str | None:
    code = ord(character)
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == 0x7F:
        return _DELETE_PICTURE
    letter = chr(code - _TAGS) if _TAGS + 0x20 <= code < _TAGS + 0x7F else ""
    if letter.isupper():
        return chr(0x24B6 + ord(letter) - ord("A"))
    return chr(0x24D0 + ord(letter) - ord("a")) if letter.islower() else None


def pictured(text: str) -> str:
    """Return a text with a picture, or ``�``, for each character that nobody would see."""
    found = list(marks(text))
    if not found:
        return text
    shown = list(text)
    for mark in found:
        for at in range(mark.start, mark.end):
            shown[at] = _picture(text[at]) or "�"
    return "".join(shown)


@dataclass(frozen=True, slots=True)
class Signs:
    """What stands for each character that can't be shown, for a few texts together."""

    table: Mapping[str, str]

    @classmethod
    def of(cls, *texts: str) -> Signs:
        """Choose a sign for each character of the texts that nobody would see.

        Raises:
            ExampleInvalid: There are more different ones than signs.
        """
        present = set().union(*texts)
        free = _free(present)
        taken: set[str] = set()
        table: dict[str, str] = {}
        for character in sorted(set().union(*map(_hidden_in, texts))):
            sign = _picture(character)
            if sign is None or sign in present or sign in taken:
                sign = next(free, "")
            if not sign:
                raise ExampleInvalid(
                    "the text has too many different control characters",
                    hint="edit it in your own editor with E",
                )
            taken.add(sign)
            table[character] = sign
        return cls(table)

    def show(self, text: str) -> str:
        """Return a text as the editor shows it."""
        return text.translate({ord(key): sign for key, sign in self.table.items()})

    def back(self, text: str) -> str:
        """Return an edited text with every sign turned into what it stands for."""
        return text.translate({ord(sign): key for key, sign in self.table.items()})


def _free(present: set[str]) -> Iterator[str]:
    codes = (*_SIGNS, *_PLACEHOLDERS)
    return (chr(code) for code in codes if chr(code) not in present)
