"""A redacted value in other examples: where it stands, and putting its placeholder there.

A name that a text introduces is flagged, the same name alone in another text is not. So the
values of a redaction are looked for in the whole workspace, by its full text index, and
offered. They are held in memory alone, and come from the texts that the workspace keeps
anyway: what was redacted before is read from the original.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from engine.curate.queue import Curator
from engine.models import Card, Filter, Flag
from engine.quality.base import Check
from engine.quality.finder import Finder, Value
from engine.quality.naming import WorkspacePlaceholders
from engine.quality.normal import normal_text
from engine.quality.placeholders import PLACEHOLDER
from engine.quality.redact import flagged_values, redact, remaining
from engine.quality.values import NUMBER_WORDS, number_forms, word_for
from engine.store import Store

OFFERED = 200
"""How many values are looked for where nobody asked for all."""

_CARDS = 256
_LEAST_CHARS = 4
_MOST_FORMS = 6
# How the digits of telephones, cards and accounts are put in groups.
_GROUPS = (
    (4, 3, 3), (3, 3, 4), (3, 3, 3), (2, 2, 2, 2, 2), (2, 3, 2, 2), (3, 2, 2, 2), (3, 3, 2, 2),
    (4, 6), (3, 7), (3, 6), (5, 6), (2, 8), (2, 3, 3, 3), (4, 4, 4, 4), (4, 6, 5),
)  # fmt: skip


def find_elsewhere(
    store: Store, values: Sequence[Value], *, but: Sequence[str] = (), most: int | None = None
) -> list[str]:
    """Return the examples that hold a value in any spelling, by id, in queue order.

    First names alone, and values of less than four letters and digits, are not looked for:
    they would be found in everybody's texts.

    Args:
        store: The workspace's store.
        values: What was redacted.
        but: Examples that are passed over.
        most: How many values are looked for; None means all. Each costs a few queries.
    """
    sought = [value for value in values if _is_telling(value)][:most]
    places: set[int] = set()
    for value in sought:
        for query in dict.fromkeys(_queries(value)):
            places.update(store.positions(Filter(text=query)))
    if not places:
        return []
    finder = Finder(sought)
    return [
        card.example.id
        for card in _cards(store, sorted(places))
        if card.example.id not in but and any(finder.holes(turn.content) for turn in card.turns)
    ]


def redact_elsewhere(
    store: Store, values: Sequence[Value], example_ids: Sequence[str]
) -> dict[str, Mapping[str, int]]:
    """Put the placeholders of values into other examples, as one operation.

    Args:
        store: The workspace's store.
        values: What was redacted.
        example_ids: The examples, such as :func:`find_elsewhere` returned.

    Returns:
        What was replaced, by example and by the flags' code; those that hold none are absent.

    Raises:
        WorkspaceError: What the workspace remembers of placeholders can't be read.
    """
    finder = Finder([value for value in values if _is_telling(value)])
    names, curator = WorkspacePlaceholders(store), Curator(store)
    done: dict[str, Mapping[str, int]] = {}
    with store.operation():
        for example_id in example_ids:
            card = store.card(example_id)
            flags = [
                Flag(
                    "secret" if hole.value.secret else "personal",
                    hole.value.code, 1.0, "", index, hole.start, hole.end,
                )
                for index, turn in enumerate(card.turns)
                for hole in finder.holes(turn.content)
            ]  # fmt: skip
            result = redact(card.turns, flags, names=names, authored=authored_marks(card))
            if not result.replaced:
                continue
            curator.edit(card.example.id, result.turns, card.seen)
            counts: Counter[str] = Counter()
            for one in result.replaced:
                counts[one.code] += one.count
            done[card.example.id] = dict(counts)
    return done


def redacted_values(store: Store, card: Card, checks: Sequence[Check]) -> list[Value]:
    """Return what was redacted in an example, from its original text.

    Args:
        store: The workspace's store.
        card: The example.
        checks: Those that find secrets and personal data.
    """
    if card.turns == card.example.turns:
        return []
    original = card.example.turns
    values = flagged_values(original, remaining(checks, original))
    marks = WorkspacePlaceholders(store).known_of([(one.code, one.text) for one in values])
    text = "\n".join(turn.content for turn in card.turns)
    return [one for one, mark in zip(values, marks, strict=True) if mark and mark in text]


def authored_marks(card: Card) -> set[str]:
    """Return the placeholders that the author of an example wrote."""
    original = "\n".join(turn.content for turn in card.example.turns)
    return {match.group() for match in PLACEHOLDER.finditer(original)}


def _is_telling(value: Value) -> bool:
    if word_for(value.code) == "PERSON" and len(value.text.split()) < 2:
        return False
    return sum(map(str.isalnum, value.text)) >= _LEAST_CHARS


def _queries(value: Value) -> Iterator[str]:
    """Yield full text queries that between them find a value in its usual spellings."""
    yield value.text
    yield normal_text(value.text) or value.text
    word = word_for(value.code)
    if word not in NUMBER_WORDS:
        return
    for form in number_forms(word, value.text)[:_MOST_FORMS]:
        # Within a country and without its code: "0721 …", "721 …" after "+40".
        for digits in dict.fromkeys((form, form.removeprefix("0"))):
            yield digits
            yield " ".join(re.findall(".{1,4}", digits))
            for sizes in _GROUPS:
                if sum(sizes) == len(digits):
                    ends = [sum(sizes[: at + 1]) for at in range(len(sizes))]
                    yield " ".join(
                        digits[end - size : end] for end, size in zip(ends, sizes, strict=True)
                    )


def _cards(store: Store, places: Sequence[int]) -> Iterator[Card]:
    for start in range(0, len(places), _CARDS):
        yield from store.cards_at(places[start : start + _CARDS])
