"""Plain files in folders that anybody may have made.

In a workspace of somebody else a link in a file's place would lead what finetui writes to any file
of its user, and a pipe would keep whoever opens it waiting for ever. What finetui keeps in such a
folder is opened here: read only where it is a file, and written only where no link is on the way.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from engine.errors import PathUnusable
from engine.paths import shell_path, shorten

LARGEST = 4 << 20
"""The most bytes of a file that is read whole."""

_ENTER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
    stat.S_IFSOCK: "a socket",
}
# A pipe that nobody reads, a link, a folder, a device without a driver.
_NOT_PLAIN = (errno.ENXIO, errno.ELOOP, errno.EMLINK, errno.ENOTDIR, errno.EISDIR, errno.ENODEV)


def open_plain(path: Path) -> BinaryIO:
    """Open a file to read it; anything else that has the name is not waited for.

    Raises:
        OSError: It can't be opened, or is no file.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return os.fdopen(handle, "rb")


def read_plain(path: Path, largest: int = LARGEST) -> bytes:
    """Return what a small file holds.

    Args:
        path: The file.
        largest: The most bytes that it may have.

    Raises:
        OSError: It can't be read, is no file, or is larger.
    """
    with open_plain(path) as file:
        if os.fstat(file.fileno()).st_size > largest:
            raise OSError(errno.EFBIG, f"it has more than {largest:,} bytes", str(path))
        return file.read()


def open_own(folder: Path, name: str, flags: int, mode: int = 0o666) -> int:
    """Open a file of a folder to write it, without following a link on the way from the folder.

    Args:
        folder: The folder; it is taken as it is named.
        name: The file below it, with slashes for the folders in between.
        flags: As ``os.open`` takes them.
        mode: The mode of a file that is made.

    Returns:
        The open file, which child processes don't inherit.

    Raises:
        PathUnusable: A link, a pipe, a device or a folder has the name.
        OSError: It can't be opened.
    """
    *between, last = name.split("/")
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in between:
            inner = os.open(part, _ENTER, dir_fd=at)
            os.close(at)
            at = inner
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        handle = os.open(last, flags, mode, dir_fd=at)
    except OSError as error:
        if error.errno not in _NOT_PLAIN:
            raise
        for depth in range(len(between)):
            check_plain(folder, "/".join(between[: depth + 1]), is_folder=True)
        raise not_plain(folder / name) from error
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise not_plain(folder / name)
    return handle


def check_plain(folder: Path, name: str, *, is_folder: bool = False) -> None:
    """Raise unless a name in a folder is free, or is a plain file's.

    Args:
        folder: The folder.
        name: The file's name in it.
        is_folder: Whether it has to be a folder's.

    Raises:
        PathUnusable: A link or something else has the name.
    """
    try:
        found = os.lstat(folder / name).st_mode
    except OSError:
        return
    if not (stat.S_ISDIR(found) if is_folder else stat.S_ISREG(found)):
        raise not_plain(folder / name, "folder" if is_folder else "file")


def links_and_others(folder: Path, *, but: str) -> Iterator[tuple[Path, bool]]:
    """Yield what is in a folder, at any depth, besides files and folders.

    Args:
        folder: The folder.
        but: How the names of folders begin that are left out.

    Yields:
        The path, and whether it is a link to a file, to a folder or to nothing; else it is a pipe,
        a socket or a device, or a link to one.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda one: one.name)
    except OSError:
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.is_symlink():
            yield path, _leads_to_plain(path)
        elif entry.is_dir():
            if not entry.name.startswith(but):
                yield from links_and_others(path, but=but)
        elif not entry.is_file():
            yield path, False


def not_plain(path: Path, wanted: str = "file") -> PathUnusable:
    """Return the refusal to use what stands in a file's place."""
    try:
        what = _KINDS.get(stat.S_IFMT(os.lstat(path).st_mode), "a device")
    except OSError:
        what = "gone"
    return PathUnusable(
        f"{shorten(path, 80)} is {what}, and not a {wanted} of its own",
        hint=f"nothing is written there; look at it, and move it away: {shell_path(path)}",
    )


def _leads_to_plain(link: Path) -> bool:
    try:
        mode = link.stat().st_mode
    except OSError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)
