"""Keys handed on one at a time, so that none reaches a screen that its predecessor has left.

Textual forwards every key of a packet to the screen in front before the first of them has
been acted on: of ``/sea`` typed at once, all four reach the screen that ``/`` is about to
cover. Here a key is forwarded only when the previous one is done with. That is known by a
marker, posted behind the key to the same widget: both climb through the same queues, so the
marker arrives at the app after the key, and what the key opened is in front by then.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual import events
from textual.app import App
from textual.message import Message
from textual.screen import Screen

Typed = events.Key | events.Paste

ROUNDS = 2
"""Markers a key: the second stands behind the messages that handling the key has posted."""

LOST_S = 1.0
"""Seconds after which a marker is taken for lost, for example with a widget that was removed."""

LOOK_S = 0.02
"""Seconds between two looks at a screen that holds keys."""

STALE_S = 10.0
"""Keys held for longer are dropped: nobody means them for what appears after such a wait."""


class KeyPassed(Message):
    """A key has been handled, or nobody wanted it. It bubbles to the app."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class TypeAhead:
    """The keys that wait for their turn.

    A screen whose attribute ``holds_keys`` is true is given none: it is loading what keys
    would act on, or is about to close. ``escape`` goes to it all the same, and takes the keys
    before it along.

    Args:
        app: Where the keys come from.
        forward: Textual's own handling of a key.
    """

    def __init__(self, app: App[Any], forward: Callable[[events.Event], Awaitable[None]]) -> None:
        self._app = app
        self._forward = forward
        self._waiting: deque[tuple[float, Typed]] = deque()
        self._screen: Screen[Any] | None = None
        self._number = 0
        self._rounds = 0
        self._busy = False
        self._held = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def settled(self) -> bool:
        """Whether no key is under way, or only such as a screen holds that goes on loading."""
        return not self._busy or (self._held and bool(getattr(self._app.screen, "holding", 0)))

    def drop(self) -> int:
        """Forget the keys that wait: what they were meant for did not come. Return how many."""
        count = len(self._waiting)
        self._waiting.clear()
        return count

    async def look(self) -> None:
        """Go on now if a screen no longer holds keys, instead of at the next look."""
        if self._held and self._busy and not getattr(self._app.screen, "holds_keys", False):
            await self._next()

    async def take(self, event: Typed) -> None:
        """Forward a key now, or when those before it are done with."""
        if self._held and isinstance(event, events.Key) and event.key == "escape":
            self._waiting.clear()
            await self._give(event)
        elif self._busy:
            self._waiting.append((time.monotonic(), event))
        else:
            await self._give(event)

    async def passed(self, number: int) -> None:
        """Go on when the marker of the present key has come back."""
        if number != self._number or not self._busy or not self._app.screen_stack:
            return
        self._rounds -= 1
        if self._app.screen is not self._screen:
            # The marker's way through a new screen's queue leads behind its mounting.
            self._screen = self._app.screen
            self._rounds = 1
        if self._rounds > 0:
            self._mark()
            return
        await self._next()

    async def _next(self) -> None:
        self._held = bool(getattr(self._app.screen, "holds_keys", False))
        if self._held:
            self._after(LOOK_S, self._look)
            return
        while self._waiting:
            since, event = self._waiting.popleft()
            if time.monotonic() - since < STALE_S:
                await self._give(event)
                return
        self._busy = False
        if self._timer is not None:
            self._timer.cancel()

    async def _give(self, event: Typed) -> None:
        self._busy, self._held = True, False
        self._screen = self._app.screen
        self._rounds = ROUNDS
        target = self._app.focused or self._screen
        await self._forward(event)
        self._number += 1
        self._post(target)

    def _mark(self) -> None:
        self._number += 1
        self._post(self._app.focused or self._app.screen)

    def _post(self, target: Any) -> None:
        marker = KeyPassed(self._number)
        if not target.post_message(marker):
            self._app.post_message(marker)
        self._after(LOST_S, self._look)

    async def _look(self) -> None:
        """Take the marker for lost, or look whether a screen still holds keys."""
        self._rounds = 1
        await self.passed(self._number)

    def _after(self, seconds: float, call: Callable[[], Awaitable[None]]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._app.call_next, call)
