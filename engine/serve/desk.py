"""Requests to a model, one after the other, in the one thread that may touch it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from engine.serve.generation import Answering, Model, Piece
from engine.serve.protocol import BadRequest, Failed, Sampling

T = TypeVar("T")


class Desk:
    """Takes requests to the one thread that may touch a model, one after the other.

    Args:
        model: The model; no other thread may use it from now on.

    Attributes:
        model: The model.
        tokens: How many tokens were generated so far, in answers that have ended.
    """

    def __init__(self, model: Answering) -> None:
        self.model = model
        self.tokens = 0
        self._jobs: list[Future[None]] = []
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")

    @property
    def waiting(self) -> int:
        """How many requests are under way or wait their turn."""
        return sum(not job.done() for job in self._jobs)

    async def pieces(
        self, ids: tuple[int, ...], how: Sampling, cancelled: threading.Event
    ) -> AsyncIterator[Piece]:
        """Yield the answer's pieces. ``cancelled`` ends it, also while it waits its turn."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Piece | Exception | None] = asyncio.Queue()

        def hand_over(item: Piece | Exception | None) -> None:
            with suppress(RuntimeError):  # The loop closed: nobody waits any more.
                loop.call_soon_threadsafe(queue.put_nowait, item)

        def work() -> None:
            try:
                if not cancelled.is_set():
                    for piece in self.model.answer(ids, how, cancelled):
                        if piece.timings is not None:
                            self.tokens += piece.timings.completion_tokens
                        hand_over(piece)
            except Exception as error:  # Raised again where it is awaited.
                hand_over(error)
            hand_over(None)

        self._jobs = [*(job for job in self._jobs if not job.done()), self._thread.submit(work)]
        try:
            while (item := await queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            cancelled.set()

    async def tokenise(self, text: str, *, special: bool) -> tuple[int, ...]:
        """Tokenise a text in the model's thread."""
        return await self.run(lambda: self.model.tokenise(text, special=special))

    async def prompt(self, text: str, *, adds: bool) -> tuple[int, ...]:
        """Tokenise a prompt in the model's thread, with what the model adds if that is asked."""
        return await self.run(
            lambda: self.model.prompt(text) if adds else self.model.tokenise(text)
        )

    async def run(self, work: Callable[[], T]) -> T:
        """Do something in the model's thread, when its turn comes."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def put_adapter(self, base: Model, path: Path) -> None:
        """Answer with another adapter over the weights of a base from now on.

        What is under way is answered first. Where the adapter is refused, all stays as it was.

        Raises:
            ValueError: llama.cpp refused it.
        """

        def work() -> None:
            fresh = base.with_adapter(path)
            fresh.warm_up()
            self.model, old = fresh, self.model
            old.close()

        await self.run(work)


@asynccontextmanager
async def cancelled_when_gone(receive: Receive) -> AsyncIterator[threading.Event]:
    """Give an event that is set when the client disconnects."""
    cancelled = threading.Event()

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        cancelled.set()

    task = asyncio.create_task(watch())
    try:
        yield cancelled
    finally:
        cancelled.set()
        task.cancel()


def error_response(
    status: int, code: str, message: str, kind: str = "invalid_request_error"
) -> JSONResponse:
    """Return a refusal in OpenAI's form."""
    error = {"code": code, "message": message, "type": kind}
    return JSONResponse({"error": error}, status_code=status)


def refusal(error: BadRequest) -> JSONResponse:
    """Return a request's refusal in OpenAI's form."""
    return JSONResponse({"error": error.as_dict()}, status_code=error.status)


class Answer(Response):
    """An answer as one JSON object, or as server-sent events while it is made.

    Args:
        desk: Who answers.
        ids: The prompt.
        how: Sampling and limits.
        name: The model's name in the answer.
        body: The request: whether it wants events, usage in an event of its own at the end, and
            to know how many threads compute (where it says how many may).
        chat: Whether it is a chat's answer.
    """

    def __init__(
        self,
        desk: Desk,
        ids: tuple[int, ...],
        how: Sampling,
        name: str,
        body: Mapping[str, Any],
        *,
        chat: bool,
    ) -> None:
        super().__init__()
        self._desk, self._ids, self._how = desk, ids, how
        self._chat, self._stream = chat, (stream := body.get("stream") is True)
        self._threads = "threads" in body
        options = body.get("stream_options")
        self._usage = isinstance(options, Mapping) and options.get("include_usage") is True
        self._head = {
            "id": ("chatcmpl-" if chat else "cmpl-") + uuid4().hex,
            "object": ("chat.completion" if chat else "text_completion")
            + (".chunk" if chat and stream else ""),
            "created": int(time.time()),
            "model": name,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the model and send what it says, until it is done or the client is gone."""
        async with cancelled_when_gone(receive) as cancelled:
            pieces = self._desk.pieces(self._ids, self._how, cancelled)
            if self._stream:
                await self._send_events(pieces, send)
            else:
                await self._send_whole(pieces, scope, receive, send)

    async def _send_whole(
        self, pieces: AsyncIterator[Piece], scope: Scope, receive: Receive, send: Send
    ) -> None:
        texts: list[str] = []
        last = Piece("")
        try:
            async for last in pieces:
                texts.append(last.text)
        except BadRequest as error:
            await refusal(error)(scope, receive, send)
            return
        await JSONResponse(self._body("".join(texts), last))(scope, receive, send)

    async def _send_events(self, pieces: AsyncIterator[Piece], send: Send) -> None:
        started = False

        async def write(text: str, *, more: bool = True) -> None:
            body = text.encode()
            await send({"type": "http.response.body", "body": body, "more_body": more})

        async def start(status: int, kind: bytes) -> None:
            headers = [(b"content-type", kind), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": status, "headers": headers})

        try:
            async for piece in pieces:
                if not started:
                    await start(200, b"text/event-stream; charset=utf-8")
                    started = True
                for body in self._events(piece):
                    await write(f"data: {json.dumps(body)}\n\n")
        except Exception as error:  # The client is told, in the form that it waits for.
            named = error if isinstance(error, BadRequest) else Failed(str(error))
            told = json.dumps({"error": named.as_dict()})
            if not started:
                await start(named.status, b"application/json")
                await write(told, more=False)
                return
            await write(f"data: {told}\n\n")
        if not started:  # Cancelled before its turn came.
            await start(200, b"text/event-stream; charset=utf-8")
        await write("data: [DONE]\n\n", more=False)

    def _events(self, piece: Piece) -> Iterator[dict[str, Any]]:
        """Yield what is sent for a piece of a stream: mostly one object."""
        if piece.text or piece.reason or self._threads:
            yield self._body(piece.text, piece)
        if piece.timings is not None and self._usage:
            yield {
                **self._head,
                "choices": [],
                "usage": piece.timings.usage(),
                "timings": piece.timings.as_dict(),
            }

    def _body(self, text: str, piece: Piece) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": 0, "finish_reason": piece.reason or None}
        if not self._chat:
            choice |= {"text": text, "logprobs": None}
        elif self._stream:
            choice["delta"] = {"role": "assistant", "content": text}
        else:
            choice["message"] = {"role": "assistant", "content": text}
        body: dict[str, Any] = {**self._head, "choices": [choice]}
        if piece.timings is not None:
            body |= {"usage": piece.timings.usage(), "timings": piece.timings.as_dict()}
        if piece.threads is not None and self._threads:
            body["threads"] = piece.threads.as_dict()
        return body
