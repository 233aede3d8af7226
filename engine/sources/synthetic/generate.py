"""Questions and answers out of a file of templates: balanced, without repeats, by a seed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.sources.synthetic.book import Book, Piece, Template
from engine.sources.synthetic.draw import Draw, permuted
from engine.sources.synthetic.noise import Noise, disturb

_TRIES = 8


@dataclass(frozen=True, slots=True)
class Recipe:
    """How much is made, and how.

    Attributes:
        count: How many examples.
        seed: Another seed gives other wordings in another order.
        languages: The languages, which get equal shares; the first get what is left over.
        noise: How questions are disturbed.
        repeats: Whether questions are repeated when the different ones run out.
    """

    count: int
    seed: int
    languages: tuple[str, ...]
    noise: Noise = "off"
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """An example that was made.

    Attributes:
        index: Its number, from 0; another count gives the same example for an index.
        noises: What was done to the question.
        repeat: Whether its question was asked before.
    """

    index: int
    language: str
    template: Template
    question: str
    answer: str
    noises: tuple[str, ...]
    repeat: bool = False


@dataclass(slots=True)
class Tally:
    """How many were made in each language, and how many of its share were missing."""

    made: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)


def shares(recipe: Recipe) -> Mapping[str, int]:
    """Return how many examples each language gets."""
    each, over = divmod(recipe.count, len(recipe.languages))
    return {language: each + (number < over) for number, language in enumerate(recipe.languages)}


def generate(book: Book, recipe: Recipe, tally: Tally) -> Iterator[Made]:
    """Yield examples, the languages in turn.

    The first examples of a larger count are those of a smaller one. A question is
    yielded once; when a language has no other, its turns are left out (or repeat
    earlier questions, if the recipe says so), and counted.

    Args:
        book: The templates.
        recipe: What is wanted.
        tally: Filled while this is read.
    """
    seen: set[str] = set()
    rows = {language: _Row(book, language, recipe, seen) for language in recipe.languages}
    tally.made = dict.fromkeys(recipe.languages, 0)
    tally.missing = dict.fromkeys(recipe.languages, 0)
    index = 0
    for turn in range(recipe.count):
        language = recipe.languages[turn % len(recipe.languages)]
        made = rows[language].next(index)
        if made is None or made.repeat:
            tally.missing[language] += 1
        if made is not None:
            tally.made[language] += 1
            index += 1
            yield made
        elif not recipe.repeats and all(row.dry for row in rows.values()):
            for rest in range(turn + 1, recipe.count):
                tally.missing[recipe.languages[rest % len(recipe.languages)]] += 1
            return


class _Row:
    """The examples of one language, one after the other."""

    def __init__(self, book: Book, language: str, recipe: Recipe, seen: set[str]) -> None:
        self._recipe = recipe
        self._language = language
        self._seen = seen
        self._asked: list[tuple[_Stream, int]] = []
        self._streams: list[_Stream] = []
        self._again = 0
        order = Draw(recipe.seed, language, "order")
        by_topic: dict[str, deque[_Stream]] = {}
        for template in order.shuffled(book.templates):
            stream = _Stream(template, language, recipe)
            self._streams.append(stream)
            by_topic.setdefault(template.topic, deque()).append(stream)
        # Topics take turns, and the templates of a topic do.
        self._topics = deque(by_topic.values())
        self.dry = False

    def next(self, index: int) -> Made | None:
        """Return the next example; None where there is no other question."""
        while self._topics:
            topic = self._topics.popleft()
            while topic:
                stream = topic.popleft()
                made = stream.fresh(index, self._seen)
                if made is not None:
                    topic.append(stream)
                    self._topics.append(topic)
                    if self._recipe.repeats:
                        self._asked.append((stream, stream.at - 1))
                    return made
        self.dry = True
        if not self._recipe.repeats:
            return None
        # Where another language asked all the same questions, there are none of its own.
        asked = self._asked or [(stream, 0) for stream in self._streams]
        stream, way = asked[self._again % len(asked)]
        self._again += 1
        return stream.again(index, way, self._again)


class _Stream:
    """The questions of one template in one language, in an order that the seed chose.

    Attributes:
        at: How many ways through the template are behind.
    """

    def __init__(self, template: Template, language: str, recipe: Recipe) -> None:
        self.at = 0
        self._template = template
        self._language = language
        self._noise = recipe.noise
        self._key = (recipe.seed, language, template.topic, template.name)
        self._wording = template.wordings[language]
        self._plain = self._wording.questions.size()
        casual = self._wording.casual.size() if recipe.noise != "off" else 0
        self._size = self._plain + casual

    def fresh(self, index: int, seen: set[str]) -> Made | None:
        """Return an example whose question nobody asked yet, and note it; None at the end."""
        while self.at < self._size:
            self.at += 1
            pieces, taken, casual = self._pieces(self.at - 1)
            # Two ways may lead to one text, with noise more than without.
            for attempt in range(_TRIES if self._noise != "off" else 1):
                question, noises = self._disturbed(pieces, self.at - 1, attempt, casual)
                if question not in seen:
                    seen.add(question)
                    answer = self._answer(self.at - 1, taken)
                    return self._made(index, question, answer, noises)
        return None

    def again(self, index: int, way: int, repeat: int) -> Made:
        """Return an example that repeats a question, with another answer if there is one."""
        pieces, taken, casual = self._pieces(way)
        question, noises = self._disturbed(pieces, way, _TRIES + repeat, casual)
        return self._made(index, question, self._answer(way + repeat, taken), noises, repeat=True)

    def _pieces(self, way: int) -> tuple[list[Piece], dict[str, int], bool]:
        number = permuted(way, self._size, *self._key)
        if number < self._plain:
            return *self._wording.questions.way(number), False
        return *self._wording.casual.way(number - self._plain), True

    def _disturbed(
        self, pieces: list[Piece], way: int, attempt: int, casual: bool
    ) -> tuple[str, tuple[str, ...]]:
        draw = Draw(*self._key, way, attempt, "noise")
        question, noises = disturb(pieces, self._noise, draw)
        return question, ("casual", *noises) if casual else noises

    def _answer(self, way: int, taken: Mapping[str, int]) -> str:
        """Return an answer; answers take turns, so that a few questions get different ones."""
        size = self._wording.answers.size(taken)
        number = permuted(way % size, size, *self._key, "answer")
        pieces, _ = self._wording.answers.way(number, taken)
        lines = "".join(piece.text for piece in pieces).strip().split("\n")
        return "\n".join(line.rstrip() for line in lines)

    def _made(
        self, index: int, question: str, answer: str, noises: tuple[str, ...], repeat: bool = False
    ) -> Made:
        return Made(index, self._language, self._template, question, answer, noises, repeat)
