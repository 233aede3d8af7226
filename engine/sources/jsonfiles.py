"""What the kinds that are kept in JSON share: finding files, and making documents of records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.models import Document, Skipped, canonical_json, content_hash
from engine.sources.base import OnSkip, Progress, Survey
from engine.sources.files import Refused, relative, walk
from engine.sources.records import JSON_SUFFIXES, Record, records
from engine.sources.turns import date_of, dialogues, metadata_of, title_of

SAMPLE_FILES = 30
SAMPLE_RECORDS = 25
# A look is no reading: what is larger than this is judged by its name alone.
_SAMPLE_BYTES = 50_000_000


def json_files(survey: Survey) -> list[Path]:
    """Return the surveyed files that are JSON by name; a file named by itself always counts."""
    return list(survey.files) if survey.is_file else survey.with_suffix(*JSON_SUFFIXES)


def sample(survey: Survey) -> list[Mapping[str, Any]]:
    """Return some records of a surveyed path, the first of each of its first files."""
    found: list[Mapping[str, Any]] = []
    for path in json_files(survey)[:SAMPLE_FILES]:
        try:
            if path.suffix.lower() == ".json" and path.stat().st_size > _SAMPLE_BYTES:
                continue
            stream = records(path, lambda *_: None)
            found.extend(record.fields for record in islice(stream, SAMPLE_RECORDS))
        except (Refused, OSError):
            continue
    return found


def read_json(
    root: Path, source_id: str, *, progress: Progress, on_skip: OnSkip
) -> Iterator[Document]:
    """Yield one document a conversation from a JSON or JSONL file, or from a folder of them."""
    paths: list[Path] = []
    for path in walk(root, on_skip=on_skip, source_id=source_id):
        if path == root or path.suffix.lower() in JSON_SUFFIXES:
            paths.append(path)
        else:
            name = relative(path, root)
            on_skip(Skipped(source_id, name, 0, "not-json", "it is neither JSON nor JSONL"))
    sizes = [_size(path) for path in paths]
    total, before, told = sum(sizes), 0, -1
    for path, size in zip(paths, sizes, strict=True):
        reading = _File(path, relative(path, root), source_id, on_skip)
        for document in reading.documents():
            yield document
            done = min(before + reading.read, total)
            # A file that is one piece of JSON is read before its first record.
            if done != told:
                told = done
                progress(done, total)
        before += size
        if before != told:
            told = before
            progress(before, total)


def _size(path: Path) -> int:
    try:
        return max(path.stat().st_size, 1)
    except OSError:
        return 1


class _File:
    """One file being read: what it is called, and how many bytes are behind."""

    def __init__(self, path: Path, name: str, source_id: str, on_skip: OnSkip) -> None:
        self._path = path
        self._name = name
        self._source_id = source_id
        self._on_skip = on_skip
        self._skipped = False
        self.read = 0

    def _skip(self, line: int, code: str, reason: str) -> None:
        self._skipped = True
        self._on_skip(Skipped(self._source_id, self._name, line, code, reason))

    def _count(self, read: int) -> None:
        self.read = read

    def documents(self) -> Iterator[Document]:
        """Yield the file's documents and report what is none."""
        seen = False
        try:
            for record in records(self._path, self._skip, on_bytes=self._count):
                seen = True
                yield from self._of(record)
        except Refused as refused:
            self._skip(0, refused.code, refused.reason)
            return
        if not seen and not self._skipped:
            self._skip(0, "empty", "no record stands in it")

    def _of(self, record: Record) -> Iterator[Document]:
        title = title_of(record.fields)
        what = f"record {record.number}" + (f" ({title[:60]})" if title else "")
        try:
            found = dialogues(record.fields)
        except Refused as refused:
            self._skip(record.line, refused.code, f"{what}: {refused.reason}")
            return
        for dialogue in found:
            for code, reason in dialogue.dropped:
                self._skip(record.line, code, f"{what}: {reason}; the rest was read")
            text = canonical_json(dialogue.turns).encode("utf-8", "backslashreplace")
            yield Document(
                source_id=self._source_id,
                path=self._name,
                title=title,
                content_hash=content_hash(text),
                turns=dialogue.turns,
                date=date_of(record.fields),
                start_line=record.line,
                metadata=MappingProxyType(
                    {**metadata_of(record.fields), "layout": dialogue.layout}
                ),
            )
