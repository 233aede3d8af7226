"""Reading the queue and the examples behind it.

``position`` is the queue's order and never changes. Paging by position costs the
page alone; a rank or a window by rank counts rows of a narrow index, which is linear
in the rank (about a millisecond for every hundred thousand rows of one state).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from engine.errors import ExampleAmbiguous, ExampleMissing
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
from engine.store.authors import question_by
from engine.store.connection import Connection, Row
from engine.store.failures import translated
from engine.store.fold import fold_one
from engine.store.packing import (
    SAME_HASH,
    joined_words,
    load_alternatives,
    load_mapping,
    load_turns,
    search_query,
)

CARDS_AT_ONCE = 256

_BESIDE = (
    "(SELECT beside(coalesce(e.edited_turns, e.turns), e.heading, e.title, ?) "
    "FROM examples AS e WHERE e.position = q.position)"
)

UNRESOLVED = Conflict(0, "skip", "", 0.0, ())
"""Stands in a card that is in conflict until its journal is read."""

_ROW = (
    "q.position, q.example_id, q.state, q.edited, q.label, q.kind, q.origin, q.flagged, q.conflict"
)
_CARD = (
    "q.position, q.example_id, q.state, q.edited, q.kind, q.decided_at, q.source_id, "
    "e.path, e.start_line, e.end_line, e.heading, e.title, e.tags, e.date, e.content_hash, "
    "e.score, e.reason, e.metadata, e.alternatives, e.follows, q.origin, q.conflict, "
    "(SELECT max(j.seq) FROM journal AS j WHERE j.example_id = q.example_id), "
    "e.turns, e.edited_turns"
)
_FROM_CARD = "FROM queue AS q JOIN examples AS e ON e.position = q.position"


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def conditions(which: Filter) -> tuple[str, list[Any]]:
    """Return a filter as the terms of a WHERE over ``queue AS q``, and their parameters."""
    terms: list[str] = []
    parameters: list[Any] = []

    def add(term: str, *values: Any) -> None:
        terms.append(term)
        parameters.extend(values)

    if which.states:
        add(f"q.state IN ({_marks(which.states)})", *which.states)
    if which.kinds:
        add(f"q.kind IN ({_marks(which.kinds)})", *which.kinds)
    if which.source_id:
        add("q.source_id = ?", which.source_id)
    if which.tag:
        add("q.position IN (SELECT position FROM tags WHERE tag = ?)", which.tag)
    if which.origins:
        # An index holds the rows whose origin is not empty.
        add(f"q.origin != '' AND q.origin IN ({_marks(which.origins)})", *which.origins)
    if which.edited is not None:
        # Written out, not bound, so that the planner sees the partial index that it fits.
        add(f"q.edited = {int(which.edited)}")
    if which.conflict is not None:
        add(f"q.conflict = {int(which.conflict)}")
    if which.flags:
        terms.append(_flagged(which.flags, parameters))
    if which.languages:
        add(f"q.language != '' AND q.language IN ({_marks(which.languages)})", *which.languages)
    if which.min_quality is not None:
        add("q.quality IS NOT NULL AND q.quality >= ?", which.min_quality)
    if which.max_quality is not None:
        add("q.quality IS NOT NULL AND q.quality <= ?", which.max_quality)
    if which.text.strip():
        query = search_query(which.text)
        if query:
            add("q.position IN (SELECT rowid FROM search WHERE search MATCH ?)", query)
            for word in joined_words(which.text):
                add(_BESIDE, word)
        else:
            add("0")
    return " AND ".join(terms) or "1", parameters


def _flagged(flags: Sequence[str], parameters: list[Any]) -> str:
    """Return the term for examples with any of some flags, each a kind or ``kind:code``."""
    terms = []
    for kind, _, code in (flag.partition(":") for flag in flags):
        parameters += [kind, code] if code else [kind]
        terms.append("kind = ? AND code = ?" if code else "kind = ?")
    return f"q.position IN (SELECT position FROM flags WHERE {' OR '.join(terms)})"


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
    where, parameters = conditions(which)
    rows = db.all(
        f"SELECT {_ROW} FROM queue AS q WHERE {where} AND q.position > ? "
        "ORDER BY q.position LIMIT ?",
        [*parameters, after, limit],
    )
    return [_queue_row(row) for row in rows]


def rows_of(db: Connection, ids: Sequence[str]) -> list[QueueRow]:
    """Return the rows of some examples, in the order of the ids; what is gone is left out."""
    found: dict[str, QueueRow] = {}
    for start in range(0, len(ids), CARDS_AT_ONCE):
        some = ids[start : start + CARDS_AT_ONCE]
        where = f"q.example_id IN ({_marks(some)})"
        for row in db.all(f"SELECT {_ROW} FROM queue AS q WHERE {where}", some):
            found[row[1]] = _queue_row(row)
    return [found[one] for one in ids if one in found]


def page_before(db: Connection, which: Filter, before: int, limit: int) -> list[QueueRow]:
    """Return the ``limit`` rows that come before a position, in ascending order."""
    where, parameters = conditions(which)
    rows = db.all(
        f"SELECT {_ROW} FROM queue AS q WHERE {where} AND q.position < ? "
        "ORDER BY q.position DESC LIMIT ?",
        [*parameters, before, limit],
    )
    return [_queue_row(row) for row in reversed(rows)]


def size(db: Connection, which: Filter) -> int:
    """Return how many rows a filter lets through."""
    where, parameters = conditions(which)
    return int(db.value(f"SELECT count(*) FROM queue AS q WHERE {where}", parameters))


def rank(db: Connection, which: Filter, position: int) -> int:
    """Return how many rows of a filter come before a position."""
    where, parameters = conditions(which)
    return int(
        db.value(
            f"SELECT count(*) FROM queue AS q WHERE {where} AND q.position < ?",
            [*parameters, position],
        )
    )


def window(db: Connection, which: Filter, start_rank: int, limit: int) -> list[QueueRow]:
    """Return ``limit`` rows from the row with ``start_rank`` rows before it."""
    where, parameters = conditions(which)
    # The inner query skips entries of an index; only the page's rows are read whole.
    first = db.value(
        f"SELECT q.position FROM queue AS q WHERE {where} ORDER BY q.position LIMIT 1 OFFSET ?",
        [*parameters, max(start_rank, 0)],
    )
    return [] if first is None else page(db, which, int(first) - 1, limit)


def next_undecided(db: Connection, which: Filter, after: int) -> QueueRow | None:
    """Return the first undecided row of a filter after a position; it doesn't wrap around."""
    if which.states and "undecided" not in which.states:
        return None
    where, parameters = conditions(which)
    row = db.one(
        f"SELECT {_ROW} FROM queue AS q WHERE {where} AND q.state = 'undecided' "
        "AND q.position > ? ORDER BY q.position LIMIT 1",
        [*parameters, after],
    )
    return None if row is None else _queue_row(row)


