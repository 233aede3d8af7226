"""Another model in place of the one that serves, without dropping a request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from engine.errors import FinetuiError, ReloadBusy, UsageError
from engine.failures import named
from engine.gateway.changing.fleet import Leased
from engine.gateway.changing.keeper import Keeper
from engine.gateway.control import Reloaded
from engine.gateway.spec import Wanted
from engine.gateway.state import Phase
from engine.serve.engines.base import Served

Find = Callable[[Wanted], Served]
"""Says which model is wanted; looks at the disk, and is called in a thread."""


class Exchange:
    """Changes the model that is kept.

    Args:
        keeper: Keeps the model.
        find: Says which model is wanted.

    Attributes:
        holding: Whether requests have to wait, since the engine that is there is about to end.
    """

    def __init__(self, keeper: Keeper, find: Find) -> None:
        self.holding = False
        self._keeper, self._find = keeper, find
        self._task: asyncio.Task[Reloaded] | None = None

    async def reload(self, wanted: Wanted) -> Reloaded:
        """Put another model behind the address; see :class:`engine.gateway.models.Models`."""
        keeper = self._keeper
        if keeper.ending is not None:
            raise again(keeper.ending)
        if keeper.changing:
            raise ReloadBusy("models are being changed already", hint="wait for it and ask again")
        keeper.changing = True
        # It goes on where its caller goes away: half a change would leave no model.
        task = self._task = keeper.tasks.keep(self._reload(wanted))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled() and keeper.ending is not None:
                raise again(keeper.ending) from None
            raise

    def give_up(self) -> None:
        """Give up a change that is under way, since the server ends."""
        if self._task is not None:
            self._task.cancel()

    async def _reload(self, wanted: Wanted) -> Reloaded:
        keeper, board = self._keeper, self._keeper.board
        began, before = time.monotonic(), keeper.model
        disturbed: tuple[Phase, FinetuiError | None] | None = None
        try:
            wanted = _whole(wanted, before)
            served = await asyncio.to_thread(self._find, wanted)
            needed = await keeper.fleet.check(served)
            if board.phase == "lent" and keeper.away is not None:
                raise again(keeper.away)
            await keeper.tasks.end_background()
            disturbed = board.phase, keeper.away
            keeper.away = None
            board.set("switching", next=served.id)
            fresh, waited = await self._change(served, needed)
        except Exception as error:
            failure, asked = named(error), _name(wanted)
            keeper.tell("reload-failed", asked=asked, code=failure.code, message=failure.message)
            keeper.changing = False
            self._go_back(disturbed, f"{asked} was not loaded: {failure.message}")
            raise failure from error
        except BaseException:
            keeper.changing = False
            raise
        keeper.changing, keeper.failures = False, 0
        board.swaps += 1
        seconds, last = round(time.monotonic() - began, 3), before.id if before else ""
        keeper.tell("swapped", model=served.id, before=last, seconds=seconds, waited=waited)
        board.set(board.phase, said="")
        if board.phase == "serving" and keeper.fleet.current is None:  # it died since
            keeper.begin(keeper.load_again("restarting"))
        return Reloaded(served.id, last, seconds, waited, fresh.answer)

    def _go_back(self, disturbed: tuple[Phase, FinetuiError | None] | None, said: str) -> None:
        """Go on with the model that was there, after a change that failed.

        Args:
            disturbed: The phase before the change disturbed it, and why requests were refused
                then; None where it was not disturbed.
            said: What a person should know.
        """
        keeper, board = self._keeper, self._keeper.board
        was, away = disturbed or (board.phase, keeper.away)
        if keeper.tasks.busy:  # it was not disturbed
            board.set(was, said=said)
        elif keeper.fleet.current is not None:
            board.set("serving", said=said)
        elif was in ("idle", "lent", "failed"):
            keeper.away = away
            board.set(was, said=said)
        elif keeper.model is not None:
            # One that was still being loaded has not ended by itself.
            phase: Phase = "starting" if was == "starting" else "restarting"
            board.set(phase, said=said)
            keeper.begin(keeper.load_again(phase))

    async def _change(self, served: Served, needed: int) -> tuple[Leased, bool]:
        """Load a model and put it in place of the one that serves.

        Returns:
            The new engine, and whether requests had to wait for it.
        """
        keeper, fleet, rules = self._keeper, self._keeper.fleet, self._keeper.rules
        waits = fleet.current is None
        if fleet.all:
            used = await fleet.memory()
            holds = rules.room.holds
            if not await asyncio.to_thread(holds, needed, used, on_gpu=keeper.on_gpu):
                return await self._change_in_between(served), True
        fresh = await fleet.load(served, rules.probe_s)
        keeper.serve(fresh)
        return fresh, waits

    async def _change_in_between(self, served: Served) -> Leased:
        """Hold requests, end the engine once it is done, and load the other one.

        Where that fails, the model before is loaded again.
        """
        keeper, fleet, rules = self._keeper, self._keeper.fleet, self._keeper.rules
        old = keeper.model
        self.holding = True
        try:
            await fleet.drained(rules.drain_s)
            fleet.retire(0, keeper.cut_short)
            await fleet.ended()
            try:
                fresh = await fleet.load(served, rules.probe_s)
            except Exception:
                await keeper.load_once(old)
                raise
            keeper.serve(fresh)
            return fresh
        finally:
            self.holding = False
            keeper.board.set(keeper.board.phase)


def again(error: FinetuiError) -> FinetuiError:
    """Return a failure to be raised once more, without the traces of the times before."""
    return type(error)(error.message, hint=error.hint)


def _whole(wanted: Wanted, served: Served | None) -> Wanted:
    """Return what is meant by a quantisation alone: that of the run that is served.

    Raises:
        UsageError: A file is served, and no run.
    """
    if wanted.run or wanted.path or not wanted.quant:
        return wanted
    if served is None or not served.run:
        raise UsageError(
            "a file is served, and no run that could have another quantisation",
            hint='name the run too, as in {"run": "last", "quant": "q8_0"}',
        )
    return Wanted(run=served.run, quant=wanted.quant)


def _name(wanted: Wanted) -> str:
    """Return what somebody asked for, in a word."""
    if wanted.path:
        return wanted.path.rpartition("/")[2]
    return ":".join(part for part in (wanted.run, wanted.quant) if part)
