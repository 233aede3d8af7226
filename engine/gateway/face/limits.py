"""What one client may take of the server, and a body read within it."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import dataclass
from typing import Any, NoReturn

from starlette.types import Receive, Scope

from engine.gateway.face.refusals import Refusal, invalid

MOST_PARTS = 32 * 1024
"""Lists and objects of a body: each is checked by itself, and meanwhile every client waits."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The server's limits; the defaults serve any client that means well.

    Attributes:
        body: A request's body, in bytes.
        depth: How deep a body's lists and objects may be nested.
        header: A request's line and headers together, in bytes.
        header_s: How long a request's line and headers may take, in seconds.
        body_s: How long a body may take.
        stalled_s: How long a client may not read what is written to it.
        idle_s: How long a connection is kept without a request.
        answer_s: How long an engine may be silent before its answer or between two pieces of it.
        connections: How many connections may be open; each may take one more to an engine, and
            a process has 1,024 files by default.
        shutdown_s: How long requests may go on after the server was asked to end.
    """

    body: int = 4 * 1024 * 1024
    depth: int = 32
    header: int = 32 * 1024
    header_s: float = 15.0
    body_s: float = 30.0
    stalled_s: float = 30.0
    idle_s: float = 30.0
    answer_s: float = 1800.0
    connections: int = 512
    shutdown_s: float = 30.0


class Gone(Exception):
    """Whoever asked has closed the connection."""


async def read_body(scope: Scope, receive: Receive, limits: Limits) -> bytes:
    """Read a request's body.

    Raises:
        Refusal: It is too large, or takes too long.
        Gone: The client went away before its end.
    """
    large = Refusal(
        413,
        f"The request's body is larger than {limits.body} bytes; send less text at once.",
        code="request_too_large",
    )
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > limits.body:
            raise large
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise Refusal(
                415,
                "A compressed body is not read; send it without Content-Encoding.",
                code="unsupported_encoding",
            )
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                body += message.get("body", b"")
                if len(body) > limits.body:
                    raise large
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise Refusal(
            408,
            f"The request's body did not arrive within {limits.body_s:g} s.",
            code="request_timeout",
            headers={"Connection": "close"},
        ) from None


def parse(body: bytes, depth: int) -> dict[str, Any]:
    """Return a body's JSON object, whatever its Content-Type said.

    Raises:
        Refusal: It is no JSON object, or has values that JSON has no words for.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise invalid(f"The body is not UTF-8 (byte {error.start}).", code="invalid_json") from None
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise _too_deep(depth) from None
    except json.JSONDecodeError as error:
        raise invalid(
            f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).",
            code="invalid_json",
        ) from None
    except ValueError as error:
        raise invalid(f"The body is not JSON: {error}.", code="invalid_json") from None
    if not isinstance(value, dict):
        raise invalid("The body must be a JSON object.", code="invalid_json")
    if text.count("[") + text.count("{") > depth:  # most bodies have fewer
        _check_parts(value, depth)
    if "\\" in text and _has_surrogates(value):
        raise invalid(
            "The body has half of a surrogate pair, which is no character.", code="invalid_json"
        )
    return value


def _too_deep(depth: int) -> Refusal:
    return invalid(f"The body is nested deeper than {depth} levels.", code="invalid_json")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _check_parts(value: Any, depth: int) -> None:
    """Check how deep lists and objects are nested, and how many there are, without recursion.

    Raises:
        Refusal: They are too many, or nested too deep.
    """
    level, parts = [value], 1
    for _ in range(depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
        parts += len(level)
        if parts > MOST_PARTS:
            raise invalid(
                f"The body has more than {MOST_PARTS} lists and objects.", code="invalid_json"
            )
    raise _too_deep(depth)


def _has_surrogates(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False
