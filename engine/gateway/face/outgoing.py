"""An answer on its way to the client."""

from __future__ import annotations

from starlette.types import Send

from engine.gateway.face.events import event
from engine.gateway.face.fields import Asked
from engine.gateway.face.refusals import Refusal


class Outgoing:
    """What is sent of one answer, and whether any of it was.

    Attributes:
        asked: What was asked, once that is known.
    """

    asked: Asked

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False

    async def whole(self, body: bytes) -> None:
        """Send a whole answer."""
        self._begun = True
        head = _head(self.asked, b"application/json")
        head.append((b"content-length", b"%d" % len(body)))
        await self._send({"type": "http.response.start", "status": 200, "headers": head})
        await self._send({"type": "http.response.body", "body": body})

    async def piece(self, data: bytes) -> None:
        """Send a piece of a stream."""
        if not self._begun:
            self._begun = True
            head = _head(self.asked, b"text/event-stream; charset=utf-8")
            head.append((b"x-accel-buffering", b"no"))
            await self._send({"type": "http.response.start", "status": 200, "headers": head})
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        """End a stream."""
        await self._send({"type": "http.response.body", "body": b""})

    async def cut(self, refusal: Refusal) -> None:
        """End an answer that will not be whole.

        Raises:
            Refusal: Nothing of it was sent, so that this can be the answer.
        """
        if not self._begun:
            raise refusal
        if self.asked.stream:
            await self.piece(event(refusal.as_dict()))
            await self.end()


def _head(asked: Asked, kind: bytes) -> list[tuple[bytes, bytes]]:
    head = [
        (b"content-type", kind),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if asked.ignored:
        head.append((b"x-ignored-fields", asked.ignored_header.encode()))
    return head
