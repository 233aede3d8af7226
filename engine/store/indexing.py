"""The full text index, which keeps no text.

Its rows are made of what ``examples`` holds, and are taken out by the same text that was put
in: so an example is taken out before its text, heading or title changes, and put in after.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.models import Turn
from engine.store.connection import Connection
from engine.store.packing import index_words

Execute = Callable[[str, Sequence[Any]], Any]

_WORDS_AT_ONCE = 60
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


def unindex(execute: Execute, schema: str, where: str, parameters: Sequence[Any]) -> None:
    """Take examples out of the index, while they are as they were put in; see :func:`index`."""
    execute(
        f"INSERT INTO {schema}.search (search, rowid, text) SELECT 'delete', position, {_ROW} "
        f"FROM {schema}.examples WHERE {where}",
        parameters,
    )


def is_indexed(
    db: Connection, position: int, turns: Sequence[Turn], heading: str, title: str
) -> bool:
    """Return whether the index has every word of an example. What else it has nobody can ask."""
    words = index_words(heading, title, *(turn.content for turn in turns))
    for start in range(0, len(words), _WORDS_AT_ONCE):
        query = " ".join(f'"{word}"' for word in words[start : start + _WORDS_AT_ONCE])
        found = "SELECT 1 FROM search WHERE rowid = ? AND search MATCH ?"
        if db.value(found, [position, query]) is None:
            return False
    return True
