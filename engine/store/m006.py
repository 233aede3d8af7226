"""The sixth migration: one copy of each text, one row of checks an example, counts by block.

It stands apart because it rebuilds what is large; see :mod:`engine.store.migrations`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.store.packing import dump_checks

_TALLIED = "source_id, kind, state, edited, origin"


def m006_one_copy(db: Any) -> None:
    """Keep no second copy of a text, no row for each check, and counts that keys can read."""
    _index_without_text(db)
    _sightings_by_number(db)
    _checks_in_one_row(db)
    _tallies(db)


def _index_without_text(db: Any) -> None:
    # No text, no places of words, no sizes: which examples have a word is all that is asked.
    db.execute("DROP TABLE search")
    db.execute(
        "CREATE VIRTUAL TABLE search USING fts5(text, content='', detail=none, columnsize=0, "
        "tokenize='unicode61 remove_diacritics 2')"
    )
    db.execute(
        "INSERT INTO search (rowid, text) SELECT position, "
        "search_row(coalesce(edited_turns, turns), heading, title) FROM examples"
    )


def _sightings_by_number(db: Any) -> None:
    """Say by numbers which file holds which example."""
    db.execute("ALTER TABLE items RENAME TO items_v5")
    db.execute("ALTER TABLE sightings RENAME TO sightings_v5")
    db.execute(
        "CREATE TABLE items (number INTEGER PRIMARY KEY, source_id TEXT NOT NULL, "
        "name TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, "
        "digest TEXT NOT NULL, documents INTEGER NOT NULL, UNIQUE (source_id, name))"
    )
    db.execute(
        "INSERT INTO items (source_id, name, size, mtime_ns, digest, documents) "
        "SELECT source_id, name, size, mtime_ns, digest, documents FROM items_v5"
    )
    # A file of which only examples are known counts as changed.
    db.execute(
        "INSERT OR IGNORE INTO items (source_id, name, size, mtime_ns, digest, documents) "
        "SELECT DISTINCT source_id, item, -1, 0, '', 0 FROM sightings_v5"
    )
    db.execute(
        "CREATE TABLE sightings (item INTEGER NOT NULL, position INTEGER NOT NULL, "
        "PRIMARY KEY (item, position)) WITHOUT ROWID"
    )
    db.execute(
        "INSERT INTO sightings (item, position) SELECT i.number, q.position "
        "FROM sightings_v5 AS s JOIN items AS i ON i.source_id = s.source_id AND i.name = s.item "
        "JOIN queue AS q ON q.example_id = s.example_id ORDER BY i.number, q.position"
    )
    db.execute("CREATE INDEX idx_sightings_position ON sightings (position)")
    db.execute("DROP TABLE items_v5")
    db.execute("DROP TABLE sightings_v5")


def _checks_in_one_row(db: Any) -> None:
    # Which checks, of which versions, with which measures, is the same for nearly all examples.
    db.execute("CREATE TABLE looks (number INTEGER PRIMARY KEY, said TEXT NOT NULL UNIQUE)")
    db.execute(
        "CREATE TABLE checked (position INTEGER PRIMARY KEY, look INTEGER NOT NULL, "
        "measures TEXT NOT NULL)"
    )
    found: dict[int, dict[str, tuple[str, Mapping[str, Any]]]] = {}
    rows = db.execute("SELECT position, name, version, measures FROM checks ORDER BY position")
    numbers: dict[str, int] = {}

    def store() -> None:
        for position, checks in found.items():
            said, values = dump_checks(checks)
            if said not in numbers:
                cursor = db.execute("INSERT INTO looks (said) VALUES (?)", [said])
                numbers[said] = cursor.lastrowid
            db.execute(
                "INSERT INTO checked (position, look, measures) VALUES (?, ?, ?)",
                [position, numbers[said], values],
            )
        found.clear()

    for position, name, version, measures in rows:
        if position not in found:
            store()
        found.setdefault(position, {})[name] = (version, json.loads(measures))
    store()
    for trigger in ("findings_of_edited", "findings_of_gone"):
        db.execute(f"DROP TRIGGER {trigger}")
    db.execute("DROP TABLE checks")
    db.execute("DROP INDEX idx_flags_name")
    forget = (
        "DELETE FROM flags WHERE position = OLD.position; "
        "DELETE FROM checked WHERE position = OLD.position; "
    )
    db.execute(
        "CREATE TRIGGER findings_of_edited AFTER UPDATE OF turns, edited_turns ON examples "
        "WHEN coalesce(OLD.edited_turns, OLD.turns) IS NOT coalesce(NEW.edited_turns, NEW.turns) "
        f"BEGIN {forget} UPDATE queue SET flagged = 0, language = '', quality = NULL "
        "WHERE position = OLD.position; UPDATE linked SET key = '!' || key "
        "WHERE position = OLD.position AND key NOT LIKE '!%'; END"
    )
    db.execute(f"CREATE TRIGGER findings_of_gone AFTER DELETE ON queue BEGIN {forget} END")


def _tallies(db: Any) -> None:
    """Count rows by block of 1,024 positions and by what a queue is narrowed to; -1 has all."""
    # What is narrowed by quality is looked for in a thread, and the index was for that alone.
    for index in ("state", "kind", "source_id", "quality"):
        db.execute(f"DROP INDEX idx_queue_{index}")
    db.execute(
        "CREATE TABLE tally (block INTEGER NOT NULL, source_id TEXT NOT NULL, "
        "kind TEXT NOT NULL, state TEXT NOT NULL, edited INTEGER NOT NULL, "
        "origin TEXT NOT NULL, n INTEGER NOT NULL, "
        f"PRIMARY KEY (block, {_TALLIED})) WITHOUT ROWID"
    )
    for block, group in (("position >> 10", f"position >> 10, {_TALLIED}"), ("-1", _TALLIED)):
        db.execute(
            f"INSERT INTO tally SELECT {block}, {_TALLIED}, count(*) FROM queue GROUP BY {group}"
        )
    names = _TALLIED.split(", ")

    def change(row: str, by: int) -> str:
        values = ", ".join(f"{row}.{name}" for name in names)
        same = " AND ".join(f"{name} = {row}.{name}" for name in names)
        # The conflict clause of the statement that fires a trigger holds in it, too: no upsert.
        made = "".join(
            f"INSERT OR IGNORE INTO tally VALUES ({block}, {values}, 0); "
            for block in (f"{row}.position >> 10", "-1")
        )
        return (made if by > 0 else "") + (
            f"UPDATE tally SET n = n + {by} WHERE block IN ({row}.position >> 10, -1) AND {same}; "
        )

    db.execute(f"CREATE TRIGGER tally_of_new AFTER INSERT ON queue BEGIN {change('NEW', 1)}END")
    db.execute(f"CREATE TRIGGER tally_of_gone AFTER DELETE ON queue BEGIN {change('OLD', -1)}END")
    differs = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in names)
    db.execute(
        f"CREATE TRIGGER tally_of_changed AFTER UPDATE OF {_TALLIED} ON queue WHEN {differs} "
        f"BEGIN {change('OLD', -1)}{change('NEW', 1)}END"
    )
