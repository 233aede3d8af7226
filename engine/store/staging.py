"""What a scan of a source brings into the queue.

A scan reads files for as long as it takes, and a person may be deciding meanwhile.
So the examples are first gathered in a private temporary database, without any lock on
the workspace's; then one transaction, on a connection of its own, takes them over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import SourceMissing
from engine.models import Example, Skipped, Source
from engine.store.connection import bound, raw_connection, translated
from engine.store.packing import dump_texts, dump_turns, label, load_turns, pack, search_text

BATCH = 500

_STAGED = {
    "seq": int,
    "id": str,
    "kind": str,
    "label": str,
    "path": str,
    "start_line": int,
    "end_line": int,
    "heading": str,
    "title": str,
    "tags": str,
    "date": str,
    "content_hash": str,
    "score": float,
    "reason": str,
    "metadata": str,
    "turns": str,
    "body": str,
    "head": str,
}
_ABOUT = (
    "path, start_line, end_line, heading, title, tags, date, content_hash, score, reason, metadata"
)


@dataclass(frozen=True, slots=True)
class ScanTally:
    """What a scan changed.

    ``new`` examples came into the queue, ``known`` ones were in it, ``vanished`` ones
    were in the source's last scan and are not in this; those that nobody decided or
    edited have left the queue.
    """

    new: int
    known: int
    vanished: int


def drop_vanished(execute: Any, schema: str, source_id: str) -> int:
    """Take out of the queue what a source no longer has, once its sightings say so.

    An example that another source has goes over to that source. One that a person has
    decided or edited, ever, stays: its history can still be undone and redone.

    Returns:
        How many examples left the queue.
    """
    lost = (
        f"SELECT q.position FROM {schema}.queue AS q WHERE q.source_id = ?1 AND NOT EXISTS "
        f"(SELECT 1 FROM {schema}.sightings AS s "
        "WHERE s.source_id = ?1 AND s.example_id = q.example_id)"
    )
    execute(
        f"UPDATE {schema}.queue SET source_id = (SELECT min(s.source_id) FROM {schema}.sightings "
        f"AS s WHERE s.example_id = queue.example_id) WHERE position IN ({lost}) AND EXISTS "
        f"(SELECT 1 FROM {schema}.sightings AS s WHERE s.example_id = queue.example_id)",
        [source_id],
    )
    gone = (
        f"SELECT position FROM {schema}.queue AS g WHERE position IN ({lost}) AND NOT EXISTS "
        f"(SELECT 1 FROM {schema}.journal AS j WHERE j.example_id = g.example_id)"
    )
    for table, key in (("search", "rowid"), ("tags", "position"), ("examples", "position")):
        execute(f"DELETE FROM {schema}.{table} WHERE {key} IN ({gone})", [source_id])
    dropped = execute(f"DELETE FROM {schema}.queue WHERE position IN ({gone})", [source_id])
    return int(dropped.rowcount)


def _staged_row(seq: int, example: Example) -> dict[str, Any]:
    where = example.provenance
    values = {
        "seq": seq,
        "id": example.id,
        "kind": example.kind,
        "label": label(where.heading, where.title, example.turns),
        "path": where.path,
        "start_line": where.start_line,
        "end_line": where.end_line,
        "heading": where.heading,
        "title": where.title,
        "tags": dump_texts(where.tags),
        "date": where.date,
        "content_hash": where.content_hash,
        "score": example.score,
        "reason": example.reason,
        "metadata": dump_texts(example.metadata),
        "turns": dump_turns(example.turns),
        "body": search_text(*(turn.content for turn in example.turns)),
        "head": search_text(where.heading, where.title).strip(),
    }
    return {name: pack(value) for name, value in values.items()}


class Stage:
    """What a scan found, in a temporary database that is gone when it is closed."""

    def __init__(self, path: Path, busy_seconds: float) -> None:
        import sqlite_utils  # 0.5 s, which only a scan pays

        self._path = path
        self._raw = raw_connection("", busy_seconds)
        self._db = sqlite_utils.Database(self._raw, execute_plugins=False)
        self._db["staged"].create(_STAGED, pk="seq")
        self._db["staged"].create_index(["id"], unique=True)
        self._db["staged_tags"].create({"id": str, "tag": str}, pk=("id", "tag"))

    def gather(self, examples: Iterable[Example]) -> None:
        """Take examples in; of two with one id the first stays."""
        seen: set[str] = set()
        rows: list[dict[str, Any]] = []
        tags: list[tuple[Any, ...]] = []
        # What raises while the next example is read is the caller's, and no error of ours.
        for seq, example in enumerate(examples, start=1):
            if example.id in seen:
                continue
            seen.add(example.id)
            rows.append(_staged_row(seq, example))
            tags += [bound((example.id, tag)) for tag in example.provenance.tags]
            if len(rows) == BATCH:
                self._insert(rows, tags)
                rows, tags = [], []
        self._insert(rows, tags)

    def _insert(self, rows: list[dict[str, Any]], tags: list[tuple[Any, ...]]) -> None:
        with translated(self._path), self._db.atomic():
            self._db["staged"].insert_all(rows, batch_size=BATCH)
            self._raw.executemany("INSERT OR IGNORE INTO staged_tags (id, tag) VALUES (?, ?)", tags)

    def apply(
        self, source_id: str, skipped: Iterable[Skipped], documents: int, at: float
    ) -> ScanTally:
        """Take the examples over into the workspace, in one transaction."""
        unread = list(skipped)
        with translated(self._path):
            self._raw.execute("ATTACH DATABASE ? AS ws", [str(self._path)])
            self._raw.execute("PRAGMA ws.synchronous = NORMAL")
            self._raw.execute("BEGIN IMMEDIATE")
            try:
                tally = self._take_over(source_id, unread, documents, at)
                self._raw.execute("COMMIT")
            except BaseException:
                if self._raw.in_transaction:
                    self._raw.execute("ROLLBACK")
                raise
        return tally

    def _take_over(
        self, source_id: str, skipped: list[Skipped], documents: int, at: float
    ) -> ScanTally:
        run = self._raw.execute
        if run("SELECT 1 FROM ws.sources WHERE id = ?", [source_id]).fetchone() is None:
            raise SourceMissing(f"the source {source_id} was removed while it was scanned")
        total = int(run("SELECT count(*) FROM staged").fetchone()[0])
        run(
            "CREATE TABLE fresh AS SELECT seq FROM staged AS s WHERE NOT EXISTS "
            "(SELECT 1 FROM ws.queue AS q WHERE q.example_id = s.id)"
        )
        self._refresh_known(source_id)
        new = self._insert_fresh(source_id)
        vanished = run(
            "DELETE FROM ws.sightings WHERE source_id = ? AND example_id NOT IN "
            "(SELECT id FROM staged)",
            [source_id],
        ).rowcount
        run(
            "INSERT OR IGNORE INTO ws.sightings (source_id, example_id) SELECT ?, id FROM staged",
            [source_id],
        )
        drop_vanished(run, "ws", source_id)
        run("DELETE FROM ws.skips WHERE source_id = ?", [source_id])
        self._raw.executemany(
            "INSERT INTO ws.skips (source_id, path, line, code, reason) VALUES (?, ?, ?, ?, ?)",
            [bound((source_id, s.path, s.line, s.code, s.reason)) for s in skipped],
        )
        run(
            "UPDATE ws.sources SET scanned_at = ?, documents = ?, examples = ?, skipped = ? "
            "WHERE id = ?",
            [at, documents, total, len(skipped), source_id],
        )
        return ScanTally(new=new, known=total - new, vanished=int(vanished))

    def _insert_fresh(self, source_id: str) -> int:
        run = self._raw.execute
        new = run(
            "INSERT INTO ws.queue (example_id, source_id, kind, label) SELECT s.id, ?, s.kind, "
            "s.label FROM fresh AS f JOIN staged AS s USING (seq) ORDER BY f.seq",
            [source_id],
        ).rowcount
        joined = (
            "FROM fresh AS f CROSS JOIN staged AS s ON s.seq = f.seq "
            "CROSS JOIN ws.queue AS q ON q.example_id = s.id"
        )
        run(
            f"INSERT INTO ws.examples (position, {_ABOUT}, turns) "
            f"SELECT q.position, {_prefixed('s')}, s.turns {joined} ORDER BY f.seq"
        )
        run(
            "INSERT INTO ws.search (rowid, body, head) "
            f"SELECT q.position, s.body, s.head {joined} ORDER BY f.seq"
        )
        run(
            "INSERT INTO ws.tags (tag, position) SELECT t.tag, q.position "
            f"{joined} JOIN staged_tags AS t ON t.id = s.id"
        )
        return int(new)

    def _refresh_known(self, source_id: str) -> None:
        """Bring up to date where a known example stands: a line moved, a tag was added.

        Only the source that an example belongs to does so, or any source where that
        one is gone.
        """
        run = self._raw.execute
        run(
            "CREATE TABLE moved AS SELECT q.position, s.seq FROM staged AS s "
            "CROSS JOIN ws.queue AS q ON q.example_id = s.id "
            "CROSS JOIN ws.examples AS e ON e.position = q.position "
            "WHERE (q.source_id = ?1 OR q.source_id NOT IN (SELECT id FROM ws.sources)) "
            f"AND (q.source_id, q.kind, {_prefixed('e')}) IS NOT (?1, s.kind, {_prefixed('s')})",
            [source_id],
        )
        joined = "FROM moved AS m JOIN staged AS s USING (seq)"
        run(
            f"UPDATE ws.examples SET ({_ABOUT}) = (SELECT {_prefixed('s')} {joined} "
            "WHERE m.position = examples.position) "
            "WHERE position IN (SELECT position FROM moved)"
        )
        run(
            "UPDATE ws.queue SET source_id = ?, (kind, label) = (SELECT s.kind, s.label "
            f"{joined} WHERE m.position = queue.position) "
            "WHERE position IN (SELECT position FROM moved)",
            [source_id],
        )
        self._label_by_edits()
        run(
            f"UPDATE ws.search SET head = (SELECT s.head {joined} WHERE m.position = search.rowid) "
            "WHERE rowid IN (SELECT position FROM moved)"
        )
        run("DELETE FROM ws.tags WHERE position IN (SELECT position FROM moved)")
        run(
            "INSERT OR IGNORE INTO ws.tags (tag, position) SELECT t.tag, m.position "
            f"{joined} JOIN staged_tags AS t ON t.id = s.id"
        )

    def _label_by_edits(self) -> None:
        """Label moved examples that have neither heading nor title by their edited text."""
        rows = self._raw.execute(
            "SELECT m.position, e.edited_turns FROM moved AS m JOIN staged AS s USING (seq) "
            "JOIN ws.examples AS e ON e.position = m.position "
            "WHERE e.edited_turns IS NOT NULL AND s.head = ''"
        ).fetchall()
        self._raw.executemany(
            "UPDATE ws.queue SET label = ? WHERE position = ?",
            [bound((label("", "", load_turns(turns)), position)) for position, turns in rows],
        )

    def close(self) -> None:
        """Drop what was gathered."""
        self._raw.close()


def _prefixed(table: str) -> str:
    return ", ".join(f"{table}.{name.strip()}" for name in _ABOUT.split(","))


def record(
    path: Path,
    busy_seconds: float,
    source: Source,
    examples: Iterable[Example],
    skipped: Iterable[Skipped],
    documents: int,
    at: float,
) -> ScanTally:
    """Gather a scan's examples and take them over; see :meth:`Store.record_scan`."""
    stage = Stage(path, busy_seconds)
    try:
        stage.gather(examples)
        return stage.apply(source.id, skipped, documents, at)
    finally:
        stage.close()
