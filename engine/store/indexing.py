"""The full text index, which keeps no text.

Its rows are made of what ``examples`` holds, and are taken out by the same text that was put
in: so an example is taken out before its text, heading or title changes, and put in after.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

Execute = Callable[[str, Sequence[Any]], Any]

_ROW = "search_row(coalesce(edited_turns, turns), heading, title)"


def index(execute: Execute, schema: str, where: str, parameters: Sequence[Any]) -> None:
    """Put examples into the index.

    Args:
        execute: Runs a statement in the transaction that is open.
        schema: The name of the database, such as ``main``.
        where: Which rows of ``examples``; none of them may be in the index.
        parameters: What the condition needs.
    """
    execute(
        f"INSERT INTO {schema}.search (rowid, text) SELECT position, {_ROW} "
        f"FROM {schema}.examples WHERE {where}",
        parameters,
    )


def index_anew(execute: Execute) -> None:
    """Make the whole index of the main database anew; costs as much as all text is long."""
    execute("INSERT INTO search (search) VALUES ('delete-all')", [])
    index(execute, "main", "1", [])


class Terms:
    """What the index makes of a text, in a private index that is gone when it is closed.

    Args:
        sql: How the index of the database was made.
    """

    def __init__(self, sql: str) -> None:
        self._raw = sqlite3.connect(":memory:", isolation_level=None)
        self._raw.execute(sql)
        self._raw.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(search, row)")

    def of(self, text: str) -> set[str]:
        """Return the terms of a text."""
        self._raw.execute("INSERT INTO search (search) VALUES ('delete-all')")
        self._raw.execute("INSERT INTO search (rowid, text) VALUES (1, ?)", [text])
        return {row[0] for row in self._raw.execute("SELECT term FROM terms")}

    def close(self) -> None:
        """Drop the private index."""
        self._raw.close()


def unindex(execute: Execute, schema: str, where: str, parameters: Sequence[Any]) -> None:
    """Take examples out of the index, while they are as they were put in; see :func:`index`."""
    execute(
        f"INSERT INTO {schema}.search (search, rowid, text) SELECT 'delete', position, {_ROW} "
        f"FROM {schema}.examples WHERE {where}",
        parameters,
    )
