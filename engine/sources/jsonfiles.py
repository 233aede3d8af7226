"""Files of JSON in a folder or an archive, and documents made of their records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from engine.models import Document
from engine.sources.archives import is_archive, members
from engine.sources.base import Reading, Survey
from engine.sources.files import Item, Refused, walk
from engine.sources.records import JSON_SUFFIXES, Record, records

SAMPLE_FILES = 30
SAMPLE_RECORDS = 25

Skip = Callable[[int, str, str], None]
"""Called with a line, a code and a reason."""


def is_json(item: Item) -> bool:
    """Say whether a file is JSON by its name, or by its first character where it has no ending."""
    if item.suffix in JSON_SUFFIXES:
        return True
    if item.suffix or item.size < 2:
        return False
    try:
        return item.head(64).lstrip()[:1] in (b"{", b"[")
    except Refused:
        return False


def json_files(survey: Survey) -> list[Item]:
    """Return the surveyed files that are JSON; a file named by itself always counts."""
    return list(survey.items) if survey.is_file else [i for i in survey.items if is_json(i)]


def first_records(item: Item, count: int = SAMPLE_RECORDS) -> list[Record]:
    """Return the first records of a file; none where it can't be read."""
    found: list[Record] = []
    with suppress(Refused):
        # A list is read no further than it takes, so a large file costs no more than a small one.
        found.extend(islice(records(item, lambda *_: None), count))
    item.forget()
    return found


def nothing_else(item: Item) -> tuple[str, str] | None:
    """Leave no JSON file out."""


def list_json(
    root: str,
    reading: Reading,
    *,
    left_out: Callable[[Item], tuple[str, str] | None] = nothing_else,
) -> Iterator[Item]:
    """Yield the JSON and JSONL files of a folder or a zip archive, or the one file.

    Archives in a folder are looked into. What is no JSON is reported.

    Args:
        root: The source's root.
        reading: Where what is left out goes.
        left_out: Given a file, returns the code and reason with which it is left out
            though it could be JSON, or None.
    """
    for item in walk(Path(root), reading):
        alone = item.path is not None and str(item.path) == root
        if is_archive(item):
            yield from _of_archive(item, "" if alone else f"{item.name}/", reading, left_out)
        elif alone or not (why := left_out(item) or _other(item)):
            yield item
        else:
            reading.skip(item.name, 0, *why)


def _of_archive(
    archive: Item,
    prefix: str,
    reading: Reading,
    left_out: Callable[[Item], tuple[str, str] | None],
) -> Iterator[Item]:
    try:
        for item in members(archive, reading, prefix=prefix):
            if why := left_out(item) or _other(item):
                reading.skip(item.name, 0, *why)
            else:
                yield item
    except Refused as refused:
        reading.skip(archive.name, 0, refused.code, refused.reason)


def _other(item: Item) -> tuple[str, str] | None:
    return None if is_json(item) else ("not-json", "it is neither JSON nor JSONL")


def read_records(
    item: Item, reading: Reading, documents: Callable[[Record, Skip], Iterator[Document]]
) -> Iterator[Document]:
    """Yield what is made of each record of a file; what can't be read is reported.

    Args:
        item: The file.
        reading: Where what is left out goes.
        documents: Makes documents of a record, and reports what it leaves out.

    Raises:
        Refused: The file as a whole can't be read.
    """
    told = seen = False

    def skip(line: int, code: str, reason: str) -> None:
        nonlocal told
        told = True
        reading.skip(item.name, line, code, reason)

    for record in records(item, skip, on_bytes=reading.on_bytes):
        seen = True
        yield from documents(record, skip)
        # Not held while the next one is read, which may be as large.
        del record
    if not seen and not told:
        skip(0, "empty", "no record stands in it")
