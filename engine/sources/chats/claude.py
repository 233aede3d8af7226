"""Claude's ``conversations.json``: messages under ``chat_messages``, each a list of parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.sources.chats.talk import Conversation, Message, Tally, compose
from engine.sources.chats.tree import Tree
from engine.sources.chats.words import (
    about,
    attached,
    day_of,
    dict_of,
    list_of,
    role_of,
    text_of,
    without_placeholders,
    without_thoughts,
)
from engine.sources.files import Refused
from engine.sources.turns import title_of

NAME = "Claude"
HOLDS = ("conversation", "conversations")

_THOUGHTS = ("thinking", "redacted_thinking")
_NOTHING = ("token_budget", "flag")


def recognise(fields: Mapping[str, Any]) -> bool:
    """Say whether a record is a conversation of Claude."""
    return isinstance(fields.get("chat_messages"), list)


def conversations(
    fields: Mapping[str, Any], *, every_branch: bool = False
) -> Iterator[Conversation]:
    """Yield the conversation of a record.

    Raises:
        Refused: It is not said who speaks, or its messages lead round in a circle.
    """
    said = [message for message in fields["chat_messages"] if isinstance(message, dict)]
    if said and not any(role_of(message.get("sender")) for message in said):
        raise Refused("unknown-role", "no message of it says who speaks")
    tally = Tally()
    facts = about(conversation_id=fields.get("uuid"), model=fields.get("model"))
    parents = _parents(said)
    if parents:
        by_id = {text_of(message.get("uuid")): message for message in said}
        order = {node: float(number) for number, node in enumerate(by_id)}
        tree = Tree(parents, lambda node: _message(by_id[node]), order.__getitem__)
        last = fields.get("current_leaf_message_uuid")
        talks = tree.talks(last, tally, every_branch=every_branch)
    else:
        talk = compose([_message(message) for message in said], tally)
        talks = [talk] if talk is not None else []
    date = day_of(fields.get("created_at"), fields.get("updated_at"))
    yield Conversation(tuple(talks), tally, title_of(fields), date, facts)


def _parents(said: list[dict[str, Any]]) -> dict[str, str]:
    """Return each message's parent, where the export names them; else nothing."""
    ids = {text_of(message.get("uuid")) for message in said}
    if "" in ids or len(ids) < len(said):
        return {}
    parents = {
        message["uuid"]: text_of(message.get("parent_message_uuid")) if message else ""
        for message in said
    }
    return parents if any(parent in ids for parent in parents.values()) else {}


def _message(message: Mapping[str, Any]) -> Message:
    role = role_of(message.get("sender"))
    text, parts, shows = _words(message)
    if role is None:
        return Message("tool", text, out="unknown-role" if text else "")
    if role == "user":
        files, blocks = _attached(message)
        asked = "\n\n".join(filter(None, (text, files)))
        return Message(role, asked, parts=parts, blocks="not-text" if shows else blocks)
    text, thoughts = without_thoughts(without_placeholders(text))
    return Message(role, text, parts=(*parts, *thoughts, *("media",) * shows))


def _words(message: Mapping[str, Any]) -> tuple[str, tuple[str, ...], int]:
    """Return a message's words, the codes of parts left out, and how many parts are media."""
    content = list_of(message.get("content"))
    texts: list[str] = []
    parts: list[str] = []
    shows = 0
    apart = True
    for part in content:
        kind = text_of(dict_of(part).get("type"))
        text = text_of(dict_of(part).get("text"))
        if kind in _NOTHING:
            continue
        if kind in _THOUGHTS or "tool" in kind:
            parts.append("thoughts" if kind in _THOUGHTS else "tool-calls")
            apart = True
        elif kind in ("image", "document", "file"):
            shows += 1
        elif text:
            # Text is cut into parts where a source is cited, even inside a sentence.
            texts.append(text) if apart or not texts else texts.append(texts.pop() + text)
            apart = False
    if not texts and not parts:
        return text_of(message.get("text")), (), shows
    return "\n\n".join(text.strip("\n") for text in texts), tuple(parts), shows


def _attached(message: Mapping[str, Any]) -> tuple[str, str]:
    """Return the text of attached files, or the code with which they rule the question out."""
    found = [
        (text_of(dict_of(file).get("file_name")), text_of(dict_of(file).get("extracted_content")))
        for file in list_of(message.get("attachments"))
    ]
    names = {name for name, _ in found}
    # Images and other files without text are named, and nothing more.
    files = [text_of(dict_of(file).get("file_name")) for file in list_of(message.get("files"))]
    found += [(name, "") for name in files if name not in names]
    return attached(found)
