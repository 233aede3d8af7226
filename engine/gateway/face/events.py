"""Server-sent events, as engines write them and as clients are given them."""

from __future__ import annotations

import json
from typing import Any

DONE = b"data: [DONE]\n\n"
_LONGEST = 8 * 1024 * 1024


class Events:
    """Takes a stream of bytes apart into the data of its events.

    Comments, which servers send to keep a connection open, and fields besides "data" are left out.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the data of the events that are whole now.

        Raises:
            ValueError: An event is longer than any that an engine writes.
        """
        text = self._rest + piece if self._rest else piece
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
        *whole, self._rest = text.split(b"\n\n")
        if len(self._rest) > _LONGEST:
            raise ValueError("an event has no end")
        return [data for block in whole if (data := _data(block))]


def _data(block: bytes) -> bytes:
    if block.startswith(b"data: ") and b"\n" not in block:  # what engines write
        return block[6:]
    lines = (line for line in block.split(b"\n") if line.startswith(b"data:"))
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines)


def event(value: Any) -> bytes:
    """Return a value of JSON as an event."""
    return b"data: " + dumps(value) + b"\n\n"


def dumps(value: Any) -> bytes:
    """Return a value as JSON in UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")
