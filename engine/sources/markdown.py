"""Markdown as notes use it: what is code, what is a comment, its tags and its fields.

Obsidian's additions are understood: ``%%comments%%``, ``key:: value`` lines and ``#tags``.
All functions take any text; none of them raises.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

_FENCE = re.compile(r"^ {0,3}(?:> ?)*(?:[-*+] )? *(`{3,}|~{3,})(.*)$")
TAG = re.compile(r"#(?<![^\s(,;]#)([^\s#!@$%^&*()+=\[\]{}|\\;:'\",.<>?`~‘’“”…–—]+)")
"""A ``#tag``; the sign is asked for first, since searching for a literal is fast."""

_TARGET = re.compile(r"\]\([^()\n]{0,2000}\)")
_WIKI_TARGET = re.compile(r"\[\[[^\[\]\n]{0,500}\]\]")
_RUN_OF_TICKS = re.compile(r"`+")
_FORMULA_LINES = 100
_COMMENT_MARK = re.compile(r"%%|<!--|-->")
_FIELD_LINE = re.compile(r"^(?:\s*[-*+]\s+)?[*_]*([^\W\d](?:[\w -]{0,39}\w)?)[*_]*::(?:\s+(.*))?$")
_MEDIA = re.compile(
    r"\.(png|jpe?g|gif|svg|webp|bmp|avif|heic|pdf|mp[34]|m4a|wav|ogg|webm|mov|canvas|base|excalidraw)$",
    re.IGNORECASE,
)


def open_lines(text: str) -> tuple[list[str], list[bool]]:
    """Return a text's lines without comments, and for each whether it is code."""
    lines = text.split("\n")
    # One character is found many times faster than three.
    if ("`" in text and "```" in text) or ("~" in text and "~~~" in text):
        code = fenced(lines)
    else:
        code = [False] * len(lines)
    if "$$" in text:
        _mark_formulas(lines, code)
    if ("%" in text and "%%" in text) or ("<" in text and "<!--" in text):
        lines = strip_comments(lines, code)
    return lines, code


def _mark_formulas(lines: Sequence[str], code: list[bool]) -> None:
    """Count displayed formulas of several lines as code: no sign in them is Markdown's."""
    number = 0
    while number < len(lines):
        start = number
        number += 1
        if code[start] or lines[start].lstrip()[:2] != "$$" or lines[start].count("$$") != 1:
            continue
        for end in range(start + 1, min(len(lines), start + _FORMULA_LINES)):
            if code[end]:
                break
            if "$$" in lines[end]:
                code[start : end + 1] = [True] * (end + 1 - start)
                number = end + 1
                break


def fenced(lines: Sequence[str]) -> list[bool]:
    """Say for each line whether it is part of a fenced code block, its fences included.

    A fence that is never closed runs to the end, as in CommonMark, and one in a
    quotation or callout to the end of that.
    """
    inside: list[bool] = []
    mark = ""
    in_quote = False
    for line in lines:
        if mark and in_quote and not line.lstrip().startswith(">"):
            mark = ""
        found = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if mark:
            inside.append(True)
            if found and found[1].startswith(mark) and not found[2].strip():
                mark = ""
        elif found and not (found[1][0] == "`" and "`" in found[2]):
            mark = found[1]
            in_quote = line.lstrip().startswith(">")
            inside.append(True)
        else:
            inside.append(False)
    return inside


def code_spans(line: str) -> list[tuple[int, int]]:
    """Return where the inline code of a line begins and ends, its backticks included."""
    if "`" not in line:
        return []
    runs = [(match.start(), match.end()) for match in _RUN_OF_TICKS.finditer(line)]
    later: dict[int, list[int]] = {}
    for index in range(len(runs) - 1, -1, -1):
        later.setdefault(runs[index][1] - runs[index][0], []).append(index)
    spans: list[tuple[int, int]] = []
    index = 0
    while index < len(runs):
        same = later[runs[index][1] - runs[index][0]]
        while same and same[-1] <= index:
            same.pop()
        if same:
            spans.append((runs[index][0], runs[same[-1]][1]))
            index = same[-1] + 1
        else:
            index += 1
    return spans


def without_code(line: str) -> str:
    """Return a line of the same length with its inline code blanked."""
    if "`" not in line:
        return line
    return _replace_spans(
        line, [(start, end, " " * (end - start)) for start, end in code_spans(line)]
    )


def _replace_spans(line: str, spans: Sequence[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end, text in spans:
        pieces += [line[at:start], text]
        at = end
    pieces.append(line[at:])
    return "".join(pieces)


def strip_comments(lines: Sequence[str], code: Sequence[bool]) -> list[str]:
    """Remove ``%%comments%%`` and HTML comments; every line keeps its number.

    A mark without its partner is ordinary text.
    """
    marks = [
        (number, match.start(), match.end(), match[0])
        for number, line in enumerate(lines)
        if not code[number] and ("%%" in line or "--" in line)
        for match in _COMMENT_MARK.finditer(without_code(line))
    ]
    places: dict[str, list[int]] = {"%%": [], "<!--": [], "-->": []}
    for index, mark in enumerate(marks):
        places[mark[3]].append(index)
    cuts: dict[int, list[tuple[int, int, str]]] = {}
    index = 0
    while index < len(marks):
        number, start, _, opening = marks[index]
        partners = places[{"%%": "%%", "<!--": "-->"}.get(opening, "<!--")]
        at = bisect_right(partners, index)
        if opening == "-->" or at == len(partners):
            index += 1
            continue
        close = partners[at]
        last, _, end, _ = marks[close]
        for cut in range(number, last + 1):
            left = start if cut == number else 0
            right = end if cut == last else len(lines[cut])
            cuts.setdefault(cut, []).append((left, right, ""))
        index = close + 1
    kept = list(lines)
    for number, spans in cuts.items():
        kept[number] = _replace_spans(kept[number], spans)
    return kept


def line_tags(line: str) -> list[str]:
    """Return the ``#tags`` of a line that is not code, without the sign, as written."""
    if "#" not in line or not TAG.search(line):
        return []
    found: list[str] = []
    for match in TAG.finditer(_without_targets(without_code(line))):
        tag = match[1].strip("/")
        # Obsidian's rule: a tag has at least one character that is no digit.
        if tag and not tag.replace("/", "").isdigit() and any(c.isalnum() for c in tag):
            found.append(tag)
    return found


def _without_targets(line: str) -> str:
    if "[" not in line:
        return line
    return _WIKI_TARGET.sub(" ", _TARGET.sub("]", line))


def inline_tags(text: str) -> tuple[str, ...]:
    """Return the ``#tags`` of a text once each, in order; not those in code, comments or links."""
    lines, code = open_lines(text)
    seen: dict[str, None] = {}
    for line, is_code in zip(lines, code, strict=True):
        if not is_code:
            seen.update(dict.fromkeys(line_tags(line)))
    return tuple(seen)


def field_line(line: str) -> tuple[str, str] | None:
    """Return the key and value of a ``key:: value`` line, or None."""
    if "::" not in line:
        return None
    match = _FIELD_LINE.match(line)
    return (match[1].strip(), (match[2] or "").strip()) if match else None


def is_media(name: str) -> bool:
    """Say whether a file's name is that of a picture, sound, film or drawing."""
    return _MEDIA.search(name) is not None
