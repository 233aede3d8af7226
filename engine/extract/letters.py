"""The words of a text, folded: lower case, without diacritics.

Every table of words in :mod:`engine.extract.languages` is folded in the same way, so that
what is compared is always of one form.

Chinese, Japanese, Thai and their neighbours are written without spaces: each of their
characters is a word of its own here, so that a phrase of a table is found wherever it stands.
Their texts, and Korean ones, are as long as :data:`CHARACTERS_A_WORD` says.
"""

from __future__ import annotations

import codecs
import math
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

CHARACTERS_A_WORD: dict[str, float] = {
    "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff": 1.5,
    "\u3041-\u30ff\u31f0-\u31ff\U0001aff0-\U0001b16f": 2.5,
    "\uac00-\ud7ff\u1100-\u11ff\ua960-\ua97f": 2.0,
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f": 4.0,
}
"""How many characters are as long as a word: of Han, kana, Hangul, and Thai, Lao, Burmese, Khmer.

The ratios of translators: a thousand words of English are 1,300 to 1,800 Chinese characters
(https://anycount.com/WordCountBlog/word-count-in-oriental-languages/), a Japanese text has 2 to
2.5 a word (https://kantanmt.zendesk.com/hc/en-us/articles/209500826), which Han and kana give
together, a Korean one 2 and a Thai one 4 (https://gotranscript.com/word-count/arabic).
"""

_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_UNDECOMPOSED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "\u2019": "'"}
)
_LONG = 40


def fold(text: str) -> str:
    """Return text in lower case without diacritics; ß becomes ss, curly apostrophes straight."""
    if text.isascii():
        return text.lower()
    return _FOREIGN.sub(lambda match: _folded(match[0]), text.lower())


def _folded(run: str) -> str:
    # What is long is a sentence of another script, which will not come again.
    return _fold_run(run) if len(run) > _LONG else _fold_known(run)


def _fold_run(run: str) -> str:
    decomposed = unicodedata.normalize("NFKD", run).casefold()
    bare = "".join([sign for sign in decomposed if unicodedata.category(sign)[0] != "M"])
    # Hangul was taken apart into its letters.
    return unicodedata.normalize("NFC", bare).translate(_UNDECOMPOSED)


_fold_known = lru_cache(maxsize=4096)(_fold_run)


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
_ANY_WIDE = "".join(CHARACTERS_A_WORD)
_COUNTED = re.compile(f"[{_ANY_WIDE}]")
_BEGINS_COUNTED = re.compile(f"(?<= )[{_ANY_WIDE}]")
# Korean has spaces between its words.
_UNSPACED = "".join(signs for signs in CHARACTERS_A_WORD if "\uac00" not in signs)
_WIDE = re.compile(f"[{_UNSPACED}]")
_BESIDE_WIDE = re.compile(
    rf"(?<=[{_UNSPACED}])(?=[^\s{_SPLIT}])|(?<=[^\s{_SPLIT}])(?=[{_UNSPACED}])"
)
_RATIOS = [(re.compile(f"[{signs}]"), ratio) for signs, ratio in CHARACTERS_A_WORD.items()]
_BEGINS = re.compile(r"(?<= )[^\W\d_]")


def _letter_of(character: str) -> int:
    folded = fold(character)
    if folded in _INSIDE:
        return ord(folded)
    return ord(folded if folded.isascii() else "x") if folded.isalpha() else 32


_LETTERS = bytes(_letter_of(character) for character in _BYTES.ljust(256))
_ASCII_LETTERS = {code: _LETTERS[code] for code in range(128)}


def words(text: str) -> list[str]:
    """Return the words of a text, as written."""
    return _WORD.findall(text)


def letters(texts: Sequence[str]) -> list[str]:
    """Return the folded words of each text with spaces around each, and nothing else.

    They are those that :func:`words` finds in the folded text, found in fewer steps: all
    signs but apostrophes and hyphens become spaces, of which those that end a word are
    left to :func:`tokens`. A character of a script without spaces is a word.
    """
    joined = f" {_SPLIT} ".join(texts)
    if joined.count(_SPLIT) != len(texts) - 1:
        return [letters((text.replace(_SPLIT, " "),))[0] for text in texts]
    spaced = f" {_bare(joined)} "
    if "-" in spaced:
        spaced = spaced.replace("--", "  ").replace(" -", "  ")
    if "'" in spaced:
        spaced = spaced.replace(" '", "  ")
    return spaced.split(_SPLIT)


def _bare(text: str) -> str:
    """Return a text folded, with its signs as spaces."""
    if text.isascii():
        data = text.encode("ascii")
    else:
        try:
            data, _ = codecs.charmap_encode(text, "strict", _TO_BYTES)
        except UnicodeEncodeError:
            plain = _FOREIGN.sub(_plain_letters, text.lower())
            if not plain.isascii():
                return apart(plain.translate(_ASCII_LETTERS))
            data = plain.encode("ascii")
    return data.translate(_LETTERS).decode("ascii")


def apart(text: str) -> str:
    """Return a text with spaces around each character of a script that has none."""
    return _BESIDE_WIDE.sub(" ", text) if not text.isascii() and _WIDE.search(text) else text


def _plain_letters(match: re.Match[str]) -> str:
    run = match[0]
    return _letters_run(run) if len(run) > _LONG else _letters_known(run)


def _letters_run(run: str) -> str:
    return "".join([sign if sign.isascii() or sign.isalpha() else " " for sign in _fold_run(run)])


_letters_known = lru_cache(maxsize=4096)(_letters_run)


@lru_cache(maxsize=2)
def tokens(lettered: str) -> tuple[str, ...]:
    """Return the words of a text that :func:`letters` returned.

    A text is asked for them several times in a row: for its language, its writer, its phrases.
    """
    # One character is found many times faster than two.
    if "-" in lettered:
        lettered = lettered.replace("- ", " ")
    if "'" in lettered:
        lettered = lettered.replace("' ", " ")
    return tuple(lettered.split())


def count_words(lettered: Sequence[str]) -> list[int]:
    """Return how many words each of some texts has that :func:`letters` returned.

    This is the one measure of length: characters of scripts without spaces count by
    :data:`CHARACTERS_A_WORD`, a part of a word as one.
    """
    joined = _SPLIT.join(lettered)
    if not joined.isascii():
        return [_count(text) for text in lettered]
    shapes = joined.encode("ascii").translate(_SHAPES).decode("ascii")
    return [shape.count(" a") for shape in shapes.split(_SPLIT)]


def _count(lettered: str) -> int:
    begun = len(_BEGINS.findall(lettered))
    if not _COUNTED.search(lettered):
        return begun
    begun -= len(_BEGINS_COUNTED.findall(lettered))
    length = sum([len(signs.findall(lettered)) / ratio for signs, ratio in _RATIOS])
    return begun + math.ceil(length - 1e-9)


def length(text: str) -> int:
    """Return how many words a text has, by the measure of :func:`count_words`."""
    return count_words(letters((text,)))[0]
