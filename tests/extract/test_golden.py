"""Extractions from the fixture vault, as a text that a person can read and judge.

After a wanted change write the file anew with ``WRITE_GOLDEN=1`` in the
environment, and read what became of it.
"""

from __future__ import annotations

import os
from pathlib import Path

from engine.extract import extract
from engine.models import Example, Skipped
from engine.sources import read

TESTS = Path(__file__).resolve().parent.parent
VAULT = TESTS / "fixtures" / "allotment"
GOLDEN = Path(__file__).resolve().parent / "golden" / "allotment.txt"


def _shown(example: Example) -> str:
    place = example.provenance
    lines = [
        f"== {place.path}:{place.start_line}-{place.end_line}  {example.kind} {example.score:.2f}",
        f"   heading: {place.heading or '(none)'}; tags: {', '.join(place.tags) or '(none)'}; "
        f"date: {place.date or '(none)'}",
        f"   why: {example.reason}",
        *(f"{turn.role}> {turn.content}" for turn in example.turns),
    ]
    return "\n".join(lines)


def _render() -> str:
    skipped: list[Skipped] = []
    documents = list(read("vault", VAULT, "s", on_skip=skipped.append))
    parts = [_shown(example) for document in documents for example in extract(document)]
    parts += [f"-- {skip.path}:{skip.line}  {skip.code}: {skip.reason}" for skip in skipped]
    return "\n\n".join(parts) + "\n"


def test_the_fixture_vault_gives_the_golden_extractions() -> None:
    rendered = _render()
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.write_text(rendered, "utf-8")
    assert rendered == GOLDEN.read_text("utf-8")
