"""Where rows hold questions and answers, found out from a sample of them.

Each mapping that the names of labels and keys or the look of the texts suggest is tried on the
sample; what counts is the share of rows that it reads, and how telling its names are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from engine.sources.cache.labels import labelled, plainly_labelled
from engine.sources.cache.mapping import Mapping
from engine.sources.cache.places import LABEL, Place, as_text, json_at, text_at
from engine.sources.cache.rows import Row
from engine.sources.cache.words import Side, asks, may_answer, names_speaker, side_of
from engine.sources.columns import fold
from engine.sources.items import Refused
from engine.sources.jsonwindow import no_value
from engine.sources.turns import has_instruction, has_messages

ENOUGH = 0.3
"""The least share of rows that a mapping has to read to be taken."""

_DOCUMENT = Place("document")


@dataclass(frozen=True, slots=True)
class Guess:
    """A mapping with the share of the sample that it reads, and how much speaks for it (0 to 1)."""

    mapping: Mapping
    fit: float
    score: float


@dataclass(frozen=True, slots=True)
class _Field:
    """What a field of the sample holds.

    ``share`` is that of the rows that have it, ``asking`` that of its texts that look like
    questions, ``words`` their median number of words, ``distinct`` the share of different ones.
    """

    place: Place
    share: float
    asking: float
    words: float
    distinct: float

    @property
    def side(self) -> Side:
        return side_of(self.place.key) if self.place.field == "metadata" else ""


def guesses(
    rows: Sequence[Row], question: Place | None = None, answer: Place | None = None
) -> list[Guess]:
    """Return the mappings that read enough of a sample, the best first.

    Args:
        rows: The sample.
        question: Where the questions stand, if a person has said so.
        answer: Where the answers stand, if a person has said so.
    """
    if not rows:
        return []
    found: dict[Mapping, float] = {}
    # What a person names, and what marks both sides plainly, may be a small part of a
    # collection that holds other things, too.
    plain = {in_order(mapping, rows) for mapping in plainly_labelled(rows)}
    if question and answer:
        plain.add(in_order(Mapping(question, answer), rows))
    for suggested, prior in _suggested(rows, question, answer):
        if question in (None, suggested.question) and answer in (None, suggested.answer):
            mapping = in_order(suggested, rows)
            found[mapping] = max(prior, found.get(mapping, 0.0))
    rated = []
    for mapping, prior in found.items():
        fit = fit_of(mapping, rows)
        if fit >= ENOUGH or (fit and mapping in plain):
            rated.append(Guess(mapping, fit, prior * (0.3 + 0.7 * fit)))
    return sorted(rated, key=lambda guess: -guess.score)


def in_order(mapping: Mapping, rows: Sequence[Row]) -> Mapping:
    """Return a mapping that knows whether the sample's texts have answers before questions."""
    if not mapping.labelled:
        return mapping
    orders: Counter[tuple[Side, Side]] = Counter()
    for row in rows:
        sides = [mark.side for mark in mapping.marks(row) if mark.side]
        orders.update([(sides[0], sides[-1])] if sides else [])
    answers_first = orders["answer", "question"] > orders["question", "answer"]
    return replace(mapping, answers_first=answers_first)


def fit_of(mapping: Mapping, rows: Sequence[Row]) -> float:
    """Return the share of rows that a mapping reads."""
    if mapping.by_rows:
        sides = [mapping.side(row) for row in rows if mapping.question.whole.text(row).strip()]
        return sum(map(bool, sides)) / len(rows) if {"question", "answer"} <= set(sides) else 0.0
    read = 0
    for row in rows:
        try:
            read += bool(mapping.exchanges(row).exchanges)
        except Refused:
            continue
    return read / len(rows) if rows else 0.0


def places(rows: Sequence[Row]) -> list[Place]:
    """Return the whole fields that hold text in a sample."""
    return [held.place for held in _fields(rows)]


