"""The prompts of a run's dataset, those that it never saw first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from engine.bases.locate import shown
from engine.errors import DatasetMissing
from engine.models import Role, Turn
from engine.runs import read_spec

_ROLES = get_args(Role)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question out of a dataset, with all that came before it.

    ``held_out`` says that training never saw it; ``answer`` is what the person wrote.
    """

    turns: tuple[Turn, ...]
    held_out: bool
    answer: str = ""
    example_id: str = ""

    @property
    def text(self) -> str:
        """The question alone."""
        return self.turns[-1].content


def dataset_prompts(run_dir: Path) -> list[Prompt]:
    """Return the prompts of the dataset that a run was trained on.

    The file of held-out examples comes first. Of a conversation the last question is
    taken, with what came before it.

    Raises:
        DatasetMissing: The dataset's folder is gone.
    """
    folder = dataset_dir(run_dir)
    if not folder.is_dir():
        raise DatasetMissing(
            f"the dataset of run {run_dir.name} is not at {shown(folder)}",
            hint="put it back, or freeze it again under the same name",
        )
    held_out = [*_prompts(folder / "validation.jsonl", held_out=True)]
    return [*held_out, *_prompts(folder / "train.jsonl", held_out=False)]


def dataset_dir(run_dir: Path) -> Path:
    """Return the folder of a run's dataset: the run's own copy, else the one in its spec."""
    own = run_dir / "dataset"
    return own if own.is_dir() else Path(str(read_spec(run_dir).get("dataset_dir", own)))


def _prompts(path: Path, *, held_out: bool) -> Iterator[Prompt]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                prompt = _prompt(json.loads(line), held_out=held_out)
                if prompt is not None:
                    yield prompt


def _prompt(row: Mapping[str, Any], *, held_out: bool) -> Prompt | None:
    turns = turns_of(row.get("messages", []))
    for index in range(len(turns) - 1, 0, -1):
        if turns[index].role == "assistant" and turns[index - 1].role in ("user", "tool"):
            return Prompt(
                turns=turns[:index],
                held_out=held_out,
                answer=turns[index].content,
                example_id=str(row.get("id", "")),
            )
    return None


def turns_of(messages: object) -> tuple[Turn, ...]:
    """Return messages as turns; what is not a message of text is left out."""
    if not isinstance(messages, list):
        return ()
    return tuple(
        Turn(message["role"], message["content"])
        for message in messages
        if isinstance(message, dict)
        and message.get("role") in _ROLES
        and isinstance(message.get("content"), str)
    )
