"""A note taken apart: frontmatter, title, tags, aliases, date, and where its body begins."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from engine.models import NO_METADATA
from engine.sources.dates import date_in, valid_day
from engine.sources.markdown import field_line, line_tags, open_lines

__all__ = ["Note", "date_in", "heading", "parse_note"]

_DATE_LINE = re.compile(r"^\W{0,3}(?:date|datum|data)\W{0,3}:\W{0,3}\s*(\d{4}-\d{2}-\d{2})\b", re.I)
_FIRST_LEVEL = re.compile(r"^# ", re.MULTILINE)
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")
_MAX_METADATA = 500
_LEAD = 400
_LINKED = re.compile(r"\[\[([^\[\]]*)\]\]")
_TAG_KEYS = ("tags", "tag", "keywords")
_CATEGORY_KEYS = ("categories", "category")
_TITLE_KEYS = ("title", "titel", "titlu")
_ALIAS_KEYS = ("aliases", "alias")
_DATE_KEYS = ("date", "day", "created", "datum", "data", "date created", "created_at")


class Note(NamedTuple):
    """A parsed note.

    ``body_line`` is the number, from 1, of the file's line that the body begins
    with; ``problem`` says what is wrong with the frontmatter, in ``problem_line``, and
    ``problem_code`` names it.
    ``tags`` are those of the frontmatter and of the lines before the first
    section; tags inside sections belong to these.
    """

    body: str
    body_line: int = 1
    title: str = ""
    tags: tuple[str, ...] = ()
    date: str = ""
    metadata: Mapping[str, str] = NO_METADATA
    has_frontmatter: bool = False
    problem: str = ""
    problem_line: int = 0
    problem_code: str = ""


def heading(line: str) -> tuple[int, str] | None:
    """Return the level and text of an ATX heading, or None."""
    if "#" not in line[:4]:
        return None
    marked = line.lstrip(" ")
    text = marked.lstrip("#")
    level = len(marked) - len(text)
    if not 0 < level <= 6 or text[:1] not in (" ", "\t") or len(line) - len(marked) > 3:
        return None
    text = text.strip()
    if text[-1:] == "#":
        # Signs may close a heading; as part of its last word they are text.
        bare = text.rstrip("#")
        text = bare.rstrip() if bare != bare.rstrip() or not bare else text
    return level, text


def parse_note(text: str, name: str = "") -> Note:
    r"""Take a note apart. Never raises: what can't be understood is named in ``problem``.

    Args:
        text: The file's text, with ``\n`` line ends.
        name: The file's name without its suffix, which may hold a date.
    """
    import frontmatter  # 40 ms with PyYAML

    from engine.sources.guarded import GuardedHandler

    handler = GuardedHandler(text)
    values, _ = frontmatter.parse(text, handler=handler)
    block, body, body_line, loaded = handler.parts
    known: dict[str, Any] = {}
    for key, value in values.items():
        known.setdefault(key.strip().lower(), value)
    metadata = _scalars(values)
    title, lead = _lead(body)
    if (
        title
        and _bare(_LINK.sub(itemgetter(1), title)) not in _bare(name)
        and _has_more_titles(body)
    ):
        # Each is a section's; the note is called as its file.
        title = name or title
    tags = dict.fromkeys([tag.lstrip("#").strip("/") for tag in _tags(known)])
    for line in lead:
        if "::" in line and (pair := field_line(line)) and pair[1]:
            metadata.setdefault(pair[0], pair[1][:_MAX_METADATA])
        if "#" in line:
            tags.update(dict.fromkeys(line_tags(line)))
    tags.pop("", None)
    aliases = _words(_first(known, _ALIAS_KEYS), split=False)
    if aliases:
        metadata["aliases"] = ", ".join(aliases)
    return Note(
        body=body,
        body_line=body_line,
        title=_title(known) or title or name,
        tags=tuple(tags),
        date=_date(known) or date_in(name) or _date_line(lead),
        metadata=MappingProxyType(metadata),
        has_frontmatter=block is not None,
        problem=loaded.problem,
        problem_line=loaded.line,
        problem_code=loaded.code,
    )


def _first(known: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Return the value of the first key that stands in the block, whichever name it is."""
    return next((value for key, value in known.items() if key in names), None)


