"""Real Chroma databases for the tests, and what a reader gives of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.models import Document, Skipped
from engine.sources import Item, Reading, Refused
from engine.sources.base import Detection, Survey
from engine.sources.cache import CacheReader


@dataclass(frozen=True)
class Entry:
    """A row to be stored."""

    document: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""


@contextmanager
def client(folder: Path) -> Iterator[Any]:
    """Open Chroma on a folder, and close it so that nothing of it stays in this process."""
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False, migrations="apply")
    opened = chromadb.PersistentClient(str(folder), settings=settings)
    try:
        yield opened
    finally:
        opened.close()


def store(folder: Path, collections: Mapping[str, Sequence[Entry]]) -> Path:
    """Persist collections into a folder, as a program with Chroma does."""
    with client(folder) as opened:
        for name, entries in collections.items():
            collection = opened.get_or_create_collection(name, embedding_function=None)
            for start in range(0, len(entries), 1000):
                add(collection, entries[start : start + 1000], start)
    return folder


def add(collection: Any, entries: Sequence[Entry], start: int = 0) -> None:
    """Add rows with vectors made up, of two dimensions."""
    numbers = range(start, start + len(entries))
    documents = [entry.document for entry in entries]
    metadatas = [dict(entry.metadata) or None for entry in entries]
    collection.add(
        ids=[entry.id or f"row-{number}" for number, entry in zip(numbers, entries, strict=True)],
        embeddings=[[float(number % 7), float(number % 11)] for number in numbers],
        documents=documents if any(text is not None for text in documents) else None,
        metadatas=metadatas if any(metadatas) else None,
    )


@dataclass(frozen=True)
class Read:
    """What was read of a source."""

    documents: list[Document]
    skipped: list[Skipped]

    @property
    def talks(self) -> list[list[str]]:
        """The texts of each document's turns."""
        return [[turn.content for turn in document.turns] for document in self.documents]

    @property
    def codes(self) -> dict[str, str]:
        """The code of each thing that was skipped, by its place."""
        return {skip.path: skip.code for skip in self.skipped}


def survey(path: Path) -> Survey:
    """Look at a path as the detection of kinds does."""
    if path.is_file():
        return Survey(path, True, (Item.of(path, path.name),), frozenset())
    files = [each for each in sorted(path.rglob("*")) if each.is_file()]
    items = tuple(Item.of(each, each.relative_to(path).as_posix()) for each in files)
    return Survey(path, False, items, frozenset())


def detect(path: Path) -> Detection:
    """Detect a path, which has to be recognised."""
    found = CacheReader().detect(survey(path))
    assert found is not None
    return found


def read(path: Path, **options: str) -> Read:
    """Read a source whole; an item that is refused is among what was skipped."""
    skipped: list[Skipped] = []
    documents: list[Document] = []
    reader = CacheReader()
    reading = Reading("source", options, skipped.append)
    for item in list(reader.items(str(path), reading)):
        try:
            documents += reader.read(item, reading)
        except Refused as refused:
            reading.skip(item.name, 0, refused.code, refused.reason)
    return Read(documents, skipped)
