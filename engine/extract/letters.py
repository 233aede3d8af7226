"""The words of a text, folded: lower case, without diacritics.

Every table of words in :mod:`engine.extract.languages` is folded in the same way, so that
what is compared is always of one form.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_FOREIGN = re.compile(r"[^\x00-\x7f]+")


def fold(text: str) -> str:
    """Return text in lower case without diacritics; ß becomes ss, curly apostrophes straight."""
    if text.isascii():
        return text.lower()
    return _FOREIGN.sub(lambda match: _folded(match[0]), text.lower())


@lru_cache(maxsize=4096)
def _folded(run: str) -> str:
    decomposed = unicodedata.normalize("NFKD", run.casefold())
    folded = "".join(character for character in decomposed if not unicodedata.combining(character))
    return folded.replace("\u2019", "'")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a table that is written as text."""
    return frozenset(text.split())


_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SPLIT = "\x1f"
_INSIDE = f"'-{_SPLIT}"
# The characters that most notes in Latin script are written with, each as one byte.
_FOREIGN_SIGNS = "“”„«»‘‚‹›—–…•·→←↔⇒✓✗×÷±≤≥≠≈°©®€£¥§¶\u00a0\u200b¿¡"
_FOREIGN_LETTERS = "àáâãäåăąçćčďèéêëęěìíîïłñńňòóôõöőøřśșşšťțţùúûüűůýžźż"
_BYTES = "".join(map(chr, range(128))) + "’" + _FOREIGN_SIGNS + _FOREIGN_LETTERS
_TO_BYTES = codecs.charmap_build(_BYTES.ljust(256, "\ufffe"))
_SHAPES = bytes(97 if chr(code).isalpha() else code for code in range(256))


def _letter_of(character: str) -> int:
    folded = fold(character)
    if folded in _INSIDE:
        return ord(folded)
    return ord(folded if folded.isascii() else "x") if folded.isalpha() else 32


_LETTERS = bytes(_letter_of(character) for character in _BYTES.ljust(256))


def words(text: str) -> list[str]:
    """Return the words of a text, as written."""
    return _WORD.findall(text)


def letters(texts: Sequence[str]) -> list[str]:
    """Return the folded words of each text with spaces around each, and nothing else.

    They are those that :func:`words` finds in the folded text, found in fewer steps: all
    signs but apostrophes and hyphens become spaces, of which those that end a word are
    left to :func:`tokens`. The letters of scripts that no table here is written in all
    become the same letter.
    """
    joined = f" {_SPLIT} ".join(texts)
    if joined.count(_SPLIT) != len(texts) - 1:
        return [letters((text.replace(_SPLIT, " "),))[0] for text in texts]
    if joined.isascii():
        data = joined.encode("ascii")
    else:
        try:
            data, _ = codecs.charmap_encode(joined, "strict", _TO_BYTES)
        except UnicodeEncodeError:
            data = _FOREIGN.sub(_ascii_letters, joined.lower()).encode("ascii")
    spaced = f" {data.translate(_LETTERS).decode('ascii')} "
    if "-" in spaced:
        spaced = spaced.replace("--", "  ").replace(" -", "  ")
    if "'" in spaced:
        spaced = spaced.replace(" '", "  ")
    return spaced.split(_SPLIT)


def tokens(lettered: str) -> list[str]:
    """Return the words of a text that :func:`letters` returned."""
    return lettered.replace("- ", " ").replace("' ", " ").split()


def count_words(lettered: Sequence[str]) -> list[int]:
    """Return how many words each of some texts has that :func:`letters` returned."""
    shapes = _SPLIT.join(lettered).encode("ascii").translate(_SHAPES).decode("ascii")
    return [shape.count(" a") for shape in shapes.split(_SPLIT)]


def _ascii_letters(match: re.Match[str]) -> str:
    return _letters(match[0])


@lru_cache(maxsize=4096)
def _letters(run: str) -> str:
    """Return the ASCII letters that some foreign characters fold to; signs become spaces."""
    return "".join(
        character if character.isascii() else "x" if character.isalpha() else " "
        for character in _folded(run)
    )
