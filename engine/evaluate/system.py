"""The system prompt of a typed question: the one that the run's dataset was frozen with.

A model that was trained behind a system prompt and is asked without it is asked in a form
that it never saw. Prompts of the dataset bring their own, whatever that is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.dataset.frozen import system_prompt
from engine.errors import DatasetMissing
from engine.export.held_out import Prompt, dataset_dir, dataset_prompts
from engine.models import Turn


@dataclass(frozen=True, slots=True)
class FrozenSystem:
    """What a run's dataset says about system prompts.

    Attributes:
        text: The system prompt that was put before rows without one; empty for none.
        rows: How many prompts the dataset has.
        own: How many of them carry another system message, as imported conversations may.
    """

    text: str = ""
    rows: int = 0
    own: int = 0


@dataclass(frozen=True, slots=True)
class System:
    """The system prompt that typed questions are asked with, and where it is from.

    Attributes:
        frozen: What the dataset says.
        given: What a person put in its place: empty leaves it out, None takes the dataset's.
    """

    frozen: FrozenSystem = FrozenSystem()
    given: str | None = None

    @property
    def text(self) -> str:
        """The system prompt; empty for none."""
        return self.frozen.text if self.given is None else self.given.strip()

    @property
    def origin(self) -> str:
        """``dataset``, ``given``, ``left-out``, or ``none``."""
        if self.text:
            return "dataset" if self.text == self.frozen.text else "given"
        return "left-out" if self.frozen.text else "none"

    def words(self) -> str:
        """Return what it is in one line: the text, or why there is none."""
        frozen = self.frozen
        if self.text:
            return self.text
        if frozen.text:
            return "none: the dataset's is left out"
        if frozen.own:
            return f"none: {frozen.own:,} of {frozen.rows:,} rows have one of their own"
        return "none"

    def opening(self, question: str) -> tuple[Turn, ...]:
        """Return the turns that a conversation begins with when a question was typed."""
        turn = Turn("user", question)
        return (Turn("system", self.text), turn) if self.text else (turn,)


def frozen_system(run_dir: Path, prompts: Iterable[Prompt] | None = None) -> FrozenSystem:
    """Return what a run's dataset says about system prompts.

    Of rows that differ among themselves none is taken: which of them a typed question would
    belong to can't be known.

    Args:
        run_dir: The run's folder.
        prompts: The dataset's prompts, if they were read already.
    """
    text = system_prompt(dataset_dir(run_dir))
    if prompts is None:
        try:
            prompts = dataset_prompts(run_dir)
        except DatasetMissing:
            prompts = ()
    heads = [prompt.turns[0] for prompt in prompts]
    own = sum(head.role == "system" and head.content.strip() != text for head in heads)
    return FrozenSystem(text, len(heads), own)
