"""The prompts of a run's dataset, offered one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.models import Turn
from tui.widgets.words import one_line

if TYPE_CHECKING:
    from engine.export.held_out import Prompt


class PromptShelf:
    """Offers prompts in turn, and tells whether what stands in the line is the one offered."""

    def __init__(self, prompts: Sequence[Prompt] = ()) -> None:
        self._prompts = tuple(prompts)
        self._at = -1

    def __len__(self) -> int:
        return len(self._prompts)

    @property
    def offered(self) -> Prompt | None:
        """The prompt that was offered last."""
        return self._prompts[self._at] if self._at >= 0 else None

    @property
    def number(self) -> int:
        """Its number, from 1; 0 before the first."""
        return self._at + 1

    def offer(self) -> str:
        """Go to the next prompt and return it on one line; after the last comes the first."""
        self._at = (self._at + 1) % len(self._prompts)
        return one_line(self._prompts[self._at].text)

    def turns(self, line: str) -> tuple[tuple[Turn, ...], Prompt | None]:
        """Return what to ask for a line: the offered prompt with all that came before, or it alone.

        Args:
            line: What stands in the line.
        """
        prompt = self.offered
        if prompt is not None and line.strip() == one_line(prompt.text):
            return prompt.turns, prompt
        return (Turn("user", line),), None
