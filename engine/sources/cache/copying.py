"""A Chroma database as a scan sees it, and the private copy that is read in its place.

Opening a database, even for reading, may write: SQLite makes lock and index files beside
it, rolls back what a program left unfinished, and Chroma brings old versions up to date.
So the original's bytes are copied, and all that happens to the copy.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from engine.errors import DiskFull
from engine.paths import cache_dir, shorten
from engine.sources.items import Item, Refused, is_lfs_pointer, pointer_refusal, refusal

SQLITE_NAME = "chroma.sqlite3"
ROWS_NAME = "chroma-embeddings.parquet"
COLLECTIONS_NAME = "chroma-collections.parquet"
"""Chroma before 0.4 kept its rows and its collections in these two files."""

_MAINS = (SQLITE_NAME, ROWS_NAME)
_MAGIC = b"SQLite format 3\x00"
# A log holds committed rows that are not yet in the main file; a journal what undoes an
# unfinished change of it.
_LOGS = ("-wal", "-journal")
_CHUNK = 1 << 20
_COPIES = 4
_WAITS = 10
# File times advance in steps of some milliseconds, so a file written this shortly ago may
# be written again without its time telling.
_FRESH_NS = 40_000_000
_BACKUP_SECONDS = 20
_ROOM = 16_000_000


class StoreItem(Item):
    """One database: its main file, and the files beside it without which it is not whole.

    Attributes:
        alone: It is the only database of its source.
    """

    __slots__ = ("alone", "main")

    def __init__(self, main: Path, name: str, *, alone: bool = True) -> None:
        seen = Item.of(main, name)
        super().__init__(name, seen.size, seen.mtime_ns, path=main)
        self.main = main
        self.alone = alone
        self.look_again()

    @property
    def is_sqlite(self) -> bool:
        """Whether its main file is a SQLite database, rather than Parquet."""
        return not self.main.name.endswith(".parquet")

    def parts(self) -> list[Item]:
        """Return its files as they are now, the main one first.

        Raises:
            Refused: The main file is gone.
        """
        found = [Item.of(self.main, self.main.name)]
        if self.is_sqlite:
            others = [self.main.with_name(self.main.name + log) for log in _LOGS]
        else:
            others = [self.main.with_name(COLLECTIONS_NAME)]
        for path in others:
            # A log comes and goes while a program works.
            with suppress(Refused):
                found.append(Item.of(path, path.name))
        return [part for part in found if part.size or part is found[0]]

    def changed(self) -> bool:
        """Say whether it is another than when the item was made."""
        try:
            return _summary(self.parts()) != (self.size, self.mtime_ns)
        except Refused:
            return True

    def look_again(self) -> None:
        """Take over the size and time that it has now.

        Raises:
            Refused: It is gone.
        """
        self.size, self.mtime_ns = _summary(self.parts())

    def digest(self) -> str:
        """Return the hash of the bytes of all its files: ``b2-`` and 32 hex digits of BLAKE2b.

        Raises:
            Refused: One can't be read.
        """
        hasher = hashlib.blake2b(digest_size=16)
        main, *logs = self.parts()
        _hash(main, hasher.update)
        for log in logs:
            # One that went away since then holds nothing any more.
            if self.main.with_name(log.name).exists():
                with suppress(Refused):
                    _hash(log, hasher.update)
        return "b2-" + hasher.hexdigest()


def _hash(part: Item, take: Callable[[bytes], object]) -> None:
    take(f"{part.name}\n{part.size}\n".encode())
    with part.open() as stream:
        try:
            while chunk := stream.read(_CHUNK):
                take(chunk)
        except OSError as error:
            raise refusal(error) from error


def _summary(parts: Sequence[Item]) -> tuple[int, int]:
    return sum(part.size for part in parts), max(part.mtime_ns for part in parts)


def stores(items: Iterable[Item]) -> list[StoreItem]:
    """Return the databases among files, in their order."""
    mains = [
        (item.path, item.name)
        for item in items
        if item.path is not None and os.path.basename(item.name) in _MAINS
    ]
    return [StoreItem(path, name, alone=len(mains) == 1) for path, name in mains]


def store_at(item: Item) -> StoreItem | None:
    """Return the database that a file is which a person named by itself, or None."""
    base = os.path.basename(item.name)
    if item.path is None:
        return None
    if base == COLLECTIONS_NAME:
        rows = item.path.with_name(ROWS_NAME)
        return StoreItem(rows, ROWS_NAME) if rows.is_file() else None
    known = base in _MAINS
    with suppress(Refused):
        known = known or item.head(len(_MAGIC)) == _MAGIC
    return StoreItem(item.path, item.name) if known else None


@contextmanager
def private_copy(item: StoreItem) -> Iterator[Path]:
    """Give a copy that nobody else sees or writes to; it is gone afterwards.

    A database in use is copied as it was at one moment.

    Yields:
        The copy of the main file.

    Raises:
        Refused: It can't be read, or is no database.
        DiskFull: There is no room for a copy.
    """
    _check(item)
    folder = _roomy(sum(part.size for part in item.parts()) * 5 // 4 + _ROOM)
    with tempfile.TemporaryDirectory(
        prefix="finetui-cache-", dir=folder, ignore_cleanup_errors=True
    ) as private:
        copy = Path(private) / item.main.name
        try:
            _copy(item, copy)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise no_room(folder) from error
            raise refusal(error) from error
        yield copy


def _check(item: StoreItem) -> None:
    head = item.head(200)
    if is_lfs_pointer(head):
        raise pointer_refusal()
    if not head:
        raise Refused("empty", "the file is empty")
    if item.is_sqlite and not head.startswith(_MAGIC):
        raise Refused(
            "not-a-database", "it is not a SQLite database; it may be encrypted or damaged"
        )
    if not item.is_sqlite and len(item.parts()) < 2:
        raise Refused("incomplete", f"{COLLECTIONS_NAME} is missing beside it")


def _roomy(needed: int) -> str:
    """Return a folder whose disk has room; that of temporary files may lie in memory."""
    first = tempfile.gettempdir()
    if shutil.disk_usage(first).free >= needed:
        return first
    second = cache_dir()
    try:
        second.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(second).free >= needed:
            return str(second)
    except OSError:
        pass
    raise no_room(first, needed)


def no_room(folder: str, needed: int = 0) -> DiskFull:
    """Return the error of a disk that has no room for a copy."""
    wanted = f" of {needed / 1e9:,.1f} GB" if needed >= 1e8 else ""
    return DiskFull(
        f"{shorten(folder)} has no room for a copy{wanted} of the database, which is what is read",
        hint="free some space, or name a folder on another disk in TMPDIR",
    )


def _copy(item: StoreItem, copy: Path) -> None:
    if not _copy_at_rest(item, copy):
        if not item.is_sqlite:
            raise Refused("changing", "it changes all the time; try again when it is at rest")
        backup(item.main, copy)


def _copy_at_rest(item: StoreItem, copy: Path) -> bool:
    """Copy all files while none of them changes; False where they never rest."""
    copies = 0
    for _ in range(_WAITS):
        before = _state(item)
        newest = max(mtime_ns for _, _, mtime_ns in before)
        if 0 <= time.time_ns() - newest < _FRESH_NS:
            time.sleep(_FRESH_NS / 1e9)
            continue
        with suppress(FileNotFoundError):
            for name, _, _ in before:
                shutil.copyfile(item.main.with_name(name), copy.with_name(name))
            if _state(item) == before:
                return True
        for log in _LOGS:
            copy.with_name(copy.name + log).unlink(missing_ok=True)
        copies += 1
        if copies == _COPIES:
            break
    return False


def _state(item: StoreItem) -> list[tuple[str, int, int]]:
    return [(part.name, part.size, part.mtime_ns) for part in item.parts()]


def backup(path: Path, copy: Path) -> None:
    """Copy a database that is written to all the time, by SQLite's own means.

    They hold a lock while they read, so that nobody writes meanwhile.

    Raises:
        Refused: It is locked for too long, or is damaged.
    """
    copy.unlink(missing_ok=True)
    end = time.monotonic() + _BACKUP_SECONDS
    address = f"file:{quote(str(path))}?mode=ro"

    def in_time(*_: int) -> None:
        if time.monotonic() > end:
            raise Refused("locked", "another program holds it locked; try again when it is idle")

    try:
        with (
            closing(sqlite3.connect(address, uri=True, timeout=_BACKUP_SECONDS)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target, progress=in_time, sleep=0)
    except sqlite3.Error as error:
        raise Refused("locked", f"another program uses it, and SQLite says: {error}") from error
