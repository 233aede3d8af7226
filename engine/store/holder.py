"""Which process holds a workspace: what a person who waits wants to know.

Linux alone tells, in ``/proc/locks``. SQLite's writer holds byte 120 of the WAL index, or,
where there is no WAL, the reserved byte of the database (sqlite.org/walformat.html, "WAL
locks", and ``PENDING_BYTE`` in sqlite.org/lockingv3.html).
"""

from __future__ import annotations

import os
from pathlib import Path

_WAL_WRITER = 120
_RESERVED = 0x40000000 + 1


def holder(path: Path) -> str:
    """Return the process that writes to a database, ``python 4711``; empty if unknown.

    Args:
        path: The database.
    """
    try:
        locks = Path("/proc/locks").read_text("ascii")
        places = {
            file.stat().st_ino: byte
            for file, byte in ((Path(f"{path}-shm"), _WAL_WRITER), (path, _RESERVED))
            if file.exists()
        }
    except (OSError, UnicodeDecodeError):
        return ""
    for line in locks.splitlines():
        # 1: POSIX  ADVISORY  WRITE 4711 08:01:1234 120 120; "->" marks one that waits.
        fields = line.split()
        if len(fields) != 8 or fields[3] != "WRITE" or not fields[7].isdecimal():
            continue
        # By inode alone: some file systems show another device to stat than to the lock.
        byte = places.get(int(fields[5].rpartition(":")[2]))
        pid = int(fields[4])
        if byte is None or not int(fields[6]) <= byte <= int(fields[7]) or pid == os.getpid():
            continue
        return _name(pid) if pid > 0 else ""
    return ""


def _name(pid: int) -> str:
    try:
        name = Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
    except OSError:
        return str(pid)
    return f"{name} {pid}"
