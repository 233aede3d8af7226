"""Training rows among an app's memory: what its export already wrote as prompt and answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.sources.memory.names import plain
from engine.sources.memory.tree import Node

_MESSAGES = ("messages", "conversations", "conversation", "chat_messages", "turns", "dialog",
             "chat_history", "history")  # fmt: skip
_SPEAKERS = frozenset(("role", "from", "sender", "author", "speaker"))
_SAYERS = frozenset(("user", "assistant", "system", "human", "ai", "bot", "tool", "function"))
_SPOKEN = frozenset(("content", "value", "text", "message", "parts"))
_ANSWERS = ("output", "response", "answer", "completion", "instances")
_KNOWN = (
    ("prompt", "completion"), ("prompt", "response"), ("question", "answer"),
    ("query", "response"), ("input", "output"),
)  # fmt: skip
_OTHERS = (
    ("context", "response"), ("input", "response"), ("user", "assistant"), ("human", "assistant"),
    ("human", "ai"), ("user", "bot"), ("user_message", "assistant_message"),
    ("user_message", "bot_response"), ("user_input", "response"), ("message", "response"),
    ("trigger", "response"), ("q", "a"), ("prompt", "output"), ("prompt", "answer"),
)  # fmt: skip
"""Pairs that apps write and that no training format has."""

_MARKED = re.compile(
    r"<\|(?:im_start|system|user|assistant|start_header_id)\|>|\[INST\]|^### (?:Instruction|Human)",
    re.MULTILINE,
)
_LABEL = re.compile(r"^(System|User|Human|Assistant|AI|Bot)[ \t]*:[ \t]*", re.MULTILINE)
_ROLES = {"system": "system", "user": "user", "human": "user"}


def row_of(fields: Mapping[str, Node]) -> dict[str, Any] | None:
    """Return the record that a training row is, in a layout that is read; None for no row."""
    names = {plain(key): key for key in fields}
    if any(name in names and _is_talk(fields[names[name]]) for name in _MESSAGES):
        return _with_messages(fields, names)
    if "instruction" in names and any(name in names for name in _ANSWERS):
        return _renamed(fields, names)
    if {"chosen", "rejected"} <= names.keys():
        return _renamed(fields, names)
    for first, second in _KNOWN:
        if first in names and second in names:
            return _renamed(fields, names)
    for first, second in _OTHERS:
        if first in names and second in names and _both_said(fields, names, first, second):
            row = _renamed(fields, names)
            asked, answered = row.pop(first), row.pop(second)
            return {**row, "prompt": asked, "response": answered}
    text = fields["text"].value if "text" in fields else None
    if isinstance(text, str):
        if _MARKED.search(text):
            return _renamed(fields, names)
        messages = labelled(text)
        if messages:
            return {**_renamed(fields, names, without="text"), "messages": messages}
    return None


def talk_of(values: list[Node]) -> dict[str, Any] | None:
    """Return the record of a list that is one conversation's messages; None for another list."""
    return {"messages": [node.plain() for node in values]} if _is_messages(values) else None


def is_message(fields: Mapping[str, Node]) -> bool:
    """Say whether a record is a single message of a conversation."""
    role = fields["role"].value if "role" in fields else None
    return isinstance(role, str) and role.lower() in _SAYERS and bool(fields.keys() & _SPOKEN)


def labelled(text: str) -> list[dict[str, str]]:
    r"""Take apart ``User: …\nAssistant: …``; empty where a text is not of this form."""
    marks = list(_LABEL.finditer(text))
    if len(marks) < 2 or text[: marks[0].start()].strip():
        return []
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    messages = [
        {
            "role": _ROLES.get(mark[1].lower(), "assistant"),
            "content": text[mark.end() : end].strip(),
        }
        for mark, end in zip(marks, ends, strict=True)
    ]
    asked = {message["role"] for message in messages}
    return messages if {"user", "assistant"} <= asked else []


def _is_talk(node: Node) -> bool:
    return isinstance(node.value, list) and _is_messages(node.value)


def _is_messages(values: list[Node]) -> bool:
    """Say whether these are messages of a conversation: who spoke, and what."""
    first = values[0].value if values else None
    return isinstance(first, dict) and bool(first.keys() & _SPEAKERS and first.keys() & _SPOKEN)


def _both_said(
    fields: Mapping[str, Node], names: Mapping[str, str], first: str, second: str
) -> bool:
    return all(isinstance(fields[names[name]].value, str) for name in (first, second))


def _with_messages(fields: Mapping[str, Node], names: Mapping[str, str]) -> dict[str, Any]:
    row = _renamed(fields, names)
    if "messages" not in row:
        found = next(name for name in _MESSAGES if name in names and _is_talk(fields[names[name]]))
        row["messages"] = row.pop(found)
    return row


def _renamed(
    fields: Mapping[str, Node], names: Mapping[str, str], without: str = ""
) -> dict[str, Any]:
    return {name: fields[key].plain() for name, key in names.items() if name != without}
