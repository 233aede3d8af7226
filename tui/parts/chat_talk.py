"""A conversation with both sides: its turns, and what may be asked next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import EvaluateError
from tui.parts.chat_round import Round

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.evaluate.blind import Position, Revealed, Trial
    from engine.export.held_out import Prompt
    from engine.models import Turn


class Talk:
    """Questions to both sides, each of which goes on from its own answers.

    The sides stand where they stand from the first turn to the last, sealed or open. A
    turn to which not both have answered is no part of what is gone on from: the next
    question takes its place.

    Args:
        turns: What is asked first, with what comes before it.
        blind: Whether the sides are hidden, and drawn by lot; else the base stands left.
        prompt: The prompt of the dataset that is asked, if it is one.
    """

    def __init__(self, turns: Sequence[Turn], *, blind: bool, prompt: Prompt | None = None) -> None:
        from engine.evaluate.blind import Trial, new_trial, reveal
        from engine.evaluate.pair import new_seed

        self.blind = blind
        trial = new_trial(turns) if blind else Trial(turns, left="base", seed=new_seed())
        self.revealed: Revealed | None = None if blind else reveal(trial)
        self._rounds: list[Round] = []
        self._trials: list[Trial] = []
        self._begin(trial, prompt)

    @property
    def current(self) -> Round:
        """The turn that was asked last."""
        return self._rounds[-1]

    @property
    def earlier(self) -> tuple[Round, ...]:
        """The turns before it."""
        return tuple(self._rounds[:-1])

    @property
    def number(self) -> int:
        """The number of the turn that was asked last, from 1."""
        return len(self._rounds)

    @property
    def next_number(self) -> int:
        """The number of the turn that the next question is."""
        return self.number + (self.current.whole or not self.current.answered)

    @property
    def sealed(self) -> bool:
        """Whether the sides are hidden still."""
        return self.blind and self.revealed is None

    @property
    def system(self) -> str:
        """The system prompt that both sides are asked with; empty for none."""
        return self.current.trial.system

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, also those of turns that were asked again."""
        return tuple(self._trials)

    def go_on(self, question: str) -> Round:
        """Ask the next question, or another one where the last got no two answers.

        Raises:
            EvaluateError: The turn before is still being answered.
        """
        from engine.evaluate.blind import follow
        from engine.models import Turn

        if not self.current.uncovered:
            raise EvaluateError("both are still answering", hint="escape stops them")
        if self.current.whole:
            return self._begin(follow(self.current.trial, question))
        failed = self._rounds.pop()
        if self._rounds:
            return self._begin(follow(self.current.trial, question))
        # The system prompt stays: it belongs to the conversation, not to the turn that failed.
        head = [turn for turn in failed.trial.turns("left")[:1] if turn.role == "system"]
        return self._begin(self._instead(failed.trial, (*head, Turn("user", question))))

    def ask_again(self) -> Round:
        """Ask the last question with another seed."""
        from engine.evaluate.blind import again

        last = self._rounds.pop()
        if self.number == 0 and self.blind and self.revealed is not None:
            # Nothing was gone on from yet, so the sides can be drawn and sealed anew.
            self.revealed = None
            return self._begin(self._instead(last.trial, last.trial.turns("left")), last.prompt)
        return self._begin(again(last.trial), last.prompt)

    def reveal(self) -> Revealed:
        """Show which side is which, for the rest of the conversation."""
        from engine.evaluate.blind import reveal

        self.current.uncover()
        self.revealed = reveal(self.current.trial)
        for one in self._rounds:
            one.revealed = self.revealed
        self.current.name_failures()
        return self.revealed

    def name(self, position: Position) -> str:
        """Return which model stands at a position, or nothing while that is sealed."""
        if self.revealed is None:
            return ""
        return self.revealed.left if position == "left" else self.revealed.right

    def _instead(self, trial: Trial, turns: Sequence[Turn]) -> Trial:
        """Return a first turn in place of one that was not gone on from."""
        from engine.evaluate.blind import Trial, new_trial, reveal
        from engine.evaluate.pair import new_seed

        if self.sealed:
            return new_trial(turns)
        made = Trial(turns, left=reveal(trial).left, seed=new_seed())
        made.revealed = True
        return made

    def _begin(self, trial: Trial, prompt: Prompt | None = None) -> Round:
        current = Round(trial, blind=self.blind, prompt=prompt)
        current.revealed = self.revealed
        self._rounds.append(current)
        self._trials.append(trial)
        return current
