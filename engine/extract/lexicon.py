"""The words by which reflections, decisions and learnings are recognised, in every language.

They stand in the tables of :mod:`engine.extract.languages`, one file a language, so that
what decides whether a section is taken can be read and argued with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

from engine.extract.languages import languages
from engine.extract.letters import tokens, word_set

KINDS = ("reflection", "decision", "learning")

CLIPPED = word_set(
    """clipping clippings clipped webclip webclips readwise highlights articles pocket instapaper
    kindle raindrop omnivore zotero literature"""
)
"""Folded tags, categories and folders of what other people wrote."""

_SHORT_TAG = 3
_WORDS_KEPT = 20_000


@lru_cache(maxsize=1)
def tags() -> Mapping[str, str]:
    """Return folded parts of tags (``#work/decision`` has two) and the kind that each means."""
    return _merged([table.tags for table in languages().values()])


@lru_cache(maxsize=1)
def folders() -> Mapping[str, str]:
    """Return folded folder names and the kind that notes inside are likely to be.

    Any tag's word names a folder too, but for short Latin ones: "til" and "adr" mean other
    things there.
    """
    named = {
        word: kind for word, kind in tags().items() if len(word) > _SHORT_TAG or not word.isascii()
    }
    return _merged([named, *[table.folders for table in languages().values()]])


def _merged(tables: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return several tables as one; the first that has a word says what it means."""
    merged: dict[str, str] = {}
    for table in tables:
        for word, kind in table.items():
            merged.setdefault(word, kind)
    return merged


class _Speakers(dict[str, tuple[str, ...]]):
    """The languages in which each word is the first person's, kept as they are asked for."""

    def __missing__(self, word: str) -> tuple[str, ...]:
        if len(self) >= _WORDS_KEPT:
            self.clear()
        found: tuple[str, ...] = ()
        exact, begins, ends = _forms()
        if word in exact or word.startswith(begins) or word.endswith(ends):
            found = tuple(
                [code for code, table in languages().items() if word in table.first_person]
            )
        self[word] = found
        return found


@lru_cache(maxsize=1)
def _forms() -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]:
    """Return the first person's words of all languages: whole ones, beginnings and endings."""
    tables = [table.first_person for table in languages().values()]
    exact = frozenset().union(*[table.exact for table in tables])
    begins = tuple([start for table in tables for start in table.begins])
    return exact, begins, tuple([end for table in tables for end in table.ends])


_speakers = _Speakers()


def first_person(lettered: str) -> list[str]:
    """Return the words with which people speak of themselves, in any of the languages.

    Args:
        lettered: A text as :func:`engine.extract.letters.letters` returned it.
    """
    found = list(filter(_speakers.__getitem__, tokens(lettered)))
    if not lettered.isascii():
        for phrase in _wide_phrases():
            found += [phrase] * lettered.count(f" {phrase} ")
    return found


@lru_cache(maxsize=1)
def _wide_phrases() -> tuple[str, ...]:
    """Return words of several characters in languages that have no spaces."""
    tables = languages().values()
    return tuple(word for table in tables for word in table.first_person.exact if " " in word)


def spoken_in(persons: Iterable[str]) -> Counter[str]:
    """Return how often each language's first person stands among what :func:`first_person` gave."""
    return Counter([code for word in persons for code in _speakers[word]])
