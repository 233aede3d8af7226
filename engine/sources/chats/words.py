"""What apps put into the text of a message beside its words, and how it is taken out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from engine.models import Role
from engine.sources.turns import date_of

ROLES: Mapping[str, Role] = {
    **dict.fromkeys(("user", "human", "prompter", "me", "request"), "user"),
    **dict.fromkeys(
        ("assistant", "gpt", "bot", "chatgpt", "model", "ai", "chatbot", "claude", "response"),
        "assistant",
    ),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(
        ("tool", "function", "function_call", "function_response", "observation", "tool_call"),
        "tool",
    ),
}
"""The names under which apps keep who says something, in lower case."""

MAX_ATTACHED = 20_000
"""The most characters of attached text that go into a question."""

_THOUGHTS = re.compile(
    r"\A\s*(?:<(think|thinking|thought|antThinking)>.*?(?:</\1>|\Z)\s*)+", re.DOTALL
)
# Where the prompt already held the opening tag, only the closing one is in the answer.
_THOUGHTS_BEFORE = re.compile(r"\A(?:(?!<think)[^`])*?^\s*</think(?:ing)?>[ \t]*$\s*", re.M)
_DETAILS = re.compile(
    r'<details\s[^>]*?\btype="(reasoning|tool_calls|code_interpreter)"[^>]*>.*?</details>\s*',
    re.DOTALL,
)
_ANY_MARK = re.compile(r"<think|</think|<thought|<antThinking|<details")


def role_of(value: Any) -> Role | None:
    """Return who speaks, by the name that an app has for them; None where it is not known."""
    return ROLES.get(value.strip().lower()) if isinstance(value, str) else None


def without_thoughts(text: str) -> tuple[str, tuple[str, ...]]:
    """Return an answer without the thoughts and tool calls written into it, and their codes."""
    if not _ANY_MARK.search(text):
        return text, ()
    codes: list[str] = []
    for pattern in (_THOUGHTS, _THOUGHTS_BEFORE):
        text, found = pattern.subn("", text, count=1)
        codes += ["thoughts"] * found

    def cut(found: re.Match[str]) -> str:
        codes.append("thoughts" if found[1] == "reasoning" else "tool-calls")
        return ""

    return _DETAILS.sub(cut, text), tuple(codes)


def fenced(code: str, language: str) -> str:
    """Return code as a Markdown block."""
    fence = "```"
    while fence in code:
        fence += "`"
    name = "" if language in ("", "unknown") else language
    return f"{fence}{name}\n{code}\n{fence}"


def text_of(value: Any) -> str:
    """Return a value where it is text, else nothing."""
    return value if isinstance(value, str) else ""


def dict_of(value: Any) -> Mapping[str, Any]:
    """Return a value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    """Return a value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def attached(files: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Return the text of files that are attached to a question, each below its name.

    Returns:
        The text, and nothing; or nothing, and the code with which the exchange is left out.
    """
    texts: list[str] = []
    for name, text in files:
        if not text.strip():
            return "", "not-text"
        texts.append(f"{name}:\n\n{text.strip()}" if name else text.strip())
    together = "\n\n".join(texts)
    return ("", "attachment-too-long") if len(together) > MAX_ATTACHED else (together, "")


def number_of(value: Any) -> float:
    """Return a value where it is a number that can be compared with others, else 0."""
    if not isinstance(value, int | float):
        return 0.0
    try:
        number = float(value)
    except OverflowError:
        return 0.0
    return number if math.isfinite(number) else 0.0


def day_of(*times: Any) -> str:
    """Return the first of some times that is one as ``YYYY-MM-DD``; empty where none is."""
    for time in times:
        with suppress(OverflowError):
            if day := date_of({"date": time}):
                return day
    return ""


def about(**facts: Any) -> dict[str, str]:
    """Return the facts that are there, as text."""
    return {key: str(value)[:300] for key, value in facts.items() if value and _plain(value)}


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
