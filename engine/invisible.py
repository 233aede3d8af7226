"""Characters that nobody sees, and where they belong all the same.

What is hidden follows Unicode's properties: Default_Ignorable_Code_Point (which has
Bidi_Control, the variation selectors and the tag characters in it) of
``DerivedCoreProperties.txt``, the general categories of controls, format characters, line and
paragraph separators, surrogates, private use and unassigned code points, and the two blanks
that are no white space. Of the format characters those with Prepended_Concatenation_Mark have
a glyph of their own.

Where such a character changes what is drawn it is left alone: joiners inside an emoji
(Unicode Technical Standard 51, ED-16) and where a script needs them (RFC 5892, appendix A),
selectors behind what they select, the tags of the three flags that have some.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

# The ranges are those of Unicode 17.
_IGNORABLE = (
    "AD 34F 61C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F "
    "FEFF FFA0 FFF0-FFF8 1BCA0-1BCA3 1D173-1D17A E0000-E0FFF"
)
_BLANK = "2800 1D159"  # Braille without a dot, a note without a head
_WITH_GLYPH = "600-605 6DD 70F 890-891 8E2 110BD 110CD"
_PICTOGRAPHIC = (
    "A9 AE 203C 2049 2122 2139 2194-2199 21A9-21AA 231A-231B 2328 23CF 23E9-23F3 23F8-23FA "
    "24C2 25AA-25AB 25B6 25C0 25FB-25FE 2600-2604 260E 2611 2614-2615 2618 261D 2620 2622-2623 "
    "2626 262A 262E-262F 2638-263A 2640 2642 2648-2653 265F-2660 2663 2665-2666 2668 267B "
    "267E-267F 2692-2697 2699 269B-269C 26A0-26A1 26A7 26AA-26AB 26B0-26B1 26BD-26BE 26C4-26C5 "
    "26C8 26CE-26CF 26D1 26D3-26D4 26E9-26EA 26F0-26F5 26F7-26FA 26FD 2702 2705 2708-270D 270F "
    "2712 2714 2716 271D 2721 2728 2733-2734 2744 2747 274C 274E 2753-2755 2757 2763-2764 "
    "2795-2797 27A1 27B0 27BF 2934-2935 2B05-2B07 2B1B-2B1C 2B50 2B55 3030 303D 3297 3299 1F004 "
    "1F02C-1F02F 1F094-1F09F 1F0AF-1F0B0 1F0C0 1F0CF-1F0D0 1F0F6-1F0FF 1F170-1F171 1F17E-1F17F "
    "1F18E 1F191-1F19A 1F1AF-1F1E5 1F201-1F20F 1F21A 1F22F 1F232-1F23A 1F23C-1F23F 1F249-1F25F "
    "1F266-1F321 1F324-1F393 1F396-1F397 1F399-1F39B 1F39E-1F3F0 1F3F3-1F3F5 1F3F7-1F3FA "
    "1F400-1F4FD 1F4FF-1F53D 1F549-1F54E 1F550-1F567 1F56F-1F570 1F573-1F57A 1F587 1F58A-1F58D "
    "1F590 1F595-1F596 1F5A4-1F5A5 1F5A8 1F5B1-1F5B2 1F5BC 1F5C2-1F5C4 1F5D1-1F5D3 1F5DC-1F5DE "
    "1F5E1 1F5E3 1F5E8 1F5EF 1F5F3 1F5FA-1F64F 1F680-1F6C5 1F6CB-1F6D2 1F6D5-1F6E5 1F6E9 "
    "1F6EB-1F6F0 1F6F3-1F6FF 1F7DC-1F7F0 1F80C-1F80F 1F848-1F84F 1F85A-1F85F 1F888-1F88F "
    "1F8AE-1F8AF 1F8BC-1F8BF 1F8C2-1F8CF 1F8D9-1F8FF 1F90C-1F93A 1F93C-1F945 1F947-1F9FF "
    "1FA58-1FA5F 1FA6E-1FAFF 1FC00-1FFFD"
)

ZWNJ, ZWJ = "\u200c", "\u200d"
_TEXT, _EMOJI = "\ufe0e", "\ufe0f"
_KEYCAP = "\u20e3"
_SCRIPTS = (
    "ARABIC SYRIAC MANDAIC NKO MONGOLIAN ADLAM DEVANAGARI BENGALI GURMUKHI GUJARATI ORIYA TAMIL "
    "TELUGU KANNADA MALAYALAM SINHALA KHMER MYANMAR TIBETAN LIMBU BALINESE JAVANESE"
)
_JOINED = frozenset(_SCRIPTS.split())
"""Scripts whose letters take other forms beside a joiner, as their characters' names begin."""

