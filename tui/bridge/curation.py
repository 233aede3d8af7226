"""What the Curate screen asks besides decisions: counts, drafts of edits, other answers."""

from __future__ import annotations

import time
from dataclasses import dataclass

from engine.curate import pace
from engine.models import ORIGINS, Alternative, Card, Counts, Filter, Origin, Source, Turn
from engine.store import Store
from tui.messages import Progress


def measure(store: Store, target: int) -> tuple[Counts, Progress]:
    """Return the counts of the whole queue and what the meter shows. Runs in a thread."""
    counts = store.counts()
    now = pace(store, time.time(), target=target)
    return counts, Progress(
        approved=counts.approved,
        target=target,
        rejected=counts.rejected,
        undecided=counts.undecided,
        per_hour=now.per_hour,
        minutes_left=now.minutes_to_target,
    )


@dataclass(frozen=True, slots=True)
class Shares:
    """What the queue can be narrowed to, and how many examples each part has."""

    counts: Counts
    origins: dict[Origin, int]
    kinds: list[tuple[str, int]]
    sources: list[Source]
    tags: list[tuple[str, int]]


def shares(store: Store) -> Shares:
    """Return the parts of the queue. Runs in a thread."""
    return Shares(
        counts=store.counts(),
        origins={origin: store.queue_size(Filter(origins=(origin,))) for origin in ORIGINS},
        kinds=store.kinds(),
        sources=store.sources(),
        tags=store.tags(),
    )


def other_answers(card: Card) -> list[Alternative]:
    """Return the texts that could stand in a card in the place of one that stands there.

    They are the alternatives of its source, and the text as it was extracted where
    another was taken. A turn that an edit removed, or gave to another role, has none.
    """
    original = card.example.turns
    there = dict.fromkeys(one.turn for one in card.example.alternatives)
    found = [Alternative(turn, original[turn].content) for turn in there if turn < len(original)]
    return [
        one
        for one in (*found, *card.example.alternatives)
        if one.turn < min(len(card.turns), len(original))
        and card.turns[one.turn].role == original[one.turn].role
        and card.turns[one.turn].content != one.content
    ]


def with_answer(card: Card, answer: Alternative) -> tuple[Turn, ...]:
    """Return a card's turns with another answer in its place."""
    turns = list(card.turns)
    turns[answer.turn] = Turn(turns[answer.turn].role, answer.content)
    return tuple(turns)


class Drafts:
    """Edits that were begun and not saved, kept in the workspace."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, card: Card) -> str:
        """Return the text that was begun, or nothing."""
        return self._store.get_meta(f"draft:{card.example.id}") or ""

    def keep(self, card: Card, text: str) -> None:
        """Keep a text; an empty one drops the draft."""
        if text != self.of(card):
            self._store.set_meta(f"draft:{card.example.id}", text)
