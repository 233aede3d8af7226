"""Why a section of a note gave no example; each is counted and listed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from engine.extract.bodies import is_mostly_links
from engine.extract.headings import is_junk
from engine.extract.prose import MIN_WORDS
from engine.extract.units import Unit
from engine.invisible import is_blank
from engine.models import ON_REQUEST, Document, Example

_UNREADABLE = ("not-own", "a picture, an embed or signs that nobody sees; no words")
_PICTURE = re.compile(r"!\[|<(?:img|iframe|video|audio|object|svg)\b", re.IGNORECASE)

OnLeft = Callable[[int, str, str], None]
"""Told the line, the code and the reason of what is left out."""


def ignore_left(line: int, code: str, reason: str) -> None:
    """Let what is left out go by."""


def tell(
    document: Document,
    units: Sequence[Unit],
    given: Sequence[Sequence[Example]],
    on_left: OnLeft,
    *,
    clipped: bool,
    on_request: Callable[[Unit], bool],
) -> None:
    """Say of each section that gave nothing why.

    Args:
        document: The note.
        units: Its sections.
        given: What each of them gave.
        on_left: Told of those that gave nothing.
        clipped: Whether the note holds what somebody else wrote.
        on_request: Says whether a section would be taken if sections were asked for.
    """
    if not units and _shows(document.text.split("\n")):
        on_left(document.start_line, *_UNREADABLE)
    for unit, examples in zip(units, given, strict=True):
        words = sum(block.words for member in unit.members for block in member.parts)
        shows = not words and any(_shows(member.section.lines) for member in unit.members)
        if examples or not (words or shows):
            continue
        if not words:
            code, reason = _UNREADABLE
        elif clipped:
            code, reason = "clipped", "somebody else wrote it: the note names where it comes from"
        elif not unit.words:
            code, reason = "not-own", "a quotation, links, code, tasks or a table; no running text"
        elif unit.words < MIN_WORDS:
            code = "short"
            reason = f"{unit.words} words of running text; an example has at least {MIN_WORDS}"
        elif not unit.is_own:
            code, reason = "not-own", "quotations, links or code are the larger part of it"
        elif on_request(unit):
            code, reason = ON_REQUEST, "no thought and no answer; take=…,sections takes it"
        else:
            code, reason = "no-sign", f"{_why(unit)}, and neither a thought nor an answer"
        name = unit.section.heading or document.title
        place = f"section '{name[:60]}': " if name else ""
        on_left(document.start_line + unit.section.start, code, f"{place}{reason}")


def tell_unanswered(document: Document, lines: Sequence[int], on_left: OnLeft) -> None:
    """Say of questions and cards whose answers say nothing that they are left out.

    Args:
        document: The note.
        lines: The indices of their lines in it.
        on_left: Told of each.
    """
    for line in sorted(lines):
        on_left(document.start_line + line, "no-answer", "a card or question without an answer")


def _shows(lines: Sequence[str]) -> bool:
    """Say whether something without words stands in some lines."""
    return any(
        _PICTURE.search(line) is not None or (not line.isspace() and line != "" and is_blank(line))
        for line in lines
    )


def _why(unit: Unit) -> str:
    """Return why a section would not be taken as it is either."""
    if is_junk(unit.section.heading):
        return f"under '{unit.section.heading[:60]}'"
    if unit.is_bare_list:
        return "a short list"
    if is_mostly_links(unit):
        return "mostly links"
    return "a text under a heading that asks"
