"""Where a row that finetui exported came from, as it stands in the row's metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.sources.facts import MAX_COLUMNS, clean, metadata_of
from engine.sources.instructions.exact import TEXT_ID

_OWN = frozenset({TEXT_ID, "title", "tags", "date", "lines", "extra"})
_MAX_TAGS = 50
_MAX_JSON = 100_000


@dataclass(frozen=True, slots=True)
class Origin:
    """What an exported row says of itself.

    Attributes:
        title: The title of what it came from.
        tags: Its tags.
        date: Its date, as ``YYYY-MM-DD``.
        metadata: The rest: its id, path, source, kind, and what the source said besides.
    """

    title: str
    tags: tuple[str, ...]
    date: str
    metadata: dict[str, str]


def origin_of(told: Mapping[str, Any]) -> Origin:
    """Return what the metadata of an exported row says; it may have been edited by hand."""
    tags = _held(told.get("tags"))
    tags = tags if isinstance(tags, list) else []
    rest = {key: value for key, value in told.items() if key not in _OWN and value is not False}
    kept = metadata_of(rest, ())
    lines = _held(told.get("lines"))
    if isinstance(lines, list) and len(lines) == 2 and all(isinstance(n, int) for n in lines):
        kept["lines"] = f"{lines[0]}-{lines[1]}"
    extra = _held(told.get("extra"))
    for name, value in metadata_of(extra if isinstance(extra, dict) else {}, ()).items():
        if len(kept) < MAX_COLUMNS:
            kept.setdefault(name, value)
    return Origin(
        _text(told.get("title"), 300),
        tuple(_text(tag, 100) for tag in tags[:_MAX_TAGS] if isinstance(tag, str) and tag.strip()),
        _text(told.get("date"), 40),
        kept,
    )


def _held(value: Any) -> Any:
    """Return what stands as JSON in a text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if len(value) <= _MAX_JSON else None
    except (ValueError, RecursionError):
        return None


def _text(value: Any, most: int) -> str:
    return " ".join(clean(value).split())[:most] if isinstance(value, str) else ""
