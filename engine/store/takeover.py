"""How what a scan found becomes part of the workspace.

New examples go in by small transactions with a pause between, so that a person who
decides meanwhile never waits; all that changes or removes something is in one
transaction at the end. A scan that is killed between leaves new examples in the queue
and nothing else changed, and the next scan goes on from there.
"""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from engine.errors import DiskFull, SourceMissing
from engine.store.connection import bound
from engine.store.failures import translated
from engine.store.packing import label, load_turns
from engine.store.staging import ABOUT, Stage, prefixed
from engine.store.versions import Versions

CHUNK = 500
_PAUSE_SECONDS = 0.004
_HELD_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class ScanTally:
    """What a scan changed.

    ``new`` examples came into the queue, ``known`` ones were in it. ``vanished`` ones
    were in the source's last scan and are gone; those that nobody decided or edited have
    left the queue. ``changed`` ones have a new version, which took their place where
    nobody had decided, and else stands at the queue's end. ``documents``, ``examples`` and
    ``skipped`` count what the source has now.
    """

    new: int
    known: int
    vanished: int
    changed: int = 0
    documents: int = 0
    examples: int = 0
    skipped: int = 0


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


class Takeover:
    """Takes what a stage holds over into the workspace's database."""

    def __init__(self, stage: Stage, source_id: str) -> None:
        self._stage = stage
        self._raw = stage.raw
        self._source_id = source_id
        self._had_any = False
        self._fresh = self._stored = 0
        self._versions = Versions(stage.raw, source_id)

    def run(self, fingerprint: str, at: float) -> ScanTally:
        """Take everything over.

        Args:
            fingerprint: What the reading depended on besides the files.
            at: When the scan was made, in seconds since the epoch.

        Raises:
            SourceMissing: The source was removed while it was scanned.
            DiskFull: There is no room for all; its counts say what was stored.
        """
        try:
            return self._run(fingerprint, at)
        except DiskFull as error:
            raise self._cut_off(error) from error

    def _cut_off(self, error: DiskFull) -> DiskFull:
        """Return the error of a full disk with what was stored before it was full."""
        if not self._fresh:
            return error
        return DiskFull(
            f"{error.message}; {self._stored:,} of {self._fresh:,} new examples are stored",
            hint="free some space and scan again, which goes on from there; what is stored "
            "can be decided on",
            counts={"stored": self._stored, "left": self._fresh - self._stored},
        )

    def _run(self, fingerprint: str, at: float) -> ScanTally:
        with translated(self._stage.path):
            # As bytes: a name that is not UTF-8 can't be a text of SQLite's.
            self._raw.execute("ATTACH DATABASE ? AS ws", [os.fsencode(self._stage.path)])
            self._raw.execute("PRAGMA ws.synchronous = NORMAL")
            self._require_source()
            self._sort_out()
            new = self._insert_in_chunks()
            with _transaction(self._raw):
                self._require_source()
                return self._settle(new, fingerprint, at)

    def _require_source(self) -> None:
        known = "SELECT 1 FROM ws.sources WHERE id = ?"
        if self._raw.execute(known, [self._source_id]).fetchone() is None:
            raise SourceMissing(f"the source {self._source_id} was removed while it was scanned")

    # -- before anything is written ---------------------------------------------------

    def _sort_out(self) -> None:
        """Find what is new, what is lost, and what may stand in the place of what is lost."""
        run = self._raw.execute
        had = "SELECT 1 FROM ws.sightings WHERE source_id = ? LIMIT 1"
        self._had_any = run(had, [self._source_id]).fetchone() is not None
        run("CREATE TABLE lost (id PRIMARY KEY, item, stands) WITHOUT ROWID")
        # Several files may hold one example; it is lost when none of them does any more.
        run(
            """
            INSERT OR IGNORE INTO lost
            SELECT s.example_id, coalesce(m.name, s.item), r.name IS NOT NULL OR m.name IS NOT NULL
            FROM ws.sightings AS s
            LEFT JOIN read_items AS r ON r.name = s.item
            LEFT JOIN read_items AS m ON m.moved_from = s.item AND m.moved_from != ''
            LEFT JOIN gone_items AS g ON g.name = s.item
            WHERE s.source_id = ?1 AND (r.name IS NOT NULL OR g.name IS NOT NULL)
            AND s.example_id NOT IN (SELECT id FROM seen)
            AND NOT EXISTS (SELECT 1 FROM ws.sightings AS k WHERE k.source_id = ?1
                AND k.example_id = s.example_id
                AND k.item NOT IN (SELECT name FROM read_items)
                AND k.item NOT IN (SELECT name FROM gone_items))
            """,
            [self._source_id],
        )
        run(
            "CREATE TABLE fresh AS SELECT s.seq, s.id FROM staged AS s WHERE NOT EXISTS "
            "(SELECT 1 FROM ws.queue AS q WHERE q.example_id = s.id) ORDER BY s.tier, s.seq"
        )
        # What comes from a file that lost something waits for the end, where it is compared.
        # What comes from a file that lost something waits for the end, where it is compared;
        # so does the rest, unless it is so much that deciding would have to wait for it.
        run(
            "CREATE TABLE held AS SELECT f.seq, f.id FROM fresh AS f WHERE EXISTS "
            "(SELECT 1 FROM lost) AND ((SELECT count(*) FROM fresh) <= ? OR EXISTS (SELECT 1 "
            "FROM seen AS v JOIN lost AS l USING (item) WHERE v.id = f.id))",
            [_HELD_AT_MOST],
        )
        run("DELETE FROM fresh WHERE id IN (SELECT id FROM held)")
        run("CREATE TABLE moved (position PRIMARY KEY, seq) WITHOUT ROWID")
        self._versions.find_moved("1")

    # -- new examples ------------------------------------------------------------------

    def _insert_in_chunks(self) -> int:
        last = self._raw.execute("SELECT coalesce(max(rowid), 0) FROM fresh").fetchone()[0]
        self._fresh = int(last)
        new = 0
        for start in range(0, int(last), CHUNK):
            if start:
                time.sleep(_PAUSE_SECONDS)
            with _transaction(self._raw):
                self._require_source()
                new += self._insert("fresh", f"f.rowid > {start} AND f.rowid <= {start + CHUNK}")
            self._stored = new
        return new

    def _insert(self, table: str, where: str) -> int:
        """Put rows of the stage into the queue, with where they were seen."""
        run = self._raw.execute
        # Positions are never given again, so what is new stands behind this one.
        last = run("SELECT coalesce(max(position), 0) FROM ws.queue").fetchone()[0]
        # Another scan may have brought the same text meanwhile.
        new = run(
            "INSERT OR IGNORE INTO ws.queue (example_id, source_id, kind, label) "
            f"SELECT s.id, ?, s.kind, s.label FROM {table} AS f JOIN staged AS s USING (seq) "
            f"WHERE {where} ORDER BY f.rowid",
            [self._source_id],
        ).rowcount
        joined = (
            f"FROM {table} AS f CROSS JOIN staged AS s ON s.seq = f.seq "
            f"CROSS JOIN ws.queue AS q ON q.example_id = s.id AND q.position > {int(last)} "
        )
        run(
            f"INSERT INTO ws.examples (position, {ABOUT}, turns, follows) "
            f"SELECT q.position, {prefixed('s')}, s.turns, s.follows {joined} WHERE {where}"
        )
        run(
            "INSERT INTO ws.search (rowid, body, head) "
            f"SELECT q.position, s.body, s.head {joined} WHERE {where}"
        )
        run(
            "INSERT INTO ws.tags (tag, position) SELECT t.tag, q.position "
            f"{joined} JOIN staged_tags AS t ON t.id = s.id WHERE {where}"
        )
        run(
            "INSERT OR IGNORE INTO ws.sightings (source_id, example_id, item) "
            f"SELECT ?, v.id, v.item FROM {table} AS f JOIN seen AS v ON v.id = f.id WHERE {where}",
            [self._source_id],
        )
        return int(new)

    # -- the rest -----------------------------------------------------------------------

    def _settle(self, new: int, fingerprint: str, at: float) -> ScanTally:
        run = self._raw.execute
        changed, followed = self._versions.follow()
        self._refresh_known()
        new += self._insert("held", "1")
        left = (
            self._had_any
            and run(
                "DELETE FROM ws.sightings WHERE source_id = ? AND (item IN (SELECT name FROM "
                "read_items) OR item IN (SELECT name FROM gone_items)) AND NOT EXISTS (SELECT 1 "
                "FROM seen AS v WHERE v.id = sightings.example_id AND v.item = sightings.item)",
                [self._source_id],
            ).rowcount
        )
        run(
            "INSERT OR IGNORE INTO ws.sightings (source_id, example_id, item) "
            "SELECT ?, id, item FROM seen WHERE id NOT IN (SELECT id FROM fresh)",
            [self._source_id],
        )
        vanished = int(run("SELECT count(*) FROM lost").fetchone()[0]) - followed
        if left:
            drop_vanished(run, "ws", self._source_id)
        self._mark_origins()
        self._record_items()
        return self._record_source(new, vanished, changed, fingerprint, at)

    def _refresh_known(self) -> None:
        """Bring up to date where a known example stands: a line moved, a tag was added."""
        run = self._raw.execute
        joined = "FROM moved AS m JOIN staged AS s USING (seq)"
        run(
            f"UPDATE ws.examples SET ({ABOUT}) = (SELECT {prefixed('s')} {joined} "
            "WHERE m.position = examples.position) "
            "WHERE position IN (SELECT position FROM moved)"
        )
        run(
            "UPDATE ws.queue SET source_id = ?, (kind, label) = (SELECT s.kind, s.label "
            f"{joined} WHERE m.position = queue.position) "
            "WHERE position IN (SELECT position FROM moved)",
            [self._source_id],
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

    def _mark_origins(self) -> None:
        """Say of each example that was decided on whether its source changed or is gone."""
        run = self._raw.execute
        run(
            "UPDATE ws.queue SET origin = (SELECT CASE WHEN l.stands THEN 'changed' ELSE 'gone' "
            "END FROM lost AS l WHERE l.id = queue.example_id) "
            "WHERE source_id = ? AND example_id IN (SELECT id FROM lost)",
            [self._source_id],
        )
        run(
            "UPDATE ws.queue SET origin = '' WHERE position IN (SELECT q.position FROM ws.queue "
            "AS q WHERE q.origin != '' AND EXISTS (SELECT 1 FROM seen AS v "
            "WHERE v.id = q.example_id))"
        )

    def _record_items(self) -> None:
        run = self._raw.execute
        run(
            "DELETE FROM ws.items WHERE source_id = ? AND name IN (SELECT name FROM gone_items)",
            [self._source_id],
        )
        run(
            "INSERT OR REPLACE INTO ws.items (source_id, name, size, mtime_ns, digest, documents) "
            "SELECT ?, name, size, mtime_ns, digest, documents FROM read_items",
            [self._source_id],
        )
        run(
            "UPDATE ws.items SET (size, mtime_ns) = (SELECT k.size, k.mtime_ns FROM kept_items "
            "AS k WHERE k.name = items.name) "
            "WHERE source_id = ? AND name IN (SELECT name FROM kept_items)",
            [self._source_id],
        )
        run(
            "DELETE FROM ws.skips WHERE source_id = ? AND (item = '' OR item IN (SELECT name FROM "
            "read_items) OR item IN (SELECT name FROM gone_items))",
            [self._source_id],
        )
        run(
            "INSERT INTO ws.skips (source_id, item, path, line, code, reason) "
            "SELECT ?, item, path, line, code, reason FROM staged_skips ORDER BY rowid",
            [self._source_id],
        )

    def _record_source(
        self, new: int, vanished: int, changed: int, fingerprint: str, at: float
    ) -> ScanTally:
        one = self._raw.execute(
            "SELECT (SELECT coalesce(sum(documents), 0) FROM ws.items WHERE source_id = ?1), "
            "(SELECT count(DISTINCT example_id) FROM ws.sightings WHERE source_id = ?1), "
            "(SELECT count(*) FROM ws.skips WHERE source_id = ?1)",
            [self._source_id],
        ).fetchone()
        documents, examples, skipped = map(int, one)
        self._raw.execute(
            "UPDATE ws.sources SET scanned_at = ?, documents = ?, examples = ?, skipped = ?, "
            "fingerprint = ? WHERE id = ?",
            bound((at, documents, examples, skipped, fingerprint, self._source_id)),
        )
        return ScanTally(
            new=new,
            known=examples - new,
            vanished=vanished,
            changed=changed,
            documents=documents,
            examples=examples,
            skipped=skipped,
        )


class _transaction:  # noqa: N801 - reads as a statement
    """A write transaction on a connection in autocommit mode."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def __enter__(self) -> None:
        self._raw.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._raw.execute("COMMIT")
        elif self._raw.in_transaction:
            self._raw.execute("ROLLBACK")
