"""The HTTP application of a loaded model that answers one request at a time."""

from __future__ import annotations

import functools
import hmac
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.errors import GgufDamaged
from engine.serve import protocol
from engine.serve.desk import Answer, Desk, error_response, refusal
from engine.serve.generation import Answering, Model
from engine.serve.header import read_header
from engine.serve.protocol import BASE, RELOAD_ADAPTER, TUNED, BadRequest, NotSupported, Threads

if TYPE_CHECKING:
    from engine.tokens import Tokenizer

_MAX_BODY = 8 * 2**20


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


@functools.lru_cache(maxsize=1)
def _tokenizer(folder: Path) -> Tokenizer:
    from engine.tokens import Tokenizer

    return Tokenizer.load(folder)


def _tokenizer_ids(tokenizer_dir: Path, messages: list[dict[str, str]]) -> tuple[int, ...]:
    """Render messages with the engine's own tokenizer, as training did."""
    from engine.errors import TemplateError
    from engine.models import Turn
    from engine.tokens import prompt_ids

    turns = [Turn(role=item["role"], content=item["content"]) for item in messages]  # type: ignore[arg-type]
    try:
        return prompt_ids(_tokenizer(tokenizer_dir), turns)
    except TemplateError as error:
        raise BadRequest(error.message, "template") from error


def make_app(
    models: Mapping[str, Answering],
    *,
    bearer: str,
    tokenizer_dir: Path | None,
    free: Callable[[int], Threads],
    adds: bool = False,
) -> Starlette:
    """Return the HTTP application of loaded models.

    Args:
        models: The models by the name that they have in answers: one, or ``base`` and
            ``tuned`` of the same weights. Only the application's threads use them from now on.
        bearer: The token that each request must carry.
        tokenizer_dir: Where chats are rendered by the base's own tokenizer, its directory;
            None takes the chat template in the GGUF.
        free: Says how many threads an answer takes that may take so many.
        adds: Whether a completion's text gets what the model's files say to add, such as a BOS
            token, as llama.cpp's server does.
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
        ids = prompt if isinstance(prompt, tuple) else await desk.prompt(prompt, adds=adds)
        return Answer(desk, ids, how, name, body, chat=False)

    async def chat(request: Request) -> Response:
        body = await _json(request)
        name, desk = chosen(body)
        messages, how = protocol.messages(body), protocol.sampling(body)
        if tokenizer_dir is None:
            ids = await desk.tokenise(desk.model.render(messages), special=True)
        else:
            ids = _tokenizer_ids(tokenizer_dir, messages)
        return Answer(desk, ids, how, name, body, chat=True)

    async def embeddings(_: Request) -> Response:
        raise NotSupported("this engine gives no embeddings; serve an embedding model's GGUF")

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
            base = models[BASE]
            assert isinstance(base, Model)
            await desks[TUNED].put_adapter(base, path)
        except (GgufDamaged, ValueError) as error:
            raise BadRequest(f"the adapter is refused: {error}", "adapter-refused") from error
        return JSONResponse({"adapter": path.name})

    return _application(
        [
            Route("/health", health),
            Route("/v1/models", listed),
            Route("/v1/completions", completions, methods=["POST"]),
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/v1/embeddings", embeddings, methods=["POST"]),
            Route("/tokenize", tokenize, methods=["POST"]),
            Route("/apply-template", apply_template, methods=["POST"]),
            Route(RELOAD_ADAPTER, reload_adapter, methods=["POST"]),
        ],
        bearer,
    )


def _application(routes: list[Route], bearer: str) -> Starlette:
    async def bad_request(_: Request, error: Exception) -> Response:
        return refusal(error if isinstance(error, BadRequest) else BadRequest(str(error)))

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
