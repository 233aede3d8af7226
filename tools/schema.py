"""Write engine/store/schema.sql, from which new databases are made, by running all migrations.

Usage: python -m tools.schema [--check]
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from pathlib import Path

from engine.store.connection import raw_connection
from engine.store.migrations import migrate
from engine.store.schema import SCHEMA_FILE

_HEAD = "-- What all migrations result in; written by `python -m tools.schema`.\n"


def script() -> str:
    """Return the statements that make an empty database of the present schema."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "finetui.db"
        raw = raw_connection(str(path), 0)
        migrate(raw, path)
        lines = [_HEAD]
        for name in ("application_id", "user_version"):
            lines.append(f"PRAGMA {name} = {raw.execute(f'PRAGMA {name}').fetchone()[0]};\n")
        lines += [f"{sql};\n" for sql in _definitions(raw)]
        raw.close()
    return "".join(lines)


def _definitions(raw: sqlite3.Connection) -> list[str]:
    """Return what defines tables, indexes and triggers, without what SQLite makes itself."""
    rows = raw.execute("SELECT name, sql FROM sqlite_master ORDER BY rowid").fetchall()
    virtual = [name for name, sql in rows if sql and sql.startswith("CREATE VIRTUAL")]
    own = ("sqlite_", *(f"{name}_" for name in virtual))
    return [sql for name, sql in rows if sql and not name.startswith(own)]


def main() -> None:
    """Write the file, or with --check say whether it is up to date."""
    if "--check" not in sys.argv:
        SCHEMA_FILE.write_text(script(), "utf-8")
    elif SCHEMA_FILE.read_text("utf-8") != script():
        sys.exit("engine/store/schema.sql is behind the migrations: python -m tools.schema")


if __name__ == "__main__":
    main()
