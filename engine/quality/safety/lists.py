"""The word lists, read from ``data/`` and indexed by the word that an entry is found by."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from engine.quality.safety import vocabulary
from engine.quality.safety.words import Word, fold

CATEGORIES = ("hateful", "sexual", "self-harm", "violent", "profanity", "toxic")
"""What is flagged: the codes of the flags."""

LANGUAGES = ("en", "ro", "de", "fr", "es", "it", "pt", "nl", "pl", "hu", "ru", "tr")
"""The languages that there are lists of."""

WEIGHTS: Mapping[str, float] = {"strong": 0.9, "mild": 0.6, "weak": 0.25, "lowered_by": 0.0}
"""What a find of each level counts, as the chance that a person would agree."""

GAP = ".."
"""A piece of an entry that stands for up to :data:`GAP_WORDS` words."""

GAP_WORDS = 2
SHORTEST_STEM = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list.

    Args:
        language: The list's language.
        category: What it speaks for, or against where its level is "lowered_by".
        level: "strong", "mild", "weak" or "lowered_by".
        pieces: Its words; a stem ends with a star.
        gated: It counts only in text of its language.
        number: Its place, by which entries are told apart.
    """

    language: str
    category: str
    level: str
    pieces: tuple[str, ...]
    gated: bool
    number: int


Place = tuple[Entry, int]


@dataclass(frozen=True, slots=True)
class Index:
    """All entries by their longest piece, which is looked up first.

    Args:
        exact: Entries and the piece's place in them, by the whole word.
        stems: The same by the stem.
        lengths: How long stems are.
        single: Strong single words, by length, for words with hidden letters.
    """

    exact: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    stems: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    lengths: set[int] = field(default_factory=set)
    single: dict[int, list[Entry]] = field(default_factory=lambda: defaultdict(list))

    def add(self, entry: Entry) -> None:
        """Add an entry."""
        place = max(range(len(entry.pieces)), key=lambda at: len(entry.pieces[at]))
        piece = entry.pieces[place]
        if piece.endswith("*"):
            self.stems[piece[:-1]].append((entry, place))
            self.lengths.add(len(piece) - 1)
        else:
            self.exact[piece].append((entry, place))
        if len(entry.pieces) == 1 and entry.level == "strong":
            bare = piece.rstrip("*")
            self.single[len(bare)].append(entry)

    def find(self, word: Word) -> tuple[Place, ...]:
        """Return the entries that a word may be part of."""
        found = [place for form in word.forms for place in self._form(form)]
        if word.respelt:
            found += [place for place in self._form(word.respelt) if place[0].language == "ro"]
        if word.masked:
            found += [(entry, 0) for entry in self._masked(word.masked)]
        return tuple(dict.fromkeys(found)) if found else ()

    def _form(self, form: str) -> Iterator[Place]:
        yield from self.exact.get(form, ())
        for length in self.lengths:
            if length <= len(form):
                yield from self.stems.get(form[:length], ())

    def _masked(self, masked: str) -> Iterator[Entry]:
        """Yield the entries that a word with hidden letters may be, or begin with."""
        for length in range(4, len(masked) + 1):
            pattern = re.compile(masked[:length].replace("?", "."))
            for entry in self.single.get(length, ()):
                piece = entry.pieces[0]
                if pattern.fullmatch(piece.rstrip("*")) and (
                    length == len(masked) or piece.endswith("*")
                ):
                    yield entry


@lru_cache(maxsize=1)
def index() -> Index:
    """Return the index of all lists."""
    made = Index()
    for entry in entries():
        made.add(entry)
    return made


@lru_cache(maxsize=1)
def digest() -> str:
    """Return eight hex digits that change with any list."""
    data = b"".join(_path(language).read_bytes() for language in LANGUAGES)
    data += b"".join(map(vocabulary.data, vocabulary.SPOKEN))
    return hashlib.blake2b(data, digest_size=4).hexdigest()


def _path(language: str) -> Traversable:
    return files("engine.quality.safety") / "data" / f"{language}.toml"


def entries() -> Iterator[Entry]:
    """Read all lists.

    Raises:
        ValueError: A list is not as ``data/en.toml`` says.
    """
    number = 0
    for language in LANGUAGES:
        for category, levels in tomllib.loads(_path(language).read_text("utf-8")).items():
            if category not in CATEGORIES or not set(levels) <= set(WEIGHTS):
                raise ValueError(f"{language}.toml: no category or level of that name: {category}")
            for level, listed in levels.items():
                for line in listed.replace("\n", ",").split(","):
                    if not line.strip():
                        continue
                    number += 1
                    yield _entry(language, category, level, line.strip(), number)


def _entry(language: str, category: str, level: str, line: str, number: int) -> Entry:
    free = line.startswith("!") or level == "lowered_by"
    pieces = tuple(fold(line.lstrip("!")).split())
    if max(len(piece.rstrip("*")) for piece in pieces) < SHORTEST_STEM and line.endswith("*"):
        raise ValueError(f"{language}.toml: too short a stem: {line}")
    return Entry(language, category, level, pieces, not free, number)


def fits(piece: str, word: Word, language: str) -> bool:
    """Say whether a piece of an entry of a language's list is a word."""
    forms = (*word.forms, word.respelt) if word.respelt and language == "ro" else word.forms
    if piece.endswith("*"):
        return any(form.startswith(piece[:-1]) for form in forms)
    return piece in forms
