"""One connection to a workspace's database, shared by threads, with named errors."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import DiskFull, WorkspaceDamaged, WorkspaceError, WorkspaceLocked
from engine.paths import shorten
from engine.store.packing import beside, pack, search_row, unpack

Row = tuple[Any, ...]
T = TypeVar("T")

BUSY_SECONDS = 30.0
ENOUGH_FREE = 1_000_000  # bytes


def _unpack_row(_: sqlite3.Cursor, row: Row) -> Row:
    return tuple(map(unpack, row))


def raw_connection(path: str, busy_seconds: float) -> sqlite3.Connection:
    """Return a connection in autocommit mode whose rows are unpacked tuples.

    Args:
        path: The file; empty for a private temporary database.
        busy_seconds: How long a statement waits for another writer.
    """
    # Threads are kept apart by the lock of Connection, which sqlite3 can't know of.
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=busy_seconds)
    raw.row_factory = _unpack_row
    raw.create_function("search_row", 3, search_row, deterministic=True)
    raw.create_function("beside", 4, beside, deterministic=True)
    return raw


def bound(parameters: Sequence[Any]) -> Row:
    """Return a statement's parameters with their text packed."""
    return tuple(map(pack, parameters))


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the file at ``path`` into named ones.

    Raises:
        DiskFull: The disk has no room.
        WorkspaceLocked: Another process wrote for longer than the waiting time.
        WorkspaceDamaged: The file is not a database, or its pages are broken.
        WorkspaceError: The file can't be opened or written.
    """
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.DatabaseError as error:
        named = _named(error, path)
        if named is None:
            raise
        raise named from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise damaged(path, f"a stored text can't be read ({error})") from error


def _named(error: sqlite3.DatabaseError, path: Path) -> WorkspaceError | DiskFull | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    place = shorten(path)
    # Some of SQLite's files report a full disk as an error of input and output.
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _disk_is_full(path)):
        return DiskFull(
            f"no room on the disk to write {place}",
            hint="free some space and try again; what was stored before is safe",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return WorkspaceLocked(
            f"another process is writing to {place}",
            hint="wait for it to finish, or end it, and try again; nothing was changed",
        )
    undecodable = "Could not decode" in str(error)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or undecodable:
        return damaged(path, str(error))
    if code in (
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_IOERR,
    ):
        return WorkspaceError(
            f"{place} can't be used: {error}",
            hint="check that you may read and write the file and its folder",
        )
    return None


def _disk_is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < ENOUGH_FREE
    except OSError:
        return False


def damaged(path: Path, why: str) -> WorkspaceDamaged:
    """Return the error for a file that is no sound database of finetui."""
    return WorkspaceDamaged(
        f"{shorten(path)} is not a sound finetui database: {why}",
        hint="move it away and scan your sources again, or put a backup "
        f"({path.name}.v*.bak, if there is one) in its place",
    )


def _quiet(_: float) -> None:
    """Tell nobody of a wait."""


@dataclass(frozen=True, slots=True)
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
    :meth:`transaction` each statement is its own.

    Waiting for another process happens here and not in SQLite, which would keep the lock
    meanwhile: a thread that waits to write keeps no other thread from reading.

    Args:
        path: The file.
        raw: The connection.
        busy_seconds: How long a statement waits for another process, in threads that
            :meth:`patience` says nothing else of.
    """

    def __init__(self, path: Path, raw: sqlite3.Connection, busy_seconds: float) -> None:
        self.path = path
        self._raw = raw
        self._lock = threading.RLock()
        self._usual = Patience(busy_seconds)
        self._here = threading.local()
        raw.execute("PRAGMA busy_timeout = 0")

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
            return self._patiently(lambda: self._raw.execute(sql, bound(parameters)).fetchall())

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """Return the first row of a query, if there is one."""
        with translated(self.path):
            row: Row | None = self._patiently(
                lambda: self._raw.execute(sql, bound(parameters)).fetchone()
            )
            return row

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the first value of a query, or None where it has no row."""
        row = self.one(sql, parameters)
        return None if row is None else row[0]

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement and return its cursor, for ``lastrowid`` and ``rowcount``."""
        with translated(self.path):
            return self._patiently(lambda: self._raw.execute(sql, bound(parameters)))

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of parameters, in the transaction that is open."""
        with self._lock, translated(self.path):
            self._raw.executemany(sql, map(bound, rows))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock and a write transaction; roll back if the body raises.

        The write lock is taken at the beginning, so that what the body reads is still
        so when it writes.
        """
        with translated(self.path):
            self._patiently(lambda: self._raw.execute("BEGIN IMMEDIATE"), keep=True)
            try:
                # Where there is no WAL, a commit still waits for those that read.
                self._raw.execute(f"PRAGMA busy_timeout = {int(self._usual.seconds * 1000)}")
                yield
                self._raw.execute("COMMIT")
                self._here.wrote = True
            except BaseException:
                if self._raw.in_transaction:
                    self._raw.execute("ROLLBACK")
                raise
            finally:
                self._raw.execute("PRAGMA busy_timeout = 0")
                self._lock.release()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._raw.close()
