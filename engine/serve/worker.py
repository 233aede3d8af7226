"""A model worker: ``python -m engine.serve.worker --gguf FILE [--adapter FILE]``.

One process, one GGUF, one request at a time. With an adapter there are two models of the same
weights, ``base`` and ``tuned``, each with a context and a thread of its own; a request says in
``model`` which one it means. It listens on 127.0.0.1 alone, asks every
request for the bearer token that its parent put into its environment, and ends when its
parent does. The first line of its stdout is a JSON object with its port; all else that it
or llama.cpp prints goes to stderr.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import select
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.errors import GgufDamaged
from engine.serve import protocol
from engine.serve.beside import WATCHED, Beside
from engine.serve.desk import Answer, Desk, error_response
from engine.serve.generation import Model
from engine.serve.header import read_header
from engine.serve.protocol import (
    BASE,
    BEARER_VARIABLE,
    ORPHANED,
    REFUSED,
    RELOAD_ADAPTER,
    TUNED,
    BadRequest,
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
                refusal = error_response(
                    401, "unauthorised", "the bearer token is missing or wrong"
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


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
    models: Mapping[str, Model],
    *,
    bearer: str,
    tokenizer_dir: Path | None,
    free: Callable[[int], Threads],
) -> Starlette:
    """Return the HTTP application of loaded models.

    Args:
        models: The models by the name that they have in answers: one, or ``base`` and
            ``tuned`` of the same weights. Only the application's threads use them from now on.
        bearer: The token that each request must carry.
        tokenizer_dir: Where chats are rendered by the base's own tokenizer, its directory;
            None takes the chat template in the GGUF.
        free: Says how many threads an answer takes that may take so many.
    """
    desks = {name: Desk(model) for name, model in models.items()}
    names = ", ".join(desks)

    def chosen(body: Mapping[str, Any]) -> tuple[str, Desk]:
        """Return the model that a request means. One that is alone has any name."""
        if len(desks) == 1:
            return next(iter(desks.items()))
        name = body.get("model")
        if not isinstance(name, str) or name not in desks:
            raise BadRequest(f"model must be one of {names}", "model-unknown")
        return name, desks[name]

    async def health(_: Request) -> Response:
        return JSONResponse(
            {
                "status": "ok",
                "context": min(model.context for model in models.values()),
                "requests": sum(desk.waiting for desk in desks.values()),
                "tokens": sum(desk.tokens for desk in desks.values()),
                "threads": free(0).as_dict(),
                "models": {
                    name: {"requests": desk.waiting, "tokens": desk.tokens}
                    for name, desk in desks.items()
                },
            }
        )

    async def listed(_: Request) -> Response:
        found = [{"id": name, "object": "model", "owned_by": "finetui"} for name in desks]
        return JSONResponse({"object": "list", "data": found})

    async def completions(request: Request) -> Response:
        body = await _json(request)
        name, desk = chosen(body)
        prompt, how = protocol.prompt(body), protocol.sampling(body)
        ids = prompt if isinstance(prompt, tuple) else await desk.tokenise(prompt, special=True)
        return Answer(desk, ids, how, name, chat=False, stream=body.get("stream") is True)

    async def chat(request: Request) -> Response:
        body = await _json(request)
        name, desk = chosen(body)
        messages, how = protocol.messages(body), protocol.sampling(body)
        if tokenizer_dir is None:
            ids = await desk.tokenise(desk.model.render(messages), special=True)
        else:
            ids = _tokenizer_ids(tokenizer_dir, messages)
        return Answer(desk, ids, how, name, chat=True, stream=body.get("stream") is True)

    # What follows is of the weights, which all models share.
    shared = next(iter(desks.values()))

    async def tokenize(request: Request) -> Response:
        body = await _json(request)
        content = body.get("content")
        if not isinstance(content, str):
            raise BadRequest("content must be a text")
        special = body.get("parse_special", True) is True
        return JSONResponse({"tokens": await shared.tokenise(content, special=special)})

    async def apply_template(request: Request) -> Response:
        messages = protocol.messages(await _json(request))
        return JSONResponse({"prompt": shared.model.render(messages)})

    async def reload_adapter(request: Request) -> Response:
        body = await _json(request)
        if TUNED not in desks:
            raise BadRequest("this worker has no adapter", "no-adapter")
        path = Path(str(body.get("path") or ""))
        try:
            read_header(path)
            await desks[TUNED].put_adapter(models[BASE], path)
        except (GgufDamaged, ValueError) as error:
            raise BadRequest(f"the adapter is refused: {error}", "adapter-refused") from error
        return JSONResponse({"adapter": path.name})

    return _application(
        [
            Route("/health", health),
            Route("/v1/models", listed),
            Route("/v1/completions", completions, methods=["POST"]),
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/tokenize", tokenize, methods=["POST"]),
            Route("/apply-template", apply_template, methods=["POST"]),
            Route(RELOAD_ADAPTER, reload_adapter, methods=["POST"]),
        ],
        bearer,
    )


def _application(routes: list[Route], bearer: str) -> Starlette:
    async def bad_request(_: Request, error: Exception) -> Response:
        code = error.code if isinstance(error, BadRequest) else "bad-request"
        return error_response(400, code, str(error))

    async def gone(_: Request, __: Exception) -> Response:
        return error_response(400, "gone", "the client went away")

    return Starlette(
        routes=routes,
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


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--adapter", type=Path, default=None)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--watch", nargs="*", choices=WATCHED, default=WATCHED)
    parser.add_argument("--gpu-layers", type=int, default=-1)
    parser.add_argument("--tokenizer-dir", type=Path, default=None)
    parser.add_argument("--parent", type=int, required=True)
    return parser.parse_args()


def _load(options: argparse.Namespace, threads: int, beside: Beside) -> dict[str, Model]:
    """Load the file, and compute once with each model of it.

    Raises:
        ValueError: llama.cpp refused the file or the adapter.
        RuntimeError: It failed to compute.
    """
    model = Model(
        options.gguf,
        context=options.context,
        threads=threads,
        gpu_layers=options.gpu_layers,
        free=beside.threads,
    )
    models = {options.gguf.stem: model}
    if options.adapter is not None:
        models = {BASE: model, TUNED: model.with_adapter(options.adapter)}
    for one in models.values():
        one.warm_up()
    return models


def main() -> int:
    """Load the model, say the port, and serve until the parent goes."""
    options = _options()
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
        models = _load(options, threads, beside)
    except (ValueError, RuntimeError) as error:
        print(f"llama.cpp refused the file: {error}", file=sys.stderr, flush=True)
        return REFUSED
    import uvicorn

    app = make_app(models, bearer=bearer, tokenizer_dir=options.tokenizer_dir, free=beside.threads)
    listener = socket.create_server(("127.0.0.1", options.port))
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", server_header=False
        )
    )
    context = min(model.context for model in models.values())
    said.write(json.dumps({"port": listener.getsockname()[1], "context": context}) + "\n")
    said.flush()
    server.run(sockets=[listener])
    # The process ends with them; a context that computes must not be freed under it.
    return 0


if __name__ == "__main__":
    sys.exit(main())
