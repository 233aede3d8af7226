"""ChatGPT's ``conversations.json``: a tree of messages under ``mapping``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.sources.chats.panels import Along, Panels, canvas_call, changed
from engine.sources.chats.talk import Conversation, Message, Tally
from engine.sources.chats.tree import Tree
from engine.sources.chats.words import (
    about,
    day_of,
    dict_of,
    fenced,
    list_of,
    number_of,
    role_of,
    text_of,
    without_thoughts,
)
from engine.sources.turns import title_of

NAME = "ChatGPT"
HOLDS = ("conversation with a message tree", "conversations with message trees")

_CONTEXTS = frozenset(("user_editable_context", "model_editable_context", "app_pairing_content"))
_THOUGHTS = frozenset(("thoughts", "reasoning_recap"))
# Tools of which the answer is a picture, or comes later if at all.
_PICTURES = ("dalle", "image_gen", "t2uay3k", "imagegen")
_LATER = ("research_kickoff_tool", "image_gen", "dalle", "t2uay3k", "imagegen")
_FAILED = re.compile(r"\s*(?:\w*error\b|failed|could not|exception|traceback)", re.IGNORECASE)
_WORDS = frozenset(("text", "multimodal_text"))


def recognise(fields: Mapping[str, Any]) -> bool:
    """Say whether a record is a conversation of ChatGPT."""
    return isinstance(fields.get("mapping"), dict)


def conversations(
    fields: Mapping[str, Any], *, every_branch: bool = False
) -> Iterator[Conversation]:
    """Yield the conversation of a record.

    Raises:
        Refused: Its messages lead round in a circle.
    """
    mapping: Mapping[str, Any] = fields["mapping"]
    tally = Tally()

    parents = parents_in(mapping, "parent", "children")
    failed = _failed(mapping, parents)

    def after(node: str, panels: Panels) -> Panels:
        return panels if node in failed else _after(_held(mapping[node]), panels)

    canvases = Along(parents, after)

    def read(node: str) -> Message:
        message = _held(mapping[node])
        if node in failed:
            return Message("assistant", _called_with(message), out="tool-calls", missing="some")
        if _recipient(message).startswith("canmore."):
            return _canvas(message, canvases.before(node))
        return _message(message)

    def time(node: str) -> float:
        return number_of(dict_of(dict_of(mapping[node]).get("message")).get("create_time"))

    tree = Tree(parents, read, time)
    talks = tree.talks(fields.get("current_node"), tally, every_branch=every_branch)
    facts = about(
        conversation_id=fields.get("conversation_id") or fields.get("id"),
        model=fields.get("default_model_slug"),
    )
    date = day_of(fields.get("create_time"), fields.get("update_time"))
    yield Conversation(tuple(talks), tally, title_of(fields), date, facts)


def parents_in(mapping: Mapping[str, Any], parent: str, children: str) -> dict[str, str]:
    """Return the id of each node's parent, by the lists of children where it is not named."""
    parents: dict[str, str] = {}
    orphans = 0
    for key, node in mapping.items():
        named = node.get(parent) if isinstance(node, dict) else None
        parents[key] = named if isinstance(named, str) and named in mapping else ""
        orphans += not parents[key]
    if orphans > 1:
        for key, node in mapping.items():
            for child in list_of(dict_of(node).get(children)):
                if isinstance(child, str) and child != key and parents.get(child) == "":
                    parents[child] = key
    return parents


def _failed(mapping: Mapping[str, Any], parents: Mapping[str, str]) -> set[str]:
    """Return the ids of calls to the canvas of which the result says that they failed."""
    found: set[str] = set()
    for node, parent in parents.items():
        message = _held(mapping[node])
        if role_of(dict_of(dict_of(message).get("author")).get("role")) != "tool":
            continue
        called = parent and _recipient(_held(mapping[parent])).startswith("canmore.")
        if called and _FAILED.match(_words(message.get("content"), "text")[0]):
            found.add(parent)
    return found


