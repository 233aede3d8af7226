"""The full text index, which keeps no text.

Its rows are made of what ``examples`` holds, and are taken out by the same text that was put
in: so an example is taken out before its text, heading or title changes, and put in after.
"""

from __future__ import annotations

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


def unindex(execute: Execute, schema: str, where: str, parameters: Sequence[Any]) -> None:
    """Take examples out of the index, while they are as they were put in; see :func:`index`."""
    execute(
        f"INSERT INTO {schema}.search (search, rowid, text) SELECT 'delete', position, {_ROW} "
        f"FROM {schema}.examples WHERE {where}",
        parameters,
    )
