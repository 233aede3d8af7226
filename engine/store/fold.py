"""What a journal means: pure functions from entries to the present state.

An entry that approves, rejects, skips or edits is a decision. An undo names a
decision by its sequence number and takes its effect away; a redo gives it back.
An example's state is that of its last effective approve, reject or skip; its text
that of its last effective edit. The materialised columns of the database are
always equal to this fold.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.frozen import frozen
from engine.models import Action, JournalEntry, State, Turn

DECISIONS: tuple[Action, ...] = ("approve", "reject", "skip", "edit")

_STATE_AFTER: dict[Action, State] = {
    "approve": "approved",
    "reject": "rejected",
    "skip": "skipped",
}


@frozen
class Folded:
    """What the journal says of an example.

    ``turns`` is None where no edit is in effect; ``decided_at`` is 0 where the
    state is "undecided".
    """

    state: State = "undecided"
    turns: tuple[Turn, ...] | None = None
    decided_at: float = 0.0


def effective(entries: Iterable[JournalEntry]) -> list[JournalEntry]:
    """Return the decisions that are in effect, oldest first.

    Args:
        entries: A journal, or all of it that concerns one example, oldest first.
    """
    decisions: list[JournalEntry] = []
    undone: set[int] = set()
    for entry in entries:
        if entry.action == "undo":
            undone.add(entry.target)
        elif entry.action == "redo":
            undone.discard(entry.target)
        else:
            decisions.append(entry)
    return [entry for entry in decisions if entry.seq not in undone]


def fold(entries: Iterable[JournalEntry]) -> dict[str, Folded]:
    """Return the state of every example that a journal speaks of.

    Args:
        entries: The journal, oldest first.
    """
    journal = list(entries)
    folded = {entry.example_id: Folded() for entry in journal}
    for entry in effective(journal):
        before = folded[entry.example_id]
        if entry.action == "edit":
            after = Folded(before.state, entry.turns, before.decided_at)
        else:
            after = Folded(_STATE_AFTER[entry.action], before.turns, entry.at)
        folded[entry.example_id] = after
    return folded
