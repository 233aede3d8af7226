"""The schema's history, and how an old database is brought up to date.

``PRAGMA user_version`` is the record: it is n when the first n functions of
``MIGRATIONS`` are applied, and is set in the transaction that applies the nth.
A released migration is never changed; the next change of the schema is the next
function, and the result of all of them is written down by ``python -m tools.schema``,
from which new databases are made. Each release's schema has a fixture in
``tests/store/schemas``.

The module runs as a child process: sqlite_utils takes pandas, pyarrow and numpy along
where they are installed, 100 MB that would stay in the app's process.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from engine.child import end_with_caller, run_step
from engine.modes import fit
from engine.store import shape
from engine.store.connection import raw_connection
from engine.store.failures import damaged, translated
from engine.store.m006 import m006_one_copy
from engine.store.schema import APPLICATION_ID, checked_version

Migration = Callable[[Any], None]


def m001_initial(db: Any) -> None:
    """Make the first schema.

    Args:
        db: A ``sqlite_utils.Database`` in a transaction.
    """
    db["sources"].create(
        {
            "id": str,
            "kind": str,
            "root": str,
            "added_at": float,
            "scanned_at": float,
            "documents": int,
            "examples": int,
            "skipped": int,
        },
        pk="id",
        not_null={"kind", "root", "added_at", "scanned_at", "documents", "examples", "skipped"},
        defaults={"scanned_at": 0.0, "documents": 0, "examples": 0, "skipped": 0},
    )
    db["skips"].create(
        {"source_id": str, "path": str, "line": int, "code": str, "reason": str},
        not_null={"source_id", "path", "line", "code", "reason"},
    )
    db["skips"].create_index(["source_id"])
    _create_examples(db)
    _create_journal(db)
    db["votes"].create(
        {
            "id": int,
            "run_id": str,
            "quant": str,
            "prompt": str,
            "base_text": str,
            "tuned_text": str,
            "left": str,
            "choice": str,
            "blind": int,
            "at": float,
            "metadata": str,
        },
        pk="id",
    )
    db["votes"].create_index(["run_id"])
    db["meta"].create({"key": str, "value": str}, pk="key", not_null={"value"})


def _create_examples(db: Any) -> None:
    # What the queue draws, sorts and filters is narrow and apart from the text, so
    # that a scan of a hundred thousand rows reads few pages. AUTOINCREMENT never
    # gives a position again.
    db.execute(
        """
        CREATE TABLE queue (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            example_id TEXT NOT NULL UNIQUE,
            source_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            label TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'undecided',
            edited INTEGER NOT NULL DEFAULT 0,
            decided_at REAL NOT NULL DEFAULT 0
        )
        """
    )
    # An index ends with the rowid, which is the position: one state is in queue order.
    db["queue"].create_index(["state"])
    db["queue"].create_index(["kind"])
    db.execute("CREATE INDEX idx_queue_edited ON queue (edited) WHERE edited = 1")
    db["queue"].create_index(["source_id"])
    db["examples"].create(
        {
            "position": int,
            "path": str,
            "start_line": int,
            "end_line": int,
            "heading": str,
            "title": str,
            "tags": str,
            "date": str,
            "content_hash": str,
            "score": float,
            "reason": str,
            "metadata": str,
            "turns": str,
            "edited_turns": str,
        },
        pk="position",
    )
    db.execute(
        "CREATE TABLE tags (tag TEXT NOT NULL, position INTEGER NOT NULL, "
        "PRIMARY KEY (tag, position)) WITHOUT ROWID"
    )
    db["tags"].create_index(["position"])
    # Which sources hold an example: one that a source lost stays while another has it.
    db.execute(
        "CREATE TABLE sightings (source_id TEXT NOT NULL, example_id TEXT NOT NULL, "
        "PRIMARY KEY (source_id, example_id)) WITHOUT ROWID"
    )
    db["sightings"].create_index(["example_id"])
    db.execute(
        "CREATE VIRTUAL TABLE search USING fts5(body, head, "
        "tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
    )


def _create_journal(db: Any) -> None:
    db.execute(
        """
        CREATE TABLE journal (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            example_id TEXT NOT NULL,
            action TEXT NOT NULL,
            at REAL NOT NULL,
            session TEXT NOT NULL,
            target INTEGER NOT NULL DEFAULT 0,
            turns TEXT
        )
        """
    )
    db["journal"].create_index(["example_id"])
    db.execute(
        "CREATE INDEX idx_journal_decisions ON journal (seq) "
        "WHERE action IN ('approve', 'reject', 'skip', 'edit')"
    )
    db.execute("CREATE INDEX idx_journal_at ON journal (at)")
    for verb in ("UPDATE", "DELETE"):
        db.execute(
            f"CREATE TRIGGER journal_no_{verb.lower()} BEFORE {verb} ON journal "
            "BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END"
        )
    # The decisions that are undone at present, and the entry that undid each.
    db["undone"].create({"seq": int, "undo_seq": int}, pk="seq", not_null={"undo_seq"})
    db["undone"].create_index(["undo_seq"])


def m002_items(db: Any) -> None:
    """Remember the files of a source, what was set about it, and what follows what."""
    for column in ("options TEXT NOT NULL DEFAULT '{}'", "fingerprint TEXT NOT NULL DEFAULT ''"):
        db.execute(f"ALTER TABLE sources ADD COLUMN {column}")
    db["items"].create(
        {
            "source_id": str,
            "name": str,
            "size": int,
            "mtime_ns": int,
            "digest": str,
            "documents": int,
        },
        pk=("source_id", "name"),
        not_null={"size", "mtime_ns", "digest", "documents"},
    )
    # An example may stand in several files of a source, and is lost with the last of them.
    db.execute("ALTER TABLE sightings RENAME TO sightings_v1")
    db.execute(
        "CREATE TABLE sightings (source_id TEXT NOT NULL, example_id TEXT NOT NULL, "
        "item TEXT NOT NULL, PRIMARY KEY (source_id, example_id, item)) WITHOUT ROWID"
    )
    db.execute(
        "INSERT INTO sightings SELECT s.source_id, s.example_id, coalesce(e.path, '') "
        "FROM sightings_v1 AS s LEFT JOIN queue AS q ON q.example_id = s.example_id "
        "LEFT JOIN examples AS e ON e.position = q.position"
    )
    db.execute("DROP TABLE sightings_v1")
    db["sightings"].create_index(["example_id"])
    db.execute("ALTER TABLE skips ADD COLUMN item TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE queue ADD COLUMN origin TEXT NOT NULL DEFAULT ''")
    db.execute("CREATE INDEX idx_queue_origin ON queue (origin) WHERE origin != ''")
    db.execute("ALTER TABLE examples ADD COLUMN follows TEXT NOT NULL DEFAULT ''")
    db.execute("CREATE INDEX idx_examples_follows ON examples (follows) WHERE follows != ''")
    db.execute("ALTER TABLE examples ADD COLUMN alternatives TEXT NOT NULL DEFAULT '[]'")


def m003_findings(db: Any) -> None:
    """Keep what checks find in examples, and which examples are near which."""
    for column in (
        "flagged INTEGER NOT NULL DEFAULT 0",
        "language TEXT NOT NULL DEFAULT ''",
        "quality REAL",
    ):
        db.execute(f"ALTER TABLE queue ADD COLUMN {column}")
    db.execute("CREATE INDEX idx_queue_flagged ON queue (position) WHERE flagged > 0")
    db.execute("CREATE INDEX idx_queue_language ON queue (language) WHERE language != ''")
    db.execute("CREATE INDEX idx_queue_quality ON queue (quality) WHERE quality IS NOT NULL")
    db.execute(
        "CREATE TABLE checks (position INTEGER NOT NULL, name TEXT NOT NULL, "
        "version TEXT NOT NULL, measures TEXT NOT NULL, PRIMARY KEY (position, name)) WITHOUT ROWID"
    )
    db["checks"].create_index(["name", "position", "version"])
    db["flags"].create(
        {
            "position": int,
            "name": str,
            "kind": str,
            "code": str,
            "score": float,
            "reason": str,
            "turn": int,
            "start": int,
            "stop": int,
        },
        not_null={"position", "name", "kind", "code", "score", "reason", "turn", "start", "stop"},
    )
    db["flags"].create_index(["position"])
    db["flags"].create_index(["kind", "code", "position"])
    db["flags"].create_index(["name"])
    db.execute(
        "CREATE TABLE links (model TEXT NOT NULL, what TEXT NOT NULL, a INTEGER NOT NULL, "
        "b INTEGER NOT NULL, similarity REAL NOT NULL, PRIMARY KEY (model, what, a, b)) "
        "WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE linked (model TEXT NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, "
        "PRIMARY KEY (model, position)) WITHOUT ROWID"
    )
    db["linked"].create_index(["position"])
    # What was found in a text says nothing about another one. Links stay: the next look at
    # them needs to know what they were made of, and a mark says that it is another text now.
    forget = (
        "DELETE FROM flags WHERE position = OLD.position; "
        "DELETE FROM checks WHERE position = OLD.position; "
    )
    db.execute(
        "CREATE TRIGGER findings_of_edited AFTER UPDATE OF turns, edited_turns ON examples "
        "WHEN coalesce(OLD.edited_turns, OLD.turns) IS NOT coalesce(NEW.edited_turns, NEW.turns) "
        f"BEGIN {forget} UPDATE queue SET flagged = 0, language = '', quality = NULL "
        "WHERE position = OLD.position; UPDATE linked SET key = '!' || key "
        "WHERE position = OLD.position AND key NOT LIKE '!%'; END"
    )
    db.execute(f"CREATE TRIGGER findings_of_gone AFTER DELETE ON queue BEGIN {forget} END")


def m004_votes_taken_back(db: Any) -> None:
    """Let votes be taken back; both tables are only appended to."""
    db.execute("CREATE TABLE votes_taken_back (vote_id INTEGER PRIMARY KEY, at REAL NOT NULL)")
    for table in ("votes", "votes_taken_back"):
        for verb in ("UPDATE", "DELETE"):
            db.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is only appended to'); END"
            )


def m005_operations(db: Any) -> None:
    """Keep of each decision which operation it belongs to and what its person had seen.

    Entries that are there have neither: each is an operation by itself.
    """
    db.execute("ALTER TABLE journal ADD COLUMN operation TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE journal ADD COLUMN seen INTEGER")
    db.execute("CREATE INDEX idx_journal_operation ON journal (operation) WHERE operation != ''")
    # An undo takes one's own latest decision, and must not look for it among all others'.
    db.execute(
        "CREATE INDEX idx_journal_session ON journal (session) "
        "WHERE action IN ('approve', 'reject', 'skip', 'edit')"
    )
    db.execute("ALTER TABLE queue ADD COLUMN conflict INTEGER NOT NULL DEFAULT 0")
    db.execute("CREATE INDEX idx_queue_conflict ON queue (position) WHERE conflict = 1")


def m007_record(db: Any) -> None:
    """Keep which record of its file an example comes from, and how many sections files have.

    Both are unknown until the files are read again.
    """
    db.execute("ALTER TABLE examples ADD COLUMN record TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE items ADD COLUMN sections INTEGER NOT NULL DEFAULT 0")


MIGRATIONS: tuple[Migration, ...] = (
    m001_initial,
    m002_items,
    m003_findings,
    m004_votes_taken_back,
    m005_operations,
    m006_one_copy,
    m007_record,
)


def migrate(
    raw: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS
) -> None:
    """Bring a database up to date; nothing is written if it is, or if it is refused.

    Args:
        raw: A connection in autocommit mode.
        path: The file, beside which a backup is written before it is changed.
        migrations: The migrations; those of this version by default.

    Raises:
        WorkspaceNewer: The database has a schema that this version doesn't know.
        WorkspaceDamaged: It is some other program's database, or it holds a trigger, a view or
            an index that the migrations did not make.
    """
    import sqlite_utils  # 0.5 s, which only an old workspace pays

    version = _known_version(raw, path, migrations)
    if 0 < version < len(migrations):
        _back_up(raw, path, version)
    for number, step in enumerate(migrations, start=1):
        raw.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been faster while this one waited for the lock.
            if checked_version(raw, path, len(migrations)) < number:
                step(sqlite_utils.Database(raw, execute_plugins=False))
                raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                raw.execute(f"PRAGMA user_version = {number}")
            raw.execute("COMMIT")
        except BaseException:
            if raw.in_transaction:
                raw.execute("ROLLBACK")
            raise
    if 0 < version < 6:
        # What was taken out is most of the file; where there is no room, it stays that large.
        with suppress(sqlite3.OperationalError):
            raw.execute("VACUUM")


def _known_version(raw: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> int:
    """Return a database's schema, having compared its definitions with what migrations give."""
    import sqlite_utils

    raw.execute("BEGIN")  # another process may be bringing it up to date
    try:
        version = checked_version(raw, path, len(migrations))
        if version:
            with closing(raw_connection(":memory:", 0)) as model:
                for step in migrations[:version]:
                    step(sqlite_utils.Database(model, execute_plugins=False))
                shape.check(raw, path, shape.defined_in(model))
    finally:
        raw.execute("ROLLBACK")
    return version


def _back_up(raw: sqlite3.Connection, path: Path, version: int) -> Path:
    """Copy the database beside itself, by a name that is free, and return the copy's path."""
    number, backup = 1, path.with_name(f"{path.name}.v{version}.bak")
    while backup.exists():
        number += 1
        backup = path.with_name(f"{path.name}.v{version}.{number}.bak")
    copy = sqlite3.connect(backup)
    try:
        raw.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    except BaseException:
        copy.close()
        backup.unlink(missing_ok=True)
        raise
    copy.close()
    fit(backup)
    return backup


def main(arguments: Sequence[str]) -> None:
    """Bring the database at a path up to date, with a time to wait for other writers."""
    path, busy_seconds = Path(arguments[0]), float(arguments[1])
    end_with_caller()
    with translated(path):
        raw = raw_connection(str(path), busy_seconds)
        try:
            migrate(raw, path)
        except sqlite3.OperationalError as error:
            # Tables or columns that this version's own files have, and this one lacks.
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            raise damaged(path, str(error)) from error
        finally:
            raw.close()


if __name__ == "__main__":
    sys.exit(run_step(main, sys.argv[1:]))
