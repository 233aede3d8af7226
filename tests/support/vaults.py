"""Sources written and read in tests, without a store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.models import Document, Skipped
from engine.sources import Reading, Refused, reader_of


def write_files(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder, by their paths in it; return the folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def read_source(kind: str, root: Path, **options: str) -> tuple[list[Document], list[Skipped]]:
    """Return the documents of a source in the order of its files, and what was left out."""
    skipped: list[Skipped] = []
    reading = Reading("s", options, skipped.append)
    reader = reader_of(kind)
    documents: list[Document] = []
    for item in reader.items(str(root), reading):
        try:
            documents += reader.read(item, reading)
        except Refused as refused:
            reading.skip(item.name, 0, refused.code, refused.reason)
    return documents, skipped


def read_vault(root: Path, **options: str) -> tuple[list[Document], list[Skipped]]:
    """Return the notes of a vault, and what was left out."""
    return read_source("vault", root, **options)
