"""The fast ways to find words, against the plain ones."""

from __future__ import annotations

import math
import re
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from engine.extract.languages import languages
from engine.extract.letters import count_words, fold, letters, tokens, words
from engine.extract.lexicon import first_person

_PIECES = st.sampled_from([
    "I ", "don't ", "don’t ", "ich ", "mi-am ", "well-known ", "Straße ", "și ", "Învăț ", "- ",
    "-- ", "'tis ",
    "(quoted) ", "“word” ", "2nd ", "e.g. ", "a_b ", "½ ", "→ ", "λόγος ", "日本語 ", "é ", "ñ ",
    "ひらがな", "用Python写的", "한국어 ", "ไทย", "हिन्दी ", "ёлка ", "cœur ",
    "ﬁne ", "\n",
    "\x1f", "\u00a0", "… ", "— ", "my ", "I'm ", "1,000 ", "x's ", "ø ",
])  # fmt: skip
_TEXT = st.lists(_PIECES | st.text(max_size=4), max_size=20).map("".join)


_CHARACTERS_A_WORD = {
    "CJK": 1.5, "IDEOGRAPHIC": 1.5, "HIRAGANA": 2.5, "KATAKANA": 2.5, "KATAKANA-HIRAGANA": 2.5,
    "HENTAIGANA": 2.5,
    "HANGUL": 2.0, "THAI": 4.0, "LAO": 4.0, "MYANMAR": 4.0, "KHMER": 4.0,
}  # fmt: skip


def _script(letter: str) -> str:
    script = unicodedata.name(letter, "").split(" ")[0]
    return script if script in _CHARACTERS_A_WORD else ""


def _spaced(text: str) -> str:
    """Return a text with spaces around each character of a script without spaces."""
    return "".join(f" {sign} " if _script(sign) not in ("", "HANGUL") else sign for sign in text)


def _length(parts: list[str]) -> int:
    plain = [part for part in parts if not _script(part[0])]
    letters = [letter for part in parts for letter in part if _script(letter)]
    counted = sum(1 / _CHARACTERS_A_WORD[_script(letter)] for letter in letters)
    return len(plain) + math.ceil(round(counted, 6))


def _regular(text: str) -> bool:
    """Say whether apostrophes and hyphens stand alone, where both ways agree on a word's end."""
    if any(sign.isnumeric() and not sign.isalpha() for sign in text):
        return False
    return re.search(r"['’‘-][^a-z]*['’‘-]|[^\W\d_]\u2019?['’-]\W?['’-]", fold(text)) is None


@given(st.lists(_TEXT.filter(_regular), min_size=1, max_size=5))
@example(["I don't", "—", ""])
@example(["㏠'tis", "的'tis 写-x"])
def test_the_words_of_texts(texts: list[str]) -> None:
    lettered = letters(texts)
    assert len(lettered) == len(texts)
    for text, found, count in zip(texts, lettered, count_words(lettered), strict=True):
        expected = words(_spaced(fold(text)))
        assert count == _length(expected)
        assert list(tokens(found)) == expected


@given(_TEXT.filter(_regular))
def test_the_first_person(text: str) -> None:
    lettered = letters((text,))[0]
    spoken = [table.first_person for table in languages().values()]
    found = [word for word in tokens(lettered) if any(word in known for known in spoken)]
    assert first_person(lettered) == found


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_any_texts(texts: list[str]) -> None:
    assert len(count_words(letters(texts))) == len(texts)
