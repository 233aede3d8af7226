"""The metadata of rows, in columns that are the same in each row.

Loaders take the columns and their types from the first rows of a file, and fail at a
later row that has others. So every row has every key that some row has, and each key
has one type: a text, or yes or no. What is neither is written as JSON in a text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from engine.dataset.rows import Row
from engine.sources.instructions.exact import TEXT_ID

Kind = Literal["text", "flag", "json"]
Keys = Mapping[str, Kind]
"""The keys of the metadata, in order, and what each holds."""

_EMPTY: Mapping[Kind, Any] = {"text": "", "json": "", "flag": False}


def keys_of(rows: Iterable[Row]) -> dict[str, Kind]:
    """Return the keys that the rows' metadata has; ``id`` is the first, the text's id the last."""
    found: dict[str, Kind] = {"id": "text"}
    for row in rows:
        for key, value in row.metadata.items():
            kind: Kind = (
                "flag" if isinstance(value, bool) else "text" if isinstance(value, str) else "json"
            )
            found[key] = kind if found.get(key, kind) == kind else "json"
    found.pop(TEXT_ID, None)
    return {**found, TEXT_ID: "text"}


def told(metadata: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """Return a row's metadata with all keys."""
    return {
        key: _EMPTY[kind] if key not in metadata else _written(metadata[key], kind)
        for key, kind in keys.items()
    }


def _written(value: Any, kind: Kind) -> Any:
    return json.dumps(value, ensure_ascii=False) if kind == "json" else value
