"""Which kind of source a path is, and the table of kinds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from engine.errors import SourceEmpty, SourceMissing, SourceUnknown, SourceUnreadable, UsageError
from engine.models import Document
from engine.paths import shorten
from engine.sources.base import (
    Detection,
    OnSkip,
    Progress,
    Reader,
    Survey,
    ignore_skip,
    no_progress,
)
from engine.sources.conversations import ConversationsReader
from engine.sources.files import Refused, decode, is_lfs_pointer, read_bytes, visible
from engine.sources.instructions import InstructionsReader
from engine.sources.vault import VaultReader

_READERS: tuple[Reader, ...] = (VaultReader(), ConversationsReader(), InstructionsReader())
KINDS: dict[str, Reader] = {reader.kind: reader for reader in _READERS}
"""The kinds of source by name."""

_LOOK_AT = 20_000
_SURE_ENOUGH = 0.15
_POINTERS_LOOK_AT = 1000
_HEAD_BYTES = 65_536


def detect(path: Path) -> Detection:
    """Say what kind of source a path is.

    Args:
        path: A file or folder; ``~`` is understood.

    Raises:
        SourceMissing: Nothing is there.
        SourceUnreadable: There is no permission, or the file is not UTF-8 text.
        SourceEmpty: The file or folder has nothing in it.
        SourceUnknown: No kind recognises it.
    """
    survey = _survey(locate(path))
    found = [seen for reader in _READERS if (seen := reader.detect(survey)) is not None]
    best = max(found, key=lambda seen: seen.confidence, default=None)
    if best is None or best.confidence < _SURE_ENOUGH:
        raise _unknown(survey)
    return best


def reader_of(kind: str) -> Reader:
    """Return the reader of a kind.

    Raises:
        UsageError: There is no kind of that name.
    """
    if kind not in KINDS:
        raise UsageError(
            f"there is no kind of source named {kind}", hint=f"the kinds are: {', '.join(KINDS)}"
        )
    return KINDS[kind]


def read(
    kind: str,
    root: Path,
    source_id: str,
    *,
    progress: Progress = no_progress,
    on_skip: OnSkip = ignore_skip,
) -> Iterator[Document]:
    """Read the documents of a source. Nothing is ever written to it.

    Args:
        kind: One of :data:`KINDS`.
        root: The source's file or folder.
        source_id: The id that documents and skipped things carry.
        progress: Called with the units done and the units there are.
        on_skip: Called with each thing that is not read, and why.

    Raises:
        UsageError: There is no such kind.
        SourceMissing: The root is gone.
        SourceUnreadable: The root can't be opened.
        SourceEmpty: The root has nothing in it, as a drive that is not mounted has.
    """
    reader = reader_of(kind)
    located = locate(root)
    return reader.read(located, source_id, progress=progress, on_skip=on_skip)


def locate(path: Path) -> Path:
    """Return a source's absolute path, links resolved.

    Raises:
        SourceMissing: Nothing is there.
        SourceUnreadable: It can't be opened, or is neither a file nor a folder.
        SourceEmpty: It has nothing in it.
    """
    try:
        found = path.expanduser().resolve(strict=True)
        if found.is_dir():
            with os.scandir(found) as entries:
                empty = next(entries, None) is None
        elif found.is_file():
            with found.open("rb") as handle:
                empty = not handle.read(1)
        else:
            raise SourceUnreadable(
                f"{shorten(path)} is neither a file nor a folder",
                hint="name a folder of notes, or a JSON or JSONL file",
            )
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SourceMissing(
            f"there is nothing at {shorten(path)}",
            hint="check the path, or mount the drive it is on",
        ) from error
    except PermissionError as error:
        raise SourceUnreadable(
            f"no permission to read {shorten(path)}", hint="change its permissions, or name another"
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        # RuntimeError: links in a circle, or ~name of nobody. ValueError: a NUL in the path.
        raise SourceMissing(
            f"{shorten(path)} can't be opened: {error}", hint="check the path"
        ) from error
    if visible(str(found)) != str(found):
        raise SourceUnreadable(
            f"the name of {shorten(visible(str(found)))} is not UTF-8", hint="rename it"
        )
    if empty:
        raise SourceEmpty(
            f"{shorten(found)} is empty", hint="name a folder of notes, or a JSON or JSONL file"
        )
    return found


def _survey(path: Path) -> Survey:
    if path.is_file():
        try:
            decode(read_bytes(path) if path.stat().st_size < _HEAD_BYTES else _head(path))
        except Refused as refused:
            raise SourceUnreadable(
                f"{shorten(path)} can't be read: {refused.reason}",
                hint="name a folder of notes, or a JSON or JSONL file in UTF-8",
            ) from refused
        return Survey(path, True, (path,), frozenset())
    files: list[Path] = []
    hidden: set[str] = set()
    for folder, names, entries in os.walk(path):
        if Path(folder) == path:
            hidden.update(name for name in names if name.startswith("."))
        names[:] = sorted(name for name in names if not name.startswith("."))
        files.extend(Path(folder) / name for name in sorted(entries) if not name.startswith("."))
        if len(files) >= _LOOK_AT:
            break
    regular = tuple(file for file in files[:_LOOK_AT] if file.is_file())
    if not regular:
        raise SourceEmpty(
            f"no file lies in {shorten(path)}",
            hint="name a folder of notes, or a JSON or JSONL file",
        )
    return Survey(path, False, regular, frozenset(hidden))


def _head(path: Path) -> bytes:
    """Return the beginning of a file, cut behind a line so that no character is cut in two."""
    try:
        with path.open("rb") as handle:
            head = handle.read(_HEAD_BYTES)
    except OSError as error:
        raise Refused("unreadable", str(error.strerror)) from error
    cut = head.rfind(b"\n") + 1
    if cut:
        return head[:cut]
    # One long line: cut behind the last whole character.
    return head.decode("utf-8", "ignore").encode() if b"\x00" not in head else head


def _is_pointer(file: Path) -> bool:
    try:
        return file.stat().st_size < 1000 and is_lfs_pointer(file.read_bytes())
    except OSError:
        return False


def _unknown(survey: Survey) -> SourceUnknown:
    kinds = "; ".join(f"{reader.kind}: {reader.label}" for reader in _READERS)
    if survey.is_file:
        what = f"{shorten(survey.path)} is neither a note nor JSON with messages or instructions"
    else:
        suffixes = sorted({file.suffix.lower() or "no ending" for file in survey.files})
        what = f"nothing in {shorten(survey.path)} is a note, a conversation or an instruction set"
        what += f" (found: {', '.join(suffixes[:6])})"
    pointers = sum(_is_pointer(file) for file in survey.files[:_POINTERS_LOOK_AT])
    if pointers:
        return SourceUnknown(
            f"{what}; {pointers} of the files are Git LFS pointers without their content",
            hint="fetch the content with: git lfs pull",
        )
    return SourceUnknown(what, hint=f"what can be read: {kinds}")
