"""A text as the checks for secrets and personal data read it, whatever it was typed with.

Letters are composed (NFC), all kinds of blanks are a space, all kinds of hyphens are ``-``,
full-width letters and digits plain ones,
and characters that nobody sees are left out. Rules look at that view alone; what they find
is mapped back to the characters of the original, with the marks that belong to them.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# White_Space of Unicode without line ends and the tab.
_BLANKS = "\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u202f\u205f\u3000"
_HYPHENS = "\u2010\u2011\ufe63\uff0d"
_DASHES = "\u2012\u2013\u2212"
# Default_Ignorable_Code_Point of Unicode 16 (DerivedCoreProperties.txt).
_HIDDEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_MARKS = "\u0300-\u036f"
_LONGER = re.compile(f"[{_HIDDEN}{_MARKS}]")
_IS_HIDDEN = re.compile(f"[{_HIDDEN}]")
_IS_MARK = re.compile(f"[{_MARKS}]")
# Full-width forms of digits, letters and the signs of addresses and numbers.
_WIDE = "\uff0b\uff0e\uff20" + "".join(
    map(chr, (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B)))
)
_OTHER_SIGN = re.compile(f"[{_BLANKS}{_HYPHENS}{_WIDE}]")
# A dash in a sentence stays; one in a number or a word is a hyphen.
_DASH = re.compile(rf"(?<=\w)[{_DASHES}](?=\w)")
_SIGNS = str.maketrans(
    dict.fromkeys(_BLANKS, " ")
    | dict.fromkeys(_HYPHENS, "-")
    | {wide: chr(ord(wide) - 0xFEE0) for wide in _WIDE}
)
_SPECIAL = re.compile(r"[\x00-\x7f]?[^\x00-\x7f]+")


@dataclass(frozen=True, slots=True)
class View:
    """A text in its normal form, and where its characters are in the original.

    Args:
        text: The normal form.
        starts: Where each of its characters begins in the original; None if at the same place.
        ends: Where each of them ends there; None if one after its place.
    """

    text: str
    starts: list[int] | None = None
    ends: list[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the stretch of the original that a stretch of the view stands for."""
        if self.starts is None or self.ends is None:
            return start, end
        if start >= end:
            at = self.starts[start] if start < len(self.starts) else (self.ends or [0])[-1]
            return at, at
        return self.starts[start], self.ends[end - 1]


def view_of(text: str, *, tabs: bool = False) -> View:
    """Return the view of a text; one that is in its normal form is its own.

    Args:
        text: The text.
        tabs: Whether tabs stay, which part the cells of a table. The places are the same.
    """
    if not tabs:
        text = text.replace("\t", " ")
    if text.isascii():
        return View(text)
    if _LONGER.search(text) is None and unicodedata.is_normalized("NFC", text):
        return View(_signs(text))
    return _composed(text)


def normal_text(text: str) -> str:
    """Return a text in its normal form."""
    return view_of(text).text


def _signs(text: str) -> str:
    """Replace blanks, hyphens and full-width forms, character by character."""
    if _OTHER_SIGN.search(text):
        text = text.translate(_SIGNS)
    return _DASH.sub("-", text)


def _composed(text: str) -> View:
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for match in _SPECIAL.finditer(text):
        if _LONGER.search(match.group()) is None and unicodedata.is_normalized(
            "NFC", match.group()
        ):
            continue
        start, stop = match.span()
        pieces.append(text[done:start])
        starts.extend(range(done, start))
        ends.extend(range(done + 1, start + 1))
        for cluster_start, cluster_end in _clusters(text, start, stop):
            shown = _IS_HIDDEN.sub("", text[cluster_start:cluster_end])
            # A mark that has no composed form belongs to its letter all the same.
            shown = _IS_MARK.sub("", unicodedata.normalize("NFC", shown)) or shown
            pieces.append(shown)
            starts.extend([cluster_start] * len(shown))
            ends.extend([cluster_end] * len(shown))
        done = stop
    pieces.append(text[done:])
    starts.extend(range(done, len(text)))
    ends.extend(range(done + 1, len(text) + 1))
    return View(_signs("".join(pieces)), starts, ends)


def _clusters(text: str, start: int, stop: int) -> list[tuple[int, int]]:
    """Return letters with the marks after them; hidden characters count inside of one alone."""
    found: list[tuple[int, int]] = []
    for at in range(start, stop):
        character = text[at]
        if _IS_HIDDEN.match(character):
            continue
        if found and (unicodedata.combining(character) or "\u1160" <= character <= "\u11ff"):
            found[-1] = found[-1][0], at + 1
        else:
            found.append((at, at + 1))
    return found
