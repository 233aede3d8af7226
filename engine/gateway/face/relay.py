"""One request on its way to an engine and back.

Per piece of a stream there is as little Python as there can be: an event goes on as the engine
wrote it, parsed only to be sure that it names the right model and is no error. Nothing is sent to
a client before the engine's first event, so that until then a request can be asked again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import httpx

from engine.errors import WorkerDied, WorkerTimeout
from engine.gateway.face import refusals
from engine.gateway.face.assemble import Assembly
from engine.gateway.face.dialects import check, written
from engine.gateway.face.events import Events, dumps, event
from engine.gateway.face.fields import Asked
from engine.gateway.face.refusals import Refusal
from engine.gateway.face.reply import Reply
from engine.gateway.face.translate import refused
from engine.gateway.models import Models
from engine.serve.engines.base import Engine

Send = Callable[[bytes], Awaitable[None]]

_HEADERS = {"Content-Type": "application/json"}
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError)
_DEATH_S = 1.0
_ANSWER_BYTES = 64 * 1024 * 1024
_ERROR_BYTES = 64 * 1024


@dataclass(slots=True)
class Tally:
    """What a request took, filled in while it is answered.

    Attributes:
        model: Which model answered.
        prompt_tokens: Tokens read.
        tokens: Tokens written.
        failed: Whether it ended in an error of the server's own.
    """

    model: str = ""
    prompt_tokens: int = 0
    tokens: int = 0
    failed: bool = False


class Broken(Exception):
    """An engine's connection broke, before its answer was whole."""


class Unsent(Broken):
    """An engine ended before a request's turn came, so that it was not asked at all."""


