"""Chroma from 0.4 on: rows in the tables of ``chroma.sqlite3``.

They are read with SQL rather than with Chroma's client. The tables that hold texts and
metadata have been the same in all versions since 0.4.0, so that no version has to be
migrated; a read of 200,000 rows takes 1 s in 13 MB, where the client's pages take 16 s in
132 MB; the index of vectors is not needed, and may be missing or damaged.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.sources.cache.copying import no_room
from engine.sources.cache.pending import apply_pending
from engine.sources.cache.rows import (
    MAX_CHARACTERS,
    Collection,
    Row,
    Scalar,
    Value,
    shortened,
    spread,
    too_large,
)
from engine.sources.items import Refused

DOCUMENT_KEY = "chroma:document"
_RESERVED = "chroma:"
_NEEDED = {
    "collections": {"id", "name"},
    "segments": {"id", "scope", "collection"},
    "embeddings": {"id", "segment_id", "embedding_id"},
    "embedding_metadata": {"id", "key", "string_value", "int_value", "float_value"},
}
_ARRAYS = "embedding_metadata_array"
# The second where a damaged name stands in the message of the first.
_ERRORS = (sqlite3.DatabaseError, UnicodeDecodeError)


class SqliteStore:
    """The copy of a database, open for as long as it is read.

    Raises:
        Refused: It is damaged, is not one of Chroma, or of a version that is not known.
    """

    def __init__(self, copy: Path) -> None:
        with named():
            self._raw = sqlite3.connect(copy, isolation_level=None)
            try:
                self._open()
            except BaseException:
                self._raw.close()
                raise

    def _open(self) -> None:
        # A database may come from anywhere: its schema must not call functions, and what
        # is no UTF-8 is shown as such.
        self._raw.execute("PRAGMA trusted_schema = OFF")
        self._raw.execute("PRAGMA synchronous = OFF")
        self._raw.text_factory = lambda data: data.decode("utf-8", "replace")
        self._columns = self._checked_columns()
        apply_pending(self._raw, self._columns)
        flag = "bool_value" if "bool_value" in self._columns["embedding_metadata"] else "NULL"
        self._cells = (
            f"SELECT key, length(string_value) > {MAX_CHARACTERS}, "
            f"CASE WHEN length(string_value) <= {MAX_CHARACTERS} THEN string_value END, "
            f"int_value, float_value, {flag} FROM embedding_metadata WHERE id = ?"
        )
        arrays = self._columns.get(_ARRAYS)
        self._arrays = bool(arrays) and self._one(f"SELECT 1 FROM {_ARRAYS} LIMIT 1") is not None

    def _checked_columns(self) -> dict[str, set[str]]:
        """Return the columns of all tables."""
        found = self._raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = [str(name) for (name,) in found]
        columns = {
            name: {str(column) for _, column, *_ in self._raw.execute(f"PRAGMA table_info({name})")}
            for name in (*_NEEDED, _ARRAYS, "databases", "max_seq_id", "embeddings_queue")
            if name in names
        }
        if all(needed <= columns.get(name, set()) for name, needed in _NEEDED.items()):
            return columns
        if not names:
            raise Refused("empty", "the database has no tables")
        if {"collections", "migrations"} <= set(names):
            raise Refused(
                "unknown-version",
                "it is of a version of Chroma that finetui does not know; its tables differ",
            )
        shown = ", ".join(sorted(names)[:6])
        raise Refused("not-chroma", f"it is a SQLite database, but none of Chroma; tables: {shown}")

    def close(self) -> None:
        """Let the copy go."""
        self._raw.close()

    def _one(self, sql: str, *values: Any) -> Any:
        return self._raw.execute(sql, values).fetchone()

    def collections(self) -> list[Collection]:
        """Return the collections, by name; one name in two databases gets the database's."""
        sql = "SELECT c.id, c.name, '' FROM collections c"
        if "database_id" in self._columns["collections"] and "databases" in self._columns:
            sql = (
                "SELECT c.id, c.name, coalesce(d.name, '') FROM collections c "
                "LEFT JOIN databases d ON d.id = c.database_id"
            )
        with named():
            listed = self._raw.execute(f"{sql} ORDER BY 2, 3, 1").fetchall()
            uses = Counter(name for _, name, _ in listed)
            return [
                Collection(
                    f"{database}/{name}" if uses[name] > 1 else str(name),
                    self._one(f"SELECT count(*) FROM embeddings WHERE {_OF_COLLECTION}", key)[0],
                    str(key),
                )
                for key, name, database in listed
            ]

    def rows(self, collection: Collection, order: str = "") -> Iterator[Row]:
        """Yield the rows in the order in which they were written.

        Args:
            collection: One of the store's.
            order: A metadata key by whose values the rows come together.
        """
        ordered, values = "e.id", [collection.key]
        if order:
            ordered = (
                "(SELECT coalesce(o.string_value, o.int_value, o.float_value) "
                "FROM embedding_metadata o WHERE o.id = e.id AND o.key = ?), e.id"
            )
            values.append(order)
        with named():
            for number, name, created in self._raw.execute(
                f"{self._listed} WHERE e.{_OF_COLLECTION} ORDER BY {ordered}", values
            ):
                yield self._row(number, name, created)

    def sample(self, collection: Collection, limit: int) -> list[Row]:
        """Return up to ``limit`` rows from all over a collection."""
        found: list[Row] = []
        try:
            with named():
                every = self._raw.execute(
                    f"{self._listed} WHERE e.{_OF_COLLECTION} ORDER BY e.id", (collection.key,)
                )
                for row in spread(every, collection.count, limit):
                    found.append(shortened(self._row(*row)))
        except Refused:
            if not found:
                raise
        return found

    @property
    def _listed(self) -> str:
        created = "e.created_at" if "created_at" in self._columns["embeddings"] else "NULL"
        return f"SELECT e.id, e.embedding_id, {created} FROM embeddings e NOT INDEXED"

    def _row(self, number: int, name: Any, created: Any) -> Row:
        """Return a row with its text and metadata, or with why they can't be read."""
        metadata: dict[str, Value] = {}
        problem: tuple[str, str] | None = None
        try:
            for key, large, *cells in self._raw.execute(self._cells, (number,)):
                value = _value(*cells)
                if large:
                    problem = too_large("its text" if key == DOCUMENT_KEY else str(key))
                elif value is not None:
                    metadata[str(key)] = value
            if self._arrays:
                self._add_arrays(number, metadata)
        except _ERRORS as error:
            problem = ("damaged", f"the database is damaged where it lies: {error}")
        document = metadata.pop(DOCUMENT_KEY, "")
        return Row(
            str(name),
            document if isinstance(document, str) else str(document),
            {key.removeprefix(_RESERVED): value for key, value in metadata.items()},
            str(created or ""),
            problem,
        )

    def _add_arrays(self, number: int, metadata: dict[str, Value]) -> None:
        sql = (
            "SELECT key, string_value, int_value, float_value, bool_value "
            f"FROM {_ARRAYS} WHERE id = ? ORDER BY rowid"
        )
        for key, *cells in self._raw.execute(sql, (number,)):
            value = _value(*cells)
            listed = metadata.setdefault(str(key), [])
            if value is not None and isinstance(listed, list):
                listed.append(value)


_OF_COLLECTION = (
    "segment_id IN (SELECT id FROM segments WHERE collection = ? AND scope = 'METADATA')"
)


def _value(text: Any, whole: Any, real: Any, flag: Any) -> Scalar | None:
    """Return the one of a row's typed columns that is filled."""
    if text is not None:
        return text if isinstance(text, str) else str(text)
    if flag is not None:
        return bool(flag)
    found: Scalar | None = whole if whole is not None else real
    return found


@contextmanager
def named() -> Iterator[None]:
    """Turn SQLite's errors into a refusal, or into DiskFull."""
    try:
        yield
    except _ERRORS as error:
        text = str(error)
        if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
            raise no_room(tempfile.gettempdir()) from error
        if "not a database" in text:
            raise Refused(
                "not-a-database", "it is not a SQLite database; it may be encrypted or damaged"
            ) from error
        raise Refused("damaged", f"the database is damaged; SQLite says: {text}") from error
