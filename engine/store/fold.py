"""What a journal means: pure functions from entries to the present state.

An entry that approves, rejects, skips or edits is a decision. An undo names a
decision by its sequence number and takes its effect away; a redo gives it back.
An example's state is that of its last effective approve, reject or skip; its text
that of its last effective edit. The materialised columns of the database are
always equal to this fold.

A decision says up to which entry its person had seen the example's history. What other
sessions wrote between that entry and the decision was *missed*. A decision that missed
something in effect, and does not say the same, puts the example *in conflict*; both
entries stay. The conflict ends when somebody approves, rejects or skips the example
having missed nothing, or when one of the two sides is undone. An approval and an edit of
two sessions that did not know of each other don't add up to an approved text: whichever
came first, the example is undecided. All else goes by the last decision.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

from engine.frozen import frozen
from engine.models import Action, Conflict, JournalEntry, Missed, State, Turn

DECISIONS: tuple[Action, ...] = ("approve", "reject", "skip", "edit")

STATE_AFTER: Mapping[Action, State] = {
    "approve": "approved",
    "reject": "rejected",
    "skip": "skipped",
}


@frozen
class Folded:
    """What the journal says of an example.

    ``turns`` is None where no edit is in effect; ``decided_at`` is 0 where the
    state is "undecided"; ``conflict`` is what is unresolved.
    """

    state: State = "undecided"
    turns: tuple[Turn, ...] | None = None
    decided_at: float = 0.0
    conflict: Conflict | None = None


def effective(entries: Iterable[JournalEntry]) -> list[JournalEntry]:
    """Return the decisions that are in effect, oldest first.

    Args:
        entries: A journal, or all of it that concerns one example, oldest first.
    """
    journal = list(entries)
    reversals = _reversals(journal)
    return [entry for entry in journal if _stands(entry, reversals)]


def fold(entries: Iterable[JournalEntry]) -> dict[str, Folded]:
    """Return the state of every example that a journal speaks of.

    Args:
        entries: The journal, oldest first.
    """
    by_example: dict[str, list[JournalEntry]] = {}
    for entry in entries:
        by_example.setdefault(entry.example_id, []).append(entry)
    return {example_id: fold_one(some) for example_id, some in by_example.items()}


def fold_one(journal: Sequence[JournalEntry]) -> Folded:
    """Return what all entries about one example, oldest first, come to."""
    reversals = _reversals(journal)
    folded = Folded()
    for entry in journal:
        if _stands(entry, reversals):
            folded = _after(folded, entry, _missed(entry, journal, reversals))
    return folded


def unseen(entry: JournalEntry, journal: Sequence[JournalEntry]) -> Conflict | None:
    """Return what a decision was made without having seen, also where it says the same.

    Args:
        entry: A decision of the journal, in effect.
        journal: All entries about its example, oldest first.
    """
    missed = _missed(entry, journal, _reversals(journal))
    before = fold_one([one for one in journal if one.seq < entry.seq])
    return _conflict(before, entry, missed) if missed else None


def replaced_by(entry: JournalEntry, journal: Sequence[JournalEntry]) -> JournalEntry | None:
    """Return the decision on the state that stood before another one, if there was one.

    Args:
        entry: A decision of the journal.
        journal: All entries about its example, oldest first.
    """
    before = effective(one for one in journal if one.seq < entry.seq)
    return next((one for one in reversed(before) if one.action in STATE_AFTER), None)


def _reversals(journal: Iterable[JournalEntry]) -> dict[int, JournalEntry]:
    """Return the last undo or redo of each decision that has one."""
    return {entry.target: entry for entry in journal if entry.action in ("undo", "redo")}


def _stands(entry: JournalEntry, reversals: Mapping[int, JournalEntry]) -> bool:
    if entry.action not in DECISIONS:
        return False
    last = reversals.get(entry.seq)
    return last is None or last.action == "redo"


def _missed(
    entry: JournalEntry, journal: Sequence[JournalEntry], reversals: Mapping[int, JournalEntry]
) -> tuple[Missed, ...]:
    """Return what of other sessions lies between what was seen and the decision, and counts.

    A decision counts where it is in effect. An undo or redo counts where it was the last word
    about a decision that had been seen: of one that had not, nothing is left to see.
    """
    if entry.seen is None:
        return ()
    start = bisect_right(journal, entry.seen, key=_seq)
    stop = bisect_left(journal, entry.seq, key=_seq)
    missed = []
    for other in journal[start:stop]:
        if other.session == entry.session:
            continue
        if other.target:
            counts = other.target <= entry.seen and reversals[other.target] is other
            decided = journal[bisect_left(journal, other.target, key=_seq)].action
        else:
            counts, decided = _stands(other, reversals), other.action
        if counts:
            changed = decided == "edit"
            missed.append(Missed(other.seq, other.action, other.session, other.at, changed))
    return tuple(missed)


def _seq(entry: JournalEntry) -> int:
    return entry.seq


def _after(before: Folded, entry: JournalEntry, missed: tuple[Missed, ...]) -> Folded:
    """Return what an example is after a decision."""
    conflict = before.conflict
    here = _conflict(before, entry, missed) if missed else None
    if here is not None and not here.agrees:
        known = conflict.missed if conflict else ()
        conflict = Conflict(
            here.seq,
            here.action,
            here.session,
            here.at,
            tuple({one.seq: one for one in (*known, *here.missed)}.values()),
            withdrawn=here.withdrawn,
        )
    elif not missed and entry.seen is not None and entry.action != "edit":
        conflict = None
    turns = entry.turns if entry.action == "edit" else before.turns
    if here is not None and here.withdrawn:
        return Folded("undecided", turns, 0.0, conflict)
    if entry.action == "edit":
        return Folded(before.state, turns, before.decided_at, conflict)
    return Folded(STATE_AFTER[entry.action], turns, entry.at, conflict)


def _conflict(before: Folded, entry: JournalEntry, missed: tuple[Missed, ...]) -> Conflict:
    """Return what a decision that missed something is to the state that it met."""
    text_changed = any(one.changed_text for one in missed)
    state_changed = not all(one.changed_text for one in missed)
    if entry.action == "edit":
        agrees = not state_changed and entry.turns == before.turns
        withdrawn = not agrees and state_changed and before.state == "approved"
    else:
        agrees = not text_changed and before.state == STATE_AFTER[entry.action]
        withdrawn = text_changed and entry.action == "approve"
    return Conflict(entry.seq, entry.action, entry.session, entry.at, missed, agrees, withdrawn)
