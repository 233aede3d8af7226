"""A model worker: ``python -m engine.serve.worker --gguf FILE``.

One process, one GGUF, one request at a time. It listens on 127.0.0.1 alone, asks every
request for the bearer token that its parent put into its environment, and ends when its
parent does. The first line of its stdout is a JSON object with its port; all else that it
or llama.cpp prints goes to stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
import os
import select
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TextIO
from uuid import uuid4

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.serve import protocol
from engine.serve.beside import WATCHED, Beside
from engine.serve.generation import Model, Piece
from engine.serve.protocol import (
    BEARER_VARIABLE,
    ORPHANED,
    REFUSED,
    BadRequest,
    Sampling,
    Threads,
)

_MAX_BODY = 8 * 2**20
_PARENT_POLL_S = 1.0


class _BearerMiddleware:
    """Refuses each request that does not carry the token."""

    def __init__(self, app: ASGIApp, bearer: str) -> None:
        self._app = app
        self._expected = b"Bearer " + bearer.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._expected):
                refusal = _error(401, "unauthorised", "the bearer token is missing or wrong")
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


class _Desk:
    """Takes requests to the one thread that may touch the model, one after the other.

    Attributes:
        tokens: How many tokens were generated so far, in answers that have ended.
    """

    def __init__(self, model: Model) -> None:
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
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: self.model.tokenise(text, special=special)
        )


@asynccontextmanager
async def _cancelled_when_gone(receive: Receive) -> AsyncIterator[threading.Event]:
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


class _Answer(Response):
    """An answer as one JSON object, or as server-sent events while it is made."""

    def __init__(
        self,
        desk: _Desk,
        ids: tuple[int, ...],
        how: Sampling,
        name: str,
        *,
        chat: bool,
        stream: bool,
    ) -> None:
        super().__init__()
        self._desk, self._ids, self._how = desk, ids, how
        self._chat, self._stream = chat, stream
        self._head = {
            "id": ("chatcmpl-" if chat else "cmpl-") + uuid4().hex,
            "object": ("chat.completion" if chat else "text_completion")
            + (".chunk" if chat and stream else ""),
            "created": int(time.time()),
            "model": name,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with _cancelled_when_gone(receive) as cancelled:
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
            await _error(400, error.code, str(error))(scope, receive, send)
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
                await write(f"data: {json.dumps(self._body(piece.text, piece))}\n\n")
        except Exception as error:  # The client is told, in the form that it waits for.
            code = error.code if isinstance(error, BadRequest) else "failed"
            told = json.dumps({"error": {"code": code, "message": str(error)}})
            if not started:
                await start(400 if isinstance(error, BadRequest) else 500, b"application/json")
                await write(told, more=False)
                return
            await write(f"data: {told}\n\n")
        if not started:  # Cancelled before its turn came.
            await start(200, b"text/event-stream; charset=utf-8")
        await write("data: [DONE]\n\n", more=False)

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
        if piece.threads is not None:
            body["threads"] = piece.threads.as_dict()
        return body


async def _json(request: Request) -> Mapping[str, Any]:
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > _MAX_BODY:
            raise BadRequest(f"the request is longer than {_MAX_BODY:,} bytes")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the request is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadRequest("the request is not a JSON object")
    return body


def _tokenizer_ids(tokenizer_dir: Path, messages: list[dict[str, str]]) -> tuple[int, ...]:
    """Render messages with the engine's own tokenizer, as training did."""
    from engine.errors import TemplateError
    from engine.models import Turn
    from engine.tokens import Tokenizer, prompt_ids

    turns = [Turn(role=item["role"], content=item["content"]) for item in messages]  # type: ignore[arg-type]
    try:
        return prompt_ids(Tokenizer.load(tokenizer_dir), turns)
    except TemplateError as error:
        raise BadRequest(error.message, "template") from error


