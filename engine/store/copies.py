"""Notes that stand in a source twice: a copy, an export, the file that a sync left behind.

The question of a reflection, a decision, a learning or a section is made from the note's title and
date, so a copy under another name has other questions for the same passages, and with them other
ids. A passage that is there already therefore makes no second example, whatever is asked: it is
seen at one more place. A passage of a copy that was edited is another one; it says which example
it follows, and what was decided about that is shown beside it.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from engine.errors import WorkspaceDamaged
from engine.store.connection import bound
from engine.store.lineage import SIMILAR_ELSEWHERE, Trace, plain, similar
from engine.store.packing import load_turns, unpack

KINDS = ("reflection", "decision", "learning", "section")
"""Kinds whose question is made up; of others the question is somebody's own."""

FEWEST_WORDS = 8
"""Shorter passages may be equal by chance."""

_IN_KINDS = f"({', '.join(repr(kind) for kind in KINDS)})"

# What a copy's name has behind the original's: file managers, Syncthing, Dropbox, Nextcloud and
# ownCloud, in the languages of their menus.
_MARK = re.compile(
    r"""(?xi)
    [ ]\(\d+\) | [ ]\d | [ ]?[-–]?[ ](?:copy|copie|copia|cópia|kopie|kopia|copiar)(?:[ ]\(?\d+\)?)?
    | [ ]\((?:copy|copie|copia|cópia|kopie)(?:[ ]\d+)?\)
    | \.sync-conflict-\d{8}-\d{6}(?:-\w+)? | _conflict-\d{8}-\d{6}
    | [ ]\([^()]*\bconflict(?:ed|ing)?\b[^()]*\)
    """
)


def plain_name(item: str) -> str:
    """Return a file's name without folders, ending and the marks of a copy, in small letters."""
    stem = PurePosixPath(item).name.rpartition(".")[0] or PurePosixPath(item).name
    while (found := _trailing(stem)) is not None:
        stem = found
    return stem.casefold()


def _trailing(stem: str) -> str | None:
    """Return a name without the mark at its end; None where there is none."""
    marks = [mark for mark in _MARK.finditer(stem) if mark.end() == len(stem) and mark.start()]
    return stem[: marks[0].start()] if marks else None


class _Passage(NamedTuple):
    seq: int
    id: str
    item: str
    new: bool


