"""Files that are made once: whole, under a record of what they were made from."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.bases.template import read_json
from engine.paths import write_atomic
from engine.plain import open_own

# A file's temporary name, or a folder's as tempfile.mkdtemp ends it.
_HALF_WRITTEN = re.compile(r"\.(.+)\.(\d+)\.(?:tmp|tmp\.tokens|\w{8})")
# Between the clock of a disk and that of the processes.
_CLOCKS_S = 2.0


def temporary_name(path: Path) -> Path:
    """Return the name beside a file under which it is written."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def record_of(path: Path) -> Path:
    """Return where it is kept what a file was made from."""
    return path.with_name(path.name + ".json")


def boot() -> str:
    """Return an id of the time since the machine was started; empty where it has none.

    What was written in another may not have reached the disk.
    """
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def is_made(path: Path, key: str) -> bool:
    """Say whether a file is there, whole, and was made from ``key``."""
    try:
        record = json.loads(record_of(path).read_text("utf-8"))
        if record.pop("boot", boot()) != boot():
            return False
        record.pop("kept", None)
        return bool(record == {"v": 1, "key": key, "bytes": path.stat().st_size})
    except (OSError, ValueError, AttributeError):
        return False


def is_whole(path: Path) -> bool:
    """Say whether a file is there, whole, with the record of what it was made from."""
    try:
        record = json.loads(record_of(path).read_text("utf-8"))
        return bool(record["v"] == 1 and record["bytes"] == path.stat().st_size)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False


def make(path: Path, key: str, build: Callable[[Path], None], *, flushed: bool = True) -> None:
    """Make a file unless it is there already.

    Args:
        path: The file.
        key: What it is made from; another key makes it anew.
        build: Writes it to the temporary name that it is given.
        flushed: Whether it is on the disk when this returns. One that is read soon and removed
            need not be: its record counts until the machine is started anew.
    """
    if is_made(path, key):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    forget(path)
    clear_abandoned(path.parent, path.name)
    temporary = temporary_name(path)
    try:
        build(temporary)
        if flushed:
            place(temporary, path)
        else:
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    record: dict[str, object] = {"v": 1, "key": key, "bytes": path.stat().st_size}
    if not flushed:
        record["boot"] = boot()
    write_atomic(record_of(path), json.dumps(record).encode())


def keep(path: Path) -> None:
    """Note of a file that was made that it was kept on request, and have it on the disk."""
    record = read_json(record_of(path))
    if record and record.get("kept") is not True:
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
        record.pop("boot", None)
        write_atomic(record_of(path), json.dumps(record | {"kept": True}).encode())


def is_kept(path: Path) -> bool:
    """Say whether a file that was made is there and was kept on request."""
    return path.is_file() and read_json(record_of(path)).get("kept") is True


def forget(path: Path) -> None:
    """Remove a file that was made, and its record."""
    record_of(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def clear_abandoned(folder: Path, name: str = "") -> None:
    """Remove files and folders that were half written by a process that is gone.

    Args:
        folder: Where they are.
        name: What they would have become; all of them unless given.
    """
    for left in folder.glob(f".{glob.escape(name)}.*" if name else ".*"):
        match = _HALF_WRITTEN.fullmatch(left.name)
        if match is None or (name and match[1] != name) or _is_written(left, int(match[2])):
            continue
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _is_written(left: Path, pid: int) -> bool:
    """Say whether a process lives that may be writing; one that is younger has only its number."""
    import psutil

    try:
        began = psutil.Process(pid).create_time()
        return began <= left.lstat().st_mtime + _CLOCKS_S
    except (psutil.NoSuchProcess, FileNotFoundError):
        return False
    except psutil.Error:
        return True


def place(temporary: Path, path: Path) -> None:
    """Flush a finished file to the disk and give it its name."""
    with temporary.open("rb") as handle:
        os.fsync(handle.fileno())
    temporary.replace(path)


@contextlib.contextmanager
def locked(path: Path, *, wait: Callable[[], None]) -> Iterator[None]:
    """Hold a lock while shared files are made. The kernel frees it when the process ends.

    Args:
        path: The lock's file.
        wait: Called before each new try; it sleeps a little, and may raise to give up.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = open_own(path.parent, path.name, os.O_RDWR | os.O_CREAT)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                wait()
        yield
    finally:
        os.close(handle)
