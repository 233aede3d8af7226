"""The part of a store that holds decisions: the journal, and what follows from it."""

from __future__ import annotations

import itertools
import math
import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from sqlite3 import DatabaseError
from typing import TYPE_CHECKING

from engine.errors import FinetuiError, UsageError, WorkspaceReplaced
from engine.frozen import frozen
from engine.models import (
    Action,
    BulkDecided,
    Conflict,
    Elsewhere,
    Filter,
    JournalEntry,
    Reverted,
    Turn,
)
from engine.store import deciding
from engine.store import journal as journal_rows
from engine.store.connection import Connection
from engine.store.journal import Author, NewEntry

if TYPE_CHECKING:
    from engine.store.rescue import TakenOver
    from engine.store.verify import Verified

_OPERATION: ContextVar[str] = ContextVar("operation", default="")
_COUNTER = itertools.count(1)
_PROCESS: dict[int, str] = {}

ELSEWHERE_IDS = 400
KEPT_AT_MOST = 10_000


def _next_operation() -> str:
    """Return an id that no other operation has: one of the process, and a counter."""
    pid = os.getpid()
    if pid not in _PROCESS:  # a fork goes on counting, under another name
        _PROCESS[pid] = os.urandom(8).hex()
    return f"{_PROCESS[pid]}.{next(_COUNTER)}"


@frozen
class Rescued:
    """What was saved of a store whose database is not in its place any more.

    ``decisions`` is the file of this session's decisions, and ``count`` how many it holds;
    ``database`` is a copy of the whole database, None where it can't be read any more.
    """

    decisions: Path
    count: int
    database: Path | None


def _refused(author: Author, new: NewEntry) -> JournalEntry:
    return JournalEntry(
        0,
        new.example_id,
        new.action,
        author.at,
        author.session,
        turns=new.turns,
        operation=author.operation,
        seen=new.seen,
    )


