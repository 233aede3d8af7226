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
from dataclasses import dataclass, field
from typing import Any

from engine.errors import EngineAway, FinetuiError, ReloadBusy
from engine.failures import named
from engine.gateway.control import Reloaded
from engine.gateway.leased import Leased
from engine.gateway.meter import Meter
from engine.gateway.probe import probe
from engine.gateway.room import Room
from engine.gateway.spec import Wanted
from engine.gateway.state import Phase, ServerState
from engine.serve.engines.base import Engine, EngineKind, EngineOptions, Served

Find = Callable[[Wanted], Served]
"""Says which model is wanted; looks at the disk, and is called in a thread."""

Tell = Callable[..., None]
"""Takes the type of an event and its fields, for the job's log."""

_RESTING: tuple[Phase, ...] = ("serving", "idle", "lent", "failed", "ended")
"""Phases in which no model is being loaded."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How engines are changed; times in seconds.

    Attributes:
        idle_s: How long a model may be unused before it is unloaded; 0 for ever.
        drain_s: How long an engine that is to end may take for the requests it has.
        probe_s: How long the first answer may take.
        wait_s: The wait before an engine that ended is started again; it doubles each time.
        longest_wait_s: The longest such wait.
        stop_s: How long the end of the server may take for the requests that it has.
        settled_s: An engine that served so long begins anew with the shortest wait.
        tries: Loads in a row that may fail before the model is given up.
        look_s: How often idleness, loans and memory are looked at.
        room: The memory that engines may take.
    """

    idle_s: float = 0.0
    drain_s: float = 120.0
    probe_s: float = 120.0
    wait_s: float = 0.5
    longest_wait_s: float = 30.0
    stop_s: float = 30.0
    settled_s: float = 60.0
    tries: int = 5
    look_s: float = 1.0
    room: Room = field(default_factory=Room)


def _nobody() -> str:
    return ""


def _silent(type: str, **fields: object) -> None:
    return None


