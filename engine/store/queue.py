"""Reading the queue and the examples behind it.

``position`` is the queue's order and never changes. Paging by position costs the page alone.
Sizes, ranks and jumps come from :mod:`engine.store.tally` where a filter is of what is counted
there; with a text, a tag or findings they look at each row of the filter, and belong into a
thread (see :mod:`tui.bridge.queue`, which keeps such a filter's positions).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from engine.errors import ExampleAmbiguous, ExampleMissing, WorkspaceDamaged
from engine.models import (
    NO_MEASURES,
    Brief,
    Card,
    Conflict,
    Counts,
    Example,
    Filter,
    Provenance,
    QueueRow,
    short_id,
)
from engine.store import findings as finding_rows
from engine.store import journal as journal_rows
from engine.store import tally
from engine.store.authors import question_by
from engine.store.connection import Connection, Row
from engine.store.failures import damaged_row
from engine.store.filters import FOUND, FOUND_THERE, conditions, marks
from engine.store.fold import fold_one
from engine.store.packing import (
    SAME_HASH,
    load_alternatives,
    load_mapping,
    load_texts,
    load_turns,
    unreadable,
)

CARDS_AT_ONCE = 256
_ALL = Filter()
_LAST = (1 << 62) - 1

UNRESOLVED = Conflict(0, "skip", "", 0.0, ())
"""Stands in a card that is in conflict until its journal is read."""

_ROW = (
    "q.position, q.example_id, q.state, q.edited, q.label, q.kind, q.origin, q.flagged, q.conflict"
)
_CARD = (
    "q.position, q.example_id, q.state, q.edited, q.kind, q.decided_at, q.source_id, "
    "e.path, e.start_line, e.end_line, e.heading, e.title, e.tags, e.date, e.content_hash, "
    "e.score, e.reason, e.metadata, e.alternatives, e.record, e.follows, q.origin, q.conflict, "
    "(SELECT max(j.seq) FROM journal AS j WHERE j.example_id = q.example_id), "
    "e.turns, e.edited_turns"
)
_FROM_CARD = "FROM queue AS q JOIN examples AS e ON e.position = q.position"


def _queue_row(row: Row) -> QueueRow:
    position, example_id, state, edited, label, kind, origin, flagged, conflict = row
    return QueueRow(
        position,
        example_id,
        state,
        bool(edited),
        label,
        kind,
        origin,
        bool(flagged),
        bool(conflict),
    )


def page(db: Connection, which: Filter, after: int, limit: int) -> list[QueueRow]:
    """Return the ``limit`` rows that come after a position."""
    if which == _ALL or not tally.tallied(which):
        return _rows(db, which, after + 1, _LAST, limit)
    found: list[QueueRow] = []
    for first, last in tally.blocks(db, which, after + 1):
        found += _rows(db, which, max(first, after + 1), last, limit - len(found))
        if len(found) >= limit:
            break
    return found


def rows_of(db: Connection, ids: Sequence[str]) -> list[QueueRow]:
    """Return the rows of some examples, in the order of the ids; what is gone is left out."""
    found: dict[str, QueueRow] = {}
    for start in range(0, len(ids), CARDS_AT_ONCE):
        some = ids[start : start + CARDS_AT_ONCE]
        where = f"q.example_id IN ({marks(some)})"
        for row in db.all(f"SELECT {_ROW} FROM queue AS q WHERE {where}", some):
            found[row[1]] = _queue_row(row)
    return [found[one] for one in ids if one in found]


def page_before(db: Connection, which: Filter, before: int, limit: int) -> list[QueueRow]:
    """Return the ``limit`` rows that come before a position, in ascending order."""
    if which == _ALL or not tally.tallied(which):
        return _rows(db, which, 0, before - 1, limit, "DESC")[::-1]
    found: list[QueueRow] = []
    for first, last in tally.blocks(db, which, before - 1, down=True):
        found += _rows(db, which, first, min(last, before - 1), limit - len(found), "DESC")
        if len(found) >= limit:
            break
    return found[::-1]


def _rows(
    db: Connection, which: Filter, first: int, last: int, limit: int, order: str = "ASC"
) -> list[QueueRow]:
    where, parameters = conditions(which)
    rows = db.all(
        f"SELECT {_ROW} FROM queue AS q WHERE {where} AND q.position >= ? AND q.position <= ? "
        f"ORDER BY q.position {order} LIMIT ?",
        [*parameters, first, last, limit],
    )
    return [_queue_row(row) for row in rows]


def rows_at(db: Connection, some: Sequence[int]) -> list[QueueRow]:
    """Return the rows at some positions, in queue order; what is gone is left out."""
    rows = db.all(
        f"SELECT {_ROW} FROM queue AS q WHERE q.position IN ({marks(some)}) ORDER BY q.position",
        some,
    )
    return [_queue_row(row) for row in rows]


def listing(db: Connection, which: Filter) -> list[tuple[int, bool]]:
    """Return position and whether undecided of a filter's rows, in queue order."""
    where, parameters = conditions(which)
    rows = db.all(
        f"SELECT q.position, q.state = 'undecided' FROM queue AS q WHERE {where} "
        "ORDER BY q.position",
        parameters,
    )
    return [(position, bool(undecided)) for position, undecided in rows]


