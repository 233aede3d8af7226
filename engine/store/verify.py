"""Whether what is stored of examples is what the journal of decisions says, and making it so.

The journal is the record, and :mod:`engine.store.fold` says what it means. States, texts, the
text index and the list of undone decisions are there so that nothing is folded when a page is
drawn; each of them can be computed anew from the journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from engine import models
from engine.errors import WorkspaceDamaged
from engine.frozen import frozen
from engine.models import JournalEntry
from engine.store import queue as queue_rows
from engine.store import sources as source_rows
from engine.store.connection import Connection, Row
from engine.store.fold import Folded, fold_one
from engine.store.indexing import Terms, index_anew
from engine.store.journal import AT_ONCE, IS_DECISION, by_example, write_state, write_text
from engine.store.packing import dump_turns, label, load_turns, search_row
from engine.text import inert


@frozen
class Difference:
    """Something that is stored otherwise than the journal says.

    ``what`` is "state", "decided_at", "conflict", "edited", "text", "label", "search" or
    "undone"; "example" where the example is missing and "entry" where a journal entry refers to
    none that fits; "original" where the text that was read from the source is not that of the
    example's id, and "row" where a stored value can't be read. These can't be repaired.
    ``example_id`` is empty where it is not known.
    """

    example_id: str
    what: str
    stored: str
    journal: str


BEYOND_REPAIR = ("example", "entry", "original", "row")
"""What can't be computed anew from the journal."""


@frozen
class Verified:
    """What was compared, what differed, and how many examples were put right."""

    examples: int
    entries: int
    differences: tuple[Difference, ...]
    repaired: int = 0


def verify(db: Connection) -> Verified:
    """Compare all that is stored of decisions with the journal, as of one moment."""
    with db.snapshot():
        return Verified(
            int(db.value("SELECT count(*) FROM queue")),
            int(db.value("SELECT count(*) FROM journal")),
            tuple(_differences(db)),
        )


def repair(db: Connection) -> Verified:
    """Write anew what differs from the journal, in one transaction; the journal stays.

    Returns:
        What differed before; of what was repaired nothing differs any more.
    """
    with db.transaction():
        found = tuple(_differences(db))
        lasting = ("undone", *BEYOND_REPAIR)
        wrong = dict.fromkeys(one.example_id for one in found if one.what not in lasting)
        if any(one.what == "undone" for one in found):
            db.execute("DELETE FROM undone")
            db.many("INSERT INTO undone (seq, undo_seq) VALUES (?, ?)", _undone(db).items())
        for example_id in wrong:
            entries = dict(by_example(db, [example_id])).get(example_id, [])
            folded = fold_one(entries)
            write_state(db, [(example_id, folded)])
            write_text(db, example_id, folded, anew=True)
        if any(one.what in ("text", "search") for one in found):
            index_anew(db.execute)
        return Verified(
            int(db.value("SELECT count(*) FROM queue")),
            int(db.value("SELECT count(*) FROM journal")),
            found,
            len(wrong),
        )


def _differences(db: Connection) -> Iterator[Difference]:
    yield from _damaged_sources(db)
    yield from _unfit(db)
    yield from _undone_differences(db)
    terms = Terms(str(db.value("SELECT sql FROM sqlite_master WHERE name = 'search'")))
    try:
        yield from _example_differences(db, terms)
    finally:
        terms.close()


def _example_differences(db: Connection, terms: Terms) -> Iterator[Difference]:
    edited = {row[0] for row in db.all("SELECT position FROM examples WHERE edited_turns NOT NULL")}
    after = -1
    while page := db.all(
        "SELECT position FROM queue WHERE position > ? ORDER BY position LIMIT ?", [after, AT_ONCE]
    ):
        some = [row[0] for row in page]
        after = some[-1]
        damaged = queue_rows.damage(db, some)
        for position, why in damaged.items():
            yield _row(db, position, why)
        for position, row, entries, why in _with_entries(db, some):
            try:
                found = [] if why else list(_of_example(db, row, entries, edited, terms))
            except _UNREADABLE as error:
                found, why = [], str(error)
            yield from found
            if why and position not in damaged:
                yield _row(db, position, why)
        yield from _other_originals(db, [at for at in some if at not in damaged])


_UNREADABLE = (WorkspaceDamaged, ValueError, TypeError, LookupError)
"""What reading a damaged value ends in."""


def _with_entries(
    db: Connection, some: Sequence[int]
) -> Iterator[tuple[int, Row, list[JournalEntry], str]]:
    """Yield the rows at some positions with their journal, or why they can't be read.

    A page is read at once, and row by row where that fails.
    """
    marks = ", ".join("?" * len(some))
    try:
        rows = db.all(
            "SELECT position, example_id, state, decided_at, conflict, edited, label FROM queue "
            f"WHERE position IN ({marks}) ORDER BY position",
            some,
        )
        entries = dict(by_example(db, [row[1] for row in rows]))
    except _UNREADABLE as error:
        if len(some) == 1:
            yield some[0], (), [], str(error)
            return
        for one in some:
            yield from _with_entries(db, [one])
        return
    for row in rows:
        yield row[0], row, entries.get(row[1], []), ""


def _row(db: Connection, position: int, why: str) -> Difference:
    named = ""
    with suppress(WorkspaceDamaged):
        named = str(db.value("SELECT example_id FROM queue WHERE position = ?", [position]) or "")
    return Difference(named, "row", _short(f"position {position}: {inert(why)}", 200), "")


