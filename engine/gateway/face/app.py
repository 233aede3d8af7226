"""The HTTP application: OpenAI's endpoints, the owner's, and nothing else."""

from __future__ import annotations

import asyncio
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

from engine.errors import EngineAway, FinetuiError
from engine.gateway.face import fields, refusals
from engine.gateway.face.access import AccessLog
from engine.gateway.face.desk import Desk
from engine.gateway.face.guard import Guard, Rules, is_stranger
from engine.gateway.face.limits import Gone, Limits, parse, read_body
from engine.gateway.face.openapi import document
from engine.gateway.face.outgoing import Outgoing
from engine.gateway.face.refusals import Refusal, json_response
from engine.gateway.face.relay import Tally
from engine.gateway.models import Models
from engine.gateway.spec import ServeSpec
from engine.text import inert

_LOGGER = logging.getLogger("finetui.server")
_LARGE = 64 * 1024
"""Bytes of a body; smaller ones are read in less time than a thread takes to begin."""
_ANSWERING = {"idle", "serving", "switching", "restarting"}


def make_app(
    models: Models,
    spec: ServeSpec,
    token: str,
    limits: Limits | None = None,
    desk: Desk | None = None,
) -> Starlette:
    """Return the application for the public address.

    Args:
        models: Gives engines.
        spec: How the server was started.
        token: What requests need; not looked at where ``spec.open`` asks for none.
        limits: What one client may take.
        desk: What it shares with another address; None where it is the only one.
    """
    limits = limits or Limits()
    guard = Middleware(Guard, rules=Rules.of(spec, token), header=limits.header)
    return _application(_Routes(models, spec, limits, desk), [guard])


def make_owner_app(
    models: Models, spec: ServeSpec, limits: Limits | None = None, desk: Desk | None = None
) -> Starlette:
    """Return the application for the owner's private socket, which asks for no token.

    Who may reach it is decided by the folder that the socket is in.
    """
    return _application(_Routes(models, spec, limits or Limits(), desk, owner=True), [])


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
        self,
        models: Models,
        spec: ServeSpec,
        limits: Limits,
        desk: Desk | None = None,
        *,
        owner: bool = False,
    ) -> None:
        self._models = models
        self._spec = spec
        self._limits = limits
        self._owner = owner
        self._desk = desk or Desk.of(models, spec, limits)
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
        if self._models.model is not None and self._models.state.phase in _ANSWERING:
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

    async def answer(
        self, scope: Scope, receive: Receive, send: Send, read: Callable[..., fields.Asked]
    ) -> None:
        """Answer one request for text or vectors."""
        tally, out = Tally(), Outgoing(send)
        try:
            with self._desk.place():
                raw = await read_body(scope, receive, self._limits)
                asked = await self._understood(raw, read)
                await _while_there(receive, self._send(asked, tally, out))
        except Gone:
            scope["finetui.gone"] = True
            self._models.count(failed=False, prompt_tokens=tally.prompt_tokens, tokens=tally.tokens)
        except FinetuiError as error:
            self._models.count(failed=True, prompt_tokens=0, tokens=0)
            raise refusals.of(error) from error
        except Refusal as refusal:
            self._models.count(failed=refusal.status >= 500, prompt_tokens=0, tokens=0)
            raise
        except asyncio.CancelledError:
            if not _is_cancelled():
                raise
            self._models.count(failed=True, prompt_tokens=tally.prompt_tokens, tokens=tally.tokens)
            await out.cut(refusals.of(_too_late()))
        else:
            self._models.count(
                failed=tally.failed, prompt_tokens=tally.prompt_tokens, tokens=tally.tokens
            )
        finally:
            scope["finetui.tally"] = tally

    async def _understood(self, raw: bytes, read: Callable[..., fields.Asked]) -> fields.Asked:
        """Return what a body asks; a large one is read in a thread, so that nobody waits for it."""
        if len(raw) < _LARGE:
            return read(parse(raw, self._limits.depth))
        return await asyncio.to_thread(lambda: read(parse(raw, self._limits.depth)))

    async def _send(self, asked: fields.Asked, tally: Tally, out: Outgoing) -> None:
        out.asked = asked
        if asked.stream:
            await self._desk.relay.stream(asked, tally, out.piece)
            await out.end()
        else:
            await out.whole(await self._desk.relay.answer(asked, tally))


class _Endpoint:
    """An endpoint that speaks to the client itself, as streams need it."""

    def __init__(self, routes: _Routes, read: Callable[..., fields.Asked]) -> None:
        self._routes = routes
        self._read = read

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._routes.answer(scope, receive, send, self._read)


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


def _is_cancelled() -> bool:
    """Say whether this request is given up, which only the end of the server does."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _too_late() -> EngineAway:
    return EngineAway(
        "the server is ending and waits no longer for this answer", hint="send the request again"
    )


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
