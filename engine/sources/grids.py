"""Tables in Markdown: those of GitHub's kind, with or without outer pipes, and HTML's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from types import MappingProxyType

Rows = Mapping[int, Sequence[str] | None]
"""The cells of a table's rows by the numbers of their lines; None for lines that are no row."""

_NONE: Rows = MappingProxyType({})
_RULE = re.compile(r"^\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_PIPE = re.compile(r"(?<!\\)((?:\\\\)*)\|")
_QUOTE_MARKS = re.compile(r"^(?: {0,3}> ?)+")
_ITEM_MARK = re.compile(r"^\s*(?:[-*+]|\d{1,9}[.)])\s+(?=\|)")
_BLOCK = re.compile(r"^\s*(?:[-*+>]\s|\d{1,9}[.)]\s|#{1,6}\s|`{3}|~{3})")
_HTML = re.compile(r"^\s*(?:<(?:div|center|figure)\b[^<>]*>\s*)?<table\b", re.IGNORECASE)
_HTML_END = re.compile(r"</table\s*>", re.IGNORECASE)
_HTML_REST = re.compile(r"^(?:\s|</?(?:div|center|figure)\b[^<>]*>)*$", re.IGNORECASE)
_MOST_LINES = 2000


def is_rule(line: str) -> bool:
    """Say whether a line could be the one below a table's head."""
    return _RULE.match(line) is not None


def cells(line: str) -> list[str]:
    r"""Return the cells of a row; a pipe behind a backslash is part of its cell."""
    bare = line.strip().removeprefix("|")
    found: list[str] = []
    start = 0
    for pipe in _PIPE.finditer(bare):
        found.append(bare[start : pipe.end() - 1])
        start = pipe.end()
    if bare[start:].strip():
        found.append(bare[start:])
    return [cell.strip().replace("\\|", "|") for cell in found]


def find_rows(lines: Sequence[str], code: Sequence[bool], start: int, end: int) -> Rows:
    """Return the rows of the tables among some lines.

    Args:
        lines: A note's lines.
        code: Which of them are code.
        start: The first line to look at.
        end: The line behind the last.
    """
    text = "\n".join(lines[start:end])
    if "|" not in text and "<" not in text:
        return _NONE
    rows: dict[int, Sequence[str] | None] = {}
    number = start
    while number < end:
        line = lines[number]
        if code[number] or ("|" not in line and "<" not in line):
            number += 1
        elif "|" in line and (after := _piped(lines, code, number, end, rows)):
            number = after
        elif "<" in line and _HTML.match(line):
            number = _marked_up(lines, number, end, rows) or number + 1
        else:
            number += 1
    return rows or _NONE


def _piped(
    lines: Sequence[str],
    code: Sequence[bool],
    number: int,
    end: int,
    rows: dict[int, Sequence[str] | None],
) -> int:
    """Take a table whose head stands in a line; return the line behind it, or 0."""
    if number + 1 >= end or code[number + 1] or "-" not in lines[number + 1]:
        return 0
    head = _ITEM_MARK.sub("", _QUOTE_MARKS.sub("", lines[number]))
    rule = _QUOTE_MARKS.sub("", lines[number + 1]).strip()
    if not is_rule(rule) or ("|" not in rule and "|" not in head.strip()[1:]):
        return 0
    titles = cells(head)
    if len(titles) != len(cells(rule)) or (len(titles) == 1 and rule[:1] != "|"):
        return 0
    quoted = lines[number].lstrip()[:1] == ">"
    rows[number] = titles
    rows[number + 1] = None
    at = number + 2
    while at < end and not code[at]:
        inner = _QUOTE_MARKS.sub("", lines[at]) if quoted else lines[at]
        if not inner.strip() or "|" not in inner or _BLOCK.match(inner):
            break
        rows[at] = cells(inner)
        at += 1
    return at


def _marked_up(
    lines: Sequence[str], number: int, end: int, rows: dict[int, Sequence[str] | None]
) -> int:
    """Take a table in HTML that begins in a line; return the line behind it, or 0."""
    for last in range(number, min(end, number + _MOST_LINES)):
        closing = _HTML_END.search(lines[last])
        if closing:
            break
    else:
        return 0
    if not _HTML_REST.match(lines[last][closing.end() :]):
        return 0
    parser = _Table()
    parser.feed("\n".join(lines[number : last + 1]))
    parser.close()
    rows.update(dict.fromkeys(range(number, last + 1)))
    for place, found in parser.rows.items():
        rows[number + place] = found
    return last + 1


class _Table(HTMLParser):
    """Collects the cells of a table, by the line that each row begins in."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: dict[int, list[str]] = {}
        self._row: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("tr", "caption"):
            self._begin()
        if tag in ("td", "th", "caption"):
            if not self.rows:
                self._begin()
            self._row.append("")
            self._open = True
        elif self._open and tag in ("br", "p", "li", "div"):
            self._row[-1] += " "

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr", "caption", "table"):
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self._row[-1] = " ".join(f"{self._row[-1]}{data}".split("\n"))

    def _begin(self) -> None:
        place = self.getpos()[0] - 1
        # Rows of one line are one line of cells.
        self._row = self.rows.setdefault(place, [])
