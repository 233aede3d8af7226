"""A source read from end to end: into the store, or for a first look that stores nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.extract import extract
from engine.models import Document, Example, Skipped, Source
from engine.sources import Detection, Progress, detect, read
from engine.sources.base import no_progress
from engine.store import Store


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan found.

    Attributes:
        documents: How many notes, conversations or rows were read.
        examples: How many different examples they gave.
        new: How many of them the store had not seen.
        vanished: How many examples of the last scan are gone from the source; those of
            them that a person decided or edited stay in the queue.
        skipped: Everything that was not read, and why.
        kinds: How many examples there are of each kind.
        cancelled: The scan was stopped; then the store is as it was.
    """

    documents: int
    examples: int
    new: int
    vanished: int
    skipped: tuple[Skipped, ...]
    kinds: Mapping[str, int]
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What a path would give, with nothing stored."""

    detection: Detection
    documents: int
    examples_by_kind: Mapping[str, int]
    first: tuple[Example, ...]
    skipped_by_code: Mapping[str, int]


def _never() -> bool:
    return False


def scan(
    store: Store,
    source: Source,
    *,
    progress: Progress = no_progress,
    cancelled: Callable[[], bool] = _never,
) -> ScanReport:
    """Read a source and record what it gives.

    All is read before anything is recorded, and the recording is one transaction:
    a scan that fails or is cancelled changes nothing, and decisions are kept in any
    case.

    Args:
        store: The workspace's store.
        source: The source, as the store returns it.
        progress: Called with the units read and the units there are.
        cancelled: Asked between documents whether to stop.

    Raises:
        SourceMissing: The source is gone.
        SourceUnreadable: The source can't be opened.
        SourceEmpty: Nothing is in it any more, as with a drive that is not mounted.
    """
    skipped: list[Skipped] = []
    examples: dict[str, Example] = {}
    documents = 0
    stream = read(
        source.kind, Path(source.root), source.id, progress=progress, on_skip=skipped.append
    )
    for document in stream:
        if cancelled():
            return ScanReport(
                documents, len(examples), 0, 0, tuple(skipped), _kinds(examples), cancelled=True
            )
        documents += 1
        for example in extract(document):
            examples.setdefault(example.id, example)
    if cancelled():
        return ScanReport(
            documents, len(examples), 0, 0, tuple(skipped), _kinds(examples), cancelled=True
        )
    tally = store.record_scan(source.id, examples.values(), skipped, documents, at=time.time())
    return ScanReport(
        documents, len(examples), tally.new, tally.vanished, tuple(skipped), _kinds(examples)
    )


def preview(
    path: Path,
    limit: int = 5,
    *,
    kind: str = "",
    progress: Progress = no_progress,
    cancelled: Callable[[], bool] = _never,
) -> Preview:
    """Read a path and say what it would give. Nothing is stored.

    Args:
        path: A file or folder.
        limit: How many examples to return as ``first``; they come from different
            documents as far as there are enough.
        kind: The kind to read it as; detected where empty.
        progress: Called with the units read and the units there are.
        cancelled: Asked between documents whether to stop with what was found so far.

    Raises:
        SourceMissing: Nothing is there.
        SourceUnreadable: It can't be opened, or is no text.
        SourceEmpty: Nothing is in it.
        SourceUnknown: No kind recognises it.
        UsageError: There is no kind of that name.
    """
    detection = Detection(kind, 1.0, "named by you") if kind else detect(path)
    codes: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    seen: set[str] = set()
    first: list[Example] = []
    others: list[Example] = []
    documents = 0

    def on_skip(skip: Skipped) -> None:
        codes[skip.code] += 1

    for document in _until(
        cancelled, read(detection.kind, path, "", progress=progress, on_skip=on_skip)
    ):
        documents += 1
        fresh = [example for example in extract(document) if example.id not in seen]
        seen.update(example.id for example in fresh)
        kinds.update(example.kind for example in fresh)
        if len(first) < limit:
            first.extend(fresh[:1])
            others.extend(fresh[1 : limit + 1])
    shown = tuple((first + others)[:limit])
    return Preview(
        detection, documents, dict(kinds.most_common()), shown, dict(codes.most_common())
    )


def _until(cancelled: Callable[[], bool], stream: Iterator[Document]) -> Iterator[Document]:
    for document in stream:
        if cancelled():
            return
        yield document


def _kinds(examples: Mapping[str, Example]) -> dict[str, int]:
    return dict(Counter(example.kind for example in examples.values()).most_common())
