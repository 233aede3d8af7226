"""LM Studio's ``*.conversation.json``: versions of each message, of which one is selected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.sources.chats.talk import Conversation, Message, Tally, compose
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

NAME = "LM Studio"
HOLDS = ("conversation", "conversations")

_SYSTEM_KEY = "llm.prediction.systemPrompt"


def recognise(fields: Mapping[str, Any]) -> bool:
    """Say whether a record is a conversation of LM Studio."""
    messages = fields.get("messages")
    return isinstance(messages, list) and bool(messages) and "versions" in dict_of(messages[0])


def conversations(
    fields: Mapping[str, Any], *, every_branch: bool = False
) -> Iterator[Conversation]:
    """Yield the conversation of a record.

    A version that is not selected has no messages behind it, so there are no branches
    but other questions, which have no answers.
    """
    tally = Tally()
    said = [Message("system", _system(fields))]
    for message in fields["messages"]:
        versions = [dict_of(version) for version in list_of(dict_of(message).get("versions"))]
        if not versions:
            continue
        selected = dict_of(message).get("currentlySelected")
        at = selected if isinstance(selected, int) and 0 <= selected < len(versions) else 0
        chosen = _message(versions.pop(at))
        said.append(chosen)
        others = [_message(version) for version in versions]
        if chosen.role == "assistant":
            chosen.others = [other.text for other in others if other.role == "assistant"]
        else:
            tally.messages["other-branch"] += sum(bool(other.text.strip()) for other in others)
    talk = compose(said, tally)
    model = dict_of(fields.get("lastUsedModel")).get("identifier")
    date = day_of(fields.get("createdAt"))
    yield Conversation(
        (talk,) if talk is not None else (), tally, title_of(fields), date, about(model=model)
    )


def _system(fields: Mapping[str, Any]) -> str:
    for field in list_of(dict_of(fields.get("perChatPredictionConfig")).get("fields")):
        if dict_of(field).get("key") == _SYSTEM_KEY and text_of(dict_of(field).get("value")):
            return text_of(field["value"])
    return text_of(fields.get("systemPrompt"))


def _message(version: Mapping[str, Any]) -> Message:
    role = role_of(version.get("role"))
    steps = version.get("steps")
    if not isinstance(steps, list):
        steps = [{"type": "contentBlock", "content": version.get("content")}]
    texts: list[str] = []
    parts: list[str] = []
    shows = 0
    for step in steps:
        kind = text_of(dict_of(step).get("type"))
        if kind != "contentBlock":
            parts += ["tool-calls"] * kind.startswith("tool")
            continue
        words, tools, files = _words(dict_of(step).get("content"))
        shows += files
        parts += ["tool-calls"] * tools
        if dict_of(dict_of(step).get("style")).get("type") == "thinking":
            parts.append("thoughts")
        elif words:
            texts.append(words)
    text = "\n\n".join(texts)
    if role is None:
        return Message("tool", text, out="unknown-role" if text else "")
    if role == "tool":
        return Message(role, text, out="tool-calls")
    if role == "user":
        return Message(role, text, blocks="not-text" if shows else "")
    text, thoughts = without_thoughts(text)
    return Message(role, text, parts=(*parts, *thoughts, *("media",) * shows))


def _words(content: Any) -> tuple[str, int, int]:
    """Return the words of a content, and how many of its parts are tools' and files."""
    if isinstance(content, str):
        return content, 0, 0
    texts: list[str] = []
    tools = files = 0
    for part in list_of(content):
        kind = text_of(dict_of(part).get("type"))
        if kind == "text":
            texts.append(text_of(dict_of(part).get("text")))
        elif kind.startswith("toolCall"):
            tools += 1
        else:
            files += 1
    return "".join(texts), tools, files
