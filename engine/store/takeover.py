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
from engine.models import LEFT_OUT
from engine.store.connection import bound
from engine.store.copies import Copies
from engine.store.failures import translated
from engine.store.indexing import index, unindex
from engine.store.packing import label, load_turns
from engine.store.staging import ABOUT, DUPLICATE, THOUGHTS, Stage, prefixed
from engine.store.versions import Versions

CHUNK = 500
# What was read and gave no example is listed, and is not among what was not read.
_LEFT = ", ".join(f"'{code}'" for code in sorted(LEFT_OUT))
_PAUSE_SECONDS = 0.004
_CHUNK_SECONDS = 0.1
_LARGEST_CHUNK = 20_000
_CACHE_KB = 64_000
_MERGED_PAGES = 200
_MOST_STEPS = 10_000
_CHECKPOINT_PAGES = 8_000
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
    seen = (
        f"SELECT {{what}} FROM {schema}.sightings AS s JOIN {schema}.items AS i "
        "ON i.number = s.item WHERE s.position = {position}"
    )
    lost = (
        f"SELECT q.position FROM {schema}.queue AS q WHERE q.source_id = ?1 AND NOT EXISTS "
        f"({seen.format(what=1, position='q.position')} AND i.source_id = ?1)"
    )
    execute(
        f"UPDATE {schema}.queue SET source_id = "
        f"({seen.format(what='min(i.source_id)', position='queue.position')}) "
        f"WHERE position IN ({lost}) "
        f"AND EXISTS ({seen.format(what=1, position='queue.position')})",
        [source_id],
    )
    execute("CREATE TEMP TABLE IF NOT EXISTS gone (position INTEGER PRIMARY KEY)", [])
    execute("DELETE FROM temp.gone", [])
    execute(
        f"INSERT INTO temp.gone SELECT position FROM {schema}.queue AS g "
        f"WHERE position IN ({lost}) AND NOT EXISTS "
        f"(SELECT 1 FROM {schema}.journal AS j WHERE j.example_id = g.example_id)",
        [source_id],
    )
    gone = "position IN (SELECT position FROM temp.gone)"
    unindex(execute, schema, gone, [])
    for table in ("tags", "examples"):
        execute(f"DELETE FROM {schema}.{table} WHERE {gone}", [])
    return int(execute(f"DELETE FROM {schema}.queue WHERE {gone}", []).rowcount)