_FLAGS = tuple(
    "".join(chr(0xE0000 + ord(letter)) for letter in name) + "\U000e007f"
    for name in ("gbeng", "gbsct", "gbwls")
)
_FLAG = "\U0001f3f4"
_FLAG_LENGTH = 6

SOME = 8
"""Of more different ones in a row the first are named, and their number is told."""


class _Ranges:
    """A set of code points as sorted ranges."""

    def __init__(self, words: str) -> None:
        pairs = [word.split("-") for word in words.split()]
        self._starts = [int(pair[0], 16) for pair in pairs]
        self._ends = [int(pair[-1], 16) for pair in pairs]

    def __contains__(self, code: int) -> bool:
        at = bisect_right(self._starts, code) - 1
        return at >= 0 and code <= self._ends[at]


_ignorable, _blank, _with_glyph = _Ranges(_IGNORABLE), _Ranges(_BLANK), _Ranges(_WITH_GLYPH)
_pictographic = _Ranges(_PICTOGRAPHIC)


@dataclass(frozen=True, slots=True)
class Mark:
    """Hidden characters in a text, and what is shown in their place.

    Attributes:
        start: Where they begin.
        end: Where they end.
        shown: What is shown.
    """

    start: int
    end: int
    shown: str


@lru_cache(maxsize=4096)
def hidden(character: str) -> bool:
    """Return whether a character has no glyph, wherever it stands; line ends and tabs aside."""
    if character in "\n\t":
        return False
    code = ord(character)
    if code in _ignorable or code in _blank:
        return True
    category = unicodedata.category(character)
    if category == "Cf":
        return code not in _with_glyph
    if category == "Cn":  # what is kept for emoji is drawn by newer fonts
        return code not in _pictographic
    return category in ("Cc", "Zl", "Zp", "Cs", "Co")


def is_blank(text: str) -> bool:
    """Return whether nothing is said in a text: all of it is white space or has no width."""
    return all(character.isspace() or _unseen(character) for character in text)


def _unseen(character: str) -> bool:
    code = ord(character)
    if code in _ignorable or code in _blank:
        return True
    return unicodedata.category(character) == "Cf" and code not in _with_glyph


def marks(text: str) -> list[Mark]:
    """Return the hidden characters of a text that change nothing that is drawn, in order."""
    suspects = "".join(filter(hidden, set(text)))
    if not suspects:
        return []
    found = [
        match.start()
        for match in re.finditer(f"[{re.escape(suspects)}]", text)
        if not _meaningful(text, match.start())
    ]
    return [
        Mark(start, end, shown)
        for first, last in _runs(found)
        for start, end, shown in _shown(text, first, last)
    ]


def names(text: str) -> list[str]:
    """Return what is hidden in a text, by name: ``U+200B zero width space ×3``."""
    counts: Counter[str] = Counter()
    for mark in marks(text):
        for character in text[mark.start : mark.end]:
            tag = 0xE0020 <= ord(character) <= 0xE007F
            name = "tag characters" if tag else unicodedata.name(character, "").lower()
            counts[name if tag else f"U+{ord(character):04X} {name}".rstrip()] += 1
    return [name if count == 1 else f"{name} ×{count}" for name, count in counts.items()]


