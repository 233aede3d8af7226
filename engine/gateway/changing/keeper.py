"""The model that was chosen, kept loaded: loaded again when its engine ends, lent, unloaded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from engine.errors import EngineAway, FinetuiError
from engine.failures import named
from engine.gateway.changing.board import Board
from engine.gateway.changing.fleet import Fleet, Leased
from engine.gateway.changing.lend import Taker
from engine.gateway.changing.pulse import ended
from engine.gateway.changing.rules import Rules
from engine.gateway.changing.tasks import Tasks
from engine.gateway.state import Phase
from engine.serve.engines.base import Served

Tell = Callable[..., None]
"""Takes the type of an event and its fields, for the job's log."""


class Keeper:
    """Keeps a model loaded, and says why where it is not.

    Args:
        fleet: The engines.
        rules: How they are changed.
        taker: Says which run has the device. It is called in a thread.
        tell: Takes what happened, for the log.

    Attributes:
        fleet: The engines.
        board: What the server says.
        tasks: What is done in the background.
        rules: How engines are changed; may be replaced.
        tell: Takes what happened, for the log.
        model: What answers now, or will again.
        away: Why requests are not answered; None where they are, or wait.
        ending: The same, once the server ends.
        on_gpu: Whether the model is on a GPU, or may be once it is loaded.
        changing: Whether another model is being put in its place.
        failures: How often in a row an engine of it has failed.
    """

    def __init__(self, fleet: Fleet, rules: Rules, taker: Taker, tell: Tell) -> None:
        self.fleet, self.rules, self.tell = fleet, rules, tell
        self.board, self.tasks = Board(), Tasks()
        self.model: Served | None = None
        self.away: FinetuiError | None = None
        self.ending: FinetuiError | None = None
        self.on_gpu = self.changing = False
        self.failures = 0
        self._taker = taker

    async def taken(self) -> str:
        """Return the run that has the model's device; empty for none."""
        return await asyncio.to_thread(self._taker, self.on_gpu)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the background, unless a change is under way or the end has begun."""
        if self.changing or self.tasks.busy or self.ending is not None:
            work.close()
        else:
            self.tasks.begin(work)

    async def look_after(self) -> None:
        """Look after idleness and loans, until it is cancelled."""
        while True:
            await asyncio.sleep(self.rules.look_s)
            run = await self.taken()
            if self.changing or self.tasks.busy or self.ending is not None:
                continue
            if run and self.board.phase in ("serving", "idle"):
                self.begin(self._lend(run))
            elif self.board.phase == "lent" and not run:
                self.begin(self.load_again("starting"))
            elif self.board.phase == "serving":
                self._unload_if_idle()

    # Loading.

    async def load_first(self, model: Served) -> None:
        """Load a model that has not served yet, unless a run has its device.

        Raises:
            FinetuiError: It can't be loaded.
        """
        if run := await self.taken():
            self._lend_to(run)
        else:
            self.serve(await self.fleet.load(model, self.rules.probe_s))

    async def load_again(self, phase: Phase) -> None:
        """Load the model that served, again and again until it does or is given up.

        Args:
            phase: "restarting" where it had ended by itself, else "starting".
        """
        model = self.model
        assert model is not None
        self.board.set(phase, next=model.id)
        for left in reversed(range(self.rules.tries)):
            await asyncio.sleep(self.rules.wait(self.failures))
            if run := await self.taken():
                self._lend_to(run)
                return
            try:
                loaded = await self.fleet.load(model, self.rules.probe_s)
            except Exception as error:
                failure = named(error)
                self.failures += 1
                self.tell("load-failed", model=model.id, message=failure.message)
                if left:
                    self.board.set(phase, said=failure.message, next=model.id)
                else:
                    self._give_up(model, failure)
                continue
            if phase == "restarting":
                self.board.restarts += 1
                self.tell("restarted", model=model.id)
            self.serve(loaded)
            return

    async def load_once(self, model: Served | None) -> None:
        """Load a model that served; where that fails, it is tried again later."""
        run = await self.taken()
        if model is None or run:
            return
        try:
            self.serve(await self.fleet.load(model, self.rules.probe_s))
        except FinetuiError as error:
            self.tell("load-failed", model=model.id, message=error.message)

    def serve(self, loaded: Leased) -> None:
        """Let an engine answer from now on."""
        self.fleet.put(loaded, self.rules.drain_s, self.cut_short)
        self.model, self.board.engine = loaded.engine.model, loaded.engine.name
        self.away, self.on_gpu = None, loaded.on_gpu
        self.board.set("serving")
        self.tasks.keep(self._watch(loaded))

    def cut_short(self, leased: Leased) -> None:
        """Note that an engine is ended before its requests are done."""
        self.tell("cut-short", model=leased.engine.model.id, requests=leased.leases)

    # Its ends.

    async def _watch(self, loaded: Leased) -> None:
        """Wait for the end of an engine, and start another one where it ended by itself.

        One that hangs is ended here, whether it takes requests or only finishes them.
        """
        failure = await ended(loaded, lambda: self.rules.hung_s)
        if loaded is not self.fleet.current:
            await loaded.engine.close()
            return
        self.fleet.current = None
        await loaded.engine.close()
        settled = time.monotonic() - loaded.since > self.rules.settled_s
        self.failures = 1 if settled else self.failures + 1
        self.tell("died", model=loaded.engine.model.id, message=failure.message)
        self.board.set(self.board.phase, said=failure.message)
        if self.board.phase == "serving":
            self.begin(self.load_again("restarting"))

    def _give_up(self, model: Served, failure: FinetuiError) -> None:
        said = f"{model.id} can't be loaded any more: {failure.message}"
        self.away = EngineAway(said, hint="load another one with: finetui reload RUN")
        self.board.set("failed", said=said)
        self.tell("gave-up", model=model.id, message=failure.message)

    async def _lend(self, run: str) -> None:
        """Unload the model, so that a run has the device."""
        self._lend_to(run)
        self.fleet.retire(self.rules.drain_s, self.cut_short)
        await self.fleet.ended()

    def _lend_to(self, run: str) -> None:
        said = f"the model is unloaded while run {run} has its device"
        self.away = EngineAway(said, hint="ask again when the run has ended")
        self.board.set("lent", said=said)
        self.tell("lent", run=run)

    def _unload_if_idle(self) -> None:
        current, limit = self.fleet.current, self.rules.idle_s
        if current is None or not limit or current.leases or self.board.waiting:
            return
        if time.monotonic() - current.used >= limit:
            self.fleet.retire(0, self.cut_short)
            self.board.set("idle")
            self.tell("unloaded", model=current.engine.model.id)