def _held(node: Any) -> Any:
    return dict_of(node).get("message")


def _recipient(message: Any) -> str:
    return text_of(dict_of(message).get("recipient"))


def _after(message: Any, panels: Panels) -> Panels:
    recipient = _recipient(message)
    if not recipient.startswith("canmore."):
        return panels
    panel = canvas_call(recipient, _called_with(message), panels)
    return changed(panels, panel) if panel is not None else panels


def _called_with(message: Mapping[str, Any]) -> str:
    return _words(message.get("content"), "code")[0]


def _canvas(message: Mapping[str, Any], panels: Panels) -> Message:
    """Return a call to the canvas as the document that it leaves there."""
    panel = canvas_call(_recipient(message), _called_with(message), panels)
    if panel is None and _recipient(message).endswith(".comment_textdoc"):
        # Comments on a document are read beside it, and nowhere else.
        return Message("assistant", missing="some")
    if panel is None or not panel.text:
        return Message("assistant", missing="all")
    return Message("assistant", panel.text, document=panel.name, shows=True)


def _message(message: Any) -> Message:
    if not isinstance(message, dict):
        return Message("system")
    author = dict_of(message.get("author"))
    role = role_of(author.get("role"))
    metadata = dict_of(message.get("metadata"))
    content = message.get("content")
    kind = text_of(content.get("content_type")) if isinstance(content, dict) else "text"
    text, parts = _words(content, kind or "text")
    if kind in _CONTEXTS or metadata.get("is_user_system_message"):
        return Message(role or "system", text, out="custom-instructions")
    if role == "tool":
        pictured = "media" in parts or text_of(author.get("name")).startswith(_PICTURES)
        return Message(role, text, out="tool-calls", missing="some" if pictured else "")
    if metadata.get("is_visually_hidden_from_conversation"):
        return Message(role or "system", text, out="hidden" if text else "")
    if role is None:
        return Message("tool", text, out="unknown-role" if text else "")
    if role == "user":
        shows = bool(parts) or bool(list_of(metadata.get("attachments")))
        return Message(role, text, blocks="not-text" if shows else "")
    if role == "system":
        return Message(role, text)
    if text_of(message.get("recipient")) not in ("", "all"):
        later = text_of(message.get("recipient")).startswith(_LATER)
        return Message(role, text, out="tool-calls", missing="some" if later else "")
    if kind in _THOUGHTS or message.get("channel") == "analysis":
        return Message(role, text, out="thoughts")
    if kind == "code" and text:
        return Message(role, fenced(text, text_of(dict_of(content).get("language"))))
    if kind and kind not in _WORDS and kind != "code":
        return Message(role, text, out="tool-calls")
    text, thoughts = without_thoughts(text)
    return Message(role, text, parts=(*parts, *thoughts))


def _words(content: Any, kind: str) -> tuple[str, tuple[str, ...]]:
    """Return the words of a content, and a code for each part that is none."""
    if isinstance(content, str):
        return content, ()
    if not isinstance(content, dict):
        return "", ()
    parts = content.get("parts")
    if not isinstance(parts, list):
        return text_of(content.get("text")) or text_of(content.get("content")), ()
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0], ()
    texts: list[str] = []
    shown: list[str] = []
    sounds = 0
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict):
            if isinstance(part.get("text"), str):
                # What was said aloud comes with its transcript.
                texts.append(part["text"])
            elif _is_sound(part):
                sounds += 1
            else:
                shown.append("media")
    words = [text for text in texts if text]
    if sounds and not words:
        shown += ["media"] * sounds
    return "\n".join(words), tuple(shown)


def _is_sound(part: Mapping[str, Any]) -> bool:
    kind = text_of(part.get("content_type"))
    if kind == "real_time_user_audio_video_asset_pointer":
        return not (part.get("frames_asset_pointers") or part.get("video_container_asset_pointer"))
    return kind == "audio_asset_pointer"