def counts(db: Connection, which: Filter) -> Counts:
    """Return how many rows of a filter are in each state."""
    where, parameters = conditions(which)
    rows = db.all(
        f"SELECT q.state, count(*) FROM queue AS q WHERE {where} GROUP BY q.state", parameters
    )
    by_state: dict[str, int] = dict(rows)
    edited = db.value(f"SELECT count(*) FROM queue AS q WHERE {where} AND q.edited = 1", parameters)
    conflicts = db.value(
        f"SELECT count(*) FROM queue AS q WHERE {where} AND q.conflict = 1", parameters
    )
    return Counts(
        total=sum(by_state.values()),
        undecided=by_state.get("undecided", 0),
        approved=by_state.get("approved", 0),
        rejected=by_state.get("rejected", 0),
        skipped=by_state.get("skipped", 0),
        edited=int(edited),
        conflicts=int(conflicts),
    )


def tags(db: Connection) -> list[tuple[str, int]]:
    """Return every tag and how many examples have it, the commonest first."""
    rows = db.all("SELECT tag, count(*) FROM tags GROUP BY tag ORDER BY count(*) DESC, tag")
    return [(tag, number) for tag, number in rows]


def kinds(db: Connection) -> list[tuple[str, int]]:
    """Return every kind and how many examples are of it, the commonest first."""
    rows = db.all("SELECT kind, count(*) FROM queue GROUP BY kind ORDER BY count(*) DESC, kind")
    return [(kind, number) for kind, number in rows]


def _card(row: Row) -> Card:
    (position, example_id, state, edited, kind, decided_at, source_id, *rest) = row
    path, start_line, end_line, heading, title, tag_list, date, content_hash, *rest = rest
    score, reason, metadata, alternatives, follows, origin, *rest = rest
    conflict, seen, turns, edited_turns = rest
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
                tags=tuple(json.loads(tag_list)),
                date=date,
                content_hash=example_id if content_hash == SAME_HASH else content_hash,
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
    row = db.one(f"SELECT {_CARD} {_FROM_CARD} WHERE q.example_id = ?", [example_id])
    with translated(db.path):
        return None if row is None else _with_findings(db, [_signed(db, _card(row))])[0]


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
        "SELECT position, example_id, source_id, state, quality FROM queue ORDER BY position"
    )
    return [Brief(*row) for row in rows]


def cards_at(
    db: Connection, some: Sequence[int], where: str = "1", parameters: Sequence[Any] = ()
) -> list[Card]:
    """Return the cards at some places, a few hundred at most; what is gone is left out."""
    rows = db.all(
        f"SELECT {_CARD} {_FROM_CARD} WHERE q.position IN ({_marks(some)}) "
        f"AND {where} ORDER BY q.position",
        [*some, *parameters],
    )
    with translated(db.path):
        return _with_findings(db, [_signed(db, _card(row)) for row in rows])
