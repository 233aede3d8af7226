"""A note taken apart: frontmatter, title, tags, aliases, date, and where its body begins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from engine.sources.markdown import fenced, field_line, line_tags, strip_comments

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_DATE_LINE = re.compile(r"^\W{0,3}(?:date|datum|data)\W{0,3}:\W{0,3}\s*(\d{4}-\d{2}-\d{2})\b", re.I)
_SIMPLE_LINE = re.compile(r"^([A-Za-z][\w -]{0,60}):[ \t]*(.*)$")
_MAX_METADATA = 500
_MAX_FRONTMATTER = 100_000
_DATE_KEYS = ("date", "day", "created", "datum", "data", "date created", "created_at")


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note.

    ``body_line`` is the number, from 1, of the file's line that the body begins
    with; ``problem`` says what is wrong with the frontmatter, in ``problem_line``.
    ``tags`` are those of the frontmatter and of the lines before the first
    section; tags inside sections belong to these.
    """

    body: str
    body_line: int = 1
    title: str = ""
    tags: tuple[str, ...] = ()
    date: str = ""
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    has_frontmatter: bool = False
    problem: str = ""
    problem_line: int = 0


def heading(line: str) -> tuple[int, str] | None:
    """Return the level and text of an ATX heading, or None."""
    match = _HEADING.match(line) if "#" in line[:4] else None
    return (len(match[1]), match[2].strip()) if match else None


def parse_note(text: str, name: str = "") -> Note:
    r"""Take a note apart. Never raises: what can't be understood is named in ``problem``.

    Args:
        text: The file's text, with ``\n`` line ends.
        name: The file's name without its suffix, which may hold a date.
    """
    block, body, body_line, problem = _split(text)
    values: dict[str, Any] = {}
    problem_line = 1 if problem else 0
    if block is not None:
        values, yaml_problem, yaml_line = _load(block)
        if not problem:
            problem, problem_line = yaml_problem, yaml_line
    metadata = _scalars(values)
    lines = body.split("\n")
    lead = _lead(lines)
    for line in lead.text:
        pair = field_line(line)
        if pair and pair[1]:
            metadata.setdefault(pair[0], pair[1][:_MAX_METADATA])
    aliases = _words(_value(values, "aliases", "alias"), split=False)
    if aliases:
        metadata["aliases"] = ", ".join(aliases)
    tags = dict.fromkeys(tag.lstrip("#").strip("/") for tag in _tags(values))
    tags.update(dict.fromkeys(tag for line in lead.text for tag in line_tags(line)))
    tags.pop("", None)
    dated = next((match[1] for line in lead.text if (match := _DATE_LINE.match(line))), "")
    return Note(
        body=body,
        body_line=body_line,
        title=_title(values) or lead.title or name,
        tags=tuple(tags),
        date=_date(values) or date_in(name) or _valid(dated),
        metadata=MappingProxyType(metadata),
        has_frontmatter=block is not None,
        problem=problem,
        problem_line=problem_line,
    )


def _split(text: str) -> tuple[str | None, str, int, str]:
    """Split off the frontmatter: its text, the body, the body's first line, and a problem."""
    lines = text.split("\n")
    start = 0
    while start < len(lines) and start < 3 and not lines[start].strip():
        start += 1
    if start >= len(lines) or lines[start].rstrip() != "---":
        return None, text, 1, ""
    for end in range(start + 1, len(lines)):
        if lines[end].rstrip() in ("---", "..."):
            block = "\n" * (start + 1) + "\n".join(lines[start + 1 : end])
            return block, "\n".join(lines[end + 1 :]), end + 2, ""
        if heading(lines[end]) and not lines[end].startswith("# "):
            break
    following = lines[start + 1] if start + 1 < len(lines) else ""
    if not _SIMPLE_LINE.match(following):
        return None, text, 1, ""
    end = start + 1
    while end < len(lines) and (_SIMPLE_LINE.match(lines[end]) or lines[end][:1] in (" ", "-")):
        end += 1
    rest = "\n".join(lines[end:])
    block = "\n" * (start + 1) + "\n".join(lines[start + 1 : end])
    return block, rest, end + 1, "the frontmatter is never closed with ---"


