"""Opening a database: to write it, or only to look at it where it can't be written."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import DiskFull, FinetuiError, WorkspaceReadOnly
from engine.paths import shorten
from engine.store.connection import Connection, raw_connection
from engine.store.failures import replaced, translated
from engine.store.place import Place, set_aside_strays
from engine.store.schema import VERSION, bring_up_to_date, checked_version, require_ours

WAL_BYTES = 16_000_000


@dataclass(slots=True)
class Opened:
    """An open database, and the folder of a private copy that ends with it, if there is one.

    ``aside`` is the name under which the log of another database was put aside; usually empty.
    """

    connection: Connection
    copy: tempfile.TemporaryDirectory[str] | None = None
    aside: str = ""


def open_database(path: Path, busy_seconds: float, like: Connection | None = None) -> Opened:
    """Open a database to write it; where that can't be done, to look at it.

    Args:
        path: The file.
        busy_seconds: How long a write waits for another process.
        like: An open connection; if given, the very file that it has open.

    Raises:
        WorkspaceReplaced: The path does not name the file of ``like``.
        FinetuiError: As :meth:`engine.store.Store.open` says.
    """
    aside = ""
    if like is not None:
        like.require_in_place()
    elif why := _not_writable(path):
        return look_at(path, busy_seconds, _read_only(path, why))
    else:
        aside = set_aside_strays(path)
    try:
        connection = _writable(path, busy_seconds)
    except DiskFull as error:
        if not path.is_file() or not path.stat().st_size:
            raise
        return look_at(path, busy_seconds, error)
    if like is not None:
        try:
            like.require_in_place()
        except FinetuiError:
            connection.close()
            raise
    return Opened(connection, aside=aside)


def _read_only(path: Path, why: str) -> WorkspaceReadOnly:
    return WorkspaceReadOnly(
        f"{shorten(path)} can't be written: {why}; it can only be looked at",
        hint="get the right to write to the file and its folder, or copy the workspace's folder "
        "to where you may write",
    )


def _not_writable(path: Path) -> str:
    """Return why a database that is there can't be written; empty where it can."""
    if not path.is_file():
        return ""
    for what, name in (("the file", path), ("its folder", path.parent)):
        if not os.access(name, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            if _mounted_read_only(name):
                return "its disk is mounted read-only"
            return f"you may not write to {what}"
    return ""


def _mounted_read_only(name: Path) -> bool:
    try:
        return bool(os.statvfs(name).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _writable(path: Path, busy_seconds: float) -> Connection:
    with translated(path):
        before = path.exists() and Place(path)
        raw = raw_connection(str(path), busy_seconds)
        try:
            place = Place(path)
            if before and (why := before.lost()):
                raise replaced(path, why)  # in the moment between
            bring_up_to_date(raw, path, busy_seconds)
            # Readers go on while a scan writes. Where the file system can't do it,
            # SQLite keeps its rollback journal, which is as safe.
            raw.execute("PRAGMA journal_mode = WAL")
            raw.execute("PRAGMA synchronous = FULL")
            # A large scan leaves a large WAL file, which is cut when it is used again.
            raw.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
            raw.execute("SELECT count(*) FROM sqlite_master").fetchone()  # opens the log
            place.note_beside()
        except BaseException:
            raw.close()
            raise
    return Connection(path, raw, busy_seconds, place=place)


def look_at(path: Path, busy_seconds: float, error: FinetuiError) -> Opened:
    """Open a database that can't or shall not be written, by the first way that works.

    SQLite reads the log beside the database where it can. Without a log nothing is missing
    from the database itself. Else, and where an old schema would have to be brought up to
    date, a private copy is read.

    Args:
        path: The file.
        busy_seconds: How long a lock is waited for.
        error: What a write gets.
    """
    with translated(path):
        address = path.resolve().as_uri()
        log = path.with_name(f"{path.name}-wal")
        for parameters, possible in (
            ("mode=ro", True),
            ("mode=ro&immutable=1", not log.exists() or not log.stat().st_size),
        ):
            raw = _readable(f"{address}?{parameters}", path, busy_seconds) if possible else None
            if raw is not None:
                fresh = _watching(path, busy_seconds)
                return Opened(Connection(path, raw, busy_seconds, read_only=error, fresh=fresh))
        folder = tempfile.TemporaryDirectory(prefix="finetui-look-")
        try:
            copy = Path(folder.name) / path.name
            for name in (path, log):
                if name.exists():
                    shutil.copyfile(name, copy.with_name(name.name))
            raw = raw_connection(str(copy), busy_seconds)
            bring_up_to_date(raw, copy, busy_seconds)
        except OSError as failure:
            folder.cleanup()
            raise error from failure
        except BaseException:
            folder.cleanup()
            raise
    return Opened(Connection(path, raw, busy_seconds, read_only=error), folder)


def _readable(address: str, path: Path, busy_seconds: float) -> sqlite3.Connection | None:
    """Return a connection to a database of the present schema, or None if this way fails."""
    raw = raw_connection(address, busy_seconds, uri=True)
    try:
        if checked_version(raw, path) == VERSION:
            require_ours(raw, path)
            return raw
    except sqlite3.OperationalError:
        pass
    except BaseException:
        raw.close()
        raise
    raw.close()
    return None


def _watching(path: Path, busy_seconds: float) -> Callable[[], sqlite3.Connection | None]:
    """Return what opens a database anew where somebody else has written it since.

    Without the right to write its index of the log, SQLite does not always see that by itself.
    """
    log = path.with_name(f"{path.name}-wal")

    def signature() -> tuple[int, ...]:
        found = path.stat()
        with contextlib.suppress(FileNotFoundError):
            written = log.stat()
            return found.st_ino, found.st_mtime_ns, written.st_size, written.st_mtime_ns
        return found.st_ino, found.st_size, found.st_mtime_ns

    known = signature()

    def fresh() -> sqlite3.Connection | None:
        nonlocal known
        try:
            now = signature()
        except FileNotFoundError as error:
            raise replaced(path, "it was removed or moved away") from error
        if now == known:
            return None
        known = now
        address = f"{path.resolve().as_uri()}?mode=ro"
        found = _readable(address, path, busy_seconds)
        return found or _readable(f"{address}&immutable=1", path, busy_seconds)

    return fresh
