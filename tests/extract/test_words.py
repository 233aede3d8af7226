"""The fast ways to find words, against the plain ones."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from engine.extract.languages import languages
from engine.extract.letters import count_words, fold, letters, tokens, words
from engine.extract.lexicon import first_person

_PIECES = st.sampled_from([
    "I ", "don't ", "don’t ", "ich ", "mi-am ", "well-known ", "Straße ", "și ", "Învăț ", "- ",
    "-- ", "'tis ",
    "(quoted) ", "“word” ", "2nd ", "e.g. ", "a_b ", "½ ", "→ ", "λόγος ", "日本語 ", "é ", "ñ ",
    "ﬁne ", "\n",
    "\x1f", "\u00a0", "… ", "— ", "my ", "I'm ", "1,000 ", "x's ", "ø ",
])  # fmt: skip
_TEXT = st.lists(_PIECES | st.text(max_size=4), max_size=20).map("".join)


def _latin(word: str) -> str:
    return "".join(letter if letter.isascii() else "x" for letter in word)


def _regular(text: str) -> bool:
    """Say whether apostrophes and hyphens stand alone, where both ways agree on a word's end."""
    return re.search(r"['’‘-][^a-z]*['’‘-]|[^\W\d_]\u2019?['’-]\W?['’-]", fold(text)) is None


@given(st.lists(_TEXT.filter(_regular), min_size=1, max_size=5))
@example(["I don't", "—", ""])
def test_the_words_of_texts(texts: list[str]) -> None:
    lettered = letters(texts)
    assert len(lettered) == len(texts)
    for text, found, count in zip(texts, lettered, count_words(lettered), strict=True):
        expected = words(fold(text))
        assert count == len(expected)
        assert tokens(found) == [_latin(word) for word in expected]


@given(_TEXT.filter(_regular))
def test_the_first_person(text: str) -> None:
    lettered = letters((text,))[0]
    spoken = [table.first_person for table in languages().values()]
    found = [word for word in tokens(lettered) if any(word in known for known in spoken)]
    assert first_person(lettered) == found


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_any_texts(texts: list[str]) -> None:
    assert len(count_words(letters(texts))) == len(texts)
