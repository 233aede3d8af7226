"""Formats that hold a list of messages: chat, OpenAI's, ShareGPT."""

from __future__ import annotations

from engine.dataset.formats.base import Converted, refused
from engine.models import Turn
from engine.sources.instructions.exact import SPEAKERS

_FROM = {role: name for name, role in SPEAKERS.items()}


def to_chat(turns: tuple[Turn, ...]) -> Converted:
    """Return a conversation as ``messages``."""
    return Converted({"messages": [{"role": turn.role, "content": turn.content} for turn in turns]})


def to_openai(turns: tuple[Turn, ...]) -> Converted:
    """Return a conversation as a line of OpenAI's supervised fine-tuning.

    The schema is ``FineTuneChatRequestInput`` of their OpenAPI description; the checks are
    those of "Data preparation and analysis for chat model fine-tuning" in their cookbook,
    and that the last message is the assistant's. A result of a tool has to name the call
    that it belongs to, which a turn does not hold. ``weight`` is not written: without it
    each answer is trained on, as it is here.
    """
    for number, turn in enumerate(turns, 1):
        if turn.role == "tool":
            return refused("role", f"message {number} is a tool's, and its call is not known")
        if not turn.content.strip():
            return refused("empty-message", f"message {number} is empty")
    if not turns or turns[-1].role != "assistant":
        return refused("last-not-answer", "it does not end with an answer")
    if all(turn.role != "user" for turn in turns):
        return refused("no-question", "nobody asks anything in it")
    return to_chat(turns)


def to_sharegpt(turns: tuple[Turn, ...]) -> Converted:
    """Return a conversation as ``conversations`` of ``from`` and ``value``."""
    for turn in turns:
        if turn.role not in _FROM:
            return refused("role", f"the format has no {turn.role} messages")
    said = [{"from": _FROM[turn.role], "value": turn.content} for turn in turns]
    return Converted({"conversations": said})
