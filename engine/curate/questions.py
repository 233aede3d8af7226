"""Whether a model may word an example's question; light, where asking one is not."""

from __future__ import annotations

from engine.models import Card
from engine.store import Store
from engine.store.fold import effective


def decided(store: Store, example_id: str) -> bool:
    """Return whether a decision or an edit of an example is in effect: undone ones are not."""
    journal = store.journal(example_id=example_id)
    return bool(effective(reversed(journal)))


def why_not(store: Store, card: Card) -> str:
    """Return why a model can't word the question of a card; empty where it can.

    What was asked for by name is asked for again, also after it was taken back.
    """
    if [turn.role for turn in card.turns] != ["user", "assistant"]:
        return "only a question with one answer can be worded by a model"
    if decided(store, card.example.id):
        return "it is decided or edited and keeps its question; undo that first"
    return ""
