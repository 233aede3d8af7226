"""A line for each request: never a token, a body, a query, or the whole of an unknown path.

A path is written as it was sent, percent-encoded: read, it could have a line's end, and whoever
has no token could write lines of their own.
"""

from __future__ import annotations

import logging
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from engine.gateway.face.relay import Tally
from engine.text import inert

ACCESS = logging.getLogger("finetui.server.access")
ACCESS_FILE = "access.log"
_BYTES = 2_000_000


def keep_access_log(directory: Path) -> None:
    """Write the lines of this process's server into a file of its job's folder.

    Two files of two megabytes are kept. A full disk stops the log, and never the server.
    """
    try:
        handler = RotatingFileHandler(
            directory / ACCESS_FILE,
            maxBytes=_BYTES,
            backupCount=1,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except OSError:
        return
    handler.handleError = lambda record: None  # type: ignore[method-assign]
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    ACCESS.setLevel(logging.INFO)
    ACCESS.propagate = False
    ACCESS.addHandler(handler)


class AccessLog:
    """Writes a line for each request that has been answered.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and write what came of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        since, status = time.monotonic(), 0

        async def noted(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            if ACCESS.isEnabledFor(logging.INFO):
                ACCESS.info("%s", _line(scope, status, time.monotonic() - since))


def _line(scope: Scope, status: int, seconds: float) -> str:
    peer = scope["client"][0] if scope["client"] else "socket"
    tally: Tally = scope.get("finetui.tally") or Tally()
    path = scope["raw_path"].decode("ascii", "backslashreplace")
    words = [peer, _word(scope["method"])[:16], _word(path)[:64], str(status)]
    words.append(f"{seconds * 1000:.0f}ms")
    if tally.model:
        words += [_word(tally.model), f"{tally.prompt_tokens}+{tally.tokens} tokens"]
    if scope.get("finetui.gone"):
        words.append("client gone")
    return " ".join(words)


def _word(text: str) -> str:
    """Return a text that ends no line."""
    return inert(text).replace("\n", "\\x0a").replace("\t", "\\x09")
