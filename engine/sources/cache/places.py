r"""Where in a row a question or an answer stands, in words that people can read and write.

=================================  ==========================================================
``document``                       the row's text
``id``                             the row's id
``metadata:KEY``                   what is noted under that key
``…:after Answer:``                of it, what follows that label, up to the other side's label
``…:after Answer: until Source:``  the same, up to another label
``…:before Answer:``               of it, what stands before that label
``…:turns User:``                  of it, each turn that begins with that label
``…:json answer``                  it is JSON; the value of that field (``a.b.0`` goes deeper)
``…:json``                         it is JSON of messages, or of a prompt and its response
``…:first line``                   its first line; ``…:other lines`` the rest
``…:first question``               it up to its first question mark;
                                   ``…:after first question`` the rest
``…:where role=user``              it, of those rows alone whose metadata says so
=================================  ==========================================================

``…`` is one of the first three. A label is found in upper or lower case, with or without
accents, a number or markup around it: ``Answer:`` also finds ``**answer 2:**``. It is looked
for at the beginning of lines, and where no line begins with it, inside of them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from engine.errors import UsageError
from engine.sources.cache.rows import Row, Value
from engine.sources.cache.words import Side, says_plainly
from engine.sources.columns import value_at
from engine.sources.facts import clean
from engine.sources.jsonwindow import no_value

Field = Literal["document", "id", "metadata"]
_LABELLED = ("after", "before", "turns", "where")
_FIXED = ("after first question", "first question", "first line", "other lines", "json")
_PART = re.compile(
    r":(?=(?:after first question|first question|first line|other lines|json)\s*$"
    r"|(?:after|before|turns|where|json)\s+\S)"
)
_FORMS = (
    "write document, metadata:KEY or id, or a part of one, such as document:after Answer: "
    "or metadata:data:json answer"
)
LABEL = re.compile(
    r"^[^\w\n]{0,8}(?:\d{1,4}[.)][^\S\n]*)?([^\W\d_][^\W\d_]*(?:[ '’_-][^\W\d_]+){0,3})"
    r"(?:[^\S\n]*\d{1,4})?[*_`]{0,3}[^\S\n]*[:：]",
    re.MULTILINE,
)
"""A label at the beginning of a line, whatever it says."""
_SENTENCE_END = re.compile(r"[.?!…。？！؟][\"'”’»)\]*_]*\s*$")
_QUESTION_END = re.compile(r"[?？؟][\"'”’»)*_]*")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a row.

    Attributes:
        field: Which field of the row.
        key: The metadata key.
        part: Which part of the field, such as "after" or "first line"; empty for all of it.
        label: What the part goes by: a label, a JSON path, or ``KEY=VALUE``.
        until: A label at which it ends.
    """

    field: Field
    key: str = ""
    part: str = ""
    label: str = ""
    until: str = ""

    def __str__(self) -> str:
        whole = f"metadata:{self.key}" if self.field == "metadata" else self.field
        if not self.part:
            return whole
        until = f" until {self.until}" if self.until else ""
        return f"{whole}:{self.part} {self.label}{until}".rstrip(" ")

    @property
    def whole(self) -> Place:
        """The whole field that this is a part of."""
        return Place(self.field, self.key)

    def value(self, row: Row) -> Value | None:
        """Return the value of the field, whatever the part."""
        if self.field == "document":
            return row.document
        return row.id if self.field == "id" else row.metadata.get(self.key)

    def text(self, row: Row) -> str:
        """Return the text of the field, whatever the part."""
        return clean(as_text(self.value(row)))


