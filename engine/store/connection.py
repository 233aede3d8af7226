"""One connection to a workspace's database, shared by threads, with named errors."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.errors import DiskFull, WorkspaceDamaged, WorkspaceError, WorkspaceLocked
from engine.paths import shorten
from engine.store.packing import pack, unpack

Row = tuple[Any, ...]

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


class Connection:
    """The long-lived connection of a store.

    Any thread may use it; a lock admits one at a time. Outside of
    :meth:`transaction` each statement is its own.
    """

    def __init__(self, path: Path, raw: sqlite3.Connection) -> None:
        self.path = path
        self._raw = raw
        self._lock = threading.RLock()

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return every row of a query."""
        with self._lock, translated(self.path):
            return self._raw.execute(sql, bound(parameters)).fetchall()

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """Return the first row of a query, if there is one."""
        with self._lock, translated(self.path):
            row: Row | None = self._raw.execute(sql, bound(parameters)).fetchone()
            return row

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the first value of a query, or None where it has no row."""
        row = self.one(sql, parameters)
        return None if row is None else row[0]

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement and return its cursor, for ``lastrowid`` and ``rowcount``."""
        with self._lock, translated(self.path):
            return self._raw.execute(sql, bound(parameters))

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
        with self._lock, translated(self.path):
            self._raw.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._raw.execute("COMMIT")
            except BaseException:
                if self._raw.in_transaction:
                    self._raw.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._raw.close()
