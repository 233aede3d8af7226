"""A note's text as sections: a heading, and what stands under it until the next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from engine.extract.headings import match_heading
from engine.extract.pairs import is_label
from engine.sources.blocks import SECTION_BREAK, Block, Draft, definitions
from engine.sources.inline import NO_LINKS, inline_plain
from engine.sources.markdown import line_tags, open_lines
from engine.sources.notes import heading as atx_heading

_BOLD_LINE = re.compile(r"^\s{0,3}(?:\*\*|__)([^*_\n]{2,80}?):?(?:\*\*|__):?\s*$")
_SETEXT = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_NO_PARAGRAPH = re.compile(r"^\s*(?:[-*+>|#]|\d+[.)]\s|`{3}|~{3})|^ {4}|::")
_CALLOUT = re.compile(r"^ {0,3}(?:> ?)+\[!([\w -]{1,40})(?:\|[^\]\n]*)?\]")
_ASKED = re.compile(r"\?(?:\*|_|<| \*| _)")
_RULE = re.compile(r"^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_ENTRY_WORDS, _ENTRY_LETTERS = 25, 150
_ENDS = " \t*_"
_MARKS_A_HEADING = frozenset(f"#*_=-{SECTION_BREAK}")


class Section(NamedTuple):
    """A heading and the lines under it, up to the next heading of any level.

    Attributes:
        heading: The heading as plain text; empty for what stands before the first.
        level: 1 to 6, 7 for a line in bold that stands as a heading, 0 without one.
        start: Index of the first line, that of the heading where there is one.
        end: Index behind the last line that is not empty.
        lines: The lines below the heading, without comments.
        parents: The headings above, outermost first.
        tags: The tags in the heading and the lines.
        callouts: The types of callouts in it, in lower case.
        blocks: What the lines say, as plain text.
        may_ask: Whether a question may stand in the lines.
    """

    heading: str
    level: int
    start: int
    end: int
    lines: Sequence[str]
    parents: tuple[str, ...]
    tags: tuple[str, ...]
    callouts: tuple[str, ...]
    blocks: Sequence[Block]
    may_ask: bool


def split_sections(text: str) -> list[Section]:
    """Split a note's body at its headings; code blocks and comments hold none."""
    lines, code = open_lines(text)
    bounds = [(0, 0, "", 0), *_headings(lines, code)]
    bounds[1:1] = _ruled(lines, code, bounds[1][0] if len(bounds) > 1 else len(lines))
    draft = Draft(definitions(lines, code) if "]:" in text else NO_LINKS)
    places: list[tuple[int, int, int]] = []
    for index, (_, body, _, _) in enumerate(bounds):
        stop = bounds[index + 1][0] if index + 1 < len(bounds) else len(lines)
        end = stop
        while end > body and not lines[end - 1].strip():
            end -= 1
        places.append((body, max(end, body), stop))
    # All lines are looked at before the first blocks are asked for.
    drafted = [draft.look(lines, code, body, end) for body, end, _ in places]
    said = _said(lines, code)
    sections: list[Section] = []
    above: list[tuple[int, str]] = []
    for (start, _, title, level), (body, end, stop), pieces in zip(
        bounds, places, drafted, strict=True
    ):
        while above and level and above[-1][0] >= level:
            above.pop()
        here = [found for found in said if start <= found[0] < stop]
        sections.append(
            Section(
                heading=title,
                level=level,
                start=start,
                end=end,
                lines=lines[body:end],
                parents=tuple([name for _, name in above]),
                tags=tuple(dict.fromkeys([tag for _, tags, _, _ in here for tag in tags])),
                callouts=tuple(dict.fromkeys([name for _, _, name, _ in here if name])),
                blocks=draft.blocks(pieces),
                may_ask=any(number >= body for number, _, _, asks in here if asks),
            )
        )
        if level:
            above.append((level, title))
    return sections


def _said(lines: Sequence[str], code: Sequence[bool]) -> list[tuple[int, Sequence[str], str, bool]]:
    """Return the lines that mean more: number, tags, a callout's type, whether it may ask."""
    found: list[tuple[int, Sequence[str], str, bool]] = []
    for number, line in enumerate(lines):
        asks = "?" in line and (line.rstrip(_ENDS)[-1:] == "?" or _ASKED.search(line) is not None)
        asks = asks or "::" in line or (":" in line[:20] and is_label(line))
        if (not asks and "#" not in line and "[!" not in line) or code[number]:
            continue
        tags = line_tags(line) if "#" in line else ()
        callout = _CALLOUT.match(line) if "[!" in line else None
        if asks or tags or callout:
            name = callout[1].strip().lower() if callout else ""
            found.append((number, tags, name, asks or "#" in line))
    return found


def _headings(lines: Sequence[str], code: Sequence[bool]) -> Iterator[tuple[int, int, str, int]]:
    """Yield first line, first line below, plain text and level of each heading."""
    underlined = -1
    for number, line in enumerate(lines):
        stripped = line.lstrip(" \t")
        if not stripped or stripped[0] not in _MARKS_A_HEADING or code[number]:
            continue
        first = stripped[0]
        if first == "#":
            found = atx_heading(line)
            if found:
                yield number, number + 1, _plain(found[1]), found[0]
        elif first in "*_":
            bold = _BOLD_LINE.match(line)
            if bold and match_heading(bold[1]) is not None:
                underlined = number
                yield number, number + 1, _plain(bold[1]), 7
        elif first == SECTION_BREAK:
            yield number, number, "", len(stripped) - len(stripped.lstrip(SECTION_BREAK))
        elif number and number - 1 != underlined and _SETEXT.match(line):
            title = _underlined(lines, code, number - 1)
            if title:
                yield number - 1, number + 1, _plain(title), 1 if first == "=" else 2


def _ruled(
    lines: Sequence[str], code: Sequence[bool], end: int
) -> Iterator[tuple[int, int, str, int]]:
    """Yield the rules that divide what stands before the first heading, as bounds.

    Where no heading does, a rule tells one entry from the next; one beside a line or two
    sets them off from an entry that they belong to.
    """
    rules = [
        number
        for number in range(1, end)
        if lines[number].lstrip()[:1] in ("-", "*", "_")
        and not code[number]
        and not lines[number - 1].strip()
        and _RULE.match(lines[number])
    ]
    start = 0
    for index, number in enumerate(rules):
        after = rules[index + 1] if index + 1 < len(rules) else end
        if _is_entry(lines[start:number]) and _is_entry(lines[number + 1 : after]):
            yield number, number + 1, "", 0
            start = number + 1


def _is_entry(lines: Sequence[str]) -> bool:
    text = "\n".join(lines)
    return len(text) >= _ENTRY_LETTERS or len(text.split()) >= _ENTRY_WORDS


def _underlined(lines: Sequence[str], code: Sequence[bool], number: int) -> str:
    """Return a line that is a heading where it is underlined; empty where it can't be one."""
    line = lines[number]
    alone = not number or not lines[number - 1].strip()
    if code[number] or not alone or not line.strip() or len(line) > 200:
        return ""
    return "" if _NO_PARAGRAPH.search(line) or atx_heading(line) else line


def _plain(text: str) -> str:
    return " ".join(inline_plain(text).split())
