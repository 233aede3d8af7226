"""Markdown as notes use it: what is code, what is a comment, its tags, its plain text.

Obsidian's additions are understood: ``[[links]]``, ``![[embeds]]``, callouts,
``%%comments%%``, ``key:: value`` lines, ``==highlights==``, block ids and ``#tags``.
All functions take any text; none of them raises.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from types import MappingProxyType

_FENCE = re.compile(r"^ {0,3}(?:> ?)*(?:[-*+] )? *(`{3,}|~{3,})(.*)$")
_TAG = re.compile(r"(?<![^\s(,;])#([^\s#!@$%^&*()+=\[\]{}|\\;:'\",.<>?`~‘’“”…–—]+)")
_COMMENT_MARK = re.compile(r"%%|<!--|-->")
_INLINE_FIELD = re.compile(r"[\[(]([^\W\d][\w -]{0,40})::\s*([^\])\n]*)[\])]")
_FIELD_LINE = re.compile(r"^(?:\s*[-*+]\s+)?[*_]*([^\W\d](?:[\w -]{0,39}\w)?)[*_]*::(?:\s+(.*))?$")
_MEDIA = re.compile(
    r"\.(png|jpe?g|gif|svg|webp|bmp|avif|heic|pdf|mp[34]|m4a|wav|ogg|webm|mov|canvas|base|excalidraw)$",
    re.IGNORECASE,
)

NO_FOOTNOTES: Mapping[str, str] = MappingProxyType({})
"""The footnotes of a text that has none."""


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
        found = _FENCE.match(line)
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
    runs = [(match.start(), match.end()) for match in re.finditer(r"`+", line)]
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
    if "#" not in line:
        return []
    found: list[str] = []
    for match in _TAG.finditer(_without_targets(without_code(line))):
        tag = match[1].strip("/")
        # Obsidian's rule: a tag has at least one character that is no digit.
        if tag and not tag.replace("/", "").isdigit() and any(c.isalnum() for c in tag):
            found.append(tag)
    return found


def _without_targets(line: str) -> str:
    line = re.sub(r"\]\([^()\n]{0,2000}\)", "]", line)
    return re.sub(r"\[\[[^\[\]\n]{0,500}\]\]", " ", line)


def inline_tags(text: str) -> tuple[str, ...]:
    """Return the ``#tags`` of a text once each, in order; not those in code, comments or links."""
    lines = text.split("\n")
    code = fenced(lines)
    seen: dict[str, None] = {}
    for number, line in enumerate(strip_comments(lines, code)):
        if not code[number]:
            seen.update(dict.fromkeys(line_tags(line)))
    return tuple(seen)


def field_line(line: str) -> tuple[str, str] | None:
    """Return the key and value of a ``key:: value`` line, or None."""
    if "::" not in line:
        return None
    match = _FIELD_LINE.match(line)
    return (match[1].strip(), (match[2] or "").strip()) if match else None


