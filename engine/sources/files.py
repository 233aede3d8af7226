"""Files of a source: found, opened for reading only, and decoded, or refused with a reason."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.sources.base import Reading
from engine.sources.items import (
    HEAD_BYTES,
    MAX_TEXT_BYTES,
    Item,
    Refused,
    is_lfs_pointer,
    refusal,
)

__all__ = [
    "HEAD_BYTES",
    "MAX_TEXT_BYTES",
    "Item",
    "Refused",
    "decode",
    "is_lfs_pointer",
    "refusal",
    "relative",
    "visible",
    "walk",
]

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def visible(name: str) -> str:
    r"""Return a file name as text that can be stored: bytes that are not UTF-8 become ``\xNN``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def relative(path: Path, root: Path) -> str:
    """Return a path below a root with ``/`` between its parts; its name for the root itself."""
    if path == root:
        return visible(root.name)
    return visible(path.relative_to(root).as_posix())


def decode(data: bytes) -> str:
    r"""Decode UTF-8, or UTF-16 and UTF-32 with a byte order mark; lines end in ``\n`` afterwards.

    Raises:
        Refused: The bytes are another encoding, or no text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return _line_ends(data.decode(encoding))
            except UnicodeDecodeError as error:
                name = encoding.upper()
                raise Refused("not-utf8", f"its mark says {name}, but it is not") from error
    if b"\x00" in data:
        raise Refused("binary", "it holds binary data")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Refused(
            "not-utf8", f"it is not UTF-8: byte {data[error.start]:#04x} in line {line}"
        ) from error
    return _line_ends(text)


def _line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def walk(
    root: Path,
    reading: Reading,
    *,
    skip_folder: Callable[[str], tuple[str, str] | None] = lambda _: None,
) -> Iterator[Item]:
    """Yield the regular files below a folder, in a stable order.

    Links are not followed: what they point to inside the folder is read in its own
    place, and what lies outside is not part of the source. Hidden files and
    folders are left out. Each thing left out is reported.

    Args:
        root: The folder; for a file, the file itself is yielded.
        reading: Where each thing left out is reported.
        skip_folder: Given a folder's path below the root, returns the code and reason
            with which its files are left out, or None to go in.
    """
    if not root.is_dir():
        item = _item(root, visible(root.name), reading)
        if item is not None:
            yield item
        return
    pending: list[tuple[Path, str, tuple[str, str] | None]] = [(root, "", None)]
    while pending:
        folder, prefix, refused = pending.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            why = refusal(error)
            reading.skip(prefix or f"{visible(root.name)}/", 0, why.code, why.reason)
            continue
        below: list[tuple[Path, str, tuple[str, str] | None]] = []
        for entry in entries:
            name = prefix + visible(entry.name)
            if entry.is_symlink():
                reading.skip(name, 0, *_link(Path(entry.path), root))
            elif entry.name.startswith("."):
                folder_mark = "/" if entry.is_dir(follow_symlinks=False) else ""
                reading.skip(name + folder_mark, 0, "hidden", "its name begins with a dot")
            elif entry.is_dir(follow_symlinks=False):
                below.append((Path(entry.path), f"{name}/", refused or skip_folder(name)))
            elif refused:
                reading.skip(name, 0, *refused)
            elif (item := _item(Path(entry.path), name, reading)) is not None:
                yield item
        pending.extend(reversed(below))


def _item(path: Path, name: str, reading: Reading) -> Item | None:
    try:
        return Item.of(path, name)
    except Refused as refused:
        reading.skip(name, 0, refused.code, refused.reason)
        return None


def _link(path: Path, root: Path) -> tuple[str, str]:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "broken-link", "the link leads nowhere, or round in a circle"
    if target == root or root in target.parents:
        return "link", "a link inside the source; what it points to is read in its own place"
    return "outside", "the link leads out of the source"
