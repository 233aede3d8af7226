"""What the system, SQLite and Python itself raise, as failures with names.

The command line, the children and the app end here with whatever no stage has named. A message
never quotes what was read: texts are private, and paths are all that a person needs.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.errors import (
    AccessRefused,
    DependencyMissing,
    DiskFull,
    FinetuiError,
    LimitReached,
    MemoryShort,
    PathUnusable,
    SystemFailure,
    Unexpected,
    WorkspaceDamaged,
    WorkspaceError,
    WorkspaceLocked,
)
from engine.log import log_exception, log_file
from engine.paths import shell_path, shorten

_FREE = "free some space and try again; what was stored before is safe"
_MAY = "check who may read and write it, with: ls -ld {path}"
_SHELL = "this shell sets it; look at: ulimit -a"

_BY_NUMBER: dict[int, tuple[type[FinetuiError], str, str]] = {
    errno.ENOSPC: (DiskFull, "no room is left on the disk", _FREE),
    errno.EDQUOT: (DiskFull, "the disk quota is used up", _FREE),
    errno.EROFS: (AccessRefused, "the file system is read-only", "choose a folder on another one"),
    errno.EACCES: (AccessRefused, "permission denied", _MAY),
    errno.EPERM: (AccessRefused, "the system does not permit it", _MAY),
    errno.ENOENT: (PathUnusable, "no such file or folder", "check the path's spelling"),
    errno.ENOTDIR: (PathUnusable, "a file is in the place of a folder", "move the file away"),
    errno.EISDIR: (PathUnusable, "a folder is in the place of a file", "move the folder away"),
    errno.EEXIST: (PathUnusable, "something is in its place already", "move it away"),
    errno.ENAMETOOLONG: (PathUnusable, "the name is too long", "choose a shorter path"),
    errno.ELOOP: (PathUnusable, "its symbolic links go in a circle", "remove the link"),
    errno.EMFILE: (LimitReached, "too many files are open", "raise the limit with: ulimit -n 4096"),
    errno.ENFILE: (LimitReached, "too many files are open on this machine", "end other programs"),
    errno.EFBIG: (LimitReached, "a file may not grow that large here", _SHELL),
    errno.EAGAIN: (LimitReached, "no further process or thread may start", _SHELL),
    errno.ENOMEM: (MemoryShort, "there is not enough memory", "end other programs and try again"),
    errno.EIO: (SystemFailure, "the device reports an error", "copy the data to another disk"),
    errno.ESTALE: (SystemFailure, "the network folder was replaced", "mount it again"),
    errno.ENOTCONN: (SystemFailure, "the network folder is not connected", "mount it again"),
}


OF_THE_PATH = frozenset(
    (
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ENAMETOOLONG,
        errno.ELOOP,
    )
)
"""Errors for which another path is the remedy."""


def named(error: BaseException) -> FinetuiError:
    """Return a failure with a name for anything that was raised.

    One that nothing is known of goes to the log with its traceback, and its message
    gives the kind alone.
    """
    if isinstance(error, FinetuiError):
        return error
    if isinstance(error, OSError):
        return _of_system(error)
    if isinstance(error, MemoryError):
        return MemoryShort(
            "there is not enough memory", hint="end other programs, or take less at once"
        )
    database = sys.modules.get("sqlite3")
    if database is not None and isinstance(error, database.Error):
        found = _of_database(error)
        if found is not None:
            return found
    log_exception(error, "unexpected")
    if isinstance(error, UnicodeError):
        return SystemFailure(
            f"a text can't be written as {getattr(error, 'encoding', 'the encoding')} here",
            hint="use a UTF-8 locale, as with: export LC_ALL=C.UTF-8",
        )
    if isinstance(error, ImportError) and speaks_of_memory(str(error)):
        return MemoryShort("there is not enough memory to load a package", hint=_SHORT)
    if isinstance(error, ImportError):
        part = error.name or "a package"
        return DependencyMissing(
            f"{part} can't be loaded: {type(error).__name__}", hint="look at: finetui doctor"
        )
    if isinstance(error, RecursionError):
        return Unexpected("something is nested too deeply", hint=_details())
    return Unexpected(f"something unexpected happened: {type(error).__name__}", hint=_details())


_OF_MEMORY = (
    "memory allocation of",
    "OpenBLAS error: Memory allocation",
    "failed to map segment",
    "Cannot allocate memory",
    "can't allocate memory",
    "MemoryError",
    "std::bad_alloc",
)
_SHORT = "end other programs, or take less at once; a limit of this shell shows in: ulimit -v"


def speaks_of_memory(text: str) -> bool:
    """Say whether what a library printed or raised means that it got no memory."""
    return any(words in text for words in _OF_MEMORY)


def of_child(what: str, status: int, printed: str) -> FinetuiError | None:
    """Return why a subprocess ended, where a signal or what it printed tells.

    Args:
        what: What the subprocess did.
        status: Its status, as :mod:`subprocess` has it: below zero it is a signal's number.
        printed: Its last lines.
    """
    if speaks_of_memory(printed):
        return MemoryShort(f"there is not enough memory for {what}", hint=_SHORT)
    if status >= 0:
        return None
    if status == -signal.SIGKILL:
        return MemoryShort(
            f"the system ended {what}, most likely for want of memory",
            hint="close other programs, or take less at once",
        )
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = str(-status)
    return SystemFailure(f"{what} was ended by signal {name}", hint="look at: finetui doctor")


def require_address_space(arguments: Sequence[str]) -> None:
    """Refuse early what this shell's limit of memory would only let crash.

    Libraries for tokens and numbers abort the process where they get no memory, so that nothing
    is left to name it.

    Args:
        arguments: The words after the command's name.

    Raises:
        LimitReached: The verb loads such libraries, and the limit is below
            :data:`LEAST_ADDRESS_SPACE`.
    """
    if not arguments or arguments[0] not in _HEAVY or "--help" in arguments:
        return
    import resource

    least = LEAST_ADDRESS_SPACE // 1024
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY or limit >= LEAST_ADDRESS_SPACE:
        return
    raise LimitReached(
        f"this shell lets a process have {limit // 1024:,} KiB of memory; "
        f"{arguments[0]} needs {least:,} or more",
        hint=f"raise the limit with: ulimit -v {least}, or: ulimit -v unlimited",
    )


LEAST_ADDRESS_SPACE = 500_000 * 1024
"""Bytes of address space that a verb which loads libraries for tokens or numbers needs."""

_HEAVY = frozenset(
    (
        "check",
        "redact",
        "dedup",
        "dataset",
        "demo",
        "train",
        "export",
        "chat",
        "compare",
        "questions",
    )
)


def _details() -> str:
    try:
        return f"the details are in {shell_path(log_file())}"
    except FinetuiError:  # nobody has a home here, and so no log
        return "set HOME, and try again: the details then go to a log"


def _of_system(error: OSError) -> FinetuiError:
    known = _BY_NUMBER.get(error.errno or 0)
    if known is None:
        log_exception(error, "an error of the system")
        reason = error.strerror or type(error).__name__
        known = (SystemFailure, reason, "")
    kind, reason, hint = known
    path = _path(error)
    hint = hint.format(path=shell_path(path)) if path else hint.partition(", with: ")[0]
    return kind(f"{shorten(path, 60)}: {reason}" if path else reason, hint=hint)


def _path(error: OSError) -> str:
    """Return the path that an error is about; empty where it names none."""
    for name in (error.filename2, error.filename):
        if isinstance(name, str | bytes) and name:
            return os.fsdecode(name)
        if isinstance(name, Path):
            return str(name)
    return ""


def _of_database(error: Exception) -> FinetuiError | None:
    """Return the name of an error of a database that no store has named, if it has one."""
    import sqlite3

    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return DiskFull("no room is left on the disk", hint=_FREE)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return WorkspaceLocked(
            "another process is writing to the database",
            hint="wait for it to finish, or end it, and try again",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return WorkspaceDamaged("a database is damaged", hint="put a backup in its place")
    if code in (
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_IOERR,
    ):
        return WorkspaceError(
            f"a database can't be used: {error}",
            hint="check that you may read and write the file and its folder",
        )
    return None
