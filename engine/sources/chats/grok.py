"""Grok's export: a conversation and its responses, each of which names its parent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.sources.chats.talk import Conversation, Message, Tally
from engine.sources.chats.tree import Tree
from engine.sources.chats.words import (
    about,
    day_of,
    dict_of,
    list_of,
    role_of,
    text_of,
    without_thoughts,
)
from engine.sources.turns import title_of

NAME = "Grok"
HOLDS = ("conversation with a message tree", "conversations with message trees")


def recognise(fields: Mapping[str, Any]) -> bool:
    """Say whether a record is a conversation of Grok."""
    return isinstance(fields.get("conversation"), dict) and isinstance(
        fields.get("responses"), list
    )


def conversations(
    fields: Mapping[str, Any], *, every_branch: bool = False
) -> Iterator[Conversation]:
    """Yield the conversation of a record.

    Raises:
        Refused: Its messages lead round in a circle.
    """
    head: Mapping[str, Any] = fields["conversation"]
    responses: dict[str, Mapping[str, Any]] = {}
    before = ""
    parents: dict[str, str] = {}
    for number, held in enumerate(fields["responses"]):
        response = dict_of(dict_of(held).get("response")) or dict_of(held)
        name = text_of(response.get("response_id") or response.get("_id")) or f"#{number}"
        parent = response.get("parent_response_id")
        # Where no parent is named, a response answers the one before it.
        parents[name] = parent if isinstance(parent, str) else before
        responses[name] = response
        before = name
    order = {name: float(number) for number, name in enumerate(responses)}
    tally = Tally()
    tree = Tree(parents, lambda name: _message(responses[name]), order.__getitem__)
    talks = tree.talks(head.get("leaf_response_id"), tally, every_branch=every_branch)
    facts = about(
        conversation_id=head.get("conversation_id") or head.get("id"), model=_model(responses)
    )
    date = day_of(_moment(head.get("create_time")))
    yield Conversation(tuple(talks), tally, title_of(head), date, facts)


def _message(response: Mapping[str, Any]) -> Message:
    role = role_of(response.get("sender"))
    text = text_of(response.get("message"))
    if role is None:
        return Message("tool", text, out="unknown-role" if text else "")
    if response.get("is_control"):
        return Message(role, text, out="hidden" if text else "")
    if role == "user":
        shows = response.get("image_attachments") or response.get("file_attachments")
        return Message(role, text, blocks="not-text" if shows else "")
    parts = ["thoughts"] * bool(response.get("thinking_trace"))
    parts += ["tool-calls"] * len(list_of(response.get("steps")))
    parts += ["media"] * len(list_of(response.get("generated_image_urls")))
    text, thoughts = without_thoughts(text)
    return Message(role, text, parts=(*parts, *thoughts))


def _moment(value: Any) -> Any:
    """Return a time, which the database that was exported may have wrapped."""
    wrapped = dict_of(value).get("$date", value)
    number = dict_of(wrapped).get("$numberLong")
    return int(number) if isinstance(number, str) and number.isdecimal() else wrapped


def _model(responses: Mapping[str, Mapping[str, Any]]) -> str:
    for response in responses.values():
        if isinstance(response.get("model"), str) and response["model"]:
            return str(response["model"])
        details = dict_of(dict_of(response.get("metadata")).get("requestModelDetails"))
        if isinstance(details.get("modelId"), str):
            return str(details["modelId"])
    return ""
