"""The words by which reflections, decisions and learnings are recognised, in every language.

They stand in the tables of :mod:`engine.extract.languages`, one file a language, so that
what decides whether a section is taken can be read and argued with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from engine.extract.languages import languages
from engine.extract.letters import word_set

KINDS = ("reflection", "decision", "learning")

CLIPPED = word_set(
    """clipping clippings clipped webclip webclips readwise highlights articles pocket instapaper
    kindle raindrop omnivore zotero literature"""
)
"""Folded tags, categories and folders of what other people wrote."""

_SHORT_TAG = 3


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


def _alternatives(entries: Iterable[str]) -> str:
    """Return a pattern for some words that looks at each letter of a text once."""
    tails: dict[str, list[str]] = {}
    for entry in sorted(entries):
        tails.setdefault(entry[:1], []).append(entry[1:])
    ends = "" in tails
    tails.pop("", None)
    branches = [re.escape(first) + _alternatives(rest) for first, rest in tails.items()]
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)})" + ("?" if ends else "")


@lru_cache(maxsize=1)
def _spoken() -> re.Pattern[str]:
    found = [table.first_person for table in languages().values()]
    forms = [
        _alternatives({word for words in found for word in words.exact}),
        *(rf"{re.escape(begin)}[^ ]+" for words in found for begin in words.begins),
        *(rf"[^ ]+{re.escape(end)}" for words in found for end in words.ends),
    ]
    return re.compile(rf" ({'|'.join(forms)})(?=['-]? )")


def first_person(lettered: str) -> list[str]:
    """Return the words with which people speak of themselves, in any of the languages.

    Args:
        lettered: A text as :func:`engine.extract.letters.letters` returned it.
    """
    return _spoken().findall(lettered)


def language(counts: Mapping[str, int], total: int) -> str:
    """Return a language's code by its commonest words; empty where none is clear.

    Args:
        counts: How often each word stands in a text.
        total: How many words there are.
    """
    best, most = "", max(2, total // 20) - 1
    for code, table in languages().items():
        hits = sum(map(counts.__getitem__, counts.keys() & table.common))
        if hits > most:
            best, most = code, hits
    return best
