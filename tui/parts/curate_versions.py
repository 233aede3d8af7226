"""The texts of an example that can be compared: before and after an edit, or in its source."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import ExampleMissing
from engine.models import Card, Turn, short_id
from engine.store import Store
from tui.widgets.words import EDITED, SIGNS


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts to compare.

    Attributes:
        left_name: What the older is called.
        right_name: What the newer is called.
        left: Its turns.
        right: The newer's turns.
        go: The id of the example that can be gone to; empty where both are of one.
        go_words: Which of the two that is.
    """

    left_name: str
    right_name: str
    left: tuple[Turn, ...]
    right: tuple[Turn, ...]
    go: str = ""
    go_words: str = ""


def has_versions(card: Card) -> bool:
    """Return whether a card has another text, as far as it can be told without a look-up."""
    return card.edited or card.origin == "changed" or bool(card.example.follows)


def pairs_of(store: Store, card: Card) -> list[Pair]:
    """Return the pairs of a card, its own edit first. Runs in a thread."""
    found: list[Pair] = []
    if card.edited:
        name = short_id(card.example.id)
        found.append(Pair(f"original · {name}", f"edited · {name}", card.example.turns, card.turns))
    try:
        if card.example.follows:
            older = store.card(card.example.follows)
            found.append(_between(older, card, older, "go to the older"))
        elif newer_id := store.newer_version(card.example.id):
            newer = store.card(newer_id)
            found.append(_between(card, newer, newer, "go to the newer"))
    except ExampleMissing:
        pass  # a scan took it away meanwhile
    return found


def _between(older: Card, newer: Card, other: Card, words: str) -> Pair:
    return Pair(
        f"older {_state(older)}",
        f"newer {_state(newer)}",
        older.turns,
        newer.turns,
        other.example.id,
        words,
    )


def _state(card: Card) -> str:
    edited = f" {EDITED} edited" if card.edited else ""
    return f"{short_id(card.example.id)} · {SIGNS[card.state]} {card.state}{edited}"
