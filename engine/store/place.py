"""Whether the path of an open database still names the file that is open.

A database that is removed, restored or replaced under an open connection takes every
write and keeps none that anybody will find. POSIX says which file a path names by device
and inode; the files that SQLite keeps beside a database (its log ``-wal`` and that log's
index ``-shm``) belong to one database alone, and are recognised in the same way.

The database itself must never be opened for this: closing any of its descriptors would
drop the locks that SQLite holds on it in this process.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

File = tuple[int, int]

_BESIDE = ("-wal", "-shm")
_PAIR = "-pair"

APART_NS = 30_000_000_000
"""How long after its log a database may be written: a slow disk flushes the log in between."""


def _file(path: str) -> File | None:
    """Return device and inode of a file; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Place:
    """The files of an open database as they were when it was opened.

    Args:
        path: The database's path.
    """

    def __init__(self, path: Path) -> None:
        self._path = os.path.abspath(path)  # the current folder may change
        self._real = os.path.realpath(path)  # a link's log is beside what it points to
        self._file = _file(self._path)
        self._size = 0
        self._changed = 0
        self._beside: dict[str, File] = {}

    def note_beside(self) -> None:
        """Remember the files beside the database, which are there once it has been read."""
        for ending in _BESIDE:
            if (found := _file(self._real + ending)) is not None:
                self._beside[ending] = found
        with contextlib.suppress(OSError):
            self._changed = os.stat(self._path).st_mtime_ns
        _write_pair(self._real, self._file, self._beside.get("-wal"))

    def lost(self) -> str:
        """Return what became of the database; empty where all is in its place."""
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return "it was removed or moved away"
        except OSError as error:
            return f"it can't be looked at ({error.strerror or error})"
        if (found.st_dev, found.st_ino) != self._file:
            return "another file was put in its place"
        if found.st_size < self._size or self._written_over(found):
            return "it was cut short or written over by another program"
        self._size, self._changed = found.st_size, found.st_mtime_ns
        for ending, known in self._beside.items():
            if _file(self._real + ending) != known:
                name = os.path.basename(self._real) + ending
                return f"{name}, which belongs to it, was removed or replaced"
        return ""

    def _written_over(self, found: os.stat_result) -> bool:
        """Return whether something other than SQLite wrote into the database.

        While it is open, SQLite writes into it what it has written into the log right before.
        A copy made over it comes at another time, or brings an earlier time along.
        """
        if found.st_mtime_ns == self._changed or "-wal" not in self._beside:
            return False
        try:
            log = os.stat(self._real + "-wal").st_mtime_ns
        except OSError:
            return False
        later = found.st_mtime_ns - log
        return later > APART_NS or (found.st_mtime_ns < self._changed and later < -APART_NS)

    def tidy(self) -> None:
        """Remove the note once the database is closed and its log is gone with it."""
        if _file(self._real + "-wal") is None:
            with contextlib.suppress(OSError):
                os.unlink(self._real + _PAIR)

    def keep_open(self, raw: Any) -> None:
        """Never let a connection close whose database is not in its place.

        SQLite removes the log of a database that it closes by its name, which by then is that
        of the database in its place. The process's end closes the files without SQLite.
        """
        import ctypes  # what hardly ever happens need not load it

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(raw))


def set_aside_strays(path: Path) -> str:
    """Move a log away that stands beside a database and belongs to another one.

    It is left where a database was restored or removed while finetui was open or after it was
    killed, and SQLite would apply it to the database that is there now. That it is the log of
    another file is known from the note that the last opening made.

    Returns:
        The name that it has now; empty where none was moved.
    """
    name = os.path.realpath(path)
    wal = _file(name + "-wal")
    if wal is None:
        return ""
    try:
        noted = json.loads(Path(name + _PAIR).read_bytes())
        pair = tuple(noted["database"]), tuple(noted["log"])
    except (OSError, ValueError, TypeError, KeyError):
        return ""
    # A folder that was copied whole has another log too, which is the copy's own.
    if pair[1] != wal or pair[0] == _file(name):
        return ""
    return set_aside_log(name)


def set_aside_log(name: str) -> str:
    """Move the log beside a database's name away, and return the name that it has now."""
    aside = ""
    with contextlib.suppress(OSError):
        for ending in _BESIDE:
            if _file(name + ending) is not None:
                free = _free(f"{name}.stray{ending}")
                os.replace(name + ending, free)
                aside = aside or os.path.basename(free)
    return aside


def _free(name: str) -> str:
    number, free = 1, name
    while os.path.exists(free):
        number += 1
        free = f"{name}.{number}"
    return free


def _write_pair(name: str, database: File | None, log: File | None) -> None:
    if database is None or log is None:
        return
    data = json.dumps({"database": database, "log": log}).encode()
    pair = Path(name + _PAIR)
    with contextlib.suppress(OSError):  # without room for it, strays are not recognised
        if pair.is_file() and pair.read_bytes() == data:
            return
        temporary = f"{name}{_PAIR}.{os.getpid()}"
        Path(temporary).write_bytes(data)
        os.chmod(temporary, os.stat(name).st_mode & 0o666)  # who may read the one may the other
        os.replace(temporary, pair)
