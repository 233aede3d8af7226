"""Formats that native code reads, in a copy of this process.

Arrow and Parquet are read by a library in C++ that trusts its input: a damaged file can end
the process that reads it, or ask for all of its memory. So each such file has a process to
itself, and costs no more than itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, Literal

from engine.apart import MEMORY, Died, apart
from engine.sources.files import Item, Refused
from engine.sources.items import MAX_RATIO
from engine.sources.records import OnProblem, Record

FREE_BYTES = 1_000_000_000
"""What a file may hold at any rate: rows of one text pack to next to nothing."""

MAX_PROBLEMS = 10_000
"""How many rows of a file are reported one by one."""

_MEMORY_POOL = "ARROW_DEFAULT_MEMORY_POOL"
_Event = tuple[Literal["record", "problem", "bytes"], Any]
_Rows = Callable[[OnProblem, Callable[[int], None]], Iterator[Record]]


def rows_apart(
    make: _Rows, item: Item, on_problem: OnProblem, on_bytes: Callable[[int], None]
) -> Iterator[Record]:
    """Yield the rows of one file, read by a process of its own.

    Args:
        make: Yields the rows, given where problems and progress go.
        item: The file.
        on_problem: Called with row number, code and reason of what can't be read.
        on_bytes: Called with the number of bytes read so far.

    Raises:
        Refused: The file can't be read, takes too much memory, holds far more than its size,
            or ended its reader.
    """
    # Memory that the library sets aside beforehand would count against the limit.
    os.environ.setdefault(_MEMORY_POOL, "system")
    import pyarrow  # noqa: F401 - about 0.1 s, once instead of in each copy

    allowed = max(FREE_BYTES, MAX_RATIO * item.size)
    try:
        for what, value in apart(lambda: _events(make, allowed), memory=MEMORY):
            if what == "record":
                yield value
            elif what == "problem":
                on_problem(*value)
            else:
                on_bytes(value)
    except Died as died:
        raise Refused("reader-died", f"it is damaged: {died.reason}") from died
    except MemoryError as error:
        limit = MEMORY // 1_000_000
        raise Refused("too-much-memory", f"reading it takes more than {limit:,} MB") from error


def _events(make: _Rows, allowed: int) -> Iterator[_Event]:
    """Yield rows, problems and progress in one order, until they are more than is allowed."""
    waiting: list[_Event] = []
    size = 0
    problems = 0

    def on_problem(*problem: Any) -> None:
        nonlocal problems
        problems += 1
        if problems > MAX_PROBLEMS:
            # A damaged length may promise as many rows as there are numbers.
            raise Refused("damaged", f"more than {MAX_PROBLEMS:,} of its rows can't be read")
        waiting.append(("problem", problem))

    rows = make(on_problem, lambda behind: waiting.append(("bytes", behind)))
    for told, record in enumerate(rows, start=1):
        yield from waiting
        waiting.clear()
        size += _weight(record.fields)
        if size > allowed:
            limit = f"{allowed // 1_000_000:,} MB"
            raise Refused("zip-bomb", f"it unpacks to over {limit}; {told:,} rows were read")
        yield "record", record
    yield from waiting


_ROW = 50
"""Bytes that a row counts for besides its text."""


def _weight(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return _ROW + sum(map(_weight, value.values()))
    if isinstance(value, list):
        return _ROW + sum(map(_weight, value))
    return 8
