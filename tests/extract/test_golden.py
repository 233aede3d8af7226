"""Extractions from the fixture vaults, as texts that a person can read and judge.

After a wanted change write the files anew with ``WRITE_GOLDEN=1`` in the
environment, and read what became of it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.extract import extract
from engine.models import Example
from tests.support.hashes import hashes
from tests.support.vaults import read_vault

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures"


EVERYTHING = {"take": "thoughts,qa,sections"}


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


def _render(vault: Path) -> str:
    documents, skipped = read_vault(vault)
    parts = [_shown(example) for document in documents for example in extract(document, EVERYTHING)]
    parts += [f"-- {skip.path}:{skip.line}  {skip.code}: {skip.reason}" for skip in skipped]
    return "\n\n".join(parts) + "\n"


@pytest.mark.parametrize("name", ["allotment", "handbook", "graph"])
def test_a_vault_gives_the_golden_extractions(name: str) -> None:
    golden = HERE / "golden" / f"{name}.txt"
    rendered = _render(FIXTURES / name)
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(rendered, "utf-8")
    assert rendered == golden.read_text("utf-8")


def test_a_source_is_only_read() -> None:
    vault = FIXTURES / "handbook"
    before = hashes(vault)
    _render(vault)
    assert hashes(vault) == before
