"""A text cut into passages of prose, each long enough for its language to be told.

What is in no language is blanked first (code, addresses, markup), by as many spaces, so
that a passage's place in the text stays known. Everything here is one pass over the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.language import weight

ENOUGH = 90
"""Letters at which a passage is long enough, so that the next sentence begins another."""

LONGEST = 600
"""Characters after which a passage ends at the next space, with or without a sentence's end."""

_FENCE = re.compile(r"[ \t>]{0,8}(```|~~~)")
_INLINE = re.compile(
    r"`[^`\n]{1,300}`|<[^<>\n]{1,300}>|\$[^$\n]{1,300}\$|&#?\w{1,10};|\]\([^()\[\]\n]{1,300}\)"
)
_TOKEN = re.compile(r"\S+")
_NAMING = re.compile(
    r"[\\@_=<>{}|~^]|^/|/.*[/.]|\./|::|[a-z]\.[a-z]|[a-z][A-Z]|[A-Za-z]\d|\d[A-Za-z]"
)
_SYMBOLS = str.maketrans("", "", "{}[]();=<>&|\\_$#")
_CODE_SHARE = 0.15
_CODE_LINE = re.compile(
    r"\s*(?:(?:def|class|elif|while|for|if|try|else|except|public|private|function|fn|func)\b.*[:{]\s*$"
    r"|(?:import|from|return|var|let|const|using|#include|print|echo)\b"
    r"(?=.*[;()=.{]|\s+\w+\s*$)(?!.*[a-z] [a-z]+ [a-z]+ )"
    r"|[\w.\[\]]{1,80}\(.{0,200}\);?\s*$|[\w.\[\]]{1,80} ?[-+*/]?= )"
)
# Bounded, so that a quotation mark without a partner costs no more than its next kilobyte.
_QUOTED = re.compile(
    r"[„“‟][^„“”‟\n]{1,1500}[”“]|«[^«»\n]{1,1500}»|»[^«»\n]{1,1500}«|‹[^‹›\n]{1,1500}›"
    r"|「[^「」\n]{1,1500}」|『[^『』\n]{1,1500}』|(?<!\w)\"[^\"\n]{1,1500}\"(?!\w)"
    r"|(?<!\w)['‘][^'‘’\n]{1,300}['’](?!\w)|(?m:^[ \t]{0,8}>.*$)"
)
_END = re.compile(r"[.!?…:][\"'”»)*\]]{0,4}\s+|[。！？]+|\n\s*")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of sentences.

    Args:
        text: It, with what is no prose blanked.
        start: Where it begins in the text that it was cut from, in characters.
        end: Where it ends, exclusive.
        letters: How much there is to tell a language by (:func:`engine.language.weight`).
    """

    text: str
    start: int
    end: int
    letters: int


def prose(text: str) -> str:
    """Return a text of the same length in which code, addresses and markup are spaces.

    Fenced and inline code, HTML tags, formulas, link targets, words that are addresses,
    paths or identifiers, and lines that are mostly signs of a programming language.
    """
    return "\n".join(_lines(text))


def unquoted(text: str) -> str:
    """Return a text of the same length in which quotations are spaces."""
    return _QUOTED.sub(lambda found: _blank(found.group()), text)


def passages(text: str) -> list[Passage]:
    """Cut blanked text into passages, in order; those without any letter are left out."""
    cut: list[Passage] = []
    start, letters = 0, 0
    for begin, end in _sentences(text):
        letters += weight(text[begin:end])
        # A paragraph's end closes a passage earlier: it is where languages mostly change.
        enough = ENOUGH // 3 if _PARAGRAPH.search(text, max(begin, end - 8), end) else ENOUGH
        if letters >= enough:
            cut.append(_trimmed(text, start, end, letters))
            start, letters = end, 0
    if letters:
        cut.append(_trimmed(text, start, len(text), letters))
    return cut


def _trimmed(text: str, start: int, end: int, letters: int) -> Passage:
    piece = text[start:end]
    inner = piece.strip()
    start += len(piece) - len(piece.lstrip())
    return Passage(inner, start, start + len(inner), letters)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for found in _END.finditer(text):
        yield from _shorter(text, start, found.end())
        start = found.end()
    if start < len(text):
        yield from _shorter(text, start, len(text))


def _shorter(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > LONGEST:
        space = text.find(" ", start + LONGEST, min(end, start + 2 * LONGEST))
        cut = space + 1 if space >= 0 else min(end, start + 2 * LONGEST)
        yield start, cut
        start = cut
    if start < end:
        yield start, end


def _blank(text: str) -> str:
    return "".join("\n" if character == "\n" else " " for character in text)


def _lines(text: str) -> Iterator[str]:
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if found and (not fence or found.group(1) == fence):
            fence = "" if fence else found.group(1)
            kept = " " * len(line)
        elif fence or _is_code(line):
            kept = " " * len(line)
        else:
            kept = _INLINE.sub(lambda part: " " * len(part.group()), line)
            kept = _TOKEN.sub(_word, kept)
        yield kept


def _word(found: re.Match[str]) -> str:
    token = found.group()
    names = token.isascii() and len(token) < 2000 and _NAMING.search(token)
    return " " * len(token) if names else token


def _is_code(line: str) -> bool:
    if _CODE_LINE.match(line):
        return True
    signs = len(line) - len(line.translate(_SYMBOLS))
    return signs >= 3 and signs > _CODE_SHARE * len(line)
