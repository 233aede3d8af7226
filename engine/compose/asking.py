"""Whether a model may word an example's question: asked at a key, so without what writes one."""

from __future__ import annotations

from engine.models import Card
from engine.store import Store
from engine.store.fold import effective


def why_not(store: Store, card: Card) -> str:
    """Return why a model can't word the question of a card; empty where it can.

    Decisions and edits that were undone are none: what was asked for by name is asked for
    again, also after it was taken back.
    """
    if [turn.role for turn in card.turns] != ["user", "assistant"]:
        return "only a question with one answer can be worded by a model"
    if is_decided(store, card.example.id):
        return "it is decided or edited and keeps its question; undo that first"
    return ""


def is_decided(store: Store, example_id: str) -> bool:
    """Return whether a decision or an edit of an example is in effect."""
    journal = store.journal(example_id=example_id)
    return bool(effective(reversed(journal)))
