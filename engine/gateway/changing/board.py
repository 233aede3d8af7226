"""What a server says of itself, and waiting until that changes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from engine.gateway.changing.fleet import Fleet
from engine.gateway.changing.meter import Meter
from engine.gateway.state import Phase, ServerState
from engine.serve.engines.base import Served

_RESTING: tuple[Phase, ...] = ("serving", "idle", "lent", "failed", "ended")
"""Phases in which no model is being loaded."""


class Board:
    """The phase of a server and the figures beside it.

    Attributes:
        phase: What the server is doing.
        engine: The engine that serves, or did last.
        swaps: Changes of model that succeeded.
        restarts: Times an engine came back after it had ended by itself.
        said: The last thing that a person should know.
        waiting: Requests that wait for an engine.
        meter: What was answered, counted.
    """

    def __init__(self) -> None:
        self.phase: Phase = "starting"
        self.engine = self.said = ""
        self.swaps = self.restarts = self.waiting = 0
        self.meter = Meter()
        self._next = ""
        self._news = asyncio.Event()

    def set(self, phase: Phase, *, said: str | None = None, next: str = "") -> None:
        """Take a phase, and wake whoever waits for news.

        Args:
            phase: The phase.
            said: What a person should know; None leaves what was said before.
            next: The model that is being loaded.
        """
        self.phase = phase
        if next or phase in _RESTING:
            self._next = next
        if said is not None:
            self.said = said
        self._news.set()
        self._news = asyncio.Event()

    async def news(self, limit_s: float | None = None) -> bool:
        """Wait until something happens, at most so many seconds; None for ever.

        Returns:
            Whether something did.
        """
        try:
            await asyncio.wait_for(self._news.wait(), limit_s)
        except TimeoutError:
            return False
        return True

    def state(self, base: ServerState, model: Served | None, fleet: Fleet) -> ServerState:
        """Return what the server says.

        Args:
            base: What it says of its surroundings, such as the address.
            model: The model that answers, or will.
            fleet: The engines.
        """
        leases = sum(one.leases for one in fleet.all)
        slots = fleet.current.engine.slots if fleet.current else leases
        return replace(
            base,
            phase=self.phase,
            model=model.id if model else "",
            run=model.run if model else "",
            quant=model.quant if model else "",
            engine=self.engine,
            next=self._next,
            requests=self.meter.requests,
            failed=self.meter.failed,
            active=min(leases, slots),
            waiting=self.waiting + max(0, leases - slots),
            prompt_tokens=self.meter.prompt_tokens,
            tokens=self.meter.tokens,
            tokens_per_s=self.meter.rate,
            swaps=self.swaps,
            restarts=self.restarts,
            said=self.said,
            at=round(time.time(), 3),
        )
