"""What the tests of tables share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.sources import Item
from engine.sources.tables import rows

Problem = tuple[int, str]


def table(path: Path) -> tuple[list[tuple[int, dict[str, Any]]], list[Problem]]:
    """Return a file's rows with their lines, and the line and code of each problem."""
    problems: list[Problem] = []
    _, stream = rows(Item.of(path, path.name), lambda line, code, _: problems.append((line, code)))
    return [(record.line, dict(record.fields)) for record in stream], problems


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """Return a new file with a content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
