"""What the Curate screen asks besides decisions: how far it has got, and drafts of edits."""

from __future__ import annotations

import time

from engine.curate import pace
from engine.models import Card, Counts
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
