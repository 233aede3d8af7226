"""Reading a memory in a test, and writing down what came of it for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.models import Document, Skipped
from engine.sources.base import Reading
from engine.sources.items import Refused
from engine.sources.memory.choices import choices_of
from engine.sources.memory.export import LIMITS, Limits, exported
from engine.sources.memory.reader import MemoryReader

READER = MemoryReader()


def read(root: Path | str, **options: str) -> tuple[list[Document], list[Skipped]]:
    """Return the documents of a file, folder or address, and what was left out."""
    skipped: list[Skipped] = []
    reading = Reading("s", options, skipped.append)
    documents: list[Document] = []
    for item in list(READER.items(str(root), reading)):
        try:
            documents += READER.read(item, reading)
        except Refused as refused:
            reading.skip(item.name, 0, refused.code, refused.reason)
    return documents, skipped


def ask(address: str, *, limits: Limits = LIMITS, **options: str) -> bytes:
    """Return what an app exports, as it came."""
    choices = choices_of(options)
    return exported(address, choices, lambda: None, limits).data()


def spoken(documents: Sequence[Document]) -> list[tuple[str, str]]:
    """Return the question and the last answer of each document."""
    return [
        (
            next(turn.content for turn in document.turns if turn.role == "user"),
            document.turns[-1].content,
        )
        for document in documents
    ]


def written(documents: Sequence[Document], skipped: Sequence[Skipped]) -> str:
    """Return documents and what was left out as text."""
    lines: list[str] = []
    system = ""
    for document in documents:
        for turn in document.turns:
            if turn.role != "system":
                lines.append(f"{document.start_line:>4}  {turn.role}: {turn.content}")
            elif turn.content != system:
                system = turn.content
                lines += ["      system, from here on:", *_indented(system)]
        noted = [f"{name}={value}" for name, value in sorted(document.metadata.items())]
        noted += [f"date={document.date}"] if document.date else []
        noted += [f"#{tag}" for tag in document.tags]
        lines += [f"      ({', '.join(noted)})", ""]
    lines.append("left out:")
    lines += [f"{skip.line:>4}  {skip.code}: {skip.reason}" for skip in skipped]
    return "\n".join(lines) + "\n"


def _indented(text: str) -> list[str]:
    return [f"        {line}" for line in text.splitlines()]


def metadata(documents: Sequence[Document], name: str) -> list[str]:
    """Return a field of each document's metadata."""
    return [document.metadata.get(name, "") for document in documents]


def as_json(value: Mapping[str, Any]) -> str:
    """Return an object as an app writes it to its file."""
    import json

    return json.dumps(value, ensure_ascii=False, indent=2)
