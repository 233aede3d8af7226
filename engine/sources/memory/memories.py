"""One remembered thing as a record: its words, and what the app says about it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from engine.sources.memory import names
from engine.sources.memory.confidential import is_secret_name
from engine.sources.memory.entries import (
    Entry,
    Fact,
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
from engine.sources.notes import date_in
from engine.sources.turns import date_of

_INNER = ("metadata", "meta", "attributes", "properties", "payload")
_WORDS_FOR = {
    **dict.fromkeys(("trivial", "very low", "very_low", "minimal", "none"), 0.1),
    **dict.fromkeys(("low", "minor", "weak", "uncertain"), 0.2),
    **dict.fromkeys(("medium", "normal", "moderate", "average"), 0.5),
    **dict.fromkeys(("high", "major", "important", "strong", "certain"), 0.8),
    **dict.fromkeys(("critical", "very high", "very_high", "core", "essential", "highest"), 1.0),
}
_MAX_EXTRA = 500
_MAX_TAGS = 30


def is_memory(fields: Mapping[str, Node], found: Mapping[str, str], place: Place) -> bool:
    """Say whether an object is one memory, and not a box of them.

    Args:
        fields: The object's fields.
        found: Their names as they are compared, and as they are written.
        place: Where the object stands.
    """
    if any(_is_box(fields[key], name) for name, key in found.items()):
        return False
    if _observations(fields, found) is not None or _is_relation(found):
        return True
    if any(name in found for name in names.SAID):
        return True
    if any(name in found for name in names.TEXT):
        described = found.keys() & names.PARTS
        # A profile may have a description as well; a memory has no age and no hobbies.
        return place.remembered or not (described - {"name", "description", "style", "mood"})
    dated = found.keys() & {*names.CATEGORY, *names.IMPORTANCE, *names.CONFIDENCE}
    return bool(place.remembered and dated and any(name in found for name in names.TEXT_ELSE))


def _is_box(node: Node, name: str) -> bool:
    """Say whether a field holds memories or a personality of its own."""
    if name in names.PERSONALITY or name in names.TRAIT_LISTS:
        return not is_nothing(node)
    if name in names.SPLITS or (name in names.MEMORIES and name not in names.TEXT):
        return isinstance(node.value, list) and bool(node.value) and name != "observations"
    return name in names.TEXT and isinstance(node.value, list) and _has_records(node.value)


def _has_records(values: list[Node]) -> bool:
    return any(isinstance(value.value, dict) for value in values)


def memory(node: Node, place: Place, into: Into) -> Iterator[Entry]:
    """Yield the facts of one memory's record, or why there is none."""
    record = _Record(node, place)
    gone = record.gone()
    if gone:
        yield Left(node.line, "deleted", f"the app marks it as no longer true: {gone}")
        return
    if record.is_confidential():
        yield Left(node.line, "secret", "the app marks it as confidential")
        return
    yield from record.facts(into)


