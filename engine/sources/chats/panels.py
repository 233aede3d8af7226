r"""Documents that an app shows beside the chat, put back where an answer speaks of them.

ChatGPT's canvas and Claude's artifacts hold what was asked for, while the answer says "I wrote it
in the canvas". The calls that made them are in the exports: a document is created, rewritten, or
changed by replacing something in it.

ChatGPT names what is replaced by a regular expression. Those of an export are foreign, and are
never run: understood are the ones for the whole text and those that say a text literally.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from engine.appcode import as_block
from engine.sources.chats.words import dict_of, list_of, text_of

_WHOLE = frozenset((
    *(".*", "^.*$", "(?s).*", "(?s)^.*$", "[\\s\\S]*", "^[\\s\\S]*$", "(.|\\n)*", ".+", "(?s).+"),
    *("(?s:.*)", "[\\s\\S]+", "\\A.*\\Z", "(?s)\\A.*\\Z"),
))  # fmt: skip
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_GROUP = re.compile(r"\\(?:\d|g<(?!0>))")


@dataclass(frozen=True, slots=True)
class Panel:
    """A document as it is after a call.

    Attributes:
        name: What it is told by.
        content: Its text; None where that is not known.
        types: What its app says that it is.
    """

    name: str
    content: str | None
    types: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Its text as it stands in an answer; empty where it is not known."""
        return as_block(self.content, *self.types).strip("\n") if self.content else ""


Panels = Mapping[str, Panel]
NONE: Panels = MappingProxyType({})


def changed(panels: Panels, panel: Panel) -> Panels:
    """Return documents with one of them as it is now, which becomes the last."""
    rest = {name: held for name, held in panels.items() if name != panel.name}
    return {**rest, panel.name: panel}


class Along:
    """The documents before each message of a tree.

    Args:
        parents: The id of each message's parent.
        after: Returns the documents after a message of an id, from those before it.
    """

    def __init__(self, parents: Mapping[str, str], after: Callable[[str, Panels], Panels]) -> None:
        self._parents = parents
        self._after = after
        self._known: dict[str, Panels] = {}

    def before(self, node: str) -> Panels:
        """Return the documents as they are before a message."""
        way: list[str] = []
        here = self._parents.get(node, "")
        seen = {node}
        while here in self._parents and here not in self._known and here not in seen:
            seen.add(here)
            way.append(here)
            here = self._parents[here]
        panels = self._known.get(here, NONE)
        for step in reversed(way):
            panels = self._known[step] = self._after(step, panels)
        return panels


# -- ChatGPT's canvas ---------------------------------------------------------------------


def canvas_call(recipient: str, text: str, panels: Panels) -> Panel | None:
    """Return the document that a call to ChatGPT's canvas makes; None where it makes none.

    Args:
        recipient: Whom the message is for; may be empty where an exporter left it out.
        text: The call's arguments, as JSON.
        panels: The documents before.
    """
    if recipient and not recipient.startswith("canmore."):
        return None
    said = _json(text)
    name, kind, content = (said.get(key) for key in ("name", "type", "content"))
    if isinstance(content, str) and isinstance(kind, str) and isinstance(name, str):
        return Panel(name, content, (kind,))
    updates = said.get("updates")
    if not isinstance(updates, list):
        return None
    last = list(panels.values())[-1] if panels else Panel("", None)
    return replace(last, content=_updated(last.content, updates))


def is_canvas_call(text: str) -> bool:
    """Say whether a text is nothing but a call to ChatGPT's canvas."""
    start = text.lstrip()[:1]
    if start != "{" or ('"updates"' not in text and '"content"' not in text):
        return False
    said = _json(text)
    if said.keys() == {"name", "type", "content"}:
        kind = text_of(said["type"])
        return kind == "document" or kind.startswith("code/")
    return said.keys() == {"updates"} and all(
        "pattern" in dict_of(update) and "replacement" in dict_of(update)
        for update in list_of(said["updates"])
    )


def _json(text: str) -> Mapping[str, Any]:
    try:
        return dict_of(json.loads(text, strict=False))
    except (ValueError, RecursionError):
        return {}


def _updated(content: str | None, updates: list[Any]) -> str | None:
    for update in map(dict_of, updates):
        pattern, replacement = text_of(update.get("pattern")), update.get("replacement")
        if not isinstance(replacement, str) or _GROUP.search(replacement):
            return None
        if pattern.strip() in _WHOLE:
            content = replacement.replace("\\g<0>", content or "")
            continue
        old = _literal(pattern)
        if content is None or not old or old not in content:
            return None
        times = -1 if update.get("multiple") else 1
        content = content.replace(old, replacement.replace("\\g<0>", old), times)
    return content


def _literal(pattern: str) -> str | None:
    """Return the text that a regular expression says literally; None where it is more."""
    said: list[str] = []
    escaped = False
    for character in pattern:
        if escaped:
            if character.isalnum() and character not in _ESCAPED:
                return None
            said.append(_ESCAPED.get(character, character))
            escaped = False
        elif character == "\\":
            escaped = True
        elif character in ".^$*+?{}[]|()":
            return None
        else:
            said.append(character)
    return None if escaped else "".join(said)


# -- Claude's artifacts and files ---------------------------------------------------------

_OUTPUTS = "/mnt/user-data/outputs/"


def tool_call(part: Mapping[str, Any], panels: Panels) -> Panel | None:
    """Return the document that a tool's call of Claude makes; None where it makes none."""
    said = dict_of(part.get("input"))
    tool = text_of(part.get("name"))
    if tool == "artifacts":
        return _artifact(said, panels)
    path = text_of(said.get("path"))
    if tool == "create_file" and path:
        return Panel(path, text_of(said.get("file_text")), (_suffix(path),))
    if tool == "str_replace" and path in panels:
        return _replaced(panels[path], said)
    return None


def _artifact(said: Mapping[str, Any], panels: Panels) -> Panel | None:
    name = text_of(said.get("id"))
    content = said.get("content")
    before = panels.get(name, Panel(name, None))
    told = tuple(text_of(said.get(key)) for key in ("type", "language"))
    types = told if any(told) else before.types
    if said.get("command") == "update":
        return replace(_replaced(before, said), types=types)
    if not isinstance(content, str):
        return Panel(name, None) if name else None
    return Panel(name, content, types)


def _replaced(panel: Panel, said: Mapping[str, Any]) -> Panel:
    old, new = text_of(said.get("old_str")), text_of(said.get("new_str"))
    if panel.content is None or not old or old not in panel.content:
        return replace(panel, content=None)
    return replace(panel, content=panel.content.replace(old, new, 1))


def shown_at_once(part: Mapping[str, Any]) -> bool:
    """Say whether a call of Claude puts its document before the person, and is no step."""
    if text_of(part.get("name")) == "artifacts":
        return True
    return text_of(dict_of(part.get("input")).get("path")).startswith(_OUTPUTS)


def presented(part: Mapping[str, Any], panels: Panels) -> list[Panel]:
    """Return the files that a call of Claude puts before the person; unknown ones are empty."""
    if text_of(part.get("name")) != "present_files":
        return []
    by_name = {name.rpartition("/")[2]: panel for name, panel in panels.items()}
    paths = [text_of(path) for path in list_of(dict_of(part.get("input")).get("filepaths"))]
    return [by_name.get(path.rpartition("/")[2], Panel(path, None)) for path in paths if path]


def _suffix(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[2].lower()
