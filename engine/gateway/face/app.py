"""The HTTP application: OpenAI's endpoints, the owner's, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from engine.errors import FinetuiError
from engine.gateway.face import fields, refusals
from engine.gateway.face.access import AccessLog
from engine.gateway.face.guard import Guard, Rules, is_stranger
from engine.gateway.face.limits import Gone, Limits, parse, read_body
from engine.gateway.face.openapi import document
from engine.gateway.face.refusals import Refusal, json_response
from engine.gateway.face.relay import Relay, Tally
from engine.gateway.models import Models
from engine.gateway.spec import ServeSpec
from engine.text import inert

_LOGGER = logging.getLogger("finetui.server")
_ALONE = {"idle", "serving", "switching", "restarting", "lent"}


def make_app(
    models: Models, spec: ServeSpec, token: str, limits: Limits | None = None
) -> Starlette:
    """Return the application for the public address.

    Args:
        models: Gives engines.
        spec: How the server was started.
        token: What requests need; not looked at where ``spec.open`` asks for none.
        limits: What one client may take.
    """
    limits = limits or Limits()
    guard = Middleware(Guard, rules=Rules.of(spec, token), header=limits.header)
    return _application(_Routes(models, spec, limits), [guard])


def make_owner_app(models: Models, spec: ServeSpec, limits: Limits | None = None) -> Starlette:
    """Return the application for the owner's private socket, which asks for no token.

    Who may reach it is decided by the folder that the socket is in.
    """
    return _application(_Routes(models, spec, limits or Limits(), owner=True), [])


def _application(routes: _Routes, middleware: list[Middleware]) -> Starlette:
    return Starlette(
        routes=routes.table(),
        middleware=[Middleware(AccessLog), *middleware],
        exception_handlers={
            Refusal: _refused,
            FinetuiError: _failed,
            HTTPException: _no_route,
            Gone: _gone,
            Exception: _unexpected,
        },
    )


class _Routes:
    """What is answered at which path."""

    def __init__(
        self, models: Models, spec: ServeSpec, limits: Limits, *, owner: bool = False
    ) -> None:
        self._models = models
        self._spec = spec
        self._limits = limits
        self._owner = owner
        self._relay = Relay(models, limits.answer_s)
        self._under_way = 0
        self._started = int(time.time())

    def table(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/v1/chat/completions", self._asks(fields.chat), methods=["POST"]),
            Route("/v1/completions", self._asks(self._completion), methods=["POST"]),
            Route("/v1/embeddings", self._asks(fields.embedding), methods=["POST"]),
            Route("/v1/models", self._list, methods=["GET"]),
            Route("/v1/models/{name:path}", self._model, methods=["GET"]),
            Route("/health", self._health, methods=["GET"]),
            Route("/admin/status", self._status, methods=["GET"]),
            Route("/admin/reload-model", self._reload, methods=["POST"]),
            Route("/openapi.json", self._openapi, methods=["GET"]),
        ]

    def _completion(self, body: dict[str, Any]) -> fields.Asked:
        return fields.completion(body, instruct=self._spec.instruct)

    def _asks(self, read: Callable[[dict[str, Any]], fields.Asked]) -> _Endpoint:
        return _Endpoint(self, read)

    async def _list(self, request: Request) -> Response:
        """Name the model that is served."""
        one = self._entry()
        return json_response({"object": "list", "data": [one] if one else []})

    async def _model(self, request: Request) -> Response:
        one = self._entry()
        if one and one["id"] == request.path_params["name"]:
            return json_response(one)
        raise Refusal(404, "There is no such model here.", code="model_not_found", param="model")

    def _entry(self) -> dict[str, Any] | None:
        model = self._models.model
        if model is None:
            return None
        return {
            "id": model.id,
            "object": "model",
            "created": self._started,
            "owned_by": "finetui",
        }

    async def _health(self, request: Request) -> Response:
        """Say whether requests are answered, to anybody, and nothing else."""
        if self._models.model is not None and self._models.state.phase in _ALONE:
            return json_response({"status": "ok"})
        return json_response({"status": "starting"}, 503, {"Retry-After": "2"})

    async def _status(self, request: Request) -> Response:
        state = self._models.state.as_dict()
        if is_stranger(request.scope):
            del state["socket"]
            state["said"] = refusals.without_paths(state["said"])
        return json_response(state)

    async def _reload(self, request: Request) -> Response:
        """Change models; it goes on when whoever asked goes away."""
        raw = await read_body(request.scope, request.receive, self._limits)
        wanted = fields.wanted(parse(raw, self._limits.depth))
        change = asyncio.ensure_future(self._models.reload(wanted))
        change.add_done_callback(_noted)
        try:
            done = await asyncio.shield(change)
        except FinetuiError as error:
            refusal = refusals.of(error, stranger=is_stranger(request.scope))
            said = refusal.as_dict() | {"status": "error"}
            if not is_stranger(request.scope):
                # The owner's own verb shows the two apart.
                said["error"] |= {"message": inert(error.message), "hint": inert(error.hint)}
            return json_response(said, refusal.status, refusal.headers)
        return json_response({"status": "success", **asdict(done)})

    async def _openapi(self, request: Request) -> Response:
        return json_response(document())

    @contextlib.contextmanager
    def _place(self) -> Any:
        """Take one of the places for requests that are under way.

        Raises:
            Refusal: All are taken.
        """
        if self._under_way >= self._spec.queue:
            raise refusals.later(
                503,
                f"The server has {self._spec.queue} requests already; ask again in a moment.",
                "server_busy",
            )
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def answer(
        self, scope: Scope, receive: Receive, send: Send, read: Callable[..., fields.Asked]
    ) -> None:
        """Answer one request for text or vectors."""
        tally = Tally()
        try:
            with self._place():
                raw = await read_body(scope, receive, self._limits)
                asked = read(parse(raw, self._limits.depth))
                await _while_there(receive, self._send(asked, tally, send))
        except Gone:
            scope["finetui.gone"] = True
            self._models.count(failed=False, prompt_tokens=tally.prompt_tokens, tokens=tally.tokens)
        except FinetuiError as error:
            self._models.count(failed=True, prompt_tokens=0, tokens=0)
            raise refusals.of(error) from error
        except Refusal as refusal:
            self._models.count(failed=refusal.status >= 500, prompt_tokens=0, tokens=0)
            raise
        else:
            self._models.count(
                failed=tally.failed, prompt_tokens=tally.prompt_tokens, tokens=tally.tokens
            )
        finally:
            scope["finetui.tally"] = tally

    async def _send(self, asked: fields.Asked, tally: Tally, send: Send) -> None:
        if not asked.stream:
            body = await self._relay.answer(asked, tally)
            head = _head(asked, b"application/json")
            head.append((b"content-length", b"%d" % len(body)))
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": body})
            return
        begun = False

        async def piece(data: bytes) -> None:
            nonlocal begun
            if not begun:
                begun = True
                head = _head(asked, b"text/event-stream; charset=utf-8")
                head.append((b"x-accel-buffering", b"no"))
                await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": data, "more_body": True})

        await self._relay.stream(asked, tally, piece)
        await send({"type": "http.response.body", "body": b""})


class _Endpoint:
    """An endpoint that speaks to the client itself, as streams need it."""

    def __init__(self, routes: _Routes, read: Callable[..., fields.Asked]) -> None:
        self._routes = routes
        self._read = read

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._routes.answer(scope, receive, send, self._read)


def _head(asked: fields.Asked, kind: bytes) -> list[tuple[bytes, bytes]]:
    head = [
        (b"content-type", kind),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if asked.ignored:
        head.append((b"x-ignored-fields", asked.ignored_header.encode()))
    return head


async def _while_there(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Do something for a client, until it is done or the client goes away.

    Raises:
        Gone: The client went away, and what was done was given up.
    """
    doing = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait((doing, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        left = not doing.done()
        if left:
            doing.cancel()
            await asyncio.wait((doing,))
    if left:
        raise Gone
    doing.result()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _noted(change: asyncio.Future[Any]) -> None:
    """Look at how a change of models ended, for nobody else may be waiting for it."""
    if not change.cancelled():
        change.exception()


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response()


def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, FinetuiError)
    return refusals.of(error).response()


def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # which nobody reads


def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        message, code = "This path does not take that method.", "method_not_allowed"
    else:
        message, code = "There is nothing at this path.", "not_found"
    headers = dict(error.headers or {})
    return Refusal(error.status_code, message, code=code, headers=headers).response()


def _unexpected(request: Request, error: Exception) -> Response:
    _LOGGER.error("unexpected", exc_info=error)
    return Refusal(500, "The server failed; its log has more.", code="internal_error").response()