class _Record:
    """The fields of a memory, also those that stand in an object of its own among them."""

    def __init__(self, node: Node, place: Place) -> None:
        self._node = node
        self._place = place
        self._fields: dict[str, Node] = {}
        for key, child in node.value.items():
            if plain(key) in _INNER and isinstance(child.value, dict):
                for inner, value in child.value.items():
                    self._fields.setdefault(plain(inner), value)
        for key, child in node.value.items():
            if plain(key) not in _INNER or not isinstance(child.value, dict):
                self._fields[plain(key)] = child
        self._used: set[str] = set()
        self._named = ""

    def gone(self) -> str:
        """Return the field that says that the memory no longer holds; empty for none."""
        for name, node in self._fields.items():
            value = node.value
            if name in names.GONE and value not in (None, False, 0, "", "false", [], {}):
                return spoken(name)
            if name in names.ALIVE and value is False:
                return f"not {spoken(name)}"
            said_so = name in ("status", "state") and isinstance(value, str)
            if said_so and plain(value) in names.GONE_STATES:
                return f"{name} {plain(value)}"
        return ""

    def is_confidential(self) -> bool:
        """Say whether the app says that it is a secret."""
        return any(
            self._fields[name].value is True for name in names.CONFIDENTIAL & self._fields.keys()
        )

    def facts(self, into: Into) -> Iterator[Entry]:
        """Yield the facts, and the fields that say nothing."""
        relation = self._relation()
        observations = _observations(self._fields, {name: name for name in self._fields})
        if relation:
            yield self._fact(relation, self._node.line)
        elif observations is not None:
            self._used.add("observations")
            base = self._fact("", self._node.line)
            place = replace(self._place, name=base.subject, category="", remembered=True)
            if not observations:
                yield Left(self._node.line, "empty", "nothing is remembered about it")
            for value in observations:
                yield from self._under(base, value, place, into)
        elif self._is_persona():
            text = self._text_name()
            self._used |= {text, "label"}
            said_of = (Quality(said(self._fields[text].value)),)
            yield Part("description", "description", said_of, self._node.line)
        else:
            yield from self._worded(into)
        yield from self._rest()

    def _is_persona(self) -> bool:
        """Say whether it is a block of an agent's memory that says who the agent is."""
        label, text = self._fields.get("label"), self._text_name()
        if label is None or not isinstance(label.value, str) or not text:
            return False
        return plain(label.value) in names.PERSONALITY and isinstance(self._fields[text].value, str)

    def _under(self, base: Fact, node: Node, place: Place, into: Into) -> Iterator[Entry]:
        """Yield what a part of the record says, with what the record says about it."""
        if isinstance(node.value, str) and node.value.strip():
            yield replace(base, text=node.value.strip(), line=node.line)
            return
        for entry in into(node, place):
            if isinstance(entry, Fact):
                yield replace(
                    entry,
                    subject=entry.subject or base.subject,
                    category=base.category or entry.category,
                    importance=base.importance if entry.importance is None else entry.importance,
                    confidence=base.confidence if entry.confidence is None else entry.confidence,
                    happened=entry.happened or base.happened,
                    stored=entry.stored or base.stored,
                    tags=entry.tags or base.tags,
                    extras={**base.extras, **entry.extras},
                )
            else:
                yield entry

    def _worded(self, into: Into) -> Iterator[Entry]:
        name = self._text_name()
        if not name:
            yield Left(self._node.line, "empty", "a memory with nothing in it")
            return
        self._used.add(name)
        value = self._fields[name].value
        if isinstance(value, dict | list):
            base = self._fact("", self._node.line)
            place = replace(
                self._place, name=base.subject or self._place.name, category="", remembered=True
            )
            nodes = value if isinstance(value, list) else [self._fields[name]]
            for node in nodes:
                yield from self._under(base, node, place, into)
            return
        texts = [said(value), *self._further()]
        yield self._fact("\n\n".join(texts), self._node.line)

    def _text_name(self) -> str:
        """Return the field with the memory's words."""
        for name in (*names.TEXT, *names.TEXT_ELSE):
            node = self._fields.get(name)
            if node is not None and not is_nothing(node):
                return name
        return ""

    def _further(self) -> Iterator[str]:
        """Yield what other fields say in words, such as details behind a summary."""
        told = {said(self._fields[name].value) for name in self._used}
        for name in names.TEXT:
            node = self._fields.get(name)
            if node is None or name in self._used or not isinstance(node.value, str):
                continue
            text = node.value.strip()
            if text and text not in told and " " in text:
                self._used.add(name)
                told.add(text)
                yield text

    def _relation(self) -> str:
        """Return "Ana knows Bob" of a record that names who, how and whom; else empty."""
        if not _is_relation(self._fields):
            return ""
        parts = []
        for name in (*_ends(self._fields), _predicate(self._fields)):
            value = self._fields[name].value
            if not isinstance(value, str | int | float) or not str(value).strip():
                return ""
            parts.append(said(value))
            self._used.add(name)
        self._named = spoken(parts[0])[:120]
        return f"{spoken(parts[0])} {spoken(parts[2])} {spoken(parts[1])}."

    def _fact(self, text: str, line: int) -> Fact:
        subject, keyed = self._subject(text)
        return Fact(
            text=text,
            line=line,
            subject=subject,
            keyed=keyed,
            category=self._category(),
            importance=self._number(names.IMPORTANCE),
            confidence=self._number(names.CONFIDENCE),
            happened=self._date(names.HAPPENED),
            stored=self._date(names.STORED),
            tags=self._tags(),
            extras=self._extras(),
            split=self._place.split,
        )

    def _subject(self, text: str) -> tuple[str, bool]:
        if self._named:
            return self._named, False
        for name in names.SUBJECT:
            node = self._fields.get(name)
            if node is None or name in self._used or not isinstance(node.value, str):
                continue
            subject = " ".join(node.value.split())
            if plain(subject) in names.NOT_TOPICS:
                continue
            if subject and subject != text and not names.is_identifier(subject):
                self._used.add(name)
                bare = bool(text) and name in names.KEY and not _is_sentence(text, subject)
                return (spoken(subject) if name in names.KEY else subject)[:120], bare
        return self._place.name, False

    def _category(self) -> str:
        for name in (*names.CATEGORY, "categories"):
            node = self._fields.get(name)
            value = node.value if node is not None else None
            if isinstance(value, list) and value and name == "categories":
                value = value[0].value
            if isinstance(value, str) and value.strip() and name not in self._used:
                self._used.add(name)
                return spoken(value.strip())[:120]
        return self._place.category

    def _number(self, choices: tuple[str, ...]) -> float | None:
        for name in choices:
            node = self._fields.get(name)
            if node is None:
                continue
            self._used.add(name)
            number = _as_number(node.value)
            if number is not None:
                return number
        return None

    def _date(self, choices: tuple[str, ...]) -> str:
        for name in choices:
            node = self._fields.get(name)
            if node is None or isinstance(node.value, dict | list):
                continue
            # Seconds since 1970 are told from counts where all dates are.
            found = date_in(node.value[:40]) if isinstance(node.value, str) else ""
            found = found or date_of({"timestamp": node.value})
            if found:
                self._used.add(name)
                return found
        return ""

    def _tags(self) -> tuple[str, ...]:
        for name in names.TAGS:
            node = self._fields.get(name)
            value = node.value if node is not None else None
            if isinstance(value, str):
                value = [Node(part, 0) for part in re.split(r"[,;]", value)]
            if isinstance(value, list):
                tags = [said(part.value) for part in value if isinstance(part.value, str)]
                tags = [tag.lstrip("#") for tag in tags if tag.lstrip("#")]
                if tags and len(tags) == len(value) and len(tags) <= _MAX_TAGS:
                    self._used.add(name)
                    return tuple(dict.fromkeys(tags))
        return ()

    def _extras(self) -> dict[str, str]:
        """Return the fields that are neither words nor known, as far as they are short."""
        found: dict[str, str] = {}
        for name, node in self._fields.items():
            if name in self._used or is_nothing(node) or is_secret_name(name):
                continue
            if names.is_about_file(name) and name not in ("id", "source"):
                continue
            value = node.value
            if isinstance(value, list) and all(isinstance(part.value, str) for part in value):
                found[name] = ", ".join(part.value.strip() for part in value)[:_MAX_EXTRA]
            elif not isinstance(value, dict | list) and value is not None:
                found[name] = said(value)[:_MAX_EXTRA]
        return found

    def _rest(self) -> Iterator[Entry]:
        """Yield the fields that are kept nowhere."""
        for name, node in self._fields.items():
            if name in self._used or is_nothing(node):
                continue
            if is_secret_name(name) and name not in names.CONFIDENTIAL:
                yield Left(node.line, "secret", f"the field {spoken(name)[:60]} holds a secret")
            elif isinstance(node.value, dict) or (
                isinstance(node.value, list)
                and not all(isinstance(part.value, str) for part in node.value)
            ):
                yield Ignored(name, node.line)


