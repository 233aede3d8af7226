"""DeepSeek's ``conversations.json``: a tree like ChatGPT's, whose messages come in fragments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from engine.sources.chats.chatgpt import parents_in
from engine.sources.chats.talk import Conversation, Message, Tally
from engine.sources.chats.tree import Tree
from engine.sources.chats.words import about, day_of, dict_of, list_of, text_of, without_thoughts
from engine.sources.turns import title_of

NAME = "DeepSeek"
HOLDS = ("conversation with a message tree", "conversations with message trees")

_LOOK_AT = 8


def recognise(fields: Mapping[str, Any]) -> bool:
    """Say whether a record is a conversation of DeepSeek."""
    mapping = fields.get("mapping")
    return isinstance(mapping, dict) and any(
        "fragments" in dict_of(dict_of(node).get("message"))
        for node in islice(mapping.values(), _LOOK_AT)
    )


def conversations(
    fields: Mapping[str, Any], *, every_branch: bool = False
) -> Iterator[Conversation]:
    """Yield the conversation of a record.

    Raises:
        Refused: Its messages lead round in a circle.
    """
    mapping: Mapping[str, Any] = fields["mapping"]
    tally = Tally()
    # Each message is newer than those that stand before it.
    order = {node: float(number) for number, node in enumerate(mapping)}

    def read(node: str) -> Message:
        return _message(dict_of(dict_of(mapping[node]).get("message")))

    tree = Tree(parents_in(mapping, "parent", "children"), read, order.__getitem__)
    talks = tree.talks(fields.get("current_node"), tally, every_branch=every_branch)
    models = (dict_of(dict_of(node).get("message")).get("model") for node in mapping.values())
    facts = about(conversation_id=fields.get("id"), model=next(filter(None, models), ""))
    date = day_of(fields.get("inserted_at"), fields.get("updated_at"))
    yield Conversation(tuple(talks), tally, title_of(fields), date, facts)


def _message(message: Mapping[str, Any]) -> Message:
    asked: list[str] = []
    said: list[str] = []
    parts: list[str] = []
    for fragment in list_of(message.get("fragments")):
        kind = text_of(dict_of(fragment).get("type")).upper()
        text = text_of(dict_of(fragment).get("content"))
        if kind == "REQUEST":
            asked.append(text)
        elif kind in ("RESPONSE", "TEMPLATE_RESPONSE"):
            said.append(text)
        else:
            parts.append("thoughts" if kind == "THINK" else "tool-calls")
    if asked:
        shows = bool(list_of(message.get("files")))
        return Message("user", "\n\n".join(asked), blocks="not-text" if shows else "")
    if not said and not parts:
        return Message("system")
    text, thoughts = without_thoughts("\n\n".join(said))
    return Message("assistant", text, parts=(*parts, *thoughts))