class Takeover:
    """Takes what a stage holds over into the workspace's database."""

    def __init__(self, stage: Stage, source_id: str) -> None:
        self._stage = stage
        self._raw = stage.raw
        self._source_id = source_id
        self._had_any = False
        self._has_tags = False
        self._fresh = self._stored = 0
        self._copies = Copies(stage.raw, source_id)
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
            self._raw.execute(f"PRAGMA ws.cache_size = -{_CACHE_KB}")
            # What one chunk wrote the next writes again: fewer ways to the disk for it.
            self._raw.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            self._number_items()
            self._sort_out()
            new = self._insert_in_chunks()
            with _transaction(self._raw):
                self._require_source()
                tally = self._settle(new, fingerprint, at)
            if new > _LARGEST_CHUNK:
                self._merge_index()
            return tally

    def _merge_index(self) -> None:
        """Bring the parts that chunks have left in the index together: less to read and to keep.

        A step is one transaction of some milliseconds; nothing is lost by a kill between two.
        """
        step = -_MERGED_PAGES  # the first one takes up all parts, however few they are
        for _ in range(_MOST_STEPS):
            before = self._raw.total_changes
            self._raw.execute("INSERT INTO ws.search (search, rank) VALUES ('merge', ?)", [step])
            step = _MERGED_PAGES
            # By FTS5's documentation, a step with nothing to do changes less than two rows.
            if self._raw.total_changes - before < 2:
                return
            time.sleep(_PAUSE_SECONDS)

    def _require_source(self) -> None:
        known = "SELECT 1 FROM ws.sources WHERE id = ?"
        if self._raw.execute(known, [self._source_id]).fetchone() is None:
            raise SourceMissing(f"the source {self._source_id} was removed while it was scanned")

    # -- before anything is written ---------------------------------------------------

    def _sort_out(self) -> None:
        """Find what is new, what is lost, and what may stand in the place of what is lost."""
        run = self._raw.execute
        had = (
            "SELECT 1 FROM ws.items AS i JOIN ws.sightings AS s ON s.item = i.number "
            "WHERE i.source_id = ? LIMIT 1"
        )
        self._has_tags = run("SELECT 1 FROM staged_tags LIMIT 1").fetchone() is not None
        self._had_any = run(had, [self._source_id]).fetchone() is not None
        self._copies.fold()
        self._copies.hint()
        run("CREATE TABLE lost (id PRIMARY KEY, item, stands) WITHOUT ROWID")
        # Several files may hold one example; it is lost when none of them does any more.
        run(
            """
            INSERT OR IGNORE INTO lost
            SELECT q.example_id, coalesce(m.name, i.name), r.name IS NOT NULL OR m.name IS NOT NULL
            FROM ws.items AS i
            CROSS JOIN ws.sightings AS s ON s.item = i.number
            CROSS JOIN ws.queue AS q ON q.position = s.position
            LEFT JOIN read_items AS r ON r.name = i.name
            LEFT JOIN read_items AS m ON m.moved_from = i.name AND m.moved_from != ''
            LEFT JOIN gone_items AS g ON g.name = i.name
            WHERE i.source_id = ?1 AND (r.name IS NOT NULL OR g.name IS NOT NULL)
            AND q.example_id NOT IN (SELECT id FROM seen)
            AND NOT EXISTS (SELECT 1 FROM ws.sightings AS k
                JOIN ws.items AS o ON o.number = k.item
                WHERE o.source_id = ?1 AND k.position = s.position
                AND o.name NOT IN (SELECT name FROM read_items)
                AND o.name NOT IN (SELECT name FROM gone_items))
            """,
            [self._source_id],
        )
        run("CREATE TABLE fresh (n INTEGER PRIMARY KEY, seq, id)")
        for tier in sorted(self._stage.tiers):
            order = "s.score DESC, s.seq" if tier == THOUGHTS else "s.seq"
            run(
                "INSERT INTO fresh (seq, id) SELECT s.seq, s.id FROM staged AS s "
                "WHERE s.tier = ? AND NOT EXISTS "
                f"(SELECT 1 FROM ws.queue AS q WHERE q.example_id = s.id) ORDER BY {order}",
                [tier],
            )
        # What comes from a file that lost something waits for the end, where it is compared;
        # so does the rest, unless it is so much that deciding would have to wait for it.
        run(
            "CREATE TABLE held AS SELECT f.n, f.seq, f.id FROM fresh AS f WHERE EXISTS "
            "(SELECT 1 FROM lost) AND ((SELECT count(*) FROM fresh) <= ? OR EXISTS (SELECT 1 "
            "FROM seen AS v JOIN lost AS l USING (item) WHERE v.id = f.id))",
            [_HELD_AT_MOST],
        )
        run("DELETE FROM fresh WHERE id IN (SELECT id FROM held)")
        run("CREATE TABLE moved (position PRIMARY KEY, seq) WITHOUT ROWID")
        self._versions.find_moved("1")

    # -- new examples ------------------------------------------------------------------

    def _number_items(self) -> None:
        """Give each file that was read a number in the workspace, and note which are new to it."""
        run = self._raw.execute
        run("CREATE TABLE numbers (item PRIMARY KEY, number, new) WITHOUT ROWID")
        known = "FROM ws.items AS i WHERE i.source_id = ?1 AND i.name = r.name"
        run(
            "INSERT INTO numbers SELECT r.name, NULL, "
            f"NOT EXISTS (SELECT 1 {known}) FROM read_items AS r",
            [self._source_id],
        )
        with _transaction(self._raw):
            self._require_source()
            # Until all is settled it counts as changed.
            run(
                "INSERT OR IGNORE INTO ws.items (source_id, name, size, mtime_ns, digest, "
                "documents) SELECT ?, name, -1, 0, '', 0 FROM read_items",
                [self._source_id],
            )
        run(
            "UPDATE numbers SET number = (SELECT i.number FROM ws.items AS i "
            "WHERE i.source_id = ? AND i.name = numbers.item)",
            [self._source_id],
        )

    def _insert_in_chunks(self) -> int:
        last = int(self._raw.execute("SELECT coalesce(max(n), 0) FROM fresh").fetchone()[0])
        self._fresh = last
        new = start = 0
        rows = CHUNK
        while start < last:
            if start:
                time.sleep(_PAUSE_SECONDS)
            began = time.perf_counter()
            with _transaction(self._raw):
                self._require_source()
                new += self._insert("fresh", start, start + rows)
            self._stored = new
            start += rows
            # As much as is written while nobody notices: a decision waits no longer than this.
            share = _CHUNK_SECONDS / max(time.perf_counter() - began, 0.001)
            rows = max(CHUNK, min(int(rows * min(share, 2.0)), _LARGEST_CHUNK))
        return new

    def _insert(self, table: str, start: int = 0, stop: int = 1 << 62) -> int:
        """Put rows of the stage into the queue, with where they were seen."""
        run = self._raw.execute
        # Positions are never given again, so what is new stands behind this one.
        base = run(
            "SELECT max(coalesce((SELECT max(position) FROM ws.queue), 0), coalesce("
            "(SELECT seq FROM ws.sqlite_sequence WHERE name = 'queue'), 0))"
        ).fetchone()[0]
        place = f"f.n + {int(base) - start}"
        where = f"f.n > {start} AND f.n <= {stop}"
        # Another scan may have brought the same text meanwhile.
        new = run(
            "INSERT OR IGNORE INTO ws.queue (position, example_id, source_id, kind, label) "
            f"SELECT {place}, s.id, ?, s.kind, s.label FROM {table} AS f "
            f"CROSS JOIN staged AS s ON s.seq = f.seq WHERE {where} ORDER BY f.n",
            [self._source_id],
        ).rowcount
        joined = (
            f"FROM {table} AS f CROSS JOIN staged AS s ON s.seq = f.seq "
            f"CROSS JOIN ws.queue AS q ON q.position = {place} AND q.example_id = s.id "
        )
        run(
            f"INSERT INTO ws.examples (position, {ABOUT}, turns, follows) "
            f"SELECT q.position, {prefixed('s')}, s.turns, s.follows {joined} WHERE {where}"
        )
        run(
            "INSERT INTO ws.search (rowid, text) "
            f"SELECT q.position, search_row(s.turns, s.heading, s.title) {joined} WHERE {where}"
        )
        if self._has_tags:
            run(
                "INSERT INTO ws.tags (tag, position) SELECT t.tag, q.position "
                f"{joined} JOIN staged_tags AS t ON t.id = s.id WHERE {where}"
            )
        run(
            "INSERT OR IGNORE INTO ws.sightings (item, position) SELECT n.number, q.position "
            f"{joined} JOIN numbers AS n ON n.item = s.item WHERE {where}"
        )
        return int(new)

    # -- the rest -----------------------------------------------------------------------

    def _settle(self, new: int, fingerprint: str, at: float) -> ScanTally:
        run = self._raw.execute
        changed, followed = self._versions.follow()
        self._refresh_known()
        new += self._insert("held")
        left = (
            self._had_any
            and run(
                "DELETE FROM ws.sightings WHERE item IN (SELECT i.number FROM ws.items AS i "
                "WHERE i.source_id = ? AND (i.name IN (SELECT name FROM read_items) "
                "OR i.name IN (SELECT name FROM gone_items))) AND NOT EXISTS "
                "(SELECT 1 FROM ws.queue AS q JOIN ws.items AS i ON i.number = sightings.item "
                "JOIN seen AS v ON v.id = q.example_id AND v.item = i.name "
                "WHERE q.position = sightings.position)",
                [self._source_id],
            ).rowcount
        )
        for rest in ("staged AS v WHERE v.seq NOT IN (SELECT seq FROM fresh)", "repeats AS v"):
            run(
                "INSERT OR IGNORE INTO ws.sightings (item, position) SELECT (SELECT n.number FROM "
                "numbers AS n WHERE n.item = v.item), (SELECT q.position FROM ws.queue AS q WHERE "
                f"q.example_id = v.id) FROM {rest}"
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
        moved = "position IN (SELECT position FROM moved)"
        unindex(run, "ws", moved, [])
        # Checks look at titles, paths and columns, too: those that changed are looked at again.
        run(
            f"DELETE FROM ws.checked WHERE position IN (SELECT m.position {joined} JOIN "
            "ws.examples AS e ON e.position = m.position WHERE "
            f"({_of('e')}) IS NOT ({_of('s')}))"
        )
        run(
            f"UPDATE ws.examples SET ({ABOUT}) = (SELECT {prefixed('s')} {joined} "
            "WHERE m.position = examples.position) "
            "WHERE position IN (SELECT position FROM moved)"
        )
        run(
            "UPDATE ws.queue SET source_id = ?, (kind, label) = (SELECT s.kind, "
            # What is labelled by its question stays so, also where the scan has it once.
            "iif(queue.label = asked_row(coalesce(e.edited_turns, e.turns)), queue.label, s.label) "
            f"{joined} JOIN ws.examples AS e ON e.position = m.position "
            "WHERE m.position = queue.position) "
            "WHERE position IN (SELECT position FROM moved)",
            [self._source_id],
        )
        self._label_by_edits()
        index(run, "ws", moved, [])
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
            "WHERE e.edited_turns IS NOT NULL AND trim(s.heading) = '' AND trim(s.title) = ''"
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
            "INSERT INTO ws.items (source_id, name, size, mtime_ns, digest, documents, sections) "
            "SELECT ?, name, size, mtime_ns, digest, documents, sections FROM read_items "
            "WHERE true ON CONFLICT (source_id, name) DO UPDATE SET "
            "(size, mtime_ns, digest, documents, sections) = (excluded.size, excluded.mtime_ns, "
            "excluded.digest, excluded.documents, excluded.sections)",
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
        # The same example in several files; it belongs to all of them, and so to none.
        run(
            "INSERT INTO ws.skips (source_id, item, path, line, code, reason) "
            "SELECT ?1, '', o.name, 0, ?2, 'one question and answer of it stand in ' || f.name "
            "|| ' too' FROM (SELECT s.position, min(s.item) AS item FROM ws.sightings AS s JOIN "
            "ws.items AS i ON i.number = s.item WHERE i.source_id = ?1 GROUP BY s.position "
            "HAVING count(*) > 1) AS d JOIN ws.sightings AS s ON s.position = d.position AND "
            "s.item != d.item JOIN ws.items AS o ON o.number = s.item AND o.source_id = ?1 "
            "JOIN ws.items AS f ON f.number = d.item ORDER BY o.name",
            [self._source_id, DUPLICATE],
        )

    def _record_source(
        self, new: int, vanished: int, changed: int, fingerprint: str, at: float
    ) -> ScanTally:
        one = self._raw.execute(
            "SELECT (SELECT coalesce(sum(documents), 0) FROM ws.items WHERE source_id = ?1), "
            "(SELECT count(DISTINCT s.position) FROM ws.items AS i "
            "JOIN ws.sightings AS s ON s.item = i.number WHERE i.source_id = ?1), "
            f"(SELECT count(*) FROM ws.skips WHERE source_id = ?1 AND code NOT IN ({_LEFT}))",
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


def _of(table: str) -> str:
    """Return the columns that checks look at besides the text."""
    names = ("path", "heading", "title", "tags", "date", "metadata", "alternatives")
    return ", ".join(f"{table}.{name}" for name in names)


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
