"""The files of a source read into examples: one after the other, or many at a time.

Notes are many and small, and taking them apart is pure computation, so they are spread
over processes. What comes back are the rows that the store keeps, in the files' order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from engine.extract import extract
from engine.models import Skipped
from engine.sources import Item, Reader, Reading, Refused, reader_of
from engine.spread import can_spread, spread
from engine.store.staging import ReadItem, ScannedItem, StagedExample, staged

_AT_ONCE = 500
_CHUNK = 48
_FEW = 4 * _CHUNK
_RECENT_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Task:
    """A file to be read, and the name that its bytes had in the last scan, if another."""

    item: Item
    moved_from: str = ""


@dataclass(frozen=True, slots=True)
class How:
    """What reading depends on besides the files.

    Attributes:
        kind: The kind of source.
        reading: Options and id; its callbacks are replaced for each file.
        started_ns: When the scan began, in nanoseconds since 1970.
    """

    kind: str
    reading: Reading
    started_ns: int


def read_all(
    tasks: Sequence[Task], how: How, on_bytes: Callable[[int], None]
) -> Iterator[ReadItem]:
    """Read files, in order.

    Args:
        tasks: The files.
        how: What the reading depends on besides.
        on_bytes: Called with the bytes that are behind, of all files together; what it
            raises ends the reading.

    Yields:
        What each file gave; a file that gives much comes in several parts, of which
        the last has its hash and the number of its documents.
    """
    rest = tasks
    behind = 0
    if len(tasks) > _FEW and _can_spread(tasks):
        done = 0
        # A process that the system killed for its memory is no reason to fail: the rest
        # is read here, one after the other.
        with suppress(BrokenProcessPool):
            for found in _spread(tasks, how):
                done += 1
                behind += max(found.item.size, 0)
                yield found
                on_bytes(behind)
        rest = tasks[done:]
    reader = reader_of(how.kind)
    for task in rest:
        start = behind

        def count(read: int, start: int = start) -> None:
            on_bytes(start + read)

        yield from read_one(reader, task, how, count)
        behind += task.item.size
        on_bytes(behind)


def read_one(
    reader: Reader, task: Task, how: How, on_bytes: Callable[[int], None]
) -> Iterator[ReadItem]:
    """Read one file into examples as they are stored."""
    item = task.item
    skipped: list[Skipped] = []
    examples: list[StagedExample] = []
    documents = 0
    reading = replace(how.reading, on_skip=skipped.append, on_bytes=on_bytes)
    digest = ""
    try:
        for document in reader.read(item, reading):
            documents += 1
            examples += [staged(example) for example in extract(document, reading.options)]
            if len(examples) >= _AT_ONCE:
                yield ReadItem(ScannedItem(item.name), examples, tuple(skipped), task.moved_from)
                examples = []
                skipped.clear()
        digest = item.digest()
        if item.changed():
            digest = ""
            reading.skip(item.name, 0, "changing", "it changed while it was read; scan again")
    except Refused as refused:
        reading.skip(item.name, 0, refused.code, refused.reason)
        with suppress(Refused):
            digest = item.digest()
    item.forget()
    scanned = ScannedItem(
        item.name, item.size, reliable_time(item, how.started_ns), digest, documents
    )
    yield ReadItem(scanned, examples, tuple(skipped), task.moved_from)


def reliable_time(item: Item, started_ns: int) -> int:
    """Return when an item was changed, or 0 where that is too near the scan to tell.

    A file that was written just before may be written again within the clock's step,
    and have another content with the same time.
    """
    return 0 if item.mtime_ns > started_ns - _RECENT_NS else item.mtime_ns


def _can_spread(tasks: Sequence[Task]) -> bool:
    """Say whether other processes can read these files."""
    return can_spread() and all(task.item.path is not None for task in tasks)


_Row = tuple[str, int, int, str, str]


def _spread(tasks: Sequence[Task], how: How) -> Iterator[ReadItem]:
    bare = replace(how, reading=Reading(how.reading.source_id, dict(how.reading.options)))
    chunks = (
        [_row(task) for task in tasks[start : start + _CHUNK]]
        for start in range(0, len(tasks), _CHUNK)
    )
    for found in spread(_read_rows, chunks, bare):
        yield from found


def _row(task: Task) -> _Row:
    item = task.item
    return (item.name, item.size, item.mtime_ns, str(item.path), task.moved_from)


def _read_rows(rows: list[_Row], how: How) -> list[ReadItem]:
    """Read files, in another process. Each comes back whole, so that they can be counted."""
    reader = reader_of(how.kind)
    found: list[ReadItem] = []
    for name, size, mtime_ns, path, moved_from in rows:
        task = Task(Item(name, size, mtime_ns, path=Path(path)), moved_from)
        parts = list(read_one(reader, task, how, lambda _: None))
        found.append(
            ReadItem(
                parts[-1].item,
                [example for part in parts for example in part.examples],
                [skip for part in parts for skip in part.skipped],
                moved_from,
            )
        )
    return found
