"""The lines by which a person and their programs reach a server, to show and to copy."""

from __future__ import annotations

import re

from engine.errors import UsageError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)?")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}


def curl_line(url: str, *, open: bool) -> str:
    """Return a command that asks a server a question."""
    key = "" if open else ' -H "Authorization: Bearer $OPENAI_API_KEY"'
    body = '{"messages": [{"role": "user", "content": "Hello"}]}'
    return f"curl {url}/v1/chat/completions{key} -H 'Content-Type: application/json' -d '{body}'"


def environment_lines(url: str, key: str) -> list[str]:
    """Return the lines that point a shell's OpenAI clients at a server.

    Args:
        url: The server's address.
        key: How the shell gets the token; empty where none is needed.
    """
    # Clients refuse to start without a key, whatever the server wants.
    return [f"export OPENAI_BASE_URL={url}/v1", f"export OPENAI_API_KEY={key or 'none'}"]


def seconds_of(text: str) -> float:
    """Return a time such as ``90``, ``90s``, ``10m``, ``2h`` or ``1d`` in seconds; empty is 0.

    Raises:
        UsageError: It is no time.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    if not text.strip():
        return 0.0
    if found is None:
        raise UsageError(f"{text!r} is no time", hint="write it as in 90s, 10m or 2h")
    return float(found[1]) * _SECONDS[found[2]]
