"""A run's name as a person wrote it, as a file's name, and in letters that every program takes."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 80
# A file's name has at most 255 bytes, with its quantisation and what a temporary name adds.
_LONGEST_BYTES = 180
# Letters of the Latin script that Unicode doesn't take apart.
_BASE_LETTERS = str.maketrans(
    {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ø": "o", "Ø": "O", "ħ": "h"}
    | {"Ħ": "H", "ı": "i", "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE"}
    | {"þ": "th", "Þ": "Th"}
)


def readable(text: str) -> str:
    """Return a text unchanged, without what can't be shown and blanks around it."""
    return "".join(letter for letter in text if letter.isprintable()).strip()


def as_name(text: str) -> str:
    """Return a text as a file's name: letters and digits of any script, ``.``, ``-`` and ``_``.

    Letters are composed (NFC), so that one name is one sequence of bytes. It begins and ends with
    none of the three; empty where there is neither letter nor digit.
    """
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(letter if _is_kept(letter) else " " for letter in composed)
    name = _trimmed(re.sub(r" +", "-", kept))[:_LONGEST]
    while len(name.encode("utf-8", "replace")) > _LONGEST_BYTES:
        name = name[:-1]
    return _trimmed(name)


def base_letters(text: str) -> tuple[str, bool]:
    """Return a text with base letters in place of accented ones, and whether that says all of it.

    Letters and digits that have no base among ASCII's stay.
    """
    apart = unicodedata.normalize("NFKD", text.translate(_BASE_LETTERS))
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return plain, all(letter.isascii() for letter in plain if letter.isalnum())


def _is_kept(letter: str) -> bool:
    # Marks are parts of letters in many scripts.
    return letter in "._-" or unicodedata.category(letter)[0] in "LNM"


def _trimmed(name: str) -> str:
    name = name.strip("-._")
    # A mark has to stand on a letter.
    while name and unicodedata.category(name[0])[0] == "M":
        name = name[1:].lstrip("-._")
    return name