def _observations(fields: Mapping[str, Node], found: Mapping[str, str]) -> list[Node] | None:
    """Return what a knowledge graph has noted about an entity; None for another record."""
    key = found.get("observations")
    value = fields[key].value if key is not None else None
    return value if isinstance(value, list) and "name" in found else None


def _is_relation(fields: Mapping[str, object]) -> bool:
    """Say whether a record names who, how and whom, and has no words of its own."""
    if any(name in fields for name in names.TEXT if name != "value"):
        return False
    return bool(_ends(fields) and _predicate(fields))


def _ends(fields: Mapping[str, object]) -> tuple[str, ...]:
    return next((pair for pair in names.ENDS if all(name in fields for name in pair)), ())


def _predicate(fields: Mapping[str, object]) -> str:
    return next((name for name in names.PREDICATE if name in fields), "")


def _is_sentence(text: str, subject: str) -> bool:
    """Say whether words stand by themselves, so that they need no subject in front."""
    return (
        text.rstrip()[-1:] in (".", "!", "?")
        or len(text.split()) > 6
        or (subject.lower() in text.lower() and len(text.split()) > len(subject.split()) + 1)
    )


def _as_number(value: object) -> float | None:
    if isinstance(value, str):
        text = value.strip().lower()
        if text in _WORDS_FOR:
            return _WORDS_FOR[text]
        share = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*(?:/\s*(\d+)|(%))?", text)
        if share is None:
            return None
        number = float(share[1].replace(",", "."))
        whole = 100.0 if share[3] else float(share[2] or 0)
        return min(number / whole, 1.0) if whole else number
    if is_number(value):
        try:
            number = float(value)  # type: ignore[arg-type]
        except OverflowError:
            return None
        return number if math.isfinite(number) and number >= 0 else None
    return None
