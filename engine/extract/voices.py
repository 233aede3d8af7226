"""Whose words a block holds: the writer's, or those of a link, a quotation, code or somebody else.

Only the writer's own say that somebody reflects, decides or learns. The title of a page that is
linked to is not the writer's, however much its author says "I" in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.extract.letters import count_words, length, letters
from engine.extract.sections import Section
from engine.sources.blocks import Block

_LABEL_WORDS = 4
_LABEL_LETTERS = 7  # four letters with signs between them are four words
_QUOTED_WORDS = 4
_QUOTED_LETTERS = 12
_LINE_WORDS = 14
_BESIDE_WORDS = 4
_BYLINE_WORDS = 10
_LABELS = re.compile(
    r"\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]*)\]\]|\[((?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)"
)
_SPANS = re.compile(
    r"“[^”\n]{12,}”|„[^“”\n]{12,}[“”]|«[^»\n]{12,}»|\"[^\"\n]{12,}\"|「[^」\n]{6,}」|`[^`\n]+`"
)
# Searching for one character of a set is several times faster than for one of several patterns.
_MARK = re.compile(r"[\]\[“„«\"「`](?:(?<=[“„«\"「`])|(?<=\])\(|(?<=\[)\[)")
_BYLINE = re.compile(r"^\s*(?:[-–—~]{1,2}|―)\s*(?=[^\W\d_a-z])")
_OUTSIDE = re.compile(r"\]\(\s*<?https?://")


def hear(sections: Sequence[Section]) -> None:
    """Leave of the words by which blocks are judged those of the writer alone.

    Args:
        sections: A note's sections; the ``letters`` and ``spoken`` of their measured blocks are
            lessened.
    """
    # Words are counted for the whole note at once, which costs little more than for one block.
    marked: list[tuple[Block, list[str]]] = []
    for section in sections:
        lines = section.lines
        text = "\n".join(lines)
        numbers = _marked_lines(text)
        # An entity may stand for the sign of a quotation.
        if not numbers and ">" not in text and "&" not in text:
            continue
        offset = section.end - len(lines)
        for block in section.blocks:
            kind = block.kind
            if kind == "quote" or (kind == "item" and _is_quoted(block.text)):
                block.letters, block.spoken = " ", 0
            elif numbers and kind != "code":
                first = block.line - offset
                last = first + len(block.lines)
                if not numbers.isdisjoint(range(first, last)):
                    marked.append((block, _titles("\n".join(lines[first:last]))))
    if marked:
        _lessen(marked)


def _marked_lines(text: str) -> set[int]:
    """Return the numbers of the lines that may hold a link, a quotation or code."""
    numbers: set[int] = set()
    number = at = 0
    while found := _MARK.search(text, at):
        number += text.count("\n", at, found.start())
        numbers.add(number)
        number += 1
        at = text.find("\n", found.end()) + 1
        if not at:
            break
    return numbers


def _is_quoted(item: str) -> bool:
    return ">" in item[:6] and item.lstrip("-*+0123456789.) ")[:1] == ">"


def _lessen(marked: Sequence[tuple[Block, Sequence[str]]]) -> None:
    """Take the titles of links, quotations and code out of the words of blocks.

    Args:
        marked: The blocks, each with the titles of the links in it.
    """
    sizes = iter(_lengths([title for _, titles in marked for title in titles]))
    untitled: list[tuple[Block, str]] = []
    for block, titles in marked:
        text = block.text
        for title in titles:
            if next(sizes) >= _LABEL_WORDS:
                text = text.replace(title, " ")
        untitled.append((block, text))
    lefts = iter(_lengths([text for block, text in untitled if text != block.text]))
    said: list[tuple[Block, str]] = []
    for block, text in untitled:
        if text != block.text:
            left = next(lefts)
            if left * 2 < block.words:
                # What is left only leads to the other's words.
                block.letters, block.spoken = " ", 0
                continue
            block.spoken = min(block.spoken, left)
        heard = _SPANS.sub(_without_quotation, text)
        if heard != block.text:
            said.append((block, heard))
    for (block, _), lettered in zip(said, letters([heard for _, heard in said]), strict=True):
        block.letters = lettered


def _lengths(texts: Sequence[str]) -> list[int]:
    """Return how many words each of some texts has."""
    return count_words(letters(texts)) if texts else []


def _titles(raw: str) -> list[str]:
    """Return the texts of links that may be long enough to be the title of a page."""
    found = [label.strip("*_ ") for label in map("".join, _LABELS.findall(raw))]
    return [label for label in found if len(label) >= _LABEL_LETTERS or not label.isascii()]


def _without_quotation(match: re.Match[str]) -> str:
    said = match[0]
    return " " if said[0] in "`「" or length(said) >= _QUOTED_WORDS else said


def is_cited(blocks: Sequence[Block], lines: Sequence[str], offset: int) -> bool:
    """Say whether a section names at its beginning or end whose words it holds.

    That is a first line that is only a link to another page, or a last one such as "— Alan Watts".
    """
    if len(blocks) < 2:
        return False
    first, last = blocks[0], blocks[-1]
    at = first.line - offset
    raw = "\n".join(lines[at : at + len(first.lines)])
    if first.kind == "prose" and first.words <= _LINE_WORDS and _OUTSIDE.search(raw):
        beside = length(_LABELS.sub(" ", raw))
        if beside <= _BESIDE_WORDS:
            return True
    return last.kind == "prose" and last.words <= _BYLINE_WORDS and bool(_BYLINE.match(last.text))
