"""Which process a job is, and whether this machine's process table shows it.

A process number alone says little, since numbers are used again. A job is known
by its number, the moment that process began, the boot that it began in, and the
namespace that the number was given in, for a container counts from 1 again.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from engine.errors import FinetuiError
from engine.paths import write_atomic
from engine.plain import read_plain

PROCESS_FILE = "process.json"
EXIT_FILE = "exit.json"


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """The identity of a job's process.

    ``start_time`` is on the clock that counts from boot, in seconds, where the
    system has one; ``launched_at`` is seconds since the epoch. ``pid_namespace``
    names where the number was given, empty where the system has one for all;
    ``lock`` is how the job holds its folder, see :mod:`engine.runs.hold`.
    """

    pid: int
    start_time: float
    boot_id: str
    launched_at: float
    host: str = ""
    pid_namespace: str = ""
    lock: str = ""


def boot_id() -> str:
    """Return what names this boot of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return str(int(psutil.boot_time()))


def pid_namespace() -> str:
    """Return what names the namespace that this process's number was given in (namespaces(7))."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class _Life:
    start_time: float
    ended: bool


def _look(pid: int) -> _Life | None:
    """Return when a process began and whether it is only a zombie; None where it is gone.

    On Linux this is field 22 of ``/proc/PID/stat`` (proc(5)), since psutil's
    ``create_time`` adds the boot time, which moves when the clock is set.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _look_portably(pid)
    except OSError:  # it ended while it was being read
        return None
    # The command's name stands in parentheses and may hold spaces and parentheses itself.
    fields = stat.rpartition(")")[2].split()
    began = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return _Life(start_time=began, ended=fields[0] in ("Z", "X"))


def _look_portably(pid: int) -> _Life | None:
    try:
        process = psutil.Process(pid)
        ended = process.status() == psutil.STATUS_ZOMBIE
        return _Life(start_time=process.create_time(), ended=ended)
    except psutil.Error:
        return None


def identify(pid: int) -> ProcessInfo | None:
    """Return the identity of a process, one that ended but was not reaped included."""
    life = _look(pid)
    if life is None:
        return None
    return ProcessInfo(
        pid=pid,
        start_time=life.start_time,
        boot_id=boot_id(),
        launched_at=round(time.time(), 3),
        host=socket.gethostname(),
        pid_namespace=pid_namespace(),
    )


def write_process(directory: Path, info: ProcessInfo) -> None:
    """Write down which process a job is."""
    write_atomic(directory / PROCESS_FILE, json.dumps(asdict(info)).encode() + b"\n")


def read_process(directory: Path) -> ProcessInfo | None:
    """Return which process a job is or was, or None where it was never launched."""
    try:
        value = json.loads(read_plain(directory / PROCESS_FILE))
        return ProcessInfo(
            pid=int(value["pid"]),
            start_time=float(value["start_time"]),
            boot_id=str(value["boot_id"]),
            launched_at=float(value.get("launched_at", 0.0)),
            host=str(value.get("host", "")),
            pid_namespace=str(value.get("pid_namespace", "")),
            lock=str(value.get("lock", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def same_start(one: float, other: float) -> bool:
    """Say whether two start times are the same moment; they are kept to a hundredth of a second."""
    return abs(one - other) < 0.02


def same_process(info: ProcessInfo) -> bool:
    """Say whether the process with this identity is seen to live here. A zombie does not."""
    _reap(info.pid)
    if info.boot_id != boot_id() or info.pid_namespace not in ("", pid_namespace()):
        return False
    life = _look(info.pid)
    return life is not None and not life.ended and same_start(life.start_time, info.start_time)


def is_job(info: ProcessInfo, directory: Path) -> bool:
    """Say whether a process is a job of this folder, as its command line tells.

    ``process.json`` may come from anybody, and name any process: one of another user, or one that
    was not started as :func:`engine.runs.launcher.launch` does for this very folder, is no job.
    """
    try:
        process = psutil.Process(info.pid)
        if process.uids().effective != os.geteuid():
            return False
        words = process.cmdline()
        if "-m" not in words:
            return False
        # python -P -m MODULE FOLDER …
        rest = words[words.index("-m") + 2 :]
        # The folder may have been moved meanwhile; the job stands in it all the same.
        return bool(rest) and any(
            _is_folder(Path(where), directory) for where in (rest[0], process.cwd())
        )
    except (psutil.Error, OSError, ValueError):
        return False


def _is_folder(one: Path, directory: Path) -> bool:
    try:
        return one.is_absolute() and one.samefile(directory)
    except OSError:
        return False


def same_identity(one: ProcessInfo, other: ProcessInfo) -> bool:
    """Say whether two records are of one process; one that names no namespace fits any."""
    namespaces = {one.pid_namespace, other.pid_namespace} - {""}
    same_number = one.pid == other.pid and one.boot_id == other.boot_id and len(namespaces) < 2
    return same_number and same_start(one.start_time, other.start_time)


# Children that this very process launched, and their folders. They are kept, because a dropped
# Popen warns, and asked, because a child that ended stays a zombie until it is.
_children: dict[int, tuple[subprocess.Popen[bytes], Path]] = {}
_children_lock = threading.Lock()


def adopt(child: subprocess.Popen[bytes], directory: Path) -> None:
    """Remember a launched child, so that it is reaped when it ends, and how it ended is kept."""
    with _children_lock:
        for pid in list(_children):
            _forget_ended(pid)
        _children[child.pid] = (child, directory)


def is_child(info: ProcessInfo) -> bool:
    """Say whether this very process launched a process and has not seen it end.

    It stays known while it leaves: a process gives up its command line, then its locks, and is
    still there for a moment.
    """
    with _children_lock:
        return info.pid in _children


def read_exit(directory: Path, info: ProcessInfo) -> int | None:
    """Return how a job's process ended: its status, or the negative number of the signal.

    None where nobody saw it: only the process that launched a job learns it, if it still runs.
    """
    try:
        value = json.loads(read_plain(directory / EXIT_FILE))
        same = int(value["pid"]) == info.pid and float(value["at"]) >= info.launched_at
        return int(value["status"]) if same else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _reap(pid: int) -> None:
    with _children_lock:
        _forget_ended(pid)


def _forget_ended(pid: int) -> None:
    child, directory = _children.get(pid, (None, None))
    if child is None or directory is None or child.poll() is None:
        return
    del _children[pid]
    said = {"v": 1, "pid": pid, "status": child.returncode, "at": round(time.time(), 3)}
    if directory.is_dir():
        with contextlib.suppress(OSError, FinetuiError):  # a full disk keeps it to itself
            write_atomic(directory / EXIT_FILE, json.dumps(said).encode() + b"\n")
