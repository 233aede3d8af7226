"""The engines of a server: one that takes requests, and those that still have some and then end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.gateway.changing.lend import for_gpus, uses_gpu
from engine.gateway.changing.probe import probe
from engine.serve.engines.base import Engine, EngineKind, EngineOptions, Served


@dataclass(eq=False)
class Leased:
    """A loaded engine, and how many requests it has.

    Attributes:
        engine: The engine.
        answer: What it answered to its first question.
        on_gpu: Whether it computes on a GPU.
        leases: Requests that it answers now.
        since: When it began to serve, and ``used`` when its last request ended, in seconds of
            the monotonic clock.
    """

    engine: Engine
    answer: str = ""
    on_gpu: bool = False
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


class Fleet:
    """Starts and ends engines.

    Args:
        kind_of: The kind of engine that loads a model.
        options: How engines are started.

    Attributes:
        current: The engine that takes requests, if there is one.
    """

    def __init__(self, kind_of: Callable[[Served], EngineKind], options: EngineOptions) -> None:
        self._kind_of, self._options = kind_of, options
        self.current: Leased | None = None
        self._retiring: dict[Leased, asyncio.Task[bool]] = {}

    @property
    def all(self) -> list[Leased]:
        """Every engine, the one that takes requests first."""
        return [*([self.current] if self.current else []), *self._retiring]

    async def memory(self) -> int:
        """Return the resident bytes of all engines."""
        engines = [one.engine for one in self.all]
        # Looking through the machine's processes takes milliseconds.
        return await asyncio.to_thread(lambda: sum(engine.memory for engine in engines))

    async def check(self, model: Served) -> int:
        """Check that a model can be loaded, as far as its files tell.

        Returns:
            About how many bytes of memory it will take.

        Raises:
            FinetuiError: It can't.
        """

        def look() -> int:
            return self._kind(model).needs(model, self._options)

        return await asyncio.to_thread(look)

    async def may_use_gpu(self, model: Served) -> bool:
        """Say whether the engine that will load a model may compute on a GPU."""

        def look() -> bool:
            return self._options.gpu_layers != 0 and for_gpus(self._kind(model).name)

        return await asyncio.to_thread(look)

    async def load(self, model: Served, probe_s: float) -> Leased:
        """Start an engine and see it answer. Cancelled, it leaves no process.

        Raises:
            FinetuiError: It does not.
        """
        kind = await asyncio.to_thread(self._kind, model)
        engine = await kind.start(model, self._options)
        try:
            answer = await probe(engine, probe_s)
            return Leased(engine, answer, await asyncio.to_thread(uses_gpu, engine.pid))
        except BaseException:
            await engine.close()
            raise

    def put(self, loaded: Leased, limit_s: float, cut: Callable[[Leased], None]) -> None:
        """Let an engine take requests from now on, and retire the one that did.

        Args:
            loaded: The engine.
            limit_s: As for :meth:`retire`.
            cut: As for :meth:`retire`.
        """
        self.retire(limit_s, cut)
        loaded.since = loaded.used = time.monotonic()
        self.current = loaded

    def retire(self, limit_s: float, cut: Callable[[Leased], None]) -> asyncio.Task[bool] | None:
        """Let no more requests to the engine, and end it once it has none or after a while.

        Args:
            limit_s: How long its requests may take, in seconds.
            cut: Is told of an engine that is ended before they are done.

        Returns:
            What ends it; None where there is no engine.
        """
        leased, self.current = self.current, None
        if leased is None:
            return None

        async def end() -> bool:
            try:
                if not (done := await leased.drain(limit_s)):
                    cut(leased)
                await leased.engine.close()
            finally:
                self._retiring.pop(leased, None)
            return done

        task = self._retiring[leased] = asyncio.create_task(end())
        return task

    async def drained(self, limit_s: float) -> None:
        """Wait until no engine has requests, at most so many seconds."""
        await asyncio.gather(*(one.drain(limit_s) for one in self.all))

    async def ended(self) -> None:
        """Wait until every engine that was to end has; cancelled, they end all the same."""
        if self._retiring:
            await asyncio.wait([*self._retiring.values()])

    async def close(self) -> None:
        """End every engine, at once."""
        every, self.current = self.all, None
        for task in [*self._retiring.values()]:
            task.cancel()
        await asyncio.gather(*self._retiring.values(), return_exceptions=True)
        for one in every:
            await one.engine.close()

    def _kind(self, model: Served) -> EngineKind:
        kind = self._kind_of(model)
        kind.require(model)
        return kind
