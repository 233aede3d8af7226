"""A frozen dataset of given rows, without a workspace and a freeze."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.dataset.frozen import MANIFEST
from engine.dataset.rows import Row, encode_rows
from engine.models import Role, Turn, example_id


def turns_of(*said: tuple[Role, str]) -> tuple[Turn, ...]:
    return tuple(Turn(role, content) for role, content in said)


def row(turns: tuple[Turn, ...], number: int = 0, **metadata: object) -> Row:
    """Return a row as a freeze writes it; its id tells equal conversations apart."""
    made = {"kind": "reflection", "path": f"{number}.md", **metadata, "text_id": example_id(turns)}
    return Row(f"b2-{number:032x}", turns, made)


def write_frozen(folder: Path, parts: Mapping[str, Sequence[Row]]) -> Path:
    """Write a dataset's folder: the rows by split, and a manifest that fits them."""
    folder.mkdir(parents=True)
    files = {}
    for name, rows in parts.items():
        data = encode_rows(rows)
        (folder / f"{name}.jsonl").write_bytes(data)
        files[f"{name}.jsonl"] = {"sha256": hashlib.sha256(data).hexdigest()}
    manifest = {
        "v": 1,
        "name": "d1",
        "counts": {name: len(rows) for name, rows in parts.items()},
        "content_hash": "x",
        "files": files,
        "settings": {"seed": 13},
        "tokens": None,
        "base": None,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    return folder
