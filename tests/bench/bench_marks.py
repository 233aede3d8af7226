"""Marks of chat apps in files, and in the examples that are read from them.

Usage: ``python -m tests.bench.bench_marks FOLDER…``. Prints for each folder how many marks its
files hold, in any text of their JSON, and how many are left in the examples: known marks, and
characters of the private use areas that belong to none.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.appmarks import marks_in
from engine.errors import FinetuiError
from engine.extract.scan import preview

PRIVATE = re.compile("[\ue000-\uf8ff\ufffc\U000f0000-\U0010ffff]")


def marks(text: str) -> Counter[str]:
    """Return how many marks a text holds, by kind."""
    found = Counter(kind for _, _, kind in marks_in(text))
    found["private use"] = len(PRIVATE.findall(text))
    return +found


def texts(value: Any) -> Iterator[str]:
    """Yield the texts of a JSON value."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            pending += one.values()
        elif isinstance(one, list):
            pending += one


def in_file(path: Path) -> Counter[str]:
    """Return the marks of a file: JSON, JSONL, or text."""
    written = path.read_text("utf-8", "surrogateescape")
    found: Counter[str] = Counter()
    try:
        values = [json.loads(written)]
    except ValueError:
        try:
            values = [json.loads(line) for line in written.splitlines() if line.strip()]
        except ValueError:
            values = [written]
    for value in values:
        for text in texts(value):
            found += marks(text)
    return found


def main() -> None:
    """Print the counts of each folder."""
    print(f"{'folder':34} {'kind':14} {'examples':>8}  in the files -> in the examples")
    for name in sys.argv[1:]:
        folder = Path(name)
        files = [path for path in folder.rglob("*.json*") if path.is_file()]
        before = sum(map(in_file, files), Counter())
        for kind in ("conversations", "instructions"):
            try:
                seen = preview(folder, 10**9, kind=kind)
            except FinetuiError:
                continue
            after: Counter[str] = Counter()
            for example in seen.first:
                for turn in example.turns:
                    after += marks(turn.content)
            count = sum(seen.examples_by_kind.values())
            if count:
                print(f"{folder.name:34} {kind:14} {count:8,}  {dict(before)} -> {dict(after)}")


if __name__ == "__main__":
    main()
