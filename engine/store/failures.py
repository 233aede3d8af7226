"""SQLite's errors about a database's file, as named ones."""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import (
    DiskFull,
    WorkspaceDamaged,
    WorkspaceError,
    WorkspaceLocked,
    WorkspaceReplaced,
)
from engine.paths import shell_path, shorten

ENOUGH_FREE = 1_000_000  # bytes
SHM_BYTES = 32_768  # what SQLite's index of its log takes at least


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
    if code == sqlite3.SQLITE_IOERR and (limit := _size_limit_met(path)) is not None:
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
    gone = code == sqlite3.SQLITE_ERROR and str(error).startswith("no such table")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or undecodable or gone:
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


def _size_limit_met(path: Path) -> int | None:
    """Return the process's limit of a file's size where the database or its log is near it."""
    import resource  # only a failure asks for it

    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit == resource.RLIM_INFINITY:
        return None
    largest = SHM_BYTES
    for name in (path, path.with_name(f"{path.name}-wal")):
        with contextlib.suppress(OSError):
            largest = max(largest, name.stat().st_size)
    return limit if largest + SHM_BYTES >= limit else None


def replaced(path: Path, why: str) -> WorkspaceReplaced:
    """Return the error for a database that is not in its place any more."""
    return WorkspaceReplaced(
        f"{shorten(path)} is not the database that was opened: {why}. Nothing is stored in it",
        hint="save the decisions made since elsewhere, open the workspace again, "
        "and take them over with: finetui journal import FILE",
    )


def damaged_row(path: Path, row: str, why: object, remedy: str = "") -> WorkspaceDamaged:
    """Return the error for one row of a database that can't be read; the others can.

    Args:
        path: The file.
        row: Which, such as "example b2-… (position 7)".
        why: What is wrong with it.
        remedy: The SQL by which the others can be worked with.
    """
    hint = "list all such rows with: finetui journal verify; then put a backup in its place"
    if remedy:
        hint += (
            f", or go on without it (copy the file first): sqlite3 {shell_path(path)} "
            f"{shlex.quote(remedy)}"
        )
    return WorkspaceDamaged(f"{shorten(path)}: {row} is damaged: {why}", hint=hint)


def damaged(path: Path, why: str) -> WorkspaceDamaged:
    """Return the error for a file that is no sound database of finetui."""
    return WorkspaceDamaged(
        f"{shorten(path)} is not a sound finetui database: {why}",
        hint="move it away and scan your sources again, or put a backup "
        f"({path.name}.v*.bak, if there is one) in its place",
    )
