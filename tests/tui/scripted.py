"""Two sides that say what a test has written down, in place of two models.

What real models answer differs by machine; what the parts make of answers does not. That
real workers answer is tested beside these.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from engine.evaluate.pair import SIDES, Side, SideChunk
from engine.evaluate.sharing import Sharing
from engine.models import Turn
from engine.serve.client import Timing
from engine.serve.protocol import Threads

if TYPE_CHECKING:
    from engine.errors import FinetuiError
    from engine.evaluate.pair import Pair

RUN = "20250615-110000-3f2a"


class ScriptedPair:
    """Answers as :class:`engine.evaluate.pair.Pair` does, from a script.

    Args:
        answers: What each side says to one question after the other; the last one again
            when they are used up. Without any, the test says it with :meth:`say`.
    """

    temperature = 0.7
    context = 2048
    weights = "files"
    sharing = Sharing()

    def __init__(self, answers: Mapping[Side, Sequence[str]] | None = None) -> None:
        self.run_id, self.quant = RUN, "f16"
        self.asked: list[dict[Side, tuple[Turn, ...]]] = []
        self.alive = True
        self._answers = answers
        self._said: asyncio.Queue[SideChunk] = asyncio.Queue()

    def say(
        self,
        side: Side,
        text: str,
        *,
        done: bool = False,
        error: FinetuiError | None = None,
        rate: float = 21.4,
        threads: Threads | None = None,
    ) -> None:
        """Let a side say something."""
        timing = None
        if done and not error:
            timing = Timing(0.21, rate, 14, max(1, len(text.split())), threads=threads)
        ended = done or error is not None
        reason = "stop" if timing else ""
        self._said.put_nowait(SideChunk(side, text, ended, timing, reason, error, threads))

    async def ask(
        self,
        turns: Sequence[Turn] | Mapping[Side, Sequence[Turn]],
        *,
        seed: int | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        sides: Sequence[Side] = SIDES,
    ) -> AsyncGenerator[SideChunk, None]:
        """Yield what both sides say."""
        number = len(self.asked)
        own = {side: turns[side] if isinstance(turns, Mapping) else turns for side in SIDES}
        self.asked.append({side: tuple(own[side]) for side in SIDES})
        self._said = asyncio.Queue()
        if self._answers is not None:
            for side in sides:
                texts = self._answers[side]
                self.say(side, texts[min(number, len(texts) - 1)], done=True)
        waiting = len(sides)
        while waiting:
            chunk = await self._said.get()
            waiting -= chunk.done
            yield chunk

    def revive(self) -> tuple[Side, ...]:
        """Start nothing."""
        return ()

    def turn_to(self, *_: object) -> bool:
        """Answer for no other run."""
        return False

    def close(self) -> None:
        """End nothing."""
        self.alive = False


class ScriptedHolder:
    """Holds a scripted pair, or none."""

    def __init__(self, pair: ScriptedPair | None) -> None:
        self.scripted = pair

    @property
    def pair(self) -> Pair | None:
        """The pair."""
        return cast("Pair | None", self.scripted)

    def revive(self) -> tuple[str, ...]:
        """Start nothing."""
        return ()


def lines(name: str, count: int) -> str:
    """Return a text of so many short lines."""
    return "\n".join(f"{name} {number}" for number in range(1, count + 1))
