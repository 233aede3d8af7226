"""The words of statements about groups, read from ``statements/``, and how they are matched."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

from engine.quality.safety.words import fold

SPOKEN = ("en", "ro", "de", "fr", "es", "it")
"""The languages whose statements about groups are known."""

NAMES = (
    "groups", "they", "being", "hate", "fill", "copula", "bad", "does", "kill", "will", "should",
    "fate", "lacks", "expel", "out", "why", "neg", "speech", "denounce", "self", "own", "other",
    "insults", "mild", "soft", "harms", "untrue", "holds", "verdict",
)  # fmt: skip
"""The lists of a language; ``statements/en.toml`` has them all."""
MADE = ("adjectives", "nouns")
"""Lists that a language may have, of which each pair is a group's name, too."""

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases by their first and by their last word, the longest first."""

    first: dict[str, list[Phrase]] = field(default_factory=lambda: defaultdict(list))
    last: dict[str, list[Phrase]] = field(default_factory=lambda: defaultdict(list))

    def add(self, phrase: Phrase) -> None:
        """Add a phrase."""
        self.first[phrase[0]].append(phrase)
        self.last[phrase[-1]].append(phrase)

    def sort(self) -> None:
        """Put the longest phrases first."""
        for phrases in (*self.first.values(), *self.last.values()):
            phrases.sort(key=len, reverse=True)

    def at(self, words: Sequence[str], place: int) -> int:
        """Return how many words from a place on are a phrase; 0 where none is."""
        if not 0 <= place < len(words):
            return 0
        for phrase in self.first.get(words[place], ()):
            if tuple(words[place : place + len(phrase)]) == phrase:
                return len(phrase)
        return 0

    def before(self, words: Sequence[str], place: int) -> int:
        """Return how many words up to a place, exclusive, are a phrase; 0 where none is."""
        if not 0 < place <= len(words):
            return 0
        for phrase in self.last.get(words[place - 1], ()):
            if place >= len(phrase) and tuple(words[place - len(phrase) : place]) == phrase:
                return len(phrase)
        return 0

    def within(self, words: Sequence[str], first: int, past: int) -> bool:
        """Say whether a phrase begins between two places."""
        return any(self.at(words, place) for place in range(max(0, first), min(past, len(words))))


Vocabulary = Mapping[str, Phrases]


@lru_cache(maxsize=1)
def vocabularies() -> Mapping[str, Vocabulary]:
    """Return the lists of each language.

    Raises:
        ValueError: A language's lists are not those of :data:`NAMES`.
    """
    return {language: _read(language) for language in SPOKEN}


def data(language: str) -> bytes:
    """Return the bytes of a language's lists."""
    path = files("engine.quality.safety") / "statements" / f"{language}.toml"
    return path.read_bytes()


def _read(language: str) -> Vocabulary:
    tables = tomllib.loads(data(language).decode("utf-8"))
    made = [tables.pop(name, "").split(",") for name in MADE]
    tables["groups"] += "".join(f", {one} {two}" for one in made[0] for two in made[1] if one)
    if set(tables) != set(NAMES):
        raise ValueError(f"{language}.toml: has not the lists {', '.join(NAMES)}")
    vocabulary: dict[str, Phrases] = {}
    for name, listed in tables.items():
        phrases = Phrases()
        for one in dict.fromkeys(listed.replace("\n", ",").split(",")):
            if words := tuple(fold(one.strip().rstrip("*")).split()):
                phrases.add(words)
        phrases.sort()
        vocabulary[name] = phrases
    return vocabulary


_PLAIN = frozenset(
    {"people", "person", "persons", "folk", "folks", "women", "woman", "men", "man", "being",
     "with", "community", "families", "children", "individuals", "guys", "kids", "persoane",
     "persoanele", "menschen", "personnes", "personas", "persone", "marriage", "same", "ser",
     "etre", "essere", "sein", "fii", "fi"}
)  # fmt: skip
"""Words of groups' names that name none alone, where another does."""


@lru_cache(maxsize=1)
def anchors() -> Mapping[str, frozenset[str]]:
    """Return, by language, words of which one stands in each group's name."""
    return {
        language: frozenset(
            max(phrase, key=lambda word: (word not in _PLAIN, len(word)))
            for name in ("groups", "being")
            for phrases in vocabulary[name].first.values()
            for phrase in phrases
        )
        for language, vocabulary in vocabularies().items()
    }


@lru_cache(maxsize=1)
def mentioned() -> frozenset[str]:
    """Return the anchors of all languages: where none stands, nothing is said of a group."""
    return frozenset().union(*anchors().values())
