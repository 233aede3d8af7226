"""Whether a workspace that had a database still has one.

SQLite makes a database where there is none. In the place of one that was removed or cut to
nothing that would be an empty workspace, which looks sound. Whether there was one is told by
a note that the first opening leaves beside it, and by what only a workspace with a database has.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from engine.errors import DatabaseGone
from engine.paths import shell_path, shorten
from engine.store.place import set_aside_log

_MADE = "-made"
_BESIDE = ("-pair", "-wal", "-shm", ".stray-wal")
_RESULTS = ("datasets", "runs")


def require_present(path: Path) -> None:
    """Raise where a workspace's database is missing or empty, and there was one.

    Args:
        path: The database in the workspace's folder.

    Raises:
        DatabaseGone: There was one.
    """
    # Looked at once more: another process may make the first one in this moment.
    if _is_there(path) or not any(_traces(path)) or _is_there(path):
        return
    what = "is empty" if path.exists() else "is gone"
    backups = sorted((one.name for one in path.parent.glob(f"{path.name}*.bak")), reverse=True)
    words = f" ({', '.join(backups)})" if backups else ""
    raise DatabaseGone(
        f"the database of this workspace {what}: {shorten(path)}",
        hint=f"put a backup in its place{words}, or begin with an empty one: "
        f"finetui init {shell_path(path.parent)}",
    )


def note_made(path: Path) -> None:
    """Leave a note beside a database that there is one; without room for it none is left."""
    note = path.with_name(path.name + _MADE)
    with contextlib.suppress(OSError):
        if not note.exists():
            note.write_text("There is a database beside this file; if not, it was removed.\n")
            os.chmod(note, path.stat().st_mode & 0o666)  # who may read the one may the other


def begin_anew(path: Path) -> str:
    """Make room for a new database where the old one is missing or empty.

    Returns:
        The name that the old one's log was put aside under; empty where there was none.
    """
    return "" if _is_there(path) else set_aside_log(os.path.realpath(path))


def _is_there(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError:
        return True  # opening it says what is wrong


def _traces(path: Path) -> Iterator[Path]:
    for ending in (_MADE, *_BESIDE):
        if (found := path.with_name(path.name + ending)).exists():
            yield found
    yield from path.parent.glob(f"{path.name}*.bak")
    for name in _RESULTS:
        with contextlib.suppress(OSError):
            yield from (path.parent / name).iterdir()