def lets_through(db: Connection, which: Filter, position: int) -> bool:
    """Return whether a filter lets the row at a position through."""
    where, parameters = conditions(which)
    # What a search finds is not listed for the sake of one row.
    where = where.replace(FOUND, FOUND_THERE)
    found = db.value(
        f"SELECT 1 FROM queue AS q WHERE {where} AND q.position = ?", [*parameters, position]
    )
    return found is not None


def size(db: Connection, which: Filter) -> int:
    """Return how many rows a filter lets through."""
    if tally.tallied(which):
        return tally.size(db, which)
    where, parameters = conditions(which)
    return int(db.value(f"SELECT count(*) FROM queue AS q WHERE {where}", parameters))


def rank(db: Connection, which: Filter, position: int) -> int:
    """Return how many rows of a filter come before a position."""
    where, parameters = conditions(which)
    first = known = 0
    if tally.tallied(which):
        block = max(position, 0) >> tally.BITS
        first, known = block << tally.BITS, tally.before(db, which, block)
    number = db.value(
        f"SELECT count(*) FROM queue AS q WHERE {where} AND q.position >= ? AND q.position < ?",
        [*parameters, first, position],
    )
    return known + int(number)


def window(db: Connection, which: Filter, start_rank: int, limit: int) -> list[QueueRow]:
    """Return ``limit`` rows from the row with ``start_rank`` rows before it."""
    where, parameters = conditions(which)
    first, left = 0, max(start_rank, 0)
    if tally.tallied(which):
        place = tally.at_rank(db, which, left)
        if place is None:
            return []
        first, left = place[0] << tally.BITS, place[1]
    # The inner query skips entries of an index; only the page's rows are read whole.
    found = db.value(
        f"SELECT q.position FROM queue AS q WHERE {where} AND q.position >= ? "
        "ORDER BY q.position LIMIT 1 OFFSET ?",
        [*parameters, first, left],
    )
    return [] if found is None else page(db, which, int(found) - 1, limit)


def next_undecided(db: Connection, which: Filter, after: int) -> QueueRow | None:
    """Return the first undecided row of a filter after a position; it doesn't wrap around."""
    if which.states and "undecided" not in which.states:
        return None
    rows = page(db, replace(which, states=("undecided",)), after, 1)
    return rows[0] if rows else None


def counts(db: Connection, which: Filter) -> Counts:
    """Return how many rows of a filter are in each state."""
    where, parameters = conditions(which)
    if tally.tallied(which):
        parts = tally.by_state(db, which)
    else:
        rows = db.all(
            f"SELECT q.state, q.edited, count(*) FROM queue AS q WHERE {where} GROUP BY 1, 2",
            parameters,
        )
        parts = [(state, bool(edited), number) for state, edited, number in rows]
    conflicts = db.value(
        f"SELECT count(*) FROM queue AS q WHERE q.conflict = 1 AND {where}", parameters
    )
    in_state: Counter[str] = Counter()
    for state, _, number in parts:
        in_state[state] += number
    return Counts(
        total=in_state.total(),
        undecided=in_state["undecided"],
        approved=in_state["approved"],
        rejected=in_state["rejected"],
        skipped=in_state["skipped"],
        edited=sum(number for _, edited, number in parts if edited),
        conflicts=int(conflicts),
    )