def _suggested(
    rows: Sequence[Row], question: Place | None, answer: Place | None
) -> Iterator[tuple[Mapping, float]]:
    fields = _fields(rows)
    if question and answer:
        yield Mapping(question, answer), 0.95
        return
    yield from labelled(rows)
    yield from ((mapping, 0.97) for mapping in plainly_labelled(rows))
    yield from _by_rows(rows, fields)
    for held in fields:
        yield from _json(rows, held.place)
    yield from _named(fields)
    yield from _json_answers(rows, fields)
    yield from _by_look(fields)
    yield from _first_lines(rows)
    # With one side said, the other may be any field.
    for held in fields if question or answer else ():
        if question and held.place != question:
            prior = 0.3 + min(held.words, 40) / 400 - 0.2 * held.asking
            yield Mapping(question, held.place), prior + 0.3 * (held.side == "answer")
        if answer and held.place != answer:
            prior = 0.3 + 0.4 * held.asking + 0.05 * (held.place == _DOCUMENT)
            yield Mapping(held.place, answer), prior + 0.3 * (held.side == "question")


def _fields(rows: Sequence[Row]) -> list[_Field]:
    found = []
    keys = Counter(
        key for row in rows for key, value in row.metadata.items() if isinstance(value, str | list)
    )
    named = [Place("metadata", key) for key, _ in keys.most_common(60)]
    for place in (_DOCUMENT, Place("id"), *named):
        texts = [text for row in rows if (text := place.text(row).strip())]
        if len(texts) < max(len(rows) * 0.2, 1):
            continue
        held = _Field(
            place,
            len(texts) / len(rows),
            sum(asks(text) for text in texts) / len(texts),
            median(len(text.split()) for text in texts),
            len(set(texts)) / len(texts),
        )
        # Most ids are made up; some programs take the question for it.
        if place.field != "id" or (held.asking >= 0.5 and held.words >= 2):
            found.append(held)
    return found


def _named(fields: Sequence[_Field]) -> Iterator[tuple[Mapping, float]]:
    """Suggest metadata keys whose names say what they hold, and the document for the other side."""
    document = next((held for held in fields if held.place == _DOCUMENT), None)
    questions = [held for held in fields if held.side == "question" and _is_said(held)]
    answers = [held for held in fields if held.side == "answer" and _may_be_said(held)]
    for asked in questions:
        # One text in all rows is a template, or the name of whoever asked.
        same = 0.6 if asked.distinct < 0.2 and asked.share > 0.5 and len(fields) > 2 else 1.0
        for answered in answers:
            yield Mapping(asked.place, answered.place), 0.96 * same
        if document:
            yield Mapping(asked.place, _DOCUMENT), 0.9 * same
        for other in fields:
            if other.place != asked.place and not other.side and may_answer(other.place.key):
                yield Mapping(asked.place, other.place), 0.8 * same
    if document:
        likely = document.asking >= 0.3 or document.words <= 30
        for answered in answers:
            yield Mapping(_DOCUMENT, answered.place), 0.92 if likely else 0.6


def _is_said(held: _Field) -> bool:
    """Say whether a field named for a question holds one, rather than a name or a number."""
    return held.words >= 2 or held.asking >= 0.5


def _may_be_said(held: _Field) -> bool:
    """Say whether a field named for an answer may hold one; "model" and "agent" may be names."""
    return _is_said(held) or not names_speaker(held.place.key)


def _by_look(fields: Sequence[_Field]) -> Iterator[tuple[Mapping, float]]:
    """Suggest fields that look like questions, and for each the one that may answer."""
    for asked in fields:
        if asked.asking < 0.7 or not _is_said(asked):
            continue
        for other in fields:
            if other.place == asked.place or other.asking >= 0.3 or other.distinct < 0.3:
                continue
            if other.place == _DOCUMENT:
                yield Mapping(asked.place, other.place), 0.75
            elif other.side == "answer" or may_answer(other.place.key):
                yield Mapping(asked.place, other.place), 0.78
            elif other.words >= 4:
                yield Mapping(asked.place, other.place), 0.5 + min(other.words, 40) / 400


