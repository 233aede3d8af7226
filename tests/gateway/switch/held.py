"""A real engine whose loads wait until a test lets them go on."""

from __future__ import annotations

import asyncio

from engine.serve.engines.base import Engine, EngineName, EngineOptions, Served
from engine.serve.engines.native import Native


class Held:
    """The native engine, which begins to load some models only once it may.

    Attributes:
        names: The models that are held.
        go: Lets them load.
        asked: Set once a held one was to be loaded.
        failed: Set once a load has failed.
        loading: How many loads are under way.
        most: How many were at once.
    """

    name: EngineName = "native"

    def __init__(self, *names: str) -> None:
        self.names = names
        self.go, self.asked, self.failed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.loading = self.most = 0
        self._native = Native()

    def require(self, model: Served) -> None:
        self._native.require(model)

    def needs(self, model: Served, options: EngineOptions) -> int:
        return self._native.needs(model, options)

    async def start(self, model: Served, options: EngineOptions) -> Engine:
        self.loading += 1
        self.most = max(self.most, self.loading)
        try:
            if model.id in self.names:
                self.asked.set()
                await self.go.wait()
            return await self._native.start(model, options)
        except Exception:
            self.failed.set()
            raise
        finally:
            self.loading -= 1
