"""The way through an app's memory file, whichever shape it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from engine.sources.memory import names
from engine.sources.memory.confidential import is_secret_name
from engine.sources.memory.entries import (
    Entry,
    Fact,
    Ignored,
    Left,
    Place,
    Row,
    is_nothing,
    is_number,
    said,
)
from engine.sources.memory.memories import is_memory, memory
from engine.sources.memory.names import plain, spoken
from engine.sources.memory.rows import is_message, row_of, talk_of
from engine.sources.memory.traits import parts
from engine.sources.memory.tree import Node

SHORT_WORDS = 3
"""A list of texts of up to so many words says one thing: "hobbies: chess, long walks"."""

_MANY_NUMBERS = 20


def entries(node: Node) -> Iterator[Entry]:
    """Yield what stands in a JSON value, in its order."""
    yield from _value(node, Place())


def _value(node: Node, place: Place) -> Iterator[Entry]:
    if isinstance(node.value, dict):
        yield from _object(node, place)
    elif isinstance(node.value, list):
        yield from _list(node, place)
    elif isinstance(node.value, str) and node.value.strip():
        yield Fact(node.value.strip(), node.line, category=place.category, split=place.split)
    elif node.value is None or node.value == "":
        yield Left(node.line, "empty", "a memory with nothing in it")
    else:
        yield Left(node.line, "no-words", "a number or flag by itself says nothing")


def _list(node: Node, place: Place) -> Iterator[Entry]:
    values: list[Node] = node.value
    talk = talk_of(values)
    if talk is not None:
        yield Row(talk, node.line, place.split)
    elif values and all(is_number(value.value) for value in values):
        yield Ignored(place.name or "list", node.line)
    elif place.category and _all_short(values):
        text = ", ".join(value.value.strip() for value in values)
        subject = place.name or place.category
        category = place.category if place.category != subject else ""
        yield Fact(text, node.line, subject, True, True, category, split=place.split)
    else:
        inner = replace(place, remembered=True)
        for value in values:
            yield from _value(value, inner)


def _all_short(values: list[Node]) -> bool:
    texts = [value.value for value in values]
    return bool(texts) and all(
        isinstance(text, str)
        and text.strip()
        and len(text.split()) <= SHORT_WORDS
        and text.strip()[-1] not in ".!?"
        for text in texts
    )


def _object(node: Node, place: Place) -> Iterator[Entry]:
    fields: dict[str, Node] = node.value
    row = row_of(fields)
    # An agent's file has its talk and its memory side by side.
    if row is not None and not ("messages" in row and _has_memory(fields)):
        yield Row(row, node.line, _split_of(row, place))
        return
    found = {plain(key): key for key in fields}
    if is_message(fields):
        yield Left(node.line, "a-message", "one message of a conversation, without the others")
        return
    if is_memory(fields, found, place):
        yield from memory(node, place, _value)
        return
    if not fields:
        yield Ignored(place.name or "object", node.line, empty=True)
    for key, child in fields.items():
        yield from _field(key, child, place)


def _has_memory(fields: Mapping[str, Node]) -> bool:
    """Say whether an object has fields that plainly hold memories or a personality."""
    own = names.MEMORY_BOXES | names.PERSONALITY | names.TRAIT_LISTS
    return any(
        plain(key) in own and isinstance(node.value, dict | list) and node.value
        for key, node in fields.items()
    )


def _split_of(row: Mapping[str, Any], place: Place) -> str:
    said = row.get("split")
    return names.SPLITS.get(plain(said), place.split) if isinstance(said, str) else place.split


def _field(key: str, node: Node, place: Place) -> Iterator[Entry]:
    name = plain(key)
    value = node.value
    if is_nothing(node):
        yield Ignored(key, node.line, empty=True)
    elif name in names.SPLITS and isinstance(value, dict | list):
        yield from _value(node, replace(place, split=names.SPLITS[name], remembered=True))
    elif is_secret_name(name):
        yield Left(node.line, "secret", f"the field {spoken(key)[:60]} holds a secret")
    elif name in names.PERSONALITY and not place.remembered:
        whole = node if isinstance(value, dict | list) else Node({key: node}, node.line)
        yield from parts(whole, place, _value)
    elif name in names.MEMORIES or name in names.TALKS:
        yield from _container(key, node, place)
    elif name in names.PARTS | names.PROMPTS and not place.remembered:
        yield from parts(Node({key: node}, node.line), place, _value)
    elif names.is_about_file(name) or _is_numbers(node) or name in names.SETTINGS:
        yield Ignored(key, node.line)
    elif isinstance(value, dict | list):
        if names.is_identifier(key):
            yield from _value(node, replace(place, remembered=True))
        else:
            words = spoken(key)
            inner = replace(place, name=words, category=place.category or words, remembered=True)
            yield from _value(node, inner)
    else:
        yield _keyed(key, node, place)


def _container(key: str, node: Node, place: Place) -> Iterator[Entry]:
    if isinstance(node.value, dict | list):
        yield from _value(node, replace(place, name="", remembered=True))
    elif isinstance(node.value, str):
        yield from _value(node, place)
    else:
        yield Ignored(key, node.line)


def _keyed(key: str, node: Node, place: Place) -> Fact:
    subject = spoken(key)
    return Fact(
        said(node.value),
        node.line,
        subject,
        keyed=bool(subject),
        category=place.category,
        split=place.split,
    )


def _is_numbers(node: Node) -> bool:
    """Say whether a field holds a vector, or counts of words."""
    value = node.value
    if isinstance(value, list):
        return bool(value) and all(is_number(part.value) for part in value)
    return (
        isinstance(value, dict)
        and len(value) > _MANY_NUMBERS
        and all(is_number(part.value) for part in value.values())
    )
