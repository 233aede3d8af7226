"""Lists of messages: who speaks, what is said, and the ways in which data sets write both."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from typing import Any

from engine.models import Role, Turn
from engine.sources.facts import clean
from engine.sources.files import Refused
from engine.sources.flags import thoughts_of, with_thoughts
from engine.sources.jsonwindow import no_value

ROLES: dict[str, Role] = {
    **dict.fromkeys(("user", "human", "prompter", "me", "question", "customer", "用户"), "user"),
    **dict.fromkeys(
        (
            *("assistant", "gpt", "bot", "chatgpt", "model", "ai", "chatbot", "answer", "agent"),
            *("claude", "gemini", "bard", "bing", "llama", "助手"),
        ),
        "assistant",
    ),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(
        (
            *("tool", "function", "function_call", "function_response", "function response"),
            *("observation", "tool_call", "tool_result", "ipython"),
        ),
        "tool",
    ),
}
ROLE_KEYS = ("role", "from", "sender", "author", "speaker")
CONTENT_KEYS = ("content", "value", "text", "message")
_PAIR_KEYS = (
    ("input", "output"),
    ("prompt", "response"),
    ("question", "answer"),
    ("user", "assistant"),
    ("human", "assistant"),
    ("human", "gpt"),
    ("human", "bot"),
)
_THINKS = ("thinking", "reasoning")
_CALLS = ("<functioncall>", "<tool_call>", "<function_call>")
_MAX_WRITTEN = 2_000_000


def messages_in(value: Any) -> list[Any]:
    """Return the messages of a value: role and content each, however they were written.

    Understood are lists of objects, of question-and-answer objects, of pairs and of
    texts that take turns; an object of two lists; and any of it as JSON in a text.

    Raises:
        Refused: It is none of them.
    """
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, dict):
        value = _zipped(value)
    if not isinstance(value, list):
        raise Refused("unknown-layout", "its messages are no list")
    found: list[Any] = []
    for number, message in enumerate(value):
        pair = _pair_of(message)
        if pair is not None:
            found += [_said("user", pair[0]), _said("assistant", pair[1])]
        elif isinstance(message, str):
            found.append(_said("assistant" if number % 2 else "user", message))
        else:
            found.append(message)
    return found


def _said(role: Role, value: Any) -> dict[str, Any]:
    return {"role": role, "content": value}


def _pair_of(message: Any) -> tuple[Any, Any] | None:
    if isinstance(message, list) and len(message) == 2:
        return (message[0], message[1])
    if not isinstance(message, dict) or any(message.get(key) is not None for key in ROLE_KEYS):
        return None
    return next(
        ((message[q], message[a]) for q, a in _PAIR_KEYS if q in message and a in message), None
    )


def _zipped(value: dict[str, Any]) -> Any:
    """Return the messages of an object of lists, as Parquet files of ShareGPT have them."""
    columns = {key: held for key, held in value.items() if isinstance(held, list)}
    length = max((len(held) for held in columns.values()), default=0)
    return [
        {key: held[at] for key, held in columns.items() if at < len(held)} for at in range(length)
    ]


def _parsed(text: str) -> Any:
    """Return the list that stands in a text as JSON, or as Python writes it."""
    try:
        return json.loads(text, parse_constant=no_value)
    except (ValueError, RecursionError):
        pass
    if len(text) <= _MAX_WRITTEN:
        try:
            # Tables made with pandas hold lists as Python shows them. Only literals are
            # understood here: nothing in the text is executed.
            return ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            pass
    raise Refused("malformed-json", "its messages are a text that is no list")


def turn_of(message: Any, number: int) -> Turn:
    """Return a message as a turn.

    Raises:
        Refused: It is none, is not text, or belongs to a tool's call.
    """
    if not isinstance(message, dict):
        raise Refused("unknown-layout", f"message {number} is not a JSON object")
    named = next((message[key] for key in ROLE_KEYS if message.get(key) is not None), None)
    if isinstance(named, dict):
        named = named.get("role") or named.get("name")
    role = ROLES.get(named.strip().lower()) if isinstance(named, str) else None
    if role is None:
        said = f"the role {named[:40]!r}" if isinstance(named, str) else "no role"
        raise Refused("unknown-role", f"message {number} has {said}")
    if role == "tool" or _has_call(message):
        raise Refused("tool-calls", f"message {number} calls a tool or is a tool's result")
    content = next((message[key] for key in CONTENT_KEYS if message.get(key) is not None), "")
    text = clean(_content(content, number))
    if role != "assistant":
        return Turn(role, text)
    if text.lstrip().startswith(_CALLS):
        raise Refused("tool-calls", f"message {number} calls a tool")
    thoughts = thoughts_of(message) or _thoughts(content)
    if thoughts and text.strip() and not text.lstrip().startswith("<think>"):
        text = with_thoughts(clean(thoughts), text.lstrip("\n"))
    return Turn(role, text)


def _has_call(message: dict[str, Any]) -> bool:
    if message.get("tool_calls"):
        return True
    # Where a column has a structure, each message has all of its parts, most of them empty.
    call = message.get("function_call")
    return any(call.values()) if isinstance(call, dict) else bool(call)


def _content(value: Any, number: int) -> str:
    """Return a message's text, which may come in parts; thoughts among them stand apart."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        parts = value.get("parts")
        return _content(parts if isinstance(parts, list) else [value], number)
    if not isinstance(value, list):
        raise Refused("not-text", f"message {number} is not text")
    return "".join(text for part in value if (text := _part(part, number)) is not None)


def _part(part: Any, number: int) -> str | None:
    if isinstance(part, str):
        return part
    kind = part.get("type", "text") if isinstance(part, dict) else None
    if kind in _THINKS:
        return None
    if kind in ("tool_call", "tool_use", "tool_result", "function_call"):
        raise Refused("tool-calls", f"message {number} calls a tool or is a tool's result")
    text: Any = next((part[key] for key in CONTENT_KEYS if key in part), None) if kind else None
    if kind != "text" or not isinstance(text, str):
        raise Refused("not-text", f"message {number} holds something other than text")
    return text


def _thoughts(content: Any) -> str:
    """Return the thoughts among the parts of a content."""
    parts = content if isinstance(content, list) else []
    thinks = [p for p in parts if isinstance(p, dict) and p.get("type") in _THINKS]
    texts = [next((p[key] for key in (*_THINKS, *CONTENT_KEYS) if p.get(key)), "") for p in thinks]
    return "\n\n".join(text.strip() for text in texts if isinstance(text, str) and text.strip())


def speaks(message: Any) -> Sequence[str]:
    """Return the names under which a message has its role and content, for a description."""
    if not isinstance(message, dict):
        return ()
    names = (ROLE_KEYS, CONTENT_KEYS)
    return tuple(next((key for key in keys if key in message), "") for keys in names)