def tags(db: Connection) -> list[tuple[str, int]]:
    """Return every tag and how many examples have it, the commonest first."""
    rows = db.all("SELECT tag, count(*) FROM tags GROUP BY tag ORDER BY count(*) DESC, tag")
    return [(tag, number) for tag, number in rows]


def kinds(db: Connection) -> list[tuple[str, int]]:
    """Return every kind and how many examples are of it, the commonest first."""
    return tally.kinds(db)


def _card(row: Row) -> Card:
    (position, example_id, state, edited, kind, decided_at, source_id, *rest) = row
    path, start_line, end_line, heading, title, tag_list, date, content_hash, *rest = rest
    score, reason, metadata, alternatives, record, follows, origin, *rest = rest
    conflict, seen, turns, edited_turns = rest
    _require(str, path=path, heading=heading, title=title, date=date, reason=reason)
    _require(str, content_hash=content_hash, record=record, follows=follows)
    _require(int, start_line=start_line, end_line=end_line)
    _require((float, int), score=score, decided_at=decided_at)
    original = load_turns(turns)
    return Card(
        example=Example(
            id=example_id,
            kind=kind,
            turns=original,
            provenance=Provenance(
                source_id=source_id,
                path=path,
                start_line=start_line,
                end_line=end_line,
                heading=heading,
                title=title,
                tags=load_texts(tag_list),
                date=date,
                content_hash=example_id if content_hash == SAME_HASH else content_hash,
                record=record,
            ),
            score=score,
            reason=reason,
            metadata=load_mapping(metadata),
            alternatives=load_alternatives(alternatives),
            follows=follows,
        ),
        turns=original if edited_turns is None else load_turns(edited_turns),
        state=state,
        edited=bool(edited),
        position=position,
        decided_at=decided_at,
        origin=origin,
        seen=seen or 0,
        conflict=UNRESOLVED if conflict else None,
    )


def _require(form: type | tuple[type, ...], **values: object) -> None:
    for name, value in values.items():
        if not isinstance(value, form):
            raise unreadable(name, f"a {type(value).__name__} stands there")


def _read(db: Connection, rows: Sequence[Row]) -> list[Card]:
    """Return the cards of rows.

    Raises:
        WorkspaceDamaged: A value is not as it is written; the row is named.
    """
    found = []
    row: Row = ()
    try:
        for row in rows:
            found.append(_signed(db, _card(row)))
        row = rows[0] if len(rows) == 1 else ()
        return _with_findings(db, found)
    except (WorkspaceDamaged, ValueError, TypeError, LookupError, StopIteration) as error:
        if not row:
            raise unreadable("what checks found", error) from error
        raise _damaged(db, row[0], error, str(row[1])) from error


def _damaged(db: Connection, position: int, why: object, named: str = "") -> WorkspaceDamaged:
    which = (
        f"example {named} (position {position})" if named else f"the example (position {position})"
    )
    # Triggers see to the rest; the queue's row alone makes it an example.
    remedy = f"DELETE FROM queue WHERE position = {int(position)}"
    return damaged_row(db.path, which, why, remedy)


def damage(db: Connection, some: Sequence[int]) -> dict[int, str]:
    """Return which of some examples can't be read, by position, and why."""
    try:
        cards_at(db, some)
    except WorkspaceDamaged as error:
        if len(some) == 1:
            return {some[0]: str(error.__cause__ or error)}
        return {at: why for one in some for at, why in damage(db, [one]).items()}
    return {}


def _with_findings(db: Connection, cards: Sequence[Card]) -> list[Card]:
    """Return cards with what checks found in them."""
    positions = [card.position for card in cards]
    flags = finding_rows.flags_of(db, positions)
    measures = finding_rows.measures_of(db, positions)
    return [
        replace(
            card,
            flags=flags.get(card.position, ()),
            measures=measures.get(card.position, NO_MEASURES),
            checked=card.position in measures,
        )
        for card in cards
    ]


def _signed(db: Connection, card: Card) -> Card:
    """Return a card with what its journal says: who wrote its question, and its conflict."""
    if not card.edited and card.conflict is None:
        return card
    entries = journal_rows.entries(db, None, card.example.id)[::-1]
    author = question_by(entries, card.turns) if card.edited else ""
    conflict = fold_one(entries).conflict if card.conflict else None
    return replace(card, question_by=author, conflict=conflict)


