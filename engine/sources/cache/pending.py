"""Changes that a program asked Chroma for and that Chroma has not yet made.

Chroma first writes what it is asked for into a queue, and from there into its tables;
where a program ended in between, the queue holds rows that the tables lack. Chroma catches up
when the database is next opened, and so is done here, on the copy.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from engine.sources.facts import clean

_ADD, _UPDATE, _UPSERT, _DELETE = range(4)
_ARRAYS = "embedding_metadata_array"
_LARGEST = 2**63 - 1


def apply_pending(raw: sqlite3.Connection, columns: Mapping[str, set[str]]) -> None:
    """Make the changes that wait in the queue.

    Args:
        raw: A copy of the database, in autocommit mode.
        columns: The columns of each of its tables.
    """
    if not {"seq_id", "operation", "topic", "id", "metadata"} <= columns.get(
        "embeddings_queue", set()
    ):
        return
    topic = "c.topic" if "topic" in columns["collections"] else "''"
    segments = raw.execute(
        f"SELECT s.id, s.collection, {topic} FROM segments s "
        "JOIN collections c ON c.id = s.collection WHERE s.scope = 'METADATA'"
    ).fetchall()
    for segment, collection, name in segments:
        done = _applied(raw, segment, columns)
        waiting = raw.execute(
            "SELECT seq_id, operation, id, metadata, created_at FROM embeddings_queue "
            "WHERE seq_id > ? AND (topic = ? OR topic LIKE '%/' || ?) ORDER BY seq_id",
            (done, name, collection),
        )
        changes = _Changes(raw, segment, columns)
        raw.execute("BEGIN")
        for number, operation, row, metadata, created in waiting:
            changes.make(number, operation, row, _fields(metadata), created)
        raw.execute("COMMIT")


def _applied(raw: sqlite3.Connection, segment: str, columns: Mapping[str, set[str]]) -> int:
    """Return the number of the last change that a segment's tables hold."""
    found = None
    if "max_seq_id" in columns:
        found = raw.execute(
            "SELECT seq_id FROM max_seq_id WHERE segment_id = ?", (segment,)
        ).fetchone()
    if found is None and "seq_id" in columns["embeddings"]:
        found = raw.execute(
            "SELECT seq_id FROM embeddings WHERE segment_id = ? ORDER BY seq_id DESC LIMIT 1",
            (segment,),
        ).fetchone()
    value = found[0] if found else 0
    # Before Chroma 1.0 these were eight bytes, the highest first.
    if isinstance(value, bytes):
        return min(int.from_bytes(value, "big"), _LARGEST)
    return value if isinstance(value, int) else 0


def _fields(metadata: Any) -> dict[str, Any]:
    try:
        found = json.loads(metadata or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


class _Changes:
    """Changes of one collection's rows."""

    def __init__(
        self, raw: sqlite3.Connection, segment: str, columns: Mapping[str, set[str]]
    ) -> None:
        self._raw = raw
        self._segment = segment
        self._flags = "bool_value" in columns["embedding_metadata"]
        self._arrays = _ARRAYS in columns

    def make(
        self, number: int, operation: int, name: str, fields: Mapping[str, Any], created: Any
    ) -> None:
        """Make one change as Chroma does: it adds only what is new, updates only what is there."""
        found = self._raw.execute(
            "SELECT id FROM embeddings WHERE segment_id = ? AND embedding_id = ?",
            (self._segment, name),
        ).fetchone()
        if operation == _DELETE:
            if found:
                self._delete(found[0])
        elif found and operation in (_UPDATE, _UPSERT):
            self._write(found[0], fields)
        elif not found and operation in (_ADD, _UPSERT):
            cursor = self._raw.execute(
                "INSERT INTO embeddings (segment_id, embedding_id, seq_id, created_at) "
                "VALUES (?, ?, ?, ?)",
                (self._segment, name, number, created),
            )
            self._write(cursor.lastrowid or 0, fields)

    def _delete(self, row: int) -> None:
        for table in ("embedding_metadata", *([_ARRAYS] if self._arrays else []), "embeddings"):
            self._raw.execute(f"DELETE FROM {table} WHERE id = ?", (row,))

    def _write(self, row: int, fields: Mapping[str, Any]) -> None:
        for name, value in fields.items():
            key = clean(name)
            for table in ("embedding_metadata", *([_ARRAYS] if self._arrays else [])):
                self._raw.execute(f"DELETE FROM {table} WHERE id = ? AND key = ?", (row, key))
            if isinstance(value, list) and self._arrays:
                for part in value:
                    self._insert(_ARRAYS, row, key, part)
            elif value is not None:
                self._insert("embedding_metadata", row, key, value)

    def _insert(self, table: str, row: int, key: str, value: Any) -> None:
        column = "string_value"
        if isinstance(value, bool) and self._flags:
            column = "bool_value"
        elif isinstance(value, int) and abs(value) <= _LARGEST:
            column = "int_value"
        elif isinstance(value, float):
            column = "float_value"
        elif isinstance(value, str):
            value = clean(value)
        else:
            # A sparse vector and the like, which no person wrote.
            return
        self._raw.execute(
            f"INSERT INTO {table} (id, key, {column}) VALUES (?, ?, ?)", (row, key, value)
        )
