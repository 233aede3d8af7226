"""The present schema: how a database is recognised, made, and brought up to date.

A new database is made from ``schema.sql``, which is what all migrations result in; only an
old one needs the migrations themselves, in a child process (see :mod:`engine.store.migrations`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from engine.errors import WorkspaceError, WorkspaceNewer
from engine.paths import shorten
from engine.store import shape
from engine.store.failures import damaged

APPLICATION_ID = 0x66747569
"""\"ftui\", by which file(1) and finetui tell the database from others."""

VERSION = 7
"""The number of migrations that ``schema.sql`` is the result of."""

SCHEMA_FILE = Path(__file__).with_name("schema.sql")

SMALLEST = 512  # bytes: the least that a page can be


def bring_up_to_date(raw: sqlite3.Connection, path: Path, busy_seconds: float) -> None:
    """Make a new database, bring an old one up to date, and leave any other as it is.

    Args:
        raw: A connection in autocommit mode.
        path: The file, beside which a backup is written before an old one is changed.
        busy_seconds: How long another writer is waited for.

    Raises:
        WorkspaceNewer: The database has a schema that this version doesn't know.
        WorkspaceDamaged: It is some other program's database, or its definitions are not ours.
        WorkspaceLocked: Another process holds it.
        DiskFull: There is no room.
        WorkspaceError: It can't be written, or a migration failed; it is as it was.
    """
    if 0 < path.stat().st_size < SMALLEST:
        raise damaged(path, "it is too short")  # SQLite would write over it
    version = checked_version(raw, path)
    if not version:
        _make(raw, path)
    elif version < VERSION:
        from engine.child import quiet, run_child

        arguments = [str(path), str(busy_seconds)]
        run_child("engine.store.migrations", arguments, quiet, otherwise=WorkspaceError)
    require_ours(raw, path)


def require_ours(raw: sqlite3.Connection, path: Path) -> None:
    """Raise unless a database of the present schema defines what finetui defines.

    Raises:
        WorkspaceDamaged: It holds a trigger, a view or an index of somebody else, or a
            definition was altered or is missing.
    """
    shape.check(raw, path, _definitions())


@cache
def _definitions() -> shape.Definitions:
    return shape.defined_by(_statements(SCHEMA_FILE.read_text("utf-8")))


def checked_version(raw: sqlite3.Connection, path: Path, known: int = VERSION) -> int:
    """Return a database's schema, 0 for an empty one.

    Raises:
        WorkspaceNewer: It is above ``known``.
        WorkspaceDamaged: The database is some other program's.
    """
    version = int(raw.execute("PRAGMA user_version").fetchone()[0])
    application = int(raw.execute("PRAGMA application_id").fetchone()[0])
    if application != APPLICATION_ID:
        tables = raw.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables or version:
            raise damaged(path, "it belongs to another program")
        return 0
    if version > known:
        raise WorkspaceNewer(
            f"{shorten(path)} was written by a newer finetui "
            f"(schema {version}; this version knows {known})",
            hint="upgrade finetui; nothing in the workspace was changed",
        )
    return version


PAGE_BYTES = 8192
"""A page of a new database: examples of a few hundred bytes fill it with less left over."""


def _make(raw: sqlite3.Connection, path: Path) -> None:
    raw.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    raw.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been faster while this one waited for the lock.
        if not checked_version(raw, path):
            for statement in _statements(SCHEMA_FILE.read_text("utf-8")):
                raw.execute(statement)
        raw.execute("COMMIT")
    except BaseException:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; executescript would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
