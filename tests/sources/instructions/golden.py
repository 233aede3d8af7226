"""What a file gives, as a text that a person can read.

``python -m tests.sources.instructions.golden`` writes the texts anew; look at what changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.models import Document, Skipped
from engine.sources import Reading, Refused, candidates, reader_of
from engine.sources.base import NOTHING

HERE = Path(__file__).parent
CASES = HERE / "cases"
GOLDEN = HERE / "golden"


def read(root: Path, options: Mapping[str, str] = NOTHING) -> tuple[list[Document], list[Skipped]]:
    """Return all that a place gives, as a scan reads it."""
    reader = reader_of("instructions")
    skipped: list[Skipped] = []
    documents: list[Document] = []
    reading = Reading("s", options, skipped.append)
    for item in reader.items(str(root), reading):
        try:
            documents.extend(reader.read(item, reading))
        except Refused as refused:
            reading.skip(item.name, 0, refused.code, refused.reason)
    return documents, skipped


def rendered(path: Path) -> str:
    """Return what a file is taken for, and all that is read of it."""
    lines: list[str] = []
    for found in candidates(path):
        if found.kind == "instructions":
            lines.append(f"instructions {found.confidence:.2f}: {found.why}")
            lines += [f"  {name} = {column}" for name, column in found.options.items()]
    documents, skipped = read(path)
    for document in documents:
        further = "".join(f"; {name}={value}" for name, value in document.metadata.items())
        kind = document.kind or "several exchanges"
        lines += ["", f"--- line {document.start_line}, {kind}{further}"]
        lines += [f"[{turn.role}] {turn.content}" for turn in document.turns]
    if skipped:
        lines += ["", "=== not read"]
        lines += [f"line {skip.line}: {skip.code}: {skip.reason}" for skip in skipped]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for case in sorted(CASES.iterdir()):
        (GOLDEN / f"{case.name}.txt").write_text(rendered(case), encoding="utf-8")
