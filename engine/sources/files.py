"""Files of a source: found, opened for reading only, and decoded, or refused with a reason."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.models import Skipped
from engine.sources.base import OnSkip

MAX_TEXT_BYTES = 10_000_000
"""The largest note, and the longest line of a JSONL file, in bytes."""

MAX_JSON_BYTES = 1_000_000_000
"""The largest JSON file that is read as a whole."""

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


class Refused(Exception):
    """A file or a part of it that can't be read; ``code`` and ``reason`` go into a Skipped."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def visible(name: str) -> str:
    r"""Return a file name as text that can be stored: bytes that are not UTF-8 become ``\xNN``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def relative(path: Path, root: Path) -> str:
    """Return a path below a root with ``/`` between its parts; its name for the root itself."""
    if path == root:
        return visible(root.name)
    return visible(path.relative_to(root).as_posix())


def refusal(error: OSError) -> Refused:
    """Return the refusal that an operating system's error means."""
    if isinstance(error, PermissionError):
        return Refused("unreadable", "no permission to read it")
    if isinstance(error, FileNotFoundError):
        return Refused("unreadable", "it went away while the source was being read")
    return Refused("unreadable", f"it can't be opened: {error.strerror or error}")


def is_lfs_pointer(data: bytes) -> bool:
    """Say whether a file holds not its content but where Git LFS keeps it."""
    return data.startswith(_LFS_POINTER)


def read_bytes(path: Path, *, limit: int = MAX_TEXT_BYTES) -> bytes:
    """Read a file.

    Raises:
        Refused: It can't be opened, is too large, or is a Git LFS pointer.
    """
    try:
        with path.open("rb") as handle:
            # Python sets aside the whole size that is asked for, so ask for no more than there is.
            size = os.fstat(handle.fileno()).st_size
            data = handle.read(min(size, limit) + 1)
    except OSError as error:
        raise refusal(error) from error
    if len(data) > limit:
        raise Refused("too-large", f"it is larger than {limit // 1_000_000:,} MB")
    if is_lfs_pointer(data):
        raise Refused(
            "lfs-pointer",
            "a Git LFS pointer stands in the file's place; fetch it with: git lfs pull",
        )
    return data


def decode(data: bytes) -> str:
    r"""Decode UTF-8 with or without a byte order mark; every line ends in ``\n`` afterwards.

    Raises:
        Refused: The bytes are another encoding, or no text.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("not-utf8", "it is UTF-16; save it as UTF-8")
    if b"\x00" in data:
        raise Refused("binary", "it holds binary data")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Refused(
            "not-utf8", f"it is not UTF-8: byte {data[error.start]:#04x} in line {line}"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def walk(
    root: Path,
    *,
    on_skip: OnSkip,
    source_id: str = "",
    skip_folder: Callable[[str], tuple[str, str] | None] = lambda _: None,
) -> Iterator[Path]:
    """Yield the regular files below a folder, in a stable order.

    Links are not followed: what they point to inside the folder is read in its own
    place, and what lies outside is not part of the source. Hidden files and
    folders are left out. Each thing left out is reported.

    Args:
        root: The folder; for a file, the file itself is yielded.
        on_skip: Called with each thing left out.
        source_id: The id that those carry.
        skip_folder: Given a folder's path below the root, returns the code and reason
            with which its files are left out, or None to go in.
    """
    if not root.is_dir():
        yield root
        return
    pending: list[tuple[Path, tuple[str, str] | None]] = [(root, None)]

    def skip(path: Path, code: str, reason: str, tail: str = "") -> None:
        on_skip(Skipped(source_id, relative(path, root) + tail, 0, code, reason))

    while pending:
        folder, refused = pending.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            why = refusal(error)
            skip(folder, why.code, why.reason, "/")
            continue
        below: list[tuple[Path, tuple[str, str] | None]] = []
        for entry in entries:
            path = folder / entry.name
            if entry.is_symlink():
                skip(path, *_link(path, root))
            elif entry.name.startswith("."):
                folder_mark = "/" if entry.is_dir(follow_symlinks=False) else ""
                skip(path, "hidden", "its name begins with a dot", folder_mark)
            elif entry.is_dir(follow_symlinks=False):
                below.append((path, refused or skip_folder(relative(path, root))))
            elif not _is_regular(entry):
                skip(path, "not-a-file", "it is a pipe, socket or device")
            elif refused:
                skip(path, *refused)
            else:
                yield path
        pending.extend(reversed(below))


def _is_regular(entry: os.DirEntry[str]) -> bool:
    try:
        return stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)
    except OSError:
        # Opening it will fail too, and that failure is reported with its reason.
        return True


def _link(path: Path, root: Path) -> tuple[str, str]:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "broken-link", "the link leads nowhere, or round in a circle"
    if target == root or root in target.parents:
        return "link", "a link inside the source; what it points to is read in its own place"
    return "outside", "the link leads out of the source"
