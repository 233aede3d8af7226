"""Open WebUI's chats: a tree of messages under ``history``, the way shown under ``messages``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.appmarks import without_numbers
from engine.sources.chats.chatgpt import parents_in
from engine.sources.chats.talk import Conversation, Message, Tally
from engine.sources.chats.tree import Tree
from engine.sources.chats.words import (
    about,
    attached,
    day_of,
    dict_of,
    list_of,
    number_of,
    role_of,
    text_of,
    without_thoughts,
)
from engine.sources.turns import title_of

NAME = "Open WebUI"
HOLDS = ("chat with a message tree", "chats with message trees")

_SYSTEM = "(system)"
_TIMES = ("created_at", "timestamp", "updated_at")


def recognise(fields: Mapping[str, Any]) -> bool:
    """Say whether a record is a chat of Open WebUI, alone or in the list of all chats."""
    chat = _chat(fields)
    history = chat.get("history")
    if isinstance(history, dict) and isinstance(history.get("messages"), dict):
        return True
    messages = chat.get("messages")
    return (
        isinstance(messages, list)
        and bool(messages)
        and ("chat" in fields or "childrenIds" in dict_of(messages[0]))
        and "role" in dict_of(messages[0])
    )


def conversations(
    fields: Mapping[str, Any], *, every_branch: bool = False
) -> Iterator[Conversation]:
    """Yield the conversation of a record.

    Raises:
        Refused: Its messages lead round in a circle.
    """
    chat = _chat(fields)
    history = dict_of(chat.get("history"))
    nodes = dict(dict_of(history.get("messages")))
    current = history.get("currentId")
    if nodes:
        parents = parents_in(nodes, "parentId", "childrenIds")
    else:
        listed = [message for message in list_of(chat.get("messages")) if isinstance(message, dict)]
        nodes = {str(number): message for number, message in enumerate(listed)}
        parents = {name: str(int(name) - 1) if name != "0" else "" for name in nodes}
        current = str(len(nodes) - 1)
    system = text_of(dict_of(chat.get("params")).get("system")) or text_of(chat.get("system"))
    if system.strip():
        parents = {
            _SYSTEM: "",
            **{name: parent if parent in parents else _SYSTEM for name, parent in parents.items()},
        }
        nodes[_SYSTEM] = {"role": "system", "content": system}
    tally = Tally()
    tree = Tree(
        parents, lambda name: _message(dict_of(nodes[name])), lambda name: _time(nodes[name])
    )
    talks = tree.talks(current, tally, every_branch=every_branch)
    models = list_of(chat.get("models"))
    facts = about(
        conversation_id=fields.get("id") or chat.get("id"), model=models[0] if models else ""
    )
    title = title_of(fields) or title_of(chat)
    date = day_of(*(place.get(key) for place in (fields, chat) for key in _TIMES))
    yield Conversation(tuple(talks), tally, title, date, facts)


def _chat(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = fields.get("chat")
    return inner if isinstance(inner, dict) else fields


def _time(node: Any) -> float:
    return number_of(dict_of(node).get("timestamp"))


def _message(node: Mapping[str, Any]) -> Message:
    role = role_of(node.get("role"))
    content = node.get("content")
    text, shown = text_of(content), 0
    if isinstance(content, list):
        texts = [text_of(dict_of(part).get("text")) for part in content]
        text = "\n\n".join(part for part in texts if part)
        shown = len(texts) - sum(map(bool, texts))
    files = [dict_of(file) for file in list_of(node.get("files"))]
    if role is None:
        return Message("tool", text, out="unknown-role" if text else "")
    if role == "tool":
        return Message(role, text, out="tool-calls")
    if role == "user":
        further, blocks = attached((_name(file), _text(file)) for file in files)
        if shown or list_of(node.get("images")):
            blocks = "not-text"
        asked = "\n\n".join(filter(None, (text, further)))
        return Message(role, asked, blocks=blocks, own=text if further else None)
    text = without_numbers(text, _sources(node))
    text, thoughts = without_thoughts(text)
    parts = (*("media",) * (shown + len(files)), *thoughts)
    return Message(role, text, parts=parts)


def _sources(node: Mapping[str, Any]) -> int:
    """Return how many passages an answer cites by number; a source has one or more."""
    held = list_of(node.get("sources") or node.get("citations"))
    return sum(max(1, len(list_of(dict_of(one).get("document")))) for one in held)


def _name(file: Mapping[str, Any]) -> str:
    return text_of(file.get("name")) or text_of(dict_of(file.get("file")).get("filename"))


def _text(file: Mapping[str, Any]) -> str:
    """Return the text of an attached file, where the export has it."""
    return text_of(dict_of(dict_of(file.get("file")).get("data")).get("content"))
