"""Text for an editor widget, with what would steer the terminal replaced, and back again.

A text area paints the characters that it is given, and takes several of them for
line ends. So control characters go in as their pictures (``␛`` for an escape), and
come out as they were.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import ExampleInvalid

_PICTURES = 0x2400
_DELETE_PICTURE = "␡"
_PLACEHOLDERS = range(0xE000, 0xF8FF)


def _steers(character: str) -> bool:
    # Cc: controls; Cf: bidi and other format characters; Cs: lone surrogates;
    # Zl, Zp: line and paragraph separators.
    if character in "\n\t\u200d\u200c":  # joiners are part of how people write
        return False
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _picture(character: str) -> str | None:
    code = ord(character)
    if code < 0x20:
        return chr(_PICTURES + code)
    return _DELETE_PICTURE if code == 0x7F else None


def pictured(text: str) -> str:
    """Return a text with a picture, or ``�``, for each character that would steer the terminal."""
    if text.isprintable():
        return text
    return "".join(_picture(one) or "�" if _steers(one) else one for one in text)


@dataclass(frozen=True, slots=True)
class Signs:
    """What stands for each character that can't be shown, for a few texts together."""

    table: Mapping[str, str]

    @classmethod
    def of(cls, *texts: str) -> Signs:
        """Choose a sign for each character of the texts that would steer the terminal.

        Raises:
            ExampleInvalid: There are more different ones than signs.
        """
        present = set().union(*texts)
        free = (chr(code) for code in _PLACEHOLDERS if chr(code) not in present)
        table: dict[str, str] = {}
        for character in sorted(filter(_steers, present)):
            sign = _picture(character)
            if sign is None or sign in present:
                sign = next(free, "")
            if not sign:
                raise ExampleInvalid(
                    "the text has too many different control characters",
                    hint="edit it in your own editor with E",
                )
            table[character] = sign
        return cls(table)

    def show(self, text: str) -> str:
        """Return a text as the editor shows it."""
        return text.translate({ord(key): sign for key, sign in self.table.items()})

    def back(self, text: str) -> str:
        """Return an edited text with every sign turned into what it stands for."""
        return text.translate({ord(sign): key for key, sign in self.table.items()})
