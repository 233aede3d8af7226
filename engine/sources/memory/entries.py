"""What an app's memory consists of: memories, training rows, and what somebody is like.

Apps write it in many shapes: lists of texts or records, records by id, texts by category,
knowledge graphs, profiles. Here all of them become the same few values. Whatever is none of
them comes back as :class:`Left` or :class:`Ignored`, so that all of a file is accounted for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.models import NO_METADATA
from engine.sources.memory.tree import Node


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is remembered.

    Attributes:
        text: The memory in its own words.
        line: Where it stands.
        subject: What or whom it is about; empty where that is not said.
        keyed: The subject is a field's name and the text its value, no sentence.
        several: The text is a list of things.
        category: What it belongs to, as the app says.
        importance: As the app says, on the app's scale; None where it does not.
        confidence: Likewise.
        happened: The day that it is about, ISO.
        stored: The day on which it was written down, ISO.
        tags: The app's tags.
        extras: Further fields as text.
    """

    text: str
    line: int
    subject: str = ""
    keyed: bool = False
    several: bool = False
    category: str = ""
    importance: float | None = None
    confidence: float | None = None
    happened: str = ""
    stored: str = ""
    tags: tuple[str, ...] = ()
    extras: Mapping[str, str] = field(default_factory=lambda: NO_METADATA)
    split: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A training row as the app exports it."""

    fields: Mapping[str, Any]
    line: int
    split: str = ""


@dataclass(frozen=True, slots=True)
class Quality:
    """A thing that somebody is or has, how much of it from 0 to 1, and what is said of it."""

    text: str
    degree: float | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a personality: its field's name, the name as words, and what it says."""

    name: str
    label: str
    qualities: tuple[Quality, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Left:
    """An entry that is not read, and why."""

    line: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A field that says nothing about anybody: ``empty``, or about the file, or numbers."""

    name: str
    line: int
    empty: bool = False


Entry = Fact | Row | Part | Left | Ignored


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the tree something stands: in which field, category and part of a dataset."""

    name: str = ""
    category: str = ""
    split: str = ""
    remembered: bool = False


Into = Callable[[Node, Place], Iterator[Entry]]
"""Goes on with a part of the tree that may hold anything."""


def said(value: Any) -> str:
    """Return a number, flag or text as a person would write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value).strip()


def is_number(value: Any) -> bool:
    """Say whether a JSON value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_nothing(node: Node) -> bool:
    """Say whether a field has nothing in it."""
    value = node.value
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())
