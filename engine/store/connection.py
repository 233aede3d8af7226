"""One connection to a workspace's database, shared by threads, with named errors."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import (
    FinetuiError,
    WorkspaceReplaced,
)
from engine.frozen import frozen
from engine.store.failures import replaced, translated
from engine.store.packing import asked_row, beside, pack, search_row, unpack
from engine.store.place import Place

Row = tuple[Any, ...]
T = TypeVar("T")

BUSY_SECONDS = 30.0


def _unpack_row(_: sqlite3.Cursor, row: Row) -> Row:
    return tuple(map(unpack, row))


def raw_connection(path: str, busy_seconds: float, *, uri: bool = False) -> sqlite3.Connection:
    """Return a connection in autocommit mode whose rows are unpacked tuples.

    Args:
        path: The file; empty for a private temporary database.
        busy_seconds: How long a statement waits for another writer.
        uri: Whether the path is a ``file:`` address with SQLite's parameters.
    """
    # Threads are kept apart by the lock of Connection, which sqlite3 can't know of.
    raw = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=busy_seconds, uri=uri
    )
    raw.row_factory = _unpack_row
    # What a file's own definitions call is what harms nothing.
    raw.execute("PRAGMA trusted_schema = OFF")
    raw.create_function("search_row", 3, search_row, deterministic=True)
    raw.create_function("asked_row", 1, asked_row, deterministic=True)
    raw.create_function("beside", 4, beside, deterministic=True)
    return raw


def bound(parameters: Sequence[Any]) -> Row:
    """Return a statement's parameters with their text packed."""
    return tuple(map(pack, parameters))


def _quiet(_: float) -> None:
    """Tell nobody of a wait."""


@frozen
class Patience:
    """How a thread waits for another process.

    Attributes:
        seconds: For how long.
        told: Called between two tries with the seconds waited so far. What it raises ends the
            wait; nothing was changed then. Once something was written it is no longer called.
    """

    seconds: float = BUSY_SECONDS
    told: Callable[[float], None] = _quiet


LONGEST_PAUSE = 0.02
"""Seconds between two tries, at most; the first ones follow faster."""


