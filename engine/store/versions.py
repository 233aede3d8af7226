"""New versions of examples put in the place of those that their source no longer has."""

from __future__ import annotations

import sqlite3

from engine.store.connection import bound
from engine.store.indexing import index, unindex
from engine.store.lineage import Pair, Trace, match
from engine.store.packing import SAME_HASH, load_turns
from engine.store.staging import ABOUT, prefixed


class Versions:
    """What a takeover does about examples that changed.

    It works on the tables that the takeover has made: ``lost`` and ``held``, which are
    compared, ``staged`` with what was found, and ``moved``, which it fills.
    """

    def __init__(self, raw: sqlite3.Connection, source_id: str) -> None:
        self._raw = raw
        self._source_id = source_id

    def find_moved(self, where: str) -> None:
        """Find the known examples about which something is not as it was stored.

        Only the source that an example belongs to brings it up to date, or any source
        where that one is gone.
        """
        self._raw.execute(
            "INSERT OR IGNORE INTO moved SELECT q.position, s.seq FROM staged AS s "
            "CROSS JOIN ws.queue AS q ON q.example_id = s.id "
            "CROSS JOIN ws.examples AS e ON e.position = q.position "
            f"WHERE {where} AND "
            "(q.source_id = ?1 OR q.source_id NOT IN (SELECT id FROM ws.sources)) "
            f"AND (q.source_id, q.kind, {prefixed('e')}) IS NOT (?1, s.kind, {prefixed('s')})",
            [self._source_id],
        )

    def follow(self) -> tuple[int, int]:
        """Give what is lost and what came in its place to each other.

        Returns:
            How many examples have a new version, and how many of these stay beside it.
        """
        pairs = match(self._traces("lost"), self._traces("held"))
        run = self._raw.execute
        touched = {
            row[0]
            for row in run(
                "SELECT id FROM lost WHERE EXISTS "
                "(SELECT 1 FROM ws.journal AS j WHERE j.example_id = lost.id)"
            )
        }
        followed = 0
        for pair in pairs:
            old, new = bound((pair.old, pair.new))
            if pair.old not in touched:
                self._replace(pair)
                run("DELETE FROM held WHERE id = ?", [new])
            elif pair.same:
                # The person decided on this answer: their example stays, at its new place.
                run(
                    "UPDATE staged SET content_hash = id WHERE id = ? AND content_hash = ?",
                    [new, SAME_HASH],
                )
                run("UPDATE staged SET id = ? WHERE id = ?", [old, new])
                run("UPDATE OR IGNORE staged_tags SET id = ? WHERE id = ?", [old, new])
                run("UPDATE OR IGNORE repeats SET id = ? WHERE id = ?", [old, new])
                run("DELETE FROM held WHERE id = ?", [new])
                self.find_moved(f"s.seq = {int(self._seq(pair.old))}")
            else:
                run("UPDATE staged SET follows = ? WHERE id = ?", [old, new])
                run("UPDATE lost SET stands = 1 WHERE id = ?", [old])
                followed += 1
                continue
            run("DELETE FROM lost WHERE id = ?", [old])
        return sum(not pair.same for pair in pairs), followed

    def _seq(self, identity: str) -> int:
        found = "SELECT seq FROM staged WHERE id = ?"
        return int(self._raw.execute(found, bound([identity])).fetchone()[0])

    def _traces(self, which: str) -> list[Trace]:
        if which == "lost":
            rows = self._raw.execute(
                "SELECT l.id, l.item, e.heading, e.turns, NOT l.stands FROM lost AS l "
                "CROSS JOIN ws.queue AS q ON q.example_id = l.id "
                "CROSS JOIN ws.examples AS e ON e.position = q.position "
                "WHERE NOT EXISTS (SELECT 1 FROM ws.sightings AS o JOIN ws.items AS i ON "
                "i.number = o.item WHERE o.position = q.position AND i.source_id != ?) "
                "ORDER BY q.position",
                [self._source_id],
            )
        else:
            rows = self._raw.execute(
                "SELECT s.id, n.item, s.heading, s.turns, n.new FROM held AS h "
                "JOIN staged AS s USING (seq) JOIN numbers AS n ON n.item = "
                "(SELECT min(o.item) FROM seen AS o WHERE o.id = s.id) ORDER BY h.n"
            )
        return [
            Trace(identity, item, heading, load_turns(turns), bool(adrift))
            for identity, item, heading, turns, adrift in rows.fetchall()
        ]

    def _replace(self, pair: Pair) -> None:
        """Put a new version where the old one stood that nobody has touched."""
        run = self._raw.execute
        old, new = bound((pair.old, pair.new))
        position, seq = run(
            "SELECT q.position, s.seq FROM ws.queue AS q, staged AS s "
            "WHERE q.example_id = ? AND s.id = ?",
            [old, new],
        ).fetchone()
        unindex(run, "ws", "position = ?", [position])
        run(
            "UPDATE ws.queue SET (example_id, kind, label) = (SELECT id, kind, label FROM staged "
            "WHERE seq = ?1) WHERE position = ?2",
            [seq, position],
        )
        run(
            f"UPDATE ws.examples SET ({ABOUT}, turns) = (SELECT {ABOUT}, turns FROM staged "
            "WHERE seq = ?1) WHERE position = ?2",
            [seq, position],
        )
        index(run, "ws", "position = ?", [position])
        run("DELETE FROM ws.tags WHERE position = ?", [position])
        run(
            "INSERT INTO ws.tags (tag, position) SELECT tag, ? FROM staged_tags WHERE id = ?",
            [position, new],
        )
