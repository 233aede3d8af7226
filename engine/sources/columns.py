"""Which columns of a row ask, answer, and say more: the names that data sets give them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from engine.sources.marked import is_marked


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a row by what they hold; empty where there is none.

    Attributes:
        prompt: What is asked.
        answer: What is answered.
        system: What the assistant is told beforehand.
        input: What the prompt is about; it follows the prompt in the same turn.
        messages: A list of messages.
        text: A text with markers between its turns.
        history: Pairs of earlier questions and answers.
    """

    prompt: str = ""
    answer: str = ""
    system: str = ""
    input: str = ""
    messages: str = ""
    text: str = ""
    history: str = ""

    def used(self) -> frozenset[str]:
        """Return the names of the columns that become turns."""
        return _used(self)

    @property
    def whole(self) -> bool:
        """Whether these are enough to make a conversation of a row."""
        return bool(self.messages or self.text or (self.prompt and self.answer))


@lru_cache(maxsize=64)
def _used(columns: Columns) -> frozenset[str]:
    return frozenset(filter(None, (getattr(columns, field.name) for field in fields(columns))))


ROLES = ("prompt", "answer", "system", "input", "messages", "text")
"""The columns that a person can name."""

MESSAGES = (
    *("messages", "conversations", "conversation", "chat_messages", "turns", "dialog"),
    *("dialogue", "chat", "data"),
)
PROMPTS = (
    *("instruction", "prompt", "question", "query", "problem", "inputs", "instructions"),
    *("user_prompt", "user_message", "user_input", "user_query", "request", "user", "human"),
    "input",
)
ANSWERS = (
    *("output", "completion", "response", "answer", "solution", "reply", "outputs", "target"),
    *("targets", "generated_solution", "expected_output", "expected_response", "model_response"),
    *("assistant_response", "assistant_message", "bot_response", "bot_reply", "best_answer"),
    *("responses", "answers", "completions", "assistant", "gpt", "bot"),
)
SYSTEMS = ("system", "system_prompt", "system_message", "system_instruction", "sys_prompt")
INPUTS = ("input", "context", "passage", "question", "query", "problem", "background")
TEXTS = (
    *("text", "content", "formatted", "formatted_text", "chat", "conversation", "conversations"),
    *("dialogue", "dialog", "sample", "example", "prompt", "input", "messages"),
)


@lru_cache(maxsize=2048)
def fold(name: str) -> str:
    """Return a column's name in lower case, without accents, with ``_`` between its words."""
    spread = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    plain = unicodedata.normalize("NFKD", spread.casefold())
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return re.sub(r"[\W_]+", "_", plain).strip("_")


def value_at(row: Mapping[str, Any], column: str) -> Any:
    """Return the value of a column, which may be a dotted path into objects and lists.

    None stands for a value that is missing.
    """
    if column in row:
        return row[column]
    value: Any = row
    for part in column.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def known(row: Mapping[str, Any]) -> Columns | None:
    """Return the columns of a row whose names say what they hold, or None."""
    for columns in _by_names(tuple(row)):
        if columns.messages:
            if holds_messages(row[columns.messages], columns.messages):
                return columns
        elif columns.text:
            value = row[columns.text]
            if isinstance(value, str) and is_marked(value):
                return columns
        else:
            return columns
    return None


def holds_messages(value: Any, column: str = "messages") -> bool:
    """Say whether a value is a list of messages, in one of the ways they are written."""
    if isinstance(value, list):
        if not value:
            return fold(column) != "data"
        # Of a benchmark, "turns" are questions alone: no message says who speaks.
        asked = fold(column) == "turns"
        if isinstance(value[0], dict):
            return not asked or len(value[0]) > 1
        if isinstance(value[0], list):
            return True
        return not asked and len(value) > 1 and all(isinstance(said, str) for said in value)
    if isinstance(value, str):
        return value.lstrip()[:40].replace(" ", "").startswith(("[{", "[["))
    if isinstance(value, dict):
        return len(value) > 1 and all(isinstance(held, list) for held in value.values())
    return False


@lru_cache(maxsize=512)
def _by_names(names: tuple[str, ...]) -> tuple[Columns, ...]:
    """Return what a row's columns may be by their names, the surest first."""
    folded: dict[str, str] = {}
    for name in names:
        if isinstance(name, str):
            folded.setdefault(fold(name), name)
    system = _first(folded, SYSTEMS)
    found = [Columns(messages=folded[name], system=system) for name in MESSAGES if name in folded]
    pair = _pair(folded)
    if pair is not None:
        found.append(pair)
    found += [Columns(text=folded[name], system=system) for name in TEXTS if name in folded]
    return tuple(found)


def _pair(folded: Mapping[str, str]) -> Columns | None:
    prompt = next((name for name in PROMPTS if name in folded), "")
    answers: tuple[str, ...] = ANSWERS
    if prompt == "problem":
        # Sets of mathematics have the bare result as well.
        answers = ("solution", "generated_solution", *ANSWERS)
    answer = next((name for name in answers if name in folded and name != prompt), "")
    if not prompt or not (answer or "instances" in folded):
        return None
    # An output may stand beside an "inputs" that is the same text as the prompt's.
    wanted = (
        INPUTS if prompt in ("instruction", "instructions") else ("context", "passage", "input")
    )
    more = next((name for name in wanted if name in folded and name != prompt), "")
    return Columns(
        prompt=folded[prompt],
        answer=folded.get(answer, ""),
        system=_first(folded, SYSTEMS),
        input=folded.get(more, ""),
        history=folded.get("history", ""),
    )


def _first(folded: Mapping[str, str], wanted: tuple[str, ...]) -> str:
    return next((folded[name] for name in wanted if name in folded), "")
