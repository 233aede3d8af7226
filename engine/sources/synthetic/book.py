"""A file of templates as it was understood, and the ways through it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.sources.synthetic.grammar import Literal, Slot, Text

Values = Mapping[str, Sequence[Mapping[str, str]]]
"""What can stand in each slot, in one language: by slot, the values; by field, their texts.

The field of a value that is no table is the empty text.
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text that was made; ``fixed`` where it came from a slot."""

    text: str
    fixed: bool


class Space:
    """All texts that some templates can become in one language.

    Args:
        texts: Templates, any of which can be taken.
        values: What can stand in the slots.
    """

    def __init__(self, texts: Sequence[Text], values: Values) -> None:
        self._texts = tuple(texts)
        self._values = values
        self._slots = tuple(
            tuple(dict.fromkeys(slot.name for slot in text.slots())) for text in texts
        )

    def size(self, bound: Mapping[str, int] | None = None) -> int:
        """Return how many ways there are.

        Args:
            bound: Slots whose values are settled already.
        """
        return sum(self._sizes(bound or {}))

    def _sizes(self, bound: Mapping[str, int]) -> Iterator[int]:
        for text, slots in zip(self._texts, self._slots, strict=True):
            size = text.combinations
            for slot in slots:
                size *= 1 if slot in bound else len(self._values[slot])
            yield size

    def way(
        self, number: int, bound: Mapping[str, int] | None = None
    ) -> tuple[list[Piece], dict[str, int]]:
        """Return one text in pieces, and the values of the slots that it took.

        Args:
            number: Which, from 0 up to, not including, the size.
            bound: Slots whose values are settled already.
        """
        taken = dict(bound or {})
        for text, slots, size in zip(self._texts, self._slots, self._sizes(taken), strict=True):
            if number >= size:
                number -= size
                continue
            for slot in slots:
                if slot not in taken:
                    number, taken[slot] = divmod(number, len(self._values[slot]))
            return [self._piece(part, taken) for part in text.way(number)], taken
        raise IndexError(number)

    def _piece(self, part: Literal | Slot, taken: Mapping[str, int]) -> Piece:
        if isinstance(part, Literal):
            return Piece(part.text, fixed=False)
        return Piece(self._values[part.name][taken[part.name]][part.field], fixed=True)


@dataclass(frozen=True, slots=True)
class Wording:
    """A template in one language: what can be asked, also as people type it, and answered."""

    questions: Space
    casual: Space
    answers: Space


@dataclass(frozen=True, slots=True)
class Template:
    """A question and its answer, in every language of the file; ``line`` is where it begins."""

    topic: str
    name: str
    line: int
    wordings: Mapping[str, Wording]


@dataclass(frozen=True, slots=True)
class Book:
    """A file of templates."""

    languages: tuple[str, ...]
    templates: tuple[Template, ...]

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics in the order of the file."""
        return tuple(dict.fromkeys(template.topic for template in self.templates))

    def questions(self, language: str) -> int:
        """Return how many questions can be made in a language, without noise, at most."""
        return sum(template.wordings[language].questions.size() for template in self.templates)
