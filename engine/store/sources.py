"""The sources of a workspace."""

from __future__ import annotations

from engine.errors import SourceMissing, UsageError
from engine.models import Skipped, Source, content_hash
from engine.store.connection import Connection
from engine.store.staging import drop_vanished

_COLUMNS = "id, kind, root, added_at, scanned_at, documents, examples, skipped"


def add(db: Connection, kind: str, root: str, at: float) -> Source:
    """Record a source and return it; one of the same kind and root is returned as it is."""
    identity = content_hash(f"{kind}\n{root}".encode("utf-8", "surrogatepass"))
    db.execute(
        "INSERT INTO sources (id, kind, root, added_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [identity, kind, root, at],
    )
    return find(db, identity)


def sources(db: Connection) -> list[Source]:
    """Return the sources in the order in which they were added."""
    rows = db.all(f"SELECT {_COLUMNS} FROM sources ORDER BY added_at, rowid")
    return [Source(*row) for row in rows]


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
    """Return what the last scan of a source did not read, in the order of the scan."""
    rows = db.all(
        "SELECT source_id, path, line, code, reason FROM skips WHERE source_id = ? ORDER BY rowid",
        [source_id],
    )
    return [Skipped(*row) for row in rows]


def remove(db: Connection, source_id: str) -> int:
    """Remove a source, and those of its examples that nobody touched and no other source has.

    Returns:
        How many examples left the queue.
    """
    with db.transaction():
        db.execute("DELETE FROM sightings WHERE source_id = ?", [source_id])
        removed = drop_vanished(db.execute, "main", source_id)
        db.execute("DELETE FROM skips WHERE source_id = ?", [source_id])
        db.execute("DELETE FROM sources WHERE id = ?", [source_id])
    return removed
