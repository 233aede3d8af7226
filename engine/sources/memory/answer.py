"""What an app answered when it was asked for its export: rows, a link, or where it saved them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import AppAnswerInvalid, AppFailed, SourceEmpty
from engine.paths import shell_path
from engine.sources.items import Refused
from engine.sources.jsonwindow import no_value
from engine.sources.memory.body import Body
from engine.sources.memory.entries import Entry, Fact, Part, Row
from engine.sources.memory.names import MEMORIES, PERSONALITY, TRAIT_LISTS, plain, spoken
from engine.sources.memory.recognise import likeness
from engine.sources.memory.token import Token
from engine.sources.memory.tree import as_node
from engine.sources.memory.walk import entries
from engine.text import inert

_LOOKED_AT = 1_000_000
_LINKS = ("download_url", "download_link", "url", "link", "href", "download", "file_url")
_PATHS = ("path", "file_path", "filepath", "full_path", "output_path", "output_file", "file",
          "filename", "dataset_path", "saved_to", "saved", "location", "train_path")  # fmt: skip
_BOXES = ("data", "result", "export", "dataset")
_TELLING = MEMORIES | PERSONALITY | TRAIT_LISTS
_LIKELY = 0.3
_MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Sent:
    """The answer is the export."""


@dataclass(frozen=True, slots=True)
class Linked:
    """The answer says where the export can be had."""

    address: str


@dataclass(frozen=True, slots=True)
class Saved:
    """The answer says where the app put the export on its own machine."""

    path: str

    def told(self, shown: str) -> tuple[str, str]:
        """Return what to tell the person about it, as a message and a hint."""
        place = inert(" ".join(self.path.split()))[:_MAX_SHOWN]
        message = f"{shown} saved the export on its own machine, as {place}"
        try:
            here = Path(self.path).is_file()
        except (OSError, ValueError):
            here = False
        if here and inert(self.path) == self.path:
            # The name is the app's: quoted, so that a shell takes it for nothing else.
            command = f"finetui sources add memory {shell_path(self.path)}"
            return message, f"that file is here as well: {command}"
        return message, "copy that file here and add it: finetui sources add memory PATH"


Answer = Sent | Linked | Saved


def judge(body: Body, token: Token, shown: str) -> Answer:
    """Say what an app's answer is.

    Args:
        body: The answer.
        token: Which no message may show.
        shown: The address that answered, as it can be printed.

    Raises:
        SourceEmpty: The export has nothing in it.
        AppFailed: The app says that it failed.
        AppAnswerInvalid: The answer is a web page, no JSON, or something else than an export.
    """
    head = body.piece(_LOOKED_AT).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head:
        raise SourceEmpty(f"{shown} answered with nothing", hint="see whether the app knows any")
    if head.startswith(b"<"):
        raise AppAnswerInvalid(
            f"{shown} answered with a web page, such as one to log in on",
            hint="name the address of its export, not that of a page; renew the token",
        )
    if head[:1] not in (b"{", b"["):
        raise _no_json(shown)
    if body.size > _LOOKED_AT:
        return Sent()
    value = _whole(head)
    if isinstance(value, list):
        if not value:
            raise _nothing(shown)
        return Sent()
    if isinstance(value, dict):
        return _of_object(value, token, shown)
    if not any(_is_record(line) for line in head.splitlines()):
        raise _no_json(shown)
    return Sent()


def _whole(data: bytes) -> Any:
    try:
        return json.loads(data, parse_constant=no_value)
    except (ValueError, RecursionError):
        return None


def _is_record(line: bytes) -> bool:
    return line.strip().startswith(b"{") and isinstance(_whole(line), dict)


def _of_object(value: dict[str, Any], token: Token, shown: str) -> Answer:
    fields = {plain(key): part for key, part in value.items()}
    outer = dict(fields)
    for name in _BOXES:
        if isinstance(fields.get(name), dict):
            outer = {**{plain(key): part for key, part in fields[name].items()}, **outer}
    if _holds_rows(value):
        return Sent()
    if link := _first_text(outer, _LINKS):
        return Linked(link)
    if path := _first_text(outer, _PATHS):
        return Saved(path)
    if _is_one(value):
        return Sent()
    _check_failure(fields, token, shown)
    if any(part == [] for part in outer.values()):
        raise _nothing(shown)
    names = ", ".join(inert(spoken(key))[:40] for key in list(value)[:6]) or "none"
    raise AppAnswerInvalid(
        f"{shown} answered with something else than an export; its fields: {names}",
        hint="an export is JSONL, a list, or a list in the field data or examples",
    )


def _holds_rows(value: dict[str, Any]) -> bool:
    """Say whether an object has memories or training rows in its fields, or is a row itself."""
    if isinstance(next(_entries(value), None), Row):
        return True
    for key, part in value.items():
        if isinstance(part, list | dict) and part:
            told = plain(key) in _TELLING
            if any(_counts(entry, told=told) for entry in _entries({key: part})):
                return True
    return False


def _is_one(value: dict[str, Any]) -> bool:
    """Say whether an object is one memory: a JSONL file of one line."""
    with suppress(Refused):
        return likeness(as_node(value, 1)) >= _LIKELY
    return False


def _counts(entry: Entry, *, told: bool) -> bool:
    """Say whether an entry is part of an export; names and values alone may be statistics."""
    return isinstance(entry, Row | Part) or (isinstance(entry, Fact) and (told or not entry.keyed))


def _entries(value: dict[str, Any]) -> Iterator[Entry]:
    with suppress(Refused):
        yield from entries(as_node(value, 1))


def _first_text(fields: Mapping[str, Any], choices: tuple[str, ...]) -> str:
    texts = (fields.get(name) for name in choices)
    return next((text.strip() for text in texts if isinstance(text, str) and text.strip()), "")


def _check_failure(fields: Mapping[str, Any], token: Token, shown: str) -> None:
    """Raise where the app says in words that it failed, though its status says otherwise."""
    status = fields.get("status")
    failed = fields.get("success") is False or fields.get("ok") is False
    failed = failed or (
        isinstance(status, str) and status.lower() in ("error", "failed", "failure")
    )
    told = _first_text(fields, ("error", "detail", "message"))
    if not failed and not (told and "error" in fields):
        return
    said = inert(" ".join(told.split()))[:_MAX_SHOWN]
    if not said or token.is_in(told):
        said = "it does not say why"
    raise AppFailed(f"{shown} could not export: {said}", hint="the app's own log may say more")


def _nothing(shown: str) -> SourceEmpty:
    return SourceEmpty(
        f"{shown} exported nothing",
        hint="see whether the app knows anything, or set quality_filter=off",
    )


def _no_json(shown: str) -> AppAnswerInvalid:
    return AppAnswerInvalid(
        f"{shown} answered with something that is not JSON",
        hint="name the address of its export; the answer has to be JSON or JSONL",
    )
