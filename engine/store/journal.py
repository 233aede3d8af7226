"""Writing and reading the journal of decisions.

The rows are only appended to (triggers refuse the rest), and the materialised state
of the examples is folded anew in the same transaction. The store's connection commits
with ``synchronous=FULL``: an entry that was returned is on the disk.

What belongs to one operation is written by one transaction, so that a process that is
killed leaves all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field

from engine.errors import ExampleMissing, UsageError
from engine.frozen import frozen
from engine.models import Action, Elsewhere, JournalEntry, Reverted, Turn
from engine.store.connection import Connection, Row
from engine.store.failures import replaced, translated
from engine.store.fold import DECISIONS, Folded, fold_one
from engine.store.indexing import index, unindex
from engine.store.packing import dump_turns, label, load_turns

# Written out, not bound, so that the planner sees the partial index that it fits.
IS_DECISION = "action IN ('approve', 'reject', 'skip', 'edit')"
COLUMNS = "seq, example_id, action, at, session, target, turns, operation, seen"
AT_ONCE = 400


@frozen
class Author:
    """Who writes, when, and as part of which operation; ``written`` gathers what was written."""

    session: str
    operation: str
    at: float
    written: list[JournalEntry] = field(default_factory=list)


@frozen
class NewEntry:
    """An entry that is to be written; see :class:`engine.models.JournalEntry`."""

    action: Action
    example_id: str
    turns: tuple[Turn, ...] = ()
    target: int = 0
    seen: int | None = None


def entry_of(row: Row) -> JournalEntry:
    """Return the entry that a row of :data:`COLUMNS` holds."""
    seq, example_id, action, at, session, target, turns, operation, seen = row
    return JournalEntry(
        seq=seq,
        example_id=example_id,
        action=action,
        at=at,
        session=session,
        target=target,
        turns=() if turns is None else load_turns(turns),
        operation=operation,
        seen=seen,
    )


def append(db: Connection, author: Author, entry: NewEntry) -> JournalEntry:
    """Append a decision and bring the example's state in step; durable when it returns.

    Raises:
        ExampleMissing: There is no such example.
        UsageError: It is no decision, or an edit has no turns.
    """
    if entry.action not in DECISIONS:
        raise UsageError(f"there is no action {entry.action}")
    if (entry.action == "edit") != bool(entry.turns):
        raise UsageError("an edit needs turns, and nothing else has them")
    with db.transaction():
        require(db, entry.example_id)
        return write(db, author, [entry])[0]


def require(db: Connection, example_id: str) -> None:
    """Raise ExampleMissing unless there is an example of that id."""
    if db.value("SELECT 1 FROM queue WHERE example_id = ?", [example_id]) is None:
        raise ExampleMissing(
            f"no example has the id {example_id}", hint="list them with: finetui examples list"
        )


def revert(
    db: Connection, author: Author, action: Action, *, example_id: str = "", target: int = 0
) -> Reverted | None:
    """Append an undo or a redo, whose targets are chosen in the same transaction.

    An undo takes the session's own latest operation in effect; where none is left, the
    latest of whoever. A redo takes the session's own last undo, unless the session decided
    something since; where it has none, the last undo of whoever, unless anybody decided
    something since.

    Args:
        db: The store's connection.
        author: Who undoes.
        action: "undo" or "redo".
        example_id: If given, the latest decision on this example, and not its whole operation.
        target: If given, that decision and no other.

    Returns:
        What was written; None where there is nothing to undo or redo.

    Raises:
        UsageError: The action is another one.
    """
    if action not in ("undo", "redo"):
        raise UsageError(f"{action} is neither undo nor redo")
    find = _to_undo if action == "undo" else _to_redo
    with db.transaction():
        for session in (author.session, ""):
            rows = find(db, session, example_id, target)
            if rows:
                break
        else:
            return None
        targets = [entry_of(row) for row in rows]
        new = [NewEntry(action, one.example_id, target=one.seq) for one in targets]
        written = write(db, author, new)
        foreign = any(one.session != author.session for one in targets)
        return Reverted(action, tuple(written), tuple(targets), foreign)


def _to_undo(db: Connection, session: str, example_id: str, target: int) -> list[Row]:
    standing = f"{IS_DECISION} AND seq NOT IN (SELECT seq FROM undone)"
    terms = [standing]
    parameters: list[object] = []
    for term, value in (("session", session), ("example_id", example_id), ("seq", target)):
        if value:
            terms.append(f"{term} = ?")
            parameters.append(value)
    last = db.one(
        f"SELECT {COLUMNS} FROM journal WHERE {' AND '.join(terms)} ORDER BY seq DESC LIMIT 1",
        parameters,
    )
    if last is None or example_id or target or not last[7]:
        return [] if last is None else [last]
    return db.all(
        f"SELECT {COLUMNS} FROM journal WHERE operation = ? AND operation != '' "
        f"AND {standing} ORDER BY seq",
        [last[7]],
    )


def _to_redo(db: Connection, session: str, example_id: str, target: int) -> list[Row]:
    mine = "session = ?" if session else "? = ''"
    newest = db.value(f"SELECT max(seq) FROM journal WHERE {IS_DECISION} AND {mine}", [session])
    last = db.one(
        "SELECT u.undo_seq, o.operation FROM undone AS u JOIN journal AS o ON o.seq = u.undo_seq "
        "WHERE u.undo_seq > ?1 AND (?2 = '' OR o.session = ?2) "
        "AND (?3 = '' OR o.example_id = ?3) AND (?4 = 0 OR u.seq = ?4) "
        "ORDER BY u.undo_seq DESC LIMIT 1",
        [newest or 0, session, example_id, target],
    )
    if last is None:
        return []
    undo_seq, operation = last
    columns = ", ".join(f"j.{name.strip()}" for name in COLUMNS.split(","))
    joined = f"SELECT {columns} FROM undone AS u JOIN journal AS j ON j.seq = u.seq WHERE "
    if not operation or example_id or target:
        return db.all(f"{joined} u.undo_seq = ?", [undo_seq])
    return db.all(
        f"{joined} u.undo_seq IN (SELECT seq FROM journal WHERE operation = ? "
        "AND operation != '') ORDER BY j.seq",
        [operation],
    )


def write(db: Connection, author: Author, new: Sequence[NewEntry]) -> list[JournalEntry]:
    """Write entries, in the transaction that is open, and bring their examples in step.

    Args:
        db: The store's connection.
        author: Who writes.
        new: What is written; all examples are there, and what an undo or redo names fits.

    Returns:
        The entries as they are in the journal.
    """
    last = last_journal_seq(db)
    entries = [
        JournalEntry(
            last + number,
            one.example_id,
            one.action,
            author.at,
            author.session,
            one.target,
            one.turns,
            author.operation,
            one.seen,
        )
        for number, one in enumerate(new, start=1)
    ]
    insert(db, entries)
    materialise(db, list(dict.fromkeys(entry.example_id for entry in entries)))
    author.written.extend(entries)
    return entries


def last_journal_seq(db: Connection) -> int:
    """Return the number that was given last, in a transaction that is going to write.

    Raises:
        WorkspaceReplaced: It is below one that this connection has written: an older file was
            written over the one that is open.
    """
    last = int(db.value("SELECT seq FROM sqlite_sequence WHERE name = 'journal'") or 0)
    if last < db.journal_head:
        raise replaced(db.path, "an older one was written over it")
    return last


def insert(db: Connection, entries: Sequence[JournalEntry]) -> None:
    """Insert rows under their own numbers, and note what they undo; the state is not touched."""
    if entries:
        db.journal_head = entries[-1].seq
    db.many(
        f"INSERT INTO journal ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                one.seq,
                one.example_id,
                one.action,
                one.at,
                one.session,
                one.target,
                dump_turns(one.turns) if one.turns else None,
                one.operation,
                one.seen,
            )
            for one in entries
        ),
    )
    # Of an undo, a redo and an undo again, the last counts.
    last = {one.target: one for one in entries if one.target}
    for action, sql in (
        ("undo", "INSERT OR REPLACE INTO undone (seq, undo_seq) VALUES (?, ?)"),
        ("redo", "DELETE FROM undone WHERE seq = ? AND ? > 0"),
    ):
        some = [(target, one.seq) for target, one in last.items() if one.action == action]
        db.many(sql, some)


def materialise(db: Connection, ids: Sequence[str]) -> None:
    """Write what the journal says of examples into their rows, and their text into the index."""
    for start in range(0, len(ids), AT_ONCE):
        states = []
        for example_id, entries in by_example(db, ids[start : start + AT_ONCE]):
            folded = fold_one(entries)
            states.append((example_id, folded))
            # What was never edited has its text, and reading it would cost more than the rest.
            if any(entry.action == "edit" for entry in entries):
                write_text(db, example_id, folded)
        write_state(db, states)


def write_state(db: Connection, states: Iterable[tuple[str, Folded]]) -> None:
    """Write states into the rows of the queue, in the transaction that is open."""
    db.many(
        "UPDATE queue SET state = ?, decided_at = ?, conflict = ? WHERE example_id = ?",
        (
            (folded.state, folded.decided_at, int(folded.conflict is not None), example_id)
            for example_id, folded in states
        ),
    )


def by_example(db: Connection, ids: Sequence[str]) -> Iterator[tuple[str, list[JournalEntry]]]:
    """Yield all entries of some examples, a few hundred at most, by example and oldest first."""
    marks = ", ".join("?" * len(ids))
    found: dict[str, list[JournalEntry]] = {}
    rows = db.all(f"SELECT {COLUMNS} FROM journal WHERE example_id IN ({marks}) ORDER BY seq", ids)
    with translated(db.path):
        for row in rows:
            found.setdefault(row[1], []).append(entry_of(row))
    yield from found.items()


def by_examples(db: Connection, ids: Sequence[str]) -> Iterator[tuple[str, list[JournalEntry]]]:
    """Yield what :func:`by_example` does, for any number of examples."""
    for start in range(0, len(ids), AT_ONCE):
        yield from by_example(db, ids[start : start + AT_ONCE])


def write_text(db: Connection, example_id: str, folded: Folded, *, anew: bool = False) -> None:
    """Write a text where it is another one than is stored.

    Args:
        db: The store's connection, in a transaction.
        example_id: The example.
        folded: What its journal comes to.
        anew: Whether it is written whatever is stored; the text index is then left alone,
            for what is in it may be neither text.
    """
    row = db.one(
        "SELECT q.position, q.label, e.turns, e.edited_turns, e.heading, e.title FROM queue AS q "
        "JOIN examples AS e ON e.position = q.position WHERE q.example_id = ?",
        [example_id],
    )
    if row is None:
        return
    position, shown, original, before, heading, title = row
    # An edit that gives the original back leaves nothing edited.
    text = None if folded.turns is None else dump_turns(folded.turns)
    after = None if text == original else text
    db.execute("UPDATE queue SET edited = ? WHERE position = ?", [int(after is not None), position])
    if after == before and not anew:
        return
    turns = load_turns(original if after is None else after)
    if not anew:
        unindex(db.execute, "main", "position = ?", [position])
    db.execute("UPDATE examples SET edited_turns = ? WHERE position = ?", [after, position])
    if not anew:
        index(db.execute, "main", "position = ?", [position])
    # What was labelled by its question is so by its new one, too.
    asked = not anew and shown == label("", "", load_turns(before or original))
    said = label("", "", turns) if asked else label(heading, title, turns)
    db.execute("UPDATE queue SET label = ? WHERE position = ?", [said, position])


def entries(db: Connection, limit: int | None, example_id: str) -> list[JournalEntry]:
    """Return the journal, newest first."""
    where, parameters = ("WHERE example_id = ?", [example_id]) if example_id else ("", [])
    rows = db.all(
        f"SELECT {COLUMNS} FROM journal {where} ORDER BY seq DESC LIMIT ?",
        [*parameters, -1 if limit is None else limit],
    )
    with translated(db.path):
        return [entry_of(row) for row in rows]


def of_session(db: Connection, session: str) -> list[JournalEntry]:
    """Return what a session wrote, oldest first."""
    rows = db.all(f"SELECT {COLUMNS} FROM journal WHERE session = ? ORDER BY seq", [session])
    with translated(db.path):
        return [entry_of(row) for row in rows]


def last_seq(db: Connection) -> int:
    """Return the number of the journal's last entry, 0 where it is empty."""
    return int(db.value("SELECT max(seq) FROM journal") or 0)


def elsewhere(db: Connection, session: str, after: int, most: int) -> Elsewhere:
    """Return what other sessions wrote after a number; see :meth:`Store.decided_elsewhere`."""
    last = last_seq(db)
    if last <= after:
        return Elsewhere(0, (), last)
    rows = db.all(
        "SELECT example_id, max(seq) AS newest FROM journal WHERE seq > ? AND seq <= ? "
        "AND session != ? GROUP BY example_id ORDER BY newest DESC",
        [after, last, session],
    )
    return Elsewhere(len(rows), tuple(row[0] for row in rows[:most]), last)


def decision_times(db: Connection, since: float) -> list[float]:
    """Return when examples were decided, oldest first; see :meth:`Store.decision_times`."""
    rows = db.all(
        "SELECT at FROM journal WHERE at >= ? AND action IN ('approve', 'reject', 'skip') "
        "AND seq NOT IN (SELECT seq FROM undone) ORDER BY at, seq",
        [since],
    )
    return [float(row[0]) for row in rows]
