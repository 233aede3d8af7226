"""What a scan of a source found, gathered before the workspace's database is touched.

A scan reads files for as long as it takes, and a person may be deciding meanwhile. So
its examples go into a private temporary database first, without any lock on the
workspace's; :mod:`engine.store.takeover` then takes them over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import DiskFull
from engine.models import FLASHCARD, Example, Skipped
from engine.store.connection import bound, raw_connection
from engine.store.failures import translated
from engine.store.packing import (
    SAME_HASH,
    dump_alternatives,
    dump_texts,
    dump_turns,
    label,
    pack,
)

BATCH = 500
_CACHE_KB = 48_000

ABOUT = (
    "path, start_line, end_line, heading, title, tags, date, content_hash, score, reason, "
    "metadata, alternatives, record"
)
"""The columns of an example that a later scan brings up to date."""

_COLUMNS = (
    "id, tier, kind, label, path, start_line, end_line, heading, title, tags, date, content_hash, "
    "score, reason, metadata, alternatives, record, turns"
)
DUPLICATE = "duplicate"
"""The code of an example that the source holds more than once; it is taken once."""

# The groups in which new examples are queued: what a person thought is decided on first, and
# what is many and alike last.
THOUGHTS, OTHERS, SECTIONS, FLASHCARDS = range(4)
_TIERS = {
    **dict.fromkeys(("reflection", "decision", "learning"), THOUGHTS),
    "section": SECTIONS,
}


def prefixed(table: str) -> str:
    """Return the columns of :data:`ABOUT` as those of a table."""
    return ", ".join(f"{table}.{name.strip()}" for name in ABOUT.split(","))


@dataclass(frozen=True, slots=True)
class StagedExample:
    """An example as the rows that are stored, so that another process can make them."""

    id: str
    row: tuple[Any, ...]
    tags: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class ScannedItem:
    """What is remembered of a file of a source, by which the next scan sees whether it changed.

    ``size`` is in bytes, ``mtime_ns`` in nanoseconds since 1970, and 0 where the time
    can't be relied on; ``digest`` is the hash of the bytes, empty where nobody
    took it; ``sections`` counts those that would be examples if they were asked for.
    """

    name: str
    size: int = -1
    mtime_ns: int = 0
    digest: str = ""
    documents: int = 0
    sections: int = 0


@dataclass(frozen=True, slots=True)
class ReadItem:
    """A file that a scan read: what it gave, and what in it was not read.

    ``moved_from`` is the name that the same bytes had in the last scan, if another.
    ``last`` is False where more of the file follows.
    """

    item: ScannedItem
    examples: Sequence[StagedExample]
    skipped: Sequence[Skipped] = ()
    moved_from: str = ""
    last: bool = True


def staged(example: Example) -> StagedExample:
    """Return an example as it is stored."""
    where = example.provenance
    row = (
        example.id,
        _tier(example),
        example.kind,
        label(where.heading, where.title, example.turns),
        where.path,
        where.start_line,
        where.end_line,
        where.heading,
        where.title,
        dump_texts(where.tags),
        where.date,
        SAME_HASH if where.content_hash == example.id else where.content_hash,
        example.score,
        example.reason,
        dump_texts(example.metadata),
        dump_alternatives(example.alternatives),
        where.record,
        dump_turns(example.turns),
    )
    return StagedExample(example.id, tuple(map(pack, row)), where.tags, example.kind)


def _repeated(example: StagedExample) -> tuple[str, int, str, str]:
    """Return the path, line, code and reason of an example that its file holds again."""
    path, line = example.row[4:6]
    return path, line, DUPLICATE, "the same question and answer stand above in the file"


def _tier(example: Example) -> int:
    if example.kind == "qa" and example.reason.startswith(FLASHCARD):
        return FLASHCARDS
    return _TIERS.get(example.kind, OTHERS)


class Stage:
    """What a scan found, in a temporary database that is gone when it is closed."""

    def __init__(self, path: Path, busy_seconds: float) -> None:
        self.path = path
        self.raw = raw_connection("", busy_seconds)
        self.tiers: set[int] = set()
        self._seen: set[bytes] = set()
        self._here: set[bytes] = set()
        self._item = ""
        self._rows: list[tuple[Any, ...]] = []
        self._tags: list[tuple[Any, ...]] = []
        self._repeats: list[tuple[Any, ...]] = []
        self._items: list[tuple[Any, ...]] = []
        self._skips: list[tuple[Any, ...]] = []
        with translated(path):
            # Nobody looks for it after a crash, and most of it fits into memory.
            self.raw.executescript(
                f"""
                PRAGMA journal_mode = MEMORY;
                PRAGMA synchronous = OFF;
                PRAGMA page_size = 16384;
                PRAGMA cache_size = -{_CACHE_KB};
                CREATE TABLE staged (seq INTEGER PRIMARY KEY, item, {_COLUMNS},
                    follows DEFAULT '');
                CREATE TABLE staged_tags (id, tag, PRIMARY KEY (id, tag)) WITHOUT ROWID;
                CREATE TABLE repeats (id, item, PRIMARY KEY (id, item)) WITHOUT ROWID;
                CREATE VIEW seen AS SELECT id, item FROM staged
                    UNION ALL SELECT id, item FROM repeats;
                CREATE TABLE read_items (name PRIMARY KEY, size, mtime_ns, digest, documents,
                    sections, moved_from) WITHOUT ROWID;
                CREATE TABLE kept_items (name PRIMARY KEY, size, mtime_ns) WITHOUT ROWID;
                CREATE TABLE gone_items (name PRIMARY KEY) WITHOUT ROWID;
                CREATE TABLE staged_skips (item, path, line, code, reason);
                """
            )

    def take(self, read: ReadItem) -> None:
        """Take in what a file gave; of two examples with one id the first stays."""
        item = read.item
        self._items.append(
            (
                *(item.name, item.size, item.mtime_ns, item.digest, item.documents),
                *(item.sections, read.moved_from),
            )
        )
        if item.name != self._item:
            self._here.clear()
            self._item = item.name
        for example in read.examples:
            # As bytes a million of them take half the memory.
            short = bytes.fromhex(example.id.rpartition("-")[2])
            if short in self._here:
                self._skips.append((item.name, *_repeated(example)))
                continue
            self._here.add(short)
            if short in self._seen:
                self._repeats.append((example.id, item.name))
                continue
            self._seen.add(short)
            self._rows.append((pack(item.name), *example.row))
            self.tiers.add(example.row[1])
            self._tags += [(example.id, tag) for tag in example.tags]
        self._skips += [
            (item.name, skip.path, skip.line, skip.code, skip.reason) for skip in read.skipped
        ]
        # Copies of what is known and skipped things make no rows, and yet they add up.
        if max(len(self._rows), len(self._repeats) // 4, len(self._skips) // 4) >= BATCH:
            self._flush()

    def keep(self, items: Iterable[ScannedItem]) -> None:
        """Note files that have another time than before but the same bytes."""
        with translated(self.path):
            self.raw.executemany(
                "INSERT OR REPLACE INTO kept_items VALUES (?, ?, ?)",
                [bound((item.name, item.size, item.mtime_ns)) for item in items],
            )

    def lose(self, names: Iterable[str]) -> None:
        """Note files that are gone."""
        with translated(self.path):
            self.raw.executemany(
                "INSERT OR IGNORE INTO gone_items VALUES (?)", [bound((name,)) for name in names]
            )

    def leave_out(self, skipped: Iterable[Skipped]) -> None:
        """Note what was not read and belongs to no file that was."""
        self._skips += [("", skip.path, skip.line, skip.code, skip.reason) for skip in skipped]

    def _flush(self) -> None:
        try:
            self._write()
        except DiskFull as error:
            raise DiskFull(
                "no room for the temporary files of a scan",
                hint="free some space in the folder for temporary files, or name another one "
                "with SQLITE_TMPDIR; nothing was stored",
                counts={"stored": 0},
            ) from error

    def _write(self) -> None:
        marks = ", ".join("?" * (_COLUMNS.count(",") + 2))
        with translated(self.path):
            self.raw.execute("BEGIN")
            self.raw.executemany(
                f"INSERT INTO staged (item, {_COLUMNS}) VALUES ({marks})", self._rows
            )
            for verb, table, rows in (
                ("IGNORE", "staged_tags", self._tags),
                ("IGNORE", "repeats", self._repeats),
                ("REPLACE", "read_items", self._items),
                ("IGNORE", "staged_skips", self._skips),
            ):
                if rows:
                    self.raw.executemany(
                        f"INSERT OR {verb} INTO {table} VALUES ({', '.join('?' * len(rows[0]))})",
                        map(bound, rows),
                    )
            self.raw.execute("COMMIT")
        for rows in (self._rows, self._tags, self._repeats, self._items, self._skips):
            rows.clear()

    def finish(self) -> None:
        """Write what is still held in memory, and make it ready to be looked through."""
        self._flush()
        self._seen.clear()
        self._here.clear()
        with translated(self.path):
            # All at once it is sorted; row by row each would go to another page.
            self.raw.execute("CREATE UNIQUE INDEX IF NOT EXISTS staged_id ON staged (id)")
            self._tell_apart()

    def _tell_apart(self) -> None:
        """Label by their questions what headings or titles would show as one line many times."""
        self.raw.execute(
            "UPDATE staged SET label = asked_row(turns) WHERE (heading != '' OR title != '') "
            "AND asked_row(turns) != '' AND label IN "
            "(SELECT label FROM staged GROUP BY label HAVING count(*) > 1)"
        )

    def close(self) -> None:
        """Drop what was gathered."""
        self.raw.close()
