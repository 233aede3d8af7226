"""What a job writes of itself into its folder, whatever its recipe writes beside that."""

from __future__ import annotations

from pathlib import Path

from engine.plain import check_plain
from engine.runs.control import CONTROL_DIR, KILL_FILE, STOP_FILE
from engine.runs.events import EVENTS_FILE, LOG_FILE
from engine.runs.hold import LOCK_FILE
from engine.runs.process import EXIT_FILE, PROCESS_FILE
from engine.runs.tickets import TICKET_FILE

RESERVE_FILE = CONTROL_DIR + "/reserve"
_FILES = (
    LOCK_FILE,
    EVENTS_FILE,
    LOG_FILE,
    PROCESS_FILE,
    EXIT_FILE,
    TICKET_FILE,
    f"{CONTROL_DIR}/{STOP_FILE}",
    f"{CONTROL_DIR}/{KILL_FILE}",
    RESERVE_FILE,
)


def check_folder(directory: Path) -> None:
    """Raise unless what a job writes of itself are files of its folder, or are not there yet.

    A folder may come from anybody. A link in it would lead the job's writing to any file of the
    person who starts it, and a pipe would keep it waiting; no link there is ever of use.

    Raises:
        PathUnusable: A link, or something else, stands in a file's place.
    """
    check_plain(directory, CONTROL_DIR, is_folder=True)
    for name in _FILES:
        check_plain(directory, name)
