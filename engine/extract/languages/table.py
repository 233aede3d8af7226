"""A language's table, as the rest of the extraction sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.extract.languages.asking import Asking
from engine.extract.languages.words import Words


@dataclass(frozen=True, slots=True)
class DateWords:
    """How a language writes dates.

    ``day``, ``week`` and ``month`` are templates with ``{day}``, ``{month}`` and ``{year}``, each
    with its preposition; ``first`` is what the first of a month is called, where it has a form of
    its own.
    """

    months: tuple[str, ...]
    day: str
    week: str
    month: str
    first: str = ""


@dataclass(frozen=True, slots=True)
class Language:
    """What is known of a language; ``docs/languages.md`` describes each field.

    All words and patterns are folded (see :func:`engine.extract.letters.fold`) but those of
    ``kinds``, which stand both as written and folded.

    Attributes:
        code: Its ISO 639-1 code, the file's name.
        name: Its name in English, for messages.
        is_latin: Whether it is written in Latin letters.
        common: Its commonest words.
        not_common: Words of languages near to it, which stand in none of its own texts.
        first_person: Words with which people speak of themselves.
        not_first_person: Phrases that hold such a word and mean somebody else.
        weighing: Words and phrases of somebody who weighs one thing against another.
        outcome: The same of somebody who looks at how a thing went, or says what they feel.
        supposing: Words and phrases that begin what is made up to argue with.
        needing: Words and phrases of somebody who has to decide something.
        deciding: The same of somebody who decides or has decided.
        learned: The same of somebody who says that they found something out.
        addressing: The same of somebody who greets readers or asks them for something.
        cited: Words and phrases before the name of what a text is taken from.
        saying: Words and phrases between somebody's name and what they say.
        pointers: Words that begin a line which only leads elsewhere.
        see: Those of them that mean "see".
        tags: Parts of tags, and the kind that each means.
        folders: Names of folders, and the kind that each means.
        headings: Patterns of the beginnings of headings, by rule.
        connected: Words that connect a heading's kind with its subject.
        joining: Words that join two kinds in one heading.
        junk: A pattern of headings above what are no thoughts; None where there are none.
        doubtful: A pattern of headings that stand over courses and books as well.
        others: A pattern of headings, tags and folders of what somebody else wrote, or made up.
        generic: A pattern of headings that say nothing of a subject.
        kinds: Words in front of a title that say its kind ("ADR 12: …").
        date_words: Words that stand in titles which are only dates.
        dates: How dates are written.
        asking: What its questions are made of.
    """

    code: str
    name: str
    is_latin: bool
    common: frozenset[str]
    not_common: frozenset[str]
    first_person: Words
    not_first_person: tuple[str, ...]
    weighing: tuple[str, ...]
    outcome: tuple[str, ...]
    supposing: tuple[str, ...]
    needing: tuple[str, ...]
    deciding: tuple[str, ...]
    learned: tuple[str, ...]
    addressing: tuple[str, ...]
    cited: tuple[str, ...]
    saying: tuple[str, ...]
    pointers: tuple[str, ...]
    see: frozenset[str]
    tags: Mapping[str, str]
    folders: Mapping[str, str]
    headings: Mapping[str, tuple[str, ...]]
    connected: frozenset[str]
    joining: frozenset[str]
    junk: str
    doubtful: str
    others: str
    generic: str
    kinds: frozenset[str]
    date_words: frozenset[str]
    dates: DateWords
    asking: Asking
