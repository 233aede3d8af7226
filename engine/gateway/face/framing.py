"""What RFC 9112 asks of a server and neither uvicorn nor an application does.

A target may be a whole address, whose authority then counts as the Host (3.2.2). A request that
says its length twice is refused, since a proxy may have read another length (6.3). And an answer
that did not wait for the request's body says that the connection ends, which then takes what
still comes for a while (9.6): closed at once, it would be reset, and the answer with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.gateway.face.limits import Limits
from engine.gateway.face.refusals import Refusal, invalid

_ADDRESS = re.compile(rb"https?://(?P<authority>[^/?#]*)(?P<path>.*)", re.IGNORECASE | re.DOTALL)
_THROWN_BODIES = 8
_QUIET_S = 5.0


class Framing:
    """Passes requests on as the application expects them, and ends what it leaves unread.

    Args:
        app: What answers.
        limits: What one client may take.
        unread: Says whether the body of the connection's request has not come to its end.
    """

    def __init__(self, app: ASGIApp, limits: Limits, unread: Callable[[], bool]) -> None:
        self._app = app
        self._limits = limits
        self._unread = unread

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = _of_lengths(scope)
        last = held = False

        async def closing(message: Message) -> None:
            nonlocal last, held
            if message["type"] == "http.response.start":
                last = refusal is not None or self._unread()
                if last:
                    message = {**message, "headers": _with_close(message.get("headers", ()))}
            elif last and not message.get("more_body", False):
                # uvicorn closes with the end of an answer, so that has to wait.
                held = True
                message = {**message, "more_body": True}
            await send(message)

        app = refusal.response() if refusal else self._app
        await app(_with_path(scope), receive, closing)
        if held:
            await self._throw_away(receive)
            await send({"type": "http.response.body", "body": b""})

    async def _throw_away(self, receive: Receive) -> None:
        """Read the rest of a body, within bounds."""
        thrown, quiet_s = 0, min(_QUIET_S, self._limits.body_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.body_s):
                while thrown <= _THROWN_BODIES * self._limits.body and self._unread():
                    message = await asyncio.wait_for(receive(), quiet_s)
                    if message["type"] == "http.disconnect":
                        return
                    thrown += len(message.get("body", b""))


def _with_close(
    headers: list[tuple[bytes, bytes]] | tuple[()],
) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.lower() != b"connection"]
    return [*kept, (b"connection", b"close")]


def _with_path(scope: Scope) -> Scope:
    """Return a request whose target is a path; the authority of an address becomes its Host."""
    found = _ADDRESS.fullmatch(scope["raw_path"])
    if found is None:
        return scope
    path = found["path"] or b"/"
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {
        **scope,
        "raw_path": path,
        "path": unquote(path.decode("ascii")),
        "headers": [(b"host", found["authority"]), *others],
    }


def _of_lengths(scope: Scope) -> Refusal | None:
    """Refuse a request of which two servers might see different ends."""
    names = [name for name, _ in scope["headers"]]
    if b"transfer-encoding" not in names:
        return None
    if b"content-length" in names:
        return invalid(
            "The request has both Content-Length and Transfer-Encoding; send one of them.",
            code="invalid_http",
        )
    if scope["http_version"] == "1.0":
        return invalid("HTTP/1.0 has no Transfer-Encoding.", code="invalid_http")
    return None
