"""Chroma before 0.4: rows and collections in two Parquet files, written by DuckDB."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.apart import Died, apart
from engine.sources.cache.copying import COLLECTIONS_NAME
from engine.sources.cache.rows import (
    MAX_CHARACTERS,
    Collection,
    Row,
    Value,
    shortened,
    spread,
    too_large,
)
from engine.sources.items import Refused

_COLUMNS = ["collection_uuid", "document", "id", "metadata"]
_AT_ONCE = 500


class ParquetStore:
    """The copy of a database, open for as long as it is read.

    Raises:
        Refused: It is damaged, or is not one of Chroma.
    """

    def __init__(self, copy: Path) -> None:
        self._copy = copy
        listed = [
            row
            for rows in _read_apart(copy.with_name(COLLECTIONS_NAME), ["uuid", "name"])
            for row in rows
        ]
        self._names = {str(row["uuid"]): str(row["name"]) for row in listed}

    def close(self) -> None:
        """Let the copy go; it is open only while rows are read."""

    def collections(self) -> list[Collection]:
        """Return the collections, by name."""
        counts: Counter[str] = Counter()
        for batch in self._batches(["collection_uuid"]):
            counts.update(str(row["collection_uuid"]) for row in batch)
        return sorted(
            (Collection(name, counts[key], key) for key, name in self._names.items()),
            key=lambda collection: collection.name,
        )

    def rows(self, collection: Collection, order: str = "") -> Iterator[Row]:
        """Yield the rows in the order in which they were written.

        Args:
            collection: One of the store's.
            order: A metadata key by whose values the rows come together.
        """
        found = (
            _row(row)
            for batch in self._batches(_COLUMNS)
            for row in batch
            if str(row["collection_uuid"]) == collection.key
        )
        yield from sorted(found, key=lambda row: str(row.metadata.get(order))) if order else found

    def sample(self, collection: Collection, limit: int) -> list[Row]:
        """Return up to ``limit`` rows from all over a collection."""
        return [shortened(row) for row in spread(self.rows(collection), collection.count, limit)]

    def _batches(self, columns: list[str]) -> Iterator[list[dict[str, Any]]]:
        return _read_apart(self._copy, columns)


def _row(found: dict[str, Any]) -> Row:
    metadata: dict[str, Value] = {}
    problem: tuple[str, str] | None = None
    try:
        fields = json.loads(found["metadata"] or "{}")
    except (ValueError, RecursionError):
        fields = {}
    for key, value in (fields if isinstance(fields, dict) else {}).items():
        if isinstance(value, str) and len(value) > MAX_CHARACTERS:
            problem = too_large(str(key))
        elif isinstance(value, str | int | float):
            metadata[key] = value
    document = str(found["document"] or "")
    if len(document) > MAX_CHARACTERS:
        problem = too_large("its text")
        document = ""
    return Row(str(found["id"]), document, metadata, "", problem)


def _read_apart(path: Path, columns: list[str]) -> Iterator[list[dict[str, Any]]]:
    """Yield some rows at a time; a damaged file ends a copy of this process, not this one."""
    try:
        yield from apart(lambda: _rows_in(path, columns), batch=1)
    except Died as died:
        raise Refused("damaged", f"its Parquet files are damaged: {died.reason}") from died
    except MemoryError as error:
        raise Refused("too-much-memory", "reading its Parquet files takes too much") from error


def _rows_in(path: Path, columns: list[str]) -> Iterator[list[dict[str, Any]]]:
    with _named():
        # Half a second, and only for the few databases that are so old.
        from pyarrow import parquet

        with parquet.ParquetFile(path) as file:
            missing = set(columns) - set(file.schema_arrow.names)
            if missing:
                raise Refused("not-chroma", f"it has no column {', '.join(sorted(missing))}")
            for batch in file.iter_batches(_AT_ONCE, columns=columns, use_threads=False):
                batch.validate(full=True)
                yield batch.to_pylist()


@contextmanager
def _named() -> Iterator[None]:
    """Turn Arrow's errors into a refusal."""
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError, ValueError) as error:
        first = str(error).partition("\n")[0][:200]
        raise Refused("damaged", f"its Parquet files are damaged: {first}") from error
