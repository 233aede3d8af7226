"""A database as SQL text that makes it again, full text index included."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


def fixture(version: int) -> Path:
    """Return the file of a schema."""
    return FOLDER / f"v{version}.sql"


def versions() -> list[int]:
    """Return the schemas that have a file."""
    return sorted(int(file.stem[1:]) for file in FOLDER.glob("v*.sql"))


def schema(path: Path) -> list[tuple[str, str, str]]:
    """Return type, name and SQL of everything that a database defines."""
    raw = sqlite3.connect(path)
    rows = raw.execute(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_master ORDER BY type, name"
    ).fetchall()
    raw.close()
    return rows


def dump(path: Path) -> Iterator[str]:
    """Yield the statements that make a database again."""
    raw = sqlite3.connect(path)
    for name in ("application_id", "user_version"):
        yield f"PRAGMA {name} = {raw.execute(f'PRAGMA {name}').fetchone()[0]};"
    own = (
        "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'search\\_%' ESCAPE '\\' "
        "AND sql IS NOT NULL"
    )
    tables = raw.execute(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'table' AND {own} ORDER BY rowid"
    ).fetchall()
    for name, sql in tables:
        yield f"{sql};"
        if "content=''" in sql:
            # An index that keeps no text is what its own tables hold.
            yield from _shadow(raw, name)
            continue
        columns = [row[1] for row in raw.execute(f"PRAGMA table_info({name})")]
        named = (["rowid"] if name == "search" else []) + columns
        listed = ", ".join(f'"{column}"' for column in named)
        for row in raw.execute(f"SELECT {listed} FROM {name}"):
            yield f"INSERT INTO {name} ({listed}) VALUES ({', '.join(map(_literal, row))});"
    for name, number in raw.execute("SELECT name, seq FROM sqlite_sequence ORDER BY name"):
        # The row is there already where the table has rows.
        yield f"DELETE FROM sqlite_sequence WHERE name = '{name}';"
        yield f"INSERT INTO sqlite_sequence (name, seq) VALUES ('{name}', {number});"
    for (sql,) in raw.execute(
        f"SELECT sql FROM sqlite_master WHERE type <> 'table' AND {own} ORDER BY type, name"
    ):
        yield f"{sql};"
    raw.close()


def _shadow(raw: sqlite3.Connection, name: str) -> Iterator[str]:
    for (table,) in raw.execute(
        f"SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '{name}\\_%' "
        "ESCAPE '\\' ORDER BY name"
    ).fetchall():
        yield f"DELETE FROM {table};"
        for row in raw.execute(f"SELECT * FROM {table}"):
            yield f"INSERT INTO {table} VALUES ({', '.join(map(_literal, row))});"


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)


def restore(version: int, path: Path) -> None:
    """Make a database of a schema from its file."""
    raw = sqlite3.connect(path)
    raw.executescript(fixture(version).read_text("utf-8"))
    raw.close()
