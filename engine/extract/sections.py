"""A note's text as sections: a heading, and what stands under it until the next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.extract.headings import match_heading
from engine.sources.markdown import fenced, inline_plain, line_tags, strip_comments
from engine.sources.notes import heading as atx_heading

_BOLD_LINE = re.compile(r"^\s{0,3}(?:\*\*|__)([^*_\n]{2,80}?):?(?:\*\*|__):?\s*$")
_SETEXT = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_NO_PARAGRAPH = re.compile(r"^\s*(?:[-*+>|#]|\d+[.)]\s|`{3}|~{3})|^ {4}|::")
_CALLOUT = re.compile(r"^ {0,3}(?:> ?)+\[!([\w -]{1,40})(?:\|[^\]\n]*)?\]")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the lines under it, up to the next heading of any level.

    Attributes:
        heading: The heading as plain text; empty for what stands before the first.
        level: 1 to 6, 7 for a line in bold that stands as a heading, 0 without one.
        start: Index of the first line, that of the heading where there is one.
        end: Index behind the last line that is not empty.
        lines: The lines below the heading, as they are.
        parents: The headings above, outermost first.
        tags: The tags in the heading and the lines.
        callouts: The types of callouts in it, in lower case.
    """

    heading: str
    level: int
    start: int
    end: int
    lines: tuple[str, ...]
    parents: tuple[str, ...]
    tags: tuple[str, ...]
    callouts: tuple[str, ...]


def split_sections(text: str) -> list[Section]:
    """Split a note's body at its headings; code blocks and comments hold none."""
    lines = text.split("\n")
    code = fenced(lines)
    clean = strip_comments(lines, code)
    marks = list(_headings(lines, clean, code))
    bounds = [(0, 0, "", 0), *marks]
    sections: list[Section] = []
    above: list[tuple[int, str]] = []
    for index, (start, body, title, level) in enumerate(bounds):
        stop = bounds[index + 1][0] if index + 1 < len(bounds) else len(lines)
        while above and level and above[-1][0] >= level:
            above.pop()
        end = stop
        while end > body and not clean[end - 1].strip():
            end -= 1
        open_lines = [clean[number] for number in range(start, stop) if not code[number]]
        tags = dict.fromkeys(tag for line in open_lines for tag in line_tags(line))
        callouts = (match[1] for line in open_lines if (match := _CALLOUT.match(line)))
        sections.append(
            Section(
                heading=title,
                level=level,
                start=start,
                end=max(end, body),
                lines=tuple(clean[body:end]),
                parents=tuple(name for _, name in above),
                tags=tuple(tags),
                callouts=tuple(dict.fromkeys(name.strip().lower() for name in callouts)),
            )
        )
        if level:
            above.append((level, title))
    return sections


def _headings(
    lines: list[str], clean: list[str], code: list[bool]
) -> Iterator[tuple[int, int, str, int]]:
    """Yield first line, first line below, plain text and level of each heading."""
    for number, line in enumerate(clean):
        if code[number] or not line.strip():
            continue
        found = atx_heading(line)
        if found:
            yield number, number + 1, _plain(found[1]), found[0]
            continue
        bold = _BOLD_LINE.match(line)
        if bold and match_heading(bold[1]) is not None:
            yield number, number + 1, _plain(bold[1]), 7
            continue
        below = lines[number + 1] if number + 1 < len(lines) else ""
        ruled = _SETEXT.match(below) if not code[min(number + 1, len(lines) - 1)] else None
        alone = number == 0 or not clean[number - 1].strip()
        if ruled and alone and len(line) <= 200 and not _NO_PARAGRAPH.search(line):
            yield number, number + 2, _plain(line), 1 if ruled[1][0] == "=" else 2


def _plain(text: str) -> str:
    return " ".join(inline_plain(text).split())
