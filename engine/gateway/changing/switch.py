"""The engine that answers now, and every change of it.

Phases and what leads from one to the next::

    starting ─► serving ─► switching ─► serving       a reload, with its model or with the old one
                serving ─► restarting ─► serving      the engine ended by itself
                           restarting ─► failed       again and again while it loaded
                serving ─► idle ─► starting           unused for a while, then asked
                serving ─► lent ─► starting           a run has the device, then no more
    any ─► ended

At most one change is under way: a *reload*, which somebody waits for, or a task in the background
(a load, a loan). A reload that has found its model sound ends the background task and takes over.
Requests hold a lease of the engine that they began with; the old one is ended only once its leases
are given back, or a limit has passed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from engine.errors import EngineAway, FinetuiError, ReloadBusy
from engine.failures import named
from engine.gateway.changing.fleet import Fleet, Leased
from engine.gateway.changing.lend import Taker, nobody
from engine.gateway.changing.meter import Meter
from engine.gateway.changing.pulse import ended
from engine.gateway.changing.rules import Rules
from engine.gateway.control import Reloaded
from engine.gateway.spec import Wanted
from engine.gateway.state import Phase, ServerState
from engine.serve.engines.base import Engine, EngineKind, EngineOptions, Served

Find = Callable[[Wanted], Served]
"""Says which model is wanted; looks at the disk, and is called in a thread."""

Tell = Callable[..., None]
"""Takes the type of an event and its fields, for the job's log."""

