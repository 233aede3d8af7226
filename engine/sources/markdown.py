"""Markdown as notes use it: what is code, what is a comment, its tags and its fields.

Obsidian's additions are understood: ``%%comments%%``, ``key:: value`` lines and ``#tags``.
All functions take any text; none of them raises.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from engine.sources.indented import mark_indented

_FENCE = re.compile(r"^ {0,3}(?:> ?)*(?:[-*+] )? *(`{3,}|~{3,})(.*)$")
TAG = re.compile(r"#(?<![^\s(,;]#)([^\s#!@$%^&*()+=\[\]{}|\\;:'\",.<>?`~‘’“”…–—]+)")
"""A ``#tag``; the sign is asked for first, since searching for a literal is fast."""

_TARGET = re.compile(r"\]\([^()\n]{0,2000}\)")
_WIKI_TARGET = re.compile(r"\[\[[^\[\]\n]{0,500}\]\]")
_RUN_OF_TICKS = re.compile(r"`+")
_FORMULA_LINES = 100
_COMMENT_MARK = re.compile(
    r"%%|<!--|-->|<(script|style|template)(?:\s[^<>]*)?(?<!/)>|</(script|style|template)\s*>",
    re.IGNORECASE,
)
_UNSEEN = ("<script", "<style", "<template")
_SHORTCODE = re.compile(
    r"\{\{<\s*/?\s*[A-Za-z][^{}\n]*?>\}\}|\{\{%\s*/?\s*[A-Za-z][^{}\n]*?%\}\}"
    r"|\{%-?\s*[A-Za-z]\w*\b(?:[^%{}\n]|\{\{[^{}\n]*\}\})*%\}"
)
_HIGHLIGHT = re.compile(
    r"^ {0,3}(?:\{\{[<%]|\{%-?)\s*(/|end)?\s*highlight\b[ \t]*([\w+#-]*)[^{}\n]*"
    r"(?:[>%]\}\}|%\})[ \t]*$"
)
_FIELD_LINE = re.compile(r"^(?:\s*[-*+]\s+)?[*_]*([^\W\d](?:[\w -]{0,39}\w)?)[*_]*::(?:\s+(.*))?$")
_MEDIA = re.compile(
    r"\.(png|jpe?g|gif|svg|webp|bmp|avif|heic|pdf|mp[34]|m4a|wav|ogg|webm|mov|canvas|base|excalidraw)$",
    re.IGNORECASE,
)


def open_lines(text: str) -> tuple[list[str], list[bool]]:
    """Return a text's lines without comments, and for each whether it is code.

    What a browser does not show is a comment here, too, and so are the marks by which the
    builders of websites include something.
    """
    lines = text.split("\n")
    marked = "{" in text and ("{%" in text or "{{<" in text)
    if marked:
        lines = _with_fences(lines)
    code = code_lines(lines, text)
    if marked:
        lines = _without_shortcodes(lines, code)
    if ("%" in text and "%%" in text) or ("<" in text and _hides(text)):
        lines = strip_comments(lines, code)
    return lines, code


def _hides(text: str) -> bool:
    if "<!--" in text:
        return True
    return ("<s" in text or "<S" in text or "<t" in text or "<T" in text) and any(
        mark in text.lower() for mark in _UNSEEN
    )


def code_lines(lines: Sequence[str], text: str = "") -> list[bool]:
    """Say for each line whether it is code: fenced, indented, or a formula of several lines.

    Args:
        lines: The lines.
        text: The lines in one, where that is at hand.
    """
    text = text or "\n".join(lines)
    # One character is found many times faster than three.
    if ("`" in text and "```" in text) or ("~" in text and "~~~" in text) or "highlight" in text:
        code = fenced(lines)
    else:
        code = [False] * len(lines)
    if "$$" in text:
        _mark_formulas(lines, code)
    mark_indented(text, lines, code)
    return code


def _with_fences(lines: Sequence[str]) -> list[str]:
    """Return the lines with what sites highlight as code between fences."""
    return [
        f"```{'' if found[1] else found[2]}"
        if "{" in line and (found := _HIGHLIGHT.match(line))
        else line
        for line in lines
    ]


def _without_shortcodes(lines: Sequence[str], code: Sequence[bool]) -> list[str]:
    """Take out the shortcodes of Hugo and the tags of Liquid; what they enclose stays."""
    kept = list(lines)
    for number, line in enumerate(lines):
        if "{" in line and not code[number]:
            cuts = [(found.start(), found.end(), "") for found in
                    _SHORTCODE.finditer(without_code(line))]  # fmt: skip
            if cuts:
                kept[number] = _replace_spans(line, cuts)
    return kept


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
    """Remove ``%%comments%%``, HTML comments, scripts and styles; every line keeps its number.

    A mark without its partner is ordinary text.
    """
    marks = [
        (number, match.start(), match.end(), _kind_of_mark(match))
        for number, line in enumerate(lines)
        if not code[number] and ("%%" in line or "--" in line or "<" in line)
        for match in _COMMENT_MARK.finditer(without_code(line))
    ]
    places: dict[str, list[int]] = {}
    for index, mark in enumerate(marks):
        places.setdefault(mark[3], []).append(index)
    cuts: dict[int, list[tuple[int, int, str]]] = {}
    index = 0
    while index < len(marks):
        number, start, _, opening = marks[index]
        closing = {"%%": "%%", "<!--": "-->"}.get(opening, f"/{opening}")
        partners = places.get(closing, [])
        at = bisect_right(partners, index)
        if at == len(partners):
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


def _kind_of_mark(match: re.Match[str]) -> str:
    if match[1]:
        return match[1].lower()
    return f"/{match[2].lower()}" if match[2] else match[0]


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