def card_at(db: Connection, example_id: str) -> Card | None:
    """Return the card of an example by its whole id."""
    try:
        row = db.one(f"SELECT {_CARD} {_FROM_CARD} WHERE q.example_id = ?", [example_id])
    except WorkspaceDamaged as error:  # a text that is none, before its row is known
        raise damaged_row(db.path, f"example {example_id}", error) from error
    return None if row is None else _read(db, [row])[0]


def resolve(db: Connection, id_or_prefix: str) -> str:
    """Return the whole id that a prefix, with or without ``b2-``, means.

    Raises:
        ExampleMissing: No example's id begins so.
        ExampleAmbiguous: Several do.
    """
    given = id_or_prefix.strip()
    found: list[Row] = []
    for start in (given, "b2-" + given) if given else ():
        # The last code point sorts after all that can follow a prefix.
        found = db.all(
            "SELECT example_id FROM queue WHERE example_id >= ? AND example_id < ? "
            "ORDER BY example_id LIMIT 9",
            [start, start + "\U0010ffff"],
        )
        if found:
            break
    ids = [str(row[0]) for row in found]
    if given in ids or len(ids) == 1:
        return given if given in ids else ids[0]
    if not ids:
        raise ExampleMissing(
            f"no example has the id {given or '(empty)'}",
            hint="list them with: finetui examples list",
        )
    some = ", ".join(short_id(found_id) for found_id in ids[:8])
    raise ExampleAmbiguous(
        f"{given} fits {'more than 8' if len(ids) > 8 else len(ids)} examples: {some}",
        hint="write more digits of the id",
    )


def card(db: Connection, id_or_prefix: str) -> Card:
    """Return the card of the example that an id or prefix means.

    Raises:
        ExampleMissing: No example's id begins so.
        ExampleAmbiguous: Several do.
    """
    whole = resolve(db, id_or_prefix)
    found = card_at(db, whole)
    if found is None:  # another process removed it between the two queries
        raise ExampleMissing(f"no example has the id {whole}")
    return found


def newer_version(db: Connection, example_id: str) -> str:
    """Return the id of the latest example that follows another one, or nothing."""
    found = db.value(
        "SELECT q.example_id FROM examples AS e JOIN queue AS q ON q.position = e.position "
        "WHERE e.follows = ? AND e.follows != '' ORDER BY e.position DESC LIMIT 1",
        [example_id],
    )
    return str(found or "")


def cards(db: Connection, which: Filter, limit: int | None) -> Iterator[Card]:
    """Yield the cards of a filter in queue order.

    The positions are read once, the cards some at a time: a search runs once, and a
    card that has left the filter's states since then is left out.
    """
    found = positions(db, which, limit)
    where, parameters = conditions(replace(which, text="", tag="", flags=()))
    for start in range(0, len(found), CARDS_AT_ONCE):
        yield from cards_at(db, found[start : start + CARDS_AT_ONCE], where, parameters)


def positions(db: Connection, which: Filter, limit: int | None = None) -> list[int]:
    """Return the places of a filter's examples, in queue order."""
    where, parameters = conditions(which)
    rows = db.all(
        f"SELECT q.position FROM queue AS q WHERE {where} ORDER BY q.position LIMIT ?",
        [*parameters, -1 if limit is None else limit],
    )
    return [row[0] for row in rows]


def briefs(db: Connection) -> list[Brief]:
    """Return what is known of every example without its text, in queue order."""
    rows = db.all(
        "SELECT position, example_id, source_id, state, quality, coalesce(language, '') "
        "FROM queue ORDER BY position"
    )
    return [Brief(*row) for row in rows]


def cards_at(
    db: Connection, some: Sequence[int], where: str = "1", parameters: Sequence[Any] = ()
) -> list[Card]:
    """Return the cards at some places, a few hundred at most; what is gone is left out."""
    try:
        rows = db.all(
            f"SELECT {_CARD} {_FROM_CARD} WHERE q.position IN ({marks(some)}) "
            f"AND {where} ORDER BY q.position",
            [*some, *parameters],
        )
        return _read(db, rows)
    except WorkspaceDamaged as error:
        if len(some) != 1:
            for one in some:  # the one that it is about
                cards_at(db, [one], where, parameters)
        elif "(position " not in str(error):
            raise _damaged(db, some[0], error) from error
        raise
