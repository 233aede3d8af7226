"""One run folder, one process: a lock on a file of the folder, held for the job's whole life.

The lock belongs to an open file (``F_OFD_SETLK``, Linux 3.15), not to a process: the launcher
takes it and hands the open file to the job that it starts, so there is no moment in between in
which a second job could begin. It is seen from other containers of the machine, and through NFS
from other hosts, where process numbers tell nothing. Looking at it never takes it. Where a file
system has no such locks, ``flock`` does; where it has neither, only the heartbeat is left.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from pathlib import Path

from engine.errors import PathUnusable
from engine.plain import open_own, open_plain

LOCK_FILE = "run.lock"
INHERITED = "FINETUI_RUN_LOCK"
"""The variable that names the open lock file which a launched job inherits."""

_BUSY = (errno.EAGAIN, errno.EACCES)
# struct flock: l_type, l_whence, l_start, l_len, l_pid (fcntl(2)); l_len 0 is the whole file.
_FLOCK = "hhqqi4x"


class Held(Exception):
    """Another process holds the lock."""


class Hold:
    """A lock that this process holds.

    ``kind`` is ``ofd`` or ``flock``, or empty where the file system knows neither.
    """

    def __init__(self, path: Path, handle: int, kind: str) -> None:
        self.path = path
        self.handle = handle
        self.kind = kind

    def touch(self) -> None:
        """Set the file's time to now, which others read as a sign of life.

        It takes no room, so it works on a full disk too. A file that was removed or replaced
        meanwhile, as tools do that synchronise folders, is locked anew.

        Raises:
            Held: Another process holds the file that is there now.
        """
        if self.handle < 0:
            return
        with contextlib.suppress(OSError, PathUnusable):
            if not _is_at(self.handle, self.path):
                handle = _open(self.path)
                try:
                    self.kind = _lock(handle)
                except BaseException:
                    os.close(handle)
                    raise
                self.handle, replaced = handle, self.handle
                os.close(replaced)
            os.utime(self.handle)

    def close(self) -> None:
        """Let go, unless a process that inherited the file holds on; again does nothing."""
        handle, self.handle = self.handle, -1
        if handle >= 0:
            os.close(handle)


def take(directory: Path) -> Hold:
    """Take the lock of a job's folder, or go on with the one that the launcher took for us.

    Raises:
        Held: Another process holds it.
        PathUnusable: Something else has its name.
        OSError: The lock file can't be made.
    """
    path = directory / LOCK_FILE
    inherited = _inherited(path)
    if inherited is not None:
        return inherited
    handle = _open(path)
    try:
        kind = _lock(handle)
        os.utime(handle)
    except BaseException:
        os.close(handle)
        raise
    return Hold(path, handle, kind)


def is_held(directory: Path, kind: str) -> bool:
    """Say whether a process holds the lock of a job's folder.

    Args:
        directory: The job's folder.
        kind: How it was locked, as ``process.json`` says.
    """
    try:
        with open_plain(directory / LOCK_FILE) as file:
            return _is_locked(file.fileno(), kind)
    except OSError:
        return False


def _inherited(path: Path) -> Hold | None:
    word = os.environ.pop(INHERITED, "")  # not for the job's own children
    number, _, kind = word.partition(":")
    if not number.isdigit():
        return None
    handle = int(number)
    try:
        if not _is_at(handle, path):
            return None
    except OSError:
        return None
    os.set_inheritable(handle, False)
    return Hold(path, handle, kind)


def _open(path: Path) -> int:
    return open_own(path.parent, path.name, os.O_RDWR | os.O_CREAT)


def _is_at(handle: int, path: Path) -> bool:
    """Say whether an open file is the one that has a name now."""
    here = os.fstat(handle)
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def _request(kind: int) -> bytes:
    return struct.pack(_FLOCK, kind, os.SEEK_SET, 0, 0, 0)


def _lock(handle: int) -> str:
    if hasattr(fcntl, "F_OFD_SETLK"):
        try:
            fcntl.fcntl(handle, fcntl.F_OFD_SETLK, _request(fcntl.F_WRLCK))
        except OSError as error:
            if error.errno in _BUSY:
                raise Held from error
        else:
            return "ofd"
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _BUSY:
            raise Held from error
        return ""
    return "flock"


def _is_locked(handle: int, kind: str) -> bool:
    if kind != "flock" and hasattr(fcntl, "F_OFD_GETLK"):
        try:
            answer = fcntl.fcntl(handle, fcntl.F_OFD_GETLK, _request(fcntl.F_WRLCK))
        except OSError:
            return False
        return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in _BUSY
    return False
