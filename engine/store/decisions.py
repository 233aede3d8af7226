"""The part of a store that holds decisions: the journal, and what follows from it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from engine.errors import UsageError
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

_OPERATION: ContextVar[str] = ContextVar("operation", default="")
_COUNTER = itertools.count(1)
_PROCESS: dict[int, str] = {}

ELSEWHERE_IDS = 400


def _next_operation() -> str:
    """Return an id that no other operation has: one of the process, and a counter."""
    pid = os.getpid()
    if pid not in _PROCESS:  # a fork goes on counting, under another name
        _PROCESS[pid] = os.urandom(8).hex()
    return f"{_PROCESS[pid]}.{next(_COUNTER)}"


class JournalStore:
    """A workspace's decisions; mixed into the store.

    What one key or verb does is one operation, which is undone in one step: each call here
    is one, and so is all that happens within :meth:`operation`.
    """

    _db: Connection
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

    def _author(self, at: float) -> Author:
        return Author(self.session, _OPERATION.get() or _next_operation(), at)

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
            return journal_rows.append(self._db, self._author(at), new)
        reverted = journal_rows.revert(
            self._db, self._author(at), action, example_id=example_id, target=target
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
        return deciding.decide(self._db, self._author(at), action, example_id, seen)

    def edit(
        self, example_id: str, turns: Sequence[Turn], *, seen: int | None = None, at: float
    ) -> Conflict | None:
        """Give an example another text, unless it has it already; see :meth:`decide`."""
        return deciding.edit(self._db, self._author(at), example_id, tuple(turns), seen)

    def decide_many(
        self, action: Action, pairs: Sequence[tuple[str, int | None]], *, at: float
    ) -> BulkDecided:
        """Decide many examples alike: one operation, one transaction.

        Args:
            action: "approve", "reject" or "skip".
            pairs: Whole ids, each with what was seen of it as in :meth:`decide`.
            at: When, in seconds since the epoch.
        """
        return deciding.decide_many(self._db, self._author(at), action, pairs)

    def decide_filtered(self, action: Action, which: Filter, *, at: float) -> BulkDecided:
        """Decide all examples of a filter as they are in that very moment: one operation."""
        return deciding.decide_filtered(self._db, self._author(at), action, which)

    def undo(self, *, at: float, example_id: str = "") -> Reverted | None:
        """Undo the session's latest operation; where none is left, the latest of whoever.

        Args:
            at: When, in seconds since the epoch.
            example_id: If given, the latest decision on this example, and no other.

        Returns:
            What was undone, or None where there is nothing to undo.
        """
        return journal_rows.revert(self._db, self._author(at), "undo", example_id=example_id)

    def redo(self, *, at: float) -> Reverted | None:
        """Do again what the session undid last, unless it decided something since.

        Where it has undone nothing, that which was undone last by whoever, unless anybody
        decided something since.

        Returns:
            What was done again, or None where there is nothing to redo.
        """
        return journal_rows.revert(self._db, self._author(at), "redo")

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
        return int(self._db.value("PRAGMA data_version"))

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
