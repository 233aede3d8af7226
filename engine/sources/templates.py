"""Marks of templates that nobody filled in, as Obsidian, Templater and QuickAdd write them.

A note keeps such a mark where the template was copied by hand, or a plugin was off. The sentence
that holds it is left out, since one with a hole is none; the rest is the author's. What
has next to nothing besides its marks is a template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from engine.sources.markdown import open_lines, without_code

_DAYS = "date|time|title|yesterday|tomorrow|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_FILLED_BY_QUICKADD = "VALUE|NAME|VDATE|FIELD|LINKCURRENT|CLIPBOARD|MACRO|TEMPLATE"
_BRACES = re.compile(rf"\{{\{{\s*(?:(?i:{_DAYS})|{_FILLED_BY_QUICKADD})\b[^{{}}\n]*\}}\}}")
_SCRIPT = re.compile(r"<%[^\n]*?\btp\.[^\n]*?%>")
_CALL = re.compile(r"\btp\.")
_OPEN_SCRIPT = re.compile(r"<%[-_*+]?\s*tp\.")
_HEADING = re.compile(r"^ {0,3}#{1,6}\s")
_NO_PROSE = re.compile(r"^\s*(?:#{1,6}\s|[-*+]\s+\[.\]\s|\||[^\s:]{1,40}:\s*$|>\s*\[!)")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_HOLE = "\x00"
_SENTENCE = re.compile(r".+?(?:[.!?…][\"”»)*_]*(?:\s+|$)|[。！？][」』”）]*|$)")
_LINE_WORDS = 6
_WORDS_A_MARK, _MOST_MARKS = 25, 4


class Unfilled(NamedTuple):
    """A note with marks that were never filled in.

    Attributes:
        text: The note without the sentences that hold them; all lines keep their numbers.
        lines: The numbers of those lines, from 1.
        is_template: Whether next to nothing else is said in it.
    """

    text: str
    lines: Sequence[int]
    is_template: bool


def unfilled(text: str) -> Unfilled | None:
    """Return what a note is without the marks of templates; None where it has none."""
    if "{{" not in text and "<%" not in text:
        return None
    lines, code = open_lines(text)
    bare = [
        "" if is_code else without_code(line) for line, is_code in zip(lines, code, strict=True)
    ]
    marked = {number for number, line in enumerate(bare) if _BRACES.search(line)}
    if any("<%" in line for line in bare):
        for first, last in _scripts("\n".join(bare)):
            marked.update(range(first, last + 1))
        marked.update(number for number, line in enumerate(bare) if _OPEN_SCRIPT.search(line))
    if not marked:
        return None
    kept = text.split("\n")
    for number in marked:
        kept[number] = _left(kept[number], bare[number])
    # A sentence with a mark is one of the author's where others stand beside it.
    left = [line for number, line in enumerate(bare) if number not in marked or kept[number]]
    places = [number + 1 for number in sorted(marked)]
    return Unfilled("\n".join(kept), places, _is_template(left, marked))


def _scripts(text: str) -> Iterator[tuple[int, int]]:
    """Yield the first and last line of each script of Templater's."""
    line = end = 0
    while (start := text.find("<%", end)) >= 0:
        line += text.count("\n", end, start)
        end = text.find("%>", start)
        if end < 0:
            return
        last = line + text.count("\n", start, end)
        if _CALL.search(text, start, end):
            yield line, last
        line = last


def _left(line: str, bare: str) -> str:
    """Return what is left of a line: its other sentences; of a heading its other words."""
    marks = [*_BRACES.finditer(bare), *_SCRIPT.finditer(bare)]
    for mark in sorted(marks, key=lambda found: found.start(), reverse=True):
        line = f"{line[: mark.start()]}{_HOLE}{line[mark.end() :]}"
    if _HEADING.match(line):
        # It heads a section.
        rest = line.replace(_HOLE, "").replace("[[]]", "").rstrip()
        return rest if any(map(str.isalpha, rest)) and "<%" not in rest else ""
    if "<%" in line or "%>" in line or line.lstrip()[:1] == "|":
        return ""
    said = [sentence for sentence in _SENTENCE.findall(line) if _HOLE not in sentence]
    rest = "".join(said).rstrip()
    whole = rest.count("[[") == rest.count("]]") and _size(rest) >= _LINE_WORDS
    return rest if whole else ""


def _size(line: str) -> int:
    return len(line.split()) + len(_WIDE.findall(line)) // 2


def _is_template(lines: Sequence[str], marked: set[int]) -> bool:
    """Say whether a note's prose is no more than a template's own words may be."""
    said = 0
    for line in lines:
        if not line.strip() or _NO_PROSE.match(line):
            continue
        count = _size(line)
        said += count if count >= _LINE_WORDS else 0
    marks = sum(number - 1 not in marked for number in marked)
    return said < _WORDS_A_MARK * min(marks, _MOST_MARKS)
