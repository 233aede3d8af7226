"""A source read from end to end: into the store, or for a first look that stores nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from engine.errors import FinetuiError
from engine.extract import extract_all
from engine.extract.notes import taken
from engine.extract.reading import How, Stopped, Task, fault, read_all, reliable_time
from engine.extract.unheard import PREFIX, reason, unheard, unheard_words
from engine.models import Example, Skipped, Source, content_hash
from engine.sources import (
    Detection,
    Item,
    Progress,
    Reading,
    Refused,
    check_options,
    detect,
    detect_as,
    is_address,
    locate,
    reader_of,
    told_of,
)
from engine.sources.base import no_progress
from engine.sources.flags import gathered
from engine.store import Store
from engine.store.staging import ScannedItem
from engine.trust import covers, refuse, source_item

EXTRACTION = 6
"""Raised when the same document gives other examples than before."""


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan found.

    Attributes:
        documents: How many notes, conversations or rows the source has.
        examples: How many different examples they give.
        new: How many of them the store had not seen.
        vanished: How many examples of the last scan are gone from the source; those of
            them that a person decided or edited stay in the queue.
        changed: How many examples have a new version.
        files_read: How many files were read.
        files_kept: How many were not, because they had not changed.
        skipped: Everything that was not read, and why; empty where another process
            scanned, and the store has it.
        skipped_count: How many things were not read.
        kinds: How many examples there are of each kind.
        sections: How many sections would be examples too, if they were asked for.
        cancelled: The scan was stopped; then the store is as it was.
    """

    documents: int = 0
    examples: int = 0
    new: int = 0
    vanished: int = 0
    changed: int = 0
    files_read: int = 0
    files_kept: int = 0
    skipped: tuple[Skipped, ...] = ()
    skipped_count: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    sections: int = 0
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What a path would give, with nothing stored.

    ``more`` counts by kind what it would give too if that was asked for. ``told`` is what a
    person is told at once of how it is read, such as whose words are learnt.
    """

    detection: Detection
    documents: int
    examples_by_kind: Mapping[str, int]
    first: tuple[Example, ...]
    skipped_by_code: Mapping[str, int]
    more: Mapping[str, int] = field(default_factory=dict)
    told: tuple[str, ...] = ()


def _never() -> bool:
    return False


def fingerprint(source: Source) -> str:
    """Return what reading a source depends on besides its files."""
    reader = reader_of(source.kind)
    options = "\n".join(f"{name}={source.options[name]}" for name in sorted(source.options))
    said = f"{source.kind} {reader.version} {EXTRACTION}\n{options}"
    return content_hash(said.encode("utf-8", "surrogatepass"))


def scan(
    store: Store,
    source: Source,
    *,
    progress: Progress = no_progress,
    cancelled: Callable[[], bool] = _never,
    again: bool = False,
) -> ScanReport:
    """Read what changed in a source since its last scan, and record what it gives.

    A file counts as unchanged where its size and time are the same, or else its
    bytes' hash. All is read before anything is recorded: a scan that fails or is cancelled
    while it reads changes nothing, and decisions are kept in any case.

    Args:
        store: The workspace's store.
        source: The source, as the store returns it.
        progress: Called with the bytes read and the bytes there are to read.
        cancelled: Asked between documents whether to stop.
        again: Read every file, changed or not.

    Raises:
        SourceError: The source is gone, can't be opened, or has nothing in it any more,
            as with a drive that is not mounted.
        WorkspaceUntrusted: It is an address that the workspace brought along.
        UsageError: An option of the source is not valid.
    """
    started = time.time_ns()
    reader = reader_of(source.kind)
    check_options(source.kind, source.options)
    root = locate(source.root)
    if is_address(root) and not covers(store.path.parent, [item := source_item(root)]):
        raise refuse(store.path.parent, item)
    left_out: list[Skipped] = []

    def look_up(_: int) -> None:
        if cancelled():
            raise Stopped

    reading = Reading(source.id, source.options, left_out.append, look_up)
    mark = fingerprint(source)
    known = store.scanned_items(source.id)
    same = store.fingerprint(source.id) == mark and not again
    try:
        items = list(_stopping(reader.items(root, reading), cancelled))
        plan = _plan(_stopping(items, cancelled), known, same, started)
        total = sum(task.item.size for task in plan.read)

        def on_bytes(behind: int) -> None:
            if cancelled():
                raise Stopped
            progress(min(behind, total), total)

        with store.stage() as stage:
            how = How(source.kind, reading, started, local=not is_address(source.root))
            for found in read_all(plan.read, how, on_bytes):
                stage.take(found)
            stage.keep(plan.touched)
            stage.lose(plan.gone)
            stage.leave_out(left_out)
            tally = store.take_over(stage, source.id, fingerprint=mark, at=time.time())
    except Stopped:
        return ScanReport(cancelled=True)
    return ScanReport(
        documents=tally.documents,
        examples=tally.examples,
        new=tally.new,
        vanished=tally.vanished,
        changed=tally.changed,
        files_read=len(plan.read),
        files_kept=len(items) - len(plan.read),
        skipped=tuple(gathered(store.skips(source.id))),
        skipped_count=tally.skipped,
        kinds=store.source_kinds(source.id),
        sections=store.source_sections(source.id),
    )


@dataclass(slots=True)
class _Plan:
    """What a scan has to do: read, note another time, or let go."""

    read: list[Task] = field(default_factory=list)
    touched: list[ScannedItem] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


def _plan(
    items: Iterable[Item], known: Mapping[str, ScannedItem], same: bool, started_ns: int
) -> _Plan:
    plan = _Plan()
    names: set[str] = set()
    changed: list[Item] = []
    for item in items:
        names.add(item.name)
        before = known.get(item.name)
        if not same or before is None or not before.digest:
            changed.append(item)
        elif (item.size, item.mtime_ns) != (before.size, before.mtime_ns) or not item.mtime_ns:
            if _digest(item) == before.digest:
                time_ns = reliable_time(item, started_ns)
                plan.touched.append(ScannedItem(item.name, item.size, time_ns))
            else:
                changed.append(item)
    plan.gone = [name for name in known if name not in names]
    lost = {known[name].digest: name for name in plan.gone if known[name].digest}
    sizes = {known[name].size for name in plan.gone}
    for item in changed:
        moved = ""
        if item.name not in known and item.size in sizes:
            moved = lost.pop(_digest(item), "")
        plan.read.append(Task(item, moved))
    return plan


def _digest(item: Item) -> str:
    try:
        return item.digest()
    except Refused:
        return ""  # Reading it will say why.


def _stopping(items: Iterable[Item], cancelled: Callable[[], bool]) -> Iterator[Item]:
    for item in items:
        if cancelled():
            raise Stopped
        yield item


def preview(
    place: str | Path,
    limit: int = 5,
    *,
    kind: str = "",
    options: Mapping[str, str] | None = None,
    progress: Progress = no_progress,
    cancelled: Callable[[], bool] = _never,
) -> Preview:
    """Read a place and say what it would give. Nothing is stored.

    Args:
        place: A file, a folder or an address.
        limit: How many examples to return as ``first``; they come from different
            documents as far as there are enough.
        kind: The kind to read it as; detected where empty.
        options: What is set about it.
        progress: Called with the bytes read and the bytes there are.
        cancelled: Asked between documents whether to stop with what was found so far.

    Raises:
        SourceError: It is no source, can't be opened, or may be of two kinds.
        UsageError: There is no kind or option of that name.
    """
    chosen = dict(options or {})
    detection = detect_as(kind, place, chosen) if kind else detect(place)
    check_options(detection.kind, chosen)
    look = _Look(limit)
    try:
        for example_batch in _examples(detection.kind, place, chosen, look, progress, cancelled):
            look.add(example_batch)
    except Stopped:
        pass
    shown = tuple((look.first + look.others)[:limit])
    return Preview(
        detection,
        look.documents,
        dict(look.kinds.most_common()),
        shown,
        dict(look.codes.most_common()),
        dict(look.more),
        told=(*told_of(detection.kind, chosen), *unheard_words(look.codes)),
    )


class _Look:
    """What a first look has seen so far."""

    def __init__(self, limit: int) -> None:
        self.codes: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.first: list[Example] = []
        self.others: list[Example] = []
        self.more: Counter[str] = Counter()
        self.documents = 0
        self._limit = limit
        self._seen: set[str] = set()

    def skip(self, skipped: Skipped) -> None:
        """Count something that is not read."""
        self.codes[skipped.code] += 1

    def add(self, examples: Sequence[Example]) -> None:
        """Count a document's examples."""
        self.documents += 1
        fresh = [example for example in examples if example.id not in self._seen]
        if len(fresh) < len(examples):
            self.codes["duplicate"] += len(examples) - len(fresh)
        self._seen.update(example.id for example in fresh)
        self.kinds.update(example.kind for example in fresh)
        if len(self.first) < self._limit:
            self.first.extend(fresh[:1])
            self.others.extend(fresh[1 : self._limit + 1])


