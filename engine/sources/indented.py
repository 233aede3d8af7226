"""Code that is marked by its indent, as CommonMark says: four columns after an empty line.

In a list the columns count from where an item's text begins. Unlike CommonMark, a line that
begins as a list item does begins no code: outliners indent the first level of their lists, and
many people indent each level by more than it needs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_COLUMNS = 4
_INDENTS = (" " * _COLUMNS, *(" " * count + "\t" for count in range(_COLUMNS)))
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]+|$)")
_FOOTNOTE = re.compile(r" {0,3}\[\^[^\]\s]{1,60}\]:")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_RULE = re.compile(r" {0,3}([-*_=])(?:[ \t]*\1)+[ \t]*$")
_RAW = re.compile(r"[ \t]*(?:<(script|style|pre|textarea)\b|<!--|%%)", re.IGNORECASE)
_BREAKS = "\u2029\x1d"  # what begins a paragraph or ends a section of an outline


def mark_indented(text: str, lines: Sequence[str], code: list[bool]) -> None:
    """Say of the lines of indented code that they are code.

    Args:
        text: The lines in one.
        lines: The lines.
        code: For each whether it is code; those of fences are known.
    """
    if "\n    " not in text and "\t" not in text and not text.startswith(" "):
        return
    for number, line in enumerate(lines):
        if line[:1] in (" ", "\t") and line.startswith(_INDENTS) and not code[number]:
            before = lines[number - 1] if number else ""
            apart = not before.strip() or code[number - 1] or _is_line(before)
            if apart and line.strip() and not _ITEM.match(line):
                _Lines(lines, code).run()
                return


class _Lines:
    """Goes down the lines with the items and the paragraph that are open."""

    def __init__(self, lines: Sequence[str], code: list[bool]) -> None:
        self._lines = lines
        self._code = code
        self._items: list[int] = []  # where the text of each begins
        self._in_paragraph = False

    def run(self) -> None:
        """Mark what is code."""
        raw = ""
        at = 0  # the column that goes on with code, 0 outside of it
        last = -1
        for number, line in enumerate(self._lines):
            if self._code[number]:
                self._in_paragraph, at = False, 0
                if not number or not self._code[number - 1]:
                    self._leave(_width(line))
                continue
            if raw:
                raw = "" if raw in line.lower() else raw
                continue
            if not line.strip():
                self._in_paragraph = False
                continue
            width = _width(line)
            if at and width >= at:
                # Empty lines between two of code are code, too.
                self._code[last : number + 1] = [True] * (number + 1 - last)
                last = number
                continue
            at = 0
            if found := _RAW.match(line):
                mark = found[0].strip()
                raw = f"</{found[1].lower()}" if found[1] else {"<!--": "-->"}.get(mark, mark)
                raw = "" if raw in line[found.end() :].lower() else raw
                self._in_paragraph = True
            elif (base := self._text(line, width)) >= 0:
                at = base + _COLUMNS
                self._code[number] = True
                last = number

    def _leave(self, width: int) -> None:
        """Leave the items whose text begins behind a column."""
        while self._items and width < self._items[-1]:
            self._items.pop()

    def _text(self, line: str, width: int) -> int:
        """Take a line that goes on with no code; return where it is indented from if it is some."""
        if line[0] in _BREAKS:
            self._items.clear()
            line = line.lstrip(_BREAKS)
            width = _width(line)
            self._in_paragraph = False
        item = None if _RULE.match(line) else _ITEM.match(line)
        goes_on = self._in_paragraph and not _is_line(line) and line.lstrip()[:1] != ">"
        if item is None and goes_on:
            return -1
        self._leave(width)
        base = self._items[-1] if self._items else 0
        if item is not None:
            behind = len(item[0].expandtabs(_COLUMNS))
            marker = width + len(item[0].strip())
            said = behind < len(line.expandtabs(_COLUMNS))
            self._items.append(behind if said and behind - marker <= _COLUMNS else marker + 1)
            self._in_paragraph = said
            return -1
        if width - base >= _COLUMNS:
            return base
        if _FOOTNOTE.match(line):
            self._items.append(_COLUMNS)
        self._in_paragraph = not _is_line(line)
        return -1


def _is_line(line: str) -> bool:
    """Say whether a line is a heading or a rule, which no paragraph goes on with."""
    return _HEADING.match(line) is not None or _RULE.match(line) is not None


def _width(line: str) -> int:
    spaces = line[: len(line) - len(line.lstrip(" \t"))]
    return len(spaces.expandtabs(_COLUMNS)) if "\t" in spaces else len(spaces)
