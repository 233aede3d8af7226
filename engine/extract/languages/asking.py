"""How a language asks: its sentences, and how titles stand in them.

A title is not inflected and not turned round: it stands in the language's quotation marks, whole,
where the sentence has a place for a title in any case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.extract.languages.words import Words


@dataclass(frozen=True, slots=True)
class Asking:
    """What questions of a language are made of.

    Attributes:
        quotes: The outer quotation marks.
        inner_quotes: What those become inside of a title.
        in_note: Where a text stands: ``{title}``.
        under: Where a text stands: ``{heading}``.
        under_in_note: Where a text stands: ``{heading}``, ``{title}``.
        under_when: Where a text stands: ``{heading}``, ``{when}``.
        about_question: A short question and its note: ``{title}``, ``{question}``.
        own_question: A question that the writer asks themselves: ``{question}``.
        not_nouns: Folded words that a noun phrase does not hold.
        not_first: Folded words that a noun phrase does not begin with.
        articles: Folded words behind which a noun stands: behind a verb, they make a command.
        interrogatives: Folded words that a question begins with.
        asks_by_word: Whether every question holds one of the interrogatives.
        one_mark: Whether a mark before a closing quotation mark ends the sentence too.
        first_person: Words with which the writer speaks of themselves.
        pointers: Folded words that point to something outside of a question.
        templates: Sentences by group and shape, such as "decision.topic".
    """

    quotes: tuple[str, str]
    inner_quotes: tuple[str, str]
    in_note: str
    under: str
    under_in_note: str
    under_when: str
    about_question: str
    own_question: str
    not_nouns: frozenset[str]
    not_first: frozenset[str]
    articles: frozenset[str]
    interrogatives: frozenset[str]
    asks_by_word: bool
    one_mark: bool
    first_person: Words
    pointers: frozenset[str]
    templates: Mapping[str, tuple[str, ...]]

    def quoted(self, title: str) -> str:
        """Return a title in quotation marks; marks inside of it become inner ones."""
        opening, closing = self.inner_quotes
        inside = _inner(title, opening, closing) if _MARKS.intersection(title) else title
        return f"{self.quotes[0]}{inside}{self.quotes[1]}"


_MARKS = frozenset('"“”„«»')


def _inner(title: str, opening: str, closing: str) -> str:
    """Replace quotation marks, those before a word by the opening one."""
    shown: list[str] = []
    for index, character in enumerate(title):
        if character in _MARKS:
            before = title[index - 1 : index]
            opens = character in "„«“" if character in "„«“»" else not before or before in " ([-–—"
            # A curly mark that opens in English closes in German.
            opens = opens and not (character == "“" and before.isalnum())
            character = opening if opens else closing
        shown.append(character)
    return "".join(shown)