def _examples(
    kind: str,
    place: str | Path,
    options: Mapping[str, str],
    look: _Look,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> Iterator[list[Example]]:
    """Yield the examples of each document."""
    # Sections are looked for even where they are not taken, so that a person learns of them.
    reader = reader_of(kind)

    def look_up(_: int) -> None:
        if cancelled():
            raise Stopped

    reading = Reading("", options, look.skip, look_up)
    items = list(_stopping(reader.items(locate(place), reading), cancelled))
    total = sum(item.size for item in items)
    behind = 0

    def on_bytes(read: int) -> None:
        if cancelled():
            raise Stopped
        progress(min(behind + read, total), total)

    reading = Reading("", options, look.skip, on_bytes)
    for item in items:
        try:
            for document in reader.read(item, reading):
                if cancelled():
                    raise Stopped
                found, unasked = extract_all(
                    document, options, partial(reading.skip, document.path)
                )
                look.more += Counter(section=unasked)
                if not found and (code := unheard(document, taken(options))):
                    reading.skip(item.name, 0, f"{PREFIX}{code}", reason(code))
                yield found
        except Refused as refused:
            reading.skip(item.name, 0, refused.code, refused.reason)
        except (FinetuiError, Stopped):
            raise
        except Exception as error:  # a fault in one file must not cost the others
            reading.skip(item.name, 0, *fault(error))
        item.forget()
        behind += item.size
        progress(behind, total)
