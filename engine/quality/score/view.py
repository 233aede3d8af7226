"""An answer, taken apart once for all parts of the score."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

SINGLE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
"""Scripts without spaces between words, where each character counts as a word."""

_MARKS = "\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
"""Signs within words that \\w leaves out: accents, vowel signs."""

_SINGLE = re.compile(rf"[{SINGLE}]")
_MIXED_WORD = re.compile(rf"[{SINGLE}]|[^\W{SINGLE}]+")
_WORD = re.compile(rf"[\w{_MARKS}]+")
_ASCII_WORD = re.compile(r"[a-z0-9_]+")
_FENCE = re.compile(r"^[ \t]*(?:>[ \t]*)?(`{3,}|~{3,})", re.MULTILINE)
_CODE_LINE = re.compile(
    r"^[ \t]*(?:(?:def|class|import|from|function|const|let|var|return|public|private|static"
    r"|#include|package|func|fn|using|print|SELECT|INSERT|UPDATE|CREATE|FROM|WHERE)\b.*"
    r"|.*[;{}]|[a-z_][\w.\[\]]* ?[-+*/]?= ?[\w\"'\[({-].*|[}\])]+[;,]?"
    r"|(?:if|for|while|else|elif|try|except|with|do|case|switch)\b.*[:{]|[\w.]+\(.*\)|//.*|#\s.*"
    r"|</?(?:html|head|body|div|script|style|!doctype|\?xml)\b[^\n]*)[ \t]*$",
    re.MULTILINE,
)
_CODE_SURE = re.compile(r"\w\(|[{}]|;[ \t]*$|^[ \t]*(?:SELECT|import|from|<html|<!)", re.MULTILINE)
_CODE_SIGNS = "{};=<>()[]|\\"


@lru_cache(maxsize=1)
def _plain() -> dict[int, str]:
    """Return a table from letters with diacritics to those without, one for one."""
    table = {0x2019: "'", 0x2018: "'", 0x02BC: "'", 0xA0: " ", 0x202F: " "}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFD", chr(code))[0]
        if base.isascii() and base.isalpha():
            table[code] = base
    return table


def fold(text: str) -> str:
    """Return text in lower case without Latin diacritics, character for character."""
    if text.isascii():
        return text.lower()
    low = text.lower()
    if len(low) != len(text):
        low = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return low.translate(_plain())


def _word(folded: str) -> re.Pattern[str]:
    if folded.isascii():
        return _ASCII_WORD
    return _MIXED_WORD if _SINGLE.search(folded) else _WORD


def words_of(folded: str) -> list[str]:
    """Return the words of a folded text; in scripts without spaces, its characters."""
    found: list[str] = _word(folded).findall(folded)
    return found


def spans_of(folded: str, most: int) -> list[tuple[int, int]]:
    """Return where the first words of :func:`words_of` stand, so many at most."""
    return [match.span() for match in islice(_word(folded).finditer(folded), most)]


class View:
    """An answer and the prompt before it.

    Attributes:
        text: The answer as it is.
        prompt: The user's turn before it; empty if there is none.
        folded: The answer in lower case without diacritics, of the same length.
        prose: ``folded`` with fenced code blanked out, of the same length.
        plain: ``text`` with fenced code blanked out, of the same length.
        words: The words of ``prose``.
        known: The same, each once.
        open_fence: Where a code fence begins that is never closed; -1 if there is none.
        code: Most of the answer is code or data, fenced or not.
        single: Most of it is in a script without spaces between words.
        prompt_folded: The prompt, folded.
        prompt_words: The words of the prompt.
    """

    __slots__ = (
        "code",
        "folded",
        "known",
        "open_fence",
        "plain",
        "prompt",
        "prompt_folded",
        "prompt_words",
        "prose",
        "single",
        "text",
        "words",
    )

    def __init__(self, text: str, prompt: str) -> None:
        self.text = text
        self.prompt = prompt
        self.folded = fold(text)
        self.open_fence = -1
        self.plain = text
        self.prose = self._prose()
        self.words = words_of(self.prose)
        self.known = frozenset(self.words)
        self.prompt_folded = fold(prompt)
        self.prompt_words = words_of(self.prompt_folded)
        self.code = self._is_code()
        self.single = not text.isascii() and (
            sum(map(len, self.words)) < 1.6 * len(self.words) and len(self.words) > 3
        )

    def _prose(self) -> str:
        text = self.folded
        if "```" not in text and "~~~" not in text:
            return text
        fences: list[tuple[int, int]] = []
        opened, mark = -1, ""
        for match in _FENCE.finditer(text):
            if opened < 0:
                opened, mark = match.start(), match[1]
            elif match[1].startswith(mark):
                fences.append((opened, match.end()))
                opened = -1
        if opened >= 0:
            self.open_fence = opened
            fences.append((opened, len(text)))
        if not fences:
            return text
        self.plain = _without(self.text, fences)
        return _without(text, fences)

    def _is_code(self) -> bool:
        text = self.text
        if self.prose is not self.folded and len(self.prose.split()) * 3 < len(text.split()):
            return True
        sample = text[:4000]
        signs = sum(map(sample.count, _CODE_SIGNS))
        if signs * 40 < len(sample) or signs < 3 or not _CODE_SURE.search(sample):
            return False
        if sum(map(len, self.words)) * 5 < min(len(text), len(sample)):
            return False
        lines = sum(1 for line in sample.splitlines() if line.strip())
        return 2 * len(_CODE_LINE.findall(sample)) >= lines or signs * 8 > len(sample)


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return text of the same length with some spans blanked out."""
    pieces: list[str] = []
    at = 0
    for start, end in spans:
        pieces += (text[at:start], _blank(text[start:end]))
        at = end
    pieces.append(text[at:])
    return "".join(pieces)


def _blank(text: str) -> str:
    return "\n".join([" " * len(line) for line in text.split("\n")])
