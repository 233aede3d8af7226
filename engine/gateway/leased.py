"""An engine that answers requests, and how many of them it has."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from engine.serve.engines.base import Engine


@dataclass(eq=False)
class Leased:
    """A loaded engine.

    Attributes:
        engine: The engine.
        answer: What it answered to its first question.
        leases: Requests that it answers now.
        since: When it began to serve, and ``used`` when its last request ended, in seconds of
            the monotonic clock.
    """

    engine: Engine
    answer: str = ""
    leases: int = 0
    since: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.monotonic)
    _free: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self) -> None:
        """Give it one more request."""
        self.leases += 1
        self._free.clear()

    def give(self) -> None:
        """Note that a request of it is done."""
        self.leases -= 1
        self.used = time.monotonic()
        if not self.leases:
            self._free.set()

    async def drain(self, limit_s: float) -> bool:
        """Wait until its requests are done, at most so many seconds.

        Returns:
            Whether they are.
        """
        if not self.leases:
            return True
        try:
            await asyncio.wait_for(self._free.wait(), limit_s)
        except TimeoutError:
            return False
        return True