def make_app(
    model: Model,
    *,
    name: str,
    bearer: str,
    tokenizer_dir: Path | None,
    free: Callable[[int], Threads],
) -> Starlette:
    """Return the HTTP application of a loaded model.

    Args:
        model: The model; the application's one thread is the only one to use it from now on.
        name: What the model is called in answers.
        bearer: The token that each request must carry.
        tokenizer_dir: Where chats are rendered by the base's own tokenizer, its directory;
            None takes the chat template in the GGUF.
        free: Says how many threads an answer takes that may take so many.
    """
    desk = _Desk(model)

    async def health(_: Request) -> Response:
        return JSONResponse(
            {
                "status": "ok",
                "context": model.context,
                "requests": desk.waiting,
                "tokens": desk.tokens,
                "threads": free(0).as_dict(),
            }
        )

    async def models(_: Request) -> Response:
        return JSONResponse(
            {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "finetui"}]}
        )

    async def completions(request: Request) -> Response:
        body = await _json(request)
        prompt, how = protocol.prompt(body), protocol.sampling(body)
        ids = prompt if isinstance(prompt, tuple) else await desk.tokenise(prompt, special=True)
        return _Answer(desk, ids, how, name, chat=False, stream=body.get("stream") is True)

    async def chat(request: Request) -> Response:
        body = await _json(request)
        messages, how = protocol.messages(body), protocol.sampling(body)
        if tokenizer_dir is None:
            ids = await desk.tokenise(model.render(messages), special=True)
        else:
            ids = _tokenizer_ids(tokenizer_dir, messages)
        return _Answer(desk, ids, how, name, chat=True, stream=body.get("stream") is True)

    async def tokenize(request: Request) -> Response:
        body = await _json(request)
        content = body.get("content")
        if not isinstance(content, str):
            raise BadRequest("content must be a text")
        special = body.get("parse_special", True) is True
        return JSONResponse({"tokens": await desk.tokenise(content, special=special)})

    async def apply_template(request: Request) -> Response:
        return JSONResponse({"prompt": model.render(protocol.messages(await _json(request)))})

    async def bad_request(_: Request, error: Exception) -> Response:
        code = error.code if isinstance(error, BadRequest) else "bad-request"
        return _error(400, code, str(error))

    async def gone(_: Request, __: Exception) -> Response:
        return _error(400, "gone", "the client went away")

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/v1/models", models),
            Route("/v1/completions", completions, methods=["POST"]),
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/tokenize", tokenize, methods=["POST"]),
            Route("/apply-template", apply_template, methods=["POST"]),
        ],
        # The host is checked first: a page in a browser that had its name point here would
        # otherwise learn that something listens.
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
            Middleware(_BearerMiddleware, bearer=bearer),
        ],
        exception_handlers={BadRequest: bad_request, ClientDisconnect: gone},
    )


def _end_with_parent(parent: int) -> None:
    """End this process when its parent is gone.

    The parent holds the other end of stdin, which the kernel closes whatever ended it. Its
    id is looked at as well, since another child of it may have inherited that end.
    (A parent-death signal would not do: it is sent when the *thread* that started the
    child ends.)
    """
    while os.getppid() == parent:
        ready, _, _ = select.select([0], [], [], _PARENT_POLL_S)
        if ready and not os.read(0, 4096):
            break
    os._exit(ORPHANED)


def _private_stdout() -> TextIO:
    """Keep stdout for the port's line, and send what libraries print there to stderr."""
    stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stdout


def main() -> int:
    """Load the model, say the port, and serve until the parent goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--watch", nargs="*", choices=WATCHED, default=WATCHED)
    parser.add_argument("--gpu-layers", type=int, default=-1)
    parser.add_argument("--tokenizer-dir", type=Path, default=None)
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args()
    said = _private_stdout()
    bearer = os.environ.pop(BEARER_VARIABLE, "")
    if not bearer:
        print(f"{BEARER_VARIABLE} is not set", file=sys.stderr)
        return 2
    watch = threading.Thread(target=_end_with_parent, args=(options.parent,), daemon=True)
    watch.start()
    threads = options.threads or os.cpu_count() or 1
    beside = Beside(threads, parent=options.parent, watch=options.watch)
    beside.start()
    try:
        model = Model(
            options.gguf,
            context=options.context,
            threads=threads,
            gpu_layers=options.gpu_layers,
            free=beside.threads,
        )
        model.warm_up()
    except (ValueError, RuntimeError) as error:
        print(f"llama.cpp refused the file: {error}", file=sys.stderr, flush=True)
        return REFUSED
    import uvicorn

    app = make_app(
        model,
        name=options.gguf.stem,
        bearer=bearer,
        tokenizer_dir=options.tokenizer_dir,
        free=beside.threads,
    )
    listener = socket.create_server(("127.0.0.1", options.port))
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", server_header=False
        )
    )
    said.write(json.dumps({"port": listener.getsockname()[1], "context": model.context}) + "\n")
    said.flush()
    server.run(sockets=[listener])
    model.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