_RESTING: tuple[Phase, ...] = ("serving", "idle", "lent", "failed", "ended")
"""Phases in which no model is being loaded."""


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
        rules: How engines are changed; may be replaced.
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
        self.rules = rules or Rules()
        self.base = ServerState()
        self._fleet = Fleet(kind_of, options)
        self._find, self._taker, self._tell = find, taker, tell
        self._meter = Meter()
        self._phase: Phase = "starting"
        self._model: Served | None = None
        self._engine, self._next, self._said = "", "", ""
        self._swaps, self._restarts, self._failures, self._waiting = 0, 0, 0, 0
        self._on_gpu = self._holding = False
        self._away: FinetuiError | None = None
        self._reloading = False
        self._background: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._news = asyncio.Event()

    # What others see.

    @property
    def state(self) -> ServerState:
        """What the server says of itself."""
        current, model, meter = self._fleet.current, self._model, self._meter
        leases = sum(one.leases for one in self._fleet.all)
        slots = current.engine.slots if current else leases
        return replace(
            self.base,
            phase=self._phase,
            model=model.id if model else "",
            run=model.run if model else "",
            quant=model.quant if model else "",
            engine=self._engine,
            next=self._next,
            requests=meter.requests,
            failed=meter.failed,
            active=min(leases, slots),
            waiting=self._waiting + max(0, leases - slots),
            prompt_tokens=meter.prompt_tokens,
            tokens=meter.tokens,
            tokens_per_s=meter.rate,
            swaps=self._swaps,
            restarts=self._restarts,
            said=self._said,
            at=round(time.time(), 3),
        )

    @property
    def model(self) -> Served | None:
        """What answers now, or will again when asked."""
        return self._model

    async def memory(self) -> int:
        """Return the resident bytes of all engines."""
        return await self._fleet.memory()

    def count(self, *, failed: bool, prompt_tokens: int, tokens: int) -> None:
        """Count an answered request."""
        self._meter.count(failed=failed, prompt_tokens=prompt_tokens, tokens=tokens)

    def wrote(self, tokens: int) -> None:
        """Count tokens for the rate, as they are written."""
        self._meter.wrote(tokens)

    async def news(self, limit_s: float) -> bool:
        """Wait until something happens to an engine, at most so many seconds.

        Returns:
            Whether something did.
        """
        try:
            await asyncio.wait_for(self._news.wait(), limit_s)
        except TimeoutError:
            return False
        return True

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
        self._waiting += 1
        try:
            while True:
                if self._away is not None:
                    raise _again(self._away)
                current = self._fleet.current
                if current is not None and not self._holding and current.engine.alive:
                    return current
                if self._phase == "idle":
                    self._begin(self._load_again("starting"))
                await self._news.wait()
        finally:
            self._waiting -= 1

    # The first model, and the end.

    async def open(self, wanted: Wanted) -> None:
        """Load the first model; requests wait for it.

        Raises:
            FinetuiError: It can't be found or loaded.
        """
        self._model = await asyncio.to_thread(self._find, wanted)
        self._set("starting", next=self._model.id)
        await self._fleet.check(self._model)
        if run := await asyncio.to_thread(self._taker, self._on_gpu):
            self._lend_to(run)
            return
        self._serve(await self._fleet.load(self._model, self.rules.probe_s))

    async def look_after(self) -> None:
        """Look after idleness and loans, until it is cancelled."""
        while True:
            await asyncio.sleep(self.rules.look_s)
            run = await asyncio.to_thread(self._taker, self._on_gpu)
            if self._busy:
                continue
            if run and self._phase in ("serving", "idle"):
                self._begin(self._lend(run))
            elif self._phase == "lent" and not run:
                self._begin(self._load_again("starting"))
            elif self._phase == "serving":
                self._unload_if_idle()

    async def close(self) -> None:
        """Answer what was begun, as long as the rules allow, and end every engine."""
        self._away = EngineAway("the server is ending", hint="start it with: finetui serve")
        self._reloading = True  # from now on nothing else begins
        self._set(self._phase)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._fleet.drained(self.rules.stop_s)
        await self._fleet.close()
        self._set("ended")

    # Reloads.

    async def reload(self, wanted: Wanted) -> Reloaded:
        """Put another model behind the address; see :class:`engine.gateway.models.Models`."""
        if self._reloading:
            raise ReloadBusy("models are being changed already", hint="wait for it and ask again")
        self._reloading = True
        # It goes on where its caller goes away: half a change would leave no model.
        return await asyncio.shield(self._keep(self._reload(wanted)))

    async def _reload(self, wanted: Wanted) -> Reloaded:
        began, before = time.monotonic(), self._model
        was, away = self._phase, self._away
        try:
            served = await asyncio.to_thread(self._find, wanted)
            needed = await self._fleet.check(served)
            if was == "lent" and away is not None:
                raise _again(away)
            await self._end_background()
            self._away = None
            self._set("switching", next=served.id)
            fresh, waited = await self._change(served, needed)
        except Exception as error:
            failure = named(error)
            asked = wanted.path.rpartition("/")[2] or wanted.run
            self._tell("reload-failed", asked=asked, code=failure.code, message=failure.message)
            self._reloading = False
            self._go_back(was, away, f"{asked} was not loaded: {failure.message}")
            raise failure from error
        except BaseException:
            self._reloading = False
            raise
        self._reloading, self._failures = False, 0
        self._swaps += 1
        seconds, last = round(time.monotonic() - began, 3), before.id if before else ""
        self._tell("swapped", model=served.id, before=last, seconds=seconds, waited=waited)
        self._set(self._phase, said="")
        if self._phase == "serving" and self._fleet.current is None:  # it died since
            self._begin(self._load_again("restarting"))
        return Reloaded(served.id, last, seconds, waited, fresh.answer)

    def _go_back(self, was: Phase, away: FinetuiError | None, said: str) -> None:
        """Go on with the model that was there, after a change that failed."""
        if self._background is not None and not self._background.done():
            self._set(self._phase, said=said)  # it was not disturbed
        elif self._fleet.current is not None:
            self._set("serving", said=said)
        elif was in ("idle", "lent", "failed"):
            self._away = away
            self._set(was, said=said)
        elif self._model is not None:
            self._set("restarting", said=said)
            self._begin(self._load_again("restarting"))

    async def _change(self, served: Served, needed: int) -> tuple[Leased, bool]:
        """Load a model and put it in place of the one that serves.

        Returns:
            The new engine, and whether requests had to wait for it.
        """
        fleet = self._fleet
        waits = fleet.current is None
        if fleet.all:
            used = await fleet.memory()
            room, on_gpu = self.rules.room, self._on_gpu
            if not await asyncio.to_thread(room.holds, needed, used, on_gpu=on_gpu):
                return await self._change_in_between(served), True
        fresh = await fleet.load(served, self.rules.probe_s)
        fleet.retire(self.rules.drain_s, self._cut_short)
        self._serve(fresh)
        return fresh, waits

    async def _change_in_between(self, served: Served) -> Leased:
        """Hold requests, end the engine once it is done, and load the other one.

        Where that fails, the model before is loaded again.
        """
        fleet, old = self._fleet, self._model
        self._holding = True
        try:
            await fleet.drained(self.rules.drain_s)
            fleet.retire(0, self._cut_short)
            await fleet.ended()
            try:
                fresh = await fleet.load(served, self.rules.probe_s)
            except Exception:
                await self._load_once(old)
                raise
            self._serve(fresh)
            return fresh
        finally:
            self._holding = False
            self._set(self._phase)

    async def _load_once(self, model: Served | None) -> None:
        """Load a model that served; where that fails, it is tried again later."""
        run = await asyncio.to_thread(self._taker, self._on_gpu)
        if model is None or run:
            return
        try:
            self._serve(await self._fleet.load(model, self.rules.probe_s))
        except FinetuiError as error:
            self._tell("load-failed", model=model.id, message=error.message)

    # What happens in the background.

    @property
    def _busy(self) -> bool:
        """Whether a change is under way."""
        return self._reloading or (self._background is not None and not self._background.done())

    async def _load_again(self, phase: Phase) -> None:
        """Load the model that served, again and again until it does or is given up.

        Args:
            phase: "restarting" where it had ended by itself, else "starting".
        """
        model = self._model
        assert model is not None
        self._set(phase, next=model.id)
        for left in reversed(range(self.rules.tries)):
            await asyncio.sleep(self.rules.wait(self._failures))
            if run := await asyncio.to_thread(self._taker, self._on_gpu):
                self._lend_to(run)
                return
            try:
                loaded = await self._fleet.load(model, self.rules.probe_s)
            except Exception as error:
                failure = named(error)
                self._failures += 1
                self._tell("load-failed", model=model.id, message=failure.message)
                if left:
                    self._set(phase, said=failure.message, next=model.id)
                else:
                    self._give_up(model, failure)
                continue
            if phase == "restarting":
                self._restarts += 1
                self._tell("restarted", model=model.id)
            self._serve(loaded)
            return

    def _give_up(self, model: Served, failure: FinetuiError) -> None:
        said = f"{model.id} can't be loaded any more: {failure.message}"
        self._away = EngineAway(said, hint="load another one with: finetui reload RUN")
        self._set("failed", said=said)
        self._tell("gave-up", model=model.id, message=failure.message)

    async def _lend(self, run: str) -> None:
        """Unload the model, so that a run has the device."""
        self._lend_to(run)
        self._fleet.retire(self.rules.drain_s, self._cut_short)
        await self._fleet.ended()

    def _lend_to(self, run: str) -> None:
        said = f"the model is unloaded while run {run} has its device"
        self._away = EngineAway(said, hint="ask again when the run has ended")
        self._set("lent", said=said)
        self._tell("lent", run=run)

    def _unload_if_idle(self) -> None:
        current, limit = self._fleet.current, self.rules.idle_s
        if current is None or not limit or current.leases or self._waiting:
            return
        if time.monotonic() - current.used >= limit:
            self._fleet.retire(0, self._cut_short)
            self._set("idle")
            self._tell("unloaded", model=current.engine.model.id)

    # The parts of every change.

    def _serve(self, loaded: Leased) -> None:
        """Let an engine answer from now on."""
        self._fleet.put(loaded)
        self._model, self._engine, self._away = loaded.engine.model, loaded.engine.name, None
        self._on_gpu = loaded.on_gpu
        self._set("serving")
        self._keep(self._watch(loaded))

    async def _watch(self, loaded: Leased) -> None:
        """Wait for the end of an engine, and start another one where it ended by itself.

        One that hangs is ended here, whether it takes requests or only finishes them.
        """
        failure = await ended(loaded, lambda: self.rules.hung_s)
        if loaded is not self._fleet.current:
            await loaded.engine.close()
            return
        self._fleet.current = None
        await loaded.engine.close()
        settled = time.monotonic() - loaded.since > self.rules.settled_s
        self._failures = 1 if settled else self._failures + 1
        self._tell("died", model=loaded.engine.model.id, message=failure.message)
        self._set(self._phase, said=failure.message)
        if self._phase == "serving":
            self._begin(self._load_again("restarting"))

    def _cut_short(self, leased: Leased) -> None:
        self._tell("cut-short", model=leased.engine.model.id, requests=leased.leases)

    def _set(self, phase: Phase, *, said: str | None = None, next: str = "") -> None:
        """Take a phase, and wake whoever waits for one."""
        self._phase = phase
        if next or phase in _RESTING:
            self._next = next
        if said is not None:
            self._said = said
        self._news.set()
        self._news = asyncio.Event()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the background, unless something is being done."""
        if self._busy:
            work.close()
        else:
            self._background = self._keep(work)

    async def _end_background(self) -> None:
        if self._background is not None:
            self._background.cancel()
            await asyncio.gather(self._background, return_exceptions=True)
            self._background = None

    def _keep(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _again(error: FinetuiError) -> FinetuiError:
    """Return a failure to be raised once more, without the traces of the times before."""
    return type(error)(error.message, hint=error.hint)
