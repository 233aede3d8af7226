"""Writing and reading the journal of decisions.

The rows are only appended to (triggers refuse the rest), and the materialised state
of the example is folded anew in the same transaction. The store's connection commits
with ``synchronous=FULL``: an entry that was returned is on the disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from engine.errors import ExampleMissing, UsageError
from engine.models import Action, JournalEntry, Turn
from engine.store.connection import Connection, Row, translated
from engine.store.fold import Folded, fold
from engine.store.packing import dump_turns, label, load_turns, search_text

# Written out, not bound, so that the planner sees the partial index that it fits.
_IS_DECISION = "action IN ('approve', 'reject', 'skip', 'edit')"
_COLUMNS = "seq, example_id, action, at, session, target, turns"


def _entry(row: Row) -> JournalEntry:
    seq, example_id, action, at, session, target, turns = row
    return JournalEntry(
        seq=seq,
        example_id=example_id,
        action=action,
        at=at,
        session=session,
        target=target,
        turns=() if turns is None else load_turns(turns),
    )


def append(
    db: Connection,
    session: str,
    action: Action,
    example_id: str,
    *,
    turns: Sequence[Turn] = (),
    target: int = 0,
    at: float,
) -> JournalEntry:
    """Append an entry and bring the example's state in step; durable when it returns.

    Args:
        db: The store's connection.
        session: The opening that decides.
        action: What is done.
        example_id: The whole id; for an undo or redo with a target it may be empty.
        turns: The text after an edit.
        target: The decision that an undo or redo is about; 0 takes the latest that fits.
        at: The time, in seconds since the epoch.

    Raises:
        ExampleMissing: There is no such example.
        UsageError: There is nothing to undo or redo, the target is not a decision that
            can be, or an edit has no turns.
    """
    if action not in get_args(Action):
        raise UsageError(f"there is no action {action}")
    if action not in ("undo", "redo"):
        if (action == "edit") != bool(turns):
            raise UsageError("an edit needs turns, and nothing else has them")
        with db.transaction():
            return _write(db, session, action, example_id, turns=turns, target=0, at=at)
    entry = revert(db, session, action, at=at, example_id=example_id, target=target)
    if entry is None:
        raise UsageError(f"there is nothing to {action}")
    return entry


def revert(
    db: Connection,
    session: str,
    action: Action,
    *,
    at: float,
    example_id: str = "",
    target: int = 0,
) -> JournalEntry | None:
    """Append an undo or a redo, whose target is chosen in the same transaction.

    An undo takes the latest decision in effect, of whatever session. A redo takes the
    decision that was undone last, unless a decision was made after that undo.

    Args:
        db: The store's connection.
        session: The opening that decides.
        action: "undo" or "redo".
        at: The time, in seconds since the epoch.
        example_id: If given, only this example's decisions count.
        target: If given, that decision and no other.

    Returns:
        The entry; None where there is nothing to undo or redo.
    """
    find = _latest_effective if action == "undo" else _latest_undone
    with db.transaction():
        found = find(db, example_id, target)
        if found is None:
            return None
        seq, about = found
        return _write(db, session, action, about, turns=(), target=seq, at=at)


def _latest_effective(db: Connection, example_id: str, target: int) -> Row | None:
    return db.one(
        f"SELECT seq, example_id FROM journal WHERE {_IS_DECISION} "
        "AND seq NOT IN (SELECT seq FROM undone) "
        "AND (?1 = '' OR example_id = ?1) AND (?2 = 0 OR seq = ?2) ORDER BY seq DESC LIMIT 1",
        [example_id, target],
    )


def _latest_undone(db: Connection, example_id: str, target: int) -> Row | None:
    newest = db.value(f"SELECT max(seq) FROM journal WHERE {_IS_DECISION}")
    return db.one(
        "SELECT u.seq, j.example_id FROM undone AS u JOIN journal AS j ON j.seq = u.seq "
        "WHERE u.undo_seq > ?3 AND (?1 = '' OR j.example_id = ?1) AND (?2 = 0 OR u.seq = ?2) "
        "ORDER BY u.undo_seq DESC LIMIT 1",
        [example_id, target, newest or 0],
    )


def _write(
    db: Connection,
    session: str,
    action: Action,
    example_id: str,
    *,
    turns: Sequence[Turn],
    target: int,
    at: float,
) -> JournalEntry:
    position = db.value("SELECT position FROM queue WHERE example_id = ?", [example_id])
    if position is None:
        raise ExampleMissing(
            f"no example has the id {example_id}", hint="list them with: finetui examples list"
        )
    cursor = db.execute(
        "INSERT INTO journal (example_id, action, at, session, target, turns) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [example_id, action, at, session, target, dump_turns(turns) if turns else None],
    )
    seq = cursor.lastrowid
    assert seq is not None
    if action == "undo":
        db.execute("INSERT INTO undone (seq, undo_seq) VALUES (?, ?)", [target, seq])
    elif action == "redo":
        db.execute("DELETE FROM undone WHERE seq = ?", [target])
    _materialise(db, int(position), example_id)
    return JournalEntry(seq, example_id, action, at, session, target, tuple(turns))


def _materialise(db: Connection, position: int, example_id: str) -> None:
    """Write what the journal says of an example into its row, and its text into the index."""
    rows = db.all(f"SELECT {_COLUMNS} FROM journal WHERE example_id = ? ORDER BY seq", [example_id])
    folded = fold(map(_entry, rows)).get(example_id, Folded())
    row = db.one(
        "SELECT turns, edited_turns, heading, title FROM examples WHERE position = ?", [position]
    )
    assert row is not None
    original, before, heading, title = row
    # An edit that gives the original back leaves nothing edited.
    text = None if folded.turns is None else dump_turns(folded.turns)
    after = None if text == original else text
    db.execute(
        "UPDATE queue SET state = ?, decided_at = ?, edited = ? WHERE position = ?",
        [folded.state, folded.decided_at, int(after is not None), position],
    )
    if after == before:
        return
    turns = load_turns(original if after is None else after)
    db.execute("UPDATE examples SET edited_turns = ? WHERE position = ?", [after, position])
    db.execute(
        "UPDATE queue SET label = ? WHERE position = ?", [label(heading, title, turns), position]
    )
    db.execute(
        "UPDATE search SET body = ? WHERE rowid = ?",
        [search_text(*(turn.content for turn in turns)), position],
    )


def entries(db: Connection, limit: int | None, example_id: str) -> list[JournalEntry]:
    """Return the journal, newest first."""
    where, parameters = ("WHERE example_id = ?", [example_id]) if example_id else ("", [])
    rows = db.all(
        f"SELECT {_COLUMNS} FROM journal {where} ORDER BY seq DESC LIMIT ?",
        [*parameters, -1 if limit is None else limit],
    )
    with translated(db.path):
        return [_entry(row) for row in rows]


def decision_times(db: Connection, since: float) -> list[float]:
    """Return when examples were decided, oldest first; see :meth:`Store.decision_times`."""
    rows = db.all(
        "SELECT at FROM journal WHERE at >= ? AND action IN ('approve', 'reject', 'skip') "
        "AND seq NOT IN (SELECT seq FROM undone) ORDER BY at, seq",
        [since],
    )
    return [float(row[0]) for row in rows]
