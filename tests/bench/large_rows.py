"""Many rows of real sentences: ``python -m tests.bench.large_rows N FILE [FOLDER]``.

Each row asks and answers with sentences drawn from the texts of FOLDER (by default the
project's own pages), about 615 bytes a row, as JSON lines; no two rows are the same.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ROW_BYTES = 615
_SENTENCE = re.compile(r"[A-ZÀ-Ž][^.!?\n\"\\{}<>|]{25,160}[.!?]")
_SUFFIXES = (".md", ".txt", ".json", ".jsonl", ".csv")
_MOST_READ = 2_000_000


def sentences(folder: Path) -> list[str]:
    """Return the different sentences of a folder's texts, in a stable order."""
    found: dict[str, None] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in _SUFFIXES and path.is_file():
            text = path.read_text("utf-8", "replace")[:_MOST_READ]
            found.update(dict.fromkeys(_SENTENCE.findall(text)))
    return list(found)


def rows(number: int, pool: list[str], seed: int = 0) -> Iterator[str]:
    """Yield rows as lines of JSON."""
    draw = random.Random(seed)
    for index in range(number):
        question = f"{draw.choice(pool)} ({index:,})"
        answer: list[str] = []
        length = len(question) + 35
        wanted = draw.gauss(ROW_BYTES - 50, ROW_BYTES / 4)
        while length < wanted:
            answer.append(draw.choice(pool))
            length += len(answer[-1].encode()) + 1
        row = {"instruction": question, "output": " ".join(answer) or draw.choice(pool)}
        yield json.dumps(row, ensure_ascii=False) + "\n"


def write(number: int, path: Path, folder: Path = ROOT) -> int:
    """Write rows to a file and return its size in bytes."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(rows(number, sentences(folder)))
    return path.stat().st_size


if __name__ == "__main__":
    given = sys.argv[1:]
    size = write(int(given[0]), Path(given[1]), *map(Path, given[2:3]))
    print(f"{int(given[0]):,} rows, {size / 1e6:.1f} MB, {size / int(given[0]):.0f} bytes a row")