def _runs(places: list[int]) -> Iterator[tuple[int, int]]:
    """Yield where places that follow one another begin and end."""
    start = 0
    for at in range(1, len(places) + 1):
        if at == len(places) or places[at] != places[at - 1] + 1:
            yield places[start], places[at - 1] + 1
            start = at


def _shown(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield the parts of a run: controls each for itself, others together."""
    begin = start
    for at in range(start, end + 1):
        escaped = _escaped(text[at]) if at < end else ""
        if at < end and not escaped:
            continue
        if begin < at:
            yield begin, at, _named(text[begin:at])
        if escaped:
            yield at, at + 1, escaped
        begin = at + 1


def _escaped(character: str) -> str:
    r"""Return ``\x1b`` for a control, ``\u202e`` for a direction or surrogate, or nothing.

    A byte of a name that is not UTF-8, which Python keeps as a surrogate, is shown as that byte.
    """
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or 0x7F <= code <= 0x9F:
        return f"\\x{code:02x}"
    bidi = code == 0x61C or 0x200E <= code <= 0x200F or 0x202A <= code <= 0x202E
    if bidi or 0x2066 <= code <= 0x2069 or 0xD800 <= code <= 0xDFFF:
        return f"\\u{code:04x}"
    return ""


def _named(run: str) -> str:
    if all(0xE0020 <= ord(one) <= 0xE007E for one in run):
        return f"‹TAG {''.join(chr(ord(one) - 0xE0000) for one in run)}›"
    codes = [f"U+{ord(one):04X}" for one in run]
    if len(run) > 1 and len(set(run)) == 1:
        return f"‹{codes[0]} ×{len(run)}›"
    if len(run) > SOME:
        return f"‹{' '.join(codes[:3])} … {len(run)} invisible characters›"
    return f"‹{' '.join(codes)}›"


def _meaningful(text: str, at: int) -> bool:
    """Return whether a hidden character changes how its neighbours are drawn."""
    one = text[at]
    before = text[at - 1] if at else ""
    after = text[at + 1 : at + 2]
    code = ord(one)
    if not before:
        return False
    if one == ZWJ and _is_pictographic(after) and _ends_emoji(text, at):
        return True
    if one in (ZWJ, ZWNJ):
        return unicodedata.combining(before) == 9 or _joins(before, after)
    if one in (_TEXT, _EMOJI):
        keycap = before in "#*0123456789" and after == _KEYCAP
        return keycap or _is_pictographic(before)
    if 0x180B <= code <= 0x180F:
        return 0x1820 <= ord(before) <= 0x18AA
    if 0xFE00 <= code <= 0xFE02 or 0xE0100 <= code <= 0xE01EF:
        return unicodedata.name(before, "").startswith("CJK ")
    return 0xE0020 <= code <= 0xE007F and _in_flag(text, at)


def _is_pictographic(character: str) -> bool:
    return character != "" and ord(character) in _pictographic


def _ends_emoji(text: str, at: int) -> bool:
    """Return whether an emoji ends before a place: with its selector, or its skin tone."""
    before = text[at - 1]
    if before == _EMOJI or 0x1F3FB <= ord(before) <= 0x1F3FF:
        return at > 1 and _is_pictographic(text[at - 2])
    return _is_pictographic(before)


def _joins(before: str, after: str) -> bool:
    """Return whether both are letters or marks of one script whose letters join."""
    if not after or any(unicodedata.category(one)[0] not in "LM" for one in (before, after)):
        return False
    scripts = {unicodedata.name(one, "").partition(" ")[0] for one in (before, after)}
    return len(scripts) == 1 and scripts <= _JOINED


def _in_flag(text: str, at: int) -> bool:
    start = text.rfind(_FLAG, max(0, at - _FLAG_LENGTH), at)
    return start >= 0 and text[start + 1 : start + 1 + _FLAG_LENGTH] in _FLAGS
