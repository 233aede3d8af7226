"""How a job is told to stop: a file, then a signal, then the end.

Signals reach a process that this machine's process table shows. The files reach one on another
host of a shared folder, or in a container, too: it looks at them between steps and at each beat.
A signal is sent only to what is a job of the folder: its record alone may name any process.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from engine.plain import check_plain, open_own
from engine.runs.events import read_events
from engine.runs.fold import fold
from engine.runs.life import look, to_signal
from engine.runs.process import read_process, same_start
from engine.runs.tickets import drop_ticket

CONTROL_DIR = "control"
STOP_FILE = "stop"
KILL_FILE = "kill"


def clear_requests(directory: Path) -> None:
    """Forget earlier requests, before a job is launched again.

    Raises:
        PathUnusable: They would be in a folder that a link leads to.
    """
    check_plain(directory, CONTROL_DIR, is_folder=True)
    for name in (STOP_FILE, KILL_FILE):
        (directory / CONTROL_DIR / name).unlink(missing_ok=True)


def stop_requested(directory: Path) -> bool:
    """Say whether a job was asked to stop."""
    return (directory / CONTROL_DIR / STOP_FILE).exists()


def kill_requested(directory: Path) -> bool:
    """Say whether a job was ended by :func:`kill`."""
    return (directory / CONTROL_DIR / KILL_FILE).exists()


def request_stop(directory: Path) -> bool:
    """Ask a job to save what it has and stop.

    One in the queue leaves it. The file is what a job looks at between steps; SIGTERM wakes one
    that waits. The signal is sent only once the job listens to it, since before that it would
    end the process without a word.

    Returns:
        Whether there was a living job to ask, here or elsewhere.

    Raises:
        PathUnusable: A link or a pipe is where the request is written.
    """
    _mark(directory, STOP_FILE)
    queued = drop_ticket(directory)
    info = read_process(directory)
    if info is None or not to_signal(directory, info):
        return queued or look(directory, info).where == "elsewhere"
    events, _ = read_events(directory)
    view = fold(events)
    if view.pid == info.pid and view.ended and same_start(view.pid_start, info.start_time):
        return False  # it has said its last word and is only not quite gone
    if view.pid == info.pid:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(info.pid, signal.SIGTERM)
    return True


def kill(directory: Path) -> bool:
    """End a job and its children at once; what was not saved is lost.

    One elsewhere ends itself when it sees the file, within some seconds.

    Returns:
        Whether there was a living job to end.

    Raises:
        PathUnusable: A link or a pipe is where the request is written.
    """
    _mark(directory, KILL_FILE)
    queued = drop_ticket(directory)
    info = read_process(directory)
    if info is None or not to_signal(directory, info):
        return queued or look(directory, info).where == "elsewhere"
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # A job leads a process group of its own, which its children share.
        if os.getpgid(info.pid) == info.pid:
            os.killpg(info.pid, signal.SIGKILL)
        else:
            os.kill(info.pid, signal.SIGKILL)
    return True


def _mark(directory: Path, name: str) -> None:
    with contextlib.suppress(FileExistsError):  # whatever it is, it is looked at below
        (directory / CONTROL_DIR).mkdir(parents=True)
    handle = open_own(directory, f"{CONTROL_DIR}/{name}", os.O_WRONLY | os.O_CREAT)
    try:
        os.utime(handle)
    finally:
        os.close(handle)
