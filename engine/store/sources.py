"""The sources of a workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.errors import SourceMissing, UsageError, WorkspaceDamaged
from engine.models import Skipped, Source, content_hash
from engine.store.connection import Connection, Row
from engine.store.failures import damaged_row
from engine.store.packing import dump_texts, load_mapping

if TYPE_CHECKING:
    from engine.store.staging import ScannedItem

_COLUMNS = "id, kind, root, added_at, scanned_at, documents, examples, skipped, options"


def add(
    db: Connection, kind: str, root: str, at: float, options: Mapping[str, str] | None
) -> Source:
    """Record a source and return it.

    One of the same kind and root keeps its history; its options are replaced where new
    ones are given.
    """
    identity = content_hash(f"{kind}\n{root}".encode("utf-8", "surrogatepass"))
    with db.transaction():
        db.execute(
            "INSERT INTO sources (id, kind, root, added_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            [identity, kind, root, at],
        )
        if options is not None:
            db.execute(
                "UPDATE sources SET options = ? WHERE id = ?",
                [dump_texts(dict(sorted(options.items()))), identity],
            )
    return find(db, identity)


def _source(db: Connection, row: Row) -> Source:
    try:
        values = [*row[:-1], load_mapping(row[-1])]
        source = Source(*values)
    except WorkspaceDamaged as error:
        plain = str(row[0]).replace("-", "").isalnum()
        remedy = f"UPDATE sources SET options = '{{}}' WHERE id = '{row[0]}'" if plain else ""
        raise damaged_row(db.path, f"the source {row[0]} ({row[2]})", error, remedy) from error
    for value in (source.id, source.kind, source.root):
        if not isinstance(value, str):
            raise damaged_row(db.path, f"the source {row[0]!r}", "no text stands there")
    for number in (source.added_at, source.scanned_at, source.documents, source.examples):
        if not isinstance(number, (int, float)):
            raise damaged_row(db.path, f"the source {row[0]} ({row[2]})", "no number stands there")
    return source


def sources(db: Connection) -> list[Source]:
    """Return the sources in the order in which they were added."""
    rows = db.all(f"SELECT {_COLUMNS} FROM sources ORDER BY added_at, rowid")
    return [_source(db, row) for row in rows]


def find(db: Connection, id_or_prefix: str) -> Source:
    """Return the source that an id, a prefix of it (with or without ``b2-``) or a root means.

    Raises:
        SourceMissing: There is none.
        UsageError: Several fit.
    """
    known = sources(db)
    given = id_or_prefix.strip()
    exact = [source for source in known if given in (source.id, source.root)]
    starts = (given, "b2-" + given)
    fitting = exact or [source for source in known if given and source.id.startswith(starts)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UsageError(f"{given} fits {len(fitting)} sources", hint="write more of the id")
    raise SourceMissing(
        f"no source has the id {given or '(empty)'}", hint="list them with: finetui sources list"
    )


def skips(db: Connection, source_id: str) -> list[Skipped]:
    """Return what the last scan of a source did not read, by path and line."""
    rows = db.all(
        "SELECT source_id, path, line, code, reason FROM skips WHERE source_id = ? "
        "ORDER BY path, line, rowid",
        [source_id],
    )
    return [Skipped(*row) for row in rows]


def skip_codes(db: Connection, source_id: str) -> dict[str, int]:
    """Return how many things the last scan skipped by each code, the commonest first."""
    rows = db.all(
        "SELECT code, count(*) FROM skips WHERE source_id = ? GROUP BY code "
        "ORDER BY count(*) DESC, code",
        [source_id],
    )
    return dict(rows)


def skip_numbers(db: Connection, source_id: str, code: str) -> list[int]:
    """Return the numbers of what was skipped, of one code or of all, by path and line."""
    rows = db.all(
        f"SELECT rowid FROM skips WHERE source_id = ?1 {'AND code = ?2' if code else ''} "
        "ORDER BY path, line, rowid",
        [source_id, code][: 2 if code else 1],
    )
    return [row[0] for row in rows]


def skips_at(db: Connection, numbers: Sequence[int]) -> list[Skipped]:
    """Return what has these numbers, in their order; what a scan has dropped is left out."""
    rows = db.all(
        "SELECT rowid, source_id, path, line, code, reason FROM skips "
        f"WHERE rowid IN ({', '.join('?' * len(numbers))})",
        numbers,
    )
    found = {row[0]: Skipped(*row[1:]) for row in rows}
    return [found[number] for number in numbers if number in found]


def remove(db: Connection, source_id: str) -> int:
    """Remove a source, and those of its examples that nobody touched and no other source has.

    Returns:
        How many examples left the queue.
    """
    from engine.store.takeover import drop_vanished  # what scans need, the app's start does not

    with db.transaction():
        db.execute(
            "DELETE FROM sightings WHERE item IN (SELECT number FROM items WHERE source_id = ?)",
            [source_id],
        )
        removed = drop_vanished(db.execute, "main", source_id)
        for table in ("skips", "items"):
            db.execute(f"DELETE FROM {table} WHERE source_id = ?", [source_id])
        db.execute("DELETE FROM sources WHERE id = ?", [source_id])
    return removed


def scanned_items(db: Connection, source_id: str) -> dict[str, ScannedItem]:
    """Return the files of a source as its last scan saw them, by name.

    A file of which only examples are known, from a workspace of an older version, has
    neither size nor time, and so counts as changed.
    """
    from engine.store.staging import ScannedItem

    rows = db.all(
        "SELECT name, size, mtime_ns, digest, documents, sections FROM items WHERE source_id = ?",
        [source_id],
    )
    return {row[0]: ScannedItem(*row) for row in rows}


def sections(db: Connection, source_id: str) -> int:
    """Return how many sections of a source would be examples too, if they were asked for."""
    number = db.value("SELECT sum(sections) FROM items WHERE source_id = ?", [source_id])
    return int(number or 0)


def fingerprint(db: Connection, source_id: str) -> str:
    """Return what the last scan depended on besides the files; empty where there was none."""
    return str(db.value("SELECT fingerprint FROM sources WHERE id = ?", [source_id]) or "")


def kinds(db: Connection, source_id: str) -> dict[str, int]:
    """Return how many examples of each kind stand in a source, the commonest first."""
    rows = db.all(
        "SELECT q.kind, count(DISTINCT q.position) AS n FROM items AS i "
        "JOIN sightings AS s ON s.item = i.number JOIN queue AS q ON q.position = s.position "
        "WHERE i.source_id = ? GROUP BY q.kind ORDER BY n DESC, q.kind",
        [source_id],
    )
    return dict(rows)
