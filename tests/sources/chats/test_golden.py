"""One small export of each format, and what is read from it as a text that a person can judge.

After a wanted change write the files anew with ``WRITE_GOLDEN=1`` in the environment,
and read what became of them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.models import Document, Skipped
from engine.sources.base import Reading
from engine.sources.conversations import ConversationsReader
from tests.support.hashes import hashes

HERE = Path(__file__).resolve().parent
EXPORTS = HERE / "exports"
GOLDEN = HERE / "golden"
CASES = sorted(path.name for path in EXPORTS.iterdir())


def _shown(document: Document) -> str:
    about = ", ".join(f"{key}={value}" for key, value in sorted(document.metadata.items()))
    lines = [
        f"== {document.path}:{document.start_line}  {document.title or '(no title)'}"
        f"  {document.date or '(no date)'}  {document.kind or '(any kind)'}",
        f"   {about}",
    ]
    for at, turn in enumerate(document.turns):
        lines.append(f"{turn.role}> {turn.content}")
        others = [other.content for other in document.alternatives if other.turn == at]
        lines += [f"      or> {other}" for other in others]
    return "\n".join(lines)


def _render(root: Path, branches: str) -> str:
    skipped: list[Skipped] = []
    reading = Reading("s", {"branches": branches}, skipped.append)
    reader = ConversationsReader()
    documents = [
        document
        for item in reader.items(str(root), reading)
        for document in reader.read(item, reading)
    ]
    parts = [_shown(document) for document in documents]
    told = [f"-- {skip.path}:{skip.line}  {skip.code}: {skip.reason}" for skip in skipped]
    return "\n\n".join([*parts, "\n".join(told)] if told else parts) + "\n"


@pytest.mark.parametrize("name", CASES)
def test_each_format_gives_the_golden_documents(name: str) -> None:
    before = hashes(EXPORTS)
    current, every = (_render(EXPORTS / name, branches) for branches in ("current", "all"))
    rendered = current
    if every != current:
        rendered += f"\n######## branches=all ########\n\n{every}"
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(rendered, "utf-8")
    assert rendered == golden.read_text("utf-8")
    assert hashes(EXPORTS) == before


def test_each_golden_file_has_its_export() -> None:
    assert sorted(path.name for path in GOLDEN.iterdir()) == [f"{name}.txt" for name in CASES]
