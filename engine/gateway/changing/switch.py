"""The engine that answers now, and every change of it.

Phases and what leads from one to the next::

    starting ─► serving ─► switching ─► serving       a reload, with its model or with the old one
                serving ─► restarting ─► serving      the engine ended by itself
                           restarting ─► failed       again and again while it loaded
                serving ─► idle ─► starting           unused for a while, then asked
                serving ─► lent ─► starting           a run has the device, then no more
    any ─► ended

At most one change is under way: a *reload*, which somebody waits for, or a task in the background
(a load, the first one too, or a loan). A reload that has found its model sound ends the background
task and takes over.
Requests hold a lease of the engine that they began with; the old one is ended only once its leases
are given back, or a limit has passed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from engine.errors import EngineAway
from engine.gateway.changing.exchange import Exchange, Find, again
from engine.gateway.changing.fleet import Fleet, Leased
from engine.gateway.changing.keeper import Keeper, Tell
from engine.gateway.changing.lend import Taker, nobody
from engine.gateway.changing.rules import Rules
from engine.gateway.control import Reloaded
from engine.gateway.spec import Wanted
from engine.gateway.state import ServerState
from engine.serve.engines.base import Engine, EngineKind, EngineOptions, Served


def _silent(type: str, **fields: object) -> None:
    return None


class Switch:
    """Holds the engine, and changes it; it is :class:`engine.gateway.models.Models`.

    All of it belongs to one event loop.

    Args:
        find: Says which model is wanted.
        kind_of: The kind of engine that loads a model.
        options: How engines are started.
        rules: How they are changed.
        taker: Says which run has the device. It is called in a thread.
        tell: Takes what happened, for the log.

    Attributes:
        base: What its state says of the server around it, such as the address; may be replaced.
    """

    def __init__(
        self,
        find: Find,
        kind_of: Callable[[Served], EngineKind],
        options: EngineOptions,
        rules: Rules | None = None,
        *,
        taker: Taker = nobody,
        tell: Tell = _silent,
    ) -> None:
        self.base = ServerState()
        self._find = find
        self._keeper = Keeper(Fleet(kind_of, options), rules or Rules(), taker, tell)
        self._exchange = Exchange(self._keeper, find)

    # What others see.

    @property
    def state(self) -> ServerState:
        """What the server says of itself."""
        keeper = self._keeper
        return keeper.board.state(self.base, keeper.model, keeper.fleet)

    @property
    def model(self) -> Served | None:
        """What answers now, or will again when asked."""
        return self._keeper.model

    @property
    def rules(self) -> Rules:
        """How engines are changed; may be replaced."""
        return self._keeper.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self._keeper.rules = rules

    async def memory(self) -> int:
        """Return the resident bytes of all engines."""
        return await self._keeper.fleet.memory()

    def count(self, *, failed: bool, prompt_tokens: int, tokens: int) -> None:
        """Count an answered request."""
        meter = self._keeper.board.meter
        meter.count(failed=failed, prompt_tokens=prompt_tokens, tokens=tokens)

    def wrote(self, tokens: int) -> None:
        """Count tokens for the rate, as they are written."""
        self._keeper.board.meter.wrote(tokens)

    async def news(self, limit_s: float) -> bool:
        """Wait until something happens to an engine, at most so many seconds.

        Returns:
            Whether something did.
        """
        return await self._keeper.board.news(limit_s)

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Engine]:
        """Give an engine for one request; see :meth:`engine.gateway.models.Models.lease`."""
        leased = await self._answering()
        leased.take()
        try:
            yield leased.engine
        finally:
            leased.give()

    async def _answering(self) -> Leased:
        """Return the engine that takes requests, once there is one.

        Raises:
            EngineAway: There is none, and waiting any longer makes no sense.
        """
        keeper, board = self._keeper, self._keeper.board
        board.waiting += 1
        try:
            while True:
                if (away := keeper.ending or keeper.away) is not None:
                    raise again(away)
                current = keeper.fleet.current
                if current is not None and not self._exchange.holding and current.engine.alive:
                    return current
                if board.phase == "idle":
                    keeper.begin(keeper.load_again("starting"))
                await board.news()
        finally:
            board.waiting -= 1

    async def reload(self, wanted: Wanted) -> Reloaded:
        """Put another model behind the address; see :class:`engine.gateway.models.Models`."""
        return await self._exchange.reload(wanted)

    # The first model, and the end.

    async def open(self, wanted: Wanted) -> None:
        """Load the first model; requests wait for it. A reload meanwhile takes its place.

        Raises:
            FinetuiError: It can't be found or loaded, and no reload was quicker.
        """
        keeper = self._keeper
        keeper.changing = True  # a reload that fails has to know what to go back to
        try:
            model = keeper.model = await asyncio.to_thread(self._find, wanted)
            keeper.board.set("starting", next=model.id)
            await keeper.fleet.check(model)
            keeper.on_gpu = await keeper.fleet.may_use_gpu(model)
        finally:
            keeper.changing = False
        if keeper.ending is not None:
            return
        first = keeper.tasks.begin(keeper.load_first(model))
        await asyncio.wait((first,))
        while keeper.changing:  # by a reload, which may mend it
            await keeper.board.news()
        if keeper.model is model and not first.cancelled():
            first.result()

    async def look_after(self) -> None:
        """Look after idleness and loans, until it is cancelled."""
        await self._keeper.look_after()

    def begin_end(self, why: str = "") -> None:
        """Give no request an engine any more; those that have one go on.

        Requests that wait are refused, and a change that is under way is given up.

        Args:
            why: What ends the server, in words that anybody may read; empty where it was asked to.
        """
        keeper = self._keeper
        if keeper.ending is None:
            said = f"the server is ending: {why}" if why else "the server is ending"
            keeper.ending = EngineAway(said, hint="start it with: finetui serve")
            keeper.tasks.give_up_background()
            self._exchange.give_up()
            keeper.board.set(keeper.board.phase)

    async def close(self) -> None:
        """Answer what was begun, as long as the rules allow, and end every engine."""
        keeper = self._keeper
        self.begin_end()
        await keeper.tasks.end()
        await keeper.fleet.drained(keeper.rules.stop_s)
        await keeper.fleet.close()
        keeper.board.set("ended")