class Connection:
    """The long-lived connection of a store.

    Any thread may use it; a lock admits one at a time. Outside of
    :meth:`transaction` each statement is its own. A write looks before and after whether the
    path still names the open file, so that nothing counts as stored that is elsewhere.

    Waiting for another process happens here and not in SQLite, which would keep the lock
    meanwhile: a thread that waits to write keeps no other thread from reading.

    Args:
        path: The file.
        raw: The connection.
        busy_seconds: How long a statement waits for another process, in threads that
            :meth:`patience` says nothing else of.
        place: Watches whether the path names the open file; None where nothing is written.
        read_only: The error that a write gets; None where writing is possible.
        fresh: Gives another connection where the file changed and this one can't see it.
    """

    def __init__(
        self,
        path: Path,
        raw: sqlite3.Connection,
        busy_seconds: float,
        *,
        place: Place | None = None,
        read_only: FinetuiError | None = None,
        fresh: Callable[[], sqlite3.Connection | None] | None = None,
    ) -> None:
        self.path = path
        self.place = place
        self.read_only = read_only
        self.journal_head = 0
        self._raw = raw
        self._fresh = fresh
        self._lock = threading.RLock()
        self._lost = ""
        self._opened = 1
        self._usual = Patience(busy_seconds)
        self._here = threading.local()
        raw.execute("PRAGMA busy_timeout = 0")

    @contextmanager
    def long_read(self) -> Iterator[Connection]:
        """Give a second connection for a read that takes long: others need not wait for it.

        Where none can be opened, such as to a copy, this one is given.
        """
        raw = None
        if not self.read_only:
            address = f"{self.path.resolve().as_uri()}?mode=ro"
            with contextlib.suppress(sqlite3.Error, OSError):
                raw = raw_connection(address, self._usual.seconds, uri=True)
        if raw is None:
            yield self
            return
        try:
            yield Connection(self.path, raw, self._usual.seconds)
        finally:
            raw.close()

    @contextmanager
    def patience(self, patience: Patience) -> Iterator[None]:
        """Wait otherwise than usual in this thread while a block runs."""
        before = getattr(self._here, "patience", None)
        self._here.patience, self._here.wrote = patience, False
        try:
            yield
        finally:
            self._here.patience = before

    def wait_at_most(self, seconds: float) -> None:
        """Wait no longer than this in the calling thread from now on."""
        self._here.patience = Patience(seconds)

    def _patiently(self, run: Callable[[], T], *, keep: bool = False) -> T:
        """Call ``run`` under the lock, again until no other process is in its way.

        Args:
            run: One statement.
            keep: Whether the lock is kept when it succeeds.
        """
        patience: Patience = getattr(self._here, "patience", None) or self._usual
        since, pause = time.monotonic(), 0.001
        while True:
            self._lock.acquire()
            kept = False
            try:
                result = run()
                kept = keep
                return result
            except sqlite3.OperationalError as error:
                waited = time.monotonic() - since
                busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or waited >= patience.seconds:
                    raise
            finally:
                if not kept:
                    self._lock.release()
            if not getattr(self._here, "wrote", False):
                patience.told(waited)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return every row of a query."""
        with translated(self.path):
            return self._patiently(
                lambda: self._reader().execute(sql, bound(parameters)).fetchall()
            )

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """Return the first row of a query, if there is one."""
        with translated(self.path):
            row: Row | None = self._patiently(
                lambda: self._reader().execute(sql, bound(parameters)).fetchone()
            )
            return row

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the first value of a query, or None where it has no row."""
        row = self.one(sql, parameters)
        return None if row is None else row[0]

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement that writes; its cursor has ``lastrowid`` and ``rowcount``.

        Raises:
            WorkspaceReplaced: The database is not in its place any more.
            WorkspaceReadOnly: It can only be looked at.
        """

        def run() -> sqlite3.Cursor:
            if self._raw.in_transaction:
                return self._raw.execute(sql, bound(parameters))
            with self._in_place():
                return self._raw.execute(sql, bound(parameters))

        with translated(self.path):
            return self._patiently(run)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of parameters, in the transaction that is open."""
        with self._lock, translated(self.path):
            self._raw.executemany(sql, map(bound, rows))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock and a write transaction; roll back if the body raises.

        The write lock is taken at the beginning, so that what the body reads is still
        so when it writes.

        Raises:
            WorkspaceReplaced: The database is not in its place any more.
            WorkspaceReadOnly: It can only be looked at.
        """
        with translated(self.path):
            self._patiently(self._begin, keep=True)
            head = self.journal_head
            try:
                # Where there is no WAL, a commit still waits for those that read.
                self._raw.execute(f"PRAGMA busy_timeout = {int(self._usual.seconds * 1000)}")
                with self._in_place():
                    yield
                    self._raw.execute("COMMIT")
                self._here.wrote = True
            except BaseException:
                self.journal_head = head
                if self._raw.in_transaction:
                    self._raw.execute("ROLLBACK")
                raise
            finally:
                self._raw.execute("PRAGMA busy_timeout = 0")
                self._lock.release()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold the lock and read as of one moment, whatever other processes write."""
        with translated(self.path), self._lock:
            self._reader().execute("BEGIN")
            try:
                yield
            finally:
                self._raw.execute("ROLLBACK")

    def _begin(self) -> None:
        with self._in_place():
            self._raw.execute("BEGIN IMMEDIATE")

    def look(self) -> None:
        """Raise if the database is not in its place any more, without writing.

        Raises:
            WorkspaceReplaced: It is not.
        """
        if self.read_only is None:
            with self._lock:
                self.require_in_place()

    def require_in_place(self) -> None:
        """Raise unless the database can be written, and the path names it.

        Raises:
            WorkspaceReplaced: The database is not in its place any more.
            WorkspaceReadOnly: It can only be looked at; DiskFull, if that is the reason.
        """
        if self.read_only is not None:
            raise self.read_only
        if self.place is None:
            return
        if not self._lost and (why := self.place.lost()):
            self._lost = why
            self.place.keep_open(self._raw)
        if self._lost:
            raise replaced(self.path, self._lost)

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        """Look whether the database is in its place, before and after the body writes."""
        self.require_in_place()
        try:
            yield
            self.require_in_place()
        except sqlite3.DatabaseError:
            self.require_in_place()  # what went wrong may come from that
            raise
        except WorkspaceReplaced:
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")
            raise

    def _reader(self) -> sqlite3.Connection:
        if self._raw.in_transaction:
            return self._raw
        if self._fresh is not None and (fresh := self._fresh()) is not None:
            self._raw.close()
            self._raw = fresh
            self._opened += 1
        return self._raw

    def data_version(self) -> int:
        """Return a number that changes when another connection changed the database."""
        if self._fresh is None:
            return int(self.value("PRAGMA data_version"))
        with self._lock:  # SQLite can't tell, where it takes no locks
            self._reader()
            return self._opened

    def copy_to(self, target: Path) -> None:
        """Copy the open database, wherever it is, into a new file."""
        with self._lock, translated(target), contextlib.closing(sqlite3.connect(target)) as copy:
            self._raw.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            # One whose database is elsewhere would remove the log of what is in its place.
            with contextlib.suppress(FinetuiError):
                self.require_in_place()
            if not self._lost:
                self._raw.close()
                if self.place is not None:
                    self.place.tidy()
