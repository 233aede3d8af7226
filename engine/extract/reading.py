"""The files of a source read into examples: one after the other, or many at a time.

Notes are many and small, and taking them apart is pure computation, so they are spread
over processes. What comes back are the rows that the store keeps, in the files' order.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from engine.apart import MEMORY, Died, apart, limit_memory
from engine.errors import FinetuiError
from engine.extract import extract_all
from engine.extract.notes import taken
from engine.extract.unheard import PREFIX, reason, unheard
from engine.models import Skipped
from engine.sources import Item, Reader, Reading, Refused, reader_of
from engine.spread import can_spread, in_flight, spread
from engine.store.staging import ReadItem, ScannedItem, StagedExample, staged

_AT_ONCE = 500
_CHUNK = 48
_FEW = 4 * _CHUNK
_RECENT_NS = 2_000_000_000
_TELL_SECONDS = 0.1

DIED = "reader-died"
"""The code of a file whose reader's process ended."""


class Stopped(Exception):
    """The person asked to stop."""


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
        local: Whether the files lie on this machine; what an app or a hub gives is read by the
            process that asked for it.
    """

    kind: str
    reading: Reading
    started_ns: int
    local: bool = True


def read_all(
    tasks: Sequence[Task], how: How, on_bytes: Callable[[int], None]
) -> Iterator[ReadItem]:
    """Yield what files give, in their order.

    Files are read by other processes, many small ones at a time and others one after the other.
    Whatever ends such a process, or takes too much memory, costs the file that it read.

    Args:
        tasks: The files.
        how: What reading depends on besides them.
        on_bytes: Called with the bytes behind; it may raise to stop the reading.

    Yields:
        What each file gave; a file that gives much comes in several parts, of which
        the last has its hash and the number of its documents.
    """
    rest = tasks
    behind = 0
    many = len(tasks) > _FEW and _can_spread(tasks)
    while many and rest:
        done = 0
        with suppress(BrokenProcessPool):
            for found in _spread(rest, how):
                done += 1
                behind += max(found.item.size, 0)
                yield found
                on_bytes(behind)
        rest = rest[done:]
        # One of the files that were being read has ended a process; which one, they say when
        # each is read by itself.
        suspects, rest = rest[: in_flight() * _CHUNK], rest[in_flight() * _CHUNK :]
        died = 0
        for found in _one_by_one(suspects, how, _from(on_bytes, behind)):
            died += any(skip.code == DIED for skip in found.skipped)
            yield found
        behind += _sizes(suspects)
        many = died > 0
    yield from _one_by_one(rest, how, _from(on_bytes, behind))


def _from(on_bytes: Callable[[int], None], start: int) -> Callable[[int], None]:
    return lambda read: on_bytes(start + read)


def _sizes(tasks: Sequence[Task]) -> int:
    return sum(task.item.size for task in tasks)


def _one_by_one(
    tasks: Sequence[Task], how: How, on_bytes: Callable[[int], None]
) -> Iterator[ReadItem]:
    """Read files one after the other, in a process that is started anew where one ends it."""
    if not how.local:
        yield from _here(tasks, how, on_bytes)
        return
    behind = 0
    while tasks:
        at = 0
        try:
            for event in apart(partial(_events, tasks, how), memory=MEMORY, batch=1):
                if isinstance(event, int):
                    on_bytes(behind + event)
                    continue
                yield event
                at += event.last
            return
        except Died as died:
            yield _lost(tasks[at], how, died)
            behind += _sizes(tasks[: at + 1])
            tasks = tasks[at + 1 :]
            on_bytes(behind)


def _events(tasks: Sequence[Task], how: How) -> Iterator[ReadItem | int]:
    """Yield what files give, and now and then how many bytes are behind."""
    behind = 0
    told = time.monotonic()

    def count(read: int) -> None:
        nonlocal behind
        behind = read

    for found in _here(tasks, how, count):
        yield found
        if time.monotonic() > told + _TELL_SECONDS:
            told = time.monotonic()
            yield behind
    yield behind


def _here(tasks: Sequence[Task], how: How, on_bytes: Callable[[int], None]) -> Iterator[ReadItem]:
    """Read files one after the other, in this process."""
    reader = reader_of(how.kind)
    behind = 0
    for task in tasks:
        yield from read_one(reader, task, how, _from(on_bytes, behind))
        behind += task.item.size
        on_bytes(behind)


def _lost(task: Task, how: How, died: Died) -> ReadItem:
    """Return what is left of a file whose reader ended: its name, and how that came."""
    item = task.item
    digest, time_ns = "", 0
    if died.by_itself:
        # It would end so again; what somebody else ended may be read next time.
        with suppress(Refused):
            digest, time_ns = item.digest(), reliable_time(item, how.started_ns)
    reason = f"{died.reason}; the other files were read"
    skip = Skipped(how.reading.source_id, item.name, 0, DIED, reason)
    return ReadItem(
        ScannedItem(item.name, item.size, time_ns, digest), [], (skip,), task.moved_from
    )


def read_one(
    reader: Reader, task: Task, how: How, on_bytes: Callable[[int], None]
) -> Iterator[ReadItem]:
    """Read one file into examples as they are stored."""
    item = task.item
    skipped: list[Skipped] = []
    examples: list[StagedExample] = []
    documents = sections = 0
    reading = replace(how.reading, on_skip=skipped.append, on_bytes=on_bytes)
    digest = ""
    try:
        for document in reader.read(item, reading):
            documents += 1
            left = partial(reading.skip, document.path)
            found, unasked = extract_all(document, reading.options, left)
            sections += unasked
            examples += [staged(example) for example in found]
            if not found and (code := unheard(document, taken(reading.options))):
                reading.skip(item.name, 0, f"{PREFIX}{code}", reason(code))
            if len(examples) >= _AT_ONCE:
                yield ReadItem(
                    ScannedItem(item.name), examples, tuple(skipped), task.moved_from, last=False
                )
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
    except (FinetuiError, Stopped):
        raise
    except Exception as error:  # a fault in one file must not cost the others
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        reading.skip(item.name, 0, *fault(error))
    item.forget()
    scanned = ScannedItem(
        item.name, item.size, reliable_time(item, how.started_ns), digest, documents, sections
    )
    yield ReadItem(scanned, examples, tuple(skipped), task.moved_from)


def fault(error: Exception) -> tuple[str, str]:
    """Return code and reason for what a reader should have named."""
    if isinstance(error, MemoryError):
        return "too-much-memory", f"reading it takes more than {MEMORY // 1_000_000:,} MB"
    if isinstance(error, RecursionError):
        return "too-deep", "it is nested too deeply"
    if isinstance(error, Died):
        return DIED, error.reason
    return "reader-failed", f"its reader failed ({type(error).__name__}); report it with the file"


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
    for found in spread(_read_rows, chunks, bare, prepare=limit_memory):
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
