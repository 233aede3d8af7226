"""One connection to a workspace's database, shared by threads, with named errors."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.errors import (
    DiskFull,
    FinetuiError,
    WorkspaceDamaged,
    WorkspaceError,
    WorkspaceLocked,
    WorkspaceReplaced,
)
from engine.paths import shorten
from engine.store.packing import pack, unpack
from engine.store.place import Place

Row = tuple[Any, ...]

BUSY_SECONDS = 30.0
ENOUGH_FREE = 1_000_000  # bytes
SHM_BYTES = 32_768  # what SQLite's index of its log takes at least


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
    if code == sqlite3.SQLITE_IOERR and (limit := _size_limit_met(path)):
        return DiskFull(
            f"{place} can't grow: this shell lets no file be larger than {limit:,} bytes",
            hint="raise the limit with ulimit -f and try again; what was stored before is safe",
        )
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


def _size_limit_met(path: Path) -> int:
    """Return the process's limit of a file's size where the database or its log is near it."""
    import resource  # only a failure asks for it

    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit == resource.RLIM_INFINITY:
        return 0
    largest = SHM_BYTES
    for name in (path, path.with_name(f"{path.name}-wal")):
        with contextlib.suppress(OSError):
            largest = max(largest, name.stat().st_size)
    return limit if largest + SHM_BYTES >= limit else 0


def replaced(path: Path, why: str) -> WorkspaceReplaced:
    """Return the error for a database that is not in its place any more."""
    return WorkspaceReplaced(
        f"{shorten(path)} is not the database that was opened: {why}. Nothing is stored in it",
        hint="save the decisions made since elsewhere, open the workspace again, "
        "and take them over with: finetui journal import FILE",
    )


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
    :meth:`transaction` each statement is its own. A write looks before and after whether the
    path still names the open file, so that nothing counts as stored that is elsewhere.

    Args:
        path: The file.
        raw: The open connection.
        place: Watches whether the path names the open file; None where nothing is written.
        read_only: The error that a write gets; None where writing is possible.
        fresh: Gives another connection where the file changed and this one can't see it.
    """

    def __init__(
        self,
        path: Path,
        raw: sqlite3.Connection,
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

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return every row of a query."""
        with self._lock, translated(self.path):
            return self._reader().execute(sql, bound(parameters)).fetchall()

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """Return the first row of a query, if there is one."""
        with self._lock, translated(self.path):
            row: Row | None = self._reader().execute(sql, bound(parameters)).fetchone()
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
        with self._lock, translated(self.path):
            if self._raw.in_transaction:
                return self._raw.execute(sql, bound(parameters))
            with self._in_place():
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

        Raises:
            WorkspaceReplaced: The database is not in its place any more.
            WorkspaceReadOnly: It can only be looked at.
        """
        with self._lock, translated(self.path), self._in_place():
            self._raw.execute("BEGIN IMMEDIATE")
            head = self.journal_head
            try:
                self.require_in_place()  # the lock may have been waited for
                yield
                self._raw.execute("COMMIT")
            except BaseException:
                self.journal_head = head
                if self._raw.in_transaction:
                    self._raw.execute("ROLLBACK")
                raise

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

    def copy_to(self, target: Path) -> None:
        """Copy the open database, wherever it is, into a new file."""
        with self._lock, translated(target), contextlib.closing(sqlite3.connect(target)) as copy:
            self._raw.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        """Look whether the database is in its place, before and after the body writes."""
        self.require_in_place()
        try:
            yield
        except sqlite3.DatabaseError:
            self.require_in_place()  # what went wrong may come from that
            raise
        self.require_in_place()

    def _reader(self) -> sqlite3.Connection:
        if self._fresh is not None and (fresh := self._fresh()) is not None:
            self._raw.close()
            self._raw = fresh
        return self._raw
