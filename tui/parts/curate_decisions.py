"""Decisions and edits: what they change, and what is said of them.

Each method is one call of the engine that is on the disk when it returns, and gives back
a value; nothing here touches a widget, so that any of them may be called in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.curate import Curator
from engine.errors import ExampleMissing
from engine.models import Action, Card, Reverted, Turn, short_id
from engine.store import Store
from tui.widgets.card import card_label
from tui.widgets.frame import Kind

DONE: dict[str, str] = {"approve": "approved", "reject": "rejected", "skip": "skipped"}
UNDONE = {**DONE, "edit": "edited"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a decision.

    Attributes:
        message: What is said.
        hint: What can be done next.
        kind: How it is said.
        card: The example as it is now; None where nothing changed.
        checks: Whether the text changed, so that it is checked again.
        gone: Whether the example is no longer there.
    """

    message: str
    hint: str = ""
    kind: Kind = "info"
    card: Card | None = None
    checks: bool = False
    gone: bool = False


class Decisions:
    """A person's decisions on a store's examples.

    Args:
        store: The store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._curator = Curator(store)

    def decide(self, action: Action, example_id: str) -> Outcome:
        """Approve, reject or skip an example."""
        try:
            card = self._curator.decide(action, example_id)
        except ExampleMissing:
            return Outcome("a scan removed that example", "the queue is as it is now", gone=True)
        return Outcome(_named(DONE[action], card), kind="done", card=card)

    def save(self, card: Card, turns: tuple[Turn, ...]) -> Outcome:
        """Save a text as an edit.

        Raises:
            ExampleInvalid: The text can't be an example; nothing was changed.
            WorkspaceError: It could not be written; nothing was changed.
            DiskFull: There is no room; nothing was changed.
        """
        if turns == card.turns:
            return Outcome("the text is unchanged")
        saved = self._curator.edit(card.example.id, turns)
        return Outcome(_named("edited", saved), "u undoes it", "done", saved, checks=True)

    def undo(self, example_id: str = "") -> Outcome:
        """Undo the last decision, whoever made it.

        Args:
            example_id: If given, the last one on this example.
        """
        entry = self._curator.undo(example_id)
        if entry is None:
            return Outcome("there is nothing to undo")
        return self._went_back("undid", entry)

    def redo(self) -> Outcome:
        """Redo what was undone last."""
        entry = self._curator.redo()
        if entry is None:
            return Outcome("there is nothing to redo")
        return self._went_back("redid", entry)

    def _went_back(self, did: str, entry: Reverted) -> Outcome:
        card = self._store.card(entry.example_id)
        journal = self._store.journal(example_id=entry.example_id)
        what = next((one.action for one in journal if one.seq == entry.target), "")
        words = _named(f"{did}: {UNDONE.get(what, what)}", card)
        return Outcome(words, kind="done", card=card, checks=what == "edit")


def _named(did: str, card: Card) -> str:
    return f"{did} {short_id(card.example.id)} · {card_label(card)}"
