"""How surely a JSON value is an app's memory, from the names of its fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from engine.sources.memory import names
from engine.sources.memory.entries import Entry, Fact, Part, Row
from engine.sources.memory.names import plain
from engine.sources.memory.rows import row_of
from engine.sources.memory.tree import Node

_LOOK_AT = 50
_FACT_NAMES = ("memory", "fact", "memory_type", "observations", "importance", "confidence",
               "importance_score", "confidence_score", "salience")  # fmt: skip
_FROM_APP = ("memory", "core_memory", "core_memories", "personality", "brain", "journal")


@dataclass(frozen=True, slots=True)
class Counts:
    """What was found in a file or the beginning of it."""

    facts: int
    traits: int
    rows: int

    def __str__(self) -> str:
        """Return the counts for a person, as in "12 facts, a personality with 5 traits"."""
        said = []
        if self.facts:
            said.append(f"{self.facts:,} fact" + ("" if self.facts == 1 else "s"))
        if self.traits:
            plural = "" if self.traits == 1 else "s"
            said.append(f"a personality with {self.traits:,} trait{plural}")
        if self.rows:
            said.append(f"{self.rows:,} training row" + ("" if self.rows == 1 else "s"))
        return ", ".join(said)


def counts(entries: Iterable[Entry]) -> Counts:
    """Count facts, traits and training rows."""
    found: Counter[str] = Counter()
    for entry in entries:
        found["facts"] += isinstance(entry, Fact)
        found["rows"] += isinstance(entry, Row)
        if isinstance(entry, Part):
            named = entry.name in names.NAMES or entry.name in names.PROMPTS
            found["traits"] += 1 if named else len(entry.qualities)
    return Counts(found["facts"], found["traits"], found["rows"])


def likeness(node: Node) -> float:
    """Return from 0 to 1 how much a value looks like an app's memory."""
    if isinstance(node.value, list):
        values = node.value[:_LOOK_AT]
        if values and all(isinstance(value.value, str) for value in values):
            return 0.3 if fmean(len(value.value.split()) for value in values) >= SENTENCE else 0.0
        return fmean(likeness(value) for value in values) if values else 0.0
    if not isinstance(node.value, dict) or not node.value:
        return 0.0
    found = {plain(key): value for key, value in node.value.items()}
    row = row_of(node.value)
    if row is not None:
        told = (row.get("source"), row.get("type"), row.get("category"))
        from_app = any(isinstance(text, str) and plain(text) in _FROM_APP for text in told)
        # An agent's file has its talk and its memory side by side.
        return max(0.45 if from_app else 0.1, _of_box(found) if "messages" in row else 0.0)
    return max(_of_record(found), _of_box(found))


SENTENCE = 3
"""The fewest words that a list of texts has on average, to be a list of memories."""


def _of_record(found: dict[str, Node]) -> float:
    """Return how much an object looks like one memory."""
    if "observations" in found and "name" in found:
        return 0.95
    if {"from", "to", "relation_type"} <= found.keys():
        return 0.9
    if not any(isinstance(found[name].value, str) for name in names.TEXT if name in found):
        return 0.0
    telling = sum(name in found for name in _FACT_NAMES)
    belongs = any(name in found for name in names.CATEGORY)
    noted = any(name in found for name in (*names.STORED, *names.HAPPENED, *names.TAGS))
    said = any(name in found for name in names.SAID)
    if telling and (belongs or noted or telling > 1):
        return 0.9
    if telling:
        return 0.7
    if "key" in found and "value" in found:
        return 0.5
    return 0.5 if said and belongs and noted else 0.3 if said and (belongs or noted) else 0.0


def _of_box(found: dict[str, Node]) -> float:
    """Return how much an object looks like a box of memories, or like a personality."""
    score = 0.0
    for name, node in found.items():
        filled = isinstance(node.value, dict | list) and bool(node.value)
        if filled and (name in names.TRAIT_LISTS or _says_who(name, node)):
            score += 0.55
        elif filled and name in names.MEMORY_BOXES:
            score += 0.6
        elif filled and (name in names.MEMORIES or name in names.SPLITS):
            score = max(score, 0.95 * likeness(node))
    described = [name for name in found if name in names.PARTS - {"name", "description", "style"}]
    if len(described) >= 2 and found.keys() & {*names.NAMES, "description", "bio"}:
        score += 0.2 * min(len(described), 3)
    return min(score, 0.95)


def _says_who(name: str, node: Node) -> bool:
    """Say whether a field of a personality's name holds one."""
    if name not in names.PERSONALITY:
        return False
    if isinstance(node.value, list):
        return any(isinstance(value.value, str) for value in node.value)
    known = names.PARTS | names.PROMPTS | names.MEMORIES | names.PERSONALITY
    return any(plain(key) in known for key in node.value)
