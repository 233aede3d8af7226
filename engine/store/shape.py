"""Whether a database defines what finetui's own schema defines, and nothing that acts by itself.

A trigger runs with every statement that it waits for, a view stands in for a table, an index or
a default can hold an expression: whoever hands a workspace on could change texts with them, and
the journal would not know. So all definitions are compared before anything is written. Tables of
other programs do nothing by themselves, and may stay.
"""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.errors import WorkspaceDamaged
from engine.paths import shell_path, shorten
from engine.store.failures import damaged
from engine.text import inert

Definitions = Mapping[tuple[str, str], str]
"""What is defined, by type ("table", "index", "trigger", "view") and name, as SQL."""

_DEFINES = re.compile(
    r"\s*CREATE (?:VIRTUAL )?(TABLE|INDEX|TRIGGER|VIEW) [\"'\[`]?(\w+)", re.IGNORECASE
)
_PLAIN_TABLE = re.compile(r"\s*CREATE TABLE\b", re.IGNORECASE)
_STRING = re.compile(r"('(?:[^']|'')*')")
_QUOTES = str.maketrans("", "", '"[]`')

# What SQLite and its full text index make besides; they are in no script.
_OF_SEARCH = (
    "CREATE TABLE 'search_data'(id INTEGER PRIMARY KEY, block BLOB)",
    "CREATE TABLE 'search_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID",
    "CREATE TABLE 'search_config'(k PRIMARY KEY, v) WITHOUT ROWID",
)


def defined_by(statements: Iterable[str]) -> Definitions:
    """Return what the statements of ``schema.sql`` define, the search's own tables included."""
    found: dict[tuple[str, str], str] = {}
    for statement in (*statements, *_OF_SEARCH):
        if match := _DEFINES.match(statement):
            found[match[1].lower(), match[2]] = statement.strip().removesuffix(";")
    return found


def defined_in(raw: sqlite3.Connection) -> Definitions:
    """Return what a database defines; without the indexes that SQLite makes for itself."""
    return {(row[0], row[1]): row[2] for row in _rows(raw)}


def check(raw: sqlite3.Connection, path: Path, ours: Definitions) -> None:
    """Raise unless a database defines all that it should, and nothing that acts by itself.

    Args:
        raw: A connection to it; nothing is written.
        path: The file.
        ours: What its version defines.

    Raises:
        WorkspaceDamaged: A trigger, a view or an index is not finetui's, or something that
            finetui made was altered or is missing.
    """
    missing = dict(ours)
    for kind, name, sql in _rows(raw):
        known = missing.pop((kind, name), None)
        if known is None:
            # By its SQL, which SQLite goes by; the type beside it could be forged.
            if kind != "table" or not _PLAIN_TABLE.match(sql):
                raise _foreign(path, kind, name)
        elif known != sql and _normal(known) != _normal(sql):
            raise damaged(path, f"its {kind} {name} is not as finetui made it")
    for kind, name in missing:
        raise damaged(path, f"its {kind} {name} is missing")


def _rows(raw: sqlite3.Connection) -> list[tuple[str, str, str]]:
    rows = raw.execute(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_master "
        "WHERE sql IS NOT NULL OR type != 'index'"
    )
    return [(str(kind), str(name), str(sql)) for kind, name, sql in rows]


def _normal(sql: str) -> str:
    """Return a definition without the quotes of names and white space, which tools change."""
    parts = _STRING.split(sql)
    parts[::2] = ["".join(part.translate(_QUOTES).split()) for part in parts[::2]]
    return "".join(parts)


def _foreign(path: Path, kind: str, name: str) -> WorkspaceDamaged:
    shown = inert(name)[:60]
    hint = "use a copy of the workspace from before it was added"
    if kind in ("trigger", "view", "index") and shown == name:
        quoted = name.replace('"', '""')
        drop = shlex.quote(f'DROP {kind.upper()} "{quoted}"')
        hint = (
            f"it could change what you decide on; {hint}, or remove it and look for what it "
            f"changed: sqlite3 {shell_path(path)} {drop}; then: finetui journal verify"
        )
    return WorkspaceDamaged(
        f"{shorten(path)} holds a {inert(kind)[:20]} that finetui did not make: {shown}",
        hint=hint,
    )