_IMAGE_LINK = re.compile(r"!\[\[([^\[\]\n]{0,500})\]\([^()\n]{0,2000}\)\]\([^()\n]{0,2000}\)")
_LINK_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"!\[[^\[\]\n]{0,500}\]\([^()\n]{0,4000}(?:\([^()\n]{0,500}\)[^()\n]{0,500})?\)"
        ),
        "",
    ),
    (
        re.compile(
            r"\[([^\[\]\n]{0,1000})\]\([^()\n]{0,4000}(?:\([^()\n]{0,500}\)[^()\n]{0,500})?\)"
        ),
        r"\1",
    ),
    (re.compile(r"\[([^\[\]\n]{1,1000})\]\[[^\[\]\n]{0,200}\]"), r"\1"),
    (re.compile(r"<(https?://[^<>\s]{1,2000})>"), r"\1"),
)
_WIKILINK = re.compile(r"(!?)\[\[([^\[\]\n]{1,1000})\]\]")
_MARKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"~~(?=\S)[^~\n]{1,2000}~~[ \t]?"), ""),
    (re.compile(r"==(?=\S)([^=\n]{1,2000})=="), r"\1"),
    (re.compile(r"(?<![\w*])\*\*\*(?=\S)([^*\n]{1,2000})(?<=\S)\*\*\*"), r"\1"),
    (re.compile(r"\*\*(?=\S)([^*\n]{1,2000})(?<=\S)\*\*"), r"\1"),
    (re.compile(r"(?<!\w)__(?=\S)([^_\n]{1,2000})(?<=\S)__(?!\w)"), r"\1"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,2000})(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<!\w)_(?=\S)([^_\n]{1,2000})(?<=\S)_(?!\w)"), r"\1"),
    (re.compile(r"<br */?>", re.IGNORECASE), " "),
    (re.compile(r"</?[a-zA-Z][a-zA-Z0-9-]{0,20}(?:\s[^<>\n]{0,500})?/?>"), ""),
    (re.compile(r"(?<=\s)\^[\w-]{1,40}$"), ""),
    (re.compile(r"\\([\\`*_{}\[\]()#+.!~|>$-])"), r"\1"),
)


def is_media(name: str) -> bool:
    """Say whether a file's name is that of a picture, sound, film or drawing."""
    return _MEDIA.search(name) is not None


def link_text(target: str) -> str:
    """Return what a ``[[target#heading|shown]]`` link reads as."""
    name, bar, shown = target.partition("|")
    if bar and shown.strip() and not re.fullmatch(r"\s*\d+(x\d+)?\s*", shown):
        return shown.replace("\\", "").strip()
    page, _, heading = name.rstrip("\\").partition("#")
    page = page.strip().rsplit("/", 1)[-1].removesuffix(".md")
    return page or heading.lstrip("^").strip()


def _link(match: re.Match[str]) -> str:
    name = match[2].partition("|")[0].partition("#")[0].strip()
    return "" if match[1] and is_media(name) else link_text(match[2])


def _tags_out(text: str) -> str:
    """Remove tags at a line's end; in the middle of a sentence keep the word."""
    if "#" not in text:
        return text
    words = text.split(" ")
    while words and (not words[-1] or _TAG.fullmatch(words[-1])):
        words.pop()
    kept = " ".join(words)

    def word(match: re.Match[str]) -> str:
        tag = match[1].strip("/")
        return match[0] if not tag or tag.isdigit() else tag.rsplit("/", 1)[-1].replace("_", " ")

    return _TAG.sub(word, kept)


def inline_plain(line: str, notes: Mapping[str, str] = NO_FOOTNOTES) -> str:
    """Return a line of prose without its marks; inline code stays as it is.

    Args:
        line: One line that is not part of a code block.
        notes: Footnotes by name; a reference to one becomes its text in parentheses.
    """
    kept: list[str] = []

    def hold(text: str) -> str:
        kept.append(text)
        return f"\x00{len(kept) - 1}\x01"

    line = line.replace("\x00", "").replace("\x01", "")
    line = _replace_spans(
        line, [(start, end, hold(line[start:end])) for start, end in code_spans(line)]
    )
    if "[" in line:
        line = _IMAGE_LINK.sub("", line)
        line = _WIKILINK.sub(_link, line)
        line = _INLINE_FIELD.sub(r"\2", line)
        line = re.sub(
            r"\[\^([^\]\s]{1,60})\]",
            lambda match: f" ({notes[match[1]]})" if notes.get(match[1]) else "",
            line,
        )
        line = re.sub(r"\^\[([^\[\]\n]{1,1000})\]", r" (\1)", line)
    line = _tags_out(line)
    for pattern, replacement in _LINK_RULES:
        line = pattern.sub(replacement, line)
    for pattern, replacement in _MARKS:
        line = pattern.sub(replacement, line)
    line = re.sub(r"\x00(\d+)\x01", lambda match: kept[int(match[1])], line)
    return re.sub(r"(?<=\S) {2,}", " ", line).rstrip()
