"""Claude's ``conversations.json``: messages under ``chat_messages``, each a list of parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.appmarks import Missing
from engine.sources.chats.panels import (
    NONE,
    Along,
    Panel,
    Panels,
    changed,
    presented,
    shown_at_once,
    tool_call,
)
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
        files = Along(parents, lambda node, panels: _after(by_id[node], panels))
        tree = Tree(
            parents, lambda node: _message(by_id[node], files.before(node)), order.__getitem__
        )
        last = fields.get("current_leaf_message_uuid")
        talks = tree.talks(last, tally, every_branch=every_branch)
    else:
        panels = NONE
        messages = []
        for message in said:
            messages.append(_message(message, panels))
            panels = _after(message, panels)
        talk = compose(messages, tally)
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


def _after(message: Mapping[str, Any], panels: Panels) -> Panels:
    """Return the documents after a message, from those before it."""
    for part in _worked(message):
        if part.get("type") == "tool_use":
            panel = tool_call(part, panels)
            panels = changed(panels, panel) if panel is not None else panels
    return panels


def _worked(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the parts of a message without the calls that failed."""
    parts = [dict_of(part) for part in list_of(message.get("content"))]
    failed: set[int] = set()
    for at, part in enumerate(parts):
        if part.get("type") != "tool_result" or not part.get("is_error"):
            continue
        called = text_of(part.get("tool_use_id"))
        calls = [place for place in range(at) if parts[place].get("type") == "tool_use"]
        named = [place for place in calls if called and parts[place].get("id") == called]
        failed.update(named or calls[-1:])
    return [{"type": "tool_result"} if at in failed else part for at, part in enumerate(parts)]


def _message(message: Mapping[str, Any], panels: Panels) -> Message:
    role = role_of(message.get("sender"))
    said = _Said(panels)
    said.read(message)
    text, parts, shows = said.text, tuple(said.parts), said.shows
    if role is None:
        return Message("tool", text, out="unknown-role" if text else "")
    if role == "user":
        files, blocks = _attached(message)
        asked = "\n\n".join(filter(None, (text, files)))
        blocks = "not-text" if shows else blocks
        return Message(role, asked, parts=parts, blocks=blocks, own=text if files else None)
    text, thoughts = without_thoughts(text)
    parts = (*parts, *thoughts, *("media",) * shows)
    return Message(role, text, parts=parts, missing=said.missing, shows=said.shows_document)


class _Said:
    """What a message says: its words, the documents that it shows, the codes of other parts."""

    def __init__(self, panels: Panels) -> None:
        self._panels = panels
        self._texts: list[str] = []
        self._places: dict[str, int] = {}
        self._apart = True
        self._whole = ""
        self.parts: list[str] = []
        self.shows = 0
        self.missing: Missing = ""

    @property
    def text(self) -> str:
        """The words and documents, in their order."""
        return self._whole or "\n\n".join(text.strip("\n") for text in self._texts if text)

    @property
    def shows_document(self) -> bool:
        """Whether a document stands in it."""
        return bool(self._places)

    def read(self, message: Mapping[str, Any]) -> None:
        """Read the parts of a message, or its text where it has none."""
        for part in _worked(message):
            self._part(part)
        if not self._texts and not self.parts:
            self._whole = text_of(message.get("text"))

    def _part(self, part: Mapping[str, Any]) -> None:
        kind = text_of(part.get("type"))
        text = text_of(part.get("text"))
        if kind in _NOTHING:
            return
        if kind in _THOUGHTS or "tool" in kind:
            self.parts.append("thoughts" if kind in _THOUGHTS else "tool-calls")
            self._apart = True
            if kind == "tool_use":
                self._call(part)
        elif kind in ("image", "document", "file"):
            self.shows += 1
        elif text:
            # Text is cut into parts where a source is cited, even inside a sentence.
            if self._apart or not self._texts:
                self._texts.append(text)
            else:
                self._texts[-1] += text
            self._apart = False

    def _call(self, part: Mapping[str, Any]) -> None:
        panel = tool_call(part, self._panels)
        if panel is not None:
            self._panels = changed(self._panels, panel)
        if panel is not None and shown_at_once(part):
            self._show(panel)
        for file in presented(part, self._panels):
            self._show(file)

    def _show(self, panel: Panel) -> None:
        """Put a document where it was made last; an earlier version of it goes."""
        if not panel.text:
            self.missing = "all" if panel.types or not panel.name.startswith("/") else "some"
            return
        if panel.name in self._places:
            self._texts[self._places[panel.name]] = ""
        self._places[panel.name] = len(self._texts)
        self._texts.append(panel.text)


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