class Relay:
    """Asks whichever engine answers now.

    Args:
        models: Gives engines.
        answer_s: How long an engine may be silent, in seconds.
    """

    def __init__(self, models: Models, answer_s: float) -> None:
        self._models = models
        self._turns: WeakKeyDictionary[Engine, asyncio.Semaphore] = WeakKeyDictionary()
        self._timeout = httpx.Timeout(answer_s, connect=10.0, pool=None)

    async def answer(self, asked: Asked, tally: Tally) -> bytes:
        """Return a whole answer.

        Raises:
            Refusal: The engine refuses the request, or died twice of it.
            FinetuiError: There is no engine.
        """
        again = True
        while True:
            async with self._models.lease() as engine:
                tally.model = engine.model.id
                check(engine, asked)
                try:
                    replies = await self._whole(engine, asked, tally)
                    break
                except Unsent:
                    continue
                except (Broken, httpx.TransportError) as error:
                    await self._broken(engine, error, again=again)
                    again = False
        reply = Reply(asked, engine.model.id)
        value = reply.whole(replies)
        tally.prompt_tokens, tally.tokens = reply.prompt_tokens, reply.tokens
        return dumps(value)

    async def stream(self, asked: Asked, tally: Tally, send: Send) -> None:
        """Send an answer in pieces.

        Raises:
            Refusal: The engine refuses the request, or died twice of it; nothing was sent.
            FinetuiError: There is no engine; nothing was sent.
        """
        again = True
        while True:
            async with self._models.lease() as engine:
                tally.model = engine.model.id
                check(engine, asked)
                reply = Reply(asked, engine.model.id)
                try:
                    await self._pieces(engine, asked, reply, send)
                    break
                except (Broken, httpx.TransportError, Refusal) as error:
                    if reply.begun:
                        tally.failed = True
                        await send(event(self._in_words(error, engine).as_dict()))
                        break
                    if isinstance(error, Refusal):
                        raise
                    if isinstance(error, Unsent):
                        continue
                    await self._broken(engine, error, again=again)
                    again = False
                finally:
                    tally.prompt_tokens, tally.tokens = reply.prompt_tokens, reply.tokens

    async def _whole(self, engine: Engine, asked: Asked, tally: Tally) -> list[dict[str, Any]]:
        if asked.form == "embedding":
            async with self._open(engine, asked, asked.bodies[0]) as response:
                return [_object(await _read(response, _ANSWER_BYTES))]
        made = [Assembly() for _ in asked.bodies]
        tally.tokens = 0  # an engine that died may have written some

        async def follow(index: int) -> None:
            async with contextlib.aclosing(self._events(engine, asked, index)) as events:
                async for found in events:
                    count = 0
                    for data in found:
                        value = _object(data)
                        if "error" in value:
                            raise refused(500, data, asked.param)
                        try:
                            count += made[index].feed(value)
                        except _MALFORMED:
                            raise Broken("its answer is malformed") from None
                    tally.tokens += count
                    self._models.wrote(count)

        await _each(len(asked.bodies), follow)
        return [one.whole() for one in made]

    async def _pieces(self, engine: Engine, asked: Asked, reply: Reply, send: Send) -> None:
        async def follow(index: int) -> None:
            async with contextlib.aclosing(self._events(engine, asked, index)) as events:
                async for found in events:
                    before = reply.tokens
                    try:
                        out = b"".join([reply.piece(data, index) for data in found])
                    except _MALFORMED:
                        raise Broken("its answer is malformed") from None
                    if reply.tokens != before:
                        self._models.wrote(reply.tokens - before)
                    if out:
                        await send(out)

        await _each(len(asked.bodies), follow)
        await send(reply.last())

    async def _events(
        self, engine: Engine, asked: Asked, index: int
    ) -> AsyncGenerator[list[bytes], None]:
        """Yield the data of one answer's events as they come, without the mark of its end.

        Raises:
            Broken: It has no end.
            Refusal: The engine refuses the request.
        """
        body = {**asked.bodies[index], "stream": True, "stream_options": {"include_usage": True}}
        events, done = Events(), False
        async with self._open(engine, asked, body) as response:
            async for piece in response.aiter_raw():
                try:
                    found = events.feed(piece)
                except ValueError as error:
                    raise Broken(str(error)) from None
                if found and found[-1] == b"[DONE]":
                    done = True
                    found.pop()
                if found:
                    yield found
        if not done:
            raise Broken("its answer has no end")

    @contextlib.asynccontextmanager
    async def _open(
        self, engine: Engine, asked: Asked, body: dict[str, Any]
    ) -> AsyncIterator[httpx.Response]:
        content = dumps({"model": engine.model.id, **written(engine.name, body)})
        # An engine is asked no more at once than it computes. llama.cpp's server takes more, but
        # has been seen to leave those that wait for a slot of it waiting for ever.
        turn = self._turns.setdefault(engine, asyncio.Semaphore(engine.slots))
        async with turn:
            if not engine.alive:
                raise Unsent("it has ended")
            async with engine.client.stream(
                "POST", asked.path, content=content, headers=_HEADERS, timeout=self._timeout
            ) as response:
                if response.status_code != 200:
                    raw = await _read(response, _ERROR_BYTES)
                    raise refused(response.status_code, raw, asked.param, engine.context)
                yield response

    async def _broken(self, engine: Engine, error: Exception, *, again: bool) -> None:
        """Return where a request can be asked once more, else say in words what failed."""
        if engine.alive:
            # A process that dies closes its connections a moment before its end is seen.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(engine.ended(), _DEATH_S)
        if not again or isinstance(error, httpx.TimeoutException):
            raise self._in_words(error, engine) from None

    def _in_words(self, error: Exception, engine: Engine) -> Refusal:
        if isinstance(error, Refusal):
            return error
        if isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout):
            silent = self._timeout.read or 0.0
            return refusals.of(WorkerTimeout(f"{engine.model.id} has kept silent for {silent:g} s"))
        return refusals.of(
            WorkerDied(
                f"the engine of {engine.model.id} ended while it answered",
                hint="send the request again; a shorter one, if it ends again",
            )
        )


async def _each(count: int, follow: Callable[[int], Awaitable[None]]) -> None:
    """Follow every answer at once; with one that fails, the others are given up.

    Not by a TaskGroup: of a failure and a cancellation at the same time it raises the failure.
    """
    if count == 1:
        await follow(0)
        return
    tasks = [asyncio.ensure_future(follow(index)) for index in range(count)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failed = [task for task in done if not task.cancelled() and task.exception()]
    finally:
        await _given_up(tasks)
    for task in [*failed, *tasks]:
        task.result()


async def _given_up(tasks: Sequence[asyncio.Future[None]]) -> None:
    """Cancel what is not done, and wait for its end, also where this task is cancelled too."""
    cancelled: asyncio.CancelledError | None = None
    for task in tasks:
        task.cancel()
    while left := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError as error:
            cancelled = error
    for task in tasks:
        if not task.cancelled():
            task.exception()  # nobody else asks for it
    if cancelled is not None:
        raise cancelled


def _object(raw: bytes) -> dict[str, Any]:
    """Return an engine's JSON object.

    Raises:
        Broken: It is none.
    """
    try:
        value = json.loads(raw)
    except ValueError:
        raise Broken("its answer is no JSON") from None
    if not isinstance(value, dict):
        raise Broken("its answer is no JSON object")
    return value


async def _read(response: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > limit:
            raise Broken("its answer is too long")
    return bytes(body)
