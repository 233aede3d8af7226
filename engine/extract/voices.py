"""Whose words a block holds: the writer's, or those of a link, a quotation, code or somebody else.

Only the writer's own say that somebody reflects, decides or learns. The title of a page that is
linked to is not the writer's, however much its author says "I" in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.extract.letters import length, letters
from engine.sources.blocks import Block

_LABEL_WORDS = 4
_QUOTED_WORDS = 4
_QUOTED_LETTERS = 12
_LINE_WORDS = 14
_BESIDE_WORDS = 4
_BYLINE_WORDS = 10
_LABELS = re.compile(
    r"!?\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]*)\]\]|!?\[((?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)"
)
_SPANS = re.compile(
    r"“[^”\n]{12,}”|„[^“”\n]{12,}[“”]|«[^»\n]{12,}»|\"[^\"\n]{12,}\"|「[^」\n]{6,}」|`[^`\n]+`"
)
_MARKED = re.compile(r"\]\(|\[\[|[“„«\"「`]")
_BYLINE = re.compile(r"^\s*(?:[-–—~]{1,2}|―)\s*(?=[^\W\d_a-z])")
_OUTSIDE = re.compile(r"\]\(\s*<?https?://")


def hear(blocks: Sequence[Block], lines: Sequence[str], offset: int) -> None:
    """Leave of the words by which blocks are judged those of the writer alone.

    Args:
        blocks: Measured blocks; their ``letters`` and ``spoken`` are lessened.
        lines: The lines that they come from, with their marks.
        offset: The index of the first of these lines.
    """
    marked = _MARKED.search("\n".join(lines)) is not None
    for block in blocks:
        kind = block.kind
        if kind == "quote" or (kind == "item" and _is_quoted(block.text)):
            block.letters, block.spoken = " ", 0
        elif marked and kind != "code":
            first = block.line - offset
            raw = "\n".join(lines[first : first + len(block.lines)])
            if _MARKED.search(raw):
                _lessen(block, raw)


def _is_quoted(item: str) -> bool:
    return ">" in item[:6] and item.lstrip("-*+0123456789.) ")[:1] == ">"


def _lessen(block: Block, raw: str) -> None:
    """Take the titles of links, quotations and code out of a block's words."""
    text = block.text
    for label in _labels(raw):
        if length(label) >= _LABEL_WORDS:
            text = text.replace(label, " ")
    if text != block.text:
        left = length(text)
        if left * 2 < block.words:
            # What is left only leads to the other's words.
            block.letters, block.spoken = " ", 0
            return
        block.spoken = min(block.spoken, left)
    heard = _SPANS.sub(_without_quotation, text)
    if heard != block.text:
        block.letters = letters((heard,))[0]


def _labels(raw: str) -> list[str]:
    return [label.strip("*_ ") for match in _LABELS.findall(raw) if (label := "".join(match))]


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