class JournalStore:
    """A workspace's decisions; mixed into the store.

    What one key or verb does is one operation, which is undone in one step: each call here
    is one, and so is all that happens within :meth:`operation`.
    """

    _db: Connection
    _kept: deque[JournalEntry]
    session: str

    @contextmanager
    def operation(self) -> Iterator[str]:
        """Make one operation of all decisions that this thread makes within; give its id."""
        identity = _OPERATION.get() or _next_operation()
        token = _OPERATION.set(identity)
        try:
            yield identity
        finally:
            _OPERATION.reset(token)

    @contextmanager
    def _author(self, at: float, *refused: NewEntry) -> Iterator[Author]:
        """Give who writes, and remember what was written, or refused by a replaced database."""
        author = Author(self.session, _OPERATION.get() or _next_operation(), at)
        try:
            yield author
        except WorkspaceReplaced:
            self._kept.extend(author.written or [_refused(author, one) for one in refused])
            raise
        self._kept.extend(author.written)

    def append(
        self,
        action: Action,
        example_id: str,
        *,
        turns: Sequence[Turn] = (),
        target: int = 0,
        seen: int | None = None,
        at: float,
    ) -> JournalEntry:
        """Append an entry; when this returns, it is on the disk and in the queue.

        Args:
            action: What is done.
            example_id: The example's whole id; for an undo or redo, empty means any.
            turns: The text after an edit; empty otherwise.
            target: The decision that an undo or redo is about; 0 takes the latest that fits.
            seen: The last entry about the example that the person had seen; None if not told.
            at: When, in seconds since the epoch.

        Raises:
            ExampleMissing: There is no such example.
            UsageError: The entry would mean nothing: an edit without turns, an undo or
                redo where there is nothing to undo or redo.
        """
        if action not in ("undo", "redo"):
            new = NewEntry(action, example_id, tuple(turns), seen=seen)
            with self._author(at, new) as author:
                return journal_rows.append(self._db, author, new)
        with self._author(at) as author:
            reverted = journal_rows.revert(
                self._db, author, action, example_id=example_id, target=target
            )
        if reverted is None:
            raise UsageError(f"there is nothing to {action}")
        return reverted.entries[-1]

    def decide(
        self, action: Action, example_id: str, *, seen: int | None = None, at: float
    ) -> Conflict | None:
        """Approve, reject or skip an example; nothing is written where nothing would change.

        Args:
            action: "approve", "reject" or "skip".
            example_id: The example's whole id.
            seen: ``Card.seen`` of the card that the person decided on; None if not told.
            at: When, in seconds since the epoch.

        Returns:
            What other sessions did that the person had not seen; both stay in the journal.

        Raises:
            ExampleMissing: There is no such example.
        """
        with self._author(at, NewEntry(action, example_id, seen=seen)) as author:
            return deciding.decide(self._db, author, action, example_id, seen)

    def edit(
        self, example_id: str, turns: Sequence[Turn], *, seen: int | None = None, at: float
    ) -> Conflict | None:
        """Give an example another text, unless it has it already; see :meth:`decide`."""
        new = NewEntry("edit", example_id, tuple(turns), seen=seen)
        with self._author(at, new) as author:
            return deciding.edit(self._db, author, example_id, tuple(turns), seen)

    def decide_many(
        self, action: Action, pairs: Sequence[tuple[str, int | None]], *, at: float
    ) -> BulkDecided:
        """Decide many examples alike: one operation, one transaction.

        Args:
            action: "approve", "reject" or "skip".
            pairs: Whole ids, each with what was seen of it as in :meth:`decide`.
            at: When, in seconds since the epoch.
        """
        new = [NewEntry(action, example_id, seen=seen) for example_id, seen in pairs]
        with self._author(at, *new) as author:
            return deciding.decide_many(self._db, author, action, pairs)

    def decide_filtered(self, action: Action, which: Filter, *, at: float) -> BulkDecided:
        """Decide all examples of a filter as they are in that very moment: one operation."""
        with self._author(at) as author:
            return deciding.decide_filtered(self._db, author, action, which)

    def undo(self, *, at: float, example_id: str = "") -> Reverted | None:
        """Undo the session's latest operation; where none is left, the latest of whoever.

        Args:
            at: When, in seconds since the epoch.
            example_id: If given, the latest decision on this example, and no other.

        Returns:
            What was undone, or None where there is nothing to undo.
        """
        with self._author(at) as author:
            return journal_rows.revert(self._db, author, "undo", example_id=example_id)

    def redo(self, *, at: float) -> Reverted | None:
        """Do again what the session undid last, unless it decided something since.

        Where it has undone nothing, that which was undone last by whoever, unless anybody
        decided something since.

        Returns:
            What was done again, or None where there is nothing to redo.
        """
        with self._author(at) as author:
            return journal_rows.revert(self._db, author, "redo")

    def journal(self, limit: int | None = None, example_id: str = "") -> list[JournalEntry]:
        """Return the journal's entries, newest first."""
        return journal_rows.entries(self._db, limit, example_id)

    def last_seq(self) -> int:
        """Return the number of the journal's last entry, 0 where it is empty."""
        return journal_rows.last_seq(self._db)

    def data_version(self) -> int:
        """Return a number that changes when another connection changed the database.

        What this store writes does not change it. Costs no more than a look at shared memory.
        """
        return self._db.data_version()

    def look(self) -> None:
        """Raise if the database was removed or replaced since it was opened.

        Raises:
            WorkspaceReplaced: It was.
        """
        self._db.look()

    def decided_elsewhere(self, after: int) -> Elsewhere:
        """Return what other sessions wrote into the journal after a number.

        Args:
            after: ``Elsewhere.last`` of the previous call, or :meth:`last_seq` of before.
        """
        return journal_rows.elsewhere(self._db, self.session, after, ELSEWHERE_IDS)

    def decision_times(self, since: float) -> list[float]:
        """Return when examples were approved, rejected or skipped since a time, oldest first.

        Decisions that were undone don't count.
        """
        return journal_rows.decision_times(self._db, since)

    def unsaved(self) -> int:
        """Return how many decisions of this session :meth:`rescue` would save."""
        return len(self._own())

    def rescue(self, path: Path, *, whole: bool = True) -> Rescued:
        """Save this session's decisions outside of the workspace, and the database if it can be.

        It is for a database that was removed or replaced while it was open: what was decided
        since is in a file that no path names, and the last decision was refused. Any thread
        may call it; copying takes as long as the database is large.

        Args:
            path: Where the decisions go, a file that ``finetui journal import`` takes; the copy
                of the database gets its name and ``.db``.
            whole: Whether the database is copied.

        Raises:
            DiskFull: There is no room.
        """
        from engine.store import rescue

        own = self._own()
        decisions = list(rescue.saved(own, self._histories(own)))
        path.parent.mkdir(parents=True, exist_ok=True)
        rescue.write_file(path, decisions)
        copy = path.with_suffix(".db")
        if whole:
            try:
                self._db.copy_to(copy)
            except (FinetuiError, DatabaseError):
                copy.unlink(missing_ok=True)
        return Rescued(path, len(decisions), copy if copy.exists() else None)

    def _own(self) -> list[JournalEntry]:
        """Return this session's entries, out of the database where it can still be read."""
        try:
            stored = journal_rows.of_session(self._db, self.session)
        except (FinetuiError, DatabaseError):
            stored = []
        numbers = {entry.seq for entry in stored}
        rest = [entry for entry in self._kept if entry.seq not in numbers]
        return sorted([*stored, *rest], key=lambda one: one.seq or math.inf)

    def _histories(self, own: Sequence[JournalEntry]) -> dict[str, list[JournalEntry]]:
        """Return all entries about the examples of some, out of what can still be read."""
        found: dict[str, dict[int, JournalEntry]] = {}
        for entry in own:
            some = found.setdefault(entry.example_id, {})
            if entry.seq:  # a refused one has no number, and nobody has seen it
                some[entry.seq] = entry
        try:
            for example_id, entries in journal_rows.by_examples(self._db, list(found)):
                found[example_id] |= {entry.seq: entry for entry in entries}
        except (FinetuiError, DatabaseError):
            pass
        return {one: [some[seq] for seq in sorted(some)] for one, some in found.items()}

    def take_over_decisions(self, path: Path) -> TakenOver:
        """Take decisions over that :meth:`rescue` saved, or all that another database has.

        Those that are here already are left out, so that it can be done again.

        Args:
            path: A file of decisions, or another workspace's database or a copy of this one's.

        Raises:
            JournalInvalid: It is neither.
        """
        from engine.store import rescue

        return rescue.take_over(self._db, rescue.read(path))

    def verify(self, *, repair: bool = False) -> Verified:
        """Compare what is stored of examples with what the journal says.

        Args:
            repair: Whether what differs is written anew from the journal, in one transaction.
        """
        from engine.store import verify

        return verify.repair(self._db) if repair else verify.verify(self._db)
