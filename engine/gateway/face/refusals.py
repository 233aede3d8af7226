"""Errors as OpenAI's API gives them, whoever asks and whatever failed.

The form is ``{"error": {"message", "type", "param", "code"}}``. Clients decide by the status and
the code: the official one asks again by itself after 408, 409, 429 and 5xx, so nothing that will
fail again has one of those.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from engine.errors import (
    EngineAway,
    EngineFailed,
    EngineUnfit,
    FinetuiError,
    GgufDamaged,
    ModelMissing,
    ModelOutside,
    QuantUnknown,
    ReloadBusy,
    ReloadRefused,
    RunMissing,
    RunUnfinished,
    WorkerDied,
    WorkerTimeout,
)
from engine.text import inert

INVALID = "invalid_request_error"
SERVER = "server_error"
RETRY_S = 2

_STATUS: tuple[tuple[type[FinetuiError], int], ...] = (
    (EngineAway, 503),
    (WorkerDied, 502),
    (WorkerTimeout, 504),
    (ReloadBusy, 409),
    (ReloadRefused, 403),
    (ModelOutside, 403),
    (RunMissing, 404),
    (ModelMissing, 404),
    (QuantUnknown, 404),
    (RunUnfinished, 409),
    (GgufDamaged, 422),
    (EngineUnfit, 422),
    (EngineFailed, 422),
)
_START = re.compile(r"(?<![\w./\\])(?:file:/|~\w*/|[A-Za-z]:[/\\]|/(?=[^\s/\\:;,'\"<>|]))")
_DRIVE = re.compile("[A-Za-z]:")


class Refusal(Exception):
    """An answer that is an error.

    Args:
        status: HTTP's status.
        message: What is wrong and what to do, without a path of this machine.
        code: A stable name for programs.
        param: The field of the request that is meant.
        kind: OpenAI's ``type``; by the status where it is empty.
        headers: More headers, such as Retry-After.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        param: str | None = None,
        kind: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.kind = kind or (SERVER if status >= 500 else INVALID)
        self.headers = dict(headers or {})

    def as_dict(self) -> dict[str, Any]:
        """Return the body."""
        return {
            "error": {
                "message": self.message,
                "type": self.kind,
                "param": self.param,
                "code": self.code,
            }
        }

    def response(self) -> Response:
        """Return the answer."""
        return json_response(self.as_dict(), self.status, self.headers)


def invalid(message: str, param: str | None = None, code: str = "invalid_value") -> Refusal:
    """Return the refusal of a request that will fail however often it is sent."""
    return Refusal(400, message, code=code, param=param)


def later(status: int, message: str, code: str) -> Refusal:
    """Return the refusal of a request that may be sent again in a moment."""
    return Refusal(status, message, code=code, headers={"Retry-After": str(RETRY_S)})


def of(error: FinetuiError, *, stranger: bool = True) -> Refusal:
    """Return a named failure as an answer.

    Args:
        error: What failed.
        stranger: Whether whoever asks may not know where files are.
    """
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 400)
    message = f"{error.message}. {error.hint}" if error.hint else error.message
    message = inert(without_paths(message) if stranger else message)
    if status in (502, 503, 504):
        return later(status, message, error.code)
    return Refusal(status, message, code=error.code)


def without_paths(text: str) -> str:
    """Return a text with every file's path cut down to the file's name.

    Folders' names may have spaces and whatever a sentence has, so that nobody can say where a
    path ends. All from its beginning to the last separator before the next one's goes, if need
    be with words that were between them.
    """
    starts = [found.start() for found in _START.finditer(text)]
    if not starts:
        return text
    parts = [text[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
    return text[: starts[0]] + "".join(map(_name, parts))


def _name(text: str) -> str:
    """Return what follows the last separator of a text that begins with a path."""
    return re.split(r"[/\\]" if _DRIVE.match(text) else "/", text)[-1]


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer in JSON that no cache keeps and no browser takes for something else."""
    return Response(
        json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace"),
        status,
        {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})},
        "application/json",
    )