class Copies:
    """What a takeover does about passages that are there already.

    It works on the tables of a stage before what is new and what is lost are told apart.
    """

    def __init__(self, raw: sqlite3.Connection, source_id: str) -> None:
        self._raw = raw
        self._source_id = source_id

    def fold(self) -> None:
        """Let new examples of a known passage be the known example, seen once more."""
        passages: defaultdict[bytes, list[_Passage]] = defaultdict(list)
        for seq, identity, item, turns, known in self._raw.execute(
            "SELECT s.seq, s.id, s.item, s.turns, EXISTS (SELECT 1 FROM ws.queue AS q "
            f"WHERE q.example_id = s.id) FROM staged AS s WHERE s.kind IN {_IN_KINDS} "
            "ORDER BY s.seq"
        ).fetchall():
            key = _key(turns)
            if key:
                passages[key].append(_Passage(seq, identity, item, not known))
        wanted = {key for key, some in passages.items() if any(one.new for one in some)}
        if not wanted:
            return
        there = self._there(wanted)
        for key in wanted:
            some = passages[key]
            new = [one for one in some if one.new]
            known = [one.id for one in some if not one.new] or there.get(key, [])
            if known:
                target = known[0]
            else:
                first = min(new, key=lambda one: (_is_copy(one.item), one.seq))
                target = first.id
                new.remove(first)
            for one in new:
                self._fold(one, target)

    def _there(self, wanted: set[bytes]) -> dict[bytes, list[str]]:
        """Return the examples that have the passages elsewhere, those decided on first."""
        found: defaultdict[bytes, list[str]] = defaultdict(list)
        rows = self._raw.execute(
            "SELECT q.example_id, e.turns FROM ws.queue AS q "
            "JOIN ws.examples AS e USING (position) "
            f"WHERE q.kind IN {_IN_KINDS} ORDER BY q.state = 'undecided', q.position"
        )
        for identity, turns in rows:
            key = _key(turns)
            if key in wanted:
                found[key].append(identity)
        return {
            key: kept
            for key, some in found.items()
            if (kept := [one for one in some if self._stands(one)])
        }

    def _stands(self, identity: str) -> bool:
        """Say whether an example is found at a place that this scan did not see go."""
        row = self._raw.execute(
            "SELECT EXISTS (SELECT 1 FROM seen WHERE id = ?1) OR "
            "EXISTS (SELECT 1 FROM ws.queue AS q JOIN ws.sightings AS s USING (position) "
            "JOIN ws.items AS i ON i.number = s.item "
            "WHERE q.example_id = ?1 AND (i.source_id != ?2 OR "
            "(i.name NOT IN (SELECT name FROM read_items) "
            "AND i.name NOT IN (SELECT name FROM gone_items))))",
            bound([identity, self._source_id]),
        ).fetchone()
        return bool(row[0])

    def _fold(self, one: _Passage, target: str) -> None:
        run = self._raw.execute
        mine, kept = bound((one.id, target))
        run("INSERT OR IGNORE INTO repeats (id, item) VALUES (?, ?)", [kept, one.item])
        run("UPDATE OR IGNORE repeats SET id = ? WHERE id = ?", [kept, mine])
        run("DELETE FROM repeats WHERE id = ?", [mine])
        run("DELETE FROM staged_tags WHERE id = ?", [mine])
        run("DELETE FROM staged WHERE seq = ?", [one.seq])

    def hint(self) -> None:
        """Say of new examples in an edited copy which decided examples they follow.

        A copy is a new file that has the name of another one, but for marks such as "(1)".
        """
        run = self._raw.execute
        new = _by_name(row[0] for row in run("SELECT item FROM numbers WHERE new"))
        if not new:
            return
        standing = _by_name(
            row[0]
            for row in run(
                "SELECT name FROM ws.items WHERE source_id = ? AND name NOT IN (SELECT item FROM "
                "numbers WHERE new) AND name NOT IN (SELECT name FROM gone_items)",
                [self._source_id],
            )
        )
        for name in new.keys() & standing.keys():
            arrived = self._traces(
                "SELECT s.id, s.turns FROM staged AS s WHERE s.item = ? AND s.kind IN "
                f"{_IN_KINDS} AND NOT EXISTS (SELECT 1 FROM ws.queue AS q WHERE "
                "q.example_id = s.id)",
                new[name],
            )
            decided = self._traces(
                "SELECT q.example_id, e.turns FROM ws.items AS i JOIN ws.sightings AS s ON "
                "s.item = i.number JOIN ws.queue AS q USING (position) JOIN ws.examples AS e "
                f"USING (position) WHERE i.name = ? AND i.source_id = ? AND q.kind IN {_IN_KINDS} "
                "AND EXISTS (SELECT 1 FROM ws.journal AS j WHERE j.example_id = q.example_id)",
                standing[name],
                self._source_id,
            )
            taken: set[str] = set()
            for old, fresh in similar(decided, arrived, lambda _: "", SIMILAR_ELSEWHERE):
                if old.id not in taken and fresh.id not in taken:
                    taken |= {old.id, fresh.id}
                    run("UPDATE staged SET follows = ? WHERE id = ?", bound((old.id, fresh.id)))

    def _traces(self, select: str, items: Sequence[Any], *more: Any) -> list[Trace]:
        found = []
        for item in items:
            for identity, turns in self._raw.execute(select, [item, *more]).fetchall():
                try:
                    found.append(Trace(identity, "", "", load_turns(unpack(turns))))
                except WorkspaceDamaged:
                    continue  # the verb that verifies the database lists it
        return found


def _by_name(items: Iterable[Any]) -> dict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for item in items:
        found[plain_name(unpack(item))].append(item)
    return found


def _is_copy(item: Any) -> bool:
    name = PurePosixPath(unpack(item)).name
    return plain_name(name) != (name.rpartition(".")[0] or name).casefold()


def _key(turns: Any) -> bytes:
    """Return what stands for the answer, whatever its white space; empty where it is too short."""
    try:
        said = "\n".join(t.content for t in load_turns(unpack(turns)) if t.role == "assistant")
    except WorkspaceDamaged:
        return b""
    text = plain(said)
    if text.count(" ") + 1 < FEWEST_WORDS and len(said) < 40:
        return b""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
