"""Whether a job lives, here or where this machine's process table does not show it.

A container counts processes for itself, and a shared folder is written by other hosts. There
the lock on the job's folder tells, and where it reaches no further than this machine, the time
of the last sign of life.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import RunActive, RunElsewhere
from engine.plain import open_plain
from engine.runs.events import EVENTS_FILE
from engine.runs.hold import LOCK_FILE, is_held
from engine.runs.hung import age_words
from engine.runs.process import (
    ProcessInfo,
    boot_id,
    is_child,
    is_job,
    pid_namespace,
    read_process,
    same_process,
)

PATIENCE_S = 60.0
"""How long a job elsewhere may be silent before it counts as gone.

It gives a sign every 2 s; an NFS client may show a file's time up to a minute late.
"""

GOING_S = 20.0
"""How long a process that has ended its work may take to be gone."""

_LOOK_S = 0.1
_SKEW_MATTERS_S = 1.0
_SKEW_HOLDS_S = 300.0


@dataclass(frozen=True, slots=True)
class Life:
    """Where a job's process lives, as far as this machine can tell.

    ``heard_at`` is when it gave its last sign of life, in seconds since the epoch by this
    machine's clock; 0 where this machine knows without it. ``host`` is the machine that it
    runs or ran on, empty for a process that this machine's process table shows. ``locked``
    says that it holds its folder.
    """

    where: Literal["here", "elsewhere", "gone"]
    host: str = ""
    heard_at: float = 0.0
    locked: bool = False

    @property
    def alive(self) -> bool:
        """Whether the job may be running."""
        return self.where != "gone"


def look(directory: Path, info: ProcessInfo | None = None) -> Life:
    """Say where a job lives.

    Args:
        directory: The job's folder.
        info: Its ``process.json``, if that was read already.
    """
    info = info or read_process(directory)
    # Records of earlier versions name no lock; they are believed, and sent no signal unseen.
    known = info is not None and same_process(info)
    if info is not None and known and (not info.lock or is_child(info) or is_job(info, directory)):
        return Life("here", locked=bool(info.lock))
    if is_held(directory, info.lock if info is not None else ""):
        host = info.host if info is not None else ""
        return Life("elsewhere", host or "another machine", heard_at(directory), locked=True)
    if info is None or not counted_elsewhere(info):
        return Life("gone")
    if info.lock and info.boot_id == boot_id():
        return Life("gone", info.host)  # on one machine the lock would show
    heard = heard_at(directory)
    silent = time.time() - heard > PATIENCE_S
    return Life("gone" if silent else "elsewhere", info.host, heard)


def to_signal(directory: Path, info: ProcessInfo | None) -> bool:
    """Say whether a job's process may be sent a signal: it is seen here, and is this job.

    A job that holds its folder is known by that too: where nobody holds it, the job is gone.
    """
    return (
        info is not None
        and same_process(info)
        and is_job(info, directory)
        and (not info.lock or is_held(directory, info.lock))
    )


def is_alive(directory: Path) -> bool:
    """Say whether a job may be running, here or elsewhere."""
    return look(directory).alive


def wait_until_gone(directory: Path, patience_s: float = GOING_S) -> bool:
    """Wait a little for a process that has said its last word and is not quite gone.

    Returns:
        Whether it is gone.
    """
    end = time.monotonic() + patience_s
    while is_alive(directory):
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK_S)
    return True


def counted_elsewhere(info: ProcessInfo) -> bool:
    """Say whether a process number was given where this machine's process table can't tell.

    Records of earlier versions name no host: they count as this machine's.
    """
    if not info.host:
        return False
    return info.boot_id != boot_id() or info.pid_namespace != pid_namespace()


def check_free(directory: Path, *, what: str, hint: str, force: bool = False) -> None:
    """Raise where a job's folder may be in use.

    Args:
        directory: The job's folder.
        what: The job's name for the message.
        hint: What a person can do about one that runs.
        force: Pass over one that was heard elsewhere lately; a lock that is held still counts.

    Raises:
        RunElsewhere: It runs, or may run, where this machine can't see it.
        RunActive: It runs here.
    """
    life = look(directory)
    if life.where == "here":
        raise RunActive(f"{what} is still going", hint=hint)
    if life.where == "elsewhere" and (life.locked or not force):
        raise elsewhere(what, life, hint)


def elsewhere(what: str, life: Life, hint: str) -> RunElsewhere:
    """Return the refusal to touch a job that may run elsewhere."""
    ago = f"last heard {age_words(time.time() - life.heard_at)} ago"
    more = "its process holds the folder" if life.locked else "if it is surely gone, add --force"
    return RunElsewhere(
        f"{what} is left alone: it may be running elsewhere: {life.host or 'unknown host'}, {ago}",
        hint=f"{hint}; {more}",
    )


def heard_at(directory: Path) -> float:
    """Return when a job gave its last sign of life, by this machine's clock; 0 if it never did.

    It is the newer time of its log and its lock file, which the file system sets. Hosts that
    share a folder may have clocks that differ, so the file system's own clock is read as well.
    """
    newest = max(_changed(directory / EVENTS_FILE), _changed(directory / LOCK_FILE))
    return round(newest - _skew(directory), 1) if newest else 0.0


def _changed(path: Path) -> float:
    # Opened, since an NFS client asks the server for a file's time when it is opened.
    try:
        with open_plain(path) as handle:
            return os.fstat(handle.fileno()).st_mtime
    except OSError:
        return 0.0


_skews: dict[int, tuple[float, float]] = {}
_skews_lock = threading.Lock()


def _skew(directory: Path) -> float:
    """Return by how many seconds a file system's clock is ahead of this machine's."""
    try:
        device = directory.stat().st_dev
    except OSError:
        return 0.0
    with _skews_lock:
        measured, skew = _skews.get(device, (-_SKEW_HOLDS_S, 0.0))
        if time.monotonic() - measured >= _SKEW_HOLDS_S:
            skew = _measure_skew(directory)
            _skews[device] = (time.monotonic(), skew)
    return skew


def _measure_skew(directory: Path) -> float:
    try:
        with tempfile.TemporaryFile(prefix=".clock-", dir=directory) as handle:
            skew = os.fstat(handle.fileno()).st_mtime - time.time()
    except OSError:  # the folder is only to be read: the clocks are taken to agree
        return 0.0
    # Kernels stamp files with a clock that is some milliseconds behind.
    return skew if abs(skew) > _SKEW_MATTERS_S else 0.0
