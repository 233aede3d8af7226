"""A limit on the time of a whole request.

httpx limits the time between two bytes. A server that sends one a second, or one interim answer
after the other, keeps within that for ever; so a request's connection is shut when its time is
over, whatever is being waited for.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any


class Deadline:
    """The end of a request's time. Within the block its connections are shut when that comes.

    Args:
        seconds: How long it has, from entering the block or the last :meth:`renew`.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        """How long it has."""
        self._changed = threading.Condition()
        self._sockets: list[socket.socket] = []
        self._turn = 0
        self._over = False
        self.expired = False
        """Whether the time was over."""

    def __enter__(self) -> Deadline:
        self._thread = threading.Thread(target=self._watch, name="ollama-deadline", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()
        for one in self._sockets:
            one.close()

    def renew(self) -> None:
        """Give it its whole time again: something was achieved."""
        with self._changed:
            self._turn += 1
            self._changed.notify()

    def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """Hear of a new connection; this is httpx's extension ``trace``."""
        if not name.endswith("connect_tcp.complete"):
            return
        found = info["return_value"].get_extra_info("socket")
        with self._changed:
            if found is not None:
                # A name of its own: TLS takes the socket away from the one that was opened.
                self._sockets.append(found.dup())
            if self.expired:
                self._shut()

    def _watch(self) -> None:
        with self._changed:
            while not self._over:
                turn = self._turn
                if not self._changed.wait(self.seconds) and turn == self._turn and not self._over:
                    self.expired = True
                    self._shut()
                    return

    def _shut(self) -> None:
        for one in self._sockets:
            with contextlib.suppress(OSError):  # the other side may have closed it
                one.shutdown(socket.SHUT_RDWR)
