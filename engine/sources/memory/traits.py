"""What somebody is like, as an app's personality says it: fields with words, lists and degrees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.sources.memory import names
from engine.sources.memory.confidential import is_secret_name
from engine.sources.memory.entries import (
    Entry,
    Ignored,
    Into,
    Left,
    Part,
    Place,
    Quality,
    is_nothing,
    is_number,
    said,
)
from engine.sources.memory.names import plain, spoken
from engine.sources.memory.tree import Node

_NAMING = ("name", "trait", "value", "label", "title", "text", "content", "goal", "interest",
           "belief", "type", "key")  # fmt: skip
_SAYING = ("description", "details", "meaning", "explanation", "summary", "note", "value", "text",
           "content", "status", "priority")  # fmt: skip
_DEGREES = ("score", "strength", "level", "intensity", "weight", "degree", "value", "confidence")
_COUNTED = frozenset(("emoji_patterns", "favorite_emojis", "emojis", "emoji_usage"))
_MOST_USED = 5
_MAX_SCALE = 100.0


def parts(node: Node, place: Place, into: Into, label: str = "") -> Iterator[Entry]:
    """Yield the parts of a personality, and the memories and training rows that it holds.

    Args:
        node: The personality: an object of fields, a list of traits, or a text.
        place: Where it stands.
        into: Goes on with what is no part of a personality.
        label: Words of the fields that it stands in, such as "communication style".
    """
    if not isinstance(node.value, dict):
        name = "traits" if isinstance(node.value, list) else "description"
        yield from _part(label or name, Node(node.value, node.line), place, into, "")
        return
    for key, child in node.value.items():
        yield from _part(key, child, place, into, label)


def _part(
    key: str, node: Node, place: Place, into: Into, label: str, within: str = ""
) -> Iterator[Entry]:
    name, value = plain(key), node.value
    words = f"{label}: {spoken(key)}" if label else spoken(key)
    if is_nothing(node):
        yield Ignored(key, node.line, empty=True)
    elif is_secret_name(name):
        yield Left(node.line, "secret", f"the field {spoken(key)[:60]} holds a secret")
    elif (name in names.MEMORIES or name in names.TALKS) and isinstance(value, dict | list):
        yield from into(node, replace(place, name="", category="", remembered=True))
    elif name in _COUNTED and isinstance(value, dict):
        used = _most_used(value)
        yield Part(name, words, used, node.line) if used else Ignored(key, node.line)
    elif name in names.SETTINGS or (names.is_about_file(name) and name not in names.PARTS):
        yield Ignored(key, node.line)
    elif name in names.PERSONALITY and isinstance(value, dict):
        yield from parts(node, place, into)
    elif isinstance(value, dict):
        yield from _object(_kin(name, within), words, node, place, into)
    elif isinstance(value, list):
        yield from _list(_kin(name, within), words, node)
    elif not isinstance(value, str) and not isinstance(value, bool) and not _is_told(name):
        yield Ignored(key, node.line)
    else:
        yield Part(name, words, (_of_scalar(spoken(key), node),), node.line)


def _kin(name: str, within: str) -> str:
    """Return the name of the part that a field is a part of, where only that one is known."""
    return within if within in names.PARTS and name not in names.PARTS else name


def _is_told(name: str) -> bool:
    """Say whether a number in a field of this name tells something: an age, not a length."""
    return name in names.PARTS or not names.is_about_file(name)


def _of_scalar(label: str, node: Node) -> Quality:
    if isinstance(node.value, bool):
        return Quality(label if node.value else f"{label}: no")
    return Quality(said(node.value))


def _object(name: str, words: str, node: Node, place: Place, into: Into) -> Iterator[Entry]:
    """Yield an object of degrees or short words as one part, and each object in it as another."""
    numbers = [child.value for child in node.value.values() if is_number(child.value)]
    scale = _scale(numbers)
    qualities: list[Quality] = []
    for key, child in node.value.items():
        value = child.value
        label = spoken(key)
        if is_nothing(child):
            yield Ignored(key, child.line, empty=True)
        elif is_secret_name(plain(key)):
            yield Left(child.line, "secret", f"the field {label[:60]} holds a secret")
        elif isinstance(value, dict | list) and not _are_texts(value):
            yield from _part(key, child, place, into, words, name)
        elif isinstance(value, list):
            listed = ", ".join(said(part.value) for part in value)
            qualities.append(Quality(f"{label}: {listed}"))
        elif isinstance(value, bool):
            qualities.append(Quality(label if value else f"{label}: no"))
        elif is_number(value) and scale:
            qualities.append(Quality(label, min(max(float(value) / scale, 0.0), 1.0)))
        else:
            qualities.append(Quality(f"{label}: {said(value)}"))
    if qualities:
        yield Part(name, words, tuple(qualities), node.line)


def _list(name: str, words: str, node: Node) -> Iterator[Entry]:
    qualities: list[Quality] = []
    for child in node.value:
        if is_nothing(child):
            yield Left(child.line, "empty", f"an empty entry among {words[:60]}")
        elif isinstance(child.value, dict):
            found = _named(child.value)
            if found is None:
                yield Left(child.line, "no-words", f"an entry among {words[:60]} has no words")
            else:
                qualities.append(found)
        elif _are_texts(child.value):
            qualities.append(Quality(", ".join(said(part.value) for part in child.value)))
        elif isinstance(child.value, list):
            yield Left(child.line, "no-words", f"an entry among {words[:60]} has no words")
        else:
            qualities.append(Quality(said(child.value)))
    if qualities:
        yield Part(name, words, tuple(qualities), node.line)


def _named(fields: dict[str, Node]) -> Quality | None:
    """Return a trait that is a record: its name, what is said of it, and how strong it is."""
    found = {plain(key): node.value for key, node in fields.items()}
    naming = next((name for name in _NAMING if isinstance(found.get(name), str)), "")
    if not naming or not found[naming].strip():
        return None
    text = found[naming].strip()
    told = [naming, *(name for name in _SAYING if name != naming)]
    told += [name for name in found if name not in told and not names.is_about_file(name)]
    others = [
        found[name].strip().rstrip(".;")
        for name in told[1:]
        if isinstance(found.get(name), str) and found[name].strip()
    ]
    degree = next((found[name] for name in _DEGREES if is_number(found.get(name))), None)
    scale = _scale([degree]) if degree is not None else 0.0
    share = min(max(float(degree) / scale, 0.0), 1.0) if degree is not None and scale else None
    return Quality(text, share, ", ".join(others))


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(part.value, str) for part in value)


def _most_used(counts: dict[str, Node]) -> tuple[Quality, ...]:
    """Return what is counted most often, such as emoji."""
    pairs = [(key, node.value) for key, node in counts.items() if is_number(node.value)]
    pairs.sort(key=lambda pair: -pair[1])
    return tuple(Quality(key) for key, _ in pairs[:_MOST_USED])


def _scale(numbers: Sequence[float]) -> float:
    """Return the end of the scale that degrees are given on; 0 where they are no degrees."""
    try:
        top = max((float(number) for number in numbers), default=0.0)
        bottom = min((float(number) for number in numbers), default=0.0)
    except OverflowError:
        return 0.0
    if not 0 <= bottom <= top <= _MAX_SCALE:
        return 0.0
    return next(scale for scale in (1.0, 5.0, 10.0, _MAX_SCALE) if top <= scale)
