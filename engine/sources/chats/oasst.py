"""OpenAssistant's trees: a prompt with ranked replies, nested or as a flat list."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from engine.sources.chats.talk import Conversation, Message, Tally
from engine.sources.chats.tree import Tree
from engine.sources.chats.words import about, day_of, dict_of, list_of, number_of, role_of, text_of

NAME = "OpenAssistant"
HOLDS = ("set of message trees", "message trees")

_PARENT_KEYS = ("parent_id", "parent_message_id")
_ID_KEYS = ("message_id", "user_message_id", "id")


def recognise(fields: Mapping[str, Any]) -> bool:
    """Say whether a record is a tree of OpenAssistant, or a list of its messages."""
    prompt = dict_of(fields.get("prompt"))
    if "text" in prompt and "replies" in prompt:
        return True
    messages = list_of(fields.get("messages"))
    first = dict_of(messages[0]) if messages else {}
    return "text" in first and any(key in first for key in _PARENT_KEYS)


def conversations(
    fields: Mapping[str, Any], *, every_branch: bool = False
) -> Iterator[Conversation]:
    """Yield a conversation for each tree: the best ranked replies, the others as alternatives."""
    prompt = fields.get("prompt")
    nodes = _nested(prompt) if isinstance(prompt, dict) else _flat(fields["messages"])
    children: dict[str, list[str]] = {}
    for name, (parent, _) in nodes.items():
        children.setdefault(parent if parent in nodes else "", []).append(name)
    reached = 0
    for root in children.get("", []):
        below = _below(root, children)
        reached += len(below)
        parents = {name: nodes[name][0] if name != root else "" for name in below}
        tally = Tally()
        tree = Tree(parents, lambda name: _message(nodes[name][1]))
        last = _best(root, nodes, children)
        talks = tree.talks(last, tally, every_branch=every_branch)
        first = nodes[root][1]
        facts = about(
            conversation_id=fields.get("message_tree_id") or first.get("message_tree_id"),
            language=first.get("lang"),
        )
        date = day_of(first.get("created_date"))
        yield Conversation(tuple(talks), tally, "", date, facts, chat=False)
    if reached < len(nodes):
        tally = Tally()
        tally.messages["cycle"] = len(nodes) - reached
        yield Conversation((), tally, chat=False)


_Nodes = dict[str, tuple[str, Mapping[str, Any]]]


def _nested(prompt: Mapping[str, Any]) -> _Nodes:
    nodes: _Nodes = {}
    pending: list[tuple[str, Mapping[str, Any]]] = [("", prompt)]
    while pending:
        parent, message = pending.pop()
        name = f"#{len(nodes)}"
        nodes[name] = (parent, message)
        pending += [(name, dict_of(reply)) for reply in reversed(list_of(message.get("replies")))]
    return nodes


def _flat(messages: list[Any]) -> _Nodes:
    nodes: _Nodes = {}
    for number, held in enumerate(messages):
        message = dict_of(held)
        name = next((text_of(message.get(key)) for key in _ID_KEYS if message.get(key)), "")
        parent = next((text_of(message.get(key)) for key in _PARENT_KEYS if message.get(key)), "")
        nodes[name or f"#{number}"] = (parent, message)
    return nodes


def _below(root: str, children: Mapping[str, list[str]]) -> list[str]:
    found = [root]
    for name in found:
        found += children.get(name, ())
    return found


def _best(root: str, nodes: _Nodes, children: Mapping[str, list[str]]) -> str:
    """Return the last message of the way that takes the best ranked reply at each step."""
    name = root
    while replies := [reply for reply in children.get(name, ()) if not _is_out(nodes[reply][1])]:
        name = min(replies, key=lambda reply: _rank(nodes[reply][1]))
    return name


def _rank(message: Mapping[str, Any]) -> float:
    rank = message.get("rank")
    return number_of(rank) if isinstance(rank, int | float) else math.inf


def _is_out(message: Mapping[str, Any]) -> bool:
    return bool(message.get("deleted")) or message.get("review_result") is False


def _message(message: Mapping[str, Any]) -> Message:
    role = role_of(message.get("role"))
    text = text_of(message.get("text"))
    if role is None:
        return Message("tool", text, out="unknown-role" if text else "")
    if _is_out(message):
        return Message(role, text, out="not-wanted" if text else "")
    return Message(role, text)
