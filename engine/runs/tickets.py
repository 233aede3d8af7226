"""The queue's tickets: a run that waits for its turn has a file ``queue.json`` in its folder.

A ticket stays until the run's process has begun its work, so a process that is killed while it
waits, or a machine that restarts, loses nobody's place. Nothing here starts a process.
"""

from __future__ import annotations

import json
import math
import re
import socket
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from engine.errors import RunError
from engine.paths import write_atomic
from engine.plain import read_plain
from engine.runs.events import EVENTS_FILE, read_events

TICKET_FILE = "queue.json"
TRIES = 3
"""How often a run whose waiting process died is woken by others, before a person has to look."""

_VERSION = 1
_CHECKPOINT = re.compile(r"[A-Za-z0-9-]{1,40}")


@dataclass(frozen=True, slots=True)
class Ticket:
    """A run's place in the queue.

    ``order`` sorts: the lowest is next. ``at`` is when the run joined, in seconds since the
    epoch; ``host`` the machine on which it waits. ``resume`` says that it goes on from a
    checkpoint: ``checkpoint``, or the newest whole one where that is empty. ``tries`` counts how
    often its process was started again without a person; ``offset`` is how many bytes the run's
    log had when it joined.
    """

    order: float
    at: float
    host: str
    resume: bool = False
    checkpoint: str = ""
    tries: int = 0
    offset: int = 0

    @property
    def arguments(self) -> list[str]:
        """What the recipe is told beside the folder."""
        if not self.resume:
            return []
        return ["resume", *([f"--from={self.checkpoint}"] if self.checkpoint else [])]


def read_ticket(directory: Path) -> Ticket | None:
    """Return a run's ticket, or None where it has none that can be read."""
    try:
        value = json.loads(read_plain(directory / TICKET_FILE))
        ticket = Ticket(
            order=float(value["order"]),
            at=float(value["at"]),
            host=str(value["host"]),
            resume=value.get("resume") is True,
            checkpoint=str(value.get("checkpoint", "")),
            tries=int(value.get("tries", 0)),
            offset=max(0, int(value.get("offset", 0))),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    sound = math.isfinite(ticket.order) and math.isfinite(ticket.at)
    # The name reaches a command line: one that is no checkpoint's is not taken along.
    if not sound or not (not ticket.checkpoint or _CHECKPOINT.fullmatch(ticket.checkpoint)):
        return None
    return ticket


def write_ticket(directory: Path, ticket: Ticket) -> None:
    """Write a run's ticket.

    Raises:
        DiskFull: There was no room.
    """
    data = json.dumps({"v": _VERSION, **asdict(ticket)}).encode() + b"\n"
    write_atomic(directory / TICKET_FILE, data)


def drop_ticket(directory: Path) -> bool:
    """Take a run's ticket away.

    Returns:
        Whether there was one.
    """
    try:
        (directory / TICKET_FILE).unlink()
    except OSError:
        return False
    return True


def tickets(runs_dir: Path) -> list[tuple[Path, Ticket]]:
    """Return the folders of the runs that have a ticket, with it, the next one first."""
    found = []
    # A link is no run of this workspace, and is not followed.
    for path in runs_dir.glob(f"*/{TICKET_FILE}"):
        ticket = None if path.parent.is_symlink() else read_ticket(path.parent)
        if ticket is not None:
            found.append((path.parent, ticket))
    return sorted(found, key=lambda one: (one[1].order, one[0].name))


def join(directory: Path, *, resume: bool = False, checkpoint: str = "") -> Ticket:
    """Put a run at the end of its workspace's queue, and return its ticket."""
    last = [ticket.order for _, ticket in tickets(directory.parent)][-1:]
    ticket = Ticket(
        order=(last[0] if last else 0.0) + 1,
        at=round(time.time(), 3),
        host=socket.gethostname(),
        resume=resume,
        checkpoint=checkpoint,
        offset=_log_size(directory),
    )
    write_ticket(directory, ticket)
    return ticket


def move_first(directory: Path) -> bool:
    """Make a run that waits the next one.

    Returns:
        Whether it has a ticket.
    """
    ticket = read_ticket(directory)
    if ticket is None:
        return False
    waiting = tickets(directory.parent)
    if waiting and waiting[0][0] != directory:
        write_ticket(directory, replace(ticket, order=waiting[0][1].order - 1))
    return True


def tried(directory: Path, tries: int) -> None:
    """Note how often a run's waiting process was started, and that it waits on this machine.

    Raises:
        RunError: It has left the queue meanwhile.
        DiskFull: There was no room.
    """
    ticket = read_ticket(directory)
    if ticket is None:
        raise RunError(f"run {directory.name} is not in the queue any more")
    write_ticket(directory, replace(ticket, tries=tries, host=socket.gethostname()))


def waits(directory: Path, ticket: Ticket | None) -> bool:
    """Say whether a run's ticket still counts.

    It does not once the run has begun: its process takes the ticket away then, and one that was
    killed before it could has still said in its log that it began.
    """
    if ticket is None:
        return False
    since, _ = read_events(directory, ticket.offset)
    return not any(event.type == "run_started" for event in since)


def waiting(runs_dir: Path) -> list[tuple[Path, Ticket]]:
    """Return the runs of a workspace that wait, the next one first."""
    return [(path, ticket) for path, ticket in tickets(runs_dir) if waits(path, ticket)]


def _log_size(directory: Path) -> int:
    try:
        return (directory / EVENTS_FILE).stat().st_size
    except OSError:
        return 0