def _damaged_sources(db: Connection) -> Iterator[Difference]:
    try:
        source_rows.sources(db)
    except WorkspaceDamaged as error:
        yield Difference("", "row", _short(str(error), 200), "")


def _other_originals(db: Connection, some: Sequence[int]) -> Iterator[Difference]:
    """Yield the texts as they were read that are not what their examples' ids were made of."""
    marks = ", ".join("?" * len(some))
    for named, text in db.all(
        "SELECT q.example_id, e.turns FROM queue AS q JOIN examples AS e "
        f"ON e.position = q.position WHERE q.position IN ({marks}) ORDER BY q.position",
        some,
    ):
        made = models.example_id(load_turns(text))
        if made != named:
            yield Difference(named, "original", f"the text of {made}", f"the text of {named}")


def _of_example(
    db: Connection,
    row: Row,
    entries: Sequence[JournalEntry],
    edited: set[int],
    terms: Terms,
) -> Iterator[Difference]:
    position, example_id, state, decided_at, conflict, is_edited, shown = row
    folded = fold_one(entries)
    pairs: list[tuple[str, object, object]] = [
        ("state", state, folded.state),
        ("decided_at", decided_at, folded.decided_at),
        ("conflict", conflict, int(folded.conflict is not None)),
    ]
    if position in edited or is_edited or any(one.action == "edit" for one in entries):
        pairs += _text_pairs(db, position, folded, is_edited, shown)
        pairs += _search_pairs(db, row, entries, folded, terms)
    for what, stored, said in pairs:
        if stored != said:
            yield Difference(example_id, what, _short(stored), _short(said))


def _text_pairs(
    db: Connection, position: int, folded: Folded, is_edited: int, shown: str
) -> list[tuple[str, object, object]]:
    row = db.one(
        "SELECT turns, edited_turns, heading, title FROM examples WHERE position = ?", [position]
    )
    if row is None:
        return [("text", "nothing", "a text")]
    original, stored, heading, title = row
    text = None if folded.turns is None else dump_turns(folded.turns)
    said = None if text == original else text
    turns = load_turns(original if said is None else said)
    # By its heading or title, or by its question where others have the same one.
    labels = (label(heading, title, turns), label("", "", turns))
    return [
        ("text", stored, said),
        ("edited", is_edited, int(said is not None)),
        ("label", shown, shown if shown in labels else labels[0]),
    ]


def _search_pairs(
    db: Connection, row: Row, entries: Sequence[JournalEntry], folded: Folded, terms: Terms
) -> Iterator[tuple[str, object, object]]:
    """Yield whether the index finds an edited example by all its words and by no others.

    Words that it could be found by wrongly are those of its other texts.
    """
    position = row[0]
    about = db.one("SELECT turns, heading, title FROM examples WHERE position = ?", [position])
    if about is None:
        return
    original, heading, title = about
    now = original if folded.turns is None else dump_turns(folded.turns)
    others = [original, *(dump_turns(one.turns) for one in entries if one.turns)]
    right = terms.of(search_row(now, heading, title))
    wrong = set().union(*(terms.of(search_row(one, heading, title)) for one in others)) - right
    for words, said in ((right, "found"), (wrong, "not found")):
        for word in sorted(words):
            query = '"' + word.replace('"', '""') + '"'
            found = db.value(
                "SELECT 1 FROM search WHERE search MATCH ? AND rowid = ?", [query, position]
            )
            if (said == "found") != bool(found):
                yield "search", f"{word}: {'found' if found else 'not found'}", f"{word}: {said}"
                return


def _unfit(db: Connection) -> Iterator[Difference]:
    """Yield entries about no example, and such as undo or redo what is not there."""
    gone = db.all(
        "SELECT DISTINCT example_id FROM journal "
        "WHERE example_id NOT IN (SELECT example_id FROM queue)"
    )
    for (example_id,) in gone:
        yield Difference(example_id, "example", "missing", "decided")
    loose = db.all(
        "SELECT r.seq, r.example_id, r.target FROM journal AS r LEFT JOIN journal AS d "
        "ON d.seq = r.target AND d.seq < r.seq AND d.example_id = r.example_id "
        f"AND d.{IS_DECISION} "
        "WHERE r.action IN ('undo', 'redo') AND d.seq IS NULL"
    )
    for seq, example_id, target in loose:
        yield Difference(example_id, "entry", f"entry {seq}", f"no decision {target}")


def _undone(db: Connection) -> dict[int, int]:
    """Return what the journal says is undone, and by which entry."""
    undone: dict[int, int] = {}
    for seq, action, target in db.all(
        "SELECT seq, action, target FROM journal WHERE action IN ('undo', 'redo') ORDER BY seq"
    ):
        undone.pop(target, None)
        if action == "undo":
            undone[target] = seq
    return undone


def _undone_differences(db: Connection) -> Iterator[Difference]:
    stored: dict[int, int] = dict(db.all("SELECT seq, undo_seq FROM undone"))
    said = _undone(db)
    for seq in sorted(stored.keys() | said.keys()):
        if stored.get(seq) != said.get(seq):
            yield Difference(
                str(db.value("SELECT example_id FROM journal WHERE seq = ?", [seq]) or ""),
                "undone",
                _undone_word(seq, stored.get(seq)),
                _undone_word(seq, said.get(seq)),
            )


def _undone_word(seq: int, by: int | None) -> str:
    return f"{seq} by {by}" if by else f"{seq} not undone"


def _short(value: object, most: int = 60) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= most else text[: most - 1] + "…"
