"""Decisions and edits: what they change, and what is said of them.

Each method is one call of the engine that is on the disk when it returns, and gives back
a value; nothing here touches a widget, so that any of them may be called in a thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.curate import Curator
from engine.errors import ExampleMissing
from engine.models import Action, Card, Reverted, Turn, short_id
from engine.store import Store
from tui.widgets.card import card_label
from tui.widgets.conflict import UNDONE, missed_words
from tui.widgets.frame import Kind
from tui.widgets.words import counted


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
        conflict: Whether it was decided without having seen what another session did.
        examples: The ids of all examples that changed, where there are several.
    """

    message: str
    hint: str = ""
    kind: Kind = "info"
    card: Card | None = None
    checks: bool = False
    gone: bool = False
    conflict: bool = False
    examples: tuple[str, ...] = ()


class Decisions:
    """A person's decisions on a store's examples.

    Args:
        store: The store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._curator = Curator(store)

    def decide(self, action: Action, example_id: str, seen: int | None = None) -> Outcome:
        """Approve, reject or skip an example.

        Args:
            action: The decision.
            example_id: The example.
            seen: ``Card.seen`` of the card that the person saw.
        """
        try:
            card = self._curator.decide(action, example_id, seen)
        except ExampleMissing:
            return Outcome("a scan removed that example", "the queue is as it is now", gone=True)
        outcome = Outcome(_named(UNDONE[action], card), kind="done", card=card)
        return self._with_conflict(outcome, seen)

    def decide_all(self, action: Action, cards: Sequence[Card]) -> list[Outcome]:
        """Decide several examples alike, as one operation that one undo takes back."""
        done = self._curator.decide_many(action, [(one.example.id, one.seen) for one in cards])
        found = (self._store.card(example_id) for example_id in done.decided)
        return [Outcome(_named(UNDONE[action], card), kind="done", card=card) for card in found]

    def save(self, card: Card, turns: tuple[Turn, ...]) -> Outcome:
        """Save a text as an edit.

        Raises:
            ExampleInvalid: The text can't be an example; nothing was changed.
            WorkspaceError: It could not be written; nothing was changed.
            DiskFull: There is no room; nothing was changed.
        """
        if turns == card.turns:
            return Outcome("the text is unchanged")
        saved = self._curator.edit(card.example.id, turns, card.seen)
        outcome = Outcome(_named("edited", saved), "u undoes it", "done", saved, checks=True)
        return self._with_conflict(outcome, card.seen)

    def _with_conflict(self, outcome: Outcome, seen: int | None) -> Outcome:
        """Return an outcome that says what the decision was made without having seen."""
        card = outcome.card
        conflict = card.conflict if card is not None else None
        if card is None or conflict is None or seen is None:
            return outcome
        if conflict.session != self._store.session or conflict.seq <= seen:
            return outcome  # an older one, that nobody has resolved
        others = missed_words(conflict)
        if conflict.agrees:
            # Nothing was overridden: the card says nothing of it either.
            settled = replace(card, conflict=None)
            return replace(outcome, message=f"{outcome.message} · it was {others}", card=settled)
        if conflict.withdrawn:
            words = f"{short_id(card.example.id)} is not approved: it was {others} since you saw it"
            hint = "read it again; a approves the text as it is now"
            return replace(outcome, message=words, hint=hint, kind="error", conflict=True)
        words = f"{outcome.message}, but it was {others} since you saw it"
        hint = "a, r or s settles it; u takes yours back"
        return replace(outcome, message=words, hint=hint, kind="error", conflict=True)

    def undo(self, example_id: str = "") -> Outcome:
        """Undo one's own last operation, else the last of whoever.

        Args:
            example_id: If given, the last decision on this example.
        """
        entry = self._curator.undo(example_id)
        if entry is None:
            return Outcome("there is nothing to undo")
        return self._went_back("undid", entry)

    def undo_all(self, ids: Sequence[str]) -> list[Outcome]:
        """Undo the last decision on each of some examples, as one operation."""
        with self._store.operation():
            return [self.undo(example_id) for example_id in ids]

    def redo(self) -> Outcome:
        """Redo what was undone last."""
        entry = self._curator.redo()
        if entry is None:
            return Outcome("there is nothing to redo")
        return self._went_back("redid", entry)

    def _went_back(self, did: str, entry: Reverted) -> Outcome:
        card = self._store.card(entry.example_id)
        what = UNDONE.get(entry.targets[-1].action, entry.targets[-1].action)
        words = _named(f"{did}: {what}", card)
        if entry.examples > 1:
            words = f"{did}: {what} {counted(entry.examples, 'example')}, all by one decision"
        if entry.foreign:
            words += " · that was decided in another session"
        ids = tuple(dict.fromkeys(one.example_id for one in entry.entries))
        edited = any(one.action == "edit" for one in entry.targets)
        return Outcome(words, kind="done", card=card, checks=edited, examples=ids)


def _named(did: str, card: Card) -> str:
    return f"{did} {short_id(card.example.id)} · {card_label(card)}"
