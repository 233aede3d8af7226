"""Deciding on examples, by what the person had seen of them; each call is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from engine.models import Action, BulkDecided, Conflict, Filter, Turn
from engine.store.connection import Connection
from engine.store.filters import conditions
from engine.store.fold import STATE_AFTER, effective, unseen
from engine.store.journal import (
    AT_ONCE,
    Author,
    NewEntry,
    by_example,
    last_seq,
    require,
    write,
)
from engine.store.packing import dump_turns

T = TypeVar("T")
Pair = tuple[str, int | None]


def decide(
    db: Connection, author: Author, action: Action, example_id: str, seen: int | None
) -> Conflict | None:
    """Approve, reject or skip an example; nothing is written where it would change nothing.

    Args:
        db: The store's connection.
        author: Who decides.
        action: "approve", "reject" or "skip".
        example_id: The whole id.
        seen: The last entry about the example that the person had seen; None if not told.

    Returns:
        What the decision was made without having seen.

    Raises:
        ExampleMissing: There is no such example.
    """
    with db.transaction():
        require(db, example_id)
        if not _changes(db, author, action, [(example_id, seen)])[0]:
            return None
        write(db, author, [NewEntry(action, example_id, seen=seen)])
        return _conflicts(db, author, [example_id]).get(example_id)


def edit(
    db: Connection, author: Author, example_id: str, turns: tuple[Turn, ...], seen: int | None
) -> Conflict | None:
    """Give an example another text, unless it has it already; see :func:`decide`."""
    with db.transaction():
        require(db, example_id)
        present = db.value(
            "SELECT coalesce(e.edited_turns, e.turns) FROM queue AS q JOIN examples AS e "
            "ON e.position = q.position WHERE q.example_id = ?",
            [example_id],
        )
        missed = _missed(db, author, [(example_id, seen)])
        if present == dump_turns(turns) and not missed:
            return None
        write(db, author, [NewEntry("edit", example_id, turns, seen=seen)])
        return _conflicts(db, author, [example_id]).get(example_id)


def decide_many(
    db: Connection, author: Author, action: Action, pairs: Sequence[Pair]
) -> BulkDecided:
    """Decide many examples alike, as one operation; see :meth:`Store.decide_many`."""
    with db.transaction():
        return _decide_all(db, author, action, pairs)


def decide_filtered(db: Connection, author: Author, action: Action, which: Filter) -> BulkDecided:
    """Decide all examples of a filter, as they are; see :meth:`Store.decide_filtered`."""
    with db.transaction():
        where, parameters = conditions(which)
        ids = db.all(
            f"SELECT q.example_id FROM queue AS q WHERE {where} ORDER BY q.position", parameters
        )
        seen = last_seq(db)
        return _decide_all(db, author, action, [(row[0], seen) for row in ids])


def _decide_all(
    db: Connection, author: Author, action: Action, pairs: Sequence[Pair]
) -> BulkDecided:
    given = list(dict(pairs).items())
    present: set[str] = set()
    changed: list[Pair] = []
    unseen_by: list[str] = []
    for some in _portions(given):
        present.update(_states(db, [example_id for example_id, _ in some]))
        new, missed = _changes(db, author, action, some)
        changed += new
        unseen_by += [example_id for example_id, _ in new if example_id in missed]
    if changed:
        write(db, author, [NewEntry(action, one, seen=seen) for one, seen in changed])
    conflicts: dict[str, Conflict] = {}
    for ids in _portions(unseen_by):
        conflicts |= _conflicts(db, author, ids)
    return BulkDecided(
        author.operation if changed else "",
        tuple(example_id for example_id, _ in changed),
        unchanged=len(present) - len(changed),
        gone=tuple(example_id for example_id, _ in given if example_id not in present),
        conflicts=tuple(conflicts.items()),
    )


def _portions(rows: Sequence[T]) -> Iterable[Sequence[T]]:
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))


def _states(db: Connection, ids: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Return state and conflict of those examples that are there."""
    rows = db.all(
        "SELECT example_id, state, conflict FROM queue "
        f"WHERE example_id IN ({', '.join('?' * len(ids))})",
        ids,
    )
    return {example_id: (state, conflict) for example_id, state, conflict in rows}


def _changes(
    db: Connection, author: Author, action: Action, pairs: Sequence[Pair]
) -> tuple[list[Pair], set[str]]:
    """Return those for which the decision says something new, and those that missed something.

    A decision that missed something is written also where it says the same.
    """
    states = _states(db, [example_id for example_id, _ in pairs])
    missed = _missed(db, author, pairs)
    new = [
        (one, seen)
        for one, seen in pairs
        if one in states and (states[one] != (STATE_AFTER[action], 0) or one in missed)
    ]
    return new, missed


def _missed(db: Connection, author: Author, pairs: Sequence[Pair]) -> set[str]:
    """Return the examples about which other sessions wrote after what was seen."""
    told = {example_id: seen for example_id, seen in pairs if seen is not None}
    if not told:
        return set()
    rows = db.all(
        "SELECT example_id, max(seq) FROM journal WHERE session != ? AND example_id IN "
        f"({', '.join('?' * len(told))}) GROUP BY example_id",
        [author.session, *told],
    )
    return {example_id for example_id, newest in rows if newest > told[example_id]}


def _conflicts(db: Connection, author: Author, ids: Sequence[str]) -> dict[str, Conflict]:
    """Return what the operation's decisions were made without having seen."""
    found = {}
    for example_id, entries in by_example(db, ids):
        mine = [one for one in effective(entries) if one.operation == author.operation]
        conflict = unseen(mine[-1], entries) if mine else None
        if conflict is not None:
            found[example_id] = conflict
    return found