def _by_rows(rows: Sequence[Row], fields: Sequence[_Field]) -> Iterator[tuple[Mapping, float]]:
    """Suggest that each row is one turn, where metadata says whose, as "role" does."""
    for held in fields:
        key = held.place.key
        if not key or held.words != 1 or held.share < 0.5:
            continue
        values = Counter(as_text(row.metadata.get(key)).strip() for row in rows)
        sides: dict[Side, str] = {}
        for value, _ in values.most_common(8):
            sides.setdefault(side_of(value), value)
        if sides.get("question") and sides.get("answer"):
            yield (
                Mapping(
                    Place("document", part="where", label=f"{key}={sides['question']}"),
                    Place("document", part="where", label=f"{key}={sides['answer']}"),
                ),
                0.93,
            )


_CONVERSATION = frozenset({"session", "conversation", "thread", "dialog", "dialogue", "chat"})
_NAMED = _CONVERSATION | {"id", "uuid", "key", "name", "number", "no"}


def conversation_key(rows: Sequence[Row]) -> str:
    """Return the metadata key that tells which rows belong to one conversation, or ""."""
    keys = Counter(key for row in rows for key in row.metadata)
    common = [key for key, count in keys.most_common() if count >= 0.8 * len(rows)]
    words = {key: set(fold(key).split("_")) for key in common}
    return next((key for key in common if _CONVERSATION & words[key] and words[key] <= _NAMED), "")


def _first_lines(rows: Sequence[Row]) -> Iterator[tuple[Mapping, float]]:
    """Suggest documents that begin with a question."""
    for first, rest, prior in (
        ("first line", "other lines", 0.8),
        ("first question", "after first question", 0.72),
    ):
        head, tail = Place("document", part=first), Place("document", part=rest)
        asking = 0
        for row in rows:
            asked = text_at(head, row)
            if any(side_of(label[1]) == "answer" for label in LABEL.finditer(row.document[:4000])):
                continue
            asking += asked.rstrip("\"'”’»)*_").endswith(("?", "？", "؟")) and len(asked) < 300
        if asking >= 0.6 * len(rows):
            yield Mapping(head, tail), prior


def _json_answers(rows: Sequence[Row], fields: Sequence[_Field]) -> Iterator[tuple[Mapping, float]]:
    """Suggest answers that stand in JSON in a metadata value, beside a question elsewhere."""
    asked = [held.place for held in fields if held.side == "question" and _is_said(held)]
    asked += [held.place for held in fields if held.place == _DOCUMENT]
    for held in fields:
        if held.place.field != "metadata":
            continue
        keys: Counter[str] = Counter()
        for row in rows:
            value = json_at(held.place, row)
            if isinstance(value, dict):
                keys.update(key for key, part in value.items() if isinstance(part, str))
        least = max(0.5 * len(rows), 1)
        for key in (key for key, count in keys.items() if count >= least):
            if side_of(key) == "answer" or (held.side == "answer" and may_answer(key)):
                answer = Place("metadata", held.place.key, "json", key)
                yield from ((Mapping(question, answer), 0.97) for question in asked)


def _json(rows: Sequence[Row], place: Place) -> Iterator[tuple[Mapping, float]]:
    """Suggest the fields of JSON in a field."""
    keys: Counter[str] = Counter()
    whole = held = 0
    for row in rows:
        text = place.text(row).strip()
        if not text.startswith(("{", "[")):
            continue
        try:
            value = json.loads(text, parse_constant=no_value)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, list):
            value = {"messages": value}
        if not isinstance(value, dict):
            continue
        held += 1
        whole += has_messages(value) or has_instruction(value)
        keys.update(key for key, part in value.items() if isinstance(part, str) and part.strip())
    if held < ENOUGH * len(rows):
        return
    if whole >= 0.5 * held:
        both = Place(place.field, place.key, "json")
        yield Mapping(both, both), 0.97
    common = [key for key, count in keys.items() if count >= 0.5 * held]
    for asked in (key for key in common if side_of(key) == "question"):
        for other in common:
            if other != asked:
                prior = 0.95 if side_of(other) == "answer" else 0.8 if may_answer(other) else 0.4
                yield (
                    Mapping(
                        Place(place.field, place.key, "json", asked),
                        Place(place.field, place.key, "json", other),
                    ),
                    prior,
                )
