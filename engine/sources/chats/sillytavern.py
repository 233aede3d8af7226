"""SillyTavern's chats: a line that names the speakers, then a line for each message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.sources.chats.talk import Conversation, Message, Tally, compose
from engine.sources.chats.words import about, day_of, dict_of, list_of, text_of, without_thoughts

NAME = "SillyTavern"
HOLDS = ("chat", "chats")


def recognise(fields: Mapping[str, Any]) -> bool:
    """Say whether a record is a chat of SillyTavern."""
    messages = fields.get("messages")
    if not isinstance(messages, list) or not messages:
        return False
    first = dict_of(messages[0])
    return "mes" in first or ("character_name" in first and "role" not in first)


def conversations(
    fields: Mapping[str, Any], *, every_branch: bool = False
) -> Iterator[Conversation]:
    """Yield the conversation of a record; swipes are other texts of an answer."""
    lines = [dict_of(message) for message in fields["messages"]]
    head = lines[0] if "mes" not in lines[0] else {}
    said = [line for line in lines if "mes" in line]
    user = _name(head.get("user_name")) or _first_name(said, of_user=True)
    character = _name(head.get("character_name")) or _first_name(said, of_user=False)
    names = {text_of(line.get("name")) for line in said if not _speaks_aside(line)}
    tally = Tally()

    def filled(text: str) -> str:
        return text.replace("{{user}}", user or "User").replace("{{char}}", character)

    messages = [_message(line, filled, named=len(names) > 1) for line in said]
    talk = compose(messages, tally)
    date = day_of(head.get("create_date"), *(line.get("send_date") for line in said[:1]))
    models = (text_of(dict_of(line.get("extra")).get("model")) for line in said)
    facts = about(character=character, model=next(filter(None, models), ""))
    yield Conversation((talk,) if talk is not None else (), tally, character, date, facts)


def _name(value: Any) -> str:
    # Newer versions keep the fields of the first line, and say that they mean nothing.
    name = text_of(value)
    return "" if name == "unused" else name


def _first_name(said: list[Mapping[str, Any]], *, of_user: bool) -> str:
    speaks = (line for line in said if bool(line.get("is_user")) is of_user)
    return next((name for line in speaks if (name := text_of(line.get("name")))), "")


def _speaks_aside(line: Mapping[str, Any]) -> bool:
    """Say whether a line is no character's: the user's, hidden, or told by a narrator."""
    narrator = dict_of(line.get("extra")).get("type") == "narrator"
    return bool(line.get("is_user") or line.get("is_system") or narrator)


def _message(line: Mapping[str, Any], filled: Any, *, named: bool) -> Message:
    extra = dict_of(line.get("extra"))
    text = filled(text_of(line.get("mes")))
    shows = bool(
        extra.get("image") or extra.get("file") or extra.get("files") or extra.get("media")
    )
    if line.get("is_system"):
        return Message("system", text, out="hidden" if text else "")
    if extra.get("type") == "narrator":
        return Message("system", text)
    if line.get("is_user"):
        return Message("user", text, blocks="not-text" if shows else "")
    name = text_of(line.get("name"))
    prefix = f"{name}: " if named and name else ""
    text, thoughts = without_thoughts(text)
    parts = [*thoughts, *["thoughts"] * bool(extra.get("reasoning")), *["media"] * shows]
    swipes = [without_thoughts(filled(swipe))[0] for swipe in _other_swipes(line)]
    return Message(
        "assistant",
        prefix + text if text.strip() else "",
        parts=parts,
        others=[prefix + swipe for swipe in swipes if swipe.strip()],
    )


def _other_swipes(line: Mapping[str, Any]) -> list[str]:
    swipes = [text_of(swipe) for swipe in list_of(line.get("swipes"))]
    at = line.get("swipe_id")
    if isinstance(at, int) and 0 <= at < len(swipes):
        del swipes[at]
    return swipes
