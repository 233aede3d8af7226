"""A frozen dataset of small made-up examples, by the same steps that a person takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.bases import resolve
from engine.dataset import Frozen, freeze
from engine.models import Example, Provenance, Turn, example_id
from engine.workspace import Workspace

_THINGS = ("garden", "kitchen", "bridge", "letter", "meeting", "week", "train", "role")


def examples(source_id: str, count: int) -> list[Example]:
    """Return examples of one voice, each from a note of its own."""
    made = []
    for index in range(count):
        thing = _THINGS[index % len(_THINGS)]
        answer = f"The {thing} taught me that waiting is also work. " * (1 + index % 3)
        turns = (
            Turn("user", f"What did you take from the {thing} on day {index}?"),
            Turn("assistant", f"{answer}That was day {index}."),
        )
        made.append(
            Example(
                id=example_id(turns),
                kind="reflection",
                turns=turns,
                provenance=Provenance(source_id=source_id, path=f"note-{index}.md", start_line=1),
            )
        )
    return made


def freeze_examples(
    workspace: Workspace, base_dir: Path, count: int = 60, *, name: str = "notes"
) -> Frozen:
    """Approve made-up examples and freeze them for a base."""
    source = workspace.store.add_source("vault", str(workspace.root / "notes"))
    made: Sequence[Example] = examples(source.id, count)
    workspace.store.record_scan(source.id, made, [], count, at=1.0)
    for example in made:
        workspace.store.append("approve", example.id, at=2.0)
    return freeze(
        workspace, base=resolve(str(base_dir)), validation_fraction=0.2, seed=0, name=name
    )