def _load(block: str) -> tuple[dict[str, Any], str, int]:
    """Return the values of a frontmatter block, and a problem with its line."""
    import yaml
    from frontmatter.default_handlers import YAMLHandler

    if len(block) > _MAX_FRONTMATTER:
        return _rescue(block), "the frontmatter is longer than any that is written by hand", 1
    try:
        # libyaml's loader is faster, but deep nesting overflows its stack and ends the process.
        loaded = YAMLHandler().load(block, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        what = str(getattr(error, "problem", "") or "it can't be parsed")
        # A quote or bracket that is never closed is noticed later, but stands where it began.
        opened = "end of stream" in what or "flow" in str(getattr(error, "context", ""))
        place = "context_mark" if opened else "problem_mark"
        mark = getattr(error, place, None) or getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        return _rescue(block), f"the frontmatter is not valid YAML: {what}", line
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as error:
        # PyYAML lets these through for impossible dates, unhashable keys and deep nesting.
        what = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        return _rescue(block), f"the frontmatter is not valid YAML: {what}", 1
    if loaded is None:
        return {}, "", 0
    if not isinstance(loaded, dict):
        return {}, "the frontmatter is not a list of keys and values", 1
    return {str(key): value for key, value in loaded.items()}, "", 0


def _rescue(block: str) -> dict[str, Any]:
    """Read the plain ``key: value`` lines of a block that is not valid YAML."""
    values: dict[str, Any] = {}
    key = ""
    for line in block.split("\n"):
        item = re.match(r"^\s*-\s+(.*)$", line)
        match = _SIMPLE_LINE.match(line)
        if match:
            key = match[1]
            values[key] = match[2].strip().strip("\"'")
        elif item and key and not values.get(key):
            values[key] = [item[1].strip("\"' ")]
        elif item and key and isinstance(values.get(key), list):
            values[key].append(item[1].strip("\"' "))
    return values


def _value(values: Mapping[str, Any], *names: str) -> Any:
    for key, value in values.items():
        if key.strip().lower() in names:
            return value
    return None


def _words(value: Any, *, split: bool) -> list[str]:
    """Return a frontmatter value that may be a list or one string as a list of strings."""
    if isinstance(value, str):
        inner = value.strip().strip("[]")
        return [word.strip("\"' ") for word in re.split(r"[,\s]+" if split else r",", inner)]
    if isinstance(value, list | tuple):
        return [str(item).strip() for item in value if isinstance(item, str | int | float | date)]
    return []


def _tags(values: Mapping[str, Any]) -> list[str]:
    found = _words(_value(values, "tags", "tag", "keywords"), split=True)
    # Categories are often links to a note of that name.
    groups = _words(_value(values, "categories", "category"), split=False)
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
    title = _value(values, "title", "titel", "titlu")
    return " ".join(title.split())[:300] if isinstance(title, str) else ""


def _valid(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def date_in(name: str) -> str:
    """Return the date in a name: ``YYYY-MM-DD``, ``YYYY-Www`` or ``YYYY-MM``; else empty."""
    day = re.search(r"(?<!\d)(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d)", name)
    if day and (found := _valid(f"{day[1]}-{day[2]}-{day[3]}")) and found > "1900":
        return found
    week = re.search(r"(?<!\d)(\d{4})[-_ ]?[WwKk][Ww]?[-_ ]?(\d{1,2})(?!\d)", name)
    if week and 1 <= int(week[2]) <= 53:
        return f"{week[1]}-W{int(week[2]):02d}"
    month = re.match(r"^(\d{4})-(\d{2})(?!\d)", name)
    return f"{month[1]}-{month[2]}" if month and 1 <= int(month[2]) <= 12 else ""


def _date(values: Mapping[str, Any]) -> str:
    for name in _DATE_KEYS:
        value = _value(values, name)
        if isinstance(value, datetime):
            return value.date().isoformat()
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, str) and (found := date_in(value[:40])):
            return found
    return ""


@dataclass(frozen=True, slots=True)
class _Lead:
    """The lines before a note's first section, and the title in a heading among them."""

    title: str
    text: list[str]


def _lead(lines: list[str]) -> _Lead:
    title = ""
    kept: list[str] = []
    # Comments and fences may not run far into a note that is all lead.
    head = lines[:400]
    code = fenced(head)
    for number, line in enumerate(strip_comments(head, code)):
        found = None if code[number] else heading(line)
        if found and (title or found[0] > 1 or any(text.strip() for text in kept)):
            break
        if found:
            title = found[1]
        elif not code[number]:
            kept.append(line)
    return _Lead(title, kept)