def as_text(value: Value | None) -> str:
    """Return a value of metadata as text; lists have a line for each value."""
    if isinstance(value, list):
        return "\n".join(as_text(part) for part in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def parse(text: str, side: str) -> Place:
    """Return the place that a person wrote.

    Args:
        text: What was written.
        side: The option's name, for the message.

    Raises:
        UsageError: It can't be understood.
    """
    text = text.strip()
    split = _PART.search(text)
    whole, rest = (text[: split.start()], text[split.end() :]) if split else (text, "")
    name, colon, key = whole.partition(":")
    if (
        name not in ("document", "id", "metadata")
        or (name == "metadata") != bool(key)
        or (colon and not key)
    ):
        raise UsageError(f"{side}={text} is not understood", hint=_FORMS)
    field_name: Field = name  # type: ignore[assignment]
    rest = rest.strip()
    if rest in _FIXED:
        return Place(field_name, key, rest)
    part, _, label = rest.partition(" ")
    label, _, until = label.strip().partition(" until ") if part == "after" else (label, "", "")
    place = Place(field_name, key, part, label.strip(), until.strip())
    if part == "where" and not all(half.strip() for half in _halves(place)):
        raise UsageError(
            f"{side}={text} is not understood", hint="write it like document:where role=user"
        )
    return place


def _halves(place: Place) -> tuple[str, str]:
    key, _, value = place.label.partition("=")
    return key.strip(), value.strip()


def condition(place: Place) -> tuple[str, str]:
    """Return the metadata key and the value that a ``where`` asks for."""
    return _halves(place)


def text_at(place: Place, row: Row) -> str:
    """Return the text at a place, for parts that don't depend on the other side's place."""
    if place.part == "json":
        return _json_text(place, row)
    text = place.text(row)
    if place.part in ("after", "before", "turns"):
        sides: list[tuple[Side, str]] = [("question", place.label), ("", place.until)]
        found = marks(text, [(side, label) for side, label in sides if label])
        first = next((mark for mark in found if mark.side), None)
        if first is None:
            return ""
        if place.part == "before":
            return tidied(text[: first.start])
        end = next((mark.start for mark in found if mark.start > first.start), len(text))
        return tidied(text[first.end : end])
    if place.part in ("first line", "other lines"):
        first_line, _, rest = text.strip().partition("\n")
        return tidied(first_line if place.part == "first line" else rest)
    if place.part in ("first question", "after first question"):
        end_of = _QUESTION_END.search(text)
        at = end_of.end() if end_of else 0
        return tidied(text[:at] if place.part == "first question" else text[at:]) if at else ""
    return tidied(text)


def json_at(place: Place, row: Row) -> Any:
    """Return the JSON value at a place, or None."""
    value: Any = place.value(row)
    if isinstance(value, str):
        stripped = value.strip()
        if not stripped.startswith(("{", "[")):
            return None
        try:
            value = json.loads(stripped, parse_constant=no_value)
        except (ValueError, RecursionError):
            return None
    if not place.label:
        return value
    if isinstance(value, list):
        value = {str(number): part for number, part in enumerate(value)}
    return value_at(value, place.label) if isinstance(value, dict) else None


def _json_text(place: Place, row: Row) -> str:
    value = json_at(place, row)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tidied(clean("\n".join(value)))
    return tidied(clean(as_text(value))) if isinstance(value, str | int | float | bool) else ""


def unlabelled(text: str, side: Side) -> str:
    """Return a question or an answer without the label that says that it is one."""
    label = LABEL.match(text)
    if label and says_plainly(label[1], side):
        return text[label.end() :].strip("*_` \t") or text
    return text


_RULE = re.compile(r"(?:\n[ \t]*[-=*_#]{1,80}[ \t]*)+\Z")


def tidied(text: str) -> str:
    """Return a text without space around it, rules after it, or half of a pair of ``**``."""
    text = _RULE.sub("", "\n" + text.strip()).strip()
    if text.count("**") == 1:
        text = text.removeprefix("**").removesuffix("**").strip()
    return text


@dataclass(frozen=True, slots=True)
class Mark:
    """A label in a text; ``side`` is empty for one that only ends what stands before it."""

    start: int
    end: int
    side: Side
    label: str = field(default="", compare=False)


def marks(text: str, labels: Sequence[tuple[Side, str]]) -> list[Mark]:
    """Return where labels stand in a text, in its order.

    A label is looked for at the beginning of lines, and where no line begins with it,
    inside of them; then the first after each other label counts. In a text in one line the
    others are looked for inside of it, too, where a sentence ends before them.
    """
    found: list[tuple[Mark, bool]] = []
    in_one_line = "\n" not in text.strip()
    for side, label in labels:
        at_line, inside = _patterns(label)
        hits = [(hit, False) for hit in at_line.finditer(text)]
        if hits and in_one_line:
            hits += [
                (hit, True)
                for hit in inside.finditer(text, hits[0][0].end())
                if _SENTENCE_END.search(text[max(hit.start() - 8, 0) : hit.start()])
            ]
        hits = hits or [(hit, True) for hit in inside.finditer(text)]
        found += [(Mark(hit.start(), hit.end(), side, label), within) for hit, within in hits]
    found.sort(key=lambda one: (one[0].start, -one[0].end))
    kept: list[Mark] = []
    for mark, within in found:
        if kept and mark.start < kept[-1].end:
            continue
        if within and kept and kept[-1].label == mark.label:
            continue
        kept.append(mark)
    return kept


def spans(text: str, found: Sequence[Mark]) -> list[tuple[Mark, str]]:
    """Return each mark with the text that follows it, up to the next."""
    ends = [*(mark.start for mark in found[1:]), len(text)]
    return [(mark, tidied(text[mark.end : end])) for mark, end in zip(found, ends, strict=False)]


@lru_cache(maxsize=256)
def _patterns(label: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what finds a label at the beginning of a line, and inside of one."""
    words = label.rstrip(":： ")
    if words == label or not words:
        literal = _loosely(label)
        return (
            re.compile(rf"^[^\S\n]*{literal}[^\S\n]*", re.MULTILINE | re.IGNORECASE),
            re.compile(literal + r"[^\S\n]*", re.IGNORECASE),
        )
    short = len(words) <= 2
    flags = re.RegexFlag(0) if short else re.IGNORECASE
    # "Answer 2:", "2. Answer:", "**Answer:**", "### Answer:".
    name = rf"{_loosely(words)}(?:[^\S\n]*\d{{1,4}})?[*_`]{{0,3}}[^\S\n]*"
    core = rf"{name}[:：][*_`]{{0,3}}[^\S\n]*"
    # As a heading or in bold, alone in its line, it needs no colon.
    heading = rf"[^\S\n]{{0,3}}(?:#{{1,6}}[^\S\n]|\*\*|__)[*_]{{0,3}}{name}$"
    # "vitamin A: …" is no answer: so short a label has to follow the end of a sentence.
    before = r"(?<=[.?!…”\")\]？。！]\s)" if short else r"(?<!\w)"
    return (
        re.compile(
            rf"^(?:[^\w\n]{{0,8}}(?:\d{{1,4}}[.)][^\S\n]*)?{core}|{heading})",
            re.MULTILINE | re.IGNORECASE,
        ),
        re.compile(before + core, flags),
    )


def _loosely(label: str) -> str:
    """Return a pattern that finds a label with other spaces, and with or without accents."""
    words = label.split()
    return r"[^\S\n]+".join("".join(map(_letter, word)) for word in words) if words else r"(?!)"


def _letter(letter: str) -> str:
    plain = unicodedata.normalize("NFD", letter)[0]
    others = _accented().get(plain.lower(), "")
    if not others:
        return re.escape(letter)
    mark = r"[\u0300-\u036f]{0,2}"
    return f"[{re.escape(plain)}{others}]{mark}"


@lru_cache(maxsize=1)
def _accented() -> dict[str, str]:
    """Return the letters with accents by the letter without one."""
    found: dict[str, str] = {}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        letter = chr(code).lower()
        plain = unicodedata.normalize("NFD", letter)[0]
        if plain != letter and plain.isascii() and letter not in found.get(plain, ""):
            found[plain] = found.get(plain, "") + letter
    return found
