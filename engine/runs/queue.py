"""Runs that wait for the GPU or the processor, in order, each in a small process of its own.

The process that waits *becomes* the run: it holds the run's folder from the beginning, and its
number and lock stay when it begins to train. So a queued run is steered like any other, there is
no runner that could be missing, and closing the terminal changes nothing. One that died while it
waited keeps its ticket; the next that waits starts it again, or a person does.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from engine.errors import FinetuiError
from engine.runs.launcher import launch
from engine.runs.life import is_alive
from engine.runs.seats import occupant, take_seat, this_device, turn
from engine.runs.tickets import TRIES, join, tried, waiting

WAITING = "engine.runs.waiting"

Allowed = Callable[[Path], bool]
"""Says whether the run of a folder may be started without asking a person."""


def enqueue(
    directory: Path,
    module: str,
    *,
    resume: bool = False,
    checkpoint: str = "",
    environment: Mapping[str, str] | None = None,
    force: bool = False,
) -> None:
    """Put a run at the end of the queue, and start the process that waits for its turn.

    Args:
        directory: The run's folder.
        module: The recipe that it becomes.
        resume: Whether it goes on from a checkpoint.
        checkpoint: Which one; empty takes the newest that is whole.
        environment: Variables to add to this process's own.
        force: See :func:`engine.runs.launcher.launch`.

    Raises:
        RunActive: It runs, or waits, already.
        RunFailed: The process could not be started.
        DiskFull: There is no room for its ticket.
    """
    launch(
        directory,
        WAITING,
        [module],
        environment=environment,
        force=force,
        before=lambda: join(directory, resume=resume, checkpoint=checkpoint),
    )


def wake(
    runs_dir: Path,
    module: str,
    *,
    allowed: Allowed,
    by_hand: bool = False,
    environment: Mapping[str, str] | None = None,
) -> list[Path]:
    """Start the waiting process of each queued run that has none.

    Args:
        runs_dir: The workspace's runs.
        module: The recipe that they become.
        allowed: Which of them may be started.
        by_hand: A person asks for it: one whose process died again and again is tried anew.
        environment: Variables to add to this process's own.

    Returns:
        The runs that were woken.
    """
    woken = []
    for directory, ticket in waiting(runs_dir):
        if is_alive(directory) or not allowed(directory):
            continue
        if not by_hand and (ticket.tries >= TRIES or ticket.host != socket.gethostname()):
            continue
        note = partial(tried, directory, 0 if by_hand else ticket.tries + 1)
        try:
            launch(directory, WAITING, [module], environment=environment, before=note)
        except FinetuiError:
            continue  # another terminal was quicker, or it can't be started: it stays in the queue
        woken.append(directory)
    return woken


def try_seat(directory: Path) -> int | None:
    """Take a seat of this machine's device if it is this run's turn.

    It is, where nothing computes on the device, and nobody waits here before it.

    Returns:
        The open file that holds the seat; None where the run has to wait.

    Raises:
        OSError: The seat's file can't be made.
    """
    device = this_device()
    with turn(device):
        if occupant(device) or _before(directory):
            return None
        return take_seat(device, directory)


def _before(directory: Path) -> bool:
    """Say whether a run that waits on this machine comes before another one."""
    for other, ticket in waiting(directory.parent):
        if other == directory:
            return False
        if ticket.host == socket.gethostname() and is_alive(other):
            return True
    return False
