"""What a language has to say, and how one is recognised in a short text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of a language.

    Each group of questions has the slots that its name says: ``{topic}`` is a word or name out
    of a memory, ``{category}`` what it belongs to, ``{key}`` a field's name such as "favorite
    food", ``{when}`` and ``{When}`` a day with its preposition.

    Attributes:
        keyed: Questions with ``{key}``, whose answer is one thing.
        listed: Questions with ``{key}``, whose answer is several.
        topic: Questions with ``{topic}``.
        placed: Questions with ``{topic}`` and ``{category}``.
        category: Questions with ``{category}`` alone.
        dated: Questions with ``{when}`` or ``{When}`` alone.
        dated_topic: Questions with ``{topic}`` and ``{when}`` or ``{When}``.
        plain: Questions about nothing in particular.
        who: Questions for who somebody is.
        named: Questions for a name.
        groups: For a group of :data:`GROUPS`, its questions and its answer with ``{items}``.
        part: Questions with ``{key}`` for another part of a personality.
        keyed_answer: With ``{key}`` and ``{value}``: one thing told.
        listed_answer: With ``{key}`` and ``{value}``: several things told.
        i_am: With ``{name}``: somebody says who they are.
        my_name: With ``{name}``: somebody says their name.
        you_are: With ``{name}``: somebody is told who they are.
        degrees: A little, middling, a lot.
        yes_no: Yes, no.
        conjunction: What stands before the last of several.
        months: Their names.
        day: With ``{day}``, ``{month}`` and ``{year}``: a day with its preposition.
        month: With ``{month}`` and ``{year}``: a month with its preposition.
        categories: The language's words for categories that apps have.
        inflects: Whether a foreign word stands in quotes, as it can't be inflected.
        quoted: With ``{text}``: such a word.
        common: Words by which the language is recognised.
    """

    keyed: tuple[str, ...]
    listed: tuple[str, ...]
    topic: tuple[str, ...]
    placed: tuple[str, ...]
    category: tuple[str, ...]
    dated: tuple[str, ...]
    dated_topic: tuple[str, ...]
    plain: tuple[str, ...]
    who: tuple[str, ...]
    named: tuple[str, ...]
    groups: Mapping[str, tuple[tuple[str, ...], str]]
    part: tuple[str, ...]
    keyed_answer: str
    listed_answer: str
    i_am: str
    my_name: str
    you_are: str
    degrees: tuple[str, str, str]
    yes_no: tuple[str, str]
    conjunction: str
    months: tuple[str, ...]
    day: str
    month: str
    categories: Mapping[str, str]
    inflects: bool
    quoted: str
    common: frozenset[str]


GROUPS = {
    "traits": "traits personality_traits core_traits character_traits trasaturi eigenschaften "
    "strengths big_five archetype archetypes personality persona character",
    "interests": "interests hobbies passions interese interessen",
    "values": "values core_values beliefs valori werte",
    "likes": "likes",
    "dislikes": "dislikes",
    "preferences": "preferences preferinte vorlieben",
    "style": "communication_style speaking_style speech_style writing_style style tone "
    "tone_markers voice stil ton sprachstil",
    "phrases": "common_phrases catchphrases phrases typing_quirks quirks",
    "goals": "goals aspirations",
    "fears": "fears weaknesses flaws",
    "work": "role occupation job profession beruf",
    "home": "location hometown home city wohnort",
    "age": "age varsta",
    "languages": "languages",
    "story": "backstory background biography bio",
}
"""The parts of a personality that have sentences of their own, and their fields."""

_GROUP_OF = {name: group for group, fields in GROUPS.items() for name in fields.split()}
_WORD = re.compile(r"[^\W\d_]+")
_LETTERS = {"ro": "ăîșțâ", "de": "äöüß"}


def group_of(name: str) -> str:
    """Return the group of a personality's field; empty where it has none."""
    return _GROUP_OF.get(name, "")


def language_of(text: str, common: Mapping[str, frozenset[str]]) -> str:
    """Return the language of a text by its commonest words and letters; empty where none is clear.

    Args:
        text: A sentence or more.
        common: The languages' names and commonest words.
    """
    folded = text.lower()
    words = _WORD.findall(folded)
    hits = {name: float(sum(word in table for word in words)) for name, table in common.items()}
    for name, letters in _LETTERS.items():
        if name in hits:
            # One such letter may be in the name of a place.
            hits[name] += sum(folded.count(letter) for letter in letters) / 2
    ranked = sorted(hits, key=lambda name: -hits[name])
    first, second = ranked[0], ranked[1]
    return first if hits[first] >= 1 and hits[first] > hits[second] else ""
