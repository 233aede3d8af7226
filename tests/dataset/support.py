"""Approved examples without a scan of files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.models import Example, Provenance, Turn, example_id
from engine.workspace import Workspace

NOW = 1_760_000_000.0


@dataclass(frozen=True)
class Note:
    """What an example is made of."""

    path: str
    turns: tuple[Turn, ...]
    kind: str = "reflection"
    line: int = 1
    tags: tuple[str, ...] = ()


def note(
    path: str,
    question: str,
    answer: str,
    *,
    kind: str = "reflection",
    line: int = 1,
    tags: tuple[str, ...] = (),
) -> Note:
    return Note(path, (Turn("user", question), Turn("assistant", answer)), kind, line, tags)


def notes(count: int, *, per_file: int = 2) -> list[Note]:
    return [
        note(f"{number // per_file:03}.md", f"Question {number}?", f"Answer {number}.", line=number)
        for number in range(1, count + 1)
    ]


def approve(workspace: Workspace, made: Iterable[Note], root: str = "/notes") -> list[str]:
    """Store examples as a scan of ``root`` would, approve them all, and return their ids."""
    source = workspace.store.add_source("vault", root)
    examples = [
        Example(
            example_id(one.turns),
            one.kind,
            one.turns,
            Provenance(
                source.id,
                one.path,
                start_line=one.line,
                end_line=one.line + 3,
                tags=one.tags,
                date="2025-03-14",
            ),
        )
        for one in made
    ]
    workspace.store.record_scan(source.id, examples, [], len(examples), at=NOW)
    for example in examples:
        workspace.store.append("approve", example.id, at=NOW)
    return [example.id for example in examples]