def _words(value: Any, *, split: bool) -> list[str]:
    """Return a frontmatter value that may be a list or one string as a list of strings."""
    if isinstance(value, str):
        inner = value.strip().strip("[]")
        return [word.strip("\"' ") for word in re.split(r"[,\s]+" if split else r",", inner)]
    if isinstance(value, list | tuple):
        return [str(item).strip() for item in value if isinstance(item, str | int | float | date)]
    return []


def _tags(values: Mapping[str, Any]) -> list[str]:
    value = _first(values, _TAG_KEYS)
    if isinstance(value, str) and "[[" in value:
        # A link's name is one tag.
        value = _LINKED.sub(lambda link: re.sub(r"\s+", "-", link[1]), value)
    found = _words(value, split=True)
    # Categories are often links to a note of that name.
    groups = _words(_first(values, _CATEGORY_KEYS), split=False)
    found += [group.strip("[]\"' ").rpartition("|")[2] for group in groups]
    return [re.sub(r"\s+", "-", tag) for tag in found if tag]


def _scalars(values: Mapping[str, Any]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, bool):
            kept[key] = "true" if value else "false"
        elif isinstance(value, str | int | float | date):
            try:
                kept[key] = str(value)[:_MAX_METADATA]
            except ValueError:
                # Python refuses to print an integer of more than 4,300 digits.
                continue
    kept.pop("tags", None)
    return kept


def _title(values: Mapping[str, Any]) -> str:
    title = _first(values, _TITLE_KEYS)
    return " ".join(title.split())[:300] if isinstance(title, str) else ""


def _date(values: Mapping[str, Any]) -> str:
    for name in _DATE_KEYS:
        value = values.get(name)
        if isinstance(value, datetime):
            return value.date().isoformat()
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, str) and (found := date_in(value[:40])):
            return found
    return ""


def _lead(body: str) -> tuple[str, list[str]]:
    """Return the title in a heading before the first section, and the other lines up to there."""
    title = ""
    kept: list[str] = []
    blank = True
    # Comments and fences may not run far into a note that is all lead.
    lines, code = open_lines(_head(body))
    for line, is_code in zip(lines, code, strict=True):
        if is_code:
            continue
        found = heading(line) if "#" in line else None
        if found:
            if title or found[0] > 1 or not blank:
                break
            title = found[1]
        elif line and not line.isspace():
            blank = False
            kept.append(line)
    return title, kept


def _bare(text: str) -> str:
    """Return a title's letters and digits, which are what a file's name keeps of it."""
    return "".join(filter(str.isalnum, text)).casefold()


def _has_more_titles(body: str) -> bool:
    """Say whether several headings of the first level stand in a body."""
    found = list(islice(_FIRST_LEVEL.finditer(body), 2))
    if len(found) < 2:
        return False
    lines, code = open_lines(body)
    titles = (
        line
        for line, is_code in zip(lines, code, strict=True)
        if not is_code and line.startswith("# ")
    )
    return len(list(islice(titles, 2))) > 1


def _head(body: str) -> str:
    """Return the part of a body that its lead can be in: up to the first lower heading."""
    at = body.find("\n## ")
    if at > 0 and not any(mark in body[:at] for mark in ("`", "~", "%", "<")):
        return body[:at]
    return body if body.count("\n") < _LEAD else "\n".join(body.split("\n", _LEAD)[:_LEAD])


def _date_line(lines: Sequence[str]) -> str:
    return next((valid_day(match[1]) for line in lines if (match := _DATE_LINE.match(line))), "")
