"""The server object: uvicorn on a socket that was bound before, with limits of its own.

uvicorn waits for ever for a request's headers, and for a client that does not read. Each would
hold a connection, and the second an engine's slot too, so connections are watched here.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from engine.gateway.address import BACKLOG
from engine.gateway.face.framing import Framing
from engine.gateway.face.limits import Limits
from engine.gateway.face.refusals import Refusal, later

_LAST_WORDS_S = 2.0
_SEND_BYTES = 32 * 1024  # of which Linux makes twice as much


async def listen(
    app: Starlette,
    *,
    sock: socket.socket,
    stop: asyncio.Event | None = None,
    limits: Limits | None = None,
    ready: asyncio.Event | None = None,
) -> None:
    """Serve an application until told to stop; requests that were begun then may end.

    Cancelled, it ends at once, and cuts off what is being answered.

    Args:
        app: The application.
        sock: A listening socket, which is closed at the end.
        stop: Ends it: no connection is taken any more, and what has not ended within
            ``limits.shutdown_s`` is cut off, with an error as its last words.
        limits: What one client may take.
        ready: Is set when connections are taken.
    """
    stop = stop or asyncio.Event()
    server = _Server(_config(app, limits or Limits()), ready or asyncio.Event())
    serving = asyncio.ensure_future(server.serve(sockets=[sock]))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await asyncio.shield(serving)
        await server.last_words()
    finally:
        stopping.cancel()
        if not serving.done():
            server.should_exit = server.force_exit = True
            await serving
        server.cut_off()
        sock.close()


def _config(app: Starlette, limits: Limits) -> uvicorn.Config:
    class Watched(_Watched):
        bounds = limits

    return uvicorn.Config(
        app,
        http=Watched,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",  # a warning for each malformed request would fill a disk
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=max(1, round(limits.idle_s)),
        timeout_graceful_shutdown=max(1, round(limits.shutdown_s)),
        h11_max_incomplete_event_size=limits.header,
        backlog=BACKLOG,
    )


class _Server(uvicorn.Server):
    """uvicorn's server, less its handling of signals, which is the job's."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections."""
        await super().startup(sockets)
        self._ready.set()

    async def last_words(self) -> None:
        """Let requests that were given up at the limit say so, for a moment."""
        if self.server_state.tasks:
            await asyncio.wait([*self.server_state.tasks], timeout=_LAST_WORDS_S)

    def cut_off(self) -> None:
        """End what is still being answered."""
        for task in list(self.server_state.tasks):
            task.cancel()
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _Watched(H11Protocol):
    """A connection that is closed when it takes longer, or more, than it may."""

    bounds: Limits
    _timer: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _unsent = 0

    def connection_made(self, transport: Any) -> None:
        """Take a connection, or refuse it where there are too many."""
        super().connection_made(transport)
        self.app = Framing(self.app, self.bounds, self._in_body)
        # So that what a client does not read is soon noticed, and takes little memory: writing
        # pauses as soon as the system takes no more, and the system takes little.
        transport.set_write_buffer_limits(high=0)
        with contextlib.suppress(OSError):
            taken: socket.socket = transport.get_extra_info("socket")
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
        if len(self.connections) > self.bounds.connections:
            self._end_with(later(503, "The server has too many connections.", "server_busy"))
            return
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Read what has come."""
        if self.transport.is_closing():
            return
        if self._answered():
            self._expect_head()
        super().data_received(data)
        if not self._answered():
            self._forget_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._forget_head()
        self._forget_stall()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Give a client that does not read some time; a stream's generation stops with it."""
        super().pause_writing()
        self._forget_stall()
        self._watch()

    def resume_writing(self) -> None:
        """Go on, for the client reads."""
        self._forget_stall()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP in the form that all errors have."""
        if self._in_body():
            self._end_with(
                Refusal(400, "The request's body is not well-formed chunks.", code="invalid_http")
            )
            return
        if not self._answered():
            return  # what follows a client's last request is none, and the answer is under way
        large = "too long" in str(msg) or len(self.conn.trailing_data[0]) > self.bounds.header
        if large:
            self._end_with(Refusal(431, "The headers are too large.", code="headers_too_large"))
        else:
            self._end_with(Refusal(400, "This is not an HTTP request.", code="invalid_http"))

    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _in_body(self) -> bool:
        return not self._answered() and self.cycle.more_body

    def _expect_head(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.bounds.header_s, self._no_head)

    def _no_head(self) -> None:
        self._end_with(
            Refusal(408, "The request's headers did not arrive.", code="request_timeout")
        )

    def _forget_head(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._stalled = self.loop.call_later(self.bounds.stalled_s, self._still)

    def _still(self) -> None:
        """Close a connection of which nothing was read; one that is slow goes on."""
        if self.transport.get_write_buffer_size() < self._unsent:
            self._watch()
        else:
            self.transport.abort()

    def _forget_stall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _end_with(self, refusal: Refusal) -> None:
        """Answer without h11, which may be in any state, and close."""
        self._forget_head()
        if self._answered() or not self.cycle.response_started:
            if not self._answered():
                # What reads its body learns that no more of it comes, and says nothing itself.
                self.cycle.disconnected = True
                self.cycle.message_event.set()
            response = refusal.response()
            head = [f"HTTP/1.1 {refusal.status} {_PHRASES[refusal.status]}".encode()]
            head += [name + b": " + value for name, value in response.raw_headers]
            self.transport.write(b"\r\n".join([*head, b"connection: close", b"", response.body]))
        self.transport.close()


_PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}
