"""Markdown as blocks of plain text: paragraphs, list items, quotes, code and table rows.

All functions take any text; none of them raises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from engine.sources.markdown import (
    NO_FOOTNOTES,
    fenced,
    field_line,
    inline_plain,
    strip_comments,
)

_CALLOUT = re.compile(r"^\[!([\w -]{1,40})(?:\|[^\]\n]*)?\][+-]?\s*(.*)$")
_FOOTNOTE = re.compile(r"^\[\^([^\]\s]{1,60})\]:\s*(.*)$")
_REFERENCE = re.compile(r"^ {0,3}\[(?!\^)[^\]\n]{1,200}\]:\s+\S.*$")
_TABLE_RULE = re.compile(r"^\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_RULE = re.compile(r"^([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_ITEM = re.compile(r"^(\s*)([-*+]|\d{1,4}[.)])\s+(.*)$")
_TASK = re.compile(r"^\s*(?:[-*+]|\d{1,4}[.)])\s+\[[^\]\n]\]\s")

_FIELD_WORDS = 12


@dataclass(slots=True)
class Block:
    """A paragraph, list item, quote, code block or table row of plain text.

    ``kind`` is "prose", "item", "task", "quote", "callout", "code" or "table";
    ``line`` is the index of its first line.
    """

    kind: str
    line: int
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The block's text; lines that an editor wrapped are joined."""
        if len(self.lines) == 1:
            return self.lines[0]
        return "\n".join(self.lines if self.kind == "code" else _unwrap(self.lines))


def _unwrap(lines: Sequence[str]) -> list[str]:
    """Join lines that were broken at a fixed column; keep those that the author broke.

    Lines are wrapped where no next word would have fitted, or where all are long
    and most end in the middle of a sentence.
    """
    if len(lines) < 2:
        return list(lines)
    column = max(len(line) for line in lines)
    pairs = list(pairwise(lines))
    full = all(len(line) + 1 + len(after.split(" ", 1)[0]) > column for line, after in pairs)
    cut = sum(line[-1:] not in '.!?:;…"”)' for line, _ in pairs)
    long = all(len(line) >= 45 for line, _ in pairs) and cut * 2 >= len(pairs)
    wrapped = 40 <= column <= 120 and (full or long)
    return [" ".join(line.strip() for line in lines)] if wrapped else list(lines)


def footnotes(text: str) -> dict[str, str]:
    """Return the texts of a note's footnotes by their names, as plain text."""
    lines = text.split("\n")
    code = fenced(lines)
    found: dict[str, str] = {}
    for number, line in enumerate(lines):
        match = None if code[number] else _FOOTNOTE.match(line)
        if match:
            found.setdefault(match[1], inline_plain(match[2]))
    return found


def blocks(lines: Sequence[str], notes: Mapping[str, str] = NO_FOOTNOTES) -> list[Block]:
    """Split lines of Markdown into blocks of plain text.

    Headings must have been taken out before. Dropped: comments, rules, field
    lines, lines of tags alone, link definitions, images, and footnote definitions.

    Args:
        lines: The lines.
        notes: Footnotes by name; each goes in parentheses where it is referred to.
    """
    code = fenced(lines)
    clean = strip_comments(lines, code)
    for number, line in enumerate(clean):
        if not code[number] and _FOOTNOTE.match(line):
            clean[number] = ""
    return _Splitter(clean, code, notes).run()


class _Splitter:
    """The state of :func:`blocks` as it goes down the lines."""

    def __init__(
        self, lines: Sequence[str], code: Sequence[bool], footnotes: Mapping[str, str]
    ) -> None:
        self._lines = lines
        self._code = code
        self._notes = footnotes
        self._found: list[Block] = []
        self._open: Block | None = None
        self._counts: dict[int, int] = {}

    def run(self) -> list[Block]:
        in_callout = False
        for number, line in enumerate(self._lines):
            if self._code[number]:
                self._add("code", number, line)
                continue
            if self._open is not None and self._open.kind == "code":
                self._open = None
            quoted = re.match(r"^ {0,3}>", line)
            if not quoted:
                in_callout = False
                self._text(number, line, "prose")
                continue
            inner = re.sub(r"^(?: {0,3}> ?)+", "", line)
            callout = _CALLOUT.match(inner)
            if callout:
                in_callout = True
                self._open = None
                inner = callout[2]
            self._text(number, inner, "callout" if in_callout else "quote")
        return [block for block in self._found if any(line.strip() for line in block.lines)]

    def _add(self, kind: str, number: int, text: str, *, new: bool = False) -> None:
        if self._open is None or new or self._open.kind != kind:
            self._open = Block(kind, number)
            self._found.append(self._open)
        self._open.lines.append(text)

    def _text(self, number: int, line: str, kind: str) -> None:
        stripped = line.strip()
        if not stripped or _RULE.match(stripped) or _TABLE_RULE.match(stripped):
            self._open = None
            return
        pair = field_line(line)
        if pair and len(pair[1].split()) > _FIELD_WORDS:
            # A value as long as a sentence is something that was written, no datum.
            line = stripped = pair[1]
        elif pair or _REFERENCE.match(line):
            return
        if stripped.startswith("|") and stripped.count("|") > 1:
            cells = [inline_plain(cell.strip()) for cell in stripped.strip("|").split("|")]
            self._add("table", number, " | ".join(cells), new=True)
            return
        item = _ITEM.match(line)
        if item:
            if _TASK.match(line):
                text = re.sub(r"^\[[^\]\n]\]\s+", "", item[3])
                self._add("task", number, f"- {inline_plain(text, self._notes)}", new=True)
                return
            self._item(number, item)
            return
        text = inline_plain(stripped, self._notes)
        if not text:
            return
        if self._open is None or self._open.kind not in ("item", "task"):
            self._add(kind, number, text)
        elif line[:1] in " \t" or (text[0].islower() and self._open.lines[-1][-1:] not in ".!?:;"):
            # An indented line, or one in the middle of a sentence, goes on with the item.
            self._open.lines[-1] += f" {text}"
        else:
            self._add(kind, number, text, new=True)

    def _item(self, number: int, item: re.Match[str]) -> None:
        """Add a list item; numbers go on from the first, as they are shown."""
        depth = min(len(item[1].expandtabs(4)) // 2, 4)
        before = self._found[-1].kind if self._found else ""
        if before != "item":
            self._counts.clear()
        for deeper in [known for known in self._counts if known > depth]:
            del self._counts[deeper]
        mark = "-"
        if item[2] in "-*+":
            self._counts.pop(depth, None)
        else:
            count = self._counts.get(depth, int(item[2][:-1]) - 1) + 1
            self._counts[depth] = count
            mark = f"{count}{item[2][-1]}"
        text = inline_plain(item[3], self._notes)
        if text:
            self._add("item", number, f"{'  ' * depth}{mark} {text}", new=True)


def plain(text: str) -> str:
    """Return Markdown as plain text: paragraphs, list items with ``-``, code blocks as they are."""
    return join_blocks(blocks(text.split("\n"), footnotes(text)))


def join_blocks(parts: Sequence[Block]) -> str:
    """Join blocks: items and rows follow each other, all else has an empty line between."""
    pieces: list[str] = []
    previous = ""
    for block in parts:
        tight = block.kind == previous and block.kind in ("item", "task", "table")
        if pieces:
            pieces.append("\n" if tight else "\n\n")
        pieces.append(block.text)
        previous = block.kind
    return "".join(pieces)
