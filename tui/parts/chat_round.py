"""One question to both sides: what has come, and what of it may be seen.

In blind mode neither the order nor the pace of the answers may tell which model is
which. Both texts are uncovered together, to the same number of characters: as many as
the slower side has sent. When both are done, the longer rest comes at the pace so far, so
that a side that had been ready for long does not jump.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import FinetuiError

if TYPE_CHECKING:
    from engine.evaluate.blind import BlindChunk, Position, Revealed, Trial
    from engine.export.held_out import Prompt
    from engine.serve.client import Timing
    from engine.serve.protocol import Threads


@dataclass(slots=True)
class Half:
    """One side's answer so far."""

    text: str = ""
    done: bool = False
    timing: Timing | None = None
    reason: str = ""
    error: FinetuiError | None = None


class Round:
    """A question, its two answers, and what is to be seen of them.

    Args:
        trial: The sealed trial.
        blind: Whether the sides are hidden; an open round shows all at once.
        prompt: The prompt of the dataset that was asked, if it was one.

    Attributes:
        threads: With how many threads a side computes, once one has said so.
    """

    def __init__(self, trial: Trial, *, blind: bool, prompt: Prompt | None = None) -> None:
        self.trial = trial
        self.blind = blind
        self.prompt = prompt
        self.stopped = False
        self.threads: Threads | None = None
        self.revealed: Revealed | None = None
        self.halves: dict[Position, Half] = {"left": Half(), "right": Half()}
        self._uncovered = 0
        self._first = 0.0
        self._last = 0.0
        self._pace = 0.0

    @property
    def question(self) -> str:
        """The question as text."""
        return self.trial.prompt

    @property
    def answered(self) -> bool:
        """Whether both sides have said all they will."""
        return all(half.done for half in self.halves.values())

    @property
    def failed(self) -> bool:
        """Whether a side ended with an error."""
        return any(half.error is not None for half in self.halves.values())

    @property
    def whole(self) -> bool:
        """Whether there are two answers, all of which can be seen.

        Of answers that were stopped as much as there is counts, but not nothing.
        """
        nothing = self.stopped and not all(half.text for half in self.halves.values())
        return self.uncovered and not self.failed and not nothing

    @property
    def sealed(self) -> bool:
        """Whether the sides are hidden still."""
        return self.blind and self.revealed is None

    @property
    def uncovered(self) -> bool:
        """Whether all that has come can be seen, and nothing more will come."""
        return self.answered and self._uncovered >= self._longest

    @property
    def votable(self) -> bool:
        """Whether a vote can be given now."""
        return self.whole and self.trial.vote is None

    def take(self, chunk: BlindChunk) -> None:
        """Take a part of an answer."""
        half = self.halves[chunk.position]
        half.text += chunk.text
        self.threads = chunk.threads or self.threads
        if chunk.done:
            half.done, half.timing = True, chunk.timing
            half.reason, half.error = chunk.reason, chunk.error

    def stop(self) -> None:
        """End both answers as far as they have come; sealed ones as far as they were shown.

        What a stopped side had ready beyond that would tell which one was faster.
        """
        cut = self._uncovered if self.sealed else None
        self.trial.stop(cut)
        self.stopped = True
        for half in self.halves.values():
            half.text, half.reason = half.text[:cut], half.reason or "stopped"
            half.done = True
        self._uncovered = self._longest

    def fail(self, error: FinetuiError) -> None:
        """End the sides that are not done with an error."""
        for half in self.halves.values():
            if not half.done:
                half.done, half.error = True, error

    def name_failures(self) -> None:
        """Take over why sides failed, now that it may be told."""
        for position, half in self.halves.items():
            half.error = self.trial.failure(position) or half.error

    def advance(self, now: float) -> None:
        """Uncover what may be seen at a time; call it before :meth:`shown`.

        Args:
            now: Seconds of a monotonic clock.
        """
        if not self.sealed:
            self._uncovered = self._longest
            return
        waiting = [len(half.text) for half in self.halves.values() if not half.done]
        if waiting:
            self._uncovered = max(self._uncovered, min(waiting))
            if self._uncovered and not self._first:
                self._first = now
            self._last = now
            return
        if not self._pace:
            seconds = self._last - self._first
            # Without a pace to keep (both came at once) there is none to betray either.
            measured = self._uncovered / seconds if self._first and seconds > 0 else 0.0
            self._pace = measured or float("inf")
        grown = self._pace * max(0.0, now - self._last)
        if grown >= 1:
            self._uncovered = min(self._longest, self._uncovered + int(min(grown, self._longest)))
            self._last = now

    def uncover(self) -> None:
        """Show all that has come now."""
        if self.answered:
            self._uncovered = self._longest

    def shown(self, position: Position) -> str:
        """Return what may be seen of an answer."""
        return self.halves[position].text[: self._uncovered]

    def complete(self, position: Position) -> bool:
        """Whether the whole answer at a position can be seen."""
        half = self.halves[position]
        return half.done and len(half.text) <= self._uncovered

    @property
    def _longest(self) -> int:
        return max(len(half.text) for half in self.halves.values())
