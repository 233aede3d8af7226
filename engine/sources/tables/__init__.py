"""Rows of any file that holds rows: JSON, CSV, Parquet, Arrow, or text with markers.

The content decides how a file is read; the end of its name is a hint where the
content leaves it open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from engine.sources.files import Item, Refused
from engine.sources.records import OnProblem, Record, records
from engine.sources.tables.formats import FORMATS, TABLE_SUFFIXES, Format, format_of, name_inside
from engine.sources.tables.packed import unpacked


def rows(
    item: Item, on_problem: OnProblem, *, on_bytes: Callable[[int], None] = lambda _: None
) -> tuple[Format, Iterator[Record]]:
    """Return how a file is written, and its rows as a stream.

    A record's ``line`` is the line of the file on which the row begins, or the row's
    number where a format has no lines.

    Args:
        item: The file.
        on_problem: Called with line, code and reason of each row that can't be read.
        on_bytes: Called with the number of the file's bytes that are behind.

    Raises:
        Refused: The file as a whole can't be read.
    """
    opened, counted = unpacked(item, on_bytes)
    found = format_of(opened)
    if opened is not item and found in ("parquet", "arrow", "arrow-stream"):
        raise Refused("compressed", f"it is {FORMATS[found]} packed once more; unpack it first")
    if found == "json":
        return found, records(opened, on_problem, on_bytes=counted)
    if found == "delimited":
        from engine.sources.tables.delimited import delimited

        return found, delimited(opened, on_problem, counted)
    if found == "parquet":
        from engine.sources.tables.native import rows_apart
        from engine.sources.tables.parquet import parquet

        return found, rows_apart(partial(parquet, opened), opened, on_problem, counted)
    if found in ("arrow", "arrow-stream"):
        from engine.sources.tables.arrow import arrow
        from engine.sources.tables.native import rows_apart

        read = partial(arrow, opened, framed=found == "arrow")
        return found, rows_apart(read, opened, on_problem, counted)
    from engine.sources.tables.prose import marked_text

    return found, marked_text(opened, on_problem, counted)


__all__ = [
    "FORMATS",
    "TABLE_SUFFIXES",
    "Format",
    "Record",
    "format_of",
    "name_inside",
    "rows",
]
