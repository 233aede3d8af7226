"""Parts of the queue told by what is counted of them, at a cost that hardly grows with the queue.

The table ``tally`` has, for each block of 1,024 positions and for all (block -1), how many rows
there are of each source, kind, state and origin, edited or not; triggers keep it in step. A size
is a sum over a few of its rows; a rank or a jump sums over blocks and then looks into one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.models import Filter
from engine.store.connection import Connection

BITS = 10
"""A block has ``1 << BITS`` positions."""


def tallied(which: Filter) -> bool:
    """Return whether a filter is one of those whose parts are counted."""
    return not (
        which.tag
        or which.text.strip()
        or which.flags
        or which.languages
        or which.min_quality is not None
        or which.max_quality is not None
        or which.conflict is not None
    )


def _terms(which: Filter) -> tuple[str, list[Any]]:
    terms: list[str] = ["1"]
    parameters: list[Any] = []
    for column, values in (
        ("state", which.states),
        ("kind", which.kinds),
        ("origin", which.origins),
        ("source_id", (which.source_id,) if which.source_id else ()),
    ):
        if values:
            terms.append(f"t.{column} IN ({', '.join('?' * len(values))})")
            parameters += values
    if which.edited is not None:
        terms.append(f"t.edited = {int(which.edited)}")
    return " AND ".join(terms), parameters


def by_state(db: Connection, which: Filter) -> list[tuple[str, bool, int]]:
    """Return state, whether edited, and the number of rows, for each such part of a filter."""
    terms, parameters = _terms(which)
    rows = db.all(
        "SELECT t.state, t.edited, sum(t.n) FROM tally AS t "
        f"WHERE t.block = -1 AND {terms} GROUP BY t.state, t.edited",
        parameters,
    )
    return [(state, bool(edited), number) for state, edited, number in rows]


def size(db: Connection, which: Filter) -> int:
    """Return how many rows a filter lets through."""
    return sum(number for _, _, number in by_state(db, which))


def before(db: Connection, which: Filter, block: int) -> int:
    """Return how many rows of a filter stand in the blocks before one."""
    terms, parameters = _terms(which)
    return int(
        db.value(
            "SELECT coalesce(sum(t.n), 0) FROM tally AS t "
            f"WHERE t.block >= 0 AND t.block < ? AND {terms}",
            [block, *parameters],
        )
    )


def at_rank(db: Connection, which: Filter, rank: int) -> tuple[int, int] | None:
    """Return the block of the row with ``rank`` rows before it, and its rank within the block.

    None where the filter has fewer rows.
    """
    terms, parameters = _terms(which)
    row = db.one(
        "SELECT block, ? - (behind - n) FROM (SELECT t.block AS block, sum(t.n) AS n, "
        "sum(sum(t.n)) OVER (ORDER BY t.block) AS behind FROM tally AS t "
        f"WHERE t.block >= 0 AND {terms} GROUP BY t.block) "
        "WHERE behind > ? ORDER BY block LIMIT 1",
        [rank, *parameters, rank],
    )
    return None if row is None else (int(row[0]), int(row[1]))


def blocks(
    db: Connection, which: Filter, start: int, *, down: bool = False
) -> Iterator[tuple[int, int]]:
    """Yield the first and last position of each block with rows of a filter.

    Args:
        db: The store's connection.
        which: The filter.
        start: The position whose block comes first.
        down: Whether to go towards the beginning.
    """
    terms, parameters = _terms(which)
    at = max(start, 0) >> BITS
    compare, order = ("<=", "DESC") if down else (">=", "ASC")
    while True:
        block = db.value(
            f"SELECT t.block FROM tally AS t WHERE t.block >= 0 AND t.block {compare} ? "
            f"AND t.n > 0 AND {terms} ORDER BY t.block {order} LIMIT 1",
            [at, *parameters],
        )
        if block is None:
            return
        yield block << BITS, ((block + 1) << BITS) - 1
        at = block - 1 if down else block + 1


def kinds(db: Connection) -> list[tuple[str, int]]:
    """Return every kind and how many examples are of it, the commonest first."""
    rows = db.all(
        "SELECT kind, sum(n) AS number FROM tally WHERE block = -1 GROUP BY kind "
        "HAVING number > 0 ORDER BY number DESC, kind"
    )
    return [(kind, number) for kind, number in rows]