class Switch:
    """Holds the engine, and changes it; see :class:`engine.gateway.models.Models`.

    All of it belongs to one event loop.

    Args:
        find: Says which model is wanted.
        kind_of: The kind of engine that loads a model.
        options: How engines are started.
        rules: How they are changed.
        taker: Says which run has the device; empty for none.
        tell: Takes what happened, for the log.
    """

    def __init__(
        self,
        find: Find,
        kind_of: Callable[[Served], EngineKind],
        options: EngineOptions,
        rules: Rules | None = None,
        *,
        taker: Callable[[], str] = _nobody,
        tell: Tell = _silent,
    ) -> None:
        self._find, self._kind_of, self._options = find, kind_of, options
        self._rules = rules or Rules()
        self._taker, self._tell = taker, tell
        self._phase: Phase = "starting"
        self._model: Served | None = None
        self._current: Leased | None = None
        self._retiring: dict[Leased, asyncio.Task[None]] = {}
        self._holding = False
        self._away: FinetuiError | None = None
        self._reloading = False
        self._background: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failures = 0
        self._waiting = 0
        self._news = asyncio.Event()
        self._told: dict[str, Any] = {}
        self._meter = Meter()

    # What others see.

    @property
    def state(self) -> ServerState:
        """What the server says of itself; address and memory are added by its job."""
        current, model = self._current, self._model
        leases = sum(one.leases for one in self._engines)
        slots = current.engine.slots if current else leases
        return ServerState(
            phase=self._phase,
            model=model.id if model else "",
            run=model.run if model else "",
            quant=model.quant if model else "",
            requests=self._meter.requests,
            failed=self._meter.failed,
            prompt_tokens=self._meter.prompt_tokens,
            tokens=self._meter.tokens,
            tokens_per_s=self._meter.rate,
            active=min(leases, slots),
            waiting=self._waiting + max(0, leases - slots),
            **self._told,
        )

    @property
    def model(self) -> Served | None:
        """What answers now, or will again when asked."""
        return self._model

    async def memory(self) -> int:
        """Return the resident bytes of all engines."""
        engines = [one.engine for one in self._engines]
        # Looking through the machine's processes takes milliseconds.
        return await asyncio.to_thread(lambda: sum(engine.memory for engine in engines))

    @property
    def _engines(self) -> list[Leased]:
        return [*([self._current] if self._current else []), *self._retiring]

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
        running = await self._answering()
        running.take()
        try:
            yield running.engine
        finally:
            running.give()

    async def _answering(self) -> Leased:
        self._waiting += 1
        try:
            while True:
                if self._away is not None:
                    raise type(self._away)(self._away.message, hint=self._away.hint)
                running = self._current
                if running is not None and not self._holding and running.engine.alive:
                    return running
                if self._phase == "idle":
                    self._begin(self._load_again("starting"))
                await self._news.wait()
        finally:
            self._waiting -= 1

    # The first model, and the end.

    async def open(self, wanted: Wanted) -> None:
        """Load the first model.

        Raises:
            FinetuiError: It can't be found or loaded.
        """
        self._model = await asyncio.to_thread(self._find, wanted)
        self._set("starting", next=self._model.id)
        if run := await asyncio.to_thread(self._taker):
            self._lend_to(run)
            return
        self._serve(await self._load(self._model))

    async def look_after(self) -> None:
        """Look after idleness and loans, until it is cancelled."""
        while True:
            await asyncio.sleep(self._rules.look_s)
            run = await asyncio.to_thread(self._taker)
            if self._reloading or (self._background and not self._background.done()):
                continue
            if run and self._phase in ("serving", "idle"):
                self._begin(self._lend(run))
            elif self._phase == "lent" and not run:
                self._begin(self._load_again("starting"))
            elif self._phase == "serving":
                await self._unload_idle()

    async def close(self) -> None:
        """Answer what was begun, as long as the rules allow, and end every engine."""
        self._away = EngineAway("the server is ending", hint="start it with: finetui serve")
        self._reloading = True  # from now on nothing else begins
        self._set(self._phase)
        for task in [*self._tasks]:
            if task not in self._retiring.values():
                task.cancel()
        await asyncio.gather(*self._tasks - {*self._retiring.values()}, return_exceptions=True)
        await asyncio.gather(*(one.drain(self._rules.stop_s) for one in self._engines))
        self._retire_current()
        for running, task in [*self._retiring.items()]:
            task.cancel()  # what is not done by now is cut short
            await running.engine.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
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
            await self._kind(served)
            if was == "lent" and away is not None:
                raise type(away)(away.message, hint=away.hint)
            await self._end_background()
            self._away = None
            self._set("switching", next=served.id)
            fresh, waited = await self._change(served)
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
        done = Reloaded(
            model=served.id,
            before=before.id if before else "",
            seconds=round(time.monotonic() - began, 3),
            waited=waited,
            answer=fresh.answer,
        )
        self._told["swaps"] = self._told.get("swaps", 0) + 1
        self._set(self._phase, said="")
        seconds = done.seconds
        self._tell("swapped", model=done.model, before=done.before, seconds=seconds, waited=waited)
        return done

    def _go_back(self, was: Phase, away: FinetuiError | None, said: str) -> None:
        """Go on with the model that was there, after a change that failed."""
        if self._background is not None and not self._background.done():
            self._set(self._phase, said=said)  # it was not disturbed
        elif self._current is not None:
            self._set("serving", said=said)
        elif was in ("idle", "lent", "failed"):
            self._away = away
            self._set(was, said=said)
        elif self._model is not None:
            self._set("restarting", said=said)
            self._begin(self._load_again("restarting"))

    async def _change(self, served: Served) -> tuple[Leased, bool]:
        """Load a model and put it in place of the one that serves.

        Returns:
            The new engine, and whether requests had to wait for it.
        """
        needed = (await self._kind(served)).needs(served, self._options)
        if self._current is None and not self._retiring:
            fresh = await self._load(served)
            self._serve(fresh)
            return fresh, True
        if self._rules.room.holds(needed, await self.memory()):
            fresh = await self._load(served)
            self._retire_current()
            self._serve(fresh)
            return fresh, False
        return await self._change_in_between(served), True

    async def _change_in_between(self, served: Served) -> Leased:
        """Hold requests, end the engine once it is done, and load the other one.

        Where that fails, the model before is loaded again.
        """
        old = self._model
        self._holding = True
        try:
            await asyncio.gather(*(one.drain(self._rules.drain_s) for one in self._engines))
            self._retire_current()
            await asyncio.gather(*self._retiring.values())
            try:
                fresh = await self._load(served)
            except Exception:
                if old is not None:
                    await self._load_again("restarting", model=old, once=True)
                raise
            self._serve(fresh)
            return fresh
        finally:
            self._holding = False
            self._set(self._phase)

    # What happens in the background.

    async def _load_again(
        self, phase: Phase, *, model: Served | None = None, once: bool = False
    ) -> None:
        """Load the model that served, again and again until it does or is given up.

        Args:
            phase: "restarting" where it had ended by itself, or "starting".
            model: The model; None takes the one that served last.
            once: Whether one failure ends it, without a word.
        """
        wanted = model or self._model
        assert wanted is not None
        if not once:
            self._set(phase, next=wanted.id)
        loads = 0
        while True:
            if self._failures and not once:
                wait = self._rules.wait_s * 2 ** (self._failures - 1)
                await asyncio.sleep(min(wait, self._rules.longest_wait_s))
            if run := await asyncio.to_thread(self._taker):
                self._lend_to(run)
                return
            try:
                running = await self._load(wanted)
            except Exception as error:
                failure = named(error)
                if once:
                    return
                self._failures, loads = self._failures + 1, loads + 1
                self._tell("load-failed", model=wanted.id, message=failure.message)
                if loads >= self._rules.tries:
                    self._give_up(wanted, failure)
                    return
                self._set(phase, said=failure.message, next=wanted.id)
                continue
            if phase == "restarting" and not once:
                self._told["restarts"] = self._told.get("restarts", 0) + 1
                self._tell("restarted", model=wanted.id)
            self._serve(running)
            return

    def _give_up(self, wanted: Served, failure: FinetuiError) -> None:
        said = f"{wanted.id} can't be loaded any more: {failure.message}"
        self._away = EngineAway(said, hint="load another one with: finetui reload RUN")
        self._set("failed", said=said)
        self._tell("gave-up", model=wanted.id, message=failure.message)

    async def _lend(self, run: str) -> None:
        """Unload the model, so that a run has the device."""
        self._lend_to(run)
        if self._current is not None:
            await self._current.drain(self._rules.drain_s)
        retired = self._retire_current()
        if retired is not None:
            await retired

    def _lend_to(self, run: str) -> None:
        self._away = EngineAway(
            f"the model is unloaded while run {run} computes on its device",
            hint="ask again when the run has ended",
        )
        self._set("lent", said=self._away.message)
        self._tell("lent", run=run)

    async def _unload_idle(self) -> None:
        current = self._current
        limit = self._rules.idle_s
        if current is None or not limit or current.leases or self._waiting:
            return
        if time.monotonic() - max(current.used, current.since) >= limit:
            self._retire_current()
            self._set("idle")
            self._tell("unloaded", model=current.engine.model.id)

    # The parts of every change.

    async def _load(self, served: Served) -> Leased:
        """Start an engine and see it answer.

        Raises:
            FinetuiError: It does not.
        """
        engine = await (await self._kind(served)).start(served, self._options)
        try:
            return Leased(engine, await probe(engine, self._rules.probe_s))
        except BaseException:
            await engine.close()
            raise

    async def _kind(self, served: Served) -> EngineKind:
        """Return what loads a model, once it is checked that it can."""

        def look() -> EngineKind:
            kind = self._kind_of(served)
            kind.require(served)
            return kind

        return await asyncio.to_thread(look)

    def _serve(self, running: Leased) -> None:
        """Let an engine answer from now on."""
        running.since = running.used = time.monotonic()
        self._current, self._model, self._away = running, running.engine.model, None
        self._told["engine"] = running.engine.name
        self._set("serving")
        self._keep(self._watch(running))

    async def _watch(self, running: Leased) -> None:
        """Wait for the end of an engine, and start another one where it ended by itself."""
        failure = await running.engine.ended()
        if running is not self._current:
            return
        self._current = None
        await running.engine.close()
        if time.monotonic() - running.since > self._rules.settled_s:
            self._failures = 0
        self._failures += 1
        self._told["said"] = failure.message
        self._tell("died", model=running.engine.model.id, message=failure.message)
        if self._phase == "serving":
            self._begin(self._load_again("restarting"))
        self._set(self._phase)

    def _retire_current(self) -> asyncio.Task[None] | None:
        """End the engine once its requests are done; no new ones reach it."""
        running, self._current = self._current, None
        if running is None:
            return None
        task = self._retiring[running] = self._keep(self._retire(running))
        return task

    async def _retire(self, running: Leased) -> None:
        try:
            if not await running.drain(self._rules.drain_s):
                self._tell("cut-short", model=running.engine.model.id, requests=running.leases)
            await running.engine.close()
        finally:
            self._retiring.pop(running, None)
            self._set(self._phase)

    def _set(self, phase: Phase, *, said: str | None = None, next: str = "") -> None:
        """Take a phase, and wake whoever waits for one."""
        self._phase = phase
        if next or phase in _RESTING:
            self._told["next"] = next
        if said is not None:
            self._told["said"] = said
        self._news.set()
        self._news = asyncio.Event()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the background, unless something is being done."""
        if self._reloading or (self._background and not self._background.done()):
            work.close()
            return
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
